// Package intrinsic evaluates the intrinsic functions of the query language JSONPath, as in States.Format('{}', $.name). A parsed call is
// immutable and may be evaluated by any number of goroutines at once. Only package asl may import it; it knows nothing of states.
//
// Where the service differs from its guide, the service is the rule: sizes and places with a fraction are cut, not rounded; States.MathAdd
// rounds halves up; States.StringSplit drops empty pieces; States.ArrayContains compares texts; States.ArrayUnique orders as a hash table.
// The order of an object's keys is lost in our values, so States.JsonToString writes them sorted.
package intrinsic

//lint:file-ignore ST1005 messages are the service's words

import (
	"errors"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// The bounds of a call.
const (
	maxText    = 16 << 10 // bytes of a call as it is written
	maxNested  = 10       // functions inside each other, as the service has it
	maxRange   = 1000     // numbers of States.ArrayRange
	maxEncoded = 10000    // characters that States.Base64Encode, Base64Decode and Hash take
)

// Scope is what a call is evaluated in.
type Scope interface {
	// Path gives what a path selects. An error that is a jsonpath.ErrNotFound is told in the service's words for arguments.
	Path(p *jsonpath.Path) (any, error)
	// Input is the state's input, which messages show.
	Input() any
	// Uint64 is the source of randomness of States.MathRandom and States.UUID.
	Uint64() uint64
}

// Error is a failed call. Under Step Functions it is a States.Runtime, which neither Retry nor Catch sees.
type Error struct {
	Call    string // the whole call as it was written, also when a function inside it failed
	Message string
}

// Error gives the service's words.
func (e *Error) Error() string {
	return fmt.Sprintf("The function '%s' had the following error: %s", e.Call, e.Message)
}

// SyntaxError is a text that is no call, or calls a function that does not exist or takes other arguments.
type SyntaxError struct {
	Call    string
	Offset  int // bytes from the beginning of Call
	Message string
}

// Error gives the message with the place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at position %d of the function %q", e.Message, e.Offset, e.Call)
}

// Call is a parsed call.
type Call struct {
	text string
	root *invocation
}

// String gives the text that was parsed.
func (c *Call) String() string { return c.text }

// Paths gives the paths among the arguments, also of calls inside, in the order in which they are written.
func (c *Call) Paths() []*jsonpath.Path { return c.root.paths(nil) }

// Eval gives the value of the call; a failure is an *Error.
func (c *Call) Eval(scope Scope) (any, error) {
	v, err := c.root.eval(&evaluation{scope: scope})
	if err == nil {
		return v, nil
	}
	var other *scopeError
	if errors.As(err, &other) {
		return nil, other.err
	}
	return nil, &Error{Call: c.text, Message: err.Error()}
}

// scopeError is an error of the scope that is not about a path that selects nothing.
type scopeError struct{ err error }

func (e *scopeError) Error() string { return e.err.Error() }

// evaluation is one evaluation of a call.
type evaluation struct{ scope Scope }

// argument is one argument: a call, a path or a literal.
type argument struct {
	call    *invocation
	path    *jsonpath.Path
	literal any
	written string // a literal text with its backslashes
}

// invocation is a function with its arguments.
type invocation struct {
	function *function
	args     []argument
}

func (v *invocation) paths(out []*jsonpath.Path) []*jsonpath.Path {
	for _, a := range v.args {
		switch {
		case a.call != nil:
			out = a.call.paths(out)
		case a.path != nil:
			out = append(out, a.path)
		}
	}
	return out
}

func (v *invocation) eval(e *evaluation) (any, error) {
	args := make([]any, len(v.args))
	for i, a := range v.args {
		x, err := a.eval(e)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	return v.function.do(&arguments{evaluation: e, of: v, values: args})
}

func (a argument) eval(e *evaluation) (any, error) {
	switch {
	case a.call != nil:
		return a.call.eval(e)
	case a.path == nil:
		return a.literal, nil
	}
	v, err := e.scope.Path(a.path)
	switch {
	case err == nil:
		return v, nil
	case !errors.Is(err, jsonpath.ErrNotFound):
		return nil, &scopeError{err}
	}
	input, encodeErr := jsonata.Encode(e.scope.Input())
	if encodeErr != nil {
		return nil, &scopeError{encodeErr}
	}
	return nil, fmt.Errorf("The JsonPath argument for the field '%s' could not be found in the input '%s'", shown(a.path), input)
}

// shown writes a path as the service does in this one message: a path of the context object loses a dollar.
func shown(p *jsonpath.Path) string {
	if p.Root() == "$" {
		return p.String()[1:]
	}
	return p.String()
}

// arguments are the values that a function gets.
type arguments struct {
	*evaluation
	of     *invocation
	values []any
}

// wrong is the service's message for an argument of a wrong type or range.
func (a *arguments) wrong() error { return fmt.Errorf("Invalid arguments in %s", a.of.function.name) }

func (a *arguments) text(i int) (string, error) {
	s, ok := a.values[i].(string)
	if !ok {
		return "", a.wrong()
	}
	return s, nil
}

func (a *arguments) array(i int) ([]any, error) {
	list, ok := a.values[i].([]any)
	if !ok {
		return nil, a.wrong()
	}
	return list, nil
}

func (a *arguments) number(i int) (float64, error) {
	switch n := a.values[i].(type) {
	case float64:
		return n, nil
	case int64:
		return float64(n), nil
	}
	return 0, a.wrong()
}
