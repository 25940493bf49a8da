package asl

import "context"

// parallel does a Parallel state (specification, "Parallel State"): every branch with the same input, all at once.
func (v *visit) parallel(ctx context.Context) (any, error) {
	input, err := v.parameters()
	if err != nil {
		return nil, err
	}
	if v.trace != nil {
		return v.trace.mocked()
	}
	started := v.emit(Event{Type: "ParallelStateStarted"})
	f := v.fanout(ctx, started)
	at := &v.walker.at
	from := v.begin(len(v.state.Branches))
	for i, b := range v.state.Branches {
		if at.done[i] {
			continue
		}
		w := v.inner(started, nil)
		at.inner[i] = w
		f.spawn(func(ctx context.Context) {
			out, err := w.flow(ctx, b, input, from.from(i))
			prev := w.prev
			if err != nil {
				w.aborted(b)
			} else {
				at.results[i], at.done[i], at.inner[i] = out, true, nil
			}
			f.ended(prev, err)
		})
	}
	f.join()
	v.prev = f.last
	if err := f.err(ctx); err != nil {
		return nil, err
	}
	v.note(Event{Type: "ParallelStateSucceeded"})
	return at.results, nil
}
