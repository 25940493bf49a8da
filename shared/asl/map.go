package asl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// mapState does a Map state (specification, "Map State"): its flow once for each item.
func (v *visit) mapState(ctx context.Context) (any, error) {
	m := v.state.Iterate
	if m.Distributed {
		return v.distributed(ctx)
	}
	effective, err := v.effective()
	if err != nil {
		return nil, err
	}
	v.trace.note("afterInputPath", effective)
	items, err := v.items(effective)
	if err != nil {
		return nil, err
	}
	v.emit(Event{Type: "MapStateStarted", Length: len(items)})
	workers, err := v.concurrency(effective, MaxConcurrency)
	if err != nil {
		return nil, err
	}
	if v.trace != nil {
		return v.trace.mockedMap(m, tolerance{})
	}
	return v.inline(ctx, effective, items, workers)
}

// items gives what the Map goes over: Items under JSONata, ItemsPath under JSONPath.
func (v *visit) items(effective any) ([]any, error) {
	m := v.state.Iterate
	if v.state.QueryLanguage == JSONPath {
		return v.itemsAt(effective)
	}
	if m.Items == nil {
		items, ok := v.input.([]any)
		if !ok {
			shown, _ := jsonata.Encode(v.input)
			return nil, v.failed(&fieldError{JSONata, "", fmt.Sprintf("Map state input must be an array but was: %s", shown)})
		}
		return items, nil
	}
	value, err := m.Items.eval(&data{v, nil})
	if err != nil {
		return nil, v.failed(err.(*fieldError))
	}
	if failed := m.Items.wantType(value, "array"); failed != nil {
		return nil, v.failed(failed)
	}
	return value.([]any), v.limit(value)
}

func (v *visit) itemsAt(effective any) ([]any, error) {
	p := v.state.Iterate.ItemsPath
	if p == nil {
		p = wholeInput
	}
	value, err := v.read(p, effective)
	if err != nil {
		return nil, err
	}
	items, ok := value.([]any)
	if !ok {
		return nil, v.broken("Reference path \"%s\" must point to array.", strings.Replace(p.text, "$$", "$", 1))
	}
	v.trace.note("afterItemsPath", value)
	return items, nil
}

// concurrency gives how many items may run at once, at most most.
func (v *visit) concurrency(effective any, most int) (int, error) {
	n, err := v.amount(v.state.Iterate.MaxConcurrency, effective, bounds{})
	switch {
	case err != nil:
		return 0, err
	case n < 0:
		return 0, v.broken("MaxConcurrency cannot be negative.")
	}
	v.trace.number("maxConcurrency", n)
	if n == 0 || n > float64(most) {
		return most, nil
	}
	return int(n), nil
}

// inline runs the iterations inside this execution.
func (v *visit) inline(ctx context.Context, effective any, items []any, workers int) (any, error) {
	started := v.prev
	f := v.fanout(ctx, started)
	at := &v.walker.at
	from := v.begin(len(items))
	next := 0
	take := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		for next < len(items) && at.done[next] {
			next++
		}
		next++
		return next - 1
	}
	for range min(workers, len(items)) {
		f.spawn(func(ctx context.Context) {
			prev := started
			for i := take(); i < len(items) && ctx.Err() == nil; i = take() {
				prev = v.iteration(ctx, f, iteration{i, items[i], prev, effective, from.from(i)})
				if workers > 1 {
					prev = started
				}
			}
		})
	}
	f.join()
	v.prev = f.last
	if err := f.err(ctx); err != nil {
		return nil, err
	}
	v.note(Event{Type: "MapStateSucceeded"})
	return at.results, nil
}

// iteration is one item of a Map.
type iteration struct {
	index     int
	value     any
	prev      int64 // the event that it follows on
	effective any   // what ItemSelector selects from
	from      *point
}

// item is Map.Item of the context object.
func (i *iteration) item() map[string]any {
	return map[string]any{"Item": map[string]any{"Index": float64(i.index), "Value": i.value}}
}

// iteration runs the Map's flow for one item and gives the last event inside it, on which the service hangs the next iteration.
func (v *visit) iteration(ctx context.Context, f *fanout, it iteration) int64 {
	w := v.inner(it.prev, it.item())
	at := &v.walker.at
	at.inner[it.index] = w
	e := Event{State: v.state.Name, Index: it.index}
	out, err := v.iterate(ctx, w, e, it)
	inside := w.prev
	switch {
	case errors.Is(err, errStopped):
		w.aborted(v.state.Iterate.Processor)
		e.Type = "MapIterationAborted"
	case err != nil:
		e.Type = "MapIterationFailed"
	default:
		e.Type = "MapIterationSucceeded"
	}
	w.emit(e)
	if err != nil { // what follows a failure hangs on it, not on the iteration's end
		f.ended(inside, err)
		return inside
	}
	at.results[it.index], at.done[it.index], at.inner[it.index] = out, true, nil
	f.ended(w.prev, nil)
	return inside
}

// iterate selects the item's input, then walks.
func (v *visit) iterate(ctx context.Context, w *walker, e Event, it iteration) (any, error) {
	e.Type = "MapIterationStarted"
	w.emit(e)
	input, err := v.selected(w, it)
	if err != nil {
		return nil, err
	}
	return w.flow(ctx, v.state.Iterate.Processor, input, it.from)
}

// selected applies ItemSelector (specification, "ItemSelector"): its data is that of the Map, with the item in the context object.
func (v *visit) selected(w *walker, it iteration) (any, error) {
	t := v.state.Iterate.ItemSelector
	if t == nil {
		return it.value, nil
	}
	at := &visit{walker: w, state: v.state, input: v.input, entered: v.entered, before: w.prev, id: v.id, retries: v.retries}
	at.env = v.env
	at.env.Lookup = at.lookup
	return at.eval(t, it.effective)
}
