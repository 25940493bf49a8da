package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Sizes of the world.
const (
	simPartitions = 2
	simBatches    = 3
	simLease      = time.Minute
)

// execution is a run as its state machine knows it.
type execution struct {
	run     string
	running bool
	redrive int
	leg     int
	child   int
	term    int64 // of the lock, once Take has answered
	done    bool  // it succeeded
	life    int   // +1 whenever it begins to run again: an actor of an older life begins no new state
	skew    time.Duration
}

func (x *execution) epoch() string { return store.Epoch(x.redrive, x.leg, 0, x.child) }

// actor is one life of an execution: its states in their order, each an invocation that may be tried again.
type actor struct {
	w     *world
	x     *execution
	name  string
	life  int
	epoch string
	p     store.Protocol
	asks  chan string
	grant chan verdict
	done  chan struct{}
	what  string // it waits with
	ended bool
}

// begin starts the goroutine of an actor and waits until it asks for something or ends.
func (w *world) begin(x *execution) {
	w.count++
	a := &actor{
		w: w, x: x, name: fmt.Sprintf("%s/%d", x.run, w.count), life: x.life, epoch: x.epoch(),
		asks: make(chan string), grant: make(chan verdict), done: make(chan struct{}),
	}
	a.p = store.Protocol{
		Store: &port{Store: w.s, w: w, a: a}, Prover: w, Now: func() time.Time { return w.now.Add(x.skew) },
		NewRVN: func() string { return fmt.Sprintf("rvn-%d", w.rng.Uint64()) }, Jitter: func(time.Duration) time.Duration { return 0 },
	}
	ctx := w.t.Context()
	go func() {
		defer close(a.done)
		a.work(ctx)
	}()
	w.actors = append(w.actors, a)
	w.await(a)
}

// await waits until the actor asks for something or ends.
func (w *world) await(a *actor) {
	select {
	case a.what = <-a.asks:
	case <-a.done:
		a.ended = true
	}
}

// state runs one state: the invocation, and its retries. It says whether the execution goes on.
func (a *actor) state(do func(entered time.Time, retry int) error) bool {
	a.w.now = a.w.now.Add(time.Millisecond)
	entered := a.w.now
	for retry := range 4 {
		if a.life != a.x.life || !a.x.running {
			return false // the state machine begins nothing more in this life
		}
		err := do(entered, retry)
		if err == nil {
			return true
		}
		if !fault.CodeOf(err).Retryable() {
			break
		}
	}
	if a.life == a.x.life {
		a.x.running = false
	}
	return false
}

// work is the whole execution from where it is.
func (a *actor) work(ctx context.Context) {
	if a.x.term == 0 && !a.state(func(time.Time, int) error { return a.acquire(ctx) }) {
		return
	}
	for p := range simPartitions {
		for more := true; more; {
			if !a.state(func(entered time.Time, retry int) (err error) {
				more, err = a.load(ctx, fmt.Sprint("p", p), store.Attempt(a.epoch, entered, retry))
				return err
			}) {
				return
			}
			if a.life == a.x.life && a.w.rng.IntN(6) == 0 { // the leg ends here
				a.x.leg, a.x.child = a.x.leg+1, 0
				a.epoch = a.x.epoch()
			}
		}
	}
	a.state(func(time.Time, int) error { return a.finish(ctx) })
	if a.life == a.x.life {
		a.x.running = false
	}
}

func (a *actor) holding() store.Holding {
	return store.Holding{Job: a.w.job, Run: a.x.run, Term: a.x.term, Epoch: a.epoch}
}

func (a *actor) acquire(ctx context.Context) error {
	got, err := a.p.Take(ctx, store.TakeRequest{
		Job: a.w.job, Run: a.x.run, Epoch: a.epoch, Holder: "exec:" + a.x.run, LeaseUntil: a.p.Now().Add(simLease), MaxTries: a.w.maxTries,
	})
	if err != nil {
		return err
	}
	if got.Outcome != store.OutcomeAcquired {
		return fault.New(fault.Held, "%s", got.Outcome)
	}
	if a.life == a.x.life {
		a.x.term = got.Lock.Term
		a.w.holds(a)
	}
	return nil
}

func (a *actor) enter(ctx context.Context) error {
	l, err := a.p.Enter(ctx, store.EnterRequest{
		Holding: a.holding(), Holder: "exec:" + a.x.run, LeaseUntil: a.p.Now().Add(simLease), MaxTries: a.w.maxTries,
	})
	if err == nil {
		a.w.holds(a)
	}
	if err == nil && l.Stop != "" {
		_, _, err = a.p.End(ctx, store.EndRequest{Holding: a.holding(), Code: l.Stop})
		if err == nil {
			err = fault.New(fault.Stopped, "stopped")
		}
	}
	return err
}

// load is one turn: lease, bind, write to the destination, checkpoint.
func (a *actor) load(ctx context.Context, partition, attempt string) (more bool, err error) {
	if err := a.enter(ctx); err != nil {
		return false, err
	}
	a.w.count++
	key := store.CheckpointKey{Job: a.w.job, Stream: "s", Partition: partition}
	c, err := a.p.Bind(ctx, store.BindCheckpoint{
		CheckpointKey: key, Run: a.x.run, Term: a.x.term, Attempt: attempt, Owner: store.Owner(a.x.run, attempt, fmt.Sprint(a.w.count)), Full: a.w.full, Now: a.p.Now(),
	})
	if err != nil || c.Seq == simBatches {
		return false, err
	}
	w := store.MoveCheckpoint{
		CheckpointKey: key, Run: a.x.run, Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: c.Seq + 1, PrevPos: c.Position, Position: fmt.Sprint("pos", c.Seq+1),
		Counters: store.Counters{Read: 2, Loaded: 1, Failed: 1, Batches: 1}, Failures: []store.Failure{{Index: 1, Code: "DataInvalid"}}, Now: a.p.Now(),
	}
	err = a.p.Store.(*port).gate("destination "+partition, func() error { return a.w.target.write(w, c.Base) })
	if err != nil {
		return false, err
	}
	if _, err = a.p.Commit(ctx, w); err != nil {
		return false, err
	}
	return w.Seq < simBatches, nil
}

func (a *actor) finish(ctx context.Context) error {
	if err := a.enter(ctx); err != nil {
		return err
	}
	_, _, err := a.p.End(ctx, store.EndRequest{Holding: a.holding()})
	if err == nil && a.life == a.x.life {
		a.x.done = true
	}
	return err
}

// destination is one that keeps its receipt with its rows, as Postgres does.
type destination struct {
	guards map[string]receipt
	rows   map[string]int // partition, base, seq → how often it was written
}

type receipt struct {
	fence    int64
	owner    string
	base     string
	seq      int64
	position string
}

// write is one transaction: the guard's rule, then the rows.
func (d *destination) write(w store.MoveCheckpoint, base string) error {
	g := d.guards[w.CheckpointKey.Partition]
	if g.base != base {
		g.seq, g.position = 0, ""
	}
	switch {
	case g.fence > w.Fence, g.fence == w.Fence && g.owner != w.Owner:
		return fault.New(fault.Superseded, "fence %d", g.fence)
	case g.seq >= w.Seq:
		return nil // its receipt is there
	case g.seq != w.PrevSeq || g.position != w.PrevPos:
		return fault.New(fault.DestinationBehind, "seq %d position %q", g.seq, g.position)
	}
	d.guards[w.CheckpointKey.Partition] = receipt{fence: w.Fence, owner: w.Owner, base: base, seq: w.Seq, position: w.Position}
	d.rows[fmt.Sprint(w.CheckpointKey.Partition, " ", base, " ", w.Seq)]++
	return nil
}
