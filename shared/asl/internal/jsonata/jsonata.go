// Package jsonata evaluates JSONata 2.0.6, the version that Step Functions documents, for the interpreter of state machines. Parser and
// evaluator are ours (see the decision record of 2026-11-22): nothing is shared between goroutines, empty arrays and nulls stay, and errors
// carry JSONata's codes and places. A compiled expression is immutable and may be evaluated by any number of goroutines at once. Only
// package asl may import it; it knows nothing of states.
//
// Values are JSON as Go decodes it: nil, bool, float64, string, []any, map[string]any, and int64 for integers that a float64
// cannot hold. Nobody changes a value after it was given to or came from this package.
package jsonata

import (
	"errors"
	"fmt"
	"time"
)

// ErrUndefined is returned when an expression selects nothing at all, which is not the same as null.
var ErrUndefined = errors.New("the expression returned nothing (undefined)")

// Error is a fault under JSONata's own code, as in "T1006: Attempted to invoke a non-function".
type Error struct {
	// Code is a letter and four digits, from JSONata's list; S is for faults of the text, T and D for those of its evaluation. It is empty
	// when the evaluation took too long, or too much room.
	Code    string
	Message string
	// Position counts the characters up to the end of the word that is at fault, as JSONata does. 0 means that no place is known.
	Position int
}

// Error gives the code and the message.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	return e.Code + ": " + e.Message
}

func fail(code, format string, args ...any) error { return failAt(0, code, format, args...) }

func failAt(pos int, code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Position: pos}
}

// at says where an error arose, unless that is known already.
func at(pos int, err error) error {
	if e, ok := err.(*Error); ok && e.Position == 0 {
		e.Position = pos
	}
	return err
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
	root *node
}

// Compile parses an expression. The error is an *Error with its place.
func Compile(text string) (*Expr, error) {
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &Expr{text: text, root: root}, nil
}

// String gives the text that was compiled.
func (e *Expr) String() string { return e.text }

// Eval evaluates the expression. The error is ErrUndefined, an *Error, or one of a function that was called.
func (e *Expr) Eval(env *Env) (any, error) { return e.eval(env, undefined) }

// eval evaluates the expression over a document, which is $ and $$.
func (e *Expr) eval(env *Env, input any) (any, error) {
	ev := &evaluator{env: env, root: input}
	v, err := ev.eval(e.root, input, &frame{})
	if err != nil {
		return nil, err
	}
	if v == undefined {
		return nil, ErrUndefined
	}
	if ev.odd {
		v = finite(v)
	}
	return v, nil
}
