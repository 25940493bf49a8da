package runner_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/step/load"
	"github.com/lockstep-data/lockstep/shared/store"
)

// errDead is what a store answers to a process that is as good as killed.
var errDead = fault.New(fault.Internal, "the process lost its store: %w", errors.New("gone"))

func TestRunner_StartedTwiceRunsOnce(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		s.Env.Progress = func(p step.Progress) {
			if p.Seq != 3 {
				return
			}
			l.within(func(other *session) {
				r := l.walk(other, runner.Request{Run: "x"})
				l.is(r, store.RunRunning, 9, 9, 0, 0) // the row of the one that works
				if !r.Held || r.Lock.Holder != s.holder.ID() {
					t.Errorf("held %v, by %s", r.Held, r.Lock.Holder)
				}
				// The end of an execution that was held says nothing about the run.
				l.ok(closing.Run(t.Context(), other.Env, closing.End{Job: "things", Run: "x", Epoch: store.Epoch(0, 1, 0, 0), Succeeded: true}))
				l.lock(other, store.InProgress, "x", "")
			})
		}
		r := l.walk(s, runner.Request{Run: "x"})
		l.is(r, store.RunSucceeded, 30, 30, 0, 0)
		if r.Held || r.Run.ErrorCode != "" {
			t.Errorf("held %v, error %s", r.Held, r.Run.ErrorCode)
		}
		l.lock(s, store.Succeeded, "x", "")
	})
	equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
}

// died leaves a run behind whose process is gone behind its second batch, and answers its id.
func (l *lab) died() string {
	l.Helper()
	l.within(func(s *session) {
		dead := false
		s.Env.Protocol.Store = &hookedStore{Store: s.store, dead: func() bool { return dead }}
		s.Env.Progress = func(p step.Progress) { dead = dead || p.Seq == 2 }
		if _, err := s.Run(l.Context(), runner.Request{Job: "things", Run: "x"}); err == nil {
			l.Fatal("the run has an end")
		}
	})
	return "x"
}

func TestRunner_TwoContinueOneDeadRun(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{"the later one is held": nil, "the later one fails before it asks for the lock": errDead} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", ""))
			run := l.died()
			l.within(func(first *session) {
				l.within(func(late *session) { l.continued(first, late, run, answer) })
				l.lock(first, store.Succeeded, run, "")
			})
			equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
		})
	}
}

// continued lets two sessions continue the run: the late one decides to, but the first takes the lock before it does. The answer is what
// the late one's next call of the store gives it then.
func (l *lab) continued(first, late *session, run string, answer error) {
	l.Helper()
	type end struct {
		runner.Result
		err error
	}
	ended := make(chan end, 1)
	working, goOn := make(chan struct{}), make(chan struct{})
	first.Env.Progress = func(p step.Progress) {
		if p.Seq == 3 {
			close(working)
			<-goOn
		}
	}
	late.Env.Protocol.Store = &hookedStore{Store: late.store, start: func(store.Run) error {
		go func() {
			r, err := first.Run(l.Context(), runner.Request{Job: "things"})
			ended <- end{r, err}
		}()
		<-working
		return answer
	}}
	r := l.walk(late, runner.Request{})
	if r.Run.ID != run || r.Run.Status != store.RunRunning || r.Held != (answer == nil) {
		l.Errorf("the later one: run %s is %s, held %v", r.Run.ID, r.Run.Status, r.Held)
	}
	l.lock(late, store.InProgress, run, "")
	close(goOn)
	e := <-ended
	l.ok(e.err)
	l.is(e.Result, store.RunSucceeded, 30, 30, 0, 0)
	if !e.Continued || e.Was != "died" || e.Run.ID != run {
		l.Errorf("run %s continued %v, was %s", e.Run.ID, e.Continued, e.Was)
	}
}

// lateLoad is an invocation of load from an hour ago that the platform delivers only now.
func (l *lab) lateLoad(s *session) error {
	lock, err := s.store.Lock(l.Context(), "things")
	l.ok(err)
	written, _, err := l.Job(l.Context(), "things")
	l.ok(err)
	_, err = load.Run(l.Context(), s.Env, stage.Call{
		Run: lock.Run, Job: "things", Term: lock.Term, Digest: written.Digest(), Leg: 1, Execution: lock.Run, Entered: time.Now().Add(-time.Hour),
		Item: stage.Item{Stream: "s", Partition: "a", Seq: 1, Position: "p3", Batch: "gone"},
	})
	return err
}

// noErrors checks that no partition of the run that has the job carries an error.
func (l *lab) noErrors(s *session) {
	l.Helper()
	lock, err := s.store.Lock(l.Context(), "things")
	l.ok(err)
	parts, err := s.store.Partitions(l.Context(), "things", lock.Run)
	l.ok(err)
	for _, p := range parts {
		if p.ErrorCode != "" {
			l.Errorf("partition %s has the error %s: %s", p.Partition, p.ErrorCode, p.ErrorText)
		}
	}
}

func TestRunner_LateTwinOfLoad(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 6)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		s.Env.Progress = func(p step.Progress) { // behind the last batch no checkpoint would clear what the twin leaves
			if p.Seq == 2 {
				if err := l.lateLoad(s); !fault.Has(err, fault.Duplicate) {
					t.Errorf("a twin in the run: %v", err)
				}
				l.noErrors(s)
			}
		}
		r := l.walk(s, runner.Request{})
		l.is(r, store.RunSucceeded, 6, 6, 0, 0)
		before, err := s.store.Checkpoints(t.Context(), "things", "")
		l.ok(err)
		if err := l.lateLoad(s); !fault.Has(err, fault.AlreadyDone) {
			t.Errorf("a twin behind the run: %v", err)
		}
		after, err := s.store.Checkpoints(t.Context(), "things", "")
		l.ok(err)
		if fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("the twin changed checkpoints\n%v\nto\n%v", before, after)
		}
		l.noErrors(s)
		l.lock(s, store.Succeeded, r.Run.ID, "")
	})
	equal(t, l.query("select count(*) from s"), "6")
	if r := l.want(store.RunSucceeded, 6, 6, 0, 0); r.Continued {
		t.Error("the run behind it is no new one")
	}
}

func TestRunner_LateCloseEventOfAnEarlierRedrive(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		drain := make(chan struct{})
		s.Env.Progress = func(p step.Progress) {
			if p.Seq == 2 {
				close(drain)
				waitStop(t, s.store)
			}
		}
		r := l.walk(s, runner.Request{Run: "x", Drain: drain})
		l.is(r, store.RunAborted, 6, 6, 0, 0)
		l.lock(s, store.Failed, "x", "Aborted")
		s.Env.Progress = func(p step.Progress) {
			if p.Seq != 4 {
				return
			}
			l.ok(closing.Run(t.Context(), s.Env, closing.End{
				Job: "things", Run: "x", Epoch: store.Epoch(0, 1, 0, 0), Code: "Aborted", Message: "the event of the first end, once more",
			}))
			l.lock(s, store.InProgress, "x", "Aborted")
			row, err := s.store.Run(t.Context(), "things", "x")
			if err != nil || row.Status != store.RunRunning || row.ErrorCode != "" {
				t.Errorf("%v: the run is %s (%s)", err, row.Status, row.ErrorCode)
			}
		}
		r = l.walk(s, runner.Request{})
		l.is(r, store.RunSucceeded, 30, 30, 0, 0)
		if !r.Continued || r.Run.ErrorCode != "" {
			t.Errorf("continued %v, error %s", r.Continued, r.Run.ErrorCode)
		}
		l.lock(s, store.Succeeded, "x", "")
	})
	equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
}

func TestRunner_DrainLeavesTheRunThatHoldsTheJob(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		s.Env.Progress = func(p step.Progress) {
			if p.Seq != 3 {
				return
			}
			drain := make(chan struct{})
			close(drain)
			l.within(func(other *session) {
				r := l.walk(other, runner.Request{New: true, Drain: drain})
				l.is(r, store.RunSkipped, 0, 0, 0, 0)
				if !r.Held || r.Run.ErrorCode != string(fault.Held) || r.Lock.Stop != "" {
					t.Errorf("held %v, error %s, lock asked to stop with %q", r.Held, r.Run.ErrorCode, r.Lock.Stop)
				}
				l.lock(other, store.InProgress, "x", "")
			})
		}
		l.is(l.walk(s, runner.Request{Run: "x"}), store.RunSucceeded, 30, 30, 0, 0)
		l.lock(s, store.Succeeded, "x", "")
	})
	equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
}

func TestRunner_DrainBeforeTheLockIsHeld(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 30)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		drain := make(chan struct{})
		close(drain)
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			waitStop(t, s.store)
		}()
		s.Env.Progress = func(step.Progress) {
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Error("the run was not asked to stop")
			}
		}
		r := l.walk(s, runner.Request{Run: "x", Drain: drain})
		if c := r.Run.Counters; r.Run.Status != store.RunAborted || c.Read > 3 || c.Read != c.Loaded {
			t.Errorf("run is %s, %+v", r.Run.Status, c)
		}
		l.lock(s, store.Failed, "x", "Aborted")
	})
	l.want(store.RunSucceeded, 30, 30, 0, 0)
	equal(t, l.query("select count(*), count(distinct id) from s"), "30|30")
}
