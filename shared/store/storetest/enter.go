package storetest

import (
	"errors"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func enterCases() []testCase {
	enter := func(e *env, l store.Lock, edit func(*store.EnterRequest)) (store.Lock, error) {
		r := store.EnterRequest{Holding: holding(l), Holder: l.Holder, LeaseUntil: l.LeaseUntil, MaxTries: 3}
		edit(&r)
		got, err := e.protocol(nil).Enter(e.Context(), r)
		if err == nil {
			e.same("stored lock", e.lock(), got)
		}
		return got, err
	}
	final := func(name string, want fault.Code, given func(*env) store.Lock, edit func(*store.EnterRequest)) testCase {
		return testCase{name, func(e *env) {
			_, err := enter(e, given(e), edit)
			e.code(err, want)
		}}
	}
	held := func(e *env) store.Lock { return e.mustAcquire("r1") }
	nothing := func(*store.EnterRequest) {}
	later := func(r *store.EnterRequest) { r.Epoch = epoch2 }
	return []testCase{
		{"a lease that is long enough is not written", func(e *env) {
			l := held(e)
			e.now = e.now.Add(time.Second)
			got, err := enter(e, l, func(r *store.EnterRequest) { r.LeaseUntil = r.LeaseUntil.Add(999 * time.Microsecond) })
			e.ok(err)
			e.same("lock", got, l)
		}},
		{"prolongs, and shows the stop", func(e *env) {
			l := e.mustStop(held(e))
			got, err := enter(e, l, func(r *store.EnterRequest) { r.LeaseUntil = r.LeaseUntil.Add(time.Second) })
			e.ok(err)
			if got.Stop != "Stopped" || !got.LeaseUntil.Equal(l.LeaseUntil.Add(time.Second)) {
				e.Fatalf("got %+v", got)
			}
		}},
		{"a new leg retakes and counts no try", func(e *env) {
			got, err := enter(e, held(e), later)
			e.ok(err)
			if got.Epoch != epoch2 || got.Tries != 1 || got.Term != 1 {
				e.Fatalf("got %+v", got)
			}
		}},
		{"a redriven child counts a try and keeps stop", func(e *env) {
			l := e.mustStop(held(e))
			got, err := enter(e, l, func(r *store.EnterRequest) { r.Epoch = epoch3 })
			e.ok(err)
			if got.Epoch != epoch3 || got.Tries != 2 || got.Stop != "Stopped" {
				e.Fatalf("got %+v", got)
			}
		}},
		{"a redriven top after close counts a try and clears stop", func(e *env) {
			l := e.mustRelease(e.mustStop(held(e)), "Aborted")
			got, err := enter(e, l, func(r *store.EnterRequest) { r.Epoch = epoch4 })
			e.ok(err)
			if got.Epoch != epoch4 || got.Tries != 2 || got.Stop != "" || got.Status != store.InProgress {
				e.Fatalf("got %+v", got)
			}
		}},
		{"progress forgives", func(e *env) {
			got, err := enter(e, held(e), func(r *store.EnterRequest) { r.Epoch, r.Progress, r.MaxTries = epoch4, 4, 1 })
			e.ok(err)
			if got.Tries != 1 || got.Progress != 4 {
				e.Fatalf("got %+v", got)
			}
		}},
		final("used up", fault.Ignored, held, func(r *store.EnterRequest) { r.Epoch, r.MaxTries = epoch4, 1 }),
		final("ended by a twin", fault.AlreadyDone, func(e *env) store.Lock { return e.mustRelease(held(e), "") }, nothing),
		final("another term", fault.Superseded, held, func(r *store.EnterRequest) { r.Term++ }),
		final("another run", fault.Superseded, held, func(r *store.EnterRequest) { r.Run = "r2" }),
		final("an epoch that is over", fault.Superseded, held, func(r *store.EnterRequest) { r.Epoch = "0000#0000#0000#0000" }),
		final("failed in this epoch", fault.Superseded, func(e *env) store.Lock { return e.mustRelease(held(e), "Internal") }, nothing),
		final("reset meanwhile", fault.Superseded, func(e *env) store.Lock {
			l := held(e)
			e.mustReset(store.ResetLock{Force: true})
			return l
		}, later),
		final("another process in this epoch", fault.Superseded, held, func(r *store.EnterRequest) { r.Holder = "local:h:x" }),
		final("no lock", fault.Superseded, func(e *env) store.Lock { return store.Lock{Job: e.job, Run: "r1", Term: 1, Epoch: epoch1} }, nothing),
	}
}

func commitCases() []testCase {
	return []testCase{
		{"bind: answer lost", func(e *env) {
			w := e.bind("r1", 1, 0)
			first := e.mustBind(w)
			got, err := e.protocol(nil).Bind(e.Context(), w)
			e.ok(err)
			e.same("checkpoint", got, first)
		}},
		{"bind: another invocation of this run", func(e *env) {
			w := e.bind("r1", 1, 1)
			e.mustBind(w)
			w.Owner += "-twin"
			_, err := e.protocol(nil).Bind(e.Context(), w)
			e.code(err, fault.Duplicate)
		}},
		{"bind: a later term has it", func(e *env) {
			e.mustBind(e.bind("r2", 2, 0))
			_, err := e.protocol(nil).Bind(e.Context(), e.bind("r1", 1, 5))
			e.code(err, fault.Superseded)
		}},
		{"commit: sent again while the store is busy, applied once", func(e *env) {
			c := e.mustBind(e.bind("r1", 1, 0))
			for i, lost := range []bool{true, false} { // the effect with the answer lost, or no effect
				p := e.protocol(nil)
				p.Store = &flaky{Store: e.s, fail: 3, after: lost}
				var err error
				if c, err = p.Commit(e.Context(), e.next(c)); err != nil || c.Seq != int64(i+1) {
					e.Fatalf("got %+v, %v", c, err)
				}
			}
			e.same("batches", e.ledger("r1").Partitions[0].Counters.Batches, int64(2))
		}},
		{"commit: gives up on a store that stays busy", func(e *env) {
			c := e.mustBind(e.bind("r1", 1, 0))
			p := e.protocol(nil)
			p.Store = &flaky{Store: e.s, fail: 1000}
			_, err := p.Commit(e.Context(), e.next(c))
			e.code(err, fault.Transient)
			e.same("checkpoint", e.checkpoint(c.CheckpointKey), c)
		}},
		{"commit: superseded", func(e *env) {
			w := e.next(e.mustBind(e.bind("r1", 1, 0)))
			e.mustMove(e.mustBind(e.bind("r2", 2, 0)))
			_, err := e.protocol(nil).Commit(e.Context(), w)
			e.code(err, fault.Superseded)
		}},
		{"drain: superseded", func(e *env) {
			c := e.mustBind(e.bind("r1", 1, 0))
			_, err := e.protocol(nil).Drain(e.Context(), store.DrainCheckpoint{CheckpointKey: c.CheckpointKey, Run: "r1", Fence: c.Fence + 1, Owner: c.Owner})
			e.code(err, fault.Superseded)
		}},
	}
}

func endCases() []testCase {
	end := func(e *env, r store.EndRequest) (store.Lock, bool, error) { return e.protocol(nil).End(e.Context(), r) }
	return []testCase{
		{"ok, and again", func(e *env) {
			r := store.EndRequest{Holding: holding(e.mustAcquire("r1"))}
			for range 2 {
				if l, done, err := end(e, r); err != nil || !done || l.Status != store.Succeeded {
					e.Fatalf("got %+v, %v, %v", l, done, err)
				}
			}
		}},
		{"failed waits for a random part of min(cap, base x 2^tries)", func(e *env) {
			p := e.protocol(nil)
			var limit time.Duration
			p.Jitter = func(d time.Duration) time.Duration { limit = d; return d / 2 }
			r := store.EndRequest{Holding: holding(e.mustAcquire("r1")), Code: "Internal", BackoffBase: time.Second, BackoffCap: time.Minute}
			l, done, err := p.End(e.Context(), r)
			e.ok(err)
			if !done || limit != 2*time.Second || !l.NotBefore.Equal(e.now.Add(time.Second)) {
				e.Fatalf("limit %s, lock %+v", limit, l)
			}
		}},
		{"superseded", func(e *env) {
			r := store.EndRequest{Holding: holding(e.mustAcquire("r1"))}
			r.Term++
			_, done, err := end(e, r)
			e.code(err, fault.Superseded)
			e.same("done", done, false)
		}},
		{"closing finds nothing to close", func(e *env) {
			l := e.mustRelease(e.mustAcquire("r1"), "")
			_, done, err := end(e, store.EndRequest{Holding: holding(l), Code: "Zombie", Closing: true})
			e.ok(err)
			e.same("done", done, false)
		}},
		{"shut: only a repair opens it", shut},
		{"halt", func(e *env) {
			_, err := e.protocol(nil).Halt(e.Context(), e.job, "Stopped")
			e.code(err, fault.NotReady)
			e.mustAcquire("r1")
			l, err := e.protocol(nil).Halt(e.Context(), e.job, "Stopped")
			e.ok(err)
			e.same("stop", l.Stop, "Stopped")
		}},
		{"reopen", func(e *env) {
			reopen := func(force bool) error {
				_, err := e.protocol(nil).Reopen(e.Context(), store.ReopenRequest{Job: e.job, Force: force})
				return err
			}
			e.code(reopen(true), fault.NotReady)
			e.mustAcquire("r1")
			e.code(reopen(false), fault.Held)
			e.ok(reopen(true))
			e.same("status", e.lock().Status, store.Pending)
			logs, _, err := e.s.Logs(e.Context(), store.LogQuery{Job: e.job, Run: "r1", Step: "reset", Limit: 10})
			e.ok(err)
			if len(logs) != 1 || logs[0].Text != "job reset" || !strings.Contains(string(logs[0].Attrs), `"was":"IN_PROGRESS"`) {
				e.Fatalf("the log of the run that was shut out: %+v", logs)
			}
		}},
	}
}

func shut(e *env) {
	h := holding(e.mustAcquire("r1"))
	p := e.protocol(nil)
	for range 2 {
		l, err := p.Shut(e.Context(), h, "StateBehind", "ahead")
		e.ok(err)
		e.same("status", l.Status, store.Ignored)
	}
	_, err := p.Reopen(e.Context(), store.ReopenRequest{Job: e.job, Force: true})
	e.code(err, fault.StateBehind)
	_, err = p.Reopen(e.Context(), store.ReopenRequest{Job: e.job, Repaired: true})
	e.ok(err)
	_, err = p.Shut(e.Context(), h, "StateBehind", "ahead")
	e.code(err, fault.Superseded)
	if errors.Is(err, fault.Of(fault.StateBehind)) {
		e.Error("codes mixed up")
	}
}
