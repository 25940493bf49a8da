package storetest

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// flaky is a store whose first checkpoints fail: without effect, or after it.
type flaky struct {
	store.Store
	fail  int
	after bool
}

// Checkpoint implements store.CheckpointStore.
func (f *flaky) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	if f.fail == 0 {
		return f.Store.Checkpoint(ctx, w)
	}
	f.fail--
	if f.after {
		if _, _, err := f.Store.Checkpoint(ctx, w); err != nil {
			return store.Checkpoint{}, false, err
		}
	}
	return store.Checkpoint{}, false, fault.New(fault.Transient, "busy")
}
