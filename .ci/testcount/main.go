// Command testcount reads the event stream of `go test -json` from standard
// input and turns it into a report for people: one line a package while the
// tests run, then the output of what failed, the slowest packages and, as the
// last line, "N passed, N failed, N skipped". Subtests count as tests.
//
// It exits with 1 when a test or a package failed, when nothing ran, when
// fewer tests passed than the number in the file given by -min, or when a
// test was skipped while the environment variable CI is "true".
//
// It lives in .ci, out of reach of ./..., because it checks the product and
// is no part of it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	minFile := flag.String("min", "", "file with the least number of tests that must pass")
	slow := flag.Int("slow", 5, "number of slowest packages to print")
	flag.Parse()
	strict := os.Getenv("CI") == "true"
	if err := run(os.Stdin, os.Stdout, options{minFile: *minFile, slow: *slow, strict: strict}); err != nil {
		os.Exit(1)
	}
}

// options are the settings of one report.
type options struct {
	minFile string // empty: no minimum
	slow    int    // packages listed as slowest; 0 lists none
	strict  bool   // a skipped test is a failure
}

// run reads events from r until its end and writes the report to w. It
// returns an error when the run must count as failed; the reason is already
// in the report then.
func run(r io.Reader, w io.Writer, o options) error {
	least := 0
	if o.minFile != "" {
		var err error
		if least, err = readMin(o.minFile); err != nil {
			fmt.Fprintf(w, "testcount: %v\n", err)
			return err
		}
	}
	c := newCounter(w)
	if err := c.read(r); err != nil {
		fmt.Fprintf(w, "testcount: %v\n", err)
		return err
	}
	c.finish()
	c.printFailures()
	c.printSkips()
	c.printSlowest(o.slow)
	problems := c.problems(least, o.strict)
	for _, p := range problems {
		fmt.Fprintf(w, "testcount: %s\n", p)
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", c.passed, len(c.failed), len(c.skipped))
	if len(problems) > 0 {
		return fmt.Errorf("%d problems", len(problems))
	}
	return nil
}

// readMin returns the number that the file at path holds.
func readMin(path string) (int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read the minimum: %w", err)
	}
	n, err := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: want one number, 0 or more", path)
	}
	return n, nil
}
