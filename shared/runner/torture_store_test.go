package runner_test

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// crossedStore is a store between points.
type crossedStore struct {
	store.Store
	p *points
}

func (s *crossedStore) Acquire(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Acquire", func() (store.Lock, bool, error) { return s.Store.Acquire(ctx, w) })
}

func (s *crossedStore) Steal(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Steal", func() (store.Lock, bool, error) { return s.Store.Steal(ctx, w) })
}

func (s *crossedStore) Retake(ctx context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Retake", func() (store.Lock, bool, error) { return s.Store.Retake(ctx, w) })
}

func (s *crossedStore) Lease(ctx context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	return around2(s.p, "store.Lease", func() (store.Lock, bool, error) { return s.Store.Lease(ctx, h, until) })
}

func (s *crossedStore) Stop(ctx context.Context, job string, term int64, code string) (store.Lock, bool, error) {
	return around2(s.p, "store.Stop", func() (store.Lock, bool, error) { return s.Store.Stop(ctx, job, term, code) })
}

func (s *crossedStore) Release(ctx context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Release", func() (store.Lock, bool, error) { return s.Store.Release(ctx, w) })
}

func (s *crossedStore) Ignore(ctx context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Ignore", func() (store.Lock, bool, error) { return s.Store.Ignore(ctx, w) })
}

func (s *crossedStore) Reset(ctx context.Context, w store.ResetLock) (store.Lock, bool, error) {
	return around2(s.p, "store.Reset", func() (store.Lock, bool, error) { return s.Store.Reset(ctx, w) })
}

func (s *crossedStore) Locks(ctx context.Context, q store.LockQuery) ([]store.Lock, string, error) {
	return around2(s.p, "store.Locks", func() ([]store.Lock, string, error) { return s.Store.Locks(ctx, q) })
}

func (s *crossedStore) Bind(ctx context.Context, w store.BindCheckpoint) (store.Checkpoint, bool, error) {
	return around2(s.p, "store.Bind "+w.Partition, func() (store.Checkpoint, bool, error) { return s.Store.Bind(ctx, w) })
}

func (s *crossedStore) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	return around2(s.p, "store.Checkpoint "+w.Partition, func() (store.Checkpoint, bool, error) { return s.Store.Checkpoint(ctx, w) })
}

func (s *crossedStore) Drain(ctx context.Context, w store.DrainCheckpoint) (store.Checkpoint, bool, error) {
	return around2(s.p, "store.Drain "+w.Partition, func() (store.Checkpoint, bool, error) { return s.Store.Drain(ctx, w) })
}

func (s *crossedStore) StartRun(ctx context.Context, r store.Run) (store.Run, bool, error) {
	return around2(s.p, "store.StartRun", func() (store.Run, bool, error) { return s.Store.StartRun(ctx, r) })
}

func (s *crossedStore) Runs(ctx context.Context, q store.RunQuery) ([]store.Run, string, error) {
	return around2(s.p, "store.Runs", func() ([]store.Run, string, error) { return s.Store.Runs(ctx, q) })
}

func (s *crossedStore) Steps(ctx context.Context, q store.StepQuery) ([]store.StepExecution, string, error) {
	return around2(s.p, "store.Steps", func() ([]store.StepExecution, string, error) { return s.Store.Steps(ctx, q) })
}

func (s *crossedStore) Logs(ctx context.Context, q store.LogQuery) ([]store.LogEvent, string, error) {
	return around2(s.p, "store.Logs", func() ([]store.LogEvent, string, error) { return s.Store.Logs(ctx, q) })
}

func (s *crossedStore) Failures(ctx context.Context, q store.FailureQuery) ([]store.Failure, string, error) {
	return around2(s.p, "store.Failures", func() ([]store.Failure, string, error) { return s.Store.Failures(ctx, q) })
}

func (s *crossedStore) Lock(ctx context.Context, job string) (store.Lock, error) {
	return around1(s.p, "store.Lock", func() (store.Lock, error) { return s.Store.Lock(ctx, job) })
}

func (s *crossedStore) ReadCheckpoint(ctx context.Context, k store.CheckpointKey) (store.Checkpoint, error) {
	return around1(s.p, "store.ReadCheckpoint "+k.Partition, func() (store.Checkpoint, error) { return s.Store.ReadCheckpoint(ctx, k) })
}

func (s *crossedStore) Checkpoints(ctx context.Context, job, stream string) ([]store.Checkpoint, error) {
	return around1(s.p, "store.Checkpoints", func() ([]store.Checkpoint, error) { return s.Store.Checkpoints(ctx, job, stream) })
}

func (s *crossedStore) UpdateRun(ctx context.Context, c store.RunChange) (store.Run, error) {
	return around1(s.p, "store.UpdateRun", func() (store.Run, error) { return s.Store.UpdateRun(ctx, c) })
}

func (s *crossedStore) Run(ctx context.Context, job, run string) (store.Run, error) {
	return around1(s.p, "store.Run", func() (store.Run, error) { return s.Store.Run(ctx, job, run) })
}

func (s *crossedStore) Partitions(ctx context.Context, job, run string) ([]store.RunPartition, error) {
	return around1(s.p, "store.Partitions", func() ([]store.RunPartition, error) { return s.Store.Partitions(ctx, job, run) })
}

func (s *crossedStore) Expire(ctx context.Context, now time.Time) (int64, error) {
	return around1(s.p, "store.Expire", func() (int64, error) { return s.Store.Expire(ctx, now) })
}

func (s *crossedStore) Failure(ctx context.Context, job, id string) (store.Failure, error) {
	return around1(s.p, "store.Failure", func() (store.Failure, error) { return s.Store.Failure(ctx, job, id) })
}

func (s *crossedStore) EndPartition(ctx context.Context, w store.RunPartition) error {
	return s.p.err("store.EndPartition "+w.Partition, func() error { return s.Store.EndPartition(ctx, w) })
}

func (s *crossedStore) AddStep(ctx context.Context, w store.StepExecution) error {
	return s.p.err("store.AddStep "+w.Partition, func() error { return s.Store.AddStep(ctx, w) })
}

func (s *crossedStore) AddLogs(ctx context.Context, events []store.LogEvent) error {
	return s.p.err("store.AddLogs", func() error { return s.Store.AddLogs(ctx, events) })
}
