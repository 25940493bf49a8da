package simtest

import (
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// settle ends all faults: what is in flight dies or arrives, then a new run must come through by itself, if need be after a reset
// (invariant 7). A job whose batch kills every process must be IGNORED first (invariant 9).
func (w *world) settle() {
	w.calm = true
	for _, x := range w.executions {
		x.running = false
	}
	for len(w.actors) > 0 && !w.over() {
		a := w.actors[0]
		for !a.ended && !w.over() {
			w.grant(a, crash)
		}
	}
	held := w.seed%2 == 1 // what is late arrives only behind the first run that comes through
	if !held {
		w.deliver()
	}
	if w.over() {
		return
	}
	w.note("settle")
	if w.poison {
		w.useUp()
	}
	for range 20 {
		if w.over() {
			return
		}
		w.now = w.now.Add(4 * time.Hour)
		w.startRun()
		x := w.executions[len(w.executions)-1]
		w.runOut()
		if x.done && held {
			held = false
			w.deliver()
			continue
		}
		if x.done && w.complete() {
			w.total()
			return
		}
		w.stop(x)
		w.reopen()
	}
	w.check(w.over(), 7, "no run comes through to the end: the lock is %s by %s in term %d, tries %d", w.lock.Status, w.lock.Run, w.lock.Term, w.lock.Tries)
}

// deliver lets everything arrive that is late.
func (w *world) deliver() {
	for len(w.late) > 0 && !w.over() {
		do := w.late[0]
		w.late = w.late[1:]
		do()
	}
}

// useUp lets the job's runs die on their batch until it is IGNORED, then takes the poison away.
func (w *world) useUp() {
	again := w.seed%2 == 0 // redrives, else new runs
	var x *execution
	for range 12 {
		if w.over() || w.lock.Status == store.Ignored || w.seen["p0"].Drained == w.lock.Run && w.lock.Status == store.Succeeded {
			break
		}
		w.now = w.now.Add(4 * time.Hour)
		if x == nil || !again {
			w.startRun()
			x = w.executions[len(w.executions)-1]
		} else {
			w.redriveRun(x)
		}
		w.runOut()
		x.running = false
		w.closing(x)
		if x.done {
			break
		}
	}
	w.check(x == nil || x.done || w.over() || w.lock.Status == store.Ignored, 9, "the job killed 12 runs and is still %s with %d tries", w.lock.Status, w.lock.Tries)
	w.poison = false
	w.reopen()
}

// reopen resets a job that is closed.
func (w *world) reopen() {
	p := store.Protocol{Store: w.plain, Now: func() time.Time { return w.now }}
	if w.lock.Status == store.Ignored {
		_, err := p.Reopen(w.ctx, store.ReopenRequest{Job: w.job})
		w.must(err, "reset")
		w.observe("operator resets")
	}
}

// runOut lets all actors work until none is left.
func (w *world) runOut() {
	for n := 0; len(w.actors) > 0 && !w.over(); n++ {
		if n > 5000 {
			w.check(false, 7, "a run does not come to an end")
			return
		}
		a := w.actors[0]
		if a.asleep.After(w.now) {
			w.now = a.asleep
		}
		w.grant(a, pass)
	}
}

// complete says whether the source was moved to its end. A run that finds the object of a batch that was cut before the source grew
// ends where that one did.
func (w *world) complete() bool {
	for part, rows := range w.source {
		if index(w.seen[part].Position) < len(rows) {
			return false
		}
	}
	return true
}

// total checks the end: destinations hold the source, counters and failures say the same as the checkpoints (invariants 3, 5).
func (w *world) total() {
	for _, t := range w.targets {
		if wrong := t.settled(w); wrong != "" {
			w.check(false, 6, "%s: %s", t.name(), wrong)
		}
	}
	for _, x := range w.executions {
		parts, err := w.plain.Partitions(w.ctx, w.job, x.run)
		w.must(err, "read partitions")
		got := map[string]int64{}
		for _, p := range parts {
			got[p.Partition] = p.Counters.Batches
			w.check(p.Counters.Closed() && p.Counters.Failed <= w.refusals(p.Partition)*p.Counters.Batches, 5, "%s %s: %+v", x.run, p.Partition, p.Counters)
		}
		for i := range partitions {
			part := fmt.Sprint("p", i)
			n := w.counted[x.run+" "+part]
			w.check(got[part] == n, 3, "%s %s counts %d batches of %d", x.run, part, got[part], n)
		}
	}
}

// refusals counts the records of a partition that the first destination refuses.
func (w *world) refusals(part string) (n int64) {
	for _, r := range w.source[part] {
		if r.refused {
			n++
		}
	}
	return n
}
