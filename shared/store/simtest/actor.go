package simtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// What a gate answers for a request that got no answer of its own.
var (
	ErrNoAnswer  = errors.New("no answer")
	ErrThrottled = errors.New("throttled")
	ErrConflict  = errors.New("another transaction is under way")
)

// actor is one invocation of a step.
type actor struct {
	w       *world
	t       *task
	name    string
	p       store.Protocol
	asks    chan string
	grant   chan verdict
	done    chan struct{}
	what    string // it waits with
	asleep  time.Time
	ended   bool
	crashed bool
	stopped bool // LEASE answered a stop
	answer  result
	err     error
}

func (w *world) newActor(t *task) *actor {
	w.count++
	return &actor{
		w: w, t: t, name: fmt.Sprintf("%s/%s%s#%d", t.x.run, t.kind, t.part, w.count),
		asks: make(chan string), grant: make(chan verdict), done: make(chan struct{}),
	}
}

// run is the invocation's goroutine.
func (a *actor) run(ctx context.Context) {
	defer close(a.done)
	a.crashed = true // unless it comes to its end
	a.err = fault.New(fault.Internal, "the process died")
	answer, err := a.step(ctx)
	a.crashed, a.answer, a.err = false, answer, err
}

// step opens the process's store and does what the task says.
func (a *actor) step(ctx context.Context) (result, error) {
	now := func() time.Time { return a.w.now.Add(a.t.x.skew) }
	s, err := a.w.backend.Process(ctx, a.gate, now)
	if err != nil {
		return result{}, err
	}
	a.p = store.Protocol{
		Store: s, Prover: a.w, Now: now, NewRVN: func() string { return fmt.Sprintf("rvn-%d", a.w.rng.Uint64()) }, Jitter: noJitter,
	}
	switch a.t.kind {
	case "acquire":
		return a.acquire(ctx)
	case "plan":
		return a.plan(ctx)
	case "extract":
		return a.extract(ctx)
	case "load":
		return a.load(ctx)
	}
	return a.finish(ctx)
}

// gate is one request.
func (a *actor) gate(what string, do func() error) error {
	a.asks <- what
	v := <-a.grant
	sent := func() error {
		err := do()
		a.w.observe(a.name + " " + what)
		return err
	}
	later := func() {
		_ = do() // nobody waits for the answer
		a.w.observe(a.name + " late " + what)
	}
	switch v {
	case lose:
		_ = sent() // lost
		return ErrNoAnswer
	case drop:
		return ErrNoAnswer
	case delay:
		a.w.late = append(a.w.late, later)
		return ErrNoAnswer
	case duplicate:
		a.w.late = append(a.w.late, later)
	case throttle:
		return ErrThrottled
	case conflict:
		return ErrConflict
	case crashSent:
		_ = sent() // nobody is there to see it
		runtime.Goexit()
	case crash:
		runtime.Goexit()
	}
	return sent()
}

// reach passes a request to a destination or the blobs; one without an answer is Transient.
func (a *actor) reach(what string, do func() error) error {
	err := a.gate(what, do)
	if errors.Is(err, ErrNoAnswer) || errors.Is(err, ErrThrottled) || errors.Is(err, ErrConflict) {
		return fault.New(fault.Transient, "%s: %w", what, err)
	}
	return err
}

func (a *actor) holding() store.Holding {
	return store.Holding{Job: a.w.job, Run: a.t.x.run, Term: a.t.x.term, Epoch: a.t.epoch}
}

func (a *actor) acquire(ctx context.Context) (result, error) {
	x := a.t.x
	got, err := a.p.Take(ctx, store.TakeRequest{
		Job: a.w.job, Run: x.run, Epoch: a.t.epoch, Holder: holder(x), LeaseUntil: a.p.Now().Add(lease), MaxTries: a.w.maxTries, Unfenced: a.w.unfenced(),
	})
	if err != nil {
		return result{}, err
	}
	if got.Outcome != store.OutcomeAcquired {
		return result{}, fault.New(fault.Held, "%s", got.Outcome)
	}
	if a.t.life == x.life {
		x.term = got.Lock.Term
	}
	return result{}, nil
}

// enter is LEASE: the first act of every step.
func (a *actor) enter(ctx context.Context) (store.Lock, error) {
	if a.w.without == LeaseCheck {
		return store.Lock{}, nil
	}
	l, err := a.p.Enter(ctx, store.EnterRequest{
		Holding: a.holding(), Holder: holder(a.t.x), LeaseUntil: a.p.Now().Add(lease), MaxTries: a.w.maxTries,
	})
	if err == nil {
		a.w.holds(a)
		a.stopped = l.Stop != ""
	}
	if a.w.without == StopLooked {
		l.Stop = ""
	}
	return l, err
}

func (a *actor) attempt() string {
	epoch := a.t.epoch
	if a.w.without == BindLeg {
		e, _ := store.ParseEpoch(epoch) // it was built by Epoch
		epoch = store.Epoch(e.Redrive, 1, e.Retry, e.ChildRedrive)
	}
	return store.Attempt(epoch, a.t.entered, a.t.retry)
}

// bind is BIND of a partition.
func (a *actor) bind(ctx context.Context, part string) (store.Checkpoint, error) {
	a.w.count++
	x := a.t.x
	owner := store.Owner(x.run, a.attempt(), fmt.Sprint(a.w.count))
	a.w.attempts[owner] = store.Attempt(a.t.cause, a.t.entered, a.t.retry)
	return a.p.Bind(ctx, store.BindCheckpoint{
		CheckpointKey: a.key(part), Run: x.run, Term: x.term, Attempt: a.attempt(), Owner: owner,
		Full: a.w.full && part != store.CommitPartition, Now: a.p.Now(),
	})
}

func (a *actor) key(part string) store.CheckpointKey {
	return store.CheckpointKey{Job: a.w.job, Stream: stream, Partition: part}
}

// plan claims the once-per-run work of a full run, then hands out the partitions that this run has not drained.
func (a *actor) plan(ctx context.Context) (result, error) {
	l, err := a.enter(ctx)
	if err != nil || l.Stop != "" {
		return result{stop: l.Stop != ""}, err
	}
	if a.w.full {
		if done, err := a.claim(ctx); err != nil || done {
			return result{}, err
		}
	}
	var r result
	for i := range partitions {
		part := fmt.Sprint("p", i)
		c, err := a.bind(ctx, part)
		if err != nil {
			return result{}, err
		}
		if c.Drained != a.t.x.run {
			r.parts = append(r.parts, &task{kind: "extract", part: part, seq: c.Seq + 1, start: c.Position})
		}
	}
	return r, nil
}

// claim binds ~commit and claims its guard at each destination with a staging of this run; done says that the run has swapped.
func (a *actor) claim(ctx context.Context) (done bool, err error) {
	c, err := a.bind(ctx, store.CommitPartition)
	if err != nil {
		return false, err
	}
	for _, t := range a.w.targets {
		s, ok := t.(*fenced)
		if !ok {
			continue
		}
		if a.w.without == CommitClaim { // the run goes on as if the destination knew of it
			s.claimant = a.t.x.run
			continue
		}
		if err := a.reach("claim "+t.name(), func() error { return s.claim(a.w, c, a.t.x.run) }); err != nil {
			return false, err
		}
	}
	return false, nil
}

// finish ends the run when every partition is drained.
func (a *actor) finish(ctx context.Context) (result, error) {
	l, err := a.enter(ctx)
	if err != nil {
		if fault.Has(err, fault.AlreadyDone) {
			return result{}, nil
		}
		return result{}, err
	}
	if l.Stop != "" {
		_, _, err := a.p.End(ctx, store.EndRequest{Holding: a.holding(), Code: l.Stop})
		if err == nil {
			err = fault.New(fault.Stopped, "stopped")
		}
		return result{}, err
	}
	a.w.check(!a.stopped, 9, "%s goes on to succeed although the run was stopped", a.name)
	if more, err := a.commit(ctx); err != nil || more {
		return result{more: more}, err
	}
	_, _, err = a.p.End(ctx, store.EndRequest{Holding: a.holding()})
	if err == nil && a.t.life == a.t.x.life {
		a.t.x.done = true
	}
	return result{}, err
}
