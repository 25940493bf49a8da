package command

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store/process"
)

// stepTimeout is how long one turn of a step may take when nothing else is said; that of a Lambda.
const stepTimeout = 15 * time.Minute

// token is 128 random bits.
func token() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return mathrand.N(limit + 1)
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// runtime is all that a run needs, opened. Close must be called.
type runtime struct {
	env    *step.Env
	state  *state
	blobs  blob.Bucket
	holder *process.Holder
}

// open opens state and batches, and makes this process a holder of locks.
func (a *app) open(ctx context.Context, f found) (_ *runtime, err error) {
	a.spareMemory(f.doc.Job)
	r := &runtime{}
	defer func() {
		if err != nil {
			_ = r.close() // the first error says more
		}
	}()
	if r.state, err = a.openState(ctx, f.site); err != nil {
		return nil, err
	}
	if r.holder, err = hold(f.site); err != nil {
		return nil, unreachable(err)
	}
	if r.blobs, err = a.openBlobs(ctx, f.site.blobs); err != nil {
		return nil, err
	}
	r.env = r.again(a, f)
	return r, nil
}

// again makes what steps work with anew, and closes the connectors that the runs before had opened.
func (r *runtime) again(a *app, f found) *step.Env {
	if r.env != nil {
		_ = r.env.Close() // the run that used them has ended
	}
	env := a.env(f)
	env.Protocol, env.Blobs = r.state.protocol, r.blobs
	env.Holder = func(string) string { return r.holder.ID() }
	return env
}

// The pace of the collector. The heap is nearly all columns of batches, which hold no pointers and cost little to collect, so that half
// of Go's own growth saves memory and takes no time worth speaking of. The limit is a soft one, for jobs whose batches are of the
// automatic size: near it the collector runs more often.
const (
	heapGrowth = 50        // percent
	heapLimit  = 104 << 20 // bytes
)

// spareMemory sets the pace of the collector unless the user has.
func (a *app) spareMemory(j job.Job) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if _, set := a.o.Env(name); set {
			return
		}
	}
	debug.SetGCPercent(heapGrowth)
	if records, bytes := j.Batch.Limits(); records <= job.AutoRecords && bytes <= job.AutoBytes {
		debug.SetMemoryLimit(heapLimit)
	}
}

// openBlobs opens the place of batches; a folder that cannot be made is out of reach, a URL that is none is wrong use.
func (a *app) openBlobs(ctx context.Context, place string) (blob.Bucket, error) {
	if a.flags.aws.on {
		i, err := a.installation(ctx)
		if err != nil {
			return nil, err
		}
		return i.Blobs(), nil
	}
	b, err := a.o.Blobs.Open(ctx, place)
	if err != nil && fault.Hint(err) == "" {
		return nil, unreachable(err)
	}
	return b, err
}

// env is what steps work with, without state and batches; enough to open connectors and to compile.
func (a *app) env(f found) *step.Env {
	return &step.Env{
		Catalog: a.o.Catalog, Jobs: newJobs(f), Log: a.log(), Now: a.o.Now, Sleep: sleep, Request: token, Dir: f.site.dir,
		Version: versionText(), StepTimeout: stepTimeout, Compression: record.LZ4, Resident: true, Redact: a.vault.redact,
	}
}

// close closes in the order in which things depend on each other; the holder last, since until then the run counts as alive.
func (r *runtime) close() error {
	var errs []error
	if r.env != nil {
		errs = append(errs, r.env.Close())
	}
	if r.blobs != nil {
		errs = append(errs, r.blobs.Close())
	}
	if r.state != nil {
		errs = append(errs, r.state.Close())
	}
	if r.holder != nil {
		errs = append(errs, r.holder.Close())
	}
	return errors.Join(errs...)
}

// jobs gives one document to the steps. Safe for concurrent use.
type jobs struct {
	doc      *spec.Document
	resolver setting.Resolver

	mu       sync.Mutex
	resolved *job.Job
}

var _ step.Jobs = (*jobs)(nil)

func newJobs(f found) *jobs { return &jobs{doc: f.doc, resolver: f.resolver} }

// Job implements step.Jobs. Values of variables and secrets are looked up once in the life of the process.
func (j *jobs) Job(ctx context.Context, key string) (written, resolved job.Job, err error) {
	written = j.doc.Job
	if key != written.Key() {
		return job.Job{}, job.Job{}, fault.New(fault.NotFound, "there is no job %q", key)
	}
	if !written.Enabled {
		return job.Job{}, job.Job{}, fault.New(fault.NotFound, "there is no job %q: it is disabled", key).WithHint("write enabled: true in %s", j.doc.File)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.resolved == nil {
		r, err := j.doc.Resolve(ctx, j.resolver)
		if err != nil {
			return job.Job{}, job.Job{}, err
		}
		j.resolved = &r
	}
	return written, *j.resolved, nil
}
