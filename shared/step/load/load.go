// Package load is the step that writes a batch to the destinations and moves the checkpoint. It is the only step of the loop that
// changes anything outside, so every write carries the fence that its first act, BIND, answered.
package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Run loads the item's batch. A batch that does not continue the checkpoint changes nothing and sends the loop back to extract. Errors:
// those of the destinations, FailureBudgetExceeded (the accepted prefix is loaded and checkpointed), NoProgress, Superseded,
// Duplicate, StateBehind (the job is closed), DestinationBehind, and those of the stores.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.LoadResult, error) {
	return step.Do(ctx, env, "load", c, run)
}

func run(ctx context.Context, t *step.Turn) (stage.LoadResult, error) {
	s, _, err := t.Stream(ctx)
	if err != nil {
		return stage.LoadResult{}, err
	}
	bound, err := t.Bind(ctx, t.Key(), s.Full())
	if err != nil {
		return stage.LoadResult{}, err
	}
	item := t.Call.Item
	result := stage.LoadResult{Next: stage.NextExtract, Seq: bound.Seq, Position: bound.Position}
	if bound.Seq > item.Seq {
		return result, nil // done before
	}
	b, err := t.Batch(ctx, item.Batch)
	if err != nil {
		return result, err
	}
	if bound.Seq != item.Seq || bound.Position != b.Start {
		return result, stale(t)
	}
	d := &delivery{Turn: t, plan: s, bound: bound, name: item.Batch, batch: b}
	if d.compiled, err = t.Compiled(s); err != nil {
		return result, err
	}
	loaded, err := d.run(ctx)
	if errors.Is(err, errOvertaken) {
		return result, stale(t)
	}
	return loaded, err
}

// stale sends the loop back to extract, but not for ever.
func stale(t *step.Turn) error {
	if n := t.Stale(t.Call.Item.Seq); n >= 3 {
		return fault.New(fault.NoProgress, "batch %d was stale %d times in a row", t.Call.Item.Seq+1, n)
	}
	return nil
}

// delivery is one batch on its way to the destinations and the checkpoint.
type delivery struct {
	*step.Turn
	plan     step.StreamPlan
	compiled *step.Compiled
	bound    store.Checkpoint
	name     string       // of the batch object that counts
	batch    record.Batch // without the records that failed so far
	whole    *record.Batch
	window   *window
	counts   store.Counters
	wrote    bool         // a destination has committed the batch: it is checkpointed as it is
	loaded   map[int]bool // originals that some destination took
	tripped  bool         // the window does not accept all of the batch
	refused  bool         // a destination behind the first refused records, and the job aborts on failures
}

func (d *delivery) run(ctx context.Context) (stage.LoadResult, error) {
	if err := d.fit(ctx); err != nil {
		return stage.LoadResult{}, err
	}
	if err := d.deliver(ctx); err != nil {
		return stage.LoadResult{}, err
	}
	if err := d.settle(ctx); err != nil { // a destination that had the batch confirmed nothing
		return stage.LoadResult{}, err
	}
	d.count()
	c, err := d.commit(ctx)
	if err != nil {
		return stage.LoadResult{}, err
	}
	d.after(ctx, c)
	switch {
	case d.tripped || d.window.over:
		return stage.LoadResult{}, d.exceeded()
	case d.refused:
		return stage.LoadResult{}, fault.New(fault.DataInvalid, "a destination refuses records of batch %d", c.Seq).WithHint("on_failure is abort")
	}
	return stage.LoadResult{
		Next: stage.NextExtract, Seq: c.Seq, Position: c.Position,
		Read: d.counts.Read, Loaded: d.counts.Loaded, Filtered: d.counts.Filtered, Failed: d.counts.Failed,
	}, nil
}

// commit moves the checkpoint, with the counters and failures of the batch (invariants 1 to 3).
func (d *delivery) commit(ctx context.Context) (store.Checkpoint, error) {
	failures, err := d.failures()
	if err != nil {
		return store.Checkpoint{}, err
	}
	window, err := d.window.after(d.batch)
	if err != nil {
		return store.Checkpoint{}, err
	}
	steps := append(d.Remembered(), d.Execution(d.batch.Read, nil))
	c, err := d.Protocol.Commit(ctx, store.MoveCheckpoint{
		CheckpointKey: d.Key(), Run: d.Call.Run, Fence: d.bound.Fence, Owner: d.Owner,
		PrevSeq: d.bound.Seq, Seq: d.bound.Seq + 1, PrevPos: d.bound.Position, Position: d.batch.End,
		Schema: d.compiled.Schema.Digest(), Window: window, Drained: d.batch.Last, Counters: d.counts, Failures: failures, Steps: steps, Now: d.Now(),
	})
	if err == nil {
		d.Carried()
	}
	return c, err
}

// after is what is done when the checkpoint is durable; none of it may undo the load, so that errors are only logged.
func (d *delivery) after(ctx context.Context, c store.Checkpoint) {
	item := d.Call.Item
	if p, ok := d.plan.Partition(item.Partition); ok {
		src, err := d.Source(ctx)
		if err == nil {
			err = src.Committed(ctx, p, c.Position)
		}
		if err != nil {
			d.Log.WarnContext(ctx, "source not told of the checkpoint", "run_id", d.Call.Run, "err", err)
		}
	}
	d.Log.InfoContext(ctx, "batch loaded", "run_id", d.Call.Run, "step", "load", "stream", item.Stream, "partition", item.Partition, "seq", c.Seq,
		"records", d.counts.Read, "loaded", d.counts.Loaded, "filtered", d.counts.Filtered, "failed", d.counts.Failed, "ms", d.Now().Sub(d.Started).Milliseconds())
	if d.Progress != nil {
		d.Progress(step.Progress{Stream: item.Stream, Partition: item.Partition, Seq: c.Seq, Counters: d.counts, InputBytes: d.InputBytes()})
	}
	d.DropBatch(ctx, d.name, len(d.batch.Rejects) > 0)
}

func (d *delivery) exceeded() error {
	w := d.Job.OnFailure.Window
	last := ""
	if r := d.window.reason; r != nil {
		last = fmt.Sprintf("; the first one beyond it, record %d of the batch, failed in %s: %s", r.Index+1, r.Phase, r.Message)
	}
	return fault.New(fault.FailureBudgetExceeded, "more than %d of %d records failed%s", w.Threshold, w.Size, last).
		WithHint("look at the failures, mend their cause, then reset the job; or raise on_failure.window")
}
