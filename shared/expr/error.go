package expr

import (
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Error says what is wrong in an expression. Its code in package fault is ConfigInvalid.
type Error struct {
	Line, Column int    // of the place in the expression, 1 …
	Code         string // as in fault.Problem: bad_expression, unknown_column, unknown_function, wrong_type
	Message      string
	Hint         string
}

// Error gives place, message and hint.
func (e *Error) Error() string {
	s := e.place() + ": " + e.Message
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (e *Error) place() string {
	if e.Line > 1 {
		return fmt.Sprintf("line %d, column %d", e.Line, e.Column)
	}
	return fmt.Sprintf("column %d", e.Column)
}

// Unwrap gives the code.
func (e *Error) Unwrap() error { return fault.Of(fault.ConfigInvalid) }

// Problem gives the error as a problem of the setting at path.
func (e *Error) Problem(path string) fault.Problem {
	return fault.Problem{Path: path, Code: e.Code, Message: e.place() + ": " + e.Message, Hint: e.Hint}
}

// The codes of errors.
const (
	badExpression   = "bad_expression"
	unknownColumn   = "unknown_column"
	unknownFunction = "unknown_function"
	wrongType       = "wrong_type"
)

// problem is an error at a place, in characters from the beginning; locate gives it line and column.
type problem struct {
	at                  int
	code, message, hint string
}

func (p *problem) Error() string { return p.message }

func failAt(at int, code, format string, args ...any) *problem {
	return &problem{at: at, code: code, message: fmt.Sprintf(format, args...)}
}

func (p *problem) withHint(format string, args ...any) *problem {
	p.hint = fmt.Sprintf(format, args...)
	return p
}

// locate turns a problem into an Error.
func (p *problem) locate(src string) *Error {
	before := []rune(src)
	before = before[:min(max(p.at, 0), len(before))]
	line, column := 1, 1
	for _, r := range before {
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return &Error{Line: line, Column: column, Code: p.code, Message: p.message, Hint: p.hint}
}

// nearest is a hint at a known name that is close, or "".
func nearest(name string, known []string) string {
	if near := fault.Nearest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// list shows at most a dozen names.
func list(names []string) string {
	if len(names) > 12 {
		return strings.Join(names[:12], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
