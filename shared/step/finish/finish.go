// Package finish is the last step of a run: it does the once-per-run work of each stream under a fence of its own, and releases the
// lock. It decides by what the store says, not by what the state machine carried.
package finish

import (
	"context"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Run ends the run. Errors: Stopped (somebody asked for it), PartitionsFailed (the message names them and the first one's code),
// Superseded, Duplicate, those of the destinations and of the store.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.FinishResult, error) {
	result, err := step.Do(ctx, env, "finish", c, run)
	if fault.Has(err, fault.AlreadyDone) {
		return stage.FinishResult{Status: string(store.RunSucceeded)}, nil
	}
	return result, err
}

func run(ctx context.Context, t *step.Turn) (stage.FinishResult, error) {
	if t.Lock.Stop != string(fault.Aborted) { // a run that stops because a partition failed says why
		if err := failed(ctx, t); err != nil {
			return stage.FinishResult{}, err
		}
	}
	if t.Stopping() {
		err := fault.New(fault.Stopped, "the run was asked to stop").WithHint("start it again to go on from its checkpoints")
		return stage.FinishResult{}, fail(ctx, t, err, fault.Code(t.Lock.Stop))
	}
	p, err := t.Plan(ctx, t.Call.Job, t.Call.Run)
	if err != nil {
		return stage.FinishResult{}, err
	}
	for _, s := range p.Streams {
		if s.Plan.Unchanged {
			continue
		}
		more, err := commit(ctx, t, s)
		if err != nil {
			return stage.FinishResult{}, fmt.Errorf("stream %s: %w", s.Stream.Name, err)
		}
		if more {
			return stage.FinishResult{Status: string(store.RunRunning), More: true}, nil
		}
	}
	return succeed(ctx, t)
}

// failed says which partitions failed for good, if any.
func failed(ctx context.Context, t *step.Turn) error {
	partitions, err := t.FailedPartitions(ctx)
	if err != nil {
		return err
	}
	var names []string
	first, code := "", ""
	for _, p := range partitions {
		if first == "" {
			first, code = p.ErrorText, p.ErrorCode
		}
		names = append(names, p.Stream+"/"+p.Partition)
	}
	// Invocations that died before they could say why are in the sums only; those of a redriven finish are of the time before.
	if len(names) == 0 && t.Call.Sums.Errors > 0 && t.Call.Redrive == 0 {
		names, first = []string{fmt.Sprintf("%d partitions", t.Call.Sums.Errors)}, t.Call.Sums.FirstError
		code = string(step.CodeOf(first))
	}
	if len(names) == 0 {
		return nil
	}
	err = fault.New(fault.PartitionsFailed, "%s: %s failed: %s", code, strings.Join(names[:min(len(names), 10)], ", "), first)
	return fail(ctx, t, err, fault.Code(code))
}

// fail releases the lock as failed and answers the error.
func fail(ctx context.Context, t *step.Turn, err error, code fault.Code) error {
	_, _, e := t.Protocol.End(ctx, store.EndRequest{
		Holding: t.Holding(), Code: string(code), Message: err.Error(), BackoffBase: t.BackoffBase, BackoffCap: t.BackoffCap,
	})
	if e != nil {
		return e
	}
	return err
}

// commit does the once-per-run work of a stream. More says that a partition is not drained yet.
func commit(ctx context.Context, t *step.Turn, s step.StreamPlan) (more bool, err error) {
	key := store.CheckpointKey{Job: t.Call.Job, Stream: s.Stream.Name, Partition: store.CommitPartition}
	bound, err := t.Bind(ctx, key, false)
	if fault.Has(err, fault.Held) {
		return false, nil // plan left the stream to another run, which has it still
	}
	if err != nil || bound.Drained == t.Call.Run {
		return false, err
	}
	drained, err := drained(ctx, t, s)
	if err != nil {
		return false, err
	}
	if !drained {
		if t.Call.Sums.Partitions == 0 && t.Call.Leg > 1 && t.Job.MaxInstances < 2 { // else another run had them meanwhile
			return false, fault.New(fault.NoProgress, "partitions are not drained, yet the last leg found none to go on with")
		}
		return true, nil
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return false, err
	}
	var deleted int64
	for i := range t.Job.Destinations {
		target := compiled.Targets[i]
		if target.Write.DeleteMissing {
			if target.Write.DeleteMissing, err = deleting(ctx, t, s); err != nil {
				return false, err
			}
		}
		d, err := t.Destination(ctx, i)
		if err != nil {
			return false, err
		}
		if err := whole(ctx, t, s, i); err != nil {
			return false, err
		}
		result, err := d.Commit(ctx, target, t.Claim(bound))
		if err != nil {
			return false, fmt.Errorf("destination %s: %w", t.Job.Destinations[i].Name, t.Behind(ctx, bound, err))
		}
		deleted = max(deleted, result.Deleted)
	}
	_, err = t.Protocol.Drain(ctx, store.DrainCheckpoint{
		CheckpointKey: key, Run: t.Call.Run, Fence: bound.Fence, Owner: t.Owner, Position: known(t, s), Schema: compiled.Schema.Digest(), Deleted: deleted, Now: t.Now(),
	})
	return false, err
}

// whole makes sure that a destination still holds every batch of the run before it puts them in place of what it had: one that was removed
// or restored meanwhile does not.
func whole(ctx context.Context, t *step.Turn, s step.StreamPlan, i int) error {
	if !s.Full() || !t.Guarantee(t.Job.Destinations[i]).Receipts {
		return nil
	}
	d, err := t.Destination(ctx, i)
	if err != nil {
		return err
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return err
	}
	target := compiled.Targets[i]
	if run, err := d.Committed(ctx, target); err != nil || run == t.Call.Run {
		return err
	}
	checkpoints, err := t.Protocol.Store.Checkpoints(ctx, t.Call.Job, s.Stream.Name)
	if err != nil {
		return err
	}
	for _, c := range checkpoints {
		if _, planned := s.Partition(c.Partition); !planned {
			continue
		}
		r, ok, err := d.Receipt(ctx, target, c.Partition)
		if err != nil {
			return err
		}
		if !ok || r.Seq < c.Seq {
			return fault.New(fault.DestinationBehind, "destination %s has %d batches of partition %s, the state has %d", t.Job.Destinations[i].Name, r.Seq, c.Partition, c.Seq).
				WithHint("it was removed or restored while the run was under way; start over with --new")
		}
	}
	return nil
}

// known is what the next run compares the source with: the configuration's digest and the source's fingerprint.
func known(t *step.Turn, s step.StreamPlan) string {
	if s.Plan.Fingerprint == "" {
		return t.Call.Digest + " -"
	}
	return t.Call.Digest + " " + s.Plan.Fingerprint
}

// drained says whether the run reached the end of each partition of the stream.
func drained(ctx context.Context, t *step.Turn, s step.StreamPlan) (bool, error) {
	checkpoints, err := t.Protocol.Store.Checkpoints(ctx, t.Call.Job, s.Stream.Name)
	if err != nil {
		return false, err
	}
	done := map[string]bool{}
	for _, c := range checkpoints {
		done[c.Partition] = c.Run == t.Call.Run && c.Drained == t.Call.Run
	}
	for _, p := range s.Plan.Partitions {
		if !done[p.ID] {
			return false, nil
		}
	}
	return true, nil
}

// deleting says whether what is missing may be deleted: not when a record failed whose key is unknown, since it may be among them.
func deleting(ctx context.Context, t *step.Turn, s step.StreamPlan) (bool, error) {
	why, err := t.MissingKept(ctx, s.Stream.Name)
	if err != nil || why == "" {
		return true, err
	}
	notice := fmt.Sprintf("stream %s: nothing was deleted, since %s", s.Stream.Name, why)
	_, err = t.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: t.Call.Job, ID: t.Call.Run, Notices: []string{notice}})
	return false, err
}

// succeed releases the lock and records the run's end; a crash between the two is mended by close and by the sweeper, which find the
// lock succeeded by this run.
func succeed(ctx context.Context, t *step.Turn) (stage.FinishResult, error) {
	row, err := t.Protocol.Store.Run(ctx, t.Call.Job, t.Call.Run)
	if err != nil {
		return stage.FinishResult{}, err
	}
	status := store.RunSucceeded
	if row.Counters.Failed > 0 {
		status = store.RunPartial
	}
	if !row.Counters.Closed() {
		return stage.FinishResult{}, fault.New(fault.Internal, "the run's counters do not close: read %d, loaded %d, filtered %d, failed %d",
			row.Counters.Read, row.Counters.Loaded, row.Counters.Filtered, row.Counters.Failed)
	}
	if _, _, err := t.Protocol.End(ctx, store.EndRequest{Holding: t.Holding()}); err != nil {
		return stage.FinishResult{}, err
	}
	now, percent := t.Now(), 100
	steps := map[string]string{"finish": "completed"}
	for _, name := range step.Loop {
		steps[name] = "completed"
	}
	none := ""
	_, err = t.Protocol.Store.UpdateRun(ctx, store.RunChange{
		Job: t.Call.Job, ID: t.Call.Run, Status: &status, EndedAt: &now, Percent: &percent, Steps: steps, ErrorCode: &none, ErrorText: &none,
		// A redrive of this step ends a run whose row says failed or aborted.
		Only: []store.RunStatus{store.RunPending, store.RunRunning, store.RunFailed, store.RunAborted},
	})
	if err != nil {
		return stage.FinishResult{}, err
	}
	if err := t.Protocol.Store.AddStep(ctx, t.Execution(int(row.Counters.Read), nil)); err != nil {
		return stage.FinishResult{}, err
	}
	t.Log.InfoContext(ctx, "run finished", "run_id", t.Call.Run, "status", string(status), "records", row.Counters.Read, "failed", row.Counters.Failed)
	return stage.FinishResult{Status: string(status)}, nil
}
