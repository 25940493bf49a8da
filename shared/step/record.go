package step

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Remember records a turn of a pure step. A resident process keeps it until the partition's next checkpoint carries it, so that it costs no
// write of its own; what then gets lost with the process is history only.
func (t *Turn) Remember(ctx context.Context, s store.StepExecution) {
	if !t.Resident {
		if err := t.Protocol.Store.AddStep(ctx, s); err != nil {
			t.Log.WarnContext(ctx, "step execution not recorded", "step", t.Name, "err", err)
		}
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.steps == nil {
		t.Env.steps = map[string][]store.StepExecution{}
	}
	t.steps[t.readerKey()] = append(t.steps[t.readerKey()], s)
}

// Remembered gives what was kept for the partition.
func (t *Turn) Remembered() []store.StepExecution {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.steps[t.readerKey()])
}

// Carried forgets what a checkpoint has carried.
func (t *Turn) Carried() {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.steps, t.readerKey())
}

// Fail records an attempt that ended with an error: the step execution, and the partition's error until its next checkpoint clears it. The
// error is answered with the step's name; what cannot be recorded is logged, since the first error counts.
func (t *Turn) Fail(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx)
	s := t.Execution(0, err)
	if e := t.Protocol.Store.AddStep(ctx, s); e != nil {
		t.Log.WarnContext(ctx, "step execution not recorded", "step", t.Name, "err", e)
	}
	switch fault.CodeOf(err) {
	case fault.Superseded, fault.Duplicate, fault.AlreadyDone: // whoever goes on with the partition says how it ends
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	if _, e := t.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: s.Job, ID: s.Run, Steps: map[string]string{t.Name: "failed"}}); e != nil {
		t.Log.DebugContext(ctx, "run's step not recorded", "step", t.Name, "err", e)
	}
	if t.Job.OnFailure.Action == job.Stop && fault.Has(err, fault.DataInvalid) {
		t.StopOthers(ctx, fault.DataInvalid)
	}
	if s.Partition != "" {
		if e := t.EndPartition(ctx, s.ErrorCode, s.ErrorText); e != nil {
			t.Log.WarnContext(ctx, "partition's error not recorded", "step", t.Name, "err", e)
		}
	}
	return fmt.Errorf("%s: %w", t.Name, err)
}

// EndPartition records the error that the call's partition ended with in this redrive; "" clears an earlier one.
func (t *Turn) EndPartition(ctx context.Context, code, text string) error {
	return t.Protocol.Store.EndPartition(ctx, store.RunPartition{
		Job: t.Call.Job, Run: t.Call.Run, Stream: t.Call.Item.Stream, Partition: t.Call.Item.Partition, Attempt: t.Attempt,
		ErrorCode: code, ErrorText: text, UpdatedAt: t.Now(),
	})
}

// FailedPartitions lists the partitions whose last error is of this redrive of the run; what failed before it is tried again.
func (t *Turn) FailedPartitions(ctx context.Context) ([]store.RunPartition, error) {
	partitions, err := t.Protocol.Store.Partitions(ctx, t.Call.Job, t.Call.Run)
	if err != nil {
		return nil, err
	}
	redrive, _, _ := strings.Cut(t.Epoch, "#")
	return slices.DeleteFunc(partitions, func(p store.RunPartition) bool {
		return p.ErrorCode == "" || !strings.HasPrefix(p.Attempt, redrive+"#")
	}), nil
}

// Behind turns the refusal of a claim into StateBehind when the store still says that this attempt is the writer: then the destination
// knows a later fence than the store ever gave, as after the restore of an old copy of the state.
func (t *Turn) Behind(ctx context.Context, bound store.Checkpoint, err error) error {
	if !fault.Has(err, fault.Superseded) {
		return err
	}
	now, e := t.Protocol.Store.ReadCheckpoint(ctx, bound.CheckpointKey)
	if e != nil || now.Fence != bound.Fence || now.Owner != t.Owner {
		return err
	}
	return fault.New(fault.StateBehind, "the destination was written under a later fence than the state knows: %w", err).
		WithHint("the state is older than the destination, as after a restore; nothing was written")
}

// StopOthers makes the run's other partitions end after the batch that they are at. It is best effort: one that does not hear of it only
// does more than it must.
func (t *Turn) StopOthers(ctx context.Context, code fault.Code) {
	if _, _, err := t.Protocol.Store.Stop(ctx, t.Holding().Job, t.Call.Term, string(code)); err != nil {
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

// MissingKept says why the run must not delete what is missing from the stream: KeepMissing was called, or nobody can tell, since the run's
// objects are gone. "" when it may.
func (t *Turn) MissingKept(ctx context.Context, stream string) (string, error) {
	kept, err := t.Blobs.Exists(ctx, t.missingKey(stream))
	if err != nil || kept {
		return "records failed whose key could not be read", err
	}
	there, err := t.Blobs.Exists(ctx, planKey(t.Call.Job, t.Call.Run))
	if err != nil || there {
		return "", err
	}
	return "the run's objects have vanished, which say whether records failed whose key could not be read", nil
}

func (t *Turn) missingKey(stream string) string {
	return RunPrefix(t.Call.Job, t.Call.Run) + "keep-missing/" + store.EncodeKey(stream)
}
