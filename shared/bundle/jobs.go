package bundle

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
)

// Fresh is how long the values of variables and secrets are kept when nothing else is said.
const Fresh = 5 * time.Minute

// Options are what the jobs of a bundle are resolved with.
type Options struct {
	Catalog  spec.Catalog
	Resolver setting.Resolver
	Now      func() time.Time
	Fresh    time.Duration // how long values are kept; 0: Fresh
}

// Jobs gives the jobs of a bundle to the steps: it implements step.Jobs. Safe for concurrent use.
type Jobs struct {
	b *Bundle
	o Options

	mu       sync.Mutex
	resolved map[string]resolved // by key
}

// resolved is a job with values, and until when they are taken for good.
type resolved struct {
	job   job.Job
	until time.Time
}

// NewJobs makes the jobs of a bundle ready for steps.
func NewJobs(b *Bundle, o Options) *Jobs {
	if o.Fresh == 0 {
		o.Fresh = Fresh
	}
	return &Jobs{b: b, o: o, resolved: map[string]resolved{}}
}

// Bundle gives the bundle.
func (j *Jobs) Bundle() *Bundle { return j.b }

// Job gives a job as written and with the values of variables and secrets, which are looked up when they are older than Options say. Errors: as
// Bundle.Find; fault.Problems for values that lack or do not fit.
func (j *Jobs) Job(ctx context.Context, key string) (written, withValues job.Job, err error) {
	written, err = j.b.Find(key)
	if err != nil {
		return job.Job{}, job.Job{}, err
	}
	key = written.Key()
	j.mu.Lock()
	defer j.mu.Unlock()
	if r, there := j.resolved[key]; there && j.o.Now().Before(r.until) {
		return written, r.job, nil
	}
	withValues, err = spec.Resolve(ctx, written, j.o.Catalog, j.o.Resolver)
	if err != nil {
		return job.Job{}, job.Job{}, err
	}
	j.resolved[key] = resolved{withValues, j.o.Now().Add(j.o.Fresh)}
	return written, withValues, nil
}

// Forget drops the values of a job, so that they are looked up again: for credentials that were refused and may have been changed.
func (j *Jobs) Forget(key string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.resolved, key)
}
