package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/choice"
	"github.com/lockstep-data/lockstep/shared/asl/internal/intrinsic"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// wholeInput is the path that a field of JSONPath stands for when it is missing.
var wholeInput = mustPath("$")

func mustPath(text string) *Path {
	p, err := jsonpath.Parse(text)
	if err != nil {
		panic(err) // the text is a constant of this package
	}
	return &Path{text: text, path: p}
}

// template compiles a value; every expression that does not parse is a problem.
func (l *loader) template(n *node, field string) *Template {
	return &Template{field: field, root: l.part(n)}
}

// literal takes a value as it is, whatever it looks like.
func (l *loader) literal(n *node, field string) *Template {
	v, err := n.plain()
	if err != nil {
		l.add(n.path, "wrong_value", "%s", err)
	}
	return &Template{field: field, root: constant{v}}
}

func (l *loader) optional(f map[string]*node, name string) *Template {
	if f[name] == nil {
		return nil
	}
	return l.template(f[name], name)
}

func (l *loader) part(n *node) part {
	switch v := n.value.(type) {
	case string:
		if l.language == JSONata {
			return l.textPart(n, v)
		}
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
		out, fixed := l.objectPart(v)
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

func (l *loader) objectPart(members []member) (out objectPart, fixed bool) {
	fixed = true
	for _, m := range members {
		key, p := m.key, part(nil)
		if name := plainKey(key); l.language == JSONPath && name != key {
			key, p = name, l.pathPart(m)
		} else {
			p = l.part(m.node)
		}
		out.keys, out.parts = append(out.keys, key), append(out.parts, p)
		fixed = fixed && isConstant(p)
	}
	return out, fixed
}

// plainKey takes the .$ off the name of a field whose value is a path.
func plainKey(key string) string { return strings.TrimSuffix(key, ".$") }

// pathPart compiles a field whose name ends in .$: a path or an intrinsic function.
func (l *loader) pathPart(m member) part {
	s, ok := m.value.(string)
	if !ok {
		l.add(m.path, "wrong_type", "the value of a field whose name ends in .$ must be a path, not %s", m.kind())
		return constant{nil}
	}
	if isCall(s) {
		call, err := intrinsic.Parse(s)
		if err != nil {
			l.add(m.path, "bad_expression", "%s", err)
			return badSelection{err}
		}
		return invocation{call}
	}
	p, err := jsonpath.Parse(s)
	if err != nil {
		l.add(m.path, "bad_expression", "%s", err)
		return badSelection{err}
	}
	return selection{m.key, s, p}
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
	var fault *jsonata.Error
	if errors.As(err, &fault) {
		l.add(n.path, "bad_expression", "%s, up to character %d of the expression", err, fault.Position)
		return badExpression{text, err.Error()}
	}
	return expression{e}
}

// path reads a field that is a path or null.
func (l *loader) path(f map[string]*node, name string) *Path {
	n := f[name]
	if n == nil {
		return nil
	}
	p := &Path{field: name}
	s, ok := n.value.(string)
	switch {
	case n.value == nil && (name == "InputPath" || name == "OutputPath" || name == "ResultPath"):
		p.null = true
		return p
	case !ok:
		l.add(n.path, "wrong_type", "%s must be a path, not %s", name, n.kind())
		return nil
	}
	p.text = s
	if p.path, p.bad = jsonpath.Parse(s); p.bad != nil {
		l.add(n.path, "bad_expression", "%s", p.bad)
	}
	return p
}

// referencePath is path for a field that says where a value goes.
func (l *loader) referencePath(f map[string]*node, name string) *Path {
	p := l.path(f, name)
	if p != nil && !p.null && p.bad == nil && (!p.path.IsReference() || p.path.Root() != "") {
		p.bad = fmt.Errorf("%s must be a reference path: one place in the state's input", name)
		l.add(f[name].path, "bad_expression", "%s", p.bad)
	}
	return p
}

// pathOrCall is path for a field that may call an intrinsic function too.
func (l *loader) pathOrCall(f map[string]*node, name string) *Path {
	n := f[name]
	if n == nil {
		return nil
	}
	s, _ := n.value.(string)
	if !isCall(s) {
		return l.path(f, name)
	}
	p := &Path{field: name, text: s}
	if p.call, p.bad = intrinsic.Parse(s); p.bad != nil {
		l.add(n.path, "bad_expression", "%s", p.bad)
	}
	return p
}

// amount reads a whole number from low on, an expression that gives one, or the path at which it stands.
func (l *loader) amount(f map[string]*node, name string, low float64) *Amount {
	if p := l.path(f, name+"Path"); p != nil {
		if f[name] != nil {
			l.add(f[name].path, "wrong_value", "the state has both %s and %sPath", name, name)
		}
		return &Amount{field: name, path: p}
	}
	t := l.optional(f, name)
	if t == nil {
		return nil
	}
	if v, ok := t.Constant(); ok && !l.reported(f[name].path) {
		_, err := t.wholeNumber(v, low)
		if name == "ToleratedFailurePercentage" {
			err = t.wantType(v, "number")
		}
		if err != nil {
			l.add(f[name].path, "wrong_value", "%s must be a whole number from %v on, or an expression", name, low)
		}
	}
	return &Amount{field: name, template: t}
}

// comparison reads a rule of a Choice under JSONPath.
func (l *loader) comparison(n *node) Rule {
	members, ok := n.object()
	if !ok {
		l.add(n.path, "wrong_type", "a rule of a Choice must be an object, not %s", n.kind())
		return Rule{}
	}
	f := make(map[string]*node, len(members))
	compared := make(map[string]any, len(members))
	for _, m := range members {
		f[m.key] = m.node
		switch m.key {
		case "Next", "Assign", "Comment":
			continue
		}
		v, err := m.plain()
		if err != nil {
			l.add(m.path, "wrong_value", "%s", err)
		}
		compared[m.key] = v
	}
	r := Rule{Next: l.required(f, n.path, "Next"), Assign: l.assign(f["Assign"])}
	if r.Comparison, r.bad = choice.Compile(compared); r.bad != nil {
		l.add(n.path, "bad_expression", "%s", r.bad)
	}
	return r
}

// reported says whether there is a problem at a path already, so that one mistake is told once.
func (l *loader) reported(path string) bool {
	for _, p := range l.problems {
		if p.Path == path {
			return true
		}
	}
	return false
}

// elements gives a field's array, which must not be empty.
func (l *loader) elements(path, name string, n *node) []*node {
	if n == nil {
		l.add(path, "missing_field", "%s is missing", name)
		return nil
	}
	items, ok := n.value.([]*node)
	if !ok || len(items) == 0 {
		l.add(n.path, "wrong_type", "%s must be an array with at least one element", name)
	}
	return items
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
