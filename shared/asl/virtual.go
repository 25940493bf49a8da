package asl

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// VirtualClock is a clock for executions whose tasks answer at once: as soon as all their goroutines wait, it goes on to the next
// timer, so that waits, retries and time-outs take no real time. Each execution that it is given to begins and ends its count by
// itself. Safe for concurrent use.
type VirtualClock struct {
	// Stuck is called when everything waits and no timer is left, so that nothing will ever happen; it should cancel the executions.
	// nil: they hang.
	Stuck func()

	mu      sync.Mutex
	now     time.Time
	busy    int
	timers  timerHeap
	next    int
	waiters map[*waiter]struct{}
}

// NewVirtualClock gives a clock that begins at a time.
func NewVirtualClock(start time.Time) *VirtualClock {
	return &VirtualClock{now: start, waiters: make(map[*waiter]struct{})}
}

// waiter is a goroutine that does nothing until its context is done or it is ready.
type waiter struct {
	ctx   context.Context
	ready <-chan struct{}
	awake bool // it may go on and counts as busy already, although it may not have noticed yet
}

func (w *waiter) mayGoOn() bool {
	if w.ctx.Err() != nil {
		return true
	}
	select {
	case <-w.ready:
		return w.ready != nil
	default:
		return false
	}
}

// Now gives the current time.
func (c *VirtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc calls f when the clock has come so far. f must not wait.
func (c *VirtualClock) AfterFunc(d time.Duration, f func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	t := &virtualTimer{at: c.now.Add(max(d, 0)), order: c.next, f: f}
	heap.Push(&c.timers, t)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.f = nil
	}
}

func (c *VirtualClock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy++
}

func (c *VirtualClock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy--
	c.advance()
}

func (c *VirtualClock) wait(ctx context.Context, ready <-chan struct{}) {
	w := &waiter{ctx: ctx, ready: ready}
	c.mu.Lock()
	c.waiters[w] = struct{}{}
	c.busy--
	c.advance()
	c.mu.Unlock()
	select {
	case <-ready:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiters, w)
	if !w.awake {
		c.busy++
	}
}

// advance moves on to the next timer while nobody is busy. Whoever may go on is counted here and not when it notices, so that the
// clock never runs ahead of it.
func (c *VirtualClock) advance() {
	for c.busy == 0 && len(c.waiters) > 0 {
		for w := range c.waiters {
			if !w.awake && w.mayGoOn() {
				w.awake = true
				c.busy++
			}
		}
		if c.busy > 0 {
			return
		}
		f := c.nextTimer()
		if f == nil {
			f = c.Stuck
			c.Stuck = nil
		}
		if f == nil {
			return
		}
		c.mu.Unlock()
		f()
		c.mu.Lock()
	}
}

// nextTimer takes the next timer that was not stopped and moves the time to it; nil when there is none.
func (c *VirtualClock) nextTimer() func() {
	for c.timers.Len() > 0 {
		t := heap.Pop(&c.timers).(*virtualTimer)
		if t.f != nil {
			c.now = t.at
			return t.f
		}
	}
	return nil
}

type virtualTimer struct {
	at    time.Time
	order int
	f     func()
}

type timerHeap []*virtualTimer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is heap.Interface's.
func (h *timerHeap) Push(x any) { *h = append(*h, x.(*virtualTimer)) }

// Pop is heap.Interface's.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	*h = old[:len(old)-1]
	return t
}
