package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/acquire"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/step/extract"
	"github.com/lockstep-data/lockstep/shared/step/finish"
	"github.com/lockstep-data/lockstep/shared/step/load"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/shared/store"
)

// hand calls steps as the state machine does, one by one.
type hand struct {
	*lab
	s    *session
	call stage.Call
}

// at makes a call of a state that was entered now.
func (h *hand) at() stage.Call {
	c := h.call
	c.Entered = h.s.Env.Now()
	return c
}

// byHand makes calls for a run that was started before, in the first leg of its top.
func (l *lab) byHand(s *session, run string) *hand {
	l.Helper()
	lock, err := s.store.Lock(l.Context(), "things")
	l.ok(err)
	written, _, err := l.Job(l.Context(), "things")
	l.ok(err)
	return &hand{l, s, stage.Call{Run: run, Job: "things", Term: lock.Term, Digest: written.Digest(), Concurrency: 1, Leg: 1, Execution: run}}
}

// drain takes a partition through the loop up to its end.
func (h *hand) drain(p stage.PlanItem) {
	h.Helper()
	item := stage.Item{Stream: p.Stream, Partition: p.Partition, Seq: p.Seq, Position: p.Position, Budget: p.Budget}
	for range 100 {
		c := h.at()
		c.Item = item
		e, err := extract.Run(h.Context(), h.s.Env, c)
		h.ok(err)
		if e.Next == stage.NextDone {
			return
		}
		item.Start, item.End, item.Batch = e.Start, e.End, e.Batch
		c = h.at()
		c.Item = item
		done, err := load.Run(h.Context(), h.s.Env, c)
		h.ok(err)
		item.Seq, item.Position, item.Turns = done.Seq, done.Position, item.Turns+1
	}
	h.Fatalf("partition %s has no end", p.Partition)
}

func TestFinish_Redriven(t *testing.T) {
	t.Parallel()
	f := &fakeSource{ids: []string{"a", "b"}, parts: map[string][]row{"a": rowsOf(0, 7), "b": rowsOf(100, 7)}}
	bad := true
	f.onNext = func(_ context.Context, part string, at int) error {
		if bad && part == "b" && at == 3 {
			return fault.New(fault.DataInvalid, "the second part is broken")
		}
		return nil
	}
	l := fakeLab(t, f, fakeJob("full", "append", "concurrency: 1"))
	l.within(func(s *session) {
		r := l.walk(s, runner.Request{Run: "x"})
		l.is(r, store.RunFailed, 10, 10, 0, 0)
		l.lock(s, store.Failed, "x", "DataInvalid")
		bad = false

		h := l.byHand(s, "x")
		h.call.Redrive = 1
		h.call.Sums = stage.Sums{Partitions: 2, Read: 10, Loaded: 10, Errors: 1, FirstError: "Lockstep.DataInvalid"}
		got, err := finish.Run(t.Context(), s.Env, h.at())
		if err != nil || !got.More {
			t.Fatalf("finish: %+v, %v; want more", got, err)
		}
		l.lock(s, store.InProgress, "x", "DataInvalid")

		h.call.Leg, h.call.Redrive, h.call.Execution = 2, 0, "x-l2-r1-t0"
		planned, err := plan.Run(t.Context(), s.Env, h.at())
		l.ok(err)
		if len(planned.Partitions) != 1 || planned.Partitions[0].Partition != "b" || planned.Partitions[0].Seq != 1 || planned.Partitions[0].Position != "p3" {
			t.Fatalf("leg 2 gets %+v, want partition b behind its first batch", planned.Partitions)
		}
		h.drain(planned.Partitions[0])

		h.call.Redrive, h.call.Execution = 1, "x"
		h.call.Sums = stage.Sums{Partitions: 1, Read: 4, Loaded: 4}
		got, err = finish.Run(t.Context(), s.Env, h.at())
		if err != nil || got.More || got.Status != string(store.RunSucceeded) {
			t.Fatalf("finish: %+v, %v", got, err)
		}
		l.ok(closing.Run(t.Context(), s.Env, closing.End{Job: "things", Run: "x", Epoch: store.Epoch(1, 3, 0, 0), Succeeded: true}))
		l.lock(s, store.Succeeded, "x", "")
		row, err := s.store.Run(t.Context(), "things", "x")
		l.ok(err)
		l.is(runner.Result{Run: row}, store.RunSucceeded, 14, 14, 0, 0)
	})
	equal(t, l.query("select count(*), count(distinct id) from s"), "14|14")
}

// stateFiles are the files of the local state.
func (l *lab) stateFiles() []string {
	var out []string
	for _, name := range []string{"state.db", "state.db-wal", "state.db-shm"} {
		out = append(out, filepath.Join(l.dir, ".lockstep", name))
	}
	return out
}

// keepState copies the state away and answers what puts the copy back.
func (l *lab) keepState() (restore func()) {
	l.Helper()
	kept := map[string][]byte{}
	for _, path := range l.stateFiles() {
		data, err := os.ReadFile(path)
		if err == nil {
			kept[path] = data
		}
	}
	return func() {
		l.Helper()
		for _, path := range l.stateFiles() {
			l.ok(os.RemoveAll(path))
			if data, ok := kept[path]; ok {
				l.ok(os.WriteFile(path, data, 0o644))
			}
		}
	}
}

func TestRunner_StateOlderThanTheDestination(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"full", "incremental"} {
		for _, what := range []string{"lost", "restored from an older copy"} {
			t.Run(mode+", "+what, func(t *testing.T) {
				t.Parallel()
				f := oneOf(rowsOf(0, 4)...)
				l := fakeLab(t, f, fakeJob(mode, "upsert", ""))
				restore := l.keepState()
				l.run(runner.Request{Run: "one"})
				if what != "lost" {
					restore = l.keepState()
				}
				f.parts["a"] = rowsOf(0, 8)
				l.run(runner.Request{Run: "two"})
				before := l.query("select * from s order by id")
				restore()
				for i := range f.parts["a"] {
					f.parts["a"][i].name = "new"
				}
				f.parts["a"] = append(f.parts["a"], row{99, "new"})
				r := l.run(runner.Request{Run: "three"})
				l.is(r, store.RunFailed, 0, 0, 0, 0)
				if r.Run.ErrorCode != string(fault.StateBehind) || r.Lock.Status != store.Ignored || r.Lock.ErrorCode != string(fault.StateBehind) {
					t.Errorf("the run failed with %s: %s; lock %s %s", r.Run.ErrorCode, r.Run.ErrorText, r.Lock.Status, r.Lock.ErrorCode)
				}
				equal(t, l.query("select * from s order by id"), before...)
				l.is(l.run(runner.Request{Run: "four"}), store.RunIgnored, 0, 0, 0, 0)
				l.within(func(s *session) {
					if _, err := s.Env.Protocol.Reopen(t.Context(), store.ReopenRequest{Job: "things"}); !fault.Has(err, fault.StateBehind) {
						t.Errorf("a plain reset: %v", err)
					}
					l.lock(s, store.Ignored, "three", "StateBehind")
				})
				equal(t, l.query("select * from s order by id"), before...)
			})
		}
	}
}

func TestRunner_DeletedIsCountedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after bool
		code  fault.Code
	}{
		"the request is lost":                        {false, fault.Timeout},
		"the answer is lost":                         {true, fault.Timeout},
		"the answer is lost, the request sent again": {true, fault.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := oneOf(rowsOf(0, 6)...)
			l := fakeLab(t, f, fakeJob("full", "{mode: upsert, delete_missing: true}", ""))
			l.want(store.RunSucceeded, 6, 6, 0, 0)
			f.parts["a"] = rowsOf(0, 4)
			l.within(func(s *session) {
				lost := 0
				s.Clock = quickClock{}
				s.Env.Protocol.Store = &hookedStore{Store: s.store, after: c.after, drain: func(store.DrainCheckpoint) error {
					if lost++; lost == 1 {
						return fault.New(c.code, "no answer")
					}
					return nil
				}}
				r := l.walk(s, runner.Request{Run: "x"})
				l.is(r, store.RunSucceeded, 4, 4, 0, 0)
				if r.Run.Counters.Deleted != 2 || lost == 0 {
					t.Errorf("%d rows are said to be deleted, not 2", r.Run.Counters.Deleted)
				}
				l.lock(s, store.Succeeded, "x", "")
			})
			equal(t, l.query("select count(*) from s"), "4")
		})
	}
}

func TestRunner_CrashBetweenReleaseAndTheRunsRow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		bad    int64
		status store.RunStatus
		counts []int64
	}{
		"for good, records failed": {errDead, -1, store.RunPartial, []int64{3, 2, 0, 1}},
		"for good, none failed":    {errDead, 2, store.RunSucceeded, []int64{3, 3, 0, 0}},
		"tried again":              {fault.New(fault.Timeout, "no answer"), -1, store.RunPartial, []int64{3, 2, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fakeLab(t, oneOf(row{1, "x"}, row{c.bad, "y"}, row{3, "z"}), fakeJob("full", "upsert", ""))
			l.within(func(s *session) {
				lost := 0
				s.Clock = quickClock{}
				s.Env.Protocol.Store = &hookedStore{Store: s.store, update: func(change store.RunChange) error {
					if change.Status != nil && change.Status.Ended() && lost == 0 {
						lost++
						return c.err
					}
					return nil
				}}
				r := l.walk(s, runner.Request{Run: "x"})
				l.is(r, c.status, c.counts...)
				if lost != 1 || r.Run.ErrorCode != "" || r.Run.EndedAt.IsZero() {
					t.Errorf("lost %d, error %s: %s, ended %v", lost, r.Run.ErrorCode, r.Run.ErrorText, r.Run.EndedAt)
				}
				l.lock(s, store.Succeeded, "x", "")
			})
			if r := l.run(runner.Request{}); r.Continued {
				t.Error("a run that has succeeded was continued")
			}
		})
	}
}

// TestRunner_ErrorNamesOfTheMachine: what Step Functions calls an error is never a run's error code.
func TestRunner_ErrorNamesOfTheMachine(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]fault.Code{
		"States.Timeout": fault.Timeout, "Sandbox.Timedout": fault.Timeout, "States.Runtime": fault.Internal, "States.TaskFailed": fault.Internal,
		"Lambda.Unknown": fault.Internal, "Lockstep.wrapError": fault.Internal, "": fault.Internal,
		"Lockstep.DataInvalid": fault.DataInvalid, "AuthDenied": fault.AuthDenied,
	} {
		if got := step.CodeOf(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
		for _, how := range []string{"a partition", "the execution"} {
			if how == "a partition" && name != "States.Timeout" && name != "States.TaskFailed" && name != "Lockstep.DataInvalid" {
				continue
			}
			t.Run(fmt.Sprintf("%s ends %s", name, how), func(t *testing.T) {
				t.Parallel()
				l := fakeLab(t, oneOf(rowsOf(0, 3)...), fakeJob("full", "append", ""))
				l.within(func(s *session) { l.endedWith(s, how, name, want) })
			})
		}
	}
}

// endedWith ends a run by hand with an error of the machine, and checks what the run and the lock say.
func (l *lab) endedWith(s *session, how, name string, want fault.Code) {
	l.Helper()
	_, err := acquire.Run(l.Context(), s.Env, stage.AcquireCall{
		Entered: time.Now(), Execution: "x", Name: "x", Input: []byte(`{"job": "things", "run": "x"}`),
	})
	l.ok(err)
	h := l.byHand(s, "x")
	_, err = plan.Run(l.Context(), s.Env, h.at())
	l.ok(err)
	end := closing.End{Job: "things", Run: "x", Epoch: store.Epoch(0, 1, 0, 0), Holder: s.holder.ID(), Code: fault.Code(name), Message: "the cause"}
	if how == "a partition" {
		h.call.Sums = stage.Sums{Partitions: 1, Errors: 1, FirstError: name}
		_, err := finish.Run(l.Context(), s.Env, h.at())
		if !fault.Has(err, fault.PartitionsFailed) {
			l.Errorf("finish: %v", err)
		}
		end.Code = fault.PartitionsFailed
	}
	l.ok(closing.Run(l.Context(), s.Env, end))
	row, err := s.store.Run(l.Context(), "things", "x")
	l.ok(err)
	if row.Status != store.RunFailed || row.ErrorCode != string(want) || strings.TrimSpace(row.ErrorText) == "" {
		l.Errorf("run is %s %q (%s), want %s", row.Status, row.ErrorCode, row.ErrorText, want)
	}
	l.lock(s, store.Failed, "x", string(want))
}
