package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/transform"
)

const mirror = `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: full, columns: {size: int}}]
transforms:
  - filter: not hidden
  - set: {name: upper(name)}
rules:
  - range: {column: size, min: 1}
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: {mode: upsert, delete_missing: true}
batch: {records: 3}
`

func TestRunner_Mirror(t *testing.T) {
	l := newLab(t, mirror)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,0,false", "3,c,3,true", "4,d,4,false", "5,e,5,false")
	r := l.want(store.RunPartial, 5, 3, 1, 1)
	if c := r.Run.Counters; c.Inserted != 3 || c.Updated != 0 || c.Deleted != 0 || c.Batches != 2 {
		t.Errorf("counters %+v", c)
	}
	equal(t, l.query("select id, name, size from things order by id"), "1|A|1", "4|D|4", "5|E|5")

	t.Run("nothing changed", func(t *testing.T) {
		l.T = t
		l.want(store.RunSucceeded, 0, 0, 0, 0)
		now := time.Now().Add(time.Hour)
		if err := os.Chtimes(filepath.Join(l.dir, "in/things.csv"), now, now); err != nil {
			t.Fatal(err)
		}
		l.want(store.RunSucceeded, 0, 0, 0, 0)
	})
	t.Run("a newer file moves what changed", func(t *testing.T) {
		l.T = t
		l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,2,false", "3,c,3,false", "5,e,50,false", "6,f,0,false")
		r := l.want(store.RunPartial, 5, 4, 0, 1)
		if c := r.Run.Counters; c.Inserted != 2 || c.Updated != 1 || c.Unchanged != 1 || c.Deleted != 1 {
			t.Errorf("counters %+v", c)
		}
		equal(t, l.query("select id, name, size from things order by id"), "1|A|1", "2|B|2", "3|C|3", "5|E|50")
	})
	t.Run("a record that fails now keeps its old row", func(t *testing.T) {
		l.T = t
		l.write("in/things.csv", "id,name,size,hidden", "1,a,0,false", "2,b,2,false", "3,c,3,false")
		l.want(store.RunPartial, 3, 2, 0, 1)
		equal(t, l.query("select id, name, size from things order by id"), "1|A|1", "2|B|2", "3|C|3")
	})
	t.Run("the destination is gone", func(t *testing.T) {
		l.T = t
		for _, f := range []string{"out.db", "out.db-wal", "out.db-shm"} {
			_ = os.Remove(filepath.Join(l.dir, f))
		}
		l.want(store.RunPartial, 3, 2, 0, 1)
		equal(t, l.query("select id from things order by id"), "2", "3")
	})
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRunner_Failures(t *testing.T) {
	l := newLab(t, mirror)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,0,false", "3,c,x,false")
	l.want(store.RunPartial, 3, 1, 0, 2)
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	failures, _, err := s.store.Failures(t.Context(), store.FailureQuery{Job: "things", Limit: 10})
	if err != nil || len(failures) == 0 {
		t.Fatalf("failures: %v, %v", failures, err)
	}
	phases := map[string]string{}
	for _, f := range failures {
		phases[f.Phase] += f.Key + " " + f.Code + ";"
		if len(f.Snapshot) == 0 && f.Raw == "" {
			t.Errorf("failure without its record: %+v", f)
		}
	}
	if !strings.Contains(phases["validate"], "[2]") {
		t.Errorf("failures by phase: %v", phases)
	}
}

// parts is a project of four files, one of which fails while bad is set.
func parts(t *testing.T, bad *atomic.Bool) *lab {
	t.Helper()
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/*.csv}
  streams: [{name: things, key: [id], mode: full}]
transforms:
  - func: fragile
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: upsert
batch: {records: 2}
max_tries: 3
`)
	l.catalog = l.catalog.WithFunc("fragile", fragile(bad))
	for file := range 4 {
		lines := []string{"id,name"}
		for row := range 5 {
			lines = append(lines, fmt.Sprintf("%d,n%d", file*10+row, row))
		}
		l.write(fmt.Sprintf("in/part%d.csv", file), lines...)
	}
	return l
}

// fragile passes records on, but fails the batch of record 22 for good while bad is set.
func fragile(bad *atomic.Bool) transform.Func {
	return transform.Func{Process: func(_ context.Context, in []transform.Record) ([]transform.Answer, error) {
		out := make([]transform.Answer, len(in))
		for i, r := range in {
			if id := r.Int("id"); id == 22 && bad.Load() {
				return nil, fault.New(fault.DataInvalid, "the third part is broken")
			}
			out[i] = transform.Replace(r)
		}
		return out, nil
	}}
}

func TestRunner_OnePartitionFails(t *testing.T) {
	var bad atomic.Bool
	bad.Store(true)
	l := parts(t, &bad)
	r := l.want(store.RunFailed, 17, 17, 0, 0)
	if r.Run.ErrorCode != "DataInvalid" || !strings.Contains(r.Run.ErrorText, "the third part is broken") {
		t.Errorf("run failed with %s: %s", r.Run.ErrorCode, r.Run.ErrorText)
	}
	equal(t, l.query("select count(*) from things"), "17")

	bad.Store(false)
	again := l.run(runner.Request{})
	if !again.Continued || again.Run.ID != r.Run.ID {
		t.Errorf("run %s does not continue run %s", again.Run.ID, r.Run.ID)
	}
	if c := again.Run.Counters; again.Run.Status != store.RunSucceeded || c.Read != 20 || c.Batches != 12 {
		t.Errorf("%s, %+v; the three parts that were done must not be read again", again.Run.Status, c)
	}
	equal(t, l.query("select count(*) from things"), "20")
}

func TestRunner_IgnoredAfterItsTries(t *testing.T) {
	var bad atomic.Bool
	bad.Store(true)
	l := parts(t, &bad)
	for range 4 { // a new run, one continued with progress behind it, which is forgiven, and two without
		l.want(store.RunFailed, 17, 17, 0, 0)
	}
	r := l.run(runner.Request{})
	if r.Lock.Status != store.Ignored {
		t.Fatalf("lock is %s after the tries are used up", r.Lock.Status)
	}
	if r = l.run(runner.Request{New: true}); r.Run.Status != store.RunIgnored {
		t.Errorf("a new run is %s", r.Run.Status)
	}
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.Env.Protocol.Reopen(t.Context(), store.ReopenRequest{Job: "things"}); err != nil {
		t.Fatal(err)
	}
	bad.Store(false)
	l.want(store.RunSucceeded, 20, 20, 0, 0)
}

func TestRunner_Stop(t *testing.T) {
	l := newLab(t, strings.Replace(mirror, "records: 3", "records: 2", 1))
	lines := []string{"id,name,size,hidden"}
	for i := range 40 {
		lines = append(lines, fmt.Sprintf("%d,n,1,false", i))
	}
	l.write("in/things.csv", lines...)
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	drain := make(chan struct{})
	s.Env.Progress = func(p step.Progress) {
		if p.Seq == 3 {
			close(drain)
			waitStop(t, s.store)
		}
	}
	r, err := s.Run(t.Context(), runner.Request{Job: "things", Drain: drain})
	s.close()
	if err != nil || r.Run.Status != store.RunAborted || r.Run.Counters.Read != 6 || !r.Run.Counters.Closed() {
		t.Fatalf("%v %s %+v", err, r.Run.Status, r.Run.Counters)
	}
	again := l.run(runner.Request{})
	if !again.Continued || again.Run.Status != store.RunSucceeded || again.Run.Counters.Read != 40 {
		t.Errorf("continued %v, %s, %+v", again.Continued, again.Run.Status, again.Run.Counters)
	}
	equal(t, l.query("select count(*) from things"), "40")
}

// waitStop waits until the request to stop stands in the store.
func waitStop(t *testing.T, s store.Store) {
	for t.Context().Err() == nil {
		lock, err := s.Lock(t.Context(), "things")
		if err != nil || lock.Stop != "" {
			return
		}
	}
}

func TestRunner_CancelEndsAtOnce(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l := newLab(t, mirror)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,2,false", "3,c,3,false", "4,d,4,false", "5,e,5,false")
	s, err := l.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.Env.Progress = func(step.Progress) { cancel() }
	r, err := s.Run(ctx, runner.Request{Job: "things"})
	s.close()
	if err != nil || r.Run.Status != store.RunAborted || r.Lock.Status != store.Failed {
		t.Fatalf("%v: run %s, lock %s", err, r.Run.Status, r.Lock.Status)
	}
	l.want(store.RunSucceeded, 5, 5, 0, 0)
}

func TestRunner_FailureBudget(t *testing.T) {
	l := newLab(t, mirror+"on_failure: {window: {size: 10, threshold: 1}}\n")
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,0,false", "3,c,3,false", "4,d,4,false", "5,e,0,false", "6,f,6,false")
	r := l.want(store.RunFailed, 4, 3, 0, 1)
	if r.Run.ErrorCode != string(fault.FailureBudgetExceeded) {
		t.Errorf("failed with %s: %s", r.Run.ErrorCode, r.Run.ErrorText)
	}
	equal(t, l.query("select id from things order by id"), "1", "3", "4")
}

func TestRunner_Deterministic(t *testing.T) {
	sums := map[string]bool{}
	for range 2 {
		l := newLab(t, mirror)
		l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,0,false", "3,c,3,true")
		s, err := l.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.Env.KeepBatches = true
		if _, err := s.Run(t.Context(), runner.Request{Job: "things", Run: "one"}); err != nil {
			t.Fatal(err)
		}
		keys, err := blob.Keys(t.Context(), s.Env.Blobs, "runs/things/one/batches/")
		if err != nil || len(keys) != 3 {
			t.Fatalf("batch objects: %v, %v", keys, err)
		}
		var all strings.Builder
		for _, k := range keys {
			data, err := s.Env.Blobs.Read(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := record.Unmarshal(data); err != nil {
				t.Errorf("%s: %v", k, err)
			}
			all.WriteString(k)
			all.Write(data)
		}
		sums[all.String()] = true
		s.close()
	}
	if len(sums) != 1 {
		t.Error("two runs of one input made different batches")
	}
}
