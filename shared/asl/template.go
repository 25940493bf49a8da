package asl

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/intrinsic"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// Template is a JSON value of a definition that holds expressions: texts {% … %} under JSONata, fields whose name ends in .$
// under JSONPath (specification, "Payload Template"). It is immutable.
type Template struct {
	field string // the name of the field, as in Output
	root  part
}

// part is a piece of a template.
type part interface {
	eval(in *data, location string) (any, error)
}

// fieldError is a field that could not be evaluated. Its location is that of the history, as in Output/result.
type fieldError struct {
	language QueryLanguage
	location string
	message  string
}

func (e *fieldError) Error() string { return e.message }

// eval gives the value of the template; its error is a *fieldError.
func (t *Template) eval(in *data) (any, error) { return t.root.eval(in, t.field) }

// Constant gives the value when no part of it is an expression.
func (t *Template) Constant() (any, bool) {
	c, ok := t.root.(constant)
	return c.value, ok
}

type constant struct{ value any }

func (c constant) eval(*data, string) (any, error) { return c.value, nil }

// expression is a JSONata expression.
type expression struct{ expr *jsonata.Expr }

func (e expression) eval(in *data, location string) (any, error) {
	v, err := e.expr.Eval(&in.visit.env)
	if err == nil {
		return v, nil
	}
	said := "threw an error during evaluation. " + err.Error()
	if fault := (*jsonata.Error)(nil); errors.As(err, &fault) && fault.Code == "" {
		said = "threw an error during evaluation: " + fault.Message
	}
	if errors.Is(err, jsonata.ErrUndefined) {
		said = "returned nothing (undefined)."
	}
	return nil, &fieldError{JSONata, location, fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' %s", e.expr, location, said)}
}

// badExpression is one that did not parse; it fails when it is evaluated.
type badExpression struct{ text, why string }

func (e badExpression) eval(_ *data, location string) (any, error) {
	return nil, &fieldError{JSONata, location, fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' threw an error during evaluation. %s", e.text, location, e.why)}
}

// badSelection is a field x.$ whose text could not be read; it fails when it is evaluated.
type badSelection struct{ why error }

func (b badSelection) eval(*data, string) (any, error) {
	return nil, &fieldError{language: JSONPath, message: b.why.Error()}
}

// selection is a field x.$ whose text is a path.
type selection struct {
	key  string // with its .$
	text string
	path *jsonpath.Path
}

func (s selection) eval(in *data, _ string) (any, error) {
	v, err := in.Path(s.path)
	if err == nil {
		return v, nil
	}
	var missing *jsonpath.NotFoundError
	switch {
	case !errors.As(err, &missing):
		return nil, &fieldError{language: JSONPath, message: err.Error()}
	case missing.Index:
		return nil, nil
	}
	return nil, &fieldError{language: JSONPath, message: fmt.Sprintf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
		s.text, s.key, in.shown(s.path))}
}

// invocation is a field x.$ whose text is a call of an intrinsic function.
type invocation struct{ call *intrinsic.Call }

func (i invocation) eval(in *data, _ string) (any, error) {
	v, err := i.call.Eval(in)
	if err != nil {
		return nil, &fieldError{language: JSONPath, message: err.Error()}
	}
	return v, nil
}

type objectPart struct {
	keys  []string
	parts []part
}

func (o objectPart) eval(in *data, location string) (any, error) {
	out := make(map[string]any, len(o.keys))
	for i, k := range o.keys {
		v, err := o.parts[i].eval(in, location+"/"+k)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}

type arrayPart []part

func (a arrayPart) eval(in *data, location string) (any, error) {
	out := make([]any, len(a))
	for i, p := range a {
		v, err := p.eval(in, fmt.Sprintf("%s[%d]", location, i))
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// isExpression says whether a text is one, and gives what stands between the marks.
func isExpression(s string) (string, bool) {
	inner, ok := strings.CutPrefix(s, "{%")
	if !ok {
		return "", false
	}
	inner, ok = strings.CutSuffix(inner, "%}")
	return strings.TrimSpace(inner), ok
}

func isConstant(p part) bool {
	_, ok := p.(constant)
	return ok
}

// wantType checks the type of a template's value: an expression of the wrong type is a failure like one that throws.
func (t *Template) wantType(v any, want string) *fieldError {
	got := jsonata.TypeOf(v)
	if got == want {
		return nil
	}
	shown, err := jsonata.Encode(v)
	if err != nil {
		shown = []byte(got)
	}
	subject := "The value"
	if e, ok := t.root.(expression); ok {
		subject = fmt.Sprintf("The JSONata expression '%s'", e.expr)
	}
	return &fieldError{JSONata, t.field, fmt.Sprintf("%s specified for the field '%s' returned an unexpected result type. Expected '%s', but was '%s' for value: %s",
		subject, t.field, want, got, shown)}
}

// wholeNumber checks that a value is a number without a fraction, from low on.
func (t *Template) wholeNumber(v any, low float64) (float64, *fieldError) {
	if err := t.wantType(v, "number"); err != nil {
		return 0, err
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < low {
		return 0, &fieldError{JSONata, t.field, fmt.Sprintf("The field '%s' must be a whole number from %v on, but was: %v", t.field, low, v)}
	}
	return f, nil
}
