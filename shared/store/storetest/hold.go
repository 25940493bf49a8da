package storetest

import (
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

func leaseCases() []testCase {
	refused := func(name string, release bool, edit func(h *store.Holding, until *time.Time)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			l := e.mustAcquire("r1")
			h, until := holding(l), l.LeaseUntil.Add(time.Second)
			if release {
				e.mustRelease(l, "Internal")
			}
			edit(&h, &until)
			e.refused(e.lock())(e.s.Lease(e.Context(), h, until))
		}}
	}
	return []testCase{
		{"prolongs, and keeps stop", func(e *env) {
			l := e.mustStop(e.mustAcquire("r1"))
			l.LeaseUntil = l.LeaseUntil.Add(time.Millisecond)
			e.applied(l)(e.s.Lease(e.Context(), holding(l), l.LeaseUntil))
		}},
		{"refused: absent", func(e *env) {
			e.refused(e.lock())(e.s.Lease(e.Context(), store.Holding{Job: e.job, Run: "r1"}, e.now))
		}},
		refused("never shortened", false, func(_ *store.Holding, until *time.Time) { *until = until.Add(-2 * time.Second) }),
		refused("long enough", false, func(_ *store.Holding, until *time.Time) { *until = until.Add(-time.Second) }),
		refused("another run", false, func(h *store.Holding, _ *time.Time) { h.Run = "r2" }),
		refused("another term", false, func(h *store.Holding, _ *time.Time) { h.Term++ }),
		refused("later epoch", false, func(h *store.Holding, _ *time.Time) { h.Epoch = epoch2 }),
		refused("earlier epoch", false, func(h *store.Holding, _ *time.Time) { h.Epoch = "0000#0000#0000#0000" }),
		refused("released", true, func(*store.Holding, *time.Time) {}),
	}
}

func stopCases() []testCase {
	return []testCase{
		{"sets the code", func(e *env) {
			l := e.mustAcquire("r1")
			l.Stop = "Stopped"
			e.applied(l)(e.s.Stop(e.Context(), e.job, l.Term, "Stopped"))
		}},
		{"refused: another term", func(e *env) {
			l := e.mustAcquire("r1")
			e.refused(l)(e.s.Stop(e.Context(), e.job, l.Term+1, "Stopped"))
		}},
		{"refused: not in progress", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "")
			e.refused(l)(e.s.Stop(e.Context(), e.job, l.Term, "Stopped"))
		}},
		{"refused: absent", func(e *env) { e.refused(e.lock())(e.s.Stop(e.Context(), e.job, 0, "Stopped")) }},
	}
}

func releaseCases() []testCase {
	refused := func(name, code string, edit func(*store.ReleaseLock)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			l := e.mustAcquire("r1")
			w := store.ReleaseLock{Holding: holding(l), Code: code, Now: e.now}
			edit(&w)
			e.refused(l)(e.s.Release(e.Context(), w))
		}}
	}
	cases := []testCase{
		{"ok forgets tries and error, and leaves the lease", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "Internal")
			l := e.mustAcquire("r2")
			w := store.ReleaseLock{Holding: holding(l), Now: e.now}
			l.Status, l.Tries, l.ErrorCode = store.Succeeded, 0, ""
			e.applied(l)(e.s.Release(e.Context(), w))
		}},
		{"failed keeps others away for a while", func(e *env) {
			l := e.mustAcquire("r1")
			w := store.ReleaseLock{Holding: holding(l), Code: "Transient", Message: "no answer", NotBefore: e.now.Add(time.Second), Now: e.now}
			l.Status, l.ErrorCode, l.ErrorText, l.NotBefore = store.Failed, "Transient", "no answer", w.NotBefore
			e.applied(l)(e.s.Release(e.Context(), w))
		}},
		{"closing writes its epoch over an earlier one", func(e *env) {
			l := e.mustAcquire("r1")
			w := store.ReleaseLock{Holding: holding(l), Code: "Aborted", Closing: true, Now: e.now}
			w.Epoch = epoch3
			l.Status, l.ErrorCode, l.Epoch = store.Failed, "Aborted", epoch3
			e.applied(l)(e.s.Release(e.Context(), w))
		}},
		{"closing what failed", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "Internal")
			w := store.ReleaseLock{Holding: holding(l), Code: "Aborted", Closing: true, Now: e.now}
			l.ErrorCode = "Aborted"
			e.applied(l)(e.s.Release(e.Context(), w))
		}},
		{"refused: closing an epoch that goes on", func(e *env) {
			w := e.retake(e.mustAcquire("r1"))
			l, _, err := e.s.Retake(e.Context(), w)
			e.ok(err)
			h := holding(l)
			h.Epoch = epoch1
			e.refused(l)(e.s.Release(e.Context(), store.ReleaseLock{Holding: h, Code: "Aborted", Closing: true, Now: e.now}))
		}},
		{"refused: closing what succeeded", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "")
			e.refused(l)(e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Aborted", Closing: true, Now: e.now}))
		}},
		{"refused: released before", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "Internal")
			e.refused(l)(e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Now: e.now}))
			e.refused(l)(e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Internal", Now: e.now}))
		}},
	}
	for name, edit := range map[string]func(*store.ReleaseLock){
		"another run":   func(w *store.ReleaseLock) { w.Run = "r2" },
		"another term":  func(w *store.ReleaseLock) { w.Term++ },
		"earlier epoch": func(w *store.ReleaseLock) { w.Epoch = "0000#0000#0000#0000" },
		"later epoch":   func(w *store.ReleaseLock) { w.Epoch = epoch2 },
	} {
		cases = append(cases, refused("ok, "+name, "", edit), refused("failed, "+name, "Internal", edit))
	}
	return cases
}

func ignoreCases() []testCase {
	refused := func(name string, given func(*env) store.Lock, edit func(*store.IgnoreLock)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			l := given(e)
			w := store.IgnoreLock{Job: e.job, Seen: l, MaxTries: 3, Dead: true, Now: e.now}
			edit(&w)
			e.refused(l)(e.s.Ignore(e.Context(), w))
		}}
	}
	held := func(e *env) store.Lock { return e.mustAcquire("r1") }
	usedUp := func(e *env) store.Lock { return e.mustUseUp() }
	nothing := func(*store.IgnoreLock) {}
	return []testCase{
		{"failed, tries used up", func(e *env) {
			l := e.mustUseUp()
			w := store.IgnoreLock{Job: e.job, Seen: l, MaxTries: 3, Now: e.now}
			l.Status, l.Term = store.Ignored, l.Term+1
			e.applied(l)(e.s.Ignore(e.Context(), w))
		}},
		{"in progress, holder dead", func(e *env) {
			l := e.mustAcquire("r1")
			w := store.IgnoreLock{Job: e.job, Seen: l, MaxTries: 1, Dead: true, Expired: l.LeaseUntil.Add(time.Millisecond), Now: e.now}
			l.Status, l.Term = store.Ignored, l.Term+1
			e.applied(l)(e.s.Ignore(e.Context(), w))
		}},
		{"with a code, whatever the tries", func(e *env) {
			l := e.mustAcquire("r1")
			w := store.IgnoreLock{Job: e.job, Seen: l, MaxTries: 3, Dead: true, Code: "StateBehind", Message: "ahead", Now: e.now}
			l.Status, l.Term, l.ErrorCode, l.ErrorText = store.Ignored, l.Term+1, "StateBehind", "ahead"
			e.applied(l)(e.s.Ignore(e.Context(), w))
		}},
		refused("tries left", func(e *env) store.Lock { return e.mustRelease(e.mustAcquire("r1"), "Internal") }, nothing),
		refused("another term was seen", usedUp, func(w *store.IgnoreLock) { w.Seen.Term-- }),
		refused("in progress without proof", held, func(w *store.IgnoreLock) { w.Dead, w.MaxTries = false, 1 }),
		refused("in progress, another epoch was seen", held, func(w *store.IgnoreLock) { w.Seen.Epoch, w.MaxTries = epoch2, 1 }),
		refused("in progress, the lease was prolonged meanwhile", held, func(w *store.IgnoreLock) { w.Expired, w.MaxTries = w.Seen.LeaseUntil, 1 }),
		refused("succeeded", func(e *env) store.Lock { return e.mustRelease(e.mustAcquire("r1"), "") }, func(w *store.IgnoreLock) { w.MaxTries = 0 }),
		refused("ignored before", func(e *env) store.Lock { return e.mustIgnore() }, nothing),
		refused("absent", func(e *env) store.Lock { return e.lock() }, nothing),
	}
}
