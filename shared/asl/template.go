package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// Template is a JSON value of a definition in which texts {% … %} are expressions. It is immutable.
type Template struct {
	field string // the name of the field, as in Output
	root  part
}

// part is a piece of a template.
type part interface {
	eval(env *jsonata.Env, location string) (any, *evaluationError)
}

// evaluationError is a failed expression with the place of its field, as in Output/result.
type evaluationError struct {
	location string
	message  string
}

// Eval gives the value of the template.
func (t *Template) eval(env *jsonata.Env) (any, *evaluationError) {
	return t.root.eval(env, t.field)
}

// Constant gives the value when no part of it is an expression.
func (t *Template) Constant() (any, bool) {
	c, ok := t.root.(constant)
	return c.value, ok
}

type constant struct{ value any }

func (c constant) eval(*jsonata.Env, string) (any, *evaluationError) { return c.value, nil }

type expression struct{ expr *jsonata.Expr }

func (e expression) eval(env *jsonata.Env, location string) (any, *evaluationError) {
	v, err := e.expr.Eval(env)
	if err == nil {
		return v, nil
	}
	said := "threw an error during evaluation. " + err.Error()
	if errors.Is(err, jsonata.ErrUndefined) {
		said = "returned nothing (undefined)."
	}
	return nil, &evaluationError{location, fmt.Sprintf("The JSONata expression '%s' specified for the field '%s' %s", e.expr, location, said)}
}

type objectPart struct {
	keys  []string
	parts []part
}

func (o objectPart) eval(env *jsonata.Env, location string) (any, *evaluationError) {
	out := make(map[string]any, len(o.keys))
	for i, k := range o.keys {
		v, err := o.parts[i].eval(env, location+"/"+k)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}

type arrayPart []part

func (a arrayPart) eval(env *jsonata.Env, location string) (any, *evaluationError) {
	out := make([]any, len(a))
	for i, p := range a {
		v, err := p.eval(env, fmt.Sprintf("%s[%d]", location, i))
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

// template compiles a value; every expression that does not parse is a problem.
func (l *loader) template(n *node, field string) *Template {
	return &Template{field: field, root: l.part(n)}
}

func (l *loader) part(n *node) part {
	switch v := n.value.(type) {
	case string:
		return l.textPart(n, v)
	case []*node:
		out := make(arrayPart, len(v))
		fixed := true
		for i, e := range v {
			out[i] = l.part(e)
			fixed = fixed && isConstant(out[i])
		}
		if !fixed {
			return out
		}
	case []member:
		out := objectPart{}
		fixed := true
		for _, m := range v {
			p := l.part(m.node)
			out.keys, out.parts = append(out.keys, m.key), append(out.parts, p)
			fixed = fixed && isConstant(p)
		}
		if !fixed {
			return out
		}
	}
	v, err := n.plain()
	if err != nil {
		l.add(n.path, "wrong_value", "%s", err)
	}
	return constant{v}
}

func isConstant(p part) bool {
	_, ok := p.(constant)
	return ok
}

func (l *loader) textPart(n *node, s string) part {
	text, ok := isExpression(s)
	if !ok {
		if strings.HasPrefix(s, "{%") {
			l.add(n.path, "bad_expression", "the text begins with {%% but does not end with %%}")
		}
		return constant{s}
	}
	e, err := jsonata.Compile(text)
	if err != nil {
		l.add(n.path, "bad_expression", "%s", err)
		return constant{nil}
	}
	return expression{e}
}

// wantType checks the type of a template's value: an expression of the wrong type is a failure like one that throws.
func (t *Template) wantType(v any, want string) *evaluationError {
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
	return &evaluationError{t.field, fmt.Sprintf("%s specified for the field '%s' returned an unexpected result type. Expected '%s', but was '%s' for value: %s",
		subject, t.field, want, got, shown)}
}

// wholeNumber checks that a value is a number without a fraction, from low on.
func (t *Template) wholeNumber(v any, low float64) (float64, *evaluationError) {
	if err := t.wantType(v, "number"); err != nil {
		return 0, err
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < low {
		return 0, &evaluationError{t.field, fmt.Sprintf("The field '%s' must be a whole number from %v on, but was: %v", t.field, low, v)}
	}
	return f, nil
}

// literalNumber gives a node's number, false when it is none.
func literalNumber(n *node) (float64, bool) {
	v, ok := n.value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := v.Float64()
	return f, err == nil
}
