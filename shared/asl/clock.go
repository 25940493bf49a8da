package asl

import (
	"context"
	"time"
)

// Clock tells the time and waits. The zero value of Interpreter uses the system's clock; a test may use a fake one, or the
// system's inside testing/synctest; VirtualClock lets no real time pass.
type Clock interface {
	// Now gives the current time.
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own after d. stop keeps it from being called and may be called more than once.
	AfterFunc(d time.Duration, f func()) (stop func())
}

// systemClock is the real time.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) AfterFunc(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// pacer is a clock that has to know how many goroutines of its executions do something.
type pacer interface {
	start()                                          // one more does
	stop()                                           // one less
	wait(ctx context.Context, ready <-chan struct{}) // this one does nothing until then
}

// pace gives the pacer of a clock; most have none.
func pace(c Clock) pacer {
	if p, ok := c.(pacer); ok {
		return p
	}
	return unpaced{}
}

type unpaced struct{}

func (unpaced) start() {}
func (unpaced) stop()  {}

func (unpaced) wait(ctx context.Context, ready <-chan struct{}) {
	select {
	case <-ready:
	case <-ctx.Done():
	}
}

// sleep waits for d, or less when ctx ends before.
func sleep(ctx context.Context, c Clock, d time.Duration) {
	if d <= 0 {
		return
	}
	done := make(chan struct{})
	stop := c.AfterFunc(d, func() { close(done) })
	defer stop()
	pace(c).wait(ctx, done)
}

// withTimeout gives a context that ends with the cause after d.
func withTimeout(ctx context.Context, c Clock, d time.Duration, cause error) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(cause) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// seconds turns a number of seconds into a duration, at most some 290 years.
func seconds(s float64) time.Duration {
	const most = float64(1<<63-1) / float64(time.Second)
	return time.Duration(min(s, most-1) * float64(time.Second))
}

// stamp writes a time as the context object does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
