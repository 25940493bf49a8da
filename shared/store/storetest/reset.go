package storetest

import (
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

func resetCases() []testCase {
	opens := func(name string, given func(*env) store.Lock) testCase {
		return testCase{"opens what " + name, func(e *env) {
			l := given(e)
			w := store.ResetLock{Job: e.job, Seen: l, Now: e.now}
			l.Status, l.Tries, l.NotBefore, l.Gen, l.Term = store.Pending, 0, time.Time{}, l.Gen+1, l.Term+1
			e.applied(l)(e.s.Reset(e.Context(), w))
		}}
	}
	refused := func(name string, given func(*env) store.Lock, edit func(*store.ResetLock)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			l := given(e)
			w := store.ResetLock{Job: e.job, Seen: l, Now: e.now, Streams: []string{""}}
			edit(&w)
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			e.refused(l)(e.s.Reset(e.Context(), w))
			e.same("checkpoint", e.checkpoint(c.CheckpointKey), c)
		}}
	}
	nothing := func(*store.ResetLock) {}
	held := func(e *env) store.Lock { return e.mustAcquire("r1") }
	failed := func(e *env) store.Lock { return e.mustRelease(held(e), "Internal") }
	return []testCase{
		opens("failed", failed),
		opens("was ignored", func(e *env) store.Lock { return e.mustIgnore() }),
		opens("succeeded", func(e *env) store.Lock { return e.mustRelease(held(e), "") }),
		refused("in progress", held, nothing),
		refused("pending", func(e *env) store.Lock { failed(e); return e.mustReset(store.ResetLock{}) }, nothing),
		refused("absent", func(e *env) store.Lock { return e.lock() }, nothing),
		refused("absent, with force", func(e *env) store.Lock { return e.lock() }, func(w *store.ResetLock) { w.Force = true }),
		refused("another term was seen", failed, func(w *store.ResetLock) { w.Seen.Term++ }),
		refused("another term was seen, with force", held, func(w *store.ResetLock) { w.Seen.Term++; w.Force = true }),
		{"without streams the checkpoints stay, their failure windows open", func(e *env) {
			failed(e)
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			e.mustReset(store.ResetLock{})
			c.Window = ""
			e.same("checkpoint", e.checkpoint(c.CheckpointKey), c)
		}},
		{"force fences every checkpoint and keeps how far they are", func(e *env) {
			l := e.mustAcquire("r1")
			c := e.mustMove(e.mustBind(e.bind("r1", l.Term, 0)))
			late := e.next(c)
			l = e.mustReset(store.ResetLock{Force: true})
			c.Term, c.Attempt, c.Owner, c.Fence, c.Window = l.Term, "", "reset", c.Fence+1, ""
			got := e.checkpoint(c.CheckpointKey)
			c.UpdatedAt = got.UpdatedAt
			e.same("checkpoint", got, c)
			e.kept(c)(e.s.Checkpoint(e.Context(), late))
			e.kept(c)(e.s.Bind(e.Context(), e.bind("r1", 1, 5)))
			l = e.mustAcquire("r2")
			if c = e.mustBind(e.bind("r2", l.Term, 0)); c.Seq != 1 || c.Base != "r1#1" {
				e.Fatalf("got %+v", c)
			}
		}},
		{"streams start over: the next run is full", resetStream},
		{"all streams start over, with force", func(e *env) {
			l := e.mustAcquire("r1")
			c := e.mustMove(e.mustBind(e.bind("r1", l.Term, 0)))
			e.mustReset(store.ResetLock{Force: true, Streams: []string{""}})
			got := e.checkpoint(c.CheckpointKey)
			if got.Seq != 0 || got.Fence != c.Fence+1 || got.Owner != "reset" {
				e.Fatalf("got %+v", got)
			}
		}},
	}
}

func resetStream(e *env) {
	l := e.mustAcquire("r1")
	first := e.mustBind(e.bind("r1", l.Term, 0))
	late := e.next(first)
	c := e.mustMove(first)
	other := e.bind("r1", l.Term, 0)
	other.Stream = "other"
	kept := e.mustMove(e.mustBind(other))
	e.mustRelease(l, "")
	l = e.mustReset(store.ResetLock{Streams: []string{"s", "no-such"}})

	kept.Window = ""
	e.same("the other stream", e.checkpoint(kept.CheckpointKey), kept)
	got := e.checkpoint(c.CheckpointKey)
	e.same("the stream", got, store.Checkpoint{
		CheckpointKey: c.CheckpointKey, Fence: c.Fence + 1, Term: l.Term, Owner: "reset", Base: c.Base, Total: c.Total, UpdatedAt: got.UpdatedAt,
	})
	e.kept(got)(e.s.Checkpoint(e.Context(), late)) // from seq 0, the place where the checkpoint is again

	l = e.mustAcquire("r2")
	if got = e.mustBind(e.bind("r2", l.Term, 0)); got.Seq != 0 || got.Position != "" || got.Base != "r2#3" {
		e.Fatalf("first bind after the reset: %+v", got)
	}
	got = e.mustMove(got)
	e.mustRelease(l, "Internal")
	l = e.mustAcquire("r3")
	if got = e.mustBind(e.bind("r3", l.Term, 0)); got.Seq != 1 || got.Position != "pos-1" || got.Base != "r2#3" {
		e.Fatalf("the run after that goes on: %+v", got)
	}
}

func locksCases() []testCase {
	return []testCase{{"pages, the one that changed longest ago first", func(e *env) {
		var want []string
		job, now := e.job, e.now.Add(-24*time.Hour)
		for _, suffix := range []string{"c", "a", "d", "b", "e"} {
			e.job, e.now = job+suffix, now
			now = now.Add(time.Minute)
			e.mustAcquire("r1")
			want = append(want, e.job)
		}
		e.mustRelease(e.lock(), "") // e: now succeeded
		list := func(statuses ...store.Status) (out []string) {
			for token := ""; ; {
				locks, next, err := e.s.Locks(e.Context(), store.LockQuery{Statuses: statuses, Limit: 2, Token: token})
				e.ok(err)
				for _, l := range locks {
					out = append(out, l.Job)
				}
				if token = next; token == "" {
					return out
				}
			}
		}
		e.same("in progress", list(store.InProgress), want[:4])
		e.same("succeeded", list(store.Succeeded), want[4:])
		e.same("both", list(store.Succeeded, store.InProgress), want)
		e.same("all", list(), want)
		e.same("ignored", list(store.Ignored), []string(nil))
	}}}
}
