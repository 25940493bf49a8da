package runner_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// rows writes the source: so many records from the first on.
func (l *lab) rows(n int) {
	l.Helper()
	lines := []string{"id,name"}
	for i := range n {
		lines = append(lines, fmt.Sprintf("%d,name of the record with the number %d", i, i*7919))
	}
	l.write("in/things.csv", lines...)
}

const onDisk = `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: %s, columns: {id: int, name: string}}]
destinations:
  - %s
max_tries: 50
batch: {records: 500}
`

// diskCases are destinations below out/, with what tells whether all records are there once.
var diskCases = []struct {
	name, mode, destination string
	count                   func(l *lab) string
}{
	{"sqlite", "full", `{connector: sqlite, config: {path: out/out.db}, write: {mode: upsert}}`, countTable},
	{"sqlite-append", "incremental", `{connector: sqlite, config: {path: out/out.db}, write: append}`, countTable},
	{"csv-replace", "full", `{connector: file, config: {path: out/things.csv}, write: replace}`, countLines("out/things.csv")},
	{"ndjson-append", "incremental", `{connector: file, config: {path: out/things.ndjson}, write: append}`, countLines("out/things.ndjson")},
}

func countTable(l *lab) string {
	rows, err := queryAll(filepath.Join(l.dir, "out/out.db"), "select count(*), count(distinct id) from things")
	l.ok(err)
	return fmt.Sprint(rows)
}

func countLines(name string) func(l *lab) string {
	return func(l *lab) string {
		data, err := os.ReadFile(filepath.Join(l.dir, name))
		l.ok(err)
		n, different := lineCount(data)
		return fmt.Sprint(n, different)
	}
}

func lineCount(data []byte) (n, different int) {
	seen := map[string]bool{}
	start := 0
	for i, b := range data {
		if b == '\n' {
			seen[string(data[start:i])], start = true, i+1
			n++
		}
	}
	return n, len(seen)
}

func wantCount(name string, n int) string {
	switch name {
	case "csv-replace": // with the header
		return fmt.Sprint(n+1, n+1)
	case "ndjson-append":
		return fmt.Sprint(n, n)
	}
	return fmt.Sprintf("[%d|%d]", n, n)
}

// TestRestored puts an older copy of the state back, of before the last run or before any: the job is shut, Restore mends it, and nothing
// is doubled or lacks.
func TestRestored(t *testing.T) {
	t.Parallel()
	for _, c := range diskCases {
		for _, when := range []string{"one run older", "lost"} {
			t.Run(c.name+"/"+when, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, fmt.Sprintf(onDisk, c.mode, c.destination))
				restore := l.keepState()
				l.rows(600)
				l.want(store.RunSucceeded, 600, 600, 0, 0)
				if when != "lost" {
					restore = l.keepState()
				}
				l.rows(2_700)
				l.run(runner.Request{})
				restore()
				l.rows(3_000)
				r, err := l.try(runner.Request{})
				if err != nil || r.Run.ErrorCode != string(fault.StateBehind) {
					t.Fatalf("with the copy: %s %s: %s, %v", r.Run.Status, r.Run.ErrorCode, r.Run.ErrorText, err)
				}
				if got, want := c.count(l), wantCount(c.name, 2_700); got != want {
					t.Errorf("with the copy something was written: %s records, not %s", got, want)
				}
				l.within(func(s *session) {
					before, err := s.store.Lock(t.Context(), "things")
					l.ok(err)
					done, err := s.Restore(t.Context(), "things")
					l.ok(err)
					if moved := len(done.Moved) > 0; moved != (c.mode == "incremental") {
						t.Errorf("moved %+v", done.Moved)
					}
					after, err := s.store.Lock(t.Context(), "things")
					l.ok(err)
					if after.Status != store.Pending || after.Term != before.Term+store.Lift || after.Tries != 0 {
						t.Errorf("the lock: %+v", after)
					}
				})
				end := l.run(runner.Request{})
				if end.Run.Status != store.RunSucceeded || c.mode == "incremental" && end.Run.Counters.Read != 300 {
					t.Errorf("mended it is %s %s: %s, %+v", end.Run.Status, end.Run.ErrorCode, end.Run.ErrorText, end.Run.Counters)
				}
				if got, want := c.count(l), wantCount(c.name, 3_000); got != want {
					t.Errorf("got %s records, want %s", got, want)
				}
				l.want(store.RunSucceeded, 0, 0, 0, 0)
			})
		}
	}
}

func TestRestored_Refused(t *testing.T) {
	t.Parallel()
	l := newLab(t, fmt.Sprintf(onDisk, "incremental", diskCases[1].destination))
	l.rows(10)
	l.within(func(s *session) {
		if _, err := s.Restore(t.Context(), "things"); !fault.Has(err, fault.NotReady) {
			t.Errorf("a job that never ran: %v", err)
		}
	})
	l.want(store.RunSucceeded, 10, 10, 0, 0)
	l.within(func(s *session) {
		done, err := s.Restore(t.Context(), "things")
		if err != nil || len(done.Moved) != 0 {
			t.Errorf("nothing is behind: %+v, %v", done, err)
		}
	})
	l.rows(20)
	l.want(store.RunSucceeded, 10, 10, 0, 0)
	if got := countTable(l); got != wantCount("sqlite-append", 20) {
		t.Errorf("got %s records", got)
	}
}
