package asl

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// maxChildren is how many child executions of a Distributed Map run at once.
const maxChildren = 10000

// errTolerance is the failure of a Map Run of which too many items failed.
var errTolerance = &Error{Name: ErrorTolerance, Cause: "The specified tolerated failure threshold was exceeded"}

// distributed does a Map whose ProcessorConfig says DISTRIBUTED (developer guide, "Using Map state in Distributed mode"): each item,
// or batch of items, is an execution of its own, with a history of its own that nobody sees here.
func (v *visit) distributed(ctx context.Context) (any, error) {
	m := v.state.Iterate
	effective, err := v.effective()
	if err != nil {
		return nil, err
	}
	v.trace.note("afterInputPath", effective)
	var items []any
	if m.ItemReader == nil {
		if items, err = v.items(effective); err != nil {
			return nil, err
		}
	}
	v.emit(Event{Type: "MapStateStarted", Length: len(items)})
	workers, err := v.concurrency(effective, maxChildren)
	if err != nil {
		return nil, err
	}
	tolerated, err := v.tolerance(effective)
	if err != nil {
		return nil, err
	}
	if v.trace != nil {
		return v.trace.mockedMap(m, tolerated)
	}
	mapRun := fmt.Sprintf("%s:%d", childID(v.run.exec.StateMachine.ID, v.label()), v.id)
	v.emit(Event{Type: "MapRunStarted", MapRun: mapRun})
	prev := v.prev
	out, err := v.mapRun(ctx, mapRunWork{id: mapRun, effective: effective, items: items, workers: workers, tolerated: tolerated})
	var failed *Error
	switch {
	case errors.As(err, &failed):
		v.emit(Event{Type: "MapRunFailed", Error: failed.Name, Cause: failed.Cause})
		return nil, err
	case err != nil:
		v.emit(Event{Type: "MapRunAborted"})
		return nil, err
	}
	v.emit(Event{Type: "MapRunSucceeded"})
	v.note(Event{Type: "MapStateSucceeded"})
	if v.run.exec.changed(mapRunDay) {
		v.prev = prev
	}
	return out, nil
}

// label is what the executions of the items are named by.
func (v *visit) label() string {
	if l := v.state.Iterate.Label; l != "" {
		return l
	}
	return v.state.Name
}

// tolerance is how many items of a Map Run may fail.
type tolerance struct {
	count      float64
	percentage float64
}

func (v *visit) tolerance(effective any) (tolerance, error) {
	m := v.state.Iterate
	var t tolerance
	var err error
	if t.count, err = v.amount(m.ToleratedFailureCount, effective, bounds{}); err != nil {
		return t, err
	}
	if t.percentage, err = v.amount(m.ToleratedFailurePercentage, effective, bounds{fraction: true}); err != nil {
		return t, err
	}
	switch {
	case t.count < 0:
		return t, v.broken("ToleratedFailureCount cannot be negative.")
	case t.percentage < 0 || t.percentage > 100:
		return t, v.broken("ToleratedFailurePercentage must be between 0 and 100.")
	}
	if m.ToleratedFailureCount != nil {
		v.trace.number("toleratedFailureCount", t.count)
	}
	if m.ToleratedFailurePercentage != nil {
		v.trace.number("toleratedFailurePercentage", t.percentage)
	}
	return t, nil
}

// exceeded says whether so many failures of a number of items are too many. With both limits the stricter counts; without any, one
// failure is too many.
func (t tolerance) exceeded(failures, items int) bool {
	if failures == 0 {
		return false
	}
	byCount := float64(failures) > t.count
	byShare := float64(failures)*100 > t.percentage*float64(items)
	switch {
	case t.count > 0 && t.percentage > 0:
		return byCount || byShare
	case t.percentage > 0:
		return byShare
	}
	return byCount
}

// mapRunWork is what a Map Run works on.
type mapRunWork struct {
	id        string
	effective any
	items     []any
	workers   int
	tolerated tolerance
}

// mapRun reads, selects and batches the items, runs an execution for each, and gives the outputs or says where they were written.
func (v *visit) mapRun(ctx context.Context, work mapRunWork) (any, error) {
	m := v.state.Iterate
	if m.ItemReader != nil {
		var err error
		if work.items, err = v.readItems(ctx, m.ItemReader, work.effective); err != nil {
			return nil, err
		}
	}
	inputs, sizes, err := v.childInputs(work)
	if err != nil {
		return nil, err
	}
	children, failure := v.children(ctx, work, inputs, sizes)
	if ctx.Err() != nil {
		return nil, errStopped
	}
	if m.ResultWriter != nil {
		out, err := v.writeResults(ctx, work, children)
		if failure == nil || err != nil {
			return out, err
		}
	}
	if failure != nil {
		return nil, failure
	}
	out := make([]any, 0, len(children))
	for _, c := range children {
		if c.err == nil {
			out = append(out, c.output)
		}
	}
	return out, nil
}

// childInputs gives the input of each execution and of how many items it is made.
func (v *visit) childInputs(work mapRunWork) (inputs []any, sizes []int, err error) {
	for i, item := range work.items {
		it := iteration{index: i, value: item, effective: work.effective}
		w := v.inner(v.prev, it.item())
		input, err := v.selected(w, it)
		if err != nil {
			return nil, nil, err
		}
		inputs, sizes = append(inputs, input), append(sizes, 1)
	}
	if b := v.state.Iterate.ItemBatcher; b != nil {
		return v.batches(b, work.effective, inputs)
	}
	return inputs, sizes, nil
}

// child is one execution of a Map Run.
type child struct {
	name   string
	input  any
	output any
	err    *Error
	ran    bool
}

// children runs the executions. The error says that too many items failed.
func (v *visit) children(ctx context.Context, work mapRunWork, inputs []any, sizes []int) ([]child, *Error) {
	f := v.fanout(ctx, v.prev)
	out := make([]child, len(inputs))
	total, failures, next := 0, 0, 0
	for _, n := range sizes {
		total += n
	}
	var failure *Error
	var mu sync.Mutex
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1
	}
	for range min(work.workers, len(inputs)) {
		f.spawn(func(ctx context.Context) {
			for i := take(); i < len(inputs) && ctx.Err() == nil; i = take() {
				out[i] = v.child(ctx, work.id, i, inputs[i])
				mu.Lock()
				if out[i].err != nil {
					failures += sizes[i]
				}
				if failure == nil && work.tolerated.exceeded(failures, total) {
					failure = errTolerance
					f.stop()
				}
				mu.Unlock()
			}
		})
	}
	f.join()
	return out, failure
}

// child runs the execution of one item or batch. It sees no variables of the Map's flow.
func (v *visit) child(ctx context.Context, mapRun string, i int, input any) child {
	name := fmt.Sprintf("%s-%d", v.run.exec.Name, i)
	r := &run{
		in: v.run.in, machine: v.run.machine, input: input, clock: v.run.clock, random: v.run.random, limit: v.run.limit, silent: true,
		exec: Execution{ID: mapRun + ":" + name, Name: name, StateMachine: v.run.exec.StateMachine, StartTime: v.run.clock.Now(),
			RoleArn: v.run.exec.RoleArn, Express: v.state.Iterate.Express},
	}
	r.describe()
	ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	w := &walker{run: r, vars: &variables{}}
	c := child{name: name, input: input, ran: true}
	out, err := w.flow(ctx, v.state.Iterate.Processor, input, nil)
	if err == nil {
		c.output = out
		return c
	}
	if !errors.As(err, &c.err) {
		c.err = &Error{Name: ErrorTaskFailed, Cause: "The execution was stopped."}
	}
	return c
}

// batches makes the inputs of executions that get several items each (developer guide, "ItemBatcher").
func (v *visit) batches(b *ItemBatcher, effective any, items []any) (inputs []any, sizes []int, err error) {
	most, err := v.amount(b.MaxItemsPerBatch, effective, bounds{low: 1})
	if err != nil {
		return nil, nil, err
	}
	bytes, err := v.amount(b.MaxInputBytesPerBatch, effective, bounds{low: 1})
	if err != nil {
		return nil, nil, err
	}
	if bytes <= 0 || bytes > MaxPayload {
		bytes = MaxPayload
	}
	batch := map[string]any{}
	if b.BatchInput != nil {
		if batch["BatchInput"], err = v.eval(b.BatchInput, effective); err != nil {
			return nil, nil, err
		}
	}
	fixed, err := jsonata.Size(batch)
	if err != nil {
		return nil, nil, v.broken("%s", err)
	}
	fixed += len(`"Items":[],`)
	for at := 0; at < len(items); {
		size, n := fixed, 0
		for at+n < len(items) && (most <= 0 || float64(n) < most) {
			s, err := jsonata.Size(items[at+n])
			if err != nil {
				return nil, nil, v.broken("%s", err)
			}
			if size += s + 1; n > 0 && float64(size) > bytes {
				break
			}
			n++
		}
		input := map[string]any{"Items": items[at : at+n : at+n]}
		if in, ok := batch["BatchInput"]; ok {
			input["BatchInput"] = in
		}
		inputs, sizes = append(inputs, input), append(sizes, n)
		at += n
	}
	return inputs, sizes, nil
}
