package simtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Memory makes an empty state in memory, for long searches: it knows what schedules ask and nothing else, and it tells the same story as
// the real stores, seed by seed, which their tests hold it to. It counts its changes.
func Memory() *MemoryStore {
	return &MemoryStore{locks: map[string]store.Lock{}, checkpoints: map[store.CheckpointKey]store.Checkpoint{}, runs: map[string]bool{},
		partitions: map[string]store.RunPartition{}}
}

// MemoryStore is what Memory makes. It is not safe for concurrent use: in a schedule only one goroutine works at a time.
type MemoryStore struct {
	store.Store // nil: what a schedule does not ask
	version     int
	locks       map[string]store.Lock
	checkpoints map[store.CheckpointKey]store.Checkpoint
	runs        map[string]bool
	partitions  map[string]store.RunPartition
	failures    []store.Failure
}

var _ Backend = memoryBackend{}

type memoryBackend struct{ *shared }

// InMemory gives schedules over a state in memory.
func InMemory(without Rule) Options {
	return Options{Without: without, Open: func(context.Context, func() time.Time) (Backend, error) {
		return memoryBackend{&shared{s: Memory()}}, nil
	}}
}

// Version implements Backend.
func (b memoryBackend) Version() int { return b.s.(*MemoryStore).version }

// change makes a conditional write on a lock.
func (m *MemoryStore) change(job string, when func(store.Lock) bool, do func(*store.Lock)) (store.Lock, bool, error) {
	l, ok := m.locks[job]
	if !ok {
		l = store.Lock{Job: job, Status: store.Pending}
	}
	if !when(l) {
		return l, false, nil
	}
	do(&l)
	m.version++
	m.locks[job] = l
	return l, true, nil
}

// Lock implements store.LockStore.
func (m *MemoryStore) Lock(_ context.Context, job string) (store.Lock, error) {
	l, _, err := m.change(job, func(store.Lock) bool { return false }, nil)
	return l, err
}

// Slots implements store.LockStore.
func (m *MemoryStore) Slots(_ context.Context, job string) ([]store.Lock, error) {
	var out []store.Lock
	for _, name := range slices.Sorted(maps.Keys(m.locks)) {
		if of, _ := store.SlotOf(name); of == job {
			out = append(out, m.locks[name])
		}
	}
	return out, nil
}

func take(w store.TakeLock) func(*store.Lock) {
	return func(l *store.Lock) {
		l.Status, l.Run, l.RVN, l.Epoch, l.Holder, l.LeaseUntil = store.InProgress, w.Run, w.RVN, w.Epoch, w.Holder, w.LeaseUntil
		l.NotBefore, l.Stop, l.Progress, l.Term, l.Tries = time.Time{}, "", 0, l.Term+1, l.Tries+1
	}
}

// Acquire implements store.LockStore.
func (m *MemoryStore) Acquire(_ context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return m.change(w.Job, func(l store.Lock) bool {
		free := l.Term == w.Seen.Term && (l.Status == store.Pending || l.Status == store.Failed || l.Status == store.Succeeded) && !l.NotBefore.After(w.Now) &&
			l.Tries < w.MaxTries && (l.Run != w.Run || l.Status == store.Pending && l.Epoch < w.Epoch)
		return l.Term == 0 || free && (!w.Unfenced || l.LeaseUntil.Before(w.Now.Add(-store.Skew)))
	}, func(l *store.Lock) {
		take(w)(l)
		l.PrevRun = ""
	})
}

// Steal implements store.LockStore.
func (m *MemoryStore) Steal(_ context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return m.change(w.Job, func(l store.Lock) bool {
		return l.Term == w.Seen.Term && l.RVN == w.Seen.RVN && l.Epoch == w.Seen.Epoch && l.Status == store.InProgress && l.Run != w.Run && l.Tries < w.MaxTries &&
			(w.Expired.IsZero() || l.LeaseUntil.Before(w.Expired))
	}, func(l *store.Lock) {
		l.PrevRun = l.Run
		take(w)(l)
	})
}

// Retake implements store.LockStore.
func (m *MemoryStore) Retake(_ context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	return m.change(w.Job, func(l store.Lock) bool {
		return l.Run == w.Run && l.Term == w.Term && (l.Status == store.InProgress || l.Status == store.Failed) && l.Epoch < w.Epoch &&
			(!w.CountTry || w.Forgive || l.Tries < w.MaxTries) && (w.Expired.IsZero() || l.LeaseUntil.Before(w.Expired) || l.Status == store.Failed)
	}, func(l *store.Lock) {
		l.Status, l.Epoch, l.Holder = store.InProgress, w.Epoch, w.Holder
		if l.LeaseUntil.Before(w.LeaseUntil) {
			l.LeaseUntil = w.LeaseUntil
		}
		if w.CountTry {
			l.Tries, l.Progress = l.Tries+1, max(l.Progress, w.Progress)
			if w.Forgive {
				l.Tries = 1
			}
		}
		if w.ClearStop {
			l.Stop = ""
		}
	})
}

func holds(l store.Lock, h store.Holding) bool {
	return l.Run == h.Run && l.Term == h.Term && l.Status == store.InProgress && l.Epoch == h.Epoch
}

// Lease implements store.LockStore.
func (m *MemoryStore) Lease(_ context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	return m.change(h.Job, func(l store.Lock) bool { return holds(l, h) && l.LeaseUntil.Before(until) }, func(l *store.Lock) { l.LeaseUntil = until })
}

// Stop implements store.LockStore.
func (m *MemoryStore) Stop(_ context.Context, job string, term int64, code string) (store.Lock, bool, error) {
	return m.change(job, func(l store.Lock) bool { return l.Term == term && l.Status == store.InProgress }, func(l *store.Lock) { l.Stop = code })
}

// Release implements store.LockStore.
func (m *MemoryStore) Release(_ context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	return m.change(w.Job, func(l store.Lock) bool {
		if w.Closing && w.Code != "" {
			return l.Run == w.Run && l.Term == w.Term && (l.Status == store.InProgress || l.Status == store.Failed) && l.Epoch <= w.Epoch
		}
		return holds(l, w.Holding)
	}, func(l *store.Lock) {
		if w.Code == "" {
			l.Status, l.Tries, l.NotBefore, l.ErrorCode, l.ErrorText = store.Succeeded, 0, time.Time{}, "", ""
			return
		}
		l.Status, l.NotBefore, l.ErrorCode, l.ErrorText, l.Epoch = store.Failed, w.NotBefore, w.Code, w.Message, w.Epoch
	})
}

// Ignore implements store.LockStore.
func (m *MemoryStore) Ignore(_ context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	return m.change(w.Job, func(l store.Lock) bool {
		dead := l.Status == store.InProgress && l.Epoch == w.Seen.Epoch && w.Dead && (w.Expired.IsZero() || l.LeaseUntil.Before(w.Expired))
		return l.Term == w.Seen.Term && l.Term > 0 && (l.Tries >= w.MaxTries || w.Code != "") && (l.Status == store.Pending || l.Status == store.Failed || dead)
	}, func(l *store.Lock) {
		l.Status, l.Term = store.Ignored, l.Term+1
		if w.Code != "" {
			l.ErrorCode, l.ErrorText = w.Code, w.Message
		}
	})
}

// Reset implements store.LockStore.
func (m *MemoryStore) Reset(_ context.Context, w store.ResetLock) (store.Lock, bool, error) {
	l, applied, err := m.change(w.Job, func(l store.Lock) bool {
		return l.Term == w.Seen.Term && l.Term > 0 && (w.Force || l.Status == store.Failed || l.Status == store.Ignored || l.Status == store.Succeeded)
	}, func(l *store.Lock) {
		l.Status, l.Tries, l.NotBefore, l.Gen, l.Term = store.Pending, 0, time.Time{}, l.Gen+1, l.Term+1
	})
	if !applied {
		return l, false, err
	}
	job, slot := store.SlotOf(w.Job)
	for k, c := range m.checkpoints {
		over := slices.Contains(w.Streams, "") || slices.Contains(w.Streams, k.Stream)
		if k.Job != job || c.Slot != slot || c.Term >= l.Term || !over && !w.Force {
			continue
		}
		c.Term, c.Attempt, c.Owner, c.Fence = l.Term, "", "reset", c.Fence+1
		if over {
			c.Seq, c.Position, c.Run, c.Schema, c.Drained = 0, "", "", "", ""
		}
		m.checkpoints[k] = c
	}
	return l, true, nil
}

// move makes a conditional write on a checkpoint.
func (m *MemoryStore) move(k store.CheckpointKey, when func(c store.Checkpoint, there bool) bool, do func(*store.Checkpoint)) (store.Checkpoint, bool, error) {
	c, ok := m.checkpoints[k]
	c.CheckpointKey = k
	if !when(c, ok) {
		return c, false, nil
	}
	do(&c)
	m.version++
	m.checkpoints[k] = c
	return c, true, nil
}

// Bind implements store.CheckpointStore.
func (m *MemoryStore) Bind(_ context.Context, w store.BindCheckpoint) (store.Checkpoint, bool, error) {
	return m.move(w.CheckpointKey, func(c store.Checkpoint, there bool) bool {
		if there && c.Slot != w.Slot {
			own := m.locks[store.LockName(w.Job, w.Slot)]
			return !c.Claims(m.locks[store.LockName(w.Job, c.Slot)]) && own.Run == w.Run && own.Term == w.Term && own.Status == store.InProgress
		}
		return !there || c.Term < w.Term || c.Term == w.Term && c.Attempt < w.Attempt
	}, func(c *store.Checkpoint) {
		if c.Run == "" || w.Full && c.Run != w.Run {
			c.Seq, c.Position, c.Base = 0, "", fmt.Sprintf("%s#%d", w.Run, w.Term)
		}
		c.Fence, c.Slot, c.Term, c.Attempt, c.Owner, c.Run = c.Fence+1, w.Slot, w.Term, w.Attempt, w.Owner, w.Run
	})
}

// Checkpoint implements store.CheckpointStore.
func (m *MemoryStore) Checkpoint(_ context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	if err := w.Check(); err != nil {
		return store.Checkpoint{}, false, err
	}
	c, applied, err := m.move(w.CheckpointKey, func(c store.Checkpoint, _ bool) bool {
		return c.Fence == w.Fence && c.Owner == w.Owner && c.Seq == w.PrevSeq && c.Position == w.PrevPos
	}, func(c *store.Checkpoint) {
		c.Seq, c.Position, c.Total = w.Seq, w.Position, c.Total+w.Counters.Loaded
		if w.Drained {
			c.Drained = w.Run
		}
	})
	if !applied {
		return c, w.Made(c), err
	}
	at := w.Run + " " + w.Path()
	p := m.partitions[at]
	p.Job, p.Run, p.Stream, p.Partition, p.LastSeq = w.Job, w.Run, w.Stream, w.CheckpointKey.Partition, w.Seq
	p.Counters.Add(w.Counters)
	m.partitions[at] = p
	for _, f := range w.Completed() {
		m.failures = append(slices.DeleteFunc(m.failures, func(o store.Failure) bool { return o.ID == f.ID }), f)
	}
	return c, true, nil
}

// Drain implements store.CheckpointStore.
func (m *MemoryStore) Drain(_ context.Context, w store.DrainCheckpoint) (store.Checkpoint, bool, error) {
	return m.move(w.CheckpointKey, func(c store.Checkpoint, _ bool) bool { return c.Fence == w.Fence && c.Owner == w.Owner },
		func(c *store.Checkpoint) { c.Drained, c.Position, c.Schema = w.Run, w.Position, w.Schema })
}

// ReadCheckpoint implements store.CheckpointStore.
func (m *MemoryStore) ReadCheckpoint(_ context.Context, k store.CheckpointKey) (store.Checkpoint, error) {
	c, ok := m.checkpoints[k]
	if !ok {
		return c, fault.New(fault.NotFound, "there is no checkpoint %s", k.Path())
	}
	return c, nil
}

// Checkpoints implements store.CheckpointStore.
func (m *MemoryStore) Checkpoints(_ context.Context, job, stream string) ([]store.Checkpoint, error) {
	var out []store.Checkpoint
	for k, c := range m.checkpoints {
		if k.Job == job && (stream == "" || k.Stream == stream) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b store.Checkpoint) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Partition, b.Partition))
	})
	return out, nil
}

// StartRun implements store.RunStore.
func (m *MemoryStore) StartRun(_ context.Context, r store.Run) (store.Run, bool, error) {
	put := !m.runs[r.ID]
	m.runs[r.ID] = true
	return r, put, nil
}

// Run implements store.RunStore.
func (m *MemoryStore) Run(ctx context.Context, job, run string) (store.Run, error) {
	if !m.runs[run] {
		return store.Run{}, fault.New(fault.NotFound, "there is no run %s", run)
	}
	r := store.Run{Job: job, ID: run}
	parts, err := m.Partitions(ctx, job, run)
	for _, p := range parts {
		r.Counters.Add(p.Counters)
	}
	return r, err
}

// Partitions implements store.RunStore.
func (m *MemoryStore) Partitions(_ context.Context, _, run string) ([]store.RunPartition, error) {
	var out []store.RunPartition
	for _, at := range slices.Sorted(maps.Keys(m.partitions)) {
		if p := m.partitions[at]; p.Run == run {
			out = append(out, p)
		}
	}
	return out, nil
}

// Failures implements store.FailureStore.
func (m *MemoryStore) Failures(_ context.Context, q store.FailureQuery) ([]store.Failure, string, error) {
	var out []store.Failure
	for _, f := range m.failures {
		if f.Run == q.Run && (q.Stream == "" || f.Stream == q.Stream) {
			out = append(out, f)
		}
	}
	return out, "", nil
}

// AddLogs implements store.RunStore: no schedule reads what an operator's reset leaves behind.
func (m *MemoryStore) AddLogs(context.Context, []store.LogEvent) error { return nil }
