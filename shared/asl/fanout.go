package asl

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// fanout is the inner paths of one Map or Parallel. The first that fails stops the others; all are awaited.
type fanout struct {
	mu      sync.Mutex
	stop    context.CancelFunc
	failure error // of the first that failed, other than by being stopped
	last    int64 // the last event of the path that ended last, or of the one that failed
}

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

// items runs a Map: its flow once for each item.
func (v *visit) items(ctx context.Context) (any, error) {
	items, workers, err := v.prepare()
	if err != nil {
		v.emit(Event{Type: "MapStateFailed"})
		return nil, err
	}
	started := v.emit(Event{Type: "MapStateStarted", Length: len(items)})
	inner, stop := context.WithCancel(ctx)
	defer stop()
	f := &fanout{stop: stop, last: started}
	results := make([]any, len(items))
	var next int
	take := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		next++
		return next - 1
	}
	var wg sync.WaitGroup
	for range min(workers, len(items)) {
		wg.Go(func() {
			prev := started
			for i := take(); i < len(items) && inner.Err() == nil; i = take() {
				results[i], prev = v.iteration(inner, f, position{i, items[i], prev})
				if workers > 1 {
					prev = started
				}
			}
		})
	}
	wg.Wait()
	v.prev = f.last
	if err := f.err(ctx); err != nil {
		if !errors.Is(err, errStopped) {
			v.emit(Event{Type: "MapStateFailed"})
		}
		return nil, err
	}
	v.note(Event{Type: "MapStateSucceeded"})
	return results, nil
}

// prepare evaluates the items and how many of them may run at once.
func (v *visit) prepare() ([]any, int, error) {
	value := v.input
	if t := v.state.Items; t != nil {
		var err error
		if value, err = v.eval(t); err != nil {
			return nil, 0, err
		}
		if failed := t.wantType(value, "array"); failed != nil {
			return nil, 0, v.queryError(failed)
		}
	}
	items, ok := value.([]any)
	if !ok {
		shown, _ := jsonata.Encode(value)
		return nil, 0, v.queryError(&evaluationError{"", fmt.Sprintf("Map state input must be an array but was: %s", shown)})
	}
	workers := 0.0
	if v.state.MaxConcurrency != nil {
		var err error
		if workers, err = v.count(v.state.MaxConcurrency, 0); err != nil {
			return nil, 0, err
		}
	}
	if workers == 0 || workers > MaxConcurrency {
		workers = MaxConcurrency
	}
	return items, int(workers), nil
}

// position is one item of a Map.
type position struct {
	index int
	value any
	prev  int64 // the event that it follows on
}

// iteration runs the Map's flow for one item and gives the last event inside it, on which the service hangs the next iteration.
func (v *visit) iteration(ctx context.Context, f *fanout, p position) (any, int64) {
	item := map[string]any{"Item": map[string]any{"Index": float64(p.index), "Value": p.value}}
	w := v.inner(p.prev, item)
	e := Event{State: v.state.Name, Index: p.index}
	out, err := v.iterate(ctx, w, e, p.value)
	inside := w.prev
	switch {
	case errors.Is(err, errStopped):
		e.Type = "MapIterationAborted"
	case err != nil:
		e.Type = "MapIterationFailed"
	default:
		e.Type = "MapIterationSucceeded"
	}
	w.emit(e)
	if err != nil { // what follows a failure hangs on it, not on the iteration's end
		f.ended(inside, err)
	} else {
		f.ended(w.prev, nil)
	}
	return out, inside
}

// iterate selects the item's input, then walks.
func (v *visit) iterate(ctx context.Context, w *walker, e Event, input any) (any, error) {
	e.Type = "MapIterationStarted"
	w.emit(e)
	if t := v.state.ItemSelector; t != nil {
		at := &visit{walker: w, state: v.state, input: v.input, entered: v.entered, before: w.prev, id: v.id, retries: v.retries}
		at.env = v.env
		at.env.Lookup = at.lookup
		var err error
		if input, err = at.eval(t); err != nil {
			return nil, err
		}
	}
	return w.flow(ctx, v.state.Processor, input)
}

// branches runs a Parallel: every branch with the same input.
func (v *visit) branches(ctx context.Context) (any, error) {
	input := v.input
	if v.state.Arguments != nil {
		var err error
		if input, err = v.eval(v.state.Arguments); err != nil {
			v.emit(Event{Type: "ParallelStateFailed"})
			return nil, err
		}
	}
	started := v.emit(Event{Type: "ParallelStateStarted"})
	inner, stop := context.WithCancel(ctx)
	defer stop()
	f := &fanout{stop: stop, last: started}
	results := make([]any, len(v.state.Branches))
	var wg sync.WaitGroup
	for i, b := range v.state.Branches {
		wg.Go(func() {
			w := v.inner(started, nil)
			var err error
			results[i], err = w.flow(inner, b, input)
			f.ended(w.prev, err)
		})
	}
	wg.Wait()
	v.prev = f.last
	if err := f.err(ctx); err != nil {
		if !errors.Is(err, errStopped) {
			v.emit(Event{Type: "ParallelStateFailed"})
		}
		return nil, err
	}
	v.note(Event{Type: "ParallelStateSucceeded"})
	return results, nil
}
