package simtest

import (
	"context"
	"errors"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Shared gives a backend over one store: requests pass the gate as whole methods of store.Store.
func Shared(s store.Store) Backend { return &shared{s: s} }

type shared struct {
	s store.Store
	n int
}

// Version implements Backend.
func (b *shared) Version() int {
	b.n++
	return b.n
}

// Plain implements Backend.
func (b *shared) Plain() store.Store { return b.s }

// Process implements Backend.
func (b *shared) Process(_ context.Context, gate Gate, _ func() time.Time) (store.Store, error) {
	return &port{Store: b.s, gate: gate}, nil
}

// port is the store as one process sees it; what the steps of a schedule do not call passes unasked.
type port struct {
	store.Store
	gate Gate
}

// ask passes a request through the gate; one without an answer is Transient.
func ask[T any](p *port, what string, do func() (T, bool, error)) (out T, applied bool, err error) {
	var got T
	var ok bool
	err = p.gate(what, func() (err error) {
		got, ok, err = do()
		return err
	})
	switch {
	case errors.Is(err, ErrThrottled):
		return out, false, fault.New(fault.RateLimited, "%s: %w", what, err)
	case errors.Is(err, ErrNoAnswer), errors.Is(err, ErrConflict):
		return out, false, fault.New(fault.Transient, "%s: %w", what, err)
	case err != nil:
		return out, false, err
	}
	return got, ok, nil
}

// Lock implements store.LockStore.
func (p *port) Lock(ctx context.Context, job string) (store.Lock, error) {
	l, _, err := ask(p, "Lock", func() (store.Lock, bool, error) {
		l, err := p.Store.Lock(ctx, job)
		return l, true, err
	})
	return l, err
}

// Acquire implements store.LockStore.
func (p *port) Acquire(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return ask(p, "Acquire", func() (store.Lock, bool, error) { return p.Store.Acquire(ctx, w) })
}

// Steal implements store.LockStore.
func (p *port) Steal(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return ask(p, "Steal", func() (store.Lock, bool, error) { return p.Store.Steal(ctx, w) })
}

// Retake implements store.LockStore.
func (p *port) Retake(ctx context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	return ask(p, "Retake", func() (store.Lock, bool, error) { return p.Store.Retake(ctx, w) })
}

// Lease implements store.LockStore.
func (p *port) Lease(ctx context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	return ask(p, "Lease", func() (store.Lock, bool, error) { return p.Store.Lease(ctx, h, until) })
}

// Release implements store.LockStore.
func (p *port) Release(ctx context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	return ask(p, "Release", func() (store.Lock, bool, error) { return p.Store.Release(ctx, w) })
}

// Ignore implements store.LockStore.
func (p *port) Ignore(ctx context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	return ask(p, "Ignore", func() (store.Lock, bool, error) { return p.Store.Ignore(ctx, w) })
}

// Bind implements store.CheckpointStore.
func (p *port) Bind(ctx context.Context, w store.BindCheckpoint) (store.Checkpoint, bool, error) {
	return ask(p, "Bind "+w.Partition, func() (store.Checkpoint, bool, error) { return p.Store.Bind(ctx, w) })
}

// Checkpoint implements store.CheckpointStore.
func (p *port) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	return ask(p, "Checkpoint "+w.CheckpointKey.Partition, func() (store.Checkpoint, bool, error) { return p.Store.Checkpoint(ctx, w) })
}

// Drain implements store.CheckpointStore.
func (p *port) Drain(ctx context.Context, w store.DrainCheckpoint) (store.Checkpoint, bool, error) {
	return ask(p, "Drain", func() (store.Checkpoint, bool, error) { return p.Store.Drain(ctx, w) })
}

// Checkpoints implements store.CheckpointStore.
func (p *port) Checkpoints(ctx context.Context, job, stream string) ([]store.Checkpoint, error) {
	list, _, err := ask(p, "Checkpoints", func() ([]store.Checkpoint, bool, error) {
		list, err := p.Store.Checkpoints(ctx, job, stream)
		return list, true, err
	})
	return list, err
}
