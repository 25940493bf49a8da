package jsonata

import (
	"reflect"

	"github.com/blues/jsonata-go/jparse"
)

// Reference is a variable that an expression reads from outside, with the names that follow it in its path: $states.input.id is
// {states, [input id]}. $$ is the variable $.
type Reference struct {
	Name string
	Path []string
}

// References gives what the expression reads from outside, in the order in which it is written. Functions of the language, the variables that
// the expression binds itself and $ are left out.
func (e *Expr) References() []Reference {
	r := &references{bound: map[string]bool{"": true}}
	r.walk(reflect.ValueOf(e.root))
	var out []Reference
	for _, ref := range r.found {
		if !r.bound[ref.Name] && builtins[ref.Name] == nil {
			out = append(out, ref)
		}
	}
	return out
}

type references struct {
	bound map[string]bool
	found []Reference
}

// walk looks at a node and all that its exported fields hold.
func (r *references) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			r.walk(v.Index(i))
		}
	case reflect.Pointer:
		if v.IsNil() || v.Type().Elem().Kind() != reflect.Struct {
			return
		}
		if v.CanInterface() && r.node(v.Interface()) {
			return
		}
		for i := range v.Elem().NumField() {
			if v.Elem().Type().Field(i).IsExported() {
				r.walk(v.Elem().Field(i))
			}
		}
	}
}

// node takes what a node says about variables; true means that there is nothing more inside.
func (r *references) node(n any) bool {
	switch n := n.(type) {
	case *jparse.RegexNode:
		return true
	case *jparse.VariableNode:
		r.found = append(r.found, Reference{Name: n.Name})
		return true
	case *jparse.AssignmentNode:
		r.bound[n.Name] = true
	case *jparse.LambdaNode:
		for _, p := range n.ParamNames {
			r.bound[p] = true
		}
	case *jparse.PathNode:
		r.path(n)
		return true
	}
	return false
}

// path keeps the names that directly follow a variable at the beginning.
func (r *references) path(n *jparse.PathNode) {
	first := len(r.found)
	plain := false
	for i, s := range n.Steps {
		if _, ok := s.(*jparse.VariableNode); ok && i == 0 {
			plain = true
		}
		name, isName := s.(*jparse.NameNode)
		plain = plain && (i == 0 || isName)
		if plain && isName {
			r.found[first].Path = append(r.found[first].Path, name.Value)
		}
		r.walk(reflect.ValueOf(s))
	}
}
