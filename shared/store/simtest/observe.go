package simtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// observe looks at the whole state after one request and compares it with the one before.
func (w *world) observe(what string) {
	v := w.backend.Version()
	if w.over() || v == w.version {
		return
	}
	w.version = v
	l, err := w.plain.Lock(w.ctx, w.job)
	w.must(err, "read lock")
	if l.Term != w.lock.Term || l.Status != w.lock.Status || l.Epoch != w.lock.Epoch || l.Stop != w.lock.Stop {
		w.note("  %s: %s %s term %d epoch %s tries %d stop %q", what, l.Status, l.Run, l.Term, l.Epoch, l.Tries, l.Stop)
	}
	w.observeLock(what, l)
	w.lock = l
	list, err := w.plain.Checkpoints(w.ctx, w.job, "")
	w.must(err, "read checkpoints")
	for _, c := range list {
		before := w.seen[c.Partition]
		if c.Seq != before.Seq || c.Fence != before.Fence || c.Drained != before.Drained {
			w.note("  %s: %s seq %d position %q fence %d term %d base %s drained %s by %s", what, c.Partition, c.Seq, c.Position, c.Fence, c.Term, c.Base, c.Drained, c.Owner)
		}
		w.seen[c.Partition] = c
		w.observeCheckpoint(what, before, c)
		if c.Drained != "" && c.Drained == c.Run {
			w.drained[c.Run+" "+c.Partition] = c
		}
		if c.Seq != before.Seq && c.Base == before.Base && c.Run != "" {
			w.moved(what, before, c)
		}
	}
}

// observeLock checks what only ever grows, and that a term has one run (invariant 8).
func (w *world) observeLock(what string, l store.Lock) {
	old := w.lock
	w.check(l.Term >= old.Term && l.Term <= old.Term+1, 8, "%s: term %d after %d", what, l.Term, old.Term)
	if l.Term == old.Term {
		w.check(l.Run == old.Run, 8, "%s: run %s after %s in one term", what, l.Run, old.Run)
		w.check(l.Epoch >= old.Epoch, 4, "%s: epoch %s after %s", what, l.Epoch, old.Epoch)
		w.check(!l.LeaseUntil.Before(old.LeaseUntil), 8, "%s: the lease was shortened from %s to %s", what, old.LeaseUntil, l.LeaseUntil)
		w.check(old.Status != store.Succeeded || l.Status == store.Succeeded, 8, "%s: %s after a success", what, l.Status)
	}
	if l.Term != old.Term && old.Status == store.InProgress && l.Status == store.InProgress {
		key := fmt.Sprint(old.Term, " ", old.Epoch)
		long := w.now.Sub(old.LeaseUntil) > store.Unproven-5*time.Minute
		w.check(w.proofs[key].dead || w.proofs[key].unknown && long, 8, "%s: %s robbed %s, which lives in epoch %s", what, l.Run, old.Run, old.Epoch)
	}
	if l.Status == store.Succeeded && old.Status != store.Succeeded {
		for i := range partitions {
			c := w.seen[fmt.Sprint("p", i)]
			w.check(c.Drained == l.Run, 1, "%s: %s succeeded, but %s is drained by %q", what, l.Run, c.Partition, c.Drained)
		}
	}
	if l.Status == store.InProgress {
		if run, ok := w.holders[l.Term]; ok {
			w.check(run == l.Run, 8, "%s: term %d belongs to %s and %s", what, l.Term, run, l.Run)
		}
		w.holders[l.Term] = l.Run
		w.check(l.Term == old.Term || l.Stop == "", 9, "%s: %s begins with the stop of another run", what, l.Run)
		w.check(l.Epoch == old.Epoch || l.Term != old.Term || l.Epoch[:5] == old.Epoch[:5] || l.Stop == "" || l.Stop != old.Stop, 9,
			"%s: the redrive %s keeps the stop %q", what, l.Epoch, l.Stop)
	}
}

// holds checks what an actor was told a moment ago: that it holds the lock.
func (w *world) holds(a *actor) {
	l := w.lock
	w.check(l.Status == store.InProgress && l.Run == a.t.x.run && l.Term == a.t.x.term && l.Epoch == a.t.epoch, 3,
		"%s goes on in term %d, epoch %s, but the lock is %s by %s in term %d, epoch %s", a.name, a.t.x.term, a.t.epoch, l.Status, l.Run, l.Term, l.Epoch)
}

// observeCheckpoint checks invariants 2 and 4 on what changed.
func (w *world) observeCheckpoint(what string, before, c store.Checkpoint) {
	w.check(c.Fence >= before.Fence, 4, "%s: %s fence %d after %d", what, c.Partition, c.Fence, before.Fence)
	w.check(c.Term >= before.Term, 4, "%s: %s term %d after %d", what, c.Partition, c.Term, before.Term)
	if c.Fence == before.Fence {
		w.check(c.Owner == before.Owner && c.Base == before.Base, 4, "%s: %s changed hands without a new fence", what, c.Partition)
		w.check(c.Seq == before.Seq || c.Seq == before.Seq+1, 2, "%s: %s seq %d after %d", what, c.Partition, c.Seq, before.Seq)
		return
	}
	w.check(c.Term > before.Term || c.Attempt > before.Attempt, 4, "%s: attempt %s of %s after %s", what, c.Attempt, c.Partition, before.Attempt)
	was, ok := w.attempts[before.Owner]
	if now := w.attempts[c.Owner]; ok && now != "" && c.Term == before.Term {
		w.check(now > was, 4, "%s: attempt %s took %s from %s, which comes after it", what, now, c.Partition, was)
	}
	fresh := c.Base != before.Base || c.Run == ""
	w.check(fresh && c.Seq == 0 && c.Position == "" || c.Seq == before.Seq && c.Position == before.Position, 2,
		"%s: bind of %s went from seq %d to %d, base %q to %q", what, c.Partition, before.Seq, c.Seq, before.Base, c.Base)
}

// moved checks a checkpoint that moved: each record between is durable everywhere, or failed and in the ledger (invariant 1).
func (w *world) moved(what string, before, c store.Checkpoint) {
	at := entry(c.Base, c.Partition, c.Seq)
	w.check(w.committed[at] == "", 2, "%s: %s was committed before", what, at)
	w.committed[at] = c.Owner
	w.counted[c.Run+" "+c.Partition]++
	from, to := index(before.Position), index(c.Position)
	w.check(from <= to, 2, "%s: %s went back from %q to %q", what, c.Partition, before.Position, c.Position)
	if from > to {
		return
	}
	refusing := slices.ContainsFunc(w.source[c.Partition][from:to], func(r record) bool { return r.refused })
	var failed []string // read only where the ledger must hold something: what it holds too much shows in the counters
	if refusing {
		failed = w.failures(c)
	}
	for _, r := range w.source[c.Partition][from:to] {
		for _, t := range w.targets {
			w.check(t.has(w, c, r), 1, "%s: %s of %s was committed, but %s does not have it", what, r.id(), at, t.name())
		}
		_, guarded := w.targets[0].(*fenced)
		w.check(!guarded || r.refused == slices.Contains(failed, r.id()), 1, "%s: %s was refused (%v), the ledger holds %v", what, r.id(), r.refused, failed)
	}
	for _, id := range failed {
		w.check(slices.ContainsFunc(w.source[c.Partition][from:to], func(r record) bool { return r.id() == id }), 5, "%s: %s failed in a batch without it", what, id)
	}
}

// failures gives the records in the ledger for the seq that was committed last.
func (w *world) failures(c store.Checkpoint) []string {
	list, _, err := w.plain.Failures(w.ctx, store.FailureQuery{Job: w.job, Run: c.Run, Stream: stream, Limit: 1000})
	w.must(err, "read failures")
	var out []string
	for _, f := range list {
		if f.Partition == c.Partition && f.Seq == c.Seq {
			out = append(out, f.Key)
		}
	}
	return out
}
