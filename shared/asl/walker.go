package asl

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// walker is one path of states, one after the other: that of the machine, of a Map's item, or of a Parallel's branch.
type walker struct {
	run  *run
	vars *variables
	item map[string]any // Map of the context object; nil outside
	prev int64          // the last event of this path
	at   point          // where it is, for a redrive
}

// inner gives a walker for a flow inside the state that this one is in.
func (w *walker) inner(prev int64, item map[string]any) *walker {
	if item == nil {
		item = w.item
	}
	return &walker{run: w.run, vars: &variables{parent: w.vars}, item: item, prev: prev}
}

// visit is one stay in one state.
type visit struct {
	*walker
	state     *State
	input     any
	entered   time.Time
	before    int64 // the event before StateEntered
	id        int64 // of StateEntered
	retries   int
	worked    bool   // the paths inside a Map or Parallel ended well
	ownFault  bool   // a field of this state could not be used
	token     string // Task.Token of the context object
	resume    *point // where the flows inside this state go on in a redrive; nil: at their beginning
	env       jsonata.Env
	trace     *trace // what TestState wants to see; nil: nothing
	attempted int    // retries that TestState takes as done

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

// flow walks a set of states from its beginning, or from where a redrive takes it up, to its end and gives the last output. The
// error is errStopped or an *Error.
func (w *walker) flow(ctx context.Context, f *Flow, input any, from *point) (any, error) {
	name := f.StartAt
	if from != nil {
		name, input = from.state, from.input
		w.vars.assign(from.vars)
	}
	for {
		w.at = point{state: name, input: input, waiting: true}
		if from != nil {
			w.at.saved, w.at.results, w.at.done = from.saved, from.results, from.done
		}
		if ctx.Err() != nil {
			return nil, errStopped
		}
		s := f.byName[name]
		if s == nil {
			return nil, &Error{Name: ErrorRuntime, Cause: "There is no state " + name}
		}
		w.at.waiting = false
		out, err := w.visit(ctx, s, input, from)
		if err != nil {
			return nil, err
		}
		if out.next == "" {
			return out.output, nil
		}
		name, input, from = out.next, out.output, nil
	}
}

// visit enters a state, does what its type says, and leaves it.
func (w *walker) visit(ctx context.Context, s *State, input any, from *point) (outcome, error) {
	v := w.enter(s, input)
	v.resume = from
	v.id = w.emit(Event{Type: string(s.Type) + "StateEntered", State: s.Name, Input: w.run.json(input)})
	out, err := v.do(ctx)
	if err == nil && ctx.Err() != nil {
		err = errStopped // the history ended while the state did its work
	}
	if err != nil {
		return outcome{}, err
	}
	e := Event{Type: string(s.Type) + "StateExited", State: s.Name, Output: w.run.json(out.output)}
	if len(out.assign) > 0 {
		e.Assigned = w.run.json(out.assign)
		if w.run.variables.Add(int64(w.vars.assign(out.assign))) > maxVariables {
			return outcome{}, &Error{Name: ErrorDataLimit, Cause: v.prefix() + "The variables of the execution exceed the maximum number of bytes service limit."}
		}
	}
	w.emit(e)
	return out, nil
}

func (w *walker) enter(s *State, input any) *visit {
	v := &visit{walker: w, state: s, input: input, before: w.prev, entered: w.run.clock.Now()}
	v.env = jsonata.Env{Lookup: v.lookup, Now: w.run.clock.Now, Float: w.run.random}
	return v
}

func (v *visit) do(ctx context.Context) (outcome, error) {
	switch v.state.Type {
	case TypeTask:
		return v.retrying(ctx, v.task)
	case TypeMap:
		return v.retrying(ctx, v.mapState)
	case TypeParallel:
		return v.retrying(ctx, v.parallel)
	case TypeChoice:
		return v.choice()
	case TypeWait:
		return v.wait(ctx)
	case TypeFail:
		return outcome{}, v.fail()
	case TypePass:
		return v.pass()
	}
	return v.succeed()
}

// exit says how a state is left: which of its fields make the output and the variables, and from what.
type exit struct {
	next           string
	value          any       // the result, or the effective input of a state that has none
	isResult       bool      // value is a result: ResultPath places it
	resultSelector *Template // JSONPath
	resultPath     *Path     // JSONPath
	output         *Template // JSONata
	assign         *Template
	caught         bool // by a catcher: OutputPath does not apply
}

// leave evaluates the output and the variables, both with the variables as they were when the state was entered.
func (v *visit) leave(x exit) (outcome, error) {
	if v.state.QueryLanguage == JSONPath {
		return v.leaveJSONPath(x)
	}
	out := outcome{output: x.value, next: x.next}
	var err error
	if out.assign, err = v.assigned(x.assign, nil); err != nil {
		return outcome{}, err
	}
	if x.output == nil {
		return out, v.limit(x.value)
	}
	out.output, err = v.eval(x.output, nil)
	return out, err
}

// leaveJSONPath applies ResultSelector, ResultPath and OutputPath in this order.
func (v *visit) leaveJSONPath(x exit) (outcome, error) {
	out := outcome{output: x.value, next: x.next}
	var err error
	if x.resultSelector != nil {
		if out.output, err = v.eval(x.resultSelector, x.value); err != nil {
			return outcome{}, err
		}
	}
	v.trace.note("afterResultSelector", out.output)
	if out.assign, err = v.assigned(x.assign, out.output); err != nil {
		return outcome{}, err
	}
	if x.isResult {
		if out.output, err = v.place(x.resultPath, out.output); err != nil {
			return outcome{}, err
		}
		v.trace.note("afterResultPath", out.output)
	}
	if !x.caught {
		if out.output, err = v.outputPath(out.output); err != nil {
			return outcome{}, err
		}
	}
	return out, v.limit(out.output)
}

// assigned evaluates Assign. Under JSONPath its $ is the result, or the effective input of a state without one.
func (v *visit) assigned(t *Template, root any) (map[string]any, error) {
	if t == nil {
		return nil, nil
	}
	vars, err := v.eval(t, root)
	if err != nil {
		return nil, err
	}
	m, ok := vars.(map[string]any)
	if !ok {
		return nil, v.broken("Assign must be an object")
	}
	v.trace.assigned(m)
	return m, nil
}
