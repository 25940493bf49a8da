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

// Schedules runs n random schedules over a store: runs that take, steal, retake, bind, write and commit, with crashes, freezes, clocks
// that differ by up to four leases, lost answers, late and doubled requests, redrives, stops, closes and forced resets. It checks
// invariants 2, 3, 4 and 8 after every request and at the end that the next run always comes through. Schedules differ by seed
// and are the same each time.
func Schedules(t *testing.T, s store.Store, n int) {
	for seed := range n {
		w := &world{
			t: t, s: s, job: fmt.Sprintf("sim-%d", seed), now: Start(), rng: rand.New(rand.NewPCG(uint64(seed), 7)), maxTries: 3 + seed%2*40, full: seed%3 == 0,
			target: destination{guards: map[string]receipt{}, rows: map[string]int{}}, seen: map[string]store.Checkpoint{}, holders: map[int64]string{},
			commits: map[string]int{}, counted: map[string]int64{}, proofs: map[string]store.Life{},
		}
		w.play(200)
		w.settle()
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, strings.Join(w.trace, "\n"))
		}
	}
}

// world is one schedule. Only one goroutine works at any time: the world's, or the one actor that it let pass.
type world struct {
	t          *testing.T
	s          store.Store
	job        string
	rng        *rand.Rand
	now        time.Time
	maxTries   int
	full       bool
	count      int
	executions []*execution
	actors     []*actor
	late       []func()
	target     destination
	move       *store.MoveCheckpoint // the last request to move a checkpoint
	lock       store.Lock            // as seen after the last request
	seen       map[string]store.Checkpoint
	holders    map[int64]string      // term → run
	commits    map[string]int        // partition, base, seq → how often
	counted    map[string]int64      // run, partition → batches
	proofs     map[string]store.Life // term, epoch → what Life last answered about it, Dead for good
	trace      []string
}

// Life implements store.Prover: what DescribeExecution says, when it answers.
func (w *world) Life(_ context.Context, l store.Lock) (store.Life, error) {
	life := store.Unknown
	for _, x := range w.executions {
		if "exec:"+x.run == l.Holder && w.rng.IntN(5) > 0 {
			life = store.Alive
			if x.over(l.Epoch) {
				life = store.Dead
			}
		}
	}
	key := fmt.Sprint(l.Term, " ", l.Epoch)
	w.proofs[key] = max(w.proofs[key], life) // Dead is the greatest
	if life == store.Unknown {
		w.proofs["unknown "+key] = life
	}
	return life, nil
}

// over says whether the execution ended in an epoch, or after it: it does not run and was redriven at least as often.
func (x *execution) over(epoch string) bool {
	e, err := store.ParseEpoch(epoch)
	return err == nil && !x.running && x.redrive >= e.Redrive && (x.leg != e.Leg || x.child >= e.ChildRedrive)
}

// play makes n random things happen.
func (w *world) play(n int) {
	for range n {
		switch k := w.rng.IntN(40); {
		case k < 2 && len(w.executions) < 5 || len(w.executions) == 0:
			w.startRun()
		case k < 4:
			w.interrupt()
		case k < 7:
			w.redrive()
		case k < 9:
			w.now = w.now.Add(time.Duration(w.rng.IntN(90)) * time.Second)
		case k == 9:
			w.now = w.now.Add(3 * time.Hour)
		case k < 13 && len(w.late) > 0:
			i := w.rng.IntN(len(w.late))
			do := w.late[i]
			w.late = append(w.late[:i], w.late[i+1:]...)
			do()
		case k == 13:
			w.operate()
		case k < 16:
			w.close()
		default:
			w.step(verdicts()[w.rng.IntN(len(verdicts()))])
		}
	}
}

// verdicts is the mix of what becomes of requests.
func verdicts() []verdict {
	mix := make([]verdict, 20, 28)
	return append(mix, lose, drop, delay, delay, duplicate, duplicate, crash, crashSent)
}

func (w *world) startRun() {
	x := &execution{run: fmt.Sprintf("r%d", len(w.executions)+1), running: true, leg: 1, skew: time.Duration(w.rng.IntN(480)-240) * time.Second}
	w.executions = append(w.executions, x)
	_, _, err := w.s.StartRun(w.t.Context(), store.Run{Job: w.job, ID: x.run, Status: store.RunPending, CreatedAt: w.now})
	w.check(err == nil, "start run: %v", err)
	w.begin(x)
}

// step lets one waiting actor's request have its way.
func (w *world) step(v verdict) {
	var waiting []*actor
	for _, a := range w.actors {
		if !a.ended {
			waiting = append(waiting, a)
		}
	}
	if len(waiting) == 0 {
		return
	}
	a := waiting[w.rng.IntN(len(waiting))]
	w.trace = append(w.trace, fmt.Sprintf("%s %s: verdict %d", a.name, a.what, v))
	a.grant <- v
	w.await(a)
	if a.ended && a.life == a.x.life {
		a.x.running = false
	}
}

// interrupt aborts an execution. The invocation that runs goes on, frozen until it is let pass.
func (w *world) interrupt() {
	for _, x := range w.executions {
		if x.running && w.rng.IntN(2) == 0 {
			x.running = false
			w.trace = append(w.trace, "abort "+x.run)
		}
	}
}

// redrive lets an execution that ended begin again, its top or the child of its leg.
func (w *world) redrive() {
	x := w.executions[w.rng.IntN(len(w.executions))]
	if x.running || x.done {
		return
	}
	x.life++
	x.running = true
	if x.leg > 1 && w.rng.IntN(2) == 0 {
		x.child++
	} else {
		x.redrive, x.child = x.redrive+1, 0
		if w.rng.IntN(2) == 0 {
			x.leg = 1 // from a state of the top
		}
	}
	w.trace = append(w.trace, "redrive "+x.run+" "+x.epoch())
	w.begin(x)
}

// operate is what people do: stop, reset with force, reset of a stream.
func (w *world) operate() {
	p := store.Protocol{Store: w.s, Now: func() time.Time { return w.now }}
	var err error
	switch w.rng.IntN(4) {
	case 0:
		_, err = p.Halt(w.t.Context(), w.job, "Stopped")
	case 1:
		_, err = p.Reopen(w.t.Context(), store.ReopenRequest{Job: w.job, Force: true, Streams: []string{"s"}})
	default:
		_, err = p.Reopen(w.t.Context(), store.ReopenRequest{Job: w.job, Force: w.rng.IntN(2) == 0})
	}
	code := fault.CodeOf(err)
	w.check(err == nil || code == fault.NotReady || code == fault.Held || code == fault.Conflict, "operate: %v", err)
	w.observe("operate")
}

// close releases the lock of an execution that ended, as the event of its end does, now or late.
func (w *world) close() {
	l, err := w.s.Lock(w.t.Context(), w.job)
	w.check(err == nil, "read lock: %v", err)
	for _, x := range w.executions {
		if x.run != l.Run || !x.over(l.Epoch) {
			continue
		}
		h := store.Holding{Job: w.job, Run: l.Run, Term: l.Term, Epoch: l.Epoch}
		if top := store.Epoch(x.redrive, 0, 0, 0); top[:5] > l.Epoch[:5] {
			h.Epoch = store.Epoch(x.redrive, 1, 0, 0)
		}
		p := store.Protocol{Store: w.s, Now: func() time.Time { return w.now }}
		do := func() {
			_, _, err = p.End(w.t.Context(), store.EndRequest{Holding: h, Code: "Aborted", Closing: true})
			w.check(err == nil, "close: %v", err)
			w.observe("close " + x.run)
		}
		if w.rng.IntN(2) == 0 {
			w.late = append(w.late, do)
			return
		}
		do()
	}
}

// settle ends all faults: everything in flight dies or arrives, then a new run must come through by itself, if need be after a reset.
func (w *world) settle() {
	for _, x := range w.executions {
		x.running = false
	}
	for _, a := range w.actors {
		for !a.ended {
			a.grant <- crash
			w.await(a)
		}
	}
	for _, do := range w.late {
		do()
	}
	for range 20 {
		if w.t.Failed() {
			return
		}
		w.now = w.now.Add(4 * time.Hour)
		x := &execution{run: fmt.Sprintf("r%d", len(w.executions)+1), running: true, leg: 1}
		w.executions = append(w.executions, x)
		w.begin(x)
		for a := w.actors[len(w.actors)-1]; !a.ended; {
			a.grant <- pass
			w.await(a)
		}
		if x.done {
			w.total()
			return
		}
		x.running = false
		if l, err := w.s.Lock(w.t.Context(), w.job); err == nil && l.Status == store.Ignored {
			w.operate()
		}
	}
	w.check(false, "no run comes through: lock %+v", w.lock)
}
