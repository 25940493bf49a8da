package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/transform"
)

const plain = `
id: things
source:
  connector: file
  config: {path: in/things.csv%s}
  streams: [{name: things, key: [id], mode: full%s}]
destinations:
  - connector: sqlite
    config: {path: %s}
    write: upsert
`

// badCase is one thing that is wrong with the input.
type badCase struct {
	config  string // more settings of the source
	stream  string // more settings of the stream
	path    string // of the destination; "" out.db
	file    string // content; "-" for none
	prepare func(l *lab)

	status store.RunStatus
	code   fault.Code // of the run
	says   []string   // in the run's error, or in the failures
	rows   string     // ids in the destination, when the run was not refused
}

func badCases() map[string]badCase {
	big := strings.Repeat("x", 10<<20)
	return map[string]badCase{
		"missing file":   {file: "-", status: store.RunFailed, code: fault.NotFound, says: []string{"in/things.csv"}},
		"empty file":     {file: "", status: store.RunFailed, code: fault.ConfigInvalid, says: []string{"id"}},
		"header only":    {file: "id,name\n", status: store.RunSucceeded},
		"ragged rows":    {file: "id,name\n1,a\n2\n3,c,d\n4,e\n", status: store.RunPartial, says: []string{"line 3", "line 4"}, rows: "1,4"},
		"wrong encoding": {file: "id,name\n1,caf\xe9\n2,b\n", status: store.RunPartial, says: []string{"UTF-8"}, rows: "2"},
		"encoding given": {file: "id,name\n1,caf\xe9\n", config: ", encoding: latin1", status: store.RunSucceeded, rows: "1"},
		"a 10 MB field":  {file: "id,name\n1,\"" + big + "\"\n2,b\n", status: store.RunSucceeded, rows: "1,2"},
		"a field beyond the limit": {
			file: "id,name\n1,\"" + big + "\"\n2,b\n", config: ", max_record: 1MiB", status: store.RunPartial, says: []string{"line 2"}, rows: "2",
		},
		"NUL bytes":            {file: "id,name\n1,a\x00b\n2,b\n", status: store.RunPartial, says: []string{"NUL"}, rows: "2"},
		"integer beyond int64": {file: "id,size\n1,99999999999999999999\n2,5\n", stream: ", columns: {size: int}", status: store.RunPartial, says: []string{"64 bits"}, rows: "2"},
		"NaN":                  {file: "id,size\n1,NaN\n2,5.5\n", stream: ", columns: {size: float}", status: store.RunPartial, says: []string{"NaN"}, rows: "2"},
		"wrong type":           {file: "id,size\n1,big\n2,5\n", stream: ", columns: {size: int}", status: store.RunPartial, says: []string{"size"}, rows: "2"},
		"unknown column":       {file: "id,name\n1,a\n", stream: ", columns: {nmae: string}", status: store.RunFailed, code: fault.ConfigInvalid, says: []string{"nmae", "name"}},
		"unknown key column":   {file: "key,name\n1,a\n", status: store.RunFailed, code: fault.ConfigInvalid, says: []string{`"id"`}},
		"duplicate header":     {file: "id,id\n1,a\n", status: store.RunFailed, code: fault.DataInvalid, says: []string{`"id"`}},
		"duplicate key":        {file: "id,name\n1,a\n2,b\n1,c\n", status: store.RunSucceeded, rows: "1,2"},
		"path out of the project": {
			file: "-", config: "", stream: "", status: store.RunFailed, code: fault.ConfigInvalid, says: []string{".."},
			prepare: func(l *lab) { l.rewrite("in/things.csv", "../things.csv") },
		},
		"symlink out of the project": {
			file: "-", status: store.RunFailed, code: fault.ConfigInvalid, says: []string{"things.csv"},
			prepare: func(l *lab) {
				outside := filepath.Join(l.TempDir(), "secret.csv")
				l.ok(os.WriteFile(outside, []byte("id\n1\n"), 0o644))
				l.ok(os.MkdirAll(filepath.Join(l.dir, "in"), 0o755))
				l.ok(os.Symlink(outside, filepath.Join(l.dir, "in/things.csv")))
			},
		},
		"destination is a folder": {
			file: "id\n1\n", path: "folder", status: store.RunFailed, says: []string{"folder"},
			prepare: func(l *lab) { l.ok(os.Mkdir(filepath.Join(l.dir, "folder"), 0o755)) },
		},
		"destination is no database": {
			file: "id\n1\n", path: "junk.db", status: store.RunFailed, code: fault.DataInvalid, says: []string{"junk.db"},
			prepare: func(l *lab) {
				l.ok(os.WriteFile(filepath.Join(l.dir, "junk.db"), []byte(strings.Repeat("not a database ", 500)), 0o644))
			},
		},
	}
}

// rewrite changes the job file.
func (l *lab) rewrite(from, to string) {
	l.Helper()
	path := filepath.Join(l.dir, "job.yaml")
	data, err := os.ReadFile(path)
	l.ok(err)
	l.ok(os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o644))
}

func (l *lab) ok(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func TestRunner_BadInput(t *testing.T) {
	for name, c := range badCases() {
		t.Run(name, func(t *testing.T) {
			path := c.path
			if path == "" {
				path = "out.db"
			}
			l := newLab(t, fmt.Sprintf(plain, c.config, c.stream, path))
			if c.file != "-" {
				l.ok(os.MkdirAll(filepath.Join(l.dir, "in"), 0o755))
				l.ok(os.WriteFile(filepath.Join(l.dir, "in/things.csv"), []byte(c.file), 0o644))
			}
			if c.prepare != nil {
				c.prepare(l)
			}
			c.check(l)
		})
	}
}

func (c badCase) check(l *lab) {
	l.Helper()
	r, err := l.try(runner.Request{})
	text := ""
	if err != nil { // refused before there was a run
		r.Run.Status, r.Run.ErrorCode, text = store.RunFailed, string(fault.CodeOf(err)), err.Error()
	}
	text += r.Run.ErrorText + l.failures()
	if r.Run.Status != c.status || (c.code != "" && r.Run.ErrorCode != string(c.code)) {
		l.Errorf("run is %s %s, want %s %s: %.300s", r.Run.Status, r.Run.ErrorCode, c.status, c.code, text)
	}
	for _, want := range c.says {
		if !strings.Contains(text, want) {
			l.Errorf("does not say %q: %.300s", want, text)
		}
	}
	if !r.Run.Counters.Closed() {
		l.Errorf("counters do not close: %+v", r.Run.Counters)
	}
	if c.status != store.RunFailed {
		if got := strings.Join(l.query("select id from things order by id"), ","); got != c.rows {
			l.Errorf("destination has %q, want %q", got, c.rows)
		}
	}
}

// failures gives the messages of the ledger.
func (l *lab) failures() string {
	l.Helper()
	s, err := l.open(l.Context())
	l.ok(err)
	defer s.close()
	failures, _, err := s.store.Failures(l.Context(), store.FailureQuery{Job: "things", Limit: 100})
	l.ok(err)
	var b strings.Builder
	for _, f := range failures {
		fmt.Fprintf(&b, "\n%s %s %s: %s", f.Phase, f.Code, f.Key, f.Message)
	}
	return b.String()
}

func TestRunner_CorruptBatch(t *testing.T) {
	l := newLab(t, strings.Replace(fmt.Sprintf(copied, 2), "  - set:", "  - func: trip\n  - set:", 1))
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e")
	ctx, cancel := context.WithCancel(t.Context())
	l.catalog = l.catalog.WithFunc("trip", transform.PerRecord(func(r transform.Record) (transform.Record, error) {
		if r.Int("id") == 3 {
			cancel() // in the second batch, which is cut but not loaded
		}
		return r, nil
	}))
	s, err := l.open(t.Context())
	l.ok(err)
	r, err := s.Run(ctx, runner.Request{Job: "things"})
	l.ok(err)
	keys, err := blob.Keys(t.Context(), s.Env.Blobs, "runs/things/"+r.Run.ID+"/batches/")
	l.ok(err)
	s.close()
	if len(keys) == 0 {
		t.Fatal("no batch was under way")
	}
	for _, k := range keys {
		path := filepath.Join(l.dir, ".lockstep/blobs", filepath.FromSlash(k))
		data, err := os.ReadFile(path)
		l.ok(err)
		if _, err := record.Unmarshal(data); err != nil {
			t.Fatalf("%s was damaged before: %v", k, err)
		}
		data[len(data)/2] ^= 0xff
		l.ok(os.WriteFile(path, data, 0o644))
	}
	again, err := l.try(runner.Request{})
	l.ok(err)
	if again.Run.Status != store.RunFailed || again.Run.ErrorCode != string(fault.DataInvalid) || !strings.Contains(again.Run.ErrorText, "--new") {
		t.Errorf("run is %s %s: %s", again.Run.Status, again.Run.ErrorCode, again.Run.ErrorText)
	}
	if fresh := l.run(runner.Request{New: true}); fresh.Run.Status != store.RunSucceeded || fresh.Run.Counters.Read != 5 {
		t.Errorf("a new run is %s, %+v", fresh.Run.Status, fresh.Run.Counters)
	}
}

func TestRunner_CorruptState(t *testing.T) {
	l := newLab(t, mirror)
	state := filepath.Join(l.dir, ".lockstep/state.db")
	l.ok(os.MkdirAll(filepath.Dir(state), 0o755))
	junk := []byte(strings.Repeat("this is not a database. ", 400))
	l.ok(os.WriteFile(state, junk, 0o644))
	_, err := l.open(t.Context())
	if !fault.Has(err, fault.DataInvalid) || !strings.Contains(err.Error(), "state.db") {
		t.Errorf("open: %v", err)
	}
	if after, err := os.ReadFile(state); err != nil || string(after) != string(junk) {
		t.Error("a state file that cannot be read was changed")
	}
}

func TestRunner_ClockSetBack(t *testing.T) {
	l := newLab(t, mirror)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false")
	l.want(store.RunSucceeded, 1, 1, 0, 0)
	l.now = func() time.Time { return time.Now().Add(-30 * 24 * time.Hour) }
	l.want(store.RunSucceeded, 0, 0, 0, 0)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,2,false")
	l.want(store.RunSucceeded, 2, 2, 0, 0)
	equal(t, l.query("select id from things order by id"), "1", "2")
}
