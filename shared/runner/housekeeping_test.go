package runner_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/store"
)

func TestRunner_Retention(t *testing.T) {
	l := newLab(t, mirror)
	l.write("in/things.csv", "id,name,size,hidden", "1,a,1,false", "2,b,0,false")
	first := l.want(store.RunPartial, 2, 1, 0, 1)
	l.now = func() time.Time { return time.Now().Add(31 * 24 * time.Hour) }
	second := l.run(runner.Request{Full: true})
	objects := func(run string) int {
		n := 0
		l.ok(filepath.WalkDir(filepath.Join(l.dir, ".lockstep/blobs/runs/things", run), func(_ string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				n++
			}
			return err
		}))
		return n
	}
	if n := objects(first.Run.ID); n != 0 {
		t.Errorf("%d objects of a run are left after 31 days", n)
	}
	if objects(second.Run.ID) == 0 {
		t.Error("the run's own plan is gone")
	}
	s, err := l.open(t.Context())
	l.ok(err)
	defer s.close()
	failures, _, err := s.store.Failures(t.Context(), store.FailureQuery{Job: "things", Limit: 10})
	l.ok(err)
	if len(failures) != 1 || failures[0].Run != second.Run.ID {
		t.Errorf("failures after 31 days: %+v", failures)
	}
	if _, err := s.store.Run(t.Context(), "things", first.Run.ID); err != nil {
		t.Errorf("the run itself is kept for 180 days: %v", err)
	}
	l.now = func() time.Time { return time.Now().Add(213 * 24 * time.Hour) }
	l.run(runner.Request{})
	runs, _, err := s.store.Runs(t.Context(), store.RunQuery{Job: "things", Limit: 10})
	l.ok(err)
	if len(runs) != 1 {
		t.Errorf("%d runs are left after 213 days", len(runs))
	}
}

func TestRunner_SweepsOtherJobs(t *testing.T) {
	l := newLab(t, fmt.Sprintf(copied, 2))
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e", "6,f", "7,g", "8,h")
	p := l.start()
	l.ok(p.ask(runner.Request{Job: "things"}))
	if s, err := p.next(); err != nil || s.Status != "" {
		t.Fatalf("%+v, %v", s, err)
	}
	l.ok(p.cmd.Process.Kill())
	_ = p.cmd.Wait()

	s, err := l.open(t.Context())
	l.ok(err)
	defer s.close()
	swept, err := closing.Sweep(t.Context(), s.Env, "things")
	if err != nil || len(swept) != 0 {
		t.Fatalf("%v, %v; the job itself is left to its next run", swept, err)
	}
	swept, err = closing.Sweep(t.Context(), s.Env, "other")
	l.ok(err)
	if len(swept) != 1 || swept[0].Job != "things" {
		t.Fatalf("swept %v", swept)
	}
	lock, err := s.store.Lock(t.Context(), "things")
	l.ok(err)
	row, err := s.store.Run(t.Context(), "things", swept[0].Run)
	l.ok(err)
	if lock.Status != store.Failed || lock.ErrorCode != "Zombie" || row.Status != store.RunFailed || row.ErrorCode != "Zombie" || row.EndedAt.IsZero() {
		t.Errorf("lock %s %s, run %s %s", lock.Status, lock.ErrorCode, row.Status, row.ErrorCode)
	}
	if again, err := closing.Sweep(t.Context(), s.Env, ""); err != nil || len(again) != 0 {
		t.Errorf("swept again: %v, %v", again, err)
	}
	r := l.run(runner.Request{})
	if !r.Continued || r.Was != "died" || r.Run.ID != swept[0].Run || r.Run.Counters.Read != 8 || r.Run.Status != store.RunSucceeded {
		t.Errorf("continued %v (%s), %s, %+v", r.Continued, r.Was, r.Run.Status, r.Run.Counters)
	}
}
