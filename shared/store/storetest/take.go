package storetest

import (
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// refusal is a TakeLock that must be refused: how the lock came to be, and what is wrong with the request (nil: nothing but that).
type refusal struct {
	name  string
	given func(*env)
	wrong func(*store.TakeLock)
}

// refusals makes cases of requests that are refused and change nothing.
func refusals(list []refusal, write func(*env, store.TakeLock) (store.Lock, bool, error)) []testCase {
	cases := make([]testCase, len(list))
	for i, r := range list {
		cases[i] = testCase{"refused: " + r.name, func(e *env) {
			r.given(e)
			w := e.take("r1")
			if r.wrong != nil {
				r.wrong(&w)
			}
			before := e.lock()
			e.refused(before)(write(e, w))
		}}
	}
	return cases
}

func acquire(e *env, w store.TakeLock) (store.Lock, bool, error) { return e.s.Acquire(e.Context(), w) }

func acquireCases() []testCase {
	return append([]testCase{
		{"absent lock", func(e *env) {
			e.same("absent lock", e.lock(), store.Lock{Job: e.job, Status: store.Pending})
			w := e.take("r1")
			e.applied(store.Lock{
				Job: e.job, Status: store.InProgress, Term: 1, Epoch: epoch1, Holder: "exec:r1", Run: "r1", RVN: "rvn-r1", LeaseUntil: w.LeaseUntil, Tries: 1,
			})(acquire(e, w))
		}},
		{"after a success the term grows and the tries begin anew", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "")
			w := e.take("r2")
			l.Status, l.Term, l.Run, l.RVN, l.Holder, l.Tries = store.InProgress, 2, "r2", "rvn-r2", "exec:r2", 1
			e.applied(l)(acquire(e, w))
		}},
		{"after a failure the tries grow, not_before and stop go", func(e *env) {
			l := e.mustStop(e.mustAcquire("r1"))
			l, _, err := e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Internal", NotBefore: e.now.Add(time.Second), Now: e.now})
			e.ok(err)
			e.now = e.now.Add(time.Second)
			got := e.mustAcquire("r2")
			if got.Tries != 2 || got.Stop != "" || !got.NotBefore.IsZero() || got.Term != l.Term+1 || got.ErrorCode != "Internal" {
				e.Fatalf("got %+v", got)
			}
		}},
		{"this run after a reset, in a later epoch", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "Internal")
			e.mustReset(store.ResetLock{})
			w := e.take("r1")
			w.Epoch = epoch4
			got, applied, err := acquire(e, w)
			e.ok(err)
			if !applied || got.Term != 3 || got.Gen != 1 {
				e.Fatalf("got %+v, applied %v", got, applied)
			}
		}},
		{"unfenced, when the lease passed by more than the skew", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "")
			e.now = e.now.Add(time.Minute + store.Skew + time.Millisecond)
			w := e.take("r2")
			w.Unfenced = true
			if got, applied, err := acquire(e, w); err != nil || !applied {
				e.Fatalf("got %+v, %v, %v", got, applied, err)
			}
		}},
	}, refusals([]refusal{
		{"lock is held", func(e *env) { e.mustAcquire("r0") }, nil},
		{"held by this run", func(e *env) { e.mustAcquire("r1") }, func(w *store.TakeLock) { w.Epoch = epoch4 }},
		{"ignored", func(e *env) { e.mustIgnore() }, func(w *store.TakeLock) { w.MaxTries = 9 }},
		{"tries used up", func(e *env) { e.mustUseUp() }, nil},
		{"another term was seen", func(e *env) { e.mustRelease(e.mustAcquire("r0"), "") }, func(w *store.TakeLock) { w.Seen.Term-- }},
		{"before not_before", func(e *env) {
			l := e.mustAcquire("r0")
			_, _, err := e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Internal", NotBefore: e.now.Add(time.Millisecond), Now: e.now})
			e.ok(err)
		}, nil},
		{"this run failed", func(e *env) { e.mustRelease(e.mustAcquire("r1"), "Internal") }, func(w *store.TakeLock) { w.Epoch = epoch4 }},
		{"this run succeeded", func(e *env) { e.mustRelease(e.mustAcquire("r1"), "") }, func(w *store.TakeLock) { w.Epoch = epoch4 }},
		{"this run after a reset, in the same epoch", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "Internal")
			e.mustReset(store.ResetLock{})
		}, nil},
		{"unfenced, lease not passed by more than the skew", func(e *env) {
			e.mustRelease(e.mustAcquire("r0"), "")
			e.now = e.now.Add(time.Minute + store.Skew)
		}, func(w *store.TakeLock) { w.Unfenced = true }},
	}, acquire)...)
}

func steal(e *env, w store.TakeLock) (store.Lock, bool, error) { return e.s.Steal(e.Context(), w) }

func stealCases() []testCase {
	held := func(e *env) { e.mustAcquire("r0") }
	return append([]testCase{
		{"with proof, while the lease runs", func(e *env) {
			l := e.mustStop(e.mustAcquire("r0"))
			w := e.take("r1")
			w.LeaseUntil = e.now.Add(2 * time.Minute)
			l.Term, l.Run, l.RVN, l.Holder, l.PrevRun, l.Tries, l.Stop, l.LeaseUntil = 2, "r1", "rvn-r1", "exec:r1", "r0", 2, "", w.LeaseUntil
			e.applied(l)(steal(e, w))
		}},
		{"without proof, when the lease passed", func(e *env) {
			l := e.mustAcquire("r0")
			w := e.take("r1")
			w.Expired = l.LeaseUntil.Add(time.Millisecond)
			if got, applied, err := steal(e, w); err != nil || !applied || got.PrevRun != "r0" {
				e.Fatalf("got %+v, %v, %v", got, applied, err)
			}
		}},
	}, refusals([]refusal{
		{"absent", func(*env) {}, nil},
		{"another term was seen", held, func(w *store.TakeLock) { w.Seen.Term++ }},
		{"another rvn was seen", held, func(w *store.TakeLock) { w.Seen.RVN = "other" }},
		{"another epoch was seen", held, func(w *store.TakeLock) { w.Seen.Epoch = epoch2 }},
		{"held by this run", func(e *env) { e.mustAcquire("r1") }, func(w *store.TakeLock) { w.Epoch = epoch4 }},
		{"failed", func(e *env) { e.mustRelease(e.mustAcquire("r0"), "Internal") }, nil},
		{"succeeded", func(e *env) { e.mustRelease(e.mustAcquire("r0"), "") }, nil},
		{"ignored", func(e *env) { e.mustIgnore() }, func(w *store.TakeLock) { w.MaxTries = 9 }},
		{"tries used up", held, func(w *store.TakeLock) { w.MaxTries = 1 }},
		{"without proof, the lease was prolonged meanwhile", held, func(w *store.TakeLock) { w.Expired = w.Seen.LeaseUntil }},
	}, steal)...)
}

// retake is a request that RETAKE accepts.
func (e *env) retake(l store.Lock) store.RetakeLock {
	w := store.RetakeLock{Holding: holding(l), Holder: "exec:later", LeaseUntil: e.now.Add(time.Hour), Now: e.now, MaxTries: 3}
	w.Epoch = epoch2
	return w
}

func retakeCases() []testCase {
	type change func(w *store.RetakeLock, want *store.Lock)
	applied := func(name string, failed bool, edit change) testCase {
		return testCase{name, func(e *env) {
			l := e.mustStop(e.mustAcquire("r1"))
			if failed {
				l = e.mustRelease(l, "Internal")
			}
			w, want := e.retake(l), l
			want.Status, want.Epoch, want.Holder, want.LeaseUntil = store.InProgress, w.Epoch, w.Holder, w.LeaseUntil
			edit(&w, &want)
			e.applied(want)(e.s.Retake(e.Context(), w))
		}}
	}
	refused := func(name string, given func(*env) store.Lock, edit func(*store.RetakeLock)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			w := e.retake(given(e))
			edit(&w)
			e.refused(e.lock())(e.s.Retake(e.Context(), w))
		}}
	}
	held := func(e *env) store.Lock { return e.mustAcquire("r1") }
	released := func(code string) func(e *env) store.Lock {
		return func(e *env) store.Lock { return e.mustRelease(e.mustAcquire("r1"), code) }
	}
	return []testCase{
		applied("a new leg counts no try and keeps stop", false, func(*store.RetakeLock, *store.Lock) {}),
		applied("from a failure", true, func(*store.RetakeLock, *store.Lock) {}),
		applied("a redrive counts a try and clears stop", true, func(w *store.RetakeLock, l *store.Lock) {
			w.CountTry, w.ClearStop = true, true
			l.Tries, l.Stop = 2, ""
		}),
		applied("the lease is never shortened", false, func(w *store.RetakeLock, l *store.Lock) {
			w.LeaseUntil = l.UpdatedAt.Add(time.Second)
			l.LeaseUntil = l.UpdatedAt.Add(time.Minute)
		}),
		applied("progress forgives, even when the tries are used up", false, func(w *store.RetakeLock, l *store.Lock) {
			w.CountTry, w.Forgive, w.Progress, w.MaxTries = true, true, 7, 1
			l.Tries, l.Progress = 1, 7
		}),
		applied("no try counted: tries used up do not matter", false, func(w *store.RetakeLock, _ *store.Lock) { w.MaxTries = 1 }),
		applied("without proof, when the lease passed", false, func(w *store.RetakeLock, l *store.Lock) {
			w.Expired = l.UpdatedAt.Add(time.Minute + time.Millisecond)
		}),
		refused("tries used up", held, func(w *store.RetakeLock) { w.CountTry, w.MaxTries = true, 1 }),
		refused("same epoch", held, func(w *store.RetakeLock) { w.Epoch = epoch1 }),
		refused("earlier epoch", held, func(w *store.RetakeLock) { w.Epoch = "0000#0000#0000#0000" }),
		refused("another term", held, func(w *store.RetakeLock) { w.Term++ }),
		refused("another run", held, func(w *store.RetakeLock) { w.Run = "r2" }),
		refused("succeeded", released(""), func(*store.RetakeLock) {}),
		refused("without proof, the lease was prolonged meanwhile", held, func(w *store.RetakeLock) { w.Expired = w.Now.Add(time.Minute) }),
		refused("reset", func(e *env) store.Lock {
			l := released("Internal")(e)
			e.mustReset(store.ResetLock{})
			return l
		}, func(w *store.RetakeLock) { w.Term++ }),
		refused("ignored", func(e *env) store.Lock { return e.mustIgnore() }, func(*store.RetakeLock) {}),
	}
}
