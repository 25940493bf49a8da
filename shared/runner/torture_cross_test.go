package runner_test

import (
	"context"
	"iter"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/record"
)

// around1 and around2 cross the points before and after a call with one result, or two, and an error.
func around1[A any](p *points, name string, f func() (A, error)) (a A, err error) {
	p.call(name, func() { a, err = f() })
	return a, err
}

func around2[A, B any](p *points, name string, f func() (A, B, error)) (a A, b B, err error) {
	p.call(name, func() { a, b, err = f() })
	return a, b, err
}

func (p *points) err(name string, f func() error) (err error) {
	p.call(name, func() { err = f() })
	return err
}

// connectors puts points around the sources and destinations of a catalog.
func (p *points) connectors(c catalog.Catalog) catalog.Catalog {
	for _, name := range c.Connectors.Names() {
		spec := c.Connectors[name]
		source, destination := spec.Source, spec.Destination
		spec.Source = func(ctx context.Context, c connector.Config) (connector.Source, error) {
			s, err := around1(p, "source.open", func() (connector.Source, error) { return source(ctx, c) })
			return &crossedSource{s, p}, err
		}
		spec.Destination = func(ctx context.Context, c connector.Config) (connector.Destination, error) {
			d, err := around1(p, "destination.open", func() (connector.Destination, error) { return destination(ctx, c) })
			return &crossedDestination{d, p}, err
		}
		c = c.WithConnector(spec)
	}
	return c
}

// crossedSource is a source between points.
type crossedSource struct {
	connector.Source
	p *points
}

func (s *crossedSource) Streams(ctx context.Context) ([]connector.StreamInfo, error) {
	return around1(s.p, "source.Streams", func() ([]connector.StreamInfo, error) { return s.Source.Streams(ctx) })
}

func (s *crossedSource) Plan(ctx context.Context, r connector.PlanRequest) (connector.Plan, error) {
	return around1(s.p, "source.Plan", func() (connector.Plan, error) { return s.Source.Plan(ctx, r) })
}

func (s *crossedSource) Open(ctx context.Context, r connector.OpenRequest) (connector.Reader, error) {
	reader, err := around1(s.p, "source.Open "+r.Partition.ID, func() (connector.Reader, error) { return s.Source.Open(ctx, r) })
	if err != nil {
		return nil, err
	}
	return &crossedReader{reader, s.p, r.Partition.ID}, nil
}

func (s *crossedSource) Committed(ctx context.Context, part connector.Partition, position string) error {
	return s.p.err("source.Committed "+part.ID, func() error { return s.Source.Committed(ctx, part, position) })
}

func (s *crossedSource) Close() error { return s.p.err("source.Close", s.Source.Close) }

// crossedReader is a reader between points.
type crossedReader struct {
	connector.Reader
	p    *points
	part string
}

func (r *crossedReader) Next(ctx context.Context) (record.Batch, error) {
	return around1(r.p, "reader.Next "+r.part, func() (record.Batch, error) { return r.Reader.Next(ctx) })
}

func (r *crossedReader) Close() error { return r.p.err("reader.Close "+r.part, r.Reader.Close) }

// crossedDestination is a destination between points; the calls that write are also cut in the middle.
type crossedDestination struct {
	connector.Destination
	p *points
}

func (d *crossedDestination) Prepare(ctx context.Context, t connector.Target, c connector.Claim) (err error) {
	d.p.long("destination.Prepare", func() { err = d.Destination.Prepare(ctx, t, c) })
	return err
}

func (d *crossedDestination) Load(ctx context.Context, r connector.LoadRequest) (got connector.Receipt, err error) {
	if confirm := r.Confirm; confirm != nil {
		r.Confirm = func(refused []record.Refusal) error {
			return d.p.err("destination.Load confirmed "+r.Partition, func() error { return confirm(refused) })
		}
	}
	d.p.long("destination.Load "+r.Partition, func() { got, err = d.Destination.Load(ctx, r) })
	return got, err
}

func (d *crossedDestination) Commit(ctx context.Context, t connector.Target, c connector.Claim) (got connector.CommitResult, err error) {
	d.p.long("destination.Commit", func() { got, err = d.Destination.Commit(ctx, t, c) })
	return got, err
}

func (d *crossedDestination) Committed(ctx context.Context, t connector.Target) (string, error) {
	return around1(d.p, "destination.Committed", func() (string, error) { return d.Destination.Committed(ctx, t) })
}

func (d *crossedDestination) Receipt(ctx context.Context, t connector.Target, partition string) (connector.Receipt, bool, error) {
	return around2(d.p, "destination.Receipt "+partition, func() (connector.Receipt, bool, error) { return d.Destination.Receipt(ctx, t, partition) })
}

func (d *crossedDestination) Close() error { return d.p.err("destination.Close", d.Destination.Close) }

// bucket puts points around a bucket of batches. What is below is the real one, with its way of making files.
func (p *points) bucket(real blob.Bucket) blob.Bucket { return &crossedBucket{real, p} }

// crossedBucket is a bucket between points.
type crossedBucket struct {
	blob.Bucket
	p *points
}

func (b *crossedBucket) Create(ctx context.Context, key string, data []byte) (created bool, err error) {
	b.p.long("blob.Create", func() { created, err = b.Bucket.Create(ctx, key, data) })
	return created, err
}

func (b *crossedBucket) Read(ctx context.Context, key string) ([]byte, error) {
	return around1(b.p, "blob.Read", func() ([]byte, error) { return b.Bucket.Read(ctx, key) })
}

func (b *crossedBucket) Exists(ctx context.Context, key string) (bool, error) {
	return around1(b.p, "blob.Exists", func() (bool, error) { return b.Bucket.Exists(ctx, key) })
}

func (b *crossedBucket) Delete(ctx context.Context, key string) error {
	return b.p.err("blob.Delete", func() error { return b.Bucket.Delete(ctx, key) })
}

// List gives objects that are all new, so that nothing is deleted for its age.
func (b *crossedBucket) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		keys, err := around1(b.p, "blob.List", func() ([]string, error) { return blob.Keys(ctx, b.Bucket, prefix) })
		for _, key := range keys {
			if !yield(blob.Object{Key: key, ModTime: time.Now()}, nil) {
				return
			}
		}
		if err != nil {
			yield(blob.Object{}, err)
		}
	}
}
