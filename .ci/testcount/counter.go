package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail events
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string // import path of the build that failed the package
}

// key names one test, or with an empty test the package itself.
type key struct{ pkg, test string }

// String returns the name as the report shows it.
func (k key) String() string {
	if k.test == "" {
		return k.pkg
	}
	return k.pkg + " " + k.test
}

// pkgTime is a package and the seconds its tests took.
type pkgTime struct {
	pkg     string
	seconds float64
}

// counter adds up the events of one run.
type counter struct {
	w       io.Writer
	passed  int
	failed  []key
	skipped []key
	times   []pkgTime
	output  map[key]*strings.Builder    // of tests and packages that have not passed
	build   map[string]*strings.Builder // compiler output by import path
	open    map[key]bool                // started, not ended
	inPkg   map[string]*tally
}

// tally counts the tests of one package.
type tally struct{ passed, failed, skipped int }

func newCounter(w io.Writer) *counter {
	return &counter{
		w:      w,
		output: map[key]*strings.Builder{},
		build:  map[string]*strings.Builder{},
		open:   map[key]bool{},
		inPkg:  map[string]*tally{},
	}
}

// read takes events from r until its end. Lines that are no events (notes of
// the go command) are printed as they are.
func (c *counter) read(r io.Reader) error {
	br := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := br.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			c.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
	}
}

func (c *counter) line(line []byte) {
	var e event
	if line[0] != '{' || json.Unmarshal(line, &e) != nil || e.Action == "" {
		fmt.Fprintf(c.w, "%s\n", bytes.TrimRight(line, "\r\n"))
		return
	}
	c.add(e)
}

// add counts one event.
func (c *counter) add(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		appendTo(c.build, e.ImportPath, e.Output)
	case "output":
		appendTo(c.output, k, e.Output)
	case "run":
		c.open[k] = true
	case "pass", "fail", "skip":
		if e.Test == "" {
			c.endPackage(e)
			return
		}
		delete(c.open, k)
		c.end(k, e.Action)
	}
}

// end counts a test that ended with the given action.
func (c *counter) end(k key, action string) {
	t := c.tally(k.pkg)
	switch action {
	case "pass":
		c.passed++
		t.passed++
		delete(c.output, k)
	case "skip":
		c.skipped = append(c.skipped, k)
		t.skipped++
	default:
		c.failed = append(c.failed, k)
		t.failed++
	}
}

// endPackage closes a package: a test that started and never ended counts as
// failed, and so does a package that failed without a failing test (a build
// error, an exit in the middle, a leak check in TestMain).
func (c *counter) endPackage(e event) {
	t := c.tally(e.Package)
	if e.Action == "fail" {
		for _, k := range c.openTests(e.Package) {
			delete(c.open, k)
			c.end(k, "fail")
		}
		if t.failed == 0 {
			k := key{pkg: e.Package}
			if b := c.build[e.FailedBuild]; b != nil {
				appendTo(c.output, k, b.String())
			}
			c.end(k, "fail")
		}
	} else {
		delete(c.output, key{pkg: e.Package})
	}
	if e.Action == "skip" && *t == (tally{}) {
		return // a package without test files
	}
	c.times = append(c.times, pkgTime{e.Package, e.Elapsed})
	mark := "ok  "
	if e.Action == "fail" {
		mark = "FAIL"
	}
	fmt.Fprintf(c.w, "%s  %-60s %4d tests %7.2f s\n", mark, e.Package, t.passed+t.failed+t.skipped, e.Elapsed)
}

// finish closes tests whose package never reported an end, as when the
// stream was cut off.
func (c *counter) finish() {
	for _, k := range c.openTests("") {
		delete(c.open, k)
		c.end(k, "fail")
	}
}

// openTests returns the started tests of a package in order; the empty name
// means all packages.
func (c *counter) openTests(pkg string) []key {
	var ks []key
	for k := range c.open {
		if pkg == "" || k.pkg == pkg {
			ks = append(ks, k)
		}
	}
	sortKeys(ks)
	return ks
}

func (c *counter) tally(pkg string) *tally {
	t := c.inPkg[pkg]
	if t == nil {
		t = &tally{}
		c.inPkg[pkg] = t
	}
	return t
}

func appendTo[K comparable](m map[K]*strings.Builder, k K, s string) {
	b := m[k]
	if b == nil {
		b = &strings.Builder{}
		m[k] = b
	}
	b.WriteString(s)
}

func sortKeys(ks []key) {
	sort.Slice(ks, func(i, j int) bool {
		if ks[i].pkg != ks[j].pkg {
			return ks[i].pkg < ks[j].pkg
		}
		return ks[i].test < ks[j].test
	})
}
