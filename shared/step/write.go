package step

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// writing is a batch whose object a resident process makes while the next steps already work on the batch. Objects of one batch are made in
// the order of the steps, so that none is there without the one that it came from. Nothing outside depends on an object before Settle.
type writing struct {
	key   string
	batch record.Batch
	done  chan struct{} // closed when created and err are set
	// created is false for an object that somebody else has made meanwhile.
	created bool
	err     error
}

// errBefore says that the object of an earlier step could not be made.
var errBefore = errors.New("the object of an earlier step was not made")

// PutBatch stores a batch under the key unless there is one, and answers the one that is there. In a resident process the object is still
// being made when it returns; Settle says whether it was.
func (e *Env) PutBatch(ctx context.Context, key string, b record.Batch) (record.Batch, error) {
	if !e.Resident {
		created, err := e.create(ctx, key, b)
		if err != nil {
			return record.Batch{}, err
		}
		if !created {
			return e.Batch(ctx, key)
		}
		e.cache(key, b)
		return b, nil
	}
	there, err := e.Blobs.Exists(ctx, key)
	if err != nil {
		return record.Batch{}, err
	}
	if there {
		return e.Batch(ctx, key)
	}
	e.cache(key, b)
	w := &writing{key: key, batch: b, done: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writings == nil {
		e.writings = map[string]*writing{}
	}
	var before *writing // of the step before
	for _, s := range order {
		if k := Sibling(key, s); k == key {
			break
		} else if e.writings[k] != nil {
			before = e.writings[k]
		}
	}
	e.writings[key] = w
	go e.write(context.WithoutCancel(ctx), w, before)
	return b, nil
}

// order is that of the steps that make objects.
var order = []string{Extracted, Transformed, Validated}

// write makes the object once that of the step before is made. It outlives the step that began it, by no more than a step may take.
func (e *Env) write(ctx context.Context, w, before *writing) {
	defer close(w.done)
	if e.StepTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, e.StepTimeout)
		defer cancel()
	}
	if before != nil {
		<-before.done
		if !before.created {
			w.err = errBefore
			return
		}
	}
	if w.created, w.err = e.create(ctx, w.key, w.batch); w.err == nil {
		w.batch = record.Batch{} // it is needed again only when it could not be made
	}
}

// create makes the object of a batch, and says whether it was not there before.
func (e *Env) create(ctx context.Context, key string, b record.Batch) (bool, error) {
	buf, err := e.marshal(b)
	defer e.giveBack(buf)
	if err != nil {
		return false, err
	}
	return e.Blobs.Create(ctx, key, buf.Bytes())
}

// marshal gives the form in which a batch is stored, in a buffer that was used before.
func (e *Env) marshal(b record.Batch) (*bytes.Buffer, error) {
	e.mu.Lock()
	var buf *bytes.Buffer
	if n := len(e.buffers); n > 0 {
		buf, e.buffers = e.buffers[n-1], e.buffers[:n-1]
	}
	e.mu.Unlock()
	if buf == nil {
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	return buf, record.MarshalTo(buf, b, e.Compression)
}

// Buffers are kept for the next objects: as many as one partition uses at a time, and none that is very large.
const (
	maxBuffers = 1
	maxBuffer  = 16 << 20 // bytes
)

func (e *Env) giveBack(buf *bytes.Buffer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.buffers) < maxBuffers && buf.Cap() <= maxBuffer {
		e.buffers = append(e.buffers, buf)
	}
}

// Settle waits until the objects of a batch, named by any of them, are made: until then nothing outside may depend on the batch. What could
// not be made is tried again, with its error. It answers false when somebody else has made one of them meanwhile: then the batch is
// forgotten, and whoever cuts it again finds what is there.
func (e *Env) Settle(ctx context.Context, key string) (bool, error) {
	for _, s := range order {
		k := Sibling(key, s)
		e.mu.Lock()
		w := e.writings[k]
		e.mu.Unlock()
		if w == nil {
			continue
		}
		select {
		case <-w.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		created, err := w.created, error(nil)
		if w.err != nil {
			if created, err = e.create(ctx, k, w.batch); err != nil {
				return false, err
			}
		}
		if !created {
			e.calm(path.Dir(key) + "/")
			return false, nil
		}
		e.mu.Lock()
		delete(e.writings, k)
		e.mu.Unlock()
	}
	return true, nil
}

// calm waits for the objects that are being made below a prefix, and forgets their batches.
func (e *Env) calm(prefix string) {
	e.mu.Lock()
	var mine []*writing
	for _, k := range slices.Sorted(maps.Keys(e.writings)) {
		if strings.HasPrefix(k, prefix) {
			mine = append(mine, e.writings[k])
			delete(e.writings, k)
		}
	}
	e.mu.Unlock()
	for _, w := range mine {
		<-w.done
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches.drop(prefix)
}

// quiet waits for the objects of a batch that are being made, named by any of them. Settle still says what became of them.
func (e *Env) quiet(key string) {
	for _, s := range order {
		e.mu.Lock()
		w := e.writings[Sibling(key, s)]
		e.mu.Unlock()
		if w != nil {
			<-w.done
		}
	}
}

// Batch reads a batch. NotFound when there is none; DataInvalid when it is damaged.
func (e *Env) Batch(ctx context.Context, key string) (record.Batch, error) {
	e.mu.Lock()
	b, ok := e.batches.get(key)
	e.mu.Unlock()
	if ok {
		return b, nil
	}
	if _, err := e.Settle(ctx, key); err != nil {
		return record.Batch{}, err
	}
	data, err := e.Blobs.Read(ctx, key)
	if err != nil {
		return record.Batch{}, err
	}
	b, err = record.Unmarshal(data)
	if err != nil {
		return record.Batch{}, fault.New(fault.CodeOf(err), "object %s: %w", key, err).WithHint("nothing of it was loaded; start over with --new")
	}
	e.cache(key, b)
	return b, nil
}
