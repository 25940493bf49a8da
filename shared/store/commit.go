package store

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Bind is BIND: makes the invocation the one writer of a partition. Fence, seq and position come from its answer and from nowhere
// else. Errors: Duplicate (another invocation of this run has the partition; try again, not before 30 s), Superseded (a later
// term has it: final), Held (a run in another slot has it: leave it to that one), and those of the store.
func (p Protocol) Bind(ctx context.Context, w BindCheckpoint) (Checkpoint, error) {
	got, applied, err := p.Store.Bind(ctx, w)
	switch {
	case err != nil:
		return got, fmt.Errorf("bind %s: %w", w.Path(), err)
	case applied || got.Owner == w.Owner:
		return got, nil
	case got.Slot != w.Slot:
		return got, p.claimed(ctx, w, got)
	case got.Term == w.Term:
		return got, fault.New(fault.Duplicate, "bind %s: attempt %s has it, this is %s", w.Path(), got.Attempt, w.Attempt)
	}
	return got, superseded("bind %s: term %d has it, this is term %d", w.Path(), got.Term, w.Term)
}

// Commit is CHECKPOINT. Every destination has said durable before (invariant 1). The same request is sent again while the store is
// busy. Errors: Superseded (stop, write nothing more), DataInvalid (the request is none), and those of the store; after Transient
// and Timeout the caller may send the same request again.
func (p Protocol) Commit(ctx context.Context, w MoveCheckpoint) (Checkpoint, error) {
	if err := w.Check(); err != nil {
		return Checkpoint{}, fmt.Errorf("commit seq %d of %s: %w", w.Seq, w.Path(), err)
	}
	var got Checkpoint
	var applied bool
	err := p.send(ctx, func() (err error) {
		got, applied, err = p.Store.Checkpoint(ctx, w)
		return err
	})
	switch {
	case err != nil:
		return got, fmt.Errorf("commit seq %d of %s: %w", w.Seq, w.Path(), err)
	case applied || w.Made(got):
		return got, nil
	}
	return got, superseded("commit seq %d of %s: it is at seq %d with fence %d, this is fence %d", w.Seq, w.Path(), got.Seq, got.Fence, w.Fence)
}

// Drain marks the once-per-run work of a stream as done. Errors: Superseded, and those of the store.
func (p Protocol) Drain(ctx context.Context, w DrainCheckpoint) (Checkpoint, error) {
	var got Checkpoint
	var applied bool
	err := p.send(ctx, func() (err error) {
		got, applied, err = p.Store.Drain(ctx, w)
		return err
	})
	switch {
	case err != nil:
		return got, fmt.Errorf("drain %s: %w", w.Path(), err)
	case applied:
		return got, nil
	}
	return got, superseded("drain %s: it has fence %d, this is fence %d", w.Path(), got.Fence, w.Fence)
}
