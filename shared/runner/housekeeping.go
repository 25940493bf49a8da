package runner

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/store"
)

// sweep ends dead runs of other jobs; this job's are continued or stolen from. The run does not fail with it.
func (r *Runner) sweep(ctx context.Context, n next) {
	swept, err := closing.Sweep(ctx, r.Env, n.job)
	if err != nil {
		r.Env.Log.WarnContext(ctx, "dead runs not swept", "run_id", n.run, "err", err)
	}
	for _, s := range swept {
		r.Env.Log.InfoContext(ctx, "dead run ended", "run_id", n.run, "job", s.Job, "dead", s.Run, "why", s.Why)
	}
}

// prune deletes what is past its retention: rows of runs, failures and logs, and the objects of earlier runs of the job. It is the last
// thing that a run does, and the run does not fail with it; what is left is deleted by the next.
func (r *Runner) prune(ctx context.Context, n next) {
	if _, err := r.Env.Protocol.Store.Expire(ctx, r.Env.Now()); err != nil {
		r.Env.Log.WarnContext(ctx, "expired rows not deleted", "run_id", n.run, "err", err)
	}
	if err := r.pruneObjects(ctx, n); err != nil {
		r.Env.Log.WarnContext(ctx, "expired objects not deleted", "run_id", n.run, "err", err)
	}
}

// pruneObjects deletes old objects, but not those of this run, nor a batch of an incremental stream that is not committed yet.
func (r *Runner) pruneObjects(ctx context.Context, n next) error {
	before := r.Env.Now().Add(-store.DetailRetention)
	mine := step.RunPrefix(n.job, n.run)
	err := r.deleteBefore(ctx, step.JobPrefix(n.job), before, func(key string) (bool, error) { return !strings.HasPrefix(key, mine), nil })
	if err != nil {
		return err
	}
	checkpoints := sync.OnceValues(func() ([]store.Checkpoint, error) { return r.Env.Protocol.Store.Checkpoints(ctx, n.job, "") })
	return r.deleteBefore(ctx, step.BatchPrefix(n.job), before, func(key string) (bool, error) {
		all, err := checkpoints()
		return err == nil && step.IsCommitted(key, all), err
	})
}

// deleteBefore deletes the old objects below a prefix that old approves of, one by one as they are listed.
func (r *Runner) deleteBefore(ctx context.Context, prefix string, before time.Time, old func(key string) (bool, error)) error {
	for o, err := range blob.ListBefore(ctx, r.Env.Blobs, prefix, before) {
		if err != nil {
			return err
		}
		if yes, err := old(o.Key); err != nil {
			return err
		} else if !yes {
			continue
		}
		if err := r.Env.Blobs.Delete(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}
