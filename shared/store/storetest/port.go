package storetest

import (
	"context"
	"runtime"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// verdict is what becomes of one request of an actor.
type verdict int

const (
	pass      verdict = iota
	lose              // the request arrives, its answer is lost
	drop              // the request is lost
	delay             // the request arrives later, the sender has given up on it
	duplicate         // the request arrives, and once more later
	crash             // the sender dies before the request
	crashSent         // the sender dies after the request
)

// port is the store as one actor sees it: every request waits until the world lets it pass, and may get lost on the way.
type port struct {
	store.Store
	w *world
	a *actor
}

// gate is one request; it returns what the sender sees.
func (p *port) gate(what string, do func() error) error {
	p.a.asks <- what
	v := <-p.a.grant
	sent := func() error {
		err := do()
		p.w.observe(p.a.name + " " + what)
		return err
	}
	later := func() {
		_ = do() // nobody waits for the answer
		p.w.observe(p.a.name + " late " + what)
	}
	switch v {
	case lose:
		_ = sent() // lost
	case drop:
	case delay:
		p.w.late = append(p.w.late, later)
	case duplicate:
		p.w.late = append(p.w.late, later)
		return sent()
	case crashSent:
		_ = sent() // nobody is there to see it
		runtime.Goexit()
	case crash:
		runtime.Goexit()
	default:
		return sent()
	}
	return fault.New(fault.Transient, "no answer")
}

// lockCall passes one write on a lock through the gate.
func (p *port) lockCall(what string, do func() (store.Lock, bool, error)) (l store.Lock, applied bool, err error) {
	var got store.Lock
	var ok bool
	err = p.gate(what, func() (err error) {
		got, ok, err = do()
		return err
	})
	if err != nil {
		return l, false, err
	}
	return got, ok, nil
}

// Lock implements store.LockStore.
func (p *port) Lock(ctx context.Context, job string) (store.Lock, error) {
	l, _, err := p.lockCall("Lock", func() (store.Lock, bool, error) {
		l, err := p.Store.Lock(ctx, job)
		return l, true, err
	})
	return l, err
}

// Acquire implements store.LockStore.
func (p *port) Acquire(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return p.lockCall("Acquire", func() (store.Lock, bool, error) { return p.Store.Acquire(ctx, w) })
}

// Steal implements store.LockStore.
func (p *port) Steal(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return p.lockCall("Steal", func() (store.Lock, bool, error) { return p.Store.Steal(ctx, w) })
}

// Retake implements store.LockStore.
func (p *port) Retake(ctx context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	return p.lockCall("Retake", func() (store.Lock, bool, error) { return p.Store.Retake(ctx, w) })
}

// Lease implements store.LockStore.
func (p *port) Lease(ctx context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	return p.lockCall("Lease", func() (store.Lock, bool, error) { return p.Store.Lease(ctx, h, until) })
}

// Release implements store.LockStore.
func (p *port) Release(ctx context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	return p.lockCall("Release", func() (store.Lock, bool, error) { return p.Store.Release(ctx, w) })
}

// Ignore implements store.LockStore.
func (p *port) Ignore(ctx context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	return p.lockCall("Ignore", func() (store.Lock, bool, error) { return p.Store.Ignore(ctx, w) })
}

// checkpointCall passes one write on a checkpoint through the gate.
func (p *port) checkpointCall(what string, do func() (store.Checkpoint, bool, error)) (c store.Checkpoint, applied bool, err error) {
	var got store.Checkpoint
	var ok bool
	err = p.gate(what, func() (err error) {
		got, ok, err = do()
		return err
	})
	if err != nil {
		return c, false, err
	}
	return got, ok, nil
}

// Bind implements store.CheckpointStore.
func (p *port) Bind(ctx context.Context, w store.BindCheckpoint) (store.Checkpoint, bool, error) {
	return p.checkpointCall("Bind "+w.Partition, func() (store.Checkpoint, bool, error) { return p.Store.Bind(ctx, w) })
}

// Checkpoint implements store.CheckpointStore.
func (p *port) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	return p.checkpointCall("Checkpoint "+w.CheckpointKey.Partition, func() (store.Checkpoint, bool, error) {
		p.w.move = &w
		return p.Store.Checkpoint(ctx, w)
	})
}
