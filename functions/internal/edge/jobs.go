package edge

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/step"
)

// How long what was looked up is taken for good.
const (
	bundleFresh = 30 * time.Second
	maxBundles  = 4 // that a process keeps
)

// BundleOptions say where jobs are.
type BundleOptions struct {
	Catalog   catalog.Catalog
	Parameter string // that names the current bundle
	Env       func(name string) (string, bool)
	Now       func() time.Time
	// Look reads a parameter, Secret a secret, Open opens a bucket by its name.
	Look   func(ctx context.Context, parameter string) (string, error)
	Secret func(ctx context.Context, name string) (string, error)
	Open   func(ctx context.Context, bucket string) (blob.Bucket, error)
}

// Bundles gives the jobs of bundles, the current one and those of runs under way. Safe for concurrent use.
type Bundles struct {
	o     BundleOptions
	vault vault

	mu      sync.Mutex
	current string
	until   time.Time
	read    []*kept // the one used last at the end
}

// kept is a bundle that was read.
type kept struct {
	place string
	jobs  *bundle.Jobs
}

var (
	_ step.Bundles = (*Bundles)(nil)
	_ Jobs         = (*Bundles)(nil)
)

// NewBundles makes Bundles. It reads nothing.
func NewBundles(o BundleOptions) *Bundles { return &Bundles{o: o} }

// Current implements step.Bundles. The parameter is read again when what it said is 30 seconds old.
func (b *Bundles) Current(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != "" && b.o.Now().Before(b.until) {
		return b.current, nil
	}
	place, err := b.o.Look(ctx, b.o.Parameter)
	if err != nil {
		return "", err
	}
	if _, _, err := bundle.SplitPlace(place); err != nil {
		return "", err
	}
	b.current, b.until = place, b.o.Now().Add(bundleFresh)
	return place, nil
}

// At implements step.Bundles.
func (b *Bundles) At(ctx context.Context, place string) (step.Jobs, error) { return b.at(ctx, place) }

func (b *Bundles) at(ctx context.Context, place string) (*bundle.Jobs, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n, k := range b.read {
		if k.place == place {
			b.read = append(append(b.read[:n:n], b.read[n+1:]...), k)
			return k.jobs, nil
		}
	}
	bucket, key, err := bundle.SplitPlace(place)
	if err != nil {
		return nil, err
	}
	from, err := b.o.Open(ctx, bucket)
	if err != nil {
		return nil, err
	}
	read, err := bundle.Load(ctx, from, key)
	if err != nil {
		return nil, err
	}
	resolver := setting.Resolver{Env: b.o.Env, Secret: func(ctx context.Context, name string) (string, error) {
		value, err := b.o.Secret(ctx, name)
		b.vault.keep(value)
		return value, err
	}}
	jobs := bundle.NewJobs(read, bundle.Options{Catalog: b.o.Catalog, Resolver: resolver, Now: b.o.Now})
	if b.read = append(b.read, &kept{place, jobs}); len(b.read) > maxBundles {
		b.read = b.read[1:]
	}
	return jobs, nil
}

// Job implements step.Jobs: a job of the current bundle.
func (b *Bundles) Job(ctx context.Context, key string) (written, resolved job.Job, err error) {
	place, err := b.Current(ctx)
	if err != nil {
		return job.Job{}, job.Job{}, err
	}
	jobs, err := b.at(ctx, place)
	if err != nil {
		return job.Job{}, job.Job{}, err
	}
	return jobs.Job(ctx, key)
}

// Find implements Jobs.
func (b *Bundles) Find(ctx context.Context, name string) (job.Job, error) {
	place, err := b.Current(ctx)
	if err != nil {
		return job.Job{}, err
	}
	jobs, err := b.at(ctx, place)
	if err != nil {
		return job.Job{}, err
	}
	return jobs.Bundle().Find(name)
}

// Forget implements Jobs.
func (b *Bundles) Forget(_, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.read {
		k.jobs.Forget(key)
	}
}

// Redact implements Jobs.
func (b *Bundles) Redact(text string) string { return b.vault.redact(text) }

// vault remembers the values of secrets that were looked up, so that they can be taken out of texts. Safe for concurrent use.
type vault struct {
	mu     sync.Mutex
	values []string
}

// keep remembers a value. One of fewer than 4 bytes is not looked for: it would be found everywhere.
func (v *vault) keep(value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, known := range v.values {
		if known == value {
			return
		}
	}
	if len(value) >= 4 {
		v.values = append(v.values, value)
	}
}

func (v *vault) redact(text string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, value := range v.values {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}
