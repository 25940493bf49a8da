// Package plan is the step that says what a run reads: it freezes the streams, schemas and partitions of the run, makes the
// destinations ready, and hands out partitions, each bound to this attempt.
package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Run hands out the partitions of a leg: at most 200 and 64 KB, without those that are drained or failed in this run. Errors: those of the
// connectors, ConfigInvalid (with every problem), Superseded, Duplicate, and those of the store.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.PlanResult, error) {
	return step.Do(ctx, env, "plan", c, run)
}

// record notes the step, and that those of the loop now run.
func record(ctx context.Context, t *step.Turn, partitions int) error {
	if err := t.Protocol.Store.AddStep(ctx, t.Execution(partitions, nil)); err != nil {
		return err
	}
	steps := map[string]string{"plan": "completed"}
	for _, name := range step.Loop {
		steps[name] = "running"
	}
	_, err := t.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: t.Call.Job, ID: t.Call.Run, Steps: steps})
	return err
}

func run(ctx context.Context, t *step.Turn) (stage.PlanResult, error) {
	result := stage.PlanResult{Partitions: []stage.PlanItem{}}
	if t.Stopping() {
		return result, nil
	}
	p, err := t.Plan(ctx, t.Call.Job, t.Call.Run)
	if fault.Has(err, fault.NotFound) {
		if p, err = build(ctx, t); err == nil {
			err = begun(ctx, t)
		}
		if err == nil {
			p, err = t.MakePlan(ctx, t.Call.Job, p)
		}
	}
	if err != nil {
		return result, err
	}
	room := step.LegRoom()
	for _, s := range p.Streams {
		if s.Plan.Unchanged {
			continue
		}
		err := prepare(ctx, t, s)
		if fault.Has(err, fault.Held) {
			if err = left(ctx, t, s); err == nil {
				continue
			}
		}
		if err != nil {
			return result, err
		}
		items, err := handOut(ctx, t, s, room)
		if err != nil {
			return result, err
		}
		result.Partitions = append(result.Partitions, items...)
	}
	budget := step.Budget(len(result.Partitions))
	for i := range result.Partitions {
		result.Partitions[i].Budget = budget
	}
	t.Log.InfoContext(ctx, "planned", "run_id", t.Call.Run, "step", "plan", "partitions", len(result.Partitions), "leg", t.Call.Leg)
	return result, record(ctx, t, len(result.Partitions))
}

// begun refuses a run that has loaded batches by a plan that is gone: what it noted beside the plan is gone too, and the source may be
// another one by now.
func begun(ctx context.Context, t *step.Turn) error {
	moved, err := t.Moved(ctx, t.Call.Job, t.Call.Run)
	if err == nil && moved {
		err = fault.New(fault.NotFound, "the objects of run %s have vanished, and it has loaded batches", t.Call.Run).WithHint("start over with --new; nothing is lost")
	}
	return err
}

// build asks the source for each stream of the run.
func build(ctx context.Context, t *step.Turn) (*step.Plan, error) {
	src, err := t.Source(ctx)
	if err != nil {
		return nil, err
	}
	row, err := t.Protocol.Store.Run(ctx, t.Call.Job, t.Call.Run)
	if err != nil {
		return nil, err
	}
	in, err := Input(row)
	if err != nil {
		return nil, err
	}
	streams, err := Streams(ctx, src, t.Job, in.Streams)
	if err != nil {
		return nil, err
	}
	p := &step.Plan{Run: t.Call.Run, Digest: t.Call.Digest}
	var problems fault.Problems
	for _, s := range streams {
		sp, err := stream(ctx, t, src, s, in.Full)
		if err != nil {
			return nil, fmt.Errorf("stream %s: %w", s.Name, err)
		}
		p.Streams = append(p.Streams, sp)
		if sp.Plan.Unchanged { // nothing is read, so there is no schema to compile against
			continue
		}
		if _, err := t.Compiled(sp); err != nil {
			ps, ok := err.(fault.Problems)
			if !ok {
				return nil, err
			}
			problems = append(problems, ps...)
		}
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return p, nil
}

// Streams gives the settings of the streams that a run moves: those of the job, or all that the source offers, less those not asked for.
func Streams(ctx context.Context, src connector.Source, j job.Job, only []string) ([]job.Stream, error) {
	streams := slices.Clone(j.Source.Streams)
	if len(streams) == 0 {
		infos, err := src.Streams(ctx)
		if err != nil {
			return nil, err
		}
		for _, info := range infos {
			s, _ := j.Stream(info.Name)
			streams = append(streams, s)
		}
		if len(streams) == 0 {
			return nil, fault.New(fault.NotFound, "the source offers no streams")
		}
	}
	if len(only) == 0 {
		return streams, nil
	}
	var names []string
	for _, s := range streams {
		names = append(names, s.Name)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, fault.New(fault.NotFound, "job %s has no stream %q", j.ID, name).WithHint("streams: %s", strings.Join(names, ", "))
		}
	}
	return slices.DeleteFunc(streams, func(s job.Stream) bool { return !slices.Contains(only, s.Name) }), nil
}

// stream plans one stream. It is unchanged only when every destination still has what the last commit made.
func stream(ctx context.Context, t *step.Turn, src connector.Source, s job.Stream, full bool) (step.StreamPlan, error) {
	request := connector.PlanRequest{Stream: s, Batch: t.Job.Batch, Positions: map[string]string{}}
	checkpoints, err := t.Protocol.Store.Checkpoints(ctx, t.Call.Job, s.Name)
	if err != nil {
		return step.StreamPlan{}, err
	}
	last := ""
	for _, c := range checkpoints {
		switch {
		case c.Partition == store.CommitPartition:
			known, found := strings.CutPrefix(c.Position, t.Call.Digest+" ")
			if found && !full {
				request.Known, last = known, c.Drained
			}
		case s.Mode == job.Incremental && !full:
			request.Positions[c.Partition] = c.Position
		}
	}
	if request.Known != "" && s.Mode == job.Full {
		same, err := committed(ctx, t, s, last)
		if err != nil {
			return step.StreamPlan{}, err
		}
		if !same {
			request.Known = ""
		}
	}
	plan, err := src.Plan(ctx, request)
	return step.StreamPlan{Stream: s, Restart: full, Positions: request.Positions, Plan: plan}, err
}

// committed says whether the last commit of every destination is that of the run.
func committed(ctx context.Context, t *step.Turn, s job.Stream, run string) (bool, error) {
	for i, d := range t.Job.Destinations {
		dest, err := t.Destination(ctx, i)
		if err != nil {
			return false, err
		}
		got, err := dest.Committed(ctx, connector.Target{
			Job: t.Call.Job, Stream: s.Name, Run: t.Call.Run, Name: s.TargetName(), Write: d.Write, Full: true, Drift: d.Drift,
		})
		if err != nil {
			return false, err
		}
		if got != run {
			return false, nil
		}
	}
	return true, nil
}

// prepare claims the once-per-run work of a stream and makes its targets ready, unless the run committed it before.
func prepare(ctx context.Context, t *step.Turn, s step.StreamPlan) error {
	key := store.CheckpointKey{Job: t.Call.Job, Stream: s.Stream.Name, Partition: store.CommitPartition}
	c, err := t.Bind(ctx, key, false)
	if err != nil {
		return err
	}
	if c.Drained == t.Call.Run {
		return nil
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return err
	}
	for i := range t.Job.Destinations {
		d, err := t.Destination(ctx, i)
		if err != nil {
			return err
		}
		if err := d.Prepare(ctx, compiled.Targets[i], t.Claim(c)); err != nil {
			return fmt.Errorf("destination %s, stream %s: %w", t.Job.Destinations[i].Name, s.Stream.Name, t.Behind(ctx, c, err))
		}
	}
	return nil
}

// left notes that another run of the job has a stream: it moves what this one would have moved.
func left(ctx context.Context, t *step.Turn, s step.StreamPlan) error {
	notice := fmt.Sprintf("stream %s was left to another run of the job, which had it", s.Stream.Name)
	t.Log.InfoContext(ctx, "stream left to another run", "run_id", t.Call.Run, "stream", s.Stream.Name)
	_, err := t.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: t.Call.Job, ID: t.Call.Run, Notices: []string{notice}})
	return err
}

// handOut binds the partitions that still have something to do, as far as there is room for them in the leg.
func handOut(ctx context.Context, t *step.Turn, s step.StreamPlan, room *step.Room) ([]stage.PlanItem, error) {
	failed, err := failedBefore(ctx, t)
	if err != nil {
		return nil, err
	}
	checkpoints, err := t.Protocol.Store.Checkpoints(ctx, t.Call.Job, s.Stream.Name)
	if err != nil {
		return nil, err
	}
	drained := map[string]bool{}
	for _, c := range checkpoints {
		drained[c.Partition] = c.Drained == t.Call.Run && c.Run == t.Call.Run
	}
	var items []stage.PlanItem
	for _, p := range s.Plan.Partitions {
		if drained[p.ID] || failed[s.Stream.Name+"\x00"+p.ID] {
			continue
		}
		if room.Full() {
			break
		}
		c, err := t.Bind(ctx, store.CheckpointKey{Job: t.Call.Job, Stream: s.Stream.Name, Partition: p.ID}, s.Full())
		if fault.Has(err, fault.Held) {
			continue // another run of the job has it still, and finishes it
		}
		if err != nil {
			return nil, fmt.Errorf("partition %s: %w", p.ID, err)
		}
		items = append(items, stage.PlanItem{Stream: s.Stream.Name, Partition: p.ID, Seq: c.Seq, Position: c.Position})
		room.Take(items[len(items)-1])
	}
	return items, nil
}

// failedBefore lists the partitions that failed for good in an earlier leg of this redrive.
func failedBefore(ctx context.Context, t *step.Turn) (map[string]bool, error) {
	failed := map[string]bool{}
	partitions, err := t.FailedPartitions(ctx)
	for _, p := range partitions {
		failed[p.Stream+"\x00"+p.Partition] = true
	}
	return failed, err
}
