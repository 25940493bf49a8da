package simtest

import (
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// execution is a run as the state machine knows it.
type execution struct {
	run      string
	running  bool
	done     bool
	redrive  int // of the top
	leg      int
	legRetry int
	child    int
	term     int64         // once acquire has answered
	life     int           // +1 whenever it begins to run again
	skew     time.Duration // of its processes' clocks
	stamps   time.Duration // of the clock that says when its states were entered; another one for each leg and redrive
	config   int           // of the job when it started
	tasks    []*task
	more     bool // a partition of the leg was left before its end
	stopping bool // a step saw the stop
	budget   int  // batches that the leg still moves
}

// task is one state that an execution is in.
type task struct {
	x       *execution
	life    int
	kind    string // acquire plan extract load finish
	part    string
	seq     int64
	start   string
	batch   string
	epoch   string
	cause   string // the epoch as it is when no rule is left out
	entered time.Time
	retry   int
	actor   *actor // the invocation that counts
}

// result is what an invocation answers its state machine.
type result struct {
	next  *task // what the partition does next; nil: nothing
	parts []*task
	more  bool
	stop  bool
}

// epoch builds the epoch of a state of the execution as it is now. The states of the top after the last leg carry one leg more.
func (w *world) epoch(x *execution, kind string) string {
	redrive, leg, retry, child := x.redrive, x.leg, x.legRetry, x.child
	if kind == "finish" && leg > 1 {
		leg, retry, child = leg+1, 0, 0
		if w.without == TopLeg {
			leg = 1
		}
	}
	switch w.without {
	case TopRedrive:
		redrive = 0
	case LegRetry:
		retry = 0
	case NoEpoch:
		redrive, leg, retry, child = 0, 1, 0, 0
	}
	return store.Epoch(redrive, leg, retry, child)
}

// trueEpoch is the epoch whatever rule is left out.
func (w *world) trueEpoch(x *execution, kind string) string {
	was := w.without
	defer func() { w.without = was }()
	w.without = ""
	return w.epoch(x, kind)
}

// startRun starts a run, now and then twice under one id: it is one run then (invariant 8).
func (w *world) startRun() {
	x := &execution{run: fmt.Sprintf("r%d", len(w.executions)+1), running: true, leg: 1, skew: time.Duration(w.rng.IntN(480)-240) * time.Second, config: w.config}
	if w.calm {
		x.skew = 0
	}
	w.executions = append(w.executions, x)
	for i := range 1 + w.rng.IntN(2) {
		_, put, err := w.plain.StartRun(w.ctx, store.Run{Job: w.job, ID: x.run, Status: store.RunPending, InputSHA256: "input", CreatedAt: w.now})
		w.must(err, "start run")
		w.check(put == (i == 0) || err != nil, 8, "run %s was put %d times", x.run, i+1)
	}
	w.note("start %s", x.run)
	w.enter(x, &task{kind: "acquire"})
}

// enter makes the execution enter a state.
func (w *world) enter(x *execution, t *task) {
	w.now = w.now.Add(time.Millisecond)
	t.x, t.life, t.entered, t.retry = x, x.life, w.now.Add(x.stamps), 0
	t.epoch, t.cause = w.epoch(x, t.kind), w.trueEpoch(x, t.kind)
	x.tasks = append(x.tasks, t)
	w.invoke(t)
}

// invoke begins an invocation of a task.
func (w *world) invoke(t *task) {
	a := w.newActor(t)
	t.actor = a
	w.actors = append(w.actors, a)
	go a.run(w.ctx)
	w.await(a)
}

// timedOut lets the state machine give up on an invocation that sleeps, and try the state again.
func (w *world) timedOut(a *actor) {
	if t := a.t; t.actor == a && t.x.running && t.life == t.x.life {
		w.again(t, fault.New(fault.Timeout, "state timed out"))
	}
}

// again retries a state, at most three times.
func (w *world) again(t *task, err error) {
	x := t.x
	if t.retry >= 3 {
		w.failed(x)
		return
	}
	t.retry++
	w.invoke(t)
	if fault.CodeOf(err) == fault.Duplicate && t.actor != nil && !w.calm {
		t.actor.asleep = w.now.Add(30 * time.Second)
	}
}

// failed ends a leg: the top starts it anew once, or the execution has failed.
func (w *world) failed(x *execution) {
	if x.leg > 1 && x.legRetry == 0 && w.rng.IntN(2) == 0 {
		w.note("%s: leg %d fails and is started again", x.run, x.leg)
		x.legRetry, x.child, x.tasks, x.life = x.legRetry+1, 0, nil, x.life+1
		w.restamp(x)
		w.plan(x)
		return
	}
	w.stop(x)
}

// stop ends an execution. The event of its end may come late, twice or not at all.
func (w *world) stop(x *execution) {
	x.running = false
	for range w.rng.IntN(3) {
		if w.rng.IntN(2) == 0 {
			w.closing(x)
		} else {
			w.late = append(w.late, func() { w.closing(x) })
		}
	}
}

// plan begins the execution's leg.
func (w *world) plan(x *execution) {
	x.more, x.stopping, x.budget = false, false, 1+w.rng.IntN(6)
	if w.calm {
		x.budget = 2 + int(w.seed%2)*100
	}
	w.enter(x, &task{kind: "plan"})
}

// ended hands an invocation's answer to the state machine, if it still waits for that one.
func (w *world) ended(a *actor) {
	t := a.t
	x := t.x
	if t.actor != a || t.life != x.life || !x.running || w.over() {
		return
	}
	if a.err != nil {
		w.note("%s: %v", a.name, fault.CodeOf(a.err))
		if a.crashed || fault.CodeOf(a.err).Retryable() {
			w.again(t, a.err)
			return
		}
		w.failed(x)
		return
	}
	w.leave(x, t)
	r := a.answer
	x.more, x.stopping = x.more || r.more, x.stopping || r.stop
	switch t.kind {
	case "acquire":
		w.plan(x)
		return
	case "finish":
		if r.more {
			w.nextLeg(x)
		} else {
			w.stop(x)
		}
		return
	}
	for _, p := range r.parts {
		w.enter(x, p)
	}
	if r.next != nil {
		w.turn(x, r.next)
	}
	if len(x.tasks) == 0 && x.running {
		w.legEnded(x)
	}
}

// turn goes on with a partition while the leg's budget lasts.
func (w *world) turn(x *execution, next *task) {
	if next.kind == "extract" {
		if x.budget == 0 {
			x.more = true
			return
		}
		x.budget--
	}
	w.enter(x, next)
}

// leave takes a task off the execution.
func (w *world) leave(x *execution, t *task) {
	for i, o := range x.tasks {
		if o == t {
			x.tasks = append(x.tasks[:i], x.tasks[i+1:]...)
			return
		}
	}
}

func (w *world) legEnded(x *execution) {
	if x.more && !x.stopping {
		w.nextLeg(x)
		return
	}
	w.enter(x, &task{kind: "finish"})
}

// restamp gives the execution another clock for the times at which states are entered: only the epoch orders them.
func (w *world) restamp(x *execution) {
	x.stamps = time.Duration(w.rng.IntN(240)-120) * time.Second
}

func (w *world) nextLeg(x *execution) {
	if x.leg > 40 {
		w.stop(x)
		return
	}
	x.leg, x.legRetry, x.child = x.leg+1, 0, 0
	w.restamp(x)
	w.plan(x)
}

// redrive lets an execution that ended begin again: its top, or the child of its leg.
func (w *world) redrive() {
	x := w.executions[w.rng.IntN(len(w.executions))]
	if !x.running && !x.done {
		w.redriveRun(x)
	}
}

func (w *world) redriveRun(x *execution) {
	x.life++
	x.running = true
	open := x.tasks
	x.tasks = nil
	child := x.leg > 1 && len(open) > 0 && open[0].kind != "finish" && w.rng.IntN(2) == 0
	switch {
	case child:
		x.child++
	default:
		x.redrive++
		x.child, x.legRetry = 0, 0
	}
	w.restamp(x)
	w.note("redrive %s: %s", x.run, w.epoch(x, ""))
	switch {
	case x.term == 0:
		w.enter(x, &task{kind: "acquire"})
	case len(open) == 0, x.leg > 1 && !child: // the top starts the leg's child anew
		w.plan(x)
	default:
		for _, t := range open { // with the input that they had
			if x.running {
				w.enter(x, &task{kind: t.kind, part: t.part, seq: t.seq, start: t.start, batch: t.batch})
			}
		}
	}
}

// ends says whether the execution ended in an epoch or after it: it does not run and was redriven at least as often.
func (w *world) ends(x *execution, epoch string) bool {
	e, err := store.ParseEpoch(epoch)
	if err != nil || x.running {
		return false
	}
	if w.without == RedriveAtLeast {
		return x.redrive == e.Redrive && (x.leg != e.Leg || x.child == e.ChildRedrive)
	}
	return x.redrive >= e.Redrive && (x.leg != e.Leg || x.legRetry != e.Retry || x.child >= e.ChildRedrive)
}
