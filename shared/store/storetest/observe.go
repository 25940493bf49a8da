package storetest

import (
	"fmt"

	"github.com/lockstep-data/lockstep/shared/store"
)

// check fails the schedule unless ok.
func (w *world) check(ok bool, format string, args ...any) {
	if !ok {
		w.t.Errorf(format, args...)
	}
}

// observe looks at the whole state after one request and compares it with the one before.
func (w *world) observe(what string) {
	move := w.move
	w.move = nil
	l, err := w.s.Lock(w.t.Context(), w.job)
	w.check(err == nil, "read lock: %v", err)
	if l.Term != w.lock.Term || l.Status != w.lock.Status || l.Epoch != w.lock.Epoch {
		w.trace = append(w.trace, fmt.Sprintf("  %s: %s %s term %d epoch %s tries %d", what, l.Status, l.Run, l.Term, l.Epoch, l.Tries))
	}
	w.observeLock(what, l)
	w.lock = l
	list, err := w.s.Checkpoints(w.t.Context(), w.job, "")
	w.check(err == nil, "read checkpoints: %v", err)
	for _, c := range list {
		before := w.seen[c.Partition]
		if c.Seq != before.Seq || c.Fence != before.Fence {
			w.trace = append(w.trace, fmt.Sprintf("  %s: %s seq %d fence %d term %d base %s by %s", what, c.Partition, c.Seq, c.Fence, c.Term, c.Base, c.Owner))
		}
		w.observeCheckpoint(what, before, c)
		if c.Seq == before.Seq+1 && c.Fence == before.Fence {
			w.moved(what, move, c)
		}
		w.seen[c.Partition] = c
	}
}

// observeLock checks what only ever grows, and that a term has one run (invariant 8).
func (w *world) observeLock(what string, l store.Lock) {
	old := w.lock
	w.check(l.Term >= old.Term && l.Term <= old.Term+1, "%s: term %d after %d", what, l.Term, old.Term)
	w.check(l.Gen >= old.Gen, "%s: gen %d after %d", what, l.Gen, old.Gen)
	if l.Term == old.Term {
		w.check(l.Run == old.Run, "%s: run %s after %s in one term", what, l.Run, old.Run)
		w.check(l.Epoch >= old.Epoch, "%s: epoch %s after %s", what, l.Epoch, old.Epoch)
		w.check(!l.LeaseUntil.Before(old.LeaseUntil), "%s: the lease was shortened", what)
		w.check(old.Status != store.Succeeded || l.Status == store.Succeeded, "%s: %s after a success", what, l.Status)
	}
	if l.Term != old.Term && old.Status == store.InProgress && l.Status == store.InProgress {
		w.stolen(what, l)
	}
	if l.Status == store.Succeeded && old.Status != store.Succeeded {
		for _, c := range w.seen {
			w.check(c.Seq == simBatches, "%s: succeeded with %s at seq %d", what, c.Partition, c.Seq)
		}
	}
	if l.Status == store.InProgress {
		if run, ok := w.holders[l.Term]; ok {
			w.check(run == l.Run, "%s: term %d belongs to %s and %s", what, l.Term, run, l.Run)
		}
		w.holders[l.Term] = l.Run
	}
}

// stolen checks that whoever lost the lock was proven dead in the lock's epoch, or nobody could tell and its lease was long over.
func (w *world) stolen(what string, l store.Lock) {
	key := fmt.Sprint(w.lock.Term, " ", w.lock.Epoch)
	_, unknown := w.proofs["unknown "+key]
	long := w.now.Sub(w.lock.LeaseUntil) > store.Unproven-4*simLease
	w.check(w.proofs[key] == store.Dead || unknown && long, "%s: %s robbed %s in epoch %s", what, l.Run, w.lock.Run, w.lock.Epoch)
}

// holds checks what an actor was told a moment ago: that it holds the lock.
func (w *world) holds(a *actor) {
	l := w.lock
	w.check(l.Status == store.InProgress && l.Run == a.x.run && l.Term == a.x.term && l.Epoch == a.epoch,
		"%s goes on in term %d, epoch %s, but the lock is %s by %s in term %d, epoch %s", a.name, a.x.term, a.epoch, l.Status, l.Run, l.Term, l.Epoch)
}

// observeCheckpoint checks invariants 2 and 4 on what changed.
func (w *world) observeCheckpoint(what string, before, c store.Checkpoint) {
	w.check(c.Fence >= before.Fence && c.Fence <= before.Fence+1, "%s: %s fence %d after %d", what, c.Partition, c.Fence, before.Fence)
	w.check(c.Term >= before.Term, "%s: %s term %d after %d", what, c.Partition, c.Term, before.Term)
	w.check(c.Total >= before.Total, "%s: %s total %d after %d", what, c.Partition, c.Total, before.Total)
	if c.Fence == before.Fence {
		w.check(c.Owner == before.Owner && c.Base == before.Base, "%s: %s changed hands without a new fence", what, c.Partition)
		w.check(c.Seq == before.Seq || c.Seq == before.Seq+1, "%s: %s seq %d after %d", what, c.Partition, c.Seq, before.Seq)
		return
	}
	w.check(c.Term > before.Term || c.Attempt > before.Attempt, "%s: attempt %s after %s", what, c.Attempt, before.Attempt)
	fresh := c.Base != before.Base || c.Run == ""
	w.check(fresh && c.Seq == 0 && c.Position == "" || c.Seq == before.Seq && c.Position == before.Position,
		"%s: bind of %s went from seq %d to %d, base %q to %q", what, c.Partition, before.Seq, c.Seq, before.Base, c.Base)
}

// moved checks one checkpoint that moved: by the writer whose turn it is (invariant 4), once per seq.
func (w *world) moved(what string, move *store.MoveCheckpoint, c store.Checkpoint) {
	if move == nil {
		w.check(false, "%s: %s moved by itself", what, c.Partition)
		return
	}
	w.check(move.Fence == c.Fence && move.Owner == c.Owner, "%s: fence %d moved a checkpoint of fence %d", what, move.Fence, c.Fence)
	batch := fmt.Sprint(c.Partition, " ", c.Base, " ", c.Seq)
	w.commits[batch]++
	w.check(w.commits[batch] == 1, "%s: %s was committed %d times", what, batch, w.commits[batch])
	w.check(w.target.rows[batch] == 1, "%s: %s was committed, but written %d times", what, batch, w.target.rows[batch])
	w.counted[move.Run+" "+c.Partition]++
}

// total checks the end: the rows of each partition are there once, and counters and failures say the same as the checkpoints
// (invariant 3).
func (w *world) total() {
	for p := range simPartitions {
		c := w.seen[fmt.Sprint("p", p)]
		w.check(c.Seq == simBatches, "partition %d ends at seq %d", p, c.Seq)
		for seq := range simBatches {
			batch := fmt.Sprint(c.Partition, " ", c.Base, " ", seq+1)
			w.check(w.target.rows[batch] == 1 && w.commits[batch] == 1, "%s: written %d, committed %d times", batch, w.target.rows[batch], w.commits[batch])
		}
	}
	for batch, n := range w.target.rows {
		w.check(n == 1, "%s was written %d times", batch, n)
	}
	for _, x := range w.executions {
		parts, err := w.s.Partitions(w.t.Context(), w.job, x.run)
		w.check(err == nil, "read partitions: %v", err)
		got, batches := map[string]int64{}, int64(0)
		for _, p := range parts {
			got[p.Partition] = p.Counters.Batches
			w.check(p.Counters.Failed == p.Counters.Batches, "%s %s counts %d failed of %d", x.run, p.Partition, p.Counters.Failed, p.Counters.Batches)
		}
		for p := range simPartitions {
			name := fmt.Sprint("p", p)
			n := w.counted[x.run+" "+name]
			w.check(got[name] == n, "%s %s counts %d batches of %d", x.run, name, got[name], n)
			batches += n
		}
		failures, _, err := w.s.Failures(w.t.Context(), store.FailureQuery{Job: w.job, Run: x.run, Limit: 1000})
		w.check(err == nil, "read failures: %v", err)
		// A stream that starts over inside a run writes the same failures again.
		w.check(int64(len(failures)) <= batches && (batches == 0) == (len(failures) == 0), "%s: %d failures of %d batches", x.run, len(failures), batches)
	}
}
