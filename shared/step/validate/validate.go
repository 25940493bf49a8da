// Package validate is the step that holds a batch against the stream's rules. It is pure: the same batch gives the same object.
package validate

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
)

// Run validates the item's batch. Errors: DataInvalid (a rule of severity abort was broken, or any rule and the job aborts on
// failures), Superseded, and those of the stores.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.BatchResult, error) {
	return step.Do(ctx, env, "validate", c, run)
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
	var whole *record.Batch
	if b.IsSplit() {
		extracted, err := t.Batch(ctx, step.Sibling(t.Call.Item.Batch, step.Extracted))
		if err != nil {
			return stage.BatchResult{}, err
		}
		whole = &extracted
	}
	rejected := len(b.Rejects)
	b, warnings, err := compiled.Rules.Apply(ctx, b, whole)
	if fault.Has(err, fault.DataInvalid) { // a rule of severity abort
		t.StopOthers(ctx, fault.DataInvalid)
	}
	if err != nil {
		return stage.BatchResult{}, err
	}
	if failed := len(b.Rejects) - rejected; failed > 0 && t.Job.OnFailure.Action == job.Stop {
		return stage.BatchResult{}, fault.New(fault.DataInvalid, "%d records break a rule, the first: %s", failed, firstOf(b.Rejects)).WithHint("on_failure is abort")
	}
	for _, w := range warnings {
		t.Log.InfoContext(ctx, "rule broken", "run_id", t.Call.Run, "stream", s.Stream.Name, "seq", t.Call.Item.Seq+1, "rule", w.Rule, "records", w.Records)
	}
	key := step.Sibling(t.Call.Item.Batch, step.Validated)
	b.Positions = nil // the extracted object has them
	if b, err = t.PutBatch(ctx, key, b); err != nil {
		return stage.BatchResult{}, err
	}
	t.Remember(ctx, t.Execution(b.Len(), nil))
	return stage.BatchResult{Next: stage.NextLoad, Batch: key}, nil
}

func firstOf(rejects []record.Reject) string {
	for _, r := range rejects {
		if r.Phase == "validate" {
			return fmt.Sprintf("record %d of the batch: %s", r.Index+1, r.Message)
		}
	}
	return ""
}
