package step

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/job"
)

// Bundles are jobs that change while runs are under way: each version of them is a bundle, and a run keeps to the one that it began with.
type Bundles interface {
	Jobs
	// Current names the bundle that runs get that begin now.
	Current(ctx context.Context) (string, error)
	// At gives the jobs of a bundle. NotFound when it is gone.
	At(ctx context.Context, bundle string) (Jobs, error)
}

// Bundle names the bundle for a run that begins now; "" where jobs have no bundles.
func (e *Env) Bundle(ctx context.Context) (string, error) {
	if b, ok := e.Jobs.(Bundles); ok {
		return b.Current(ctx)
	}
	return "", nil
}

// JobIn gives a job as a bundle has it; "" is the jobs as they are.
func (e *Env) JobIn(ctx context.Context, bundle, key string) (written, resolved job.Job, err error) {
	jobs := e.Jobs
	if b, ok := jobs.(Bundles); ok && bundle != "" {
		if jobs, err = b.At(ctx, bundle); err != nil {
			return job.Job{}, job.Job{}, err
		}
	}
	return jobs.Job(ctx, key)
}
