// Package jsonata evaluates JSONata expressions for the interpreter of state machines. The parser is a module's; the evaluator
// is ours, because the module's own shares mutable state between goroutines and drops empty arrays and nulls (see the decision
// record of 2026-11-22). A compiled expression is immutable and may be evaluated by any number of goroutines at once. Only
// package asl may import it; it knows nothing of states.
//
// Values are JSON as Go decodes it: nil, bool, float64, string, []any, map[string]any, and int64 for integers that a float64
// cannot hold. Nobody changes a value after it was given to or came from this package.
package jsonata

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/blues/jsonata-go/jparse"
)

// ErrUndefined is returned when an expression selects nothing at all, which is not the same as null.
var ErrUndefined = errors.New("the expression returned nothing (undefined)")

// Error is a fault of evaluation under JSONata's own code, as in "T1006: Attempted to invoke a non-function".
type Error struct {
	Code    string // a letter and four digits, from JSONata's list
	Message string
}

// Error gives the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Env is what an evaluation sees from outside. Lookup gives the value of a variable by its name without the dollar sign; nil
// means that there are none. Now and Float (a number in [0, 1)) stand behind $now, $millis, $random and $shuffle; an
// expression that uses one that is nil fails.
type Env struct {
	Lookup func(name string) (any, bool)
	Now    func() time.Time
	Float  func() float64
}

// Expr is a compiled expression.
type Expr struct {
	text string
	root jparse.Node
}

// Compile parses an expression. The error names the place; operators of JSONata 2 that the parser does not know (?:, ??, %, @, #)
// and signatures of functions are errors too.
func Compile(text string) (e *Expr, err error) {
	defer func() { // the parser panics on some texts that it cannot read
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("parse JSONata: %v", r)
		}
	}()
	clean := stripComments(text)
	if signature.MatchString(clean) { // the parser does not end on some broken ones
		return nil, errors.New("parse JSONata: signatures of functions are not supported")
	}
	if depth(clean) > maxNested {
		return nil, fmt.Errorf("parse JSONata: more than %d brackets inside each other", maxNested)
	}
	root, err := jparse.Parse(clean)
	if err != nil {
		return nil, fmt.Errorf("parse JSONata: %w", err)
	}
	return &Expr{text: text, root: root}, nil
}

// maxNested bounds brackets inside each other: the parser calls itself for each, and a stack that is used up ends the process.
const maxNested = 500

// depth counts the brackets inside each other outside of quotes.
func depth(text string) int {
	most, now := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'', '`':
			i = quotedEnd(text, i) - 1
		case '(', '[', '{':
			now++
			most = max(most, now)
		case ')', ']', '}':
			now--
		}
	}
	return most
}

// signature finds function(…)< which begins a declaration of types.
var signature = regexp.MustCompile(`(function|λ)\s*\([^)]*\)\s*<`)

// String gives the text that was compiled.
func (e *Expr) String() string { return e.text }

// Eval evaluates the expression. The error is ErrUndefined, an *Error, or one of a function that was called.
func (e *Expr) Eval(env *Env) (any, error) {
	ev := &evaluator{env: env}
	v, err := ev.eval(e.root, undefined, &frame{})
	if err != nil {
		return nil, err
	}
	if v == undefined {
		return nil, ErrUndefined
	}
	return v, nil
}

// stripComments takes out /* … */ outside of strings and quoted names, which the parser does not know.
func stripComments(text string) string {
	if !strings.Contains(text, "/*") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\'' || c == '`':
			end := quotedEnd(text, i)
			b.WriteString(text[i:end])
			i = end
		case strings.HasPrefix(text[i:], "/*"):
			n := strings.Index(text[i+2:], "*/")
			if n < 0 {
				b.WriteString(text[i:])
				return b.String()
			}
			b.WriteByte(' ')
			i += n + 4
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// quotedEnd gives the index behind the quoted text that begins at start.
func quotedEnd(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[start]:
			return i + 1
		}
	}
	return len(text)
}
