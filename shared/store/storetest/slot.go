package storetest

import (
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// inSlot gives the env whose lock is that of a slot; its checkpoints are the job's.
func (e *env) inSlot(n int) *env {
	out := *e
	out.job = store.LockName(e.job, n)
	return &out
}

// bindIn is a request to bind p0 for the run that holds a slot.
func (e *env) bindIn(slot int, l store.Lock, attempt string) store.BindCheckpoint {
	job, _ := store.SlotOf(e.job)
	return store.BindCheckpoint{
		CheckpointKey: store.CheckpointKey{Job: job, Stream: "s", Partition: "p0"}, Run: l.Run, Slot: slot, Term: l.Term, Attempt: attempt,
		Owner: l.Run + "#" + attempt, Now: e.now,
	}
}

// bindsIn binds p0 through the protocol.
func (e *env) bindsIn(slot int, l store.Lock, attempt string) (store.Checkpoint, error) {
	return e.protocol(nil).Bind(e.Context(), e.bindIn(slot, l, attempt))
}

// fill acquires every slot but those named.
func (e *env) fill(slots int, but ...int) {
	e.Helper()
	skip := map[int]bool{}
	for _, n := range but {
		skip[n] = true
	}
	for n := range slots {
		if !skip[n] {
			e.inSlot(n).mustAcquire(fmt.Sprintf("other-%d", n))
		}
	}
}

func slotCases() []testCase {
	return append(append([]testCase{
		{"each is a full lock, and all are read at once", func(e *env) {
			e.same("locks of a job that never ran", e.slots(), []store.Lock(nil))
			second := e.inSlot(2).mustAcquire("r2")
			e.same("name", second.Job, e.job+"#002")
			e.same("the first slot", e.lock().Term, int64(0))
			first := e.mustAcquire("r0")
			e.same("locks", e.slots(), []store.Lock{first, second})
			second = e.inSlot(2).mustRelease(second, "")
			e.same("locks", e.slots(), []store.Lock{first, second})
		}},
		{"those of a job whose name begins alike are not its", func(e *env) {
			other := *e
			other.job = e.job + "#x"
			other.mustAcquire("r1")
			other.job = e.job + "-x"
			other.inSlot(1).mustAcquire("r1")
			e.same("locks", e.slots(), []store.Lock(nil))
		}},
	}, takeSlotCases()...), append(claimCases(), operateSlotCases()...)...)
}

func (e *env) slots() []store.Lock {
	e.Helper()
	got, err := e.s.Slots(e.Context(), e.job)
	e.ok(err)
	return got
}

// takes takes one of n slots and checks the outcome.
func (e *env) takes(run, epoch string, n int, want store.Outcome) store.Taken {
	e.Helper()
	r := e.request(run, epoch)
	r.Slots = n
	got, err := e.protocol(lives(store.Alive)).Take(e.Context(), r)
	e.ok(err)
	if want != "" && got.Outcome != want {
		e.Fatalf("run %s: outcome %s, want %s; lock %+v", run, got.Outcome, want, got.Lock)
	}
	return got
}

func takeSlotCases() []testCase {
	return []testCase{
		{"as many runs as slots, each with its own", func(e *env) {
			names := map[string]bool{}
			for i := range 3 {
				names[e.takes(fmt.Sprint("r", i), epoch1, 3, store.OutcomeAcquired).Lock.Job] = true
			}
			e.same("slots", len(names), 3)
			e.takes("r3", epoch1, 3, store.OutcomeHeld)
		}},
		{"a run finds its slot again, whatever else is free by now", func(e *env) {
			var last store.Lock
			for i := range 3 {
				last = e.takes(fmt.Sprint("r", i), epoch1, 3, store.OutcomeAcquired).Lock
			}
			for _, l := range e.slots() {
				if l.Run != last.Run {
					e.mustRelease(l, "")
				}
			}
			e.same("taken again", e.takes(last.Run, epoch1, 3, store.OutcomeAcquired).Lock, last)
			got := e.takes(last.Run, epoch4, 3, store.OutcomeAcquired)
			e.same("redriven", []any{got.Lock.Job, got.Lock.Term, got.Retaken}, []any{last.Job, last.Term, true})
			e.mustRelease(got.Lock, "")
			e.takes(last.Run, epoch4, 3, store.OutcomeDone)
		}},
		{"a slot that waits does not keep another from being taken", func(e *env) {
			for n := range 2 {
				l := e.inSlot(n).mustAcquire(fmt.Sprint("f", n))
				_, _, err := e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Internal", NotBefore: e.now.Add(time.Hour), Now: e.now})
				e.ok(err)
			}
			e.takes("r", epoch1, 2, store.OutcomeNotReady)
			e.same("slot", e.takes("r", epoch1, 3, store.OutcomeAcquired).Lock.Job, e.job+"#002")
		}},
		{"one slot that used up its tries closes the job", func(e *env) {
			e.inSlot(1).mustUseUp()
			for i := range 20 { // each run begins at the slot that its name says
				if got := e.takes(fmt.Sprint("r", i), epoch1, 2, ""); got.Outcome == store.OutcomeIgnored {
					break
				} else if got.Outcome == store.OutcomeAcquired {
					e.mustRelease(got.Lock, "")
				}
			}
			e.takes("last", epoch1, 2, store.OutcomeIgnored)
		}},
	}
}

func claimCases() []testCase {
	return []testCase{
		{"a partition of a run in progress is not another's", func(e *env) {
			first, second := e.mustAcquire("r0"), e.inSlot(1).mustAcquire("r1")
			before, err := e.bindsIn(0, first, "a1")
			e.ok(err)
			got, err := e.bindsIn(1, second, "a9")
			e.code(err, fault.Held)
			e.same("answer", got, before)
			e.same("checkpoint", e.checkpoint(before.CheckpointKey), before)
			again, err := e.bindsIn(0, first, "a2")
			e.ok(err)
			e.same("fence", again.Fence, before.Fence+1)
		}},
		{"it is when that run has ended, or lost its lock, whichever term is higher", func(e *env) {
			for range 3 {
				e.mustRelease(e.mustAcquire(fmt.Sprint("w", e.now.UnixMilli())), "")
				e.now = e.now.Add(time.Second)
			}
			first, second := e.mustAcquire("r0"), e.inSlot(1).mustAcquire("r1")
			before, err := e.bindsIn(0, first, "a9")
			e.ok(err)
			e.mustRelease(first, "")
			got, err := e.bindsIn(1, second, "a1")
			e.ok(err)
			want := before
			want.Fence, want.Slot, want.Term, want.Run, want.Attempt, want.Owner = 2, 1, second.Term, "r1", "a1", "r1#a1"
			e.same("taken", got, want)
			e.same("stored", e.checkpoint(got.CheckpointKey), want)
			again, err := e.bindsIn(1, second, "a1")
			e.ok(err)
			e.same("sent again", again, want)
			_, err = e.bindsIn(0, first, "b1")
			e.code(err, fault.Superseded)
			next := e.mustAcquire("r2")
			_, err = e.bindsIn(0, next, "a1")
			e.code(err, fault.Held)
			second = e.inSlot(1).mustAcquireOver(second)
			got, err = e.bindsIn(0, next, "a1")
			e.ok(err)
			e.same("slot", []any{got.Slot, got.Run, got.Fence, got.Seq}, []any{0, "r2", int64(3), before.Seq})
			_, err = e.bindsIn(1, second, "a1")
			e.code(err, fault.Held)
		}},
		{"who holds no lock any more takes nothing", func(e *env) {
			first, second := e.mustAcquire("r0"), e.inSlot(1).mustAcquire("r1")
			before, err := e.bindsIn(0, first, "a1")
			e.ok(err)
			e.mustRelease(first, "")
			e.mustRelease(second, "Internal")
			_, err = e.bindsIn(1, second, "a2")
			e.code(err, fault.Superseded)
			e.same("checkpoint", e.checkpoint(before.CheckpointKey), before)
		}},
		{"what a run moved, the next in another slot goes on with; a full one begins anew", func(e *env) {
			first := e.mustAcquire("r0")
			c, err := e.bindsIn(0, first, "a1")
			e.ok(err)
			w := store.MoveCheckpoint{CheckpointKey: c.CheckpointKey, Run: "r0", Fence: c.Fence, Owner: c.Owner, Seq: 1, Position: "p1", Now: e.now}
			_, err = e.protocol(nil).Commit(e.Context(), w)
			e.ok(err)
			e.mustRelease(first, "")
			second := e.inSlot(1).mustAcquire("r1")
			got, err := e.bindsIn(1, second, "a1")
			e.ok(err)
			e.same("goes on", []any{got.Seq, got.Position, got.Base}, []any{int64(1), "p1", c.Base})
			e.mustRelease(second, "")
			third := e.inSlot(2).mustAcquire("r2")
			full := e.bindIn(2, third, "a1")
			full.Full = true
			got, err = e.protocol(nil).Bind(e.Context(), full)
			e.ok(err)
			e.same("begins anew", []any{got.Seq, got.Position, got.Base, got.Fence}, []any{int64(0), "", full.Base(), int64(3)})
		}},
	}
}

// mustAcquireOver lets a dead run's lock go to another run.
func (e *env) mustAcquireOver(dead store.Lock) store.Lock {
	e.Helper()
	w := e.take("over-" + dead.Run)
	l, applied, err := e.s.Steal(e.Context(), w)
	e.ok(err)
	if !applied {
		e.Fatalf("steal was refused: %+v", l)
	}
	return l
}

func operateSlotCases() []testCase {
	return []testCase{
		{"stop asks the runs of all slots", func(e *env) {
			e.fill(3, 0)
			_, err := e.protocol(nil).Halt(e.Context(), e.job, "Stopped")
			e.ok(err)
			for _, l := range e.slots() {
				e.same(l.Job, l.Stop, "Stopped")
			}
		}},
		{"reset opens all slots, and fences the checkpoints of each", func(e *env) {
			first, second := e.mustAcquire("r0"), e.inSlot(1).mustAcquire("r1")
			c, err := e.bindsIn(1, second, "a1")
			e.ok(err)
			e.mustRelease(first, "")
			_, err = e.protocol(nil).Reopen(e.Context(), store.ReopenRequest{Job: e.job})
			e.code(err, fault.Held)
			_, err = e.protocol(nil).Reopen(e.Context(), store.ReopenRequest{Job: e.job, Force: true})
			e.ok(err)
			for _, l := range e.slots() {
				e.same(l.Job, []any{l.Status, l.Term, l.Gen}, []any{store.Pending, int64(2), int64(1)})
			}
			got := e.checkpoint(c.CheckpointKey)
			e.same("checkpoint", []any{got.Fence, got.Term, got.Slot, got.Owner}, []any{int64(2), int64(2), 1, "reset"})
			_, err = e.bindsIn(1, second, "a2")
			e.code(err, fault.Superseded)
			third := e.mustAcquire("r2")
			got, err = e.bindsIn(0, third, "a1")
			e.ok(err)
			e.same("fence", got.Fence, int64(3))
		}},
		{"the lock of a run is found in whichever slot it is", func(e *env) {
			e.fill(3)
			l, err := store.LockOf(e.Context(), e.s, e.job, "other-2")
			e.ok(err)
			e.same("lock", l.Job, e.job+"#002")
			l, err = store.LockOf(e.Context(), e.s, e.job, "nobody")
			e.ok(err)
			e.same("lock", l.Job, e.job)
		}},
	}
}

func restoreCases() []testCase {
	return []testCase{
		{"numbers above all that were given, checkpoints where the destinations are", func(e *env) {
			r, can := e.s.(store.Restorer)
			if !can {
				e.Fatal("the store cannot be mended after a restore")
			}
			l := e.mustStop(e.mustAcquire("r0"))
			c, err := e.bindsIn(0, l, "a1")
			e.ok(err)
			fresh := store.CheckpointKey{Job: e.job, Stream: "s", Partition: "p1"}
			w := store.RestoreJob{Job: e.job, Seen: l, Fence: 77, Now: e.now, Moves: []store.RestoreCheckpoint{
				{CheckpointKey: c.CheckpointKey, Run: "rx", Base: "rx#9", Seq: 5, Position: "p5"}, {CheckpointKey: fresh},
			}}
			_, applied, err := r.Restore(e.Context(), w)
			e.ok(err)
			e.same("applied while it is in progress", applied, false)
			w.Dead = true
			got, applied, err := r.Restore(e.Context(), w)
			e.ok(err)
			e.same("applied", applied, true)
			e.same("lock", []any{got.Status, got.Term, got.Tries, got.Stop, got.ErrorCode, got.Gen}, []any{store.Pending, l.Term + store.Lift, 0, "", "", l.Gen + 1})
			e.same("stored", e.lock(), got)
			moved, made := e.checkpoint(c.CheckpointKey), e.checkpoint(fresh)
			e.same("moved", []any{moved.Seq, moved.Position, moved.Run, moved.Base, moved.Term, moved.Fence}, []any{int64(5), "p5", "rx", "rx#9", got.Term, int64(77 + store.Lift)})
			e.same("made", []any{made.Seq, made.Position, made.Run, made.Term, made.Fence}, []any{int64(0), "", "", got.Term, int64(77 + store.Lift)})
			_, err = e.bindsIn(0, l, "a2")
			e.code(err, fault.Superseded)
			_, applied, err = r.Restore(e.Context(), w)
			e.ok(err)
			e.same("applied to a lock that is not as seen", applied, false)
			next := e.mustAcquire("r1")
			again, err := e.bindsIn(0, next, "a1")
			e.ok(err)
			e.same("goes on", []any{again.Seq, again.Fence}, []any{int64(5), int64(78 + store.Lift)})
		}},
	}
}
