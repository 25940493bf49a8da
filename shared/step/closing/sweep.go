package closing

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Swept is a run that Sweep ended.
type Swept struct {
	Job, Run string
	Why      string
}

// unstarted is how long a run may stay pending before whoever made its row counts as dead.
const unstarted = 2 * time.Minute

// Sweep ends runs that nobody works on any more: their process or execution is dead, or the lock went to another run. They end as failed with
// code Zombie, and a lock that they still hold is released by the protocol. A run of the job except that holds, or held last, its lock is left to the caller, unless it had succeeded. Doing it twice
// changes nothing. Errors: those of the store.
func Sweep(ctx context.Context, env *step.Env, except string) ([]Swept, error) {
	return sweepAll(ctx, env, func(ctx context.Context, r store.Run) (string, error) { return sweep(ctx, env, r, r.Job == except) })
}

// SweepBut is Sweep for all jobs but the runs that leave says somebody else minds.
func SweepBut(ctx context.Context, env *step.Env, leave func(context.Context, store.Run) (bool, error)) ([]Swept, error) {
	return sweepAll(ctx, env, func(ctx context.Context, r store.Run) (string, error) {
		if left, err := leave(ctx, r); err != nil || left {
			return "", err
		}
		return sweep(ctx, env, r, false)
	})
}

// sweepAll looks at every run that has not ended.
func sweepAll(ctx context.Context, env *step.Env, sweep func(context.Context, store.Run) (string, error)) ([]Swept, error) {
	var out []Swept
	q := store.RunQuery{Statuses: []store.RunStatus{store.RunPending, store.RunRunning}, OldestFirst: true, Limit: 1000}
	for {
		runs, token, err := env.Protocol.Store.Runs(ctx, q)
		if err != nil {
			return out, fmt.Errorf("sweep: %w", err)
		}
		for _, r := range runs {
			why, err := sweep(ctx, r)
			if err != nil {
				return out, fmt.Errorf("sweep run %s: %w", r.ID, err)
			}
			if why != "" {
				out = append(out, Swept{r.Job, r.ID, why})
			}
		}
		if token == "" {
			return out, nil
		}
		q.Token = token
	}
}

// sweep ends a run if it is dead, and says why it is. A run of the caller's own job that its lock names, and that has not succeeded, is left.
func sweep(ctx context.Context, env *step.Env, r store.Run, own bool) (string, error) {
	lock, err := store.LockOf(ctx, env.Protocol.Store, r.Job, r.ID)
	if err != nil {
		return "", err
	}
	end := End{Job: r.Job, Run: r.ID, Epoch: lock.Epoch, Code: fault.Zombie}
	mine := lock.Run == r.ID
	switch {
	case own && mine && lock.Status != store.Succeeded:
		return "", nil
	case mine && lock.Status == store.InProgress:
		gone, err := env.Protocol.Gone(ctx, lock)
		if err != nil || !gone {
			return "", err
		}
		end.Message = "the run's process or execution died"
	case mine && lock.Status == store.Succeeded:
		end.Succeeded = true
		end.Message = "it had succeeded, but died before it could say so"
	case mine && lock.Term > 0:
		end.Message = "the run lost its lock and did not end by itself"
	case r.Status == store.RunPending && env.Now().Sub(r.CreatedAt) < unstarted:
		return "", nil // it may be about to take the lock
	default:
		end.Message = "the run was started but never took the job's lock, or lost it to another run"
	}
	return end.Message, Run(ctx, env, end)
}
