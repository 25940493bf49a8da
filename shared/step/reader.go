package step

import (
	"context"
	"io"
	"runtime"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/record"
)

// reader is a partition's open reader, kept between the turns of the loop so that a source is not opened anew for each batch. In a
// resident process it reads the next batch while the last one is loaded; that changes when a batch is read, never which one.
type reader struct {
	source   connector.Reader
	position string // behind what was answered
	consumed int64  // of the input, up to position
	done     bool   // the last batch was answered and source is closed
	ahead    chan read
	cancel   context.CancelFunc
}

type read struct {
	batch record.Batch
	err   error
}

// next answers the next batch, which may have been read ahead.
func (r *reader) next(ctx context.Context) (record.Batch, error) {
	if r.done {
		return record.Batch{}, io.EOF
	}
	if r.ahead == nil {
		return r.source.Next(ctx)
	}
	select {
	case got := <-r.ahead:
		r.cancel()
		r.ahead = nil
		return got.batch, got.err
	case <-ctx.Done():
		return record.Batch{}, ctx.Err()
	}
}

// readAhead begins to read the next batch. It outlives the invocation that began it.
func (r *reader) readAhead(ctx context.Context) {
	ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	ahead := make(chan read, 1)
	r.ahead = ahead
	go func() {
		b, err := r.source.Next(ctx)
		ahead <- read{b, err}
	}()
}

// close frees the reader, once what it reads ahead has ended.
func (r *reader) close() error {
	if r.done {
		return nil
	}
	if r.ahead != nil {
		r.cancel()
		<-r.ahead
		r.ahead = nil
	}
	return r.source.Close()
}

// Read answers the batch behind the position. The reader of the last turn is used when it stands there, else one is opened.
func (t *Turn) Read(ctx context.Context, s StreamPlan, p connector.Partition, position string) (record.Batch, error) {
	key := t.readerKey()
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
		if r, err = t.openReader(ctx, s, p, position); err != nil {
			return record.Batch{}, err
		}
	}
	b, err := r.next(ctx)
	if err == io.EOF {
		b, err = record.Batch{Start: position, End: position, Last: true}, nil
	}
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

func (t *Turn) openReader(ctx context.Context, s StreamPlan, p connector.Partition, position string) (*reader, error) {
	src, err := t.Source(ctx)
	if err != nil {
		return nil, err
	}
	records, bytes := t.Job.Batch.Limits()
	opened, err := openLiving(ctx, src, connector.OpenRequest{
		Stream: s.Stream, Schema: s.Plan.Schema, Partition: p, Position: position, Records: records, Bytes: bytes,
	})
	if err != nil {
		return nil, err
	}
	return &reader{source: opened, position: position}, nil
}

// keep holds the reader for the next turn; one that is at its end is closed but still tells how much it read.
func (t *Turn) keep(ctx context.Context, key string, r *reader, last bool) {
	if last {
		_ = r.close()
		r.done = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.Env.readers = map[string]*reader{}
	}
	t.readers[key] = r
	if !r.done && t.Resident && t.reading() <= runtime.GOMAXPROCS(0) {
		r.readAhead(ctx)
	}
}

// reading counts the partitions that are not at their end. When they are more than the cores, these are busy without reading ahead, and
// a batch more for each partition would be held for nothing. The caller has locked.
func (e *Env) reading() int {
	n := 0
	for _, r := range e.readers {
		if !r.done {
			n++
		}
	}
	return n
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
