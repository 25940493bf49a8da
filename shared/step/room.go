package step

import "context"

// roomBytes is how many bytes of extracted batches the partitions of one process hold at once. One batch is always let in.
const roomBytes = 24 << 20

// room bounds the memory of batches under way, so that it does not grow with the number of partitions: a partition waits with its next
// batch until others have loaded theirs. Which batch comes next, and where it is cut, is not changed by it. The owner locks.
type room struct {
	held  map[string]int64 // bytes, by partition: from before the batch is read to the end of its load
	usual map[string]int64 // of the last batch, by stream
	sum   int64
	freed chan struct{} // closed when some partition leaves; nil when nobody waits
}

// Enter waits until there is room for the next batch of the partition. It is left when the batch's load ends, or a step before it fails.
func (t *Turn) Enter(ctx context.Context) error {
	if !t.Resident {
		return nil
	}
	key, stream := t.readerKey(), t.streamKey()
	for {
		t.mu.Lock()
		r := &t.room
		size, known := r.usual[stream]
		if !known {
			_, size = t.Job.Batch.Limits()
		}
		if _, in := r.held[key]; in || r.sum == 0 || r.sum+size <= roomBytes {
			r.hold(key, size)
			t.mu.Unlock()
			return nil
		}
		if r.freed == nil {
			r.freed = make(chan struct{})
		}
		freed := r.freed
		t.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Hold notes how large the batch has become that the partition entered for.
func (t *Turn) Hold(size int) {
	if !t.Resident {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room.hold(t.readerKey(), int64(size))
	if t.room.usual == nil {
		t.Env.room.usual = map[string]int64{}
	}
	t.room.usual[t.streamKey()] = int64(size)
}

// Leave frees the partition's room. Leaving twice is no error.
func (t *Turn) Leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &t.room
	key := t.readerKey()
	r.sum -= r.held[key]
	delete(r.held, key)
	if r.freed != nil {
		close(r.freed)
		r.freed = nil
	}
}

func (r *room) hold(key string, size int64) {
	if r.held == nil {
		r.held = map[string]int64{}
	}
	r.sum += size - r.held[key]
	r.held[key] = size
}

func (t *Turn) streamKey() string { return t.Call.Run + "\x00" + t.Call.Item.Stream }
