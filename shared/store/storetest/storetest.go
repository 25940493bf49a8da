// Package storetest is the contract suite of store.Store: every sentence of docs/protocol.md that a store must keep, as a case, and
// random schedules of runs that crash, freeze, lose answers and send late. Each implementation's tests call Run.
package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/store"
)

// Exception names a part of the contract that a kind of store keeps in another way.
type Exception string

// DeletesByItself is a store whose service deletes expired items in its own time: Expire has nothing to do and answers 0.
const DeletesByItself Exception = "deletes by itself"

// Run runs the contract over stores that open makes; each call must give an empty one whose clock says Start.
func Run(t *testing.T, open func(t *testing.T) store.Store, except ...Exception) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"Acquire", acquireCases()},
		{"Steal", stealCases()},
		{"Retake", retakeCases()},
		{"Lease", leaseCases()},
		{"Stop", stopCases()},
		{"Release", releaseCases()},
		{"Ignore", ignoreCases()},
		{"Reset", resetCases()},
		{"Locks", locksCases()},
		{"Bind", bindCases()},
		{"Checkpoint", checkpointCases()},
		{"Drain", drainCases()},
		{"Runs", runCases()},
		{"Details", detailCases()},
		{"Expire", expireCases(slices.Contains(except, DeletesByItself))},
		{"Take", takeCases()},
		{"Enter", enterCases()},
		{"Commit", commitCases()},
		{"End", endCases()},
		{"Pause", pauseCases()},
		{"Slots", slotCases()},
		{"Restore", restoreCases()},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			s := open(t) // cases of a group share a store: each has a job of its own
			for i, c := range g.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newEnv(t, s, fmt.Sprintf("%s-%d", g.name, i))) })
			}
		})
	}
	t.Run("Closed", func(t *testing.T) { closed(t, open(t)) })
}

// testCase is one sentence of the contract.
type testCase struct {
	name string
	run  func(*env)
}

// Start is when every case begins, and what the clock of a store under test says.
func Start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// env is one case's job, and short words for what it does to it. A word that begins with must ends the case when it fails.
type env struct {
	*testing.T
	s   store.Store
	job string
	now time.Time
}

func newEnv(t *testing.T, s store.Store, job string) *env {
	return &env{T: t, s: s, job: job, now: Start()}
}

// epochs in causal order: first leg, second leg, its redriven child, redriven top.
const (
	epoch1 = "0000#0001#0000#0000"
	epoch2 = "0000#0002#0000#0000"
	epoch3 = "0000#0002#0000#0001"
	epoch4 = "0001#0001#0000#0000"
)

// ok ends the case on an error.
func (e *env) ok(err error) {
	e.Helper()
	if err != nil {
		e.Fatalf("unexpected error: %v", err)
	}
}

// same compares what was got with what was wanted.
func (e *env) same(what string, got, want any) {
	e.Helper()
	if d := cmp.Diff(want, got); d != "" {
		e.Fatalf("%s (-want +got):\n%s", what, d)
	}
}

func (e *env) lock() store.Lock {
	e.Helper()
	l, err := e.s.Lock(e.Context(), e.job)
	e.ok(err)
	return l
}

// take is a request that ACQUIRE accepts for a lock that is free, and STEAL for one that is held.
func (e *env) take(run string) store.TakeLock {
	e.Helper()
	return store.TakeLock{
		Job: e.job, Run: run, RVN: "rvn-" + run, Epoch: epoch1, Holder: "exec:" + run, Seen: e.lock(), Now: e.now,
		LeaseUntil: e.now.Add(time.Minute), MaxTries: 3,
	}
}

func (e *env) mustAcquire(run string) store.Lock {
	e.Helper()
	l, applied, err := e.s.Acquire(e.Context(), e.take(run))
	e.ok(err)
	if !applied {
		e.Fatalf("acquire by %s was refused: %+v", run, l)
	}
	return l
}

func (e *env) mustRelease(l store.Lock, code string) store.Lock {
	e.Helper()
	l, applied, err := e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: code, Now: e.now})
	e.ok(err)
	if !applied {
		e.Fatalf("release was refused: %+v", l)
	}
	return l
}

func (e *env) mustStop(l store.Lock) store.Lock {
	e.Helper()
	l, applied, err := e.s.Stop(e.Context(), e.job, l.Term, "Stopped")
	e.ok(err)
	if !applied {
		e.Fatalf("stop was refused: %+v", l)
	}
	return l
}

// mustUseUp makes the job fail until its tries are used up.
func (e *env) mustUseUp() store.Lock {
	e.Helper()
	var l store.Lock
	for i := range 3 {
		l = e.mustRelease(e.mustAcquire(fmt.Sprintf("used-%d", i)), "Internal")
	}
	return l
}

// mustIgnore brings the job to IGNORED.
func (e *env) mustIgnore() store.Lock {
	e.Helper()
	l, applied, err := e.s.Ignore(e.Context(), store.IgnoreLock{Job: e.job, Seen: e.mustUseUp(), MaxTries: 3, Now: e.now})
	e.ok(err)
	if !applied {
		e.Fatalf("ignore was refused: %+v", l)
	}
	return l
}

func (e *env) mustReset(w store.ResetLock) store.Lock {
	e.Helper()
	w.Job, w.Seen, w.Now = e.job, e.lock(), e.now
	l, applied, err := e.s.Reset(e.Context(), w)
	e.ok(err)
	if !applied {
		e.Fatalf("reset was refused: %+v", l)
	}
	return l
}

func holding(l store.Lock) store.Holding {
	return store.Holding{Job: l.Job, Run: l.Run, Term: l.Term, Epoch: l.Epoch}
}

// applied checks a write that must change the lock: its answer and the stored item are want, but for updated_at.
func (e *env) applied(want store.Lock) func(store.Lock, bool, error) {
	return func(got store.Lock, applied bool, err error) {
		e.Helper()
		e.ok(err)
		if !applied {
			e.Fatalf("refused: %+v", got)
		}
		e.same("stored lock", e.lock(), got)
		want.UpdatedAt = got.UpdatedAt
		e.same("answered lock", got, want)
	}
}

// refused checks a write that must change nothing: it answers the item as it is.
func (e *env) refused(before store.Lock) func(store.Lock, bool, error) {
	return func(got store.Lock, applied bool, err error) {
		e.Helper()
		e.ok(err)
		if applied {
			e.Fatalf("applied: %+v", got)
		}
		e.same("answered lock", got, before)
		e.same("stored lock", e.lock(), before)
	}
}

// closed checks that a store says so when it is used after Close.
func closed(t *testing.T, s store.Store) {
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if _, err := s.Lock(t.Context(), "j"); err == nil {
		t.Error("Lock after Close gave no error")
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping after Close gave no error")
	}
}
