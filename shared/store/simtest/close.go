package simtest

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// Life implements store.Prover: what DescribeExecution says, when it answers.
func (w *world) Life(_ context.Context, l store.Lock) (store.Life, error) {
	life := store.Unknown
	for _, x := range w.executions {
		if holder(x) == l.Holder && (w.calm || w.rng.IntN(5) > 0) {
			life = store.Alive
			if w.ends(x, l.Epoch) {
				life = store.Dead
			}
		}
	}
	key := fmt.Sprint(l.Term, " ", l.Epoch)
	p := w.proofs[key]
	switch life {
	case store.Dead:
		p.dead = w.trulyOver(l)
	case store.Unknown:
		p.unknown = true
	}
	w.proofs[key] = p
	if w.without == StealByLease {
		life = store.Unknown
		if l.LeaseUntil.Before(w.now.Add(-store.Skew)) {
			life = store.Dead
		}
	}
	return life, nil
}

// trulyOver says whether the holder's execution is at its end in the lock's epoch.
func (w *world) trulyOver(l store.Lock) bool {
	for _, x := range w.executions {
		if holder(x) == l.Holder {
			e, err := store.ParseEpoch(l.Epoch)
			return err == nil && !x.running && x.redrive >= e.Redrive
		}
	}
	return false
}

func holder(x *execution) string { return "exec:" + x.run }

// closing is what the event of an execution's end does, and the sweeper.
func (w *world) closing(x *execution) {
	l, err := w.plain.Lock(w.ctx, w.job)
	w.must(err, "read lock")
	if err != nil || l.Run != x.run {
		return
	}
	if w.without != CloseDescribe && !w.ends(x, l.Epoch) {
		return
	}
	h := store.Holding{Job: w.job, Run: l.Run, Term: l.Term, Epoch: l.Epoch}
	if top := store.Epoch(x.redrive, 0, 0, 0); top[:5] > l.Epoch[:5] && w.without != TopRedrive {
		h.Epoch = store.Epoch(x.redrive, 1, 0, 0)
	}
	p := store.Protocol{Store: w.plain, Now: func() time.Time { return w.now }, Jitter: noJitter}
	_, ended, err := p.End(w.ctx, store.EndRequest{Holding: h, Code: "Aborted", Closing: true})
	w.must(err, "close")
	w.check(!ended || !x.running, 8, "close ended run %s while its execution runs", x.run)
	w.observe("close " + x.run)
}

// sweep finds runs whose execution is dead.
func (w *world) sweep() {
	for _, x := range w.executions {
		if w.without != CloseDescribe && x.running {
			continue
		}
		w.closing(x)
	}
}
