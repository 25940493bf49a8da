package asl

import (
	"context"
	"errors"
	"sync"
)

// fanout is the inner paths of one Map or Parallel. The first that fails stops the others; all are awaited.
type fanout struct {
	visit *visit
	pace  pacer
	ctx   context.Context
	stop  context.CancelFunc
	group sync.WaitGroup

	mu       sync.Mutex
	running  int           // paths, and the state itself until it joins them
	idle     chan struct{} // closed when none is left
	panicked any           // of a path; it goes on where the paths are joined
	failure  error         // of the first that failed, other than by being stopped
	last     int64         // the last event of the path that ended last, or of the one that failed
}

func (v *visit) fanout(ctx context.Context, started int64) *fanout {
	ctx, stop := context.WithCancel(ctx)
	return &fanout{visit: v, pace: pace(v.run.clock), ctx: ctx, stop: stop, last: started, running: 1, idle: make(chan struct{})}
}

// spawn runs a path beside the others.
func (f *fanout) spawn(do func(context.Context)) {
	f.mu.Lock()
	f.running++
	f.mu.Unlock()
	f.pace.start()
	f.group.Go(func() {
		defer f.pace.stop()
		defer f.leave()
		defer func() {
			if p := recover(); p != nil {
				f.mu.Lock()
				f.panicked = p
				f.mu.Unlock()
				f.stop()
			}
		}()
		do(f.ctx)
	})
}

// leave says that a path has ended; the last one closes idle.
func (f *fanout) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running--; f.running == 0 {
		close(f.idle)
	}
}

// join waits for all paths; after it nothing may be spawned. A panic of a path goes on here.
func (f *fanout) join() {
	f.leave()
	f.pace.wait(context.WithoutCancel(f.ctx), f.idle)
	f.group.Wait()
	f.stop()
	if f.panicked != nil {
		panic(f.panicked)
	}
}

// ended tells how a path ended and behind which event.
func (f *fanout) ended(prev int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure != nil {
		return
	}
	f.last = prev
	if err != nil && !errors.Is(err, errStopped) {
		f.failure = err
		f.stop()
	}
}

// err gives the failure, or errStopped when the state itself was stopped.
func (f *fanout) err(ctx context.Context) error {
	if ctx.Err() != nil {
		return errStopped
	}
	return f.failure
}

// aborted tells the history that a state which the service can abort did not come to its end.
func (w *walker) aborted(f *Flow) {
	s := f.byName[w.at.state]
	if s == nil || w.at.waiting {
		return
	}
	switch s.Type {
	case TypeTask, TypeWait, TypeMap, TypeParallel:
		w.note(Event{Type: string(s.Type) + "StateAborted"})
	}
}

// point is where a path is, or was when its execution ended; a redrive goes on from there.
type point struct {
	state   string
	waiting bool // the state was not entered yet
	input   any
	vars    map[string]any
	inner   []*walker // the paths inside a Map or Parallel; nil where none began or it is done
	results []any     // of the paths that are done
	done    []bool
	saved   []*point // of inner, once the execution has ended
}

// save fixes the point of a path whose execution has ended, and those of the paths inside it. One inside it that a redrive did not come to
// stays where it was.
func (w *walker) save() *point {
	p := w.at
	p.vars = w.vars.vars
	p.inner, p.saved = nil, make([]*point, len(p.done))
	for i := range p.done {
		var in *walker
		if i < len(w.at.inner) {
			in = w.at.inner[i]
		}
		switch {
		case p.done[i]:
		case in != nil && in.at.state != "":
			p.saved[i] = in.save()
		default:
			p.saved[i] = w.at.from(i)
		}
	}
	return &p
}

// begin prepares the point of a state with n paths inside it and gives those that a redrive goes on from.
func (v *visit) begin(n int) *point {
	p := &v.walker.at
	p.inner, p.results, p.done, p.saved = make([]*walker, n), make([]any, n), make([]bool, n), nil
	if from := v.resume; from != nil && len(from.done) == n {
		copy(p.results, from.results)
		copy(p.done, from.done)
		p.saved = from.saved
		return from
	}
	return nil
}

// from gives the point at which path i goes on; nil: it begins.
func (p *point) from(i int) *point {
	if p == nil || i >= len(p.saved) {
		return nil
	}
	return p.saved[i]
}
