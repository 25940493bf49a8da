package step

import (
	"context"
	"io"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Reader is a partition's open reader, kept between the turns of the loop so that a source is not opened anew for each batch.
type Reader struct {
	connector.Reader
	position string // behind what was read
}

// Read answers the batch behind the position. The reader of the last turn is used when it stands there, else one is opened.
func (t *Turn) Read(ctx context.Context, s StreamPlan, p connector.Partition, position string) (record.Batch, error) {
	key := t.readerKey()
	t.mu.Lock()
	r := t.readers[key]
	delete(t.readers, key)
	t.mu.Unlock()
	if r != nil && r.position != position {
		_ = r.Close() // it is of no use any more; what it read was not taken
		r = nil
	}
	if r == nil {
		src, err := t.Source(ctx)
		if err != nil {
			return record.Batch{}, err
		}
		records, bytes := t.Job.Batch.Limits()
		opened, err := src.Open(ctx, connector.OpenRequest{
			Stream: s.Stream, Schema: s.Plan.Schema, Partition: p, Position: position, Records: records, Bytes: bytes,
		})
		if err != nil {
			return record.Batch{}, err
		}
		r = &Reader{Reader: opened, position: position}
	}
	b, err := r.Next(ctx)
	if err == io.EOF {
		b, err = record.Batch{Start: position, End: position, Last: true}, nil
	}
	if err != nil {
		_ = r.Close()
		return record.Batch{}, err
	}
	r.position = b.End
	t.keep(key, r, b.Last)
	return b, nil
}

// keep holds the reader for the next turn; one that is at its end is closed but still tells how much it read.
func (t *Turn) keep(key string, r *Reader, last bool) {
	if last {
		_ = r.Close()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.Env.readers = map[string]*Reader{}
	}
	t.readers[key] = r
}

// InputBytes is how much of the partition's input was read by this process; 0 when it is not known.
func (t *Turn) InputBytes() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.readers[t.readerKey()]; r != nil {
		return r.InputBytes()
	}
	return 0
}

func (t *Turn) readerKey() string {
	return t.Call.Run + "\x00" + t.Call.Item.Stream + "\x00" + t.Call.Item.Partition
}
