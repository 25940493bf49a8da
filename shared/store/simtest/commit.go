package simtest

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// commit is COMMIT: more says that a partition is not drained by this run.
func (a *actor) commit(ctx context.Context) (more bool, err error) {
	run := a.t.x.run
	var bound store.Checkpoint
	if a.w.full {
		if bound, err = a.committer(ctx); err != nil || bound.Drained == run {
			return false, err
		}
	}
	list, err := a.p.Store.Checkpoints(ctx, a.w.job, stream)
	if err != nil {
		return false, err
	}
	drained := map[string]bool{}
	for _, c := range list {
		drained[c.Partition] = c.Drained == run && (!a.w.full || c.Run == run)
	}
	if a.w.without != CommitDrained {
		for i := range partitions {
			if !drained[fmt.Sprint("p", i)] {
				return true, nil
			}
		}
	}
	if !a.w.full {
		return false, nil
	}
	for _, t := range a.w.targets {
		s, ok := t.(*fenced)
		if !ok {
			continue
		}
		if err := a.reach("swap "+t.name(), func() error { return s.swap(a.w, bound, run) }); err != nil {
			return false, err
		}
	}
	_, err = a.p.Drain(ctx, store.DrainCheckpoint{
		CheckpointKey: a.key(store.CommitPartition), Run: run, Fence: bound.Fence, Owner: bound.Owner, Now: a.p.Now(),
	})
	return false, err
}

// committer binds ~commit; without the rule it only reads it.
func (a *actor) committer(ctx context.Context) (store.Checkpoint, error) {
	if a.w.without != CommitBind {
		return a.bind(ctx, store.CommitPartition)
	}
	return a.p.Store.ReadCheckpoint(ctx, a.key(store.CommitPartition))
}

// extract cuts the batch of a seq, or finds the one that was cut before.
func (a *actor) extract(ctx context.Context) (result, error) {
	l, err := a.enter(ctx)
	if err != nil || l.Stop != "" {
		return result{stop: l.Stop != "", more: true}, err
	}
	a.w.check(!a.stopped, 9, "%s hands out a batch although the run was stopped", a.name)
	b := a.w.cut(a.t, l.Gen)
	err = a.reach("put "+b.name, func() error {
		if a.w.blobs[b.name] == nil || a.w.without == AdoptObject {
			a.w.blobs[b.name] = b
		}
		b = a.w.blobs[b.name]
		return nil
	})
	if err != nil {
		return result{}, err
	}
	t := a.t
	return result{next: &task{kind: "load", part: t.part, seq: t.seq, start: t.start, batch: b.name}}, nil
}

// load is one turn: lease, bind, compare, write to the destinations, checkpoint.
func (a *actor) load(ctx context.Context) (result, error) {
	l, err := a.enter(ctx)
	if err != nil {
		return result{}, err
	}
	if l.Stop != "" && a.w.without == StopBatch {
		c := a.w.seen[a.t.part]
		a.w.check(c.Seq >= a.t.seq, 5, "%s drops the batch that it has", a.name)
		return result{stop: true, more: true}, nil
	}
	t := a.t
	c, err := a.bind(ctx, t.part)
	if err != nil {
		return result{}, err
	}
	again := func(seq int64, pos string) (result, error) {
		return result{next: &task{kind: "extract", part: t.part, seq: seq + 1, start: pos}}, nil
	}
	b := a.w.blobs[t.batch]
	switch {
	case a.w.without == BindAnswer:
	case c.Drained == t.x.run && c.Seq >= t.seq:
		return result{}, nil // a twin came to the end
	case c.Seq != t.seq-1 || c.Position != t.start:
		return again(c.Seq, c.Position) // done before by a twin, or stale
	}
	if a.w.poison && t.part == "p0" && t.seq == 2 && len(b.rows) > 0 {
		a.die()
	}
	w, err := a.write(c, b)
	if err != nil {
		return result{}, err
	}
	w.Now = a.p.Now()
	got, err := a.p.Commit(ctx, w)
	if err != nil {
		return result{}, err
	}
	if err := a.afterCommit(w); err != nil {
		return result{}, err
	}
	r := result{stop: l.Stop != ""}
	if !w.Drained && l.Stop == "" {
		return again(got.Seq, got.Position)
	}
	r.more = !w.Drained
	return r, nil
}

// write brings a batch to every destination, those with receipts first, and builds the request that moves the checkpoint.
func (a *actor) write(c store.Checkpoint, b *batch) (store.MoveCheckpoint, error) {
	refused := map[string]bool{}
	a.w.early = a.w.without == DestinationDurable
	order := a.w.targets
	if a.w.without == ReceiptOrder && a.w.rng.IntN(2) == 0 {
		order = reversed(order)
	}
	for _, t := range order {
		var kept *receipt
		if a.w.early {
			break
		}
		for i, do := range t.steps(a.w, load{c: c, b: b, run: a.t.x.run}) {
			err := a.reach(fmt.Sprintf("write %s %d", t.name(), i), func() error {
				got, err := do()
				if got != nil {
					kept = got
				}
				return err
			})
			if err != nil {
				return store.MoveCheckpoint{}, err
			}
		}
		if kept == nil {
			continue
		}
		if kept.batch != "" && a.w.without != ReceiptBatch {
			b = a.w.blobs[kept.batch]
		}
		for _, id := range kept.refused {
			refused[id] = a.w.without != ReceiptRefused || !kept.found
		}
	}
	return a.move(c, b, refused), nil
}

// move is the request that moves the checkpoint behind a batch.
func (a *actor) move(c store.Checkpoint, b *batch, refused map[string]bool) store.MoveCheckpoint {
	w := store.MoveCheckpoint{
		CheckpointKey: a.key(a.t.part), Run: a.t.x.run, Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: c.Seq + 1, PrevPos: c.Position, Position: b.end,
		Drained: b.last, Counters: store.Counters{Read: int64(len(b.rows)), Batches: 1},
	}
	for i, r := range b.rows {
		if refused[r.id()] {
			w.Counters.Failed++
			w.Failures = append(w.Failures, store.Failure{Index: i, Key: r.id(), Code: "DataInvalid", Phase: "load"})
		} else {
			w.Counters.Loaded++
		}
	}
	return w
}

// afterCommit writes the manifest when it is wrongly written behind the checkpoint.
func (a *actor) afterCommit(w store.MoveCheckpoint) error {
	if a.w.without != ManifestFirst {
		return nil
	}
	for _, t := range a.w.targets {
		if f, ok := t.(*files); ok {
			if err := a.reach("manifest", func() error {
				f.publish(w.CheckpointKey.Partition, a.w.seen[w.CheckpointKey.Partition].Base, w.Seq)
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// die ends the process, whatever catches exceptions.
func (a *actor) die() {
	for {
		_ = a.gate("poison", func() error { return fault.New(fault.Internal, "the process outlived its poison") })
		panicExit()
	}
}
