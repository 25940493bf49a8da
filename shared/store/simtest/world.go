package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Sizes of the world.
const (
	partitions = 2
	maxRuns    = 4
	lease      = time.Minute
	stream     = "s"
)

// world is one schedule. Only one goroutine works at any time: the world's, or the one actor that it let pass.
type world struct {
	ctx      context.Context //nolint:containedctx // a schedule is one call
	without  Rule
	seed     uint64
	rng      *rand.Rand
	now      time.Time
	job      string
	backend  Backend
	plain    store.Store
	maxTries int
	full     bool
	poison   bool // loading a batch of p0 kills the process
	early    bool // the rule that destinations come first is left out
	calm     bool // all faults are over
	count    int

	executions []*execution
	actors     []*actor
	late       []func()
	source     map[string][]record
	blobs      map[string]*batch
	targets    []target

	lock      store.Lock // as seen after the last request
	seen      map[string]store.Checkpoint
	holders   map[int64]string            // term → run
	drained   map[string]store.Checkpoint // run, partition → as it was when the run came to its end
	attempts  map[string]string           // owner → attempt as it is when no rule is left out
	config    int                         // of the job; each changes how batches are cut
	committed map[string]string           // partition, base, seq → batch
	counted   map[string]int64            // run, partition → batches
	proofs    map[string]proof
	trace     []string
	violation *Violation
	version   int   // of the state, when it was observed last
	broken    error // the environment's error
}

// proof is what Life answered about a term and epoch.
type proof struct{ dead, unknown bool }

// verdict is what becomes of one request of an actor.
type verdict int

const (
	pass      verdict = iota
	lose              // the request arrives, its answer is lost
	drop              // the request is lost
	delay             // the request arrives later, the sender has given up on it
	duplicate         // the request arrives, and once more later
	throttle          // the request is refused for its rate
	conflict          // a transaction on the same item is under way
	crash             // the sender dies before the request
	crashSent         // the sender dies after the request
	freeze            // the sender sleeps for three leases before the request
)

func (v verdict) String() string {
	return [...]string{"pass", "lose", "drop", "delay", "duplicate", "throttle", "conflict", "crash", "crash after", "freeze"}[v]
}

// verdicts is the mix of what becomes of requests.
func verdicts() []verdict {
	mix := make([]verdict, 70, 86)
	return append(mix, lose, lose, drop, delay, delay, duplicate, duplicate, throttle, conflict, crash, crash, crashSent, crashSent, freeze, freeze)
}

// check stops the schedule at the first breach of an invariant.
func (w *world) check(ok bool, invariant int, format string, args ...any) {
	if ok || w.violation != nil {
		return
	}
	w.violation = &Violation{Seed: w.seed, Invariant: invariant, Text: fmt.Sprintf(format, args...), Trace: w.trace}
}

// must ends the schedule when the environment fails.
func (w *world) must(err error, what string) {
	if err != nil && w.broken == nil {
		w.broken = fmt.Errorf("%s: %w", what, err)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

// over says whether the schedule has nothing more to find.
func (w *world) over() bool { return w.violation != nil || w.broken != nil }

// play makes n random things happen.
func (w *world) play(n int) {
	for range n {
		if w.over() {
			return
		}
		switch k := w.rng.IntN(120); {
		case k < 3 && len(w.executions) < maxRuns || len(w.executions) == 0:
			w.startRun()
		case k == 3:
			w.interrupt()
		case k < 8:
			w.redrive()
		case k < 12:
			w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Second)
		case k == 12:
			w.now = w.now.Add(3 * time.Hour)
		case k < 20 && len(w.late) > 0:
			i := w.rng.IntN(len(w.late))
			do := w.late[i]
			w.late = append(w.late[:i], w.late[i+1:]...)
			do()
		case k == 20:
			w.operate()
		case k < 23:
			w.sweep()
		case k == 23:
			w.config++
		case k < 27:
			w.grow(fmt.Sprint("p", w.rng.IntN(partitions)), 1)
		default:
			w.step(verdicts()[w.rng.IntN(len(verdicts()))])
		}
	}
}

// step lets one waiting actor's request have its way.
func (w *world) step(v verdict) {
	var waiting []*actor
	for _, a := range w.actors {
		if !a.ended && !a.asleep.After(w.now) {
			waiting = append(waiting, a)
		}
	}
	if len(waiting) == 0 {
		for _, a := range w.actors {
			if !a.ended && (w.now.Before(a.asleep)) {
				w.now = a.asleep // nothing else happens until then
				return
			}
		}
		return
	}
	w.grant(waiting[w.rng.IntN(len(waiting))], v)
}

// grant lets one request have its way.
func (w *world) grant(a *actor, v verdict) {
	if v != pass {
		w.note("%s %s: %s", a.name, a.what, v)
	}
	if v == freeze {
		a.asleep = w.now.Add(3 * lease)
		w.timedOut(a)
		return
	}
	a.grant <- v
	w.await(a)
}

// await waits until the actor asks for something or ends.
func (w *world) await(a *actor) {
	select {
	case a.what = <-a.asks:
	case <-a.done:
		a.ended = true
		w.cleanUp()
		w.ended(a)
	}
}

// cleanUp forgets actors that ended.
func (w *world) cleanUp() {
	live := w.actors[:0]
	for _, a := range w.actors {
		if !a.ended {
			live = append(live, a)
		}
	}
	w.actors = live
}

// drop ends what is still waiting, so that no goroutine is left.
func (w *world) drop() {
	w.calm = true
	for _, x := range w.executions {
		x.running = false
	}
	for len(w.actors) > 0 {
		a := w.actors[0]
		w.actors = w.actors[1:]
		for !a.ended {
			a.grant <- crash
			select {
			case <-a.asks:
			case <-a.done:
				a.ended = true
			}
		}
	}
}

// interrupt aborts an execution. Its invocations go on until they are let pass.
func (w *world) interrupt() {
	for _, x := range w.executions {
		if x.running && w.rng.IntN(2) == 0 {
			w.note("abort %s", x.run)
			if x.leg > 1 {
				w.failed(x) // its child alone, perhaps
			} else {
				w.stop(x)
			}
		}
	}
}

// operate is what people do: stop, reset, reset with force.
func (w *world) operate() {
	p := store.Protocol{Store: w.plain, Now: func() time.Time { return w.now }, Jitter: noJitter}
	var err error
	switch w.rng.IntN(6) {
	case 0, 1, 2:
		w.note("operator stops")
		_, err = p.Halt(w.ctx, w.job, "Stopped")
	case 3:
		w.note("operator resets the stream by force")
		_, err = p.Reopen(w.ctx, store.ReopenRequest{Job: w.job, Force: true, Streams: []string{stream}})
	default:
		w.note("operator resets")
		_, err = p.Reopen(w.ctx, store.ReopenRequest{Job: w.job, Force: w.rng.IntN(2) == 0})
	}
	switch fault.CodeOf(err) {
	case fault.NotReady, fault.Held, fault.Conflict:
		err = nil
	}
	w.must(err, "operate")
	w.observe("operator")
}

func noJitter(time.Duration) time.Duration { return 0 }
