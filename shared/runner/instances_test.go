package runner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// TestRunner_Instances runs a job beside itself: the later run has a lock of its own, leaves the stream to the earlier one, and ends well.
func TestRunner_Instances(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"full", "incremental"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := oneOf(rowsOf(0, 30)...)
			l := fakeLab(t, f, fakeJob(mode, "append", "max_instances: 2"))
			var beside string
			l.within(func(s *session) {
				s.Env.Progress = func(p step.Progress) {
					if p.Seq != 3 {
						return
					}
					l.within(func(other *session) {
						r := l.walk(other, runner.Request{Run: "y", New: true})
						l.is(r, store.RunSucceeded, 0, 0, 0, 0)
						if r.Held || r.Lock.Run != "y" || r.Lock.Status != store.Succeeded {
							t.Errorf("held %v, lock %+v", r.Held, r.Lock)
						}
						beside = r.Lock.Job
						if !slices.ContainsFunc(r.Run.Notices, func(n string) bool { return strings.Contains(n, "left to another run") }) {
							t.Errorf("notices %q", r.Run.Notices)
						}
					})
				}
				r := l.walk(s, runner.Request{Run: "x", New: true})
				l.is(r, store.RunSucceeded, 30, 30, 0, 0)
				if r.Lock.Job == beside || beside == "" {
					t.Errorf("both runs had the lock %q", beside)
				}
			})
			equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
			if mode == "full" {
				return
			}
			f.parts["a"] = append(f.parts["a"], rowsOf(30, 6)...)
			for i, run := range []string{"v", "w", "y2", "z"} { // whichever slot they begin at
				l.within(func(s *session) {
					r := l.walk(s, runner.Request{Run: run, New: true})
					l.is(r, store.RunSucceeded, int64(6*(1-min(i, 1))), int64(6*(1-min(i, 1))), 0, 0)
				})
			}
			equal(t, l.query("select count(*), count(distinct id) from s"), "36|36")
		})
	}
}

// TestRunner_InstancesContinue lets the process of a run that is in another slot than the first die: the next one goes on with it.
func TestRunner_InstancesContinue(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", "max_instances: 3"))
	l.within(func(s *session) {
		for _, slot := range []int{0, 1} {
			_, applied, err := s.store.Acquire(t.Context(), store.TakeLock{
				Job: store.LockName("things", slot), Run: "gone", RVN: "gone", Epoch: store.Epoch(0, 1, 0, 0), Holder: "exec:gone", Now: s.Env.Now(), LeaseUntil: s.Env.Now(), MaxTries: 3,
			})
			l.ok(err)
			if !applied {
				t.Fatal("not acquired")
			}
		}
	})
	run := l.died()
	l.within(func(s *session) {
		r := l.walk(s, runner.Request{})
		l.is(r, store.RunSucceeded, 30, 30, 0, 0)
		if !r.Continued || r.Run.ID != run || r.Lock.Job != store.LockName("things", 2) {
			t.Errorf("continued %v run %s with the lock %s", r.Continued, r.Run.ID, r.Lock.Job)
		}
	})
	equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
}
