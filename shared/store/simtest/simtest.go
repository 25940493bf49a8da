// Package simtest plays schedules of runs over a store and checks the invariants of docs/protocol.md after every request: runs, their
// legs, redrives and closes as Step Functions does them, with crashes, freezes, clocks that differ, answers that are lost, requests that
// are late, doubled or throttled. The store and the decisions over it are the real ones; steps, batches and destinations are small
// models that keep to the document. A rule can be left out, which the invariants must notice. Only tests import it.
package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// Gate is how a process reaches what is outside: it asks the schedule what becomes of a request, and lets do happen or not.
type Gate func(what string, do func() error) error

// Backend is one empty state.
type Backend interface {
	// Process gives the store as a process of its own sees it; every request passes the gate.
	Process(ctx context.Context, gate Gate, now func() time.Time) (store.Store, error)
	// Plain gives the store without a gate, for the observer.
	Plain() store.Store
	// Version tells whether something may have changed since it was asked last; a backend that cannot tell gives a new number each time.
	Version() int
}

// Options say what is played.
type Options struct {
	Open    func(ctx context.Context, now func() time.Time) (Backend, error)
	Without Rule // the rule that is left out; "" none
	Steps   int  // random happenings of a schedule; 0: 300
}

// Violation is the first breach of an invariant in a schedule.
type Violation struct {
	Seed      uint64
	Invariant int // its number in docs/protocol.md
	Text      string
	Trace     []string
}

// Error says what was broken and how to play it again.
func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d breaks invariant %d: %s", v.Seed, v.Invariant, v.Text)
}

// stopped unwinds the world when an invariant is broken.
type stopped struct{}

// Play plays one schedule. It answers nil when every invariant held; an error is the environment's, not the protocol's.
func Play(ctx context.Context, o Options, seed uint64) (v *Violation, err error) {
	w := newWorld(ctx, o, seed)
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case stopped:
			v = w.violation
		default:
			panic(p)
		}
		w.drop()
	}()
	if w.backend, err = o.Open(ctx, func() time.Time { return w.now }); err != nil {
		return nil, err
	}
	w.plain = w.backend.Plain()
	w.version = w.backend.Version()
	if w.lock, err = w.plain.Lock(ctx, w.job); err != nil {
		return nil, err
	}
	w.play(o.steps())
	w.settle()
	return w.violation, w.broken
}

func (o Options) steps() int {
	if o.Steps == 0 {
		return 300
	}
	return o.Steps
}

// newWorld makes the world of a schedule: everything in it follows from the seed.
func newWorld(ctx context.Context, o Options, seed uint64) *world {
	rng := rand.New(rand.NewPCG(seed, 11))
	w := &world{
		ctx: ctx, without: o.Without, seed: seed, rng: rng, now: start(), job: fmt.Sprintf("job-%d", seed),
		full: seed%3 == 0, poison: seed%7 == 6, maxTries: 4, config: 1 + int(seed/2%2), blobs: map[string]*batch{}, seen: map[string]store.Checkpoint{},
		holders: map[int64]string{}, proofs: map[string]proof{}, counted: map[string]int64{}, committed: map[string]string{}, attempts: map[string]string{}, drained: map[string]store.Checkpoint{}, source: map[string][]record{},
	}
	if !w.poison && seed%2 == 0 {
		w.maxTries = 40
	}
	for p := range partitions {
		w.grow(fmt.Sprint("p", p), 2+rng.IntN(4))
	}
	w.chooseDestinations()
	return w
}

func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
