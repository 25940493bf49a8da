package asl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// walker is one path of states, one after the other: that of the machine, of a Map's item, or of a Parallel's branch.
type walker struct {
	run  *run
	vars *scope
	item map[string]any // Map of the context object; nil outside
	prev int64          // the last event of this path
}

// scope holds the variables of one flow. Those around it do not change while it runs, so reading them needs no lock.
type scope struct {
	parent *scope
	vars   map[string]any
}

func (s *scope) lookup(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) assign(vars map[string]any) {
	if s.vars == nil {
		s.vars = make(map[string]any, len(vars))
	}
	for name, v := range vars {
		s.vars[name] = v
	}
}

// inner gives a walker for a flow inside the state that this one is in.
func (w *walker) inner(prev int64, item map[string]any) *walker {
	if item == nil {
		item = w.item
	}
	return &walker{run: w.run, vars: &scope{parent: w.vars}, item: item, prev: prev}
}

// visit is one stay in one state.
type visit struct {
	*walker
	state   *State
	input   any
	entered time.Time
	before  int64 // the event before StateEntered
	id      int64 // of StateEntered
	retries int
	env     jsonata.Env

	result, errorOutput any // of $states, when set
	hasResult, hasError bool
	states              map[string]any // $states as last built; nil after a change
}

// outcome is how a state was left.
type outcome struct {
	output any
	assign map[string]any
	next   string
}

// flow walks a set of states from its beginning to its end and gives the last output. The error is errStopped or an *Error.
func (w *walker) flow(ctx context.Context, f *Flow, input any) (any, error) {
	for s := f.byName[f.StartAt]; ; {
		if ctx.Err() != nil {
			return nil, errStopped
		}
		out, err := w.visit(ctx, s, input)
		if err != nil {
			return nil, err
		}
		if out.next == "" {
			return out.output, nil
		}
		s, input = f.byName[out.next], out.output
	}
}

// visit enters a state, does what its type says, and leaves it.
func (w *walker) visit(ctx context.Context, s *State, input any) (outcome, error) {
	v := &visit{walker: w, state: s, input: input, before: w.prev, entered: w.run.clock.Now()}
	v.env = jsonata.Env{Lookup: v.lookup, Now: w.run.clock.Now, Float: w.run.random}
	v.id = w.emit(Event{Type: string(s.Type) + "StateEntered", State: s.Name, Input: w.run.json(input)})
	out, err := v.do(ctx)
	if err != nil {
		return outcome{}, err
	}
	e := Event{Type: string(s.Type) + "StateExited", State: s.Name, Output: w.run.json(out.output)}
	if len(out.assign) > 0 {
		e.Assigned = w.run.json(out.assign)
		w.vars.assign(out.assign)
	}
	w.emit(e)
	return out, nil
}

func (v *visit) do(ctx context.Context) (outcome, error) {
	switch v.state.Type {
	case TypeTask:
		return v.retrying(ctx, v.task)
	case TypeMap:
		return v.retrying(ctx, v.items)
	case TypeParallel:
		return v.retrying(ctx, v.branches)
	case TypeChoice:
		return v.choice()
	case TypeWait:
		return v.wait(ctx)
	case TypeFail:
		return outcome{}, v.failure()
	}
	return v.leave(v.state.Output, v.state.Assign, v.input, v.state.Next)
}

// leave evaluates Output and Assign, both with the variables as they were when the state was entered. otherwise is the output of
// a state that does not say.
func (v *visit) leave(output, assign *Template, otherwise any, next string) (outcome, error) {
	out := outcome{output: otherwise, next: next}
	if assign != nil {
		vars, err := v.eval(assign)
		if err != nil {
			return outcome{}, err
		}
		out.assign = vars.(map[string]any)
	}
	if output == nil {
		return out, v.limit(otherwise)
	}
	var err error
	out.output, err = v.eval(output)
	return out, err
}

// eval evaluates a template of this state, within the limit of a payload.
func (v *visit) eval(t *Template) (any, error) {
	value, failed := t.eval(&v.env)
	if failed != nil {
		return nil, v.queryError(failed)
	}
	return value, v.limit(value)
}

func (v *visit) limit(value any) error {
	err := limited(value)
	var own *Error
	if errors.As(err, &own) && own.Name == ErrorDataLimit {
		own.Cause = fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", v.state.Name)
	}
	return err
}

// queryError makes the failure of an expression an error of the state and tells it in the history.
func (v *visit) queryError(e *evaluationError) error {
	err := &Error{Name: ErrorQuery, Cause: fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s",
		v.state.Name, v.id, e.message)}
	if v.retries == 0 && v.prev == v.id && v.state.Type != TypeWait {
		v.prev = v.before // the service hangs this event before the state
	}
	v.emit(Event{Type: "EvaluationFailed", State: v.state.Name, Error: err.Name, Cause: err.Cause, Location: e.location})
	return err
}

// lookup gives expressions their variables.
func (v *visit) lookup(name string) (any, bool) {
	if name != "states" {
		return v.vars.lookup(name)
	}
	if v.states != nil {
		return v.states, true
	}
	v.states = map[string]any{"input": v.input, "context": v.context()}
	if v.hasResult {
		v.states["result"] = v.result
	}
	if v.hasError {
		v.states["errorOutput"] = v.errorOutput
	}
	return v.states, true
}

// context builds the context object.
func (v *visit) context() map[string]any {
	state := map[string]any{"Name": v.state.Name, "EnteredTime": stamp(v.entered)}
	switch v.state.Type {
	case TypeTask, TypeMap, TypeParallel:
		state["RetryCount"] = float64(v.retries)
	}
	c := map[string]any{"Execution": v.run.execution, "StateMachine": v.run.stateMachine, "State": state}
	if v.item != nil {
		c["Map"] = v.item
	}
	return c
}
