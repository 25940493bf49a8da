package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Restored is what Restore did to a job.
type Restored struct {
	Job   string
	Moved []RestoredPartition // whose checkpoint was behind the destinations
}

// RestoredPartition is a partition whose checkpoint went forward to where the destinations are.
type RestoredPartition struct {
	Stream, Partition string
	From, To          int64 // seq; what was refused in the batches behind From up to To is not in the ledger any more
}

// Restore mends a job after an older copy of the state was put back: its checkpoints go forward to what the destinations' receipts say,
// and its numbers above all that were given since the copy, so that nothing is written twice and no late writer counts. Errors: NotReady
// (the job never ran), Held (a run that is not dead holds it), DestinationBehind (destinations hold different batches), Conflict (the job
// changed meanwhile), ConfigInvalid (the store cannot do it), and those of the connectors and the store.
func (r *Runner) Restore(ctx context.Context, key string) (Restored, error) {
	out := Restored{Job: key}
	restorer, can := r.Env.Protocol.Store.(store.Restorer)
	if !can {
		return out, fault.New(fault.ConfigInvalid, "this kind of state cannot be mended after a restore")
	}
	locks, err := r.Env.Protocol.Store.Slots(ctx, key)
	if err != nil {
		return out, err
	}
	if len(locks) == 0 {
		return out, fault.New(fault.NotReady, "job %s never ran with this state", key).WithHint("run it: when a destination is ahead, it says StateBehind and writes nothing; then come back")
	}
	writes := make([]store.RestoreJob, len(locks))
	for i, l := range locks {
		writes[i] = store.RestoreJob{Job: l.Job, Lone: i > 0, Seen: l, Now: r.Env.Now()}
		if l.Status != store.InProgress {
			continue
		}
		if writes[i].Dead, err = r.Env.Protocol.Gone(ctx, l); err != nil || !writes[i].Dead {
			return out, errorOr(err, fault.New(fault.Held, "run %s holds job %s", l.Run, key).WithHint("stop it first"))
		}
	}
	c := comparison{Runner: r, key: key, write: &writes[0], out: &out}
	if err := c.streams(ctx); err != nil {
		return out, err
	}
	for _, w := range slices.Backward(writes) { // the one with the checkpoints last
		_, applied, err := restorer.Restore(ctx, w)
		if err == nil && !applied {
			err = fault.New(fault.Conflict, "job %s changed while it was mended", key).WithHint("look at it and try again")
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

func errorOr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// comparison holds the checkpoints of a job against the receipts of its destinations.
type comparison struct {
	*Runner
	key   string
	write *store.RestoreJob
	out   *Restored
	job   job.Job
	open  []connector.Destination // those that keep receipts
	which []job.Destination
}

// streams compares all streams of the job.
func (c *comparison) streams(ctx context.Context) (err error) {
	if _, c.job, err = c.Env.Jobs.Job(ctx, c.key); err != nil {
		return err
	}
	src, err := c.Env.OpenSource(ctx, c.job)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	defer func() {
		for _, d := range c.open {
			_ = d.Close()
		}
	}()
	for _, d := range c.job.Destinations {
		if !c.Env.Guarantee(d).Receipts {
			continue
		}
		opened, err := c.Env.OpenDestination(ctx, d)
		if err != nil {
			return err
		}
		c.open, c.which = append(c.open, opened), append(c.which, d)
	}
	streams, err := plan.Streams(ctx, src, c.job, nil)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if err := c.stream(ctx, src, s); err != nil {
			return fmt.Errorf("stream %s: %w", s.Name, err)
		}
	}
	return nil
}

// stream compares the partitions that the state knows and those that the source has.
func (c *comparison) stream(ctx context.Context, src connector.Source, s job.Stream) error {
	checkpoints, err := c.Env.Protocol.Store.Checkpoints(ctx, c.key, s.Name)
	if err != nil {
		return err
	}
	known := map[string]store.Checkpoint{}
	var order []string
	for _, cp := range checkpoints {
		known[cp.Partition] = cp
		order = append(order, cp.Partition)
	}
	planned, err := src.Plan(ctx, connector.PlanRequest{Stream: s, Batch: c.job.Batch})
	if err != nil {
		return err
	}
	for _, p := range planned.Partitions {
		if _, there := known[p.ID]; !there {
			known[p.ID] = store.Checkpoint{CheckpointKey: store.CheckpointKey{Job: c.key, Stream: s.Name, Partition: p.ID}}
			order = append(order, p.ID)
		}
	}
	if _, there := known[store.CommitPartition]; !there {
		c.anew(store.CheckpointKey{Job: c.key, Stream: s.Name, Partition: store.CommitPartition})
	}
	for _, id := range order {
		if id == store.CommitPartition {
			continue
		}
		if err := c.partition(ctx, s, known[id]); err != nil {
			return fmt.Errorf("partition %s: %w", id, err)
		}
	}
	return nil
}

// anew makes an empty checkpoint, so that its fence begins above those that destinations know.
func (c *comparison) anew(k store.CheckpointKey) {
	c.write.Moves = append(c.write.Moves, store.RestoreCheckpoint{CheckpointKey: k})
}

// partition moves a checkpoint that is behind to the receipts. One of a stream that is read as a whole is not moved: the next run begins
// anew.
func (c *comparison) partition(ctx context.Context, s job.Stream, at store.Checkpoint) error {
	var low, high *connector.Receipt
	missing := false
	for i, d := range c.open {
		t := connector.Target{Job: c.key, Stream: s.Name, Name: s.TargetName(), Write: c.which[i].Write}
		r, ok, err := d.Receipt(ctx, t, at.Partition)
		if err != nil {
			return fmt.Errorf("destination %s: %w", c.which[i].Name, err)
		}
		if !ok {
			missing = true
			continue
		}
		c.write.Fence = max(c.write.Fence, r.Fence)
		if low == nil || r.Seq < low.Seq {
			low = &r
		}
		if high == nil || r.Seq > high.Seq {
			high = &r
		}
	}
	ahead := high != nil && (high.Fence > at.Fence || high.Base == at.Base && high.Seq > at.Seq)
	switch {
	case !ahead:
		return nil
	case s.Mode == job.Full:
		if at.Fence == 0 {
			c.anew(at.CheckpointKey)
		}
		return nil
	case missing || high.Base != low.Base || high.Seq > low.Seq+1:
		return fault.New(fault.DestinationBehind, "the destinations do not hold the same batches").WithHint("start over: lockstep reset --full")
	case low.Base == at.Base && low.Seq <= at.Seq:
		return nil // at most one batch ahead: the next run finds its receipt
	}
	c.write.Moves = append(c.write.Moves, store.RestoreCheckpoint{
		CheckpointKey: at.CheckpointKey, Run: low.Run, Base: low.Base, Seq: low.Seq, Position: low.End,
	})
	c.out.Moved = append(c.out.Moved, RestoredPartition{s.Name, at.Partition, at.Seq, low.Seq})
	return nil
}
