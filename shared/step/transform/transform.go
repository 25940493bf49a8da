// Package transform is the step that runs a stream's transforms over a batch. It is pure: the same batch gives the same object.
package transform

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
)

// Run transforms the item's batch. Errors: RetryNotConverging, DataInvalid (a record fails and the job aborts on failures),
// Superseded, and those of the stores.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.BatchResult, error) {
	return step.Do(ctx, env, "transform", c, run)
}

func run(ctx context.Context, t *step.Turn) (stage.BatchResult, error) {
	s, _, err := t.Stream(ctx)
	if err != nil {
		return stage.BatchResult{}, err
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return stage.BatchResult{}, err
	}
	b, err := t.Batch(ctx, t.Call.Item.Batch)
	if err != nil {
		return stage.BatchResult{}, err
	}
	rejected := len(b.Rejects)
	if b, err = t.Transformed(ctx, compiled, b); err != nil {
		return stage.BatchResult{}, err
	}
	key := step.Sibling(t.Call.Item.Batch, step.Transformed)
	b.Positions = nil // the extracted object has them
	if b, err = t.PutBatch(ctx, key, b); err != nil {
		return stage.BatchResult{}, err
	}
	t.Uncache(t.Call.Item.Batch) // who still needs it, which is rare, reads the object
	t.Remember(ctx, t.Execution(b.Len(), nil))
	t.Log.DebugContext(ctx, "batch transformed", "run_id", t.Call.Run, "stream", s.Stream.Name, "seq", t.Call.Item.Seq+1, "records", b.Len(), "failed", len(b.Rejects)-rejected)
	if b.Len() == 0 {
		return stage.BatchResult{Next: stage.NextLoad, Batch: key}, nil
	}
	return stage.BatchResult{Next: compiled.Next("transform"), Batch: key}, nil
}
