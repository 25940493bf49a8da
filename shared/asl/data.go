package asl

import (
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// data is what one field is evaluated against. Under JSONPath it has its own $; under JSONata all is in the visit's $states.
type data struct {
	visit *visit
	root  any // $ of JSONPath
}

// undefinedError is a path that begins at a variable which nobody assigned.
type undefinedError struct{ message string }

func (e *undefinedError) Error() string { return e.message }

// Path gives what a path selects: from $, from $$ (the context object), or from a variable. Intrinsic functions and the
// comparisons of a Choice read their arguments through it too.
func (d *data) Path(p *jsonpath.Path) (any, error) {
	document, err := d.document(p)
	if err != nil {
		return nil, err
	}
	return p.Get(document)
}

// Input is the state's input, which messages of intrinsic functions show.
func (d *data) Input() any { return d.root }

// Uint64 is the chance of intrinsic functions.
func (d *data) Uint64() uint64 {
	return uint64(d.visit.run.random()*(1<<32))<<32 | uint64(d.visit.run.random()*(1<<32))
}

// document gives the value at which a path begins.
func (d *data) document(p *jsonpath.Path) (any, error) {
	switch root := p.Root(); root {
	case "":
		return d.root, nil
	case "$":
		return d.visit.context(), nil
	default:
		v, ok := d.visit.vars.lookup(root)
		if !ok {
			return nil, &undefinedError{fmt.Sprintf("The variable '$%s' has not been defined", root)}
		}
		return v, nil
	}
}

// shown writes the document of a path for a message.
func (d *data) shown(p *jsonpath.Path) string {
	v, err := d.document(p)
	if err != nil {
		return ""
	}
	text, err := jsonata.Encode(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// variables holds the variables of one flow. Those around it do not change while it runs, so reading them needs no lock
// (developer guide, "Variable scope").
type variables struct {
	parent *variables
	vars   map[string]any
	sizes  map[string]int // bytes as JSON
}

func (s *variables) lookup(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// assign sets variables of this flow and gives by how many bytes they grew.
func (s *variables) assign(vars map[string]any) int {
	if s.vars == nil {
		s.vars, s.sizes = make(map[string]any, len(vars)), make(map[string]int, len(vars))
	}
	grown := 0
	for name, v := range vars {
		n, _ := jsonata.Size(v)
		grown += n - s.sizes[name]
		s.vars[name], s.sizes[name] = v, n
	}
	return grown
}

// context builds the context object (specification, "The Context Object").
func (v *visit) context() map[string]any {
	if v.run.context != nil {
		return v.run.context
	}
	state := map[string]any{"Name": v.state.Name, "EnteredTime": stamp(v.entered)}
	switch v.state.Type {
	case TypeTask, TypeMap, TypeParallel:
		state["RetryCount"] = float64(v.retries)
	}
	c := map[string]any{"Execution": v.run.execution, "StateMachine": v.run.stateMachine, "State": state}
	if v.item != nil {
		c["Map"] = v.item
	}
	if v.token != "" {
		c["Task"] = map[string]any{"Token": v.token}
	}
	return c
}

// lookup gives JSONata expressions their variables, $states among them.
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

// failed makes an error of the state out of a field that could not be evaluated: States.QueryEvaluationError with an event of its
// own under JSONata, States.Runtime under JSONPath.
func (v *visit) failed(e *fieldError) error {
	v.ownFault = true
	cause := v.prefix() + e.message
	if e.language == JSONPath {
		return &Error{Name: ErrorRuntime, Cause: cause}
	}
	if v.retries == 0 && v.prev == v.id && v.state.Type != TypeWait {
		v.prev = v.before // the service hangs this event before the state
	}
	v.emit(Event{Type: "EvaluationFailed", State: v.state.Name, Error: ErrorQuery, Cause: cause, Location: e.location})
	return &Error{Name: ErrorQuery, Cause: cause}
}

// prefix begins the cause of every error that the service itself finds in a state.
func (v *visit) prefix() string {
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", v.state.Name, v.id)
}

// broken is an error that only changing the definition or the input can mend.
func (v *visit) broken(format string, args ...any) error {
	v.ownFault = true
	return &Error{Name: ErrorRuntime, Cause: v.prefix() + fmt.Sprintf(format, args...)}
}

// eval evaluates a template of this state, within the limit of a payload.
func (v *visit) eval(t *Template, root any) (any, error) {
	value, err := t.eval(&data{v, root})
	if err != nil {
		return nil, v.failed(err.(*fieldError))
	}
	return value, v.limit(value)
}

// limit refuses a payload that is too large, or that is no JSON at all.
func (v *visit) limit(value any) error {
	n, err := jsonata.Size(value)
	switch {
	case err != nil:
		return v.broken("%s", err)
	case n > MaxPayload:
		return tooLarge(v.state.Name)
	}
	return nil
}

// tooLarge is the error of a state or task that gave too much.
func tooLarge(name string) *Error {
	return &Error{Name: ErrorDataLimit, Cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", name)}
}

// text shows a value as Java would print it, which is how the service puts it into some messages.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := jsonata.Encode(v)
	if err != nil {
		return jsonata.TypeOf(v)
	}
	return strings.TrimSpace(string(b))
}
