package step

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Remember keeps a step execution until the partition's next checkpoint carries it.
func (t *Turn) Remember(s store.StepExecution) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.steps == nil {
		t.Env.steps = map[string][]store.StepExecution{}
	}
	t.steps[t.readerKey()] = append(t.steps[t.readerKey()], s)
}

// Remembered gives what was kept for the partition, and forgets it.
func (t *Turn) Remembered() []store.StepExecution {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.steps[t.readerKey()]
	delete(t.steps, t.readerKey())
	return s
}

// Fail records an attempt that ended with an error: the step execution, and the partition's error until its next checkpoint clears it. The
// error is answered with the step's name; what cannot be recorded is logged, since the first error counts.
func (t *Turn) Fail(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	s := t.Execution(0, err)
	if e := t.Protocol.Store.AddStep(ctx, s); e != nil {
		t.Log.WarnContext(ctx, "step execution not recorded", "step", t.Name, "err", e)
	}
	if _, e := t.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: s.Job, ID: s.Run, Steps: map[string]string{t.Name: "failed"}}); e != nil {
		t.Log.DebugContext(ctx, "run's step not recorded", "step", t.Name, "err", e)
	}
	if t.Job.OnFailure.Action == job.Stop && fault.Has(err, fault.DataInvalid) {
		t.StopOthers(ctx, fault.DataInvalid)
	}
	if s.Partition != "" {
		e := t.Protocol.Store.EndPartition(ctx, store.RunPartition{
			Job: s.Job, Run: s.Run, Stream: s.Stream, Partition: s.Partition, ErrorCode: s.ErrorCode, ErrorText: s.ErrorText, UpdatedAt: t.Now(),
		})
		if e != nil {
			t.Log.WarnContext(ctx, "partition's error not recorded", "step", t.Name, "err", e)
		}
	}
	return fmt.Errorf("%s: %w", t.Name, err)
}

// StopOthers makes the run's other partitions end after the batch that they are at. It is best effort: one that does not hear of it only
// does more than it must.
func (t *Turn) StopOthers(ctx context.Context, code fault.Code) {
	if _, _, err := t.Protocol.Store.Stop(ctx, t.Call.Job, t.Call.Term, string(code)); err != nil {
		t.Log.WarnContext(ctx, "other partitions not told to stop", "step", t.Name, "err", err)
	}
}

// Stale counts how often in a row the batch of this seq did not continue the checkpoint.
func (t *Turn) Stale(seq int64) int {
	key := fmt.Sprintf("%s\x00%d", t.readerKey(), seq)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stale == nil {
		t.Env.stale = map[string]int{}
	}
	t.stale[key]++
	return t.stale[key]
}

// KeepMissing notes, durably and before the checkpoint, that the run must not delete what is missing from the stream.
func (t *Turn) KeepMissing(ctx context.Context, stream string) error {
	_, err := t.Blobs.Create(ctx, t.missingKey(stream), []byte("a record without a key failed\n"))
	return err
}

// MissingKept says whether KeepMissing was called in this run.
func (t *Turn) MissingKept(ctx context.Context, stream string) (bool, error) {
	return t.Blobs.Exists(ctx, t.missingKey(stream))
}

func (t *Turn) missingKey(stream string) string {
	return RunPrefix(t.Call.Job, t.Call.Run) + "keep-missing/" + store.EncodeKey(stream)
}
