package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// SlotSchedules plays n random schedules of a job with several slots: runs take and lose them, die, end, are redriven, bind and move partitions,
// with requests that arrive late or twice, and forced resets. After each request no partition has gone from a run that holds its lock to one
// in another slot (invariant 8), fences only grew (4), and positions went on one by one (2).
func SlotSchedules(t *testing.T, s store.Store, n int) {
	for seed := range n {
		if breach, trace := SlotSchedule(t.Context(), s, seed); breach != "" {
			t.Fatalf("seed %d: %s\n%s", seed, breach, strings.Join(trace, "\n"))
		}
	}
}

// SlotSchedule plays one of them, and answers its first breach, "" for none, with what happened.
func SlotSchedule(ctx context.Context, s store.Store, seed int) (string, []string) {
	w := &slotWorld{ctx: ctx, s: s, job: fmt.Sprintf("slots-%d", seed), now: Start(), rng: rand.New(rand.NewPCG(uint64(seed), 5)), seen: map[string]store.Checkpoint{}}
	for range 150 {
		if w.happen(); w.breach != "" {
			break
		}
	}
	return w.breach, w.trace
}

// slotRun is a run, alive or not, with what it was told last.
type slotRun struct {
	id    string
	slot  int
	term  int64 // 0: it has no lock
	alive bool
	bound map[string]store.Checkpoint
}

type slotWorld struct {
	ctx    context.Context //nolint:containedctx // a schedule is one call
	s      store.Store
	job    string
	now    time.Time
	rng    *rand.Rand
	runs   []*slotRun
	late   []func()
	seen   map[string]store.Checkpoint
	count  int
	trace  []string
	breach string
}

const slotCount = 3

// happen is one random happening. Runs that died go on to send: a process that nobody has told.
func (w *slotWorld) happen() {
	w.now = w.now.Add(time.Second)
	k := w.rng.IntN(24)
	switch {
	case k < 3 || len(w.runs) == 0:
		w.runs = append(w.runs, &slotRun{id: fmt.Sprintf("r%d", len(w.runs)), alive: true, bound: map[string]store.Checkpoint{}})
		w.take(w.runs[len(w.runs)-1])
		return
	case k == 3 && len(w.late) > 0:
		do := w.late[0]
		w.late = w.late[1:]
		do()
		return
	case k == 4:
		_, err := w.protocol().Reopen(w.ctx, store.ReopenRequest{Job: w.job, Force: true})
		w.allow(err, fault.NotReady, fault.Conflict)
		w.observe("reset")
		return
	}
	r := w.runs[w.rng.IntN(len(w.runs))]
	switch {
	case r.term == 0:
	case k < 7:
		r.alive = false
	case k < 9:
		h := store.Holding{Job: store.LockName(w.job, r.slot), Run: r.id, Term: r.term, Epoch: epoch1}
		_, _, err := w.protocol().End(w.ctx, store.EndRequest{Holding: h, Code: []string{"", "Internal"}[w.rng.IntN(2)]})
		w.allow(err, fault.Superseded)
		w.observe("end of " + r.id)
	case k < 14:
		w.move(r, fmt.Sprint("p", w.rng.IntN(2)))
	default:
		w.bind(r, fmt.Sprint("p", w.rng.IntN(2)))
	}
}

func (w *slotWorld) protocol() store.Protocol {
	prover := proverOf(func(l store.Lock) store.Life {
		for _, r := range w.runs {
			if r.id == l.Run && r.alive {
				return store.Alive
			}
		}
		return store.Dead
	})
	return store.Protocol{
		Store: w.s, Prover: prover, Now: func() time.Time { return w.now }, Jitter: func(time.Duration) time.Duration { return 0 },
		NewRVN: func() string { return fmt.Sprint("rvn", w.rng.Uint64()) },
	}
}

// proverOf is a Prover made of a function.
type proverOf func(store.Lock) store.Life

func (w *slotWorld) take(r *slotRun) {
	got, err := w.protocol().Take(w.ctx, store.TakeRequest{
		Job: w.job, Run: r.id, Epoch: epoch1, Holder: "exec:" + r.id, LeaseUntil: w.now.Add(time.Minute), MaxTries: 1000, Slots: slotCount,
	})
	w.allow(err)
	if got.Outcome == store.OutcomeAcquired {
		_, r.slot = store.SlotOf(got.Lock.Job)
		r.term = got.Lock.Term
	}
	w.observe(fmt.Sprintf("%s takes: %s slot %d term %d", r.id, got.Outcome, r.slot, r.term))
}

// bind sends BIND, now or late; what comes late tells its sender nothing.
func (w *slotWorld) bind(r *slotRun, part string) {
	w.count++
	attempt := fmt.Sprintf("a%06d", w.count)
	q := store.BindCheckpoint{
		CheckpointKey: store.CheckpointKey{Job: w.job, Stream: "s", Partition: part}, Run: r.id, Slot: r.slot, Term: r.term, Attempt: attempt,
		Owner: r.id + "#" + attempt, Now: w.now,
	}
	send := func(note string) (store.Checkpoint, error) {
		c, err := w.protocol().Bind(w.ctx, q)
		w.allow(err, fault.Held, fault.Superseded, fault.Duplicate)
		w.observe(fmt.Sprintf("%s%s binds %s in slot %d term %d: %v", note, r.id, part, q.Slot, q.Term, fault.CodeOf(err)))
		return c, err
	}
	if w.rng.IntN(4) == 0 {
		w.late = append(w.late, func() { _, _ = send("late ") })
		return
	}
	if c, err := send(""); err == nil {
		r.bound[part] = c
	}
}

// move sends CHECKPOINT for what the run bound last.
func (w *slotWorld) move(r *slotRun, part string) {
	c, ok := r.bound[part]
	if !ok {
		return
	}
	got, err := w.protocol().Commit(w.ctx, store.MoveCheckpoint{
		CheckpointKey: c.CheckpointKey, Run: r.id, Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: c.Seq + 1, PrevPos: c.Position, Position: fmt.Sprint(c.Seq + 1), Now: w.now,
	})
	w.allow(err, fault.Superseded)
	if err == nil {
		r.bound[part] = got
	}
	w.observe(fmt.Sprintf("%s moves %s: %v", r.id, part, fault.CodeOf(err)))
}

// allow fails the schedule at an error whose code is none of those that may be.
func (w *slotWorld) allow(err error, codes ...fault.Code) {
	for _, c := range codes {
		if fault.Has(err, c) {
			return
		}
	}
	if err != nil {
		w.fail("%v", err)
	}
}

func (w *slotWorld) fail(format string, args ...any) {
	if w.breach == "" {
		w.breach = fmt.Sprintf(format, args...)
	}
}

// observe compares the checkpoints with what they were.
func (w *slotWorld) observe(what string) {
	w.trace = append(w.trace, what)
	list, err := w.s.Checkpoints(w.ctx, w.job, "")
	w.allow(err)
	for _, c := range list {
		before, known := w.seen[c.Partition]
		w.seen[c.Partition] = c
		switch {
		case !known || c.Fence == before.Fence && c.Seq == before.Seq:
			continue
		case c.Fence < before.Fence, c.Fence == before.Fence && (c.Owner != before.Owner || c.Seq != before.Seq+1), c.Fence > before.Fence && c.Seq != before.Seq:
			w.fail("%s: %s went from fence %d seq %d to fence %d seq %d", what, c.Partition, before.Fence, before.Seq, c.Fence, c.Seq)
		case c.Fence > before.Fence && c.Slot != before.Slot:
			theirs, err := w.s.Lock(w.ctx, store.LockName(w.job, before.Slot))
			w.allow(err)
			own, err := w.s.Lock(w.ctx, store.LockName(w.job, c.Slot))
			w.allow(err)
			if before.Claims(theirs) || own.Run != c.Run || !c.Claims(own) {
				w.fail("%s: %s went from run %s, whose lock is %s by %s, to run %s, whose lock is %s by %s", what, c.Partition, before.Run, theirs.Status, theirs.Run, c.Run, own.Status, own.Run)
			}
		}
	}
}

// Life implements store.Prover.
func (p proverOf) Life(_ context.Context, l store.Lock) (store.Life, error) { return p(l), nil }
