package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const passing = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one","Elapsed":0.1}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"pass","Package":"p","Elapsed":0.5}
`

const skipping = `{"Action":"run","Package":"q","Test":"TestS"}
{"Action":"output","Package":"q","Test":"TestS","Output":"=== RUN   TestS\n"}
{"Action":"output","Package":"q","Test":"TestS","Output":"    q_test.go:5: needs a moon\n"}
{"Action":"skip","Package":"q","Test":"TestS","Elapsed":0}
{"Action":"pass","Package":"q","Elapsed":0.1}
`

const failing = `{"Action":"run","Package":"r","Test":"TestF"}
{"Action":"output","Package":"r","Test":"TestF","Output":"    r_test.go:9: got 1, want 2\n"}
{"Action":"output","Package":"r","Test":"TestF","Output":"--- FAIL: TestF (0.00s)\n"}
{"Action":"fail","Package":"r","Test":"TestF","Elapsed":0}
{"Action":"output","Package":"r","Output":"FAIL\n"}
{"Action":"fail","Package":"r","Elapsed":0.1}
`

const unbuilt = `{"ImportPath":"s [s.test]","Action":"build-output","Output":"s/s.go:3: undefined: x\n"}
{"ImportPath":"s [s.test]","Action":"build-fail"}
{"Action":"start","Package":"s"}
{"Action":"output","Package":"s","Output":"FAIL\ts [build failed]\n"}
{"Action":"fail","Package":"s","Elapsed":0,"FailedBuild":"s [s.test]"}
`

const panicking = `{"Action":"run","Package":"t","Test":"TestP"}
{"Action":"output","Package":"t","Output":"panic: boom\n"}
{"Action":"fail","Package":"t","Elapsed":0.1}
`

const timedOut = `{"Action":"run","Package":"w","Test":"TestW"}
{"Action":"output","Package":"w","Test":"TestW","Output":"=== RUN   TestW\\n"}
{"Action":"output","Package":"w","Test":"TestW","Output":"panic: test timed out after 3m0s\\n"}
{"Action":"fail","Package":"w","Test":"TestW","Elapsed":180}
{"Action":"output","Package":"w","Output":"FAIL\\tw\\t180.0s\\n"}
{"Action":"fail","Package":"w","Elapsed":180}
`

const cut = `{"Action":"run","Package":"u","Test":"TestCut"}
`

const untested = `{"Action":"start","Package":"v"}
{"Action":"output","Package":"v","Output":"?   \tv\t[no test files]\n"}
{"Action":"skip","Package":"v","Elapsed":0}
`

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		in     string
		least  string // content of the file with the minimum; empty: none
		strict bool
		last   string
		holds  string // a part of the report
		fails  bool
	}{
		{name: "subtests count", in: passing, last: "2 passed, 0 failed, 0 skipped", holds: "ok    p"},
		{name: "minimum met", in: passing, least: "2\n", last: "2 passed, 0 failed, 0 skipped"},
		{name: "minimum missed", in: passing, least: "3", last: "2 passed, 0 failed, 0 skipped", holds: "at least 3 must", fails: true},
		{name: "skip on a laptop", in: passing + skipping, last: "2 passed, 0 failed, 1 skipped", holds: "skipped: q TestS: q_test.go:5: needs a moon"},
		{name: "skip in CI", in: passing + skipping, strict: true, last: "2 passed, 0 failed, 1 skipped", holds: "in CI each must run", fails: true},
		{name: "failed test", in: passing + failing, last: "2 passed, 1 failed, 0 skipped", holds: "got 1, want 2", fails: true},
		{name: "build error", in: unbuilt, last: "0 passed, 1 failed, 0 skipped", holds: "undefined: x", fails: true},
		{name: "panic", in: panicking, last: "0 passed, 1 failed, 0 skipped", holds: "panic: boom", fails: true},
		{name: "time-out", in: timedOut, last: "0 passed, 1 failed, 0 skipped", holds: "panic: test timed out", fails: true},
		{name: "stream cut off", in: cut, last: "0 passed, 1 failed, 0 skipped", holds: "FAIL: u TestCut", fails: true},
		{name: "nothing ran", in: untested, last: "0 passed, 0 failed, 0 skipped", holds: "no test ran", fails: true},
		{name: "package without tests", in: untested + passing, strict: true, last: "2 passed, 0 failed, 0 skipped"},
		{name: "note of the go command", in: "go: downloading x\n" + passing, last: "2 passed, 0 failed, 0 skipped", holds: "go: downloading x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options{slow: 1, strict: tt.strict}
			if tt.least != "" {
				o.minFile = filepath.Join(t.TempDir(), "min")
				if err := os.WriteFile(o.minFile, []byte(tt.least), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var out strings.Builder
			err := run(strings.NewReader(tt.in), &out, o)
			if (err != nil) != tt.fails {
				t.Errorf("error %v, want one: %v", err, tt.fails)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if got := lines[len(lines)-1]; got != tt.last {
				t.Errorf("last line %q, want %q", got, tt.last)
			}
			if !strings.Contains(out.String(), tt.holds) {
				t.Errorf("report lacks %q:\n%s", tt.holds, out.String())
			}
		})
	}
}

func TestRun_BadMinimum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "min")
	if err := os.WriteFile(path, []byte("many"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(strings.NewReader(passing), &out, options{minFile: path}); err == nil {
		t.Error("no error for a minimum that is no number")
	}
}
