package main

import (
	"fmt"
	"sort"
	"strings"
)

// maxOutput is the number of bytes that the report shows of one failure; the
// middle of a longer output is left out.
const maxOutput = 20_000

// printFailures writes each failed test with its own output.
func (c *counter) printFailures() {
	sortKeys(c.failed)
	for _, k := range c.failed {
		fmt.Fprintf(c.w, "\n--- FAIL: %s\n%s", k, c.text(k))
	}
	if len(c.failed) > 0 {
		fmt.Fprintln(c.w)
	}
}

// text returns the output of a test. That of its package follows for a test
// that did not end by itself: a panic or a time-out is written there.
func (c *counter) text(k key) string {
	var s string
	if b := c.output[k]; b != nil {
		s = b.String()
	}
	if k.test != "" && !strings.Contains(s, "--- FAIL") {
		if b := c.output[key{pkg: k.pkg}]; b != nil {
			s += b.String()
		}
	}
	if len(s) > maxOutput {
		s = s[:maxOutput/2] + "\n…\n" + s[len(s)-maxOutput/2:]
	}
	if s != "" && !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

// printSkips writes each skipped test with the reason that it gave.
func (c *counter) printSkips() {
	sortKeys(c.skipped)
	for _, k := range c.skipped {
		fmt.Fprintf(c.w, "skipped: %s: %s\n", k, c.reason(k))
	}
}

// reason returns the first line of a skipped test's output that is no mark of
// the testing package.
func (c *counter) reason(k key) string {
	if b := c.output[k]; b != nil {
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
				return line
			}
		}
	}
	return "no reason given"
}

// printSlowest writes the n packages that took longest.
func (c *counter) printSlowest(n int) {
	sort.SliceStable(c.times, func(i, j int) bool { return c.times[i].seconds > c.times[j].seconds })
	if n > len(c.times) {
		n = len(c.times)
	}
	for i, t := range c.times[:n] {
		if i == 0 {
			fmt.Fprintln(c.w, "slowest packages:")
		}
		fmt.Fprintf(c.w, "  %7.2f s  %s\n", t.seconds, t.pkg)
	}
}

// problems says why the run counts as failed; none means that it passed.
func (c *counter) problems(least int, strict bool) []string {
	var ps []string
	if len(c.failed) > 0 {
		ps = append(ps, fmt.Sprintf("%d tests or packages failed", len(c.failed)))
	}
	if c.passed+len(c.failed)+len(c.skipped) == 0 {
		ps = append(ps, "no test ran")
	}
	if c.passed < least {
		ps = append(ps, fmt.Sprintf("%d tests passed, at least %d must: a test has vanished or does not run", c.passed, least))
	}
	if strict && len(c.skipped) > 0 {
		ps = append(ps, fmt.Sprintf("%d tests were skipped: in CI each must run", len(c.skipped)))
	}
	return ps
}
