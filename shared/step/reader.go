package step

import (
	"context"
	"io"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Prepare makes a batch of what a source gave: it is pure, and called once for each batch.
type Prepare func(record.Batch) (record.Batch, error)

// reader is a partition's open reader, kept between the turns of the loop so that a source is not opened anew for each batch. In a
// resident process it reads the next batch, and works on it as far as nothing outside is touched, while the last one is loaded; that
// changes when a batch is read, never which one.
type reader struct {
	source   connector.Reader
	prepare  Prepare
	compiled *Compiled
	position string // behind what was answered
	consumed int64  // of the input, up to position
	done     bool   // the last batch was answered and source is closed
	ahead    *ahead // under way; nil when there is none
	taken    *ahead // the last one that was answered; nil when there was none
}

// ahead is a batch that is read, and then transformed, before its turn.
type ahead struct {
	cancel context.CancelFunc
	read   chan struct{} // closed when batch and err are set
	batch  record.Batch
	err    error

	ended  chan struct{} // closed when turned and failed are set
	turned record.Batch
	failed error // the transforms are called again for it, in their step
}

// begin works on the next batch. It outlives the invocation that began it.
func (r *reader) begin(ctx context.Context) {
	a := &ahead{read: make(chan struct{}), ended: make(chan struct{})}
	ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.ahead = a
	position := r.position
	go func() {
		defer a.cancel()
		defer close(a.ended)
		a.batch, a.err = guarded(func() (record.Batch, error) { return r.next(ctx, position) })
		close(a.read)
		if a.err == nil && a.batch.Len() > 0 && len(r.compiled.Chains) > 0 {
			a.turned, a.failed = guarded(func() (record.Batch, error) { return r.compiled.Transform(ctx, a.batch) })
		}
	}()
}

// guarded makes a panic of somebody's code an error, as it is in a step: beside the steps it would end the process.
func guarded(f func() (record.Batch, error)) (b record.Batch, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "a step panicked: %v", p)
		}
	}()
	return f()
}

// next reads a batch.
func (r *reader) next(ctx context.Context, position string) (record.Batch, error) {
	b, err := r.source.Next(ctx)
	if err == io.EOF {
		return record.Batch{Start: position, End: position, Last: true}, nil
	}
	if err != nil {
		return record.Batch{}, err
	}
	b, err = r.prepare(b)
	b.Start = position
	return b, err
}

// take answers the next batch, which may have been read ahead.
func (r *reader) take(ctx context.Context) (record.Batch, error) {
	switch {
	case r.done:
		return record.Batch{Start: r.position, End: r.position, Last: true}, nil
	case r.ahead == nil:
		return r.next(ctx, r.position)
	}
	select {
	case <-r.ahead.read:
		r.taken, r.ahead = r.ahead, nil
		return r.taken.batch, r.taken.err
	case <-ctx.Done():
		return record.Batch{}, ctx.Err()
	}
}

// close frees the reader, once what it does ahead has ended.
func (r *reader) close() error {
	for _, a := range []*ahead{r.taken, r.ahead} {
		if a != nil {
			a.cancel()
			<-a.ended
		}
	}
	r.taken, r.ahead = nil, nil
	if r.done {
		return nil
	}
	return r.source.Close()
}

// Read answers the batch behind the position, prepared. The reader of the last turn is used when it stands there, else one is opened.
func (t *Turn) Read(ctx context.Context, s StreamPlan, prepare Prepare) (record.Batch, error) {
	key, position := t.readerKey(), t.Call.Item.Position
	t.mu.Lock()
	r := t.readers[key]
	delete(t.readers, key)
	t.mu.Unlock()
	if r != nil && r.position != position {
		_ = r.close() // it is of no use any more; what it read was not taken
		r = nil
	}
	if r == nil {
		var err error
		if r, err = t.openReader(ctx, s, prepare); err != nil {
			return record.Batch{}, err
		}
	}
	b, err := r.take(ctx)
	if err != nil {
		_ = r.close()
		return record.Batch{}, err
	}
	r.position = b.End
	if !r.done {
		r.consumed = r.source.InputBytes()
	}
	t.keep(ctx, key, r, b.Last)
	return b, nil
}

func (t *Turn) openReader(ctx context.Context, s StreamPlan, prepare Prepare) (*reader, error) {
	src, err := t.Source(ctx)
	if err != nil {
		return nil, err
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return nil, err
	}
	p, _ := s.Partition(t.Call.Item.Partition)
	position := t.Call.Item.Position
	records, bytes := t.Job.Batch.Limits()
	opened, err := openLiving(ctx, src, connector.OpenRequest{
		Stream: s.Stream, Schema: s.Plan.Schema, Partition: p, Position: position, Records: records, Bytes: bytes,
	})
	if err != nil {
		return nil, err
	}
	return &reader{source: opened, prepare: prepare, compiled: compiled, position: position}, nil
}

// keep holds the reader for the next turn; one that is at its end is closed but still tells how much it read.
func (t *Turn) keep(ctx context.Context, key string, r *reader, last bool) {
	if last {
		_ = r.source.Close()
		r.done = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.Env.readers = map[string]*reader{}
	}
	t.readers[key] = r
	if !r.done && t.Resident && t.reading() == 1 {
		r.begin(ctx)
	}
}

// reading counts the partitions that are not at their end. Several keep the cores busy without reading ahead, which would hold a batch more
// for each of them: 189 in place of 143 MiB at the peak for 10,000,000 rows of make bench. The caller has locked.
func (e *Env) reading() int {
	n := 0
	for _, r := range e.readers {
		if !r.done {
			n++
		}
	}
	return n
}

// Transformed gives an extracted batch behind the stream's transforms, which may have worked on it already.
func (t *Turn) Transformed(ctx context.Context, c *Compiled, b record.Batch) (record.Batch, error) {
	t.mu.Lock()
	var a *ahead
	if r := t.readers[t.readerKey()]; r != nil && r.taken != nil && b.Len() > 0 && r.taken.batch.Rows == b.Rows {
		a = r.taken
	}
	t.mu.Unlock()
	if a != nil {
		select {
		case <-a.ended:
		case <-ctx.Done():
			return record.Batch{}, ctx.Err()
		}
		t.mu.Lock()
		if r := t.readers[t.readerKey()]; r != nil && r.taken == a {
			r.taken = nil // it has ended, and holds two batches
		}
		t.mu.Unlock()
		if a.failed == nil {
			return a.turned, nil
		}
	}
	return c.Transform(ctx, b)
}

// InputBytes is how much of the partition's input was taken by this process; 0 when it is not known.
func (t *Turn) InputBytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.readers[t.readerKey()]; r != nil {
		return r.consumed
	}
	return 0
}

func (t *Turn) readerKey() string {
	return t.Call.Run + "\x00" + t.Call.Item.Stream + "\x00" + t.Call.Item.Partition
}
