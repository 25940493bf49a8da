package runner_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

func TestRunner_Incremental(t *testing.T) {
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/log.ndjson}
  streams: [{name: log, key: [id], cursor: at}]
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: append
batch: {records: 2}
`)
	lines := []string{`{"id":1,"at":"2026-01-01T00:00:00Z"}`, `{"id":2,"at":"2026-01-01T00:00:01Z"}`, `{"id":3,"at":"2026-01-01T00:00:01Z"}`}
	l.write("in/log.ndjson", lines...)
	l.want(store.RunSucceeded, 3, 3, 0, 0)
	l.want(store.RunSucceeded, 0, 0, 0, 0)
	lines = append(lines, `{"id":4,"at":"2026-01-01T00:00:01Z"}`)
	l.write("in/log.ndjson", lines...)
	l.want(store.RunSucceeded, 1, 1, 0, 0)
	lines = append(lines, `{"id":5,"at":"2026-01-01T00:00:02Z"}`, `{"id":6}`)
	l.write("in/log.ndjson", lines...)
	l.want(store.RunPartial, 2, 1, 0, 1)
	l.want(store.RunSucceeded, 0, 0, 0, 0)
	equal(t, l.query("select id from log order by id"), "1", "2", "3", "4", "5")
}

func TestRunner_Legs(t *testing.T) {
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/*.csv}
  streams: [{name: things, key: [id], mode: full}]
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: upsert
`)
	for i := range 230 { // a leg hands out 200 partitions
		l.write(fmt.Sprintf("in/%03d.csv", i), "id,name", fmt.Sprintf("%d,a", 2*i), fmt.Sprintf("%d,b", 2*i+1))
	}
	l.want(store.RunSucceeded, 460, 460, 0, 0)
	equal(t, l.query("select count(*), count(distinct id) from things"), "460|460")
	l.want(store.RunSucceeded, 0, 0, 0, 0)
}

// lossyStore does not answer a checkpoint; what is lost is the request or only the answer.
type lossyStore struct {
	store.Store
	calls   atomic.Int64
	lose    int64
	applied bool
}

func (s *lossyStore) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	if s.calls.Add(1) == s.lose {
		if s.applied {
			if _, _, err := s.Store.Checkpoint(ctx, w); err != nil {
				return store.Checkpoint{}, false, err
			}
		}
		return store.Checkpoint{}, false, fault.New(fault.Internal, "the process lost its store: %w", errors.New("gone"))
	}
	return s.Store.Checkpoint(ctx, w)
}

func TestRunner_LostBetweenDestinationAndCheckpoint(t *testing.T) {
	for name, applied := range map[string]bool{"the request is lost": false, "the answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, strings.Replace(fmt.Sprintf(copied, 2), "{mode: upsert, delete_missing: true}", "append", 1))
			l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e")
			s, err := l.open(t.Context())
			l.ok(err)
			s.Env.Protocol.Store = &lossyStore{Store: s.store, lose: 2, applied: applied}
			r, err := s.Run(t.Context(), runner.Request{Job: "things"})
			s.close()
			if err != nil || r.Run.Status != store.RunFailed {
				t.Fatalf("%v: %s", err, r.Run.Status)
			}
			equal(t, l.query("select id from things order by id"), "1", "2", "3", "4")
			again := l.run(runner.Request{})
			if c := again.Run.Counters; again.Run.Status != store.RunSucceeded || c.Read != 5 || c.Loaded != 5 || c.Inserted != 5 || c.Batches != 3 {
				t.Errorf("%s, %+v", again.Run.Status, c)
			}
			equal(t, l.query("select id from things order by id"), "1", "2", "3", "4", "5")
		})
	}
}

func TestRunner_TwoDestinations(t *testing.T) {
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: full}]
destinations:
  - name: file
    connector: file
    config: {path: "out/things.ndjson"}
    write: replace
    transforms:
      - drop: [size]
  - name: db
    connector: sqlite
    config: {path: out.db}
    write: append
`)
	db, err := sql.Open("sqlite", filepath.Join(l.dir, "out.db"))
	l.ok(err)
	_, err = db.Exec("create table things (id integer, name text, size integer check (size < 10))")
	l.ok(err)
	l.ok(db.Close())
	l.write("in/things.csv", "id,name,size", "1,a,5", "2,b,50", "3,c,7")
	r := l.want(store.RunPartial, 3, 2, 0, 1)
	equal(t, l.query("select id from things order by id"), "1", "3")
	data, err := os.ReadFile(filepath.Join(l.dir, "out/things.ndjson"))
	l.ok(err)
	equal(t, strings.Split(strings.TrimSpace(string(data)), "\n"), `{"id":1,"name":"a"}`, `{"id":3,"name":"c"}`)
	if text := l.failures(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "load DataInvalid [2]") {
		t.Errorf("failures of run %s:%s", r.Run.ID, text)
	}
}

func TestRunner_History(t *testing.T) {
	l := newLab(t, fmt.Sprintf(copied, 2))
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c")
	r := l.want(store.RunSucceeded, 3, 3, 0, 0)
	s, err := l.open(t.Context())
	l.ok(err)
	defer s.close()
	steps, _, err := s.store.Steps(t.Context(), store.StepQuery{Job: "things", Run: r.Run.ID, Limit: 100})
	l.ok(err)
	count := map[string]int{}
	ids := map[string]bool{}
	for _, e := range steps {
		count[e.Step+" "+e.Status]++
		ids[e.ID] = true
		if e.EndedAt.Before(e.StartedAt) || e.StartedAt.IsZero() {
			t.Errorf("step %s took from %v to %v", e.ID, e.StartedAt, e.EndedAt)
		}
	}
	for step, want := range map[string]int{"plan completed": 1, "extract completed": 2, "transform completed": 2, "load completed": 2, "finish completed": 1} {
		if count[step] != want {
			t.Errorf("%d times %s, want %d (%v)", count[step], step, want, count)
		}
	}
	if len(ids) != len(steps) {
		t.Error("two step executions share an id")
	}
	logs, _, err := s.store.Logs(t.Context(), store.LogQuery{Job: "things", Run: r.Run.ID, Keyword: "batch loaded", Limit: 100})
	l.ok(err)
	if len(logs) != 2 || !strings.Contains(string(logs[0].Attrs), `"records":2`) {
		t.Errorf("log events: %+v", logs)
	}
	if r.Run.Steps["load"] != "completed" || r.Run.Percent != 100 || len(r.Run.Snapshot) == 0 || r.Run.EndedAt.IsZero() {
		t.Errorf("run: steps %v, %d %%, ended %v", r.Run.Steps, r.Run.Percent, r.Run.EndedAt)
	}
}

func TestRunner_PercentWhileItRuns(t *testing.T) {
	l := newLab(t, fmt.Sprintf(copied, 2))
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e", "6,f", "7,g", "8,h")
	var clock atomic.Int64
	start := time.Now()
	l.now = func() time.Time { return start.Add(time.Duration(clock.Add(1)) * time.Second) }
	s, err := l.open(t.Context())
	l.ok(err)
	defer s.close()
	s.Env.StepTimeout = time.Hour
	var seen []int
	s.Env.Progress = func(step.Progress) {
		runs, _, err := s.store.Runs(t.Context(), store.RunQuery{Job: "things", Limit: 1})
		if err != nil || len(runs) != 1 {
			t.Errorf("runs: %v, %v", runs, err)
			return
		}
		seen = append(seen, runs[0].Percent)
	}
	r, err := s.Run(t.Context(), runner.Request{Job: "things"})
	l.ok(err)
	if len(seen) != 4 || seen[0] != 0 || seen[1] <= 0 || seen[3] <= seen[1] || seen[3] >= 100 || r.Run.Percent != 100 {
		t.Errorf("percent before each batch %v, at the end %d", seen, r.Run.Percent)
	}
}
