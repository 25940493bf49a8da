package acquire

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// pauseOf gives the pause that keeps the run from beginning. There is none for a run that has begun, so that the lock names it: it goes on
// whatever was paused meanwhile.
func pauseOf(ctx context.Context, env *step.Env, call stage.CallFields) (store.Pause, error) {
	p, err := env.Protocol.Store.Paused(ctx, call.Job)
	if err != nil || !p.On() {
		return p, err
	}
	lock, err := store.LockOf(ctx, env.Protocol.Store, call.Job, call.Run)
	if err == nil && lock.Term > 0 && lock.Run == call.Run {
		return store.Pause{}, nil
	}
	return p, err
}

// refuse ends a run that may not begin as skipped.
func refuse(ctx context.Context, env *step.Env, call stage.CallFields, why error) (stage.AcquireResult, error) {
	status, now, code, text := store.RunSkipped, env.Now(), string(fault.CodeOf(why)), why.Error()
	_, err := env.Protocol.Store.UpdateRun(ctx, store.RunChange{
		Job: call.Job, ID: call.Run, Status: &status, Only: []store.RunStatus{store.RunPending}, EndedAt: &now, ErrorCode: &code, ErrorText: &text,
	})
	if err != nil {
		return stage.AcquireResult{}, fmt.Errorf("record run %s: %w", call.Run, err)
	}
	return stage.AcquireResult{State: stage.Skipped, Call: call}, nil
}
