// Package jsonpath reads the paths of the query language JSONPath as Step Functions does: the dialect of the Java library Jayway, from
// which the service's messages come too. A parsed path is immutable and may be used by any number of goroutines at once. Only package
// asl and its parts may import it; it knows nothing of states.
//
// Values are JSON as package jsonata has it: nil, bool, float64, int64, string, []any, map[string]any. Nobody changes a value after
// it was given to or came from this package; the keys of an object are walked in sorted order.
package jsonpath

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// The bounds of a path, so that no definition can hold the interpreter up.
const (
	maxText    = 16 << 10 // bytes of a path
	maxDepth   = 64       // parentheses and paths inside each other in a filter
	maxVisited = 1 << 22  // values that one evaluation looks at
)

// ErrNotFound is what errors.Is finds in the error of a definite path that selects nothing.
var ErrNotFound = errors.New("the path selects nothing")

// NotFoundError says why a definite path selects nothing; errors.Is(err, ErrNotFound) holds.
type NotFoundError struct {
	Path   string // as it was written
	Reason string // the service's words, as in No results for path: $['a']['b']
	// Index says that only the last step failed, an index behind the end of its array: where a payload template names such a path alone
	// the service takes null and goes on.
	Index bool
}

// Error gives the reason, which the service puts behind "Invalid path '…' : ".
func (e *NotFoundError) Error() string { return e.Reason }

// Is makes the error an ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// SetError says that a value has no place for what Set was given.
type SetError struct {
	Path  string // as it was written
	Input any    // the value that Set was given
}

// Error gives the service's words.
func (e *SetError) Error() string {
	shown, err := jsonata.Encode(e.Input)
	if err != nil {
		shown = []byte(jsonata.TypeOf(e.Input))
	}
	return fmt.Sprintf("Unable to apply ReferencePath %s to input %s", e.Path, shown)
}

// SyntaxError is a text that is no path.
type SyntaxError struct {
	Path    string
	Offset  int // bytes from the beginning of Path
	Message string
}

// Error gives the message with the place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at position %d of the path %q", e.Message, e.Offset, e.Path)
}

// Path is a parsed path.
type Path struct {
	text     string
	root     string
	steps    []step
	function *function // of the last step, nil when there is none
	definite bool
}

// String gives the text that was parsed.
func (p *Path) String() string { return p.text }

// Root names what the path begins at: "" is $, the state's input; "$" is $$, the context object; all else is a variable's name.
func (p *Path) Root() string { return p.root }

// Definite says whether the path selects one value; any other path gives an array, also of one or no value.
func (p *Path) Definite() bool { return p.definite || p.function != nil }

// Field gives the name of the field that the path begins with, false when it begins otherwise; "" and true are the root itself.
func (p *Path) Field() (string, bool) {
	if len(p.steps) == 0 {
		return "", p.function == nil
	}
	n, ok := p.steps[0].(names)
	if !ok || len(n) != 1 {
		return "", false
	}
	return n[0], true
}

// IsReference says whether the path is a Reference Path of the specification: it can name one place only.
func (p *Path) IsReference() bool {
	for _, s := range p.steps {
		switch s := s.(type) {
		case names:
			if len(s) != 1 {
				return false
			}
		case indexes:
			if len(s) != 1 || s[0] < 0 {
				return false
			}
		default:
			return false
		}
	}
	return p.function == nil
}

// Get gives what the path selects in the value that its root names. A definite path that selects nothing is a *NotFoundError.
func (p *Path) Get(doc any) (any, error) {
	w := &walk{root: doc}
	return w.get(p, doc)
}

// Set gives a copy of the value in which the path's place holds value; missing objects on the way are made. A path that is no
// Reference Path, a place inside a value that is no object, and an element that an array does not have are errors.
func (p *Path) Set(doc, value any) (any, error) {
	if !p.IsReference() {
		return nil, fmt.Errorf("the path %s is no reference path", p.text)
	}
	out, ok := set(doc, true, p.steps, value)
	if !ok {
		return nil, &SetError{Path: p.text, Input: doc}
	}
	return out, nil
}

// set gives a copy of v with the value at the end of the steps; there says whether v exists.
func set(v any, there bool, steps []step, value any) (any, bool) {
	if len(steps) == 0 {
		return value, true
	}
	switch s := steps[0].(type) {
	case names:
		m, ok := v.(map[string]any)
		if there && !ok {
			return nil, false
		}
		old, has := m[s[0]]
		inner, ok := set(old, has, steps[1:], value)
		if !ok {
			return nil, false
		}
		out := make(map[string]any, len(m)+1)
		for k, e := range m {
			out[k] = e
		}
		out[s[0]] = inner
		return out, true
	case indexes:
		a, ok := v.([]any)
		if !ok || s[0] >= len(a) {
			return nil, false
		}
		inner, ok := set(a[s[0]], true, steps[1:], value)
		if !ok {
			return nil, false
		}
		out := append([]any(nil), a...)
		out[s[0]] = inner
		return out, true
	}
	return nil, false
}

// canonical writes steps as the service's messages do.
func canonical(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		b.WriteString(s.String())
	}
	return b.String()
}
