package jsonata

import (
	"math"
	"slices"

	"github.com/blues/jsonata-go/jparse"
)

// field looks a name up in an object, and in each object of an array.
func field(input any, name string) any {
	switch v := input.(type) {
	case map[string]any:
		if e, ok := v[name]; ok {
			return e
		}
	case []any:
		out := &sequence{}
		for _, item := range v {
			switch e := unwrap(field(item, name)).(type) {
			case undefinedType:
			case []any:
				out.items = append(out.items, e...)
			default:
				out.items = append(out.items, e)
			}
		}
		return out
	}
	return undefined
}

// path walks the steps of a path: each is evaluated for each item that the one before it gave.
func (ev *evaluator) path(n *jparse.PathNode, input any, f *frame) (any, error) {
	cur, done := ev.straight(n.Steps, input, f)
	if done == len(n.Steps) {
		return keepArray(n, cur), nil
	}
	items := []any{cur}
	if a, ok := cur.([]any); ok && (done > 0 || !startsAtVariable(n.Steps[0])) {
		items = a
	}
	for i := done; i < len(n.Steps); i++ {
		out, err := ev.step(n.Steps, i, items, f)
		if err != nil {
			return nil, err
		}
		if i == len(n.Steps)-1 {
			return keepArray(n, out), nil
		}
		if items = listOf(out); len(items) == 0 {
			return undefined, nil
		}
	}
	return undefined, nil
}

// keepArray marks the result of a path that ends in [] so that one element stays an array.
func keepArray(n *jparse.PathNode, v any) any {
	if !n.KeepArrays {
		return v
	}
	switch v := v.(type) {
	case *sequence:
		return &sequence{items: v.items, keep: true}
	case []any, undefinedType:
		return v
	}
	return &sequence{items: []any{v}, keep: true}
}

func listOf(v any) []any {
	if s, ok := v.(*sequence); ok {
		return s.items
	}
	return list(v)
}

// straight walks the steps that are plain names of plain objects, which is what most paths are, without building lists.
func (ev *evaluator) straight(steps []jparse.Node, cur any, f *frame) (v any, done int) {
	for i, step := range steps {
		switch s := step.(type) {
		case *jparse.VariableNode:
			if i > 0 || s.Name == "" {
				return cur, i
			}
			cur = ev.lookup(s.Name, f)
		case *jparse.NameNode:
			m, ok := cur.(map[string]any)
			if !ok {
				return cur, i
			}
			if cur, ok = m[s.Value]; !ok {
				return undefined, len(steps)
			}
		default:
			return cur, i
		}
	}
	return cur, len(steps)
}

// startsAtVariable says whether a path begins at a variable, so that an array in the context is not walked item by item.
func startsAtVariable(step jparse.Node) bool {
	switch s := step.(type) {
	case *jparse.VariableNode, *jparse.SortNode, *jparse.GroupNode:
		return true
	case *jparse.PredicateNode:
		return startsAtVariable(s.Expr)
	case *jparse.PathNode:
		return startsAtVariable(s.Steps[0])
	}
	return false
}

// step evaluates one step for all items. An array that the last step gives for a single item stays that array.
func (ev *evaluator) step(steps []jparse.Node, i int, items []any, f *frame) (any, error) {
	_, built := steps[i].(*jparse.ArrayNode)
	if built && i == 0 {
		return ev.raw(steps[i], items, f)
	}
	last := i == len(steps)-1
	out := &sequence{items: make([]any, 0, len(items))}
	for _, item := range items {
		v, err := ev.eval(steps[i], item, f)
		if err != nil {
			return nil, err
		}
		a, isArray := v.([]any)
		switch {
		case v == undefined:
		case last && isArray && len(items) == 1:
			if built {
				return &sequence{items: []any{a}}, nil
			}
			return a, nil
		case isArray && !(built && last):
			out.items = append(out.items, a...)
		default:
			out.items = append(out.items, v)
		}
	}
	return out, nil
}

func (ev *evaluator) predicate(n *jparse.PredicateNode, input any, f *frame) (any, error) {
	v, err := ev.eval(n.Expr, input, f)
	if err != nil || v == undefined {
		return v, err
	}
	for _, filter := range n.Filters {
		if v, err = ev.filter(filter, list(v), f); err != nil {
			return nil, err
		}
		if v = unwrap(v); v == undefined {
			return v, nil
		}
	}
	return v, nil
}

// filter keeps the items whose index the predicate gives, or for which it is true.
func (ev *evaluator) filter(node jparse.Node, items []any, f *frame) (any, error) {
	out := &sequence{}
	if n, ok := node.(*jparse.NumberNode); ok {
		if i := index(n.Value, len(items)); i >= 0 && i < len(items) {
			return items[i], nil
		}
		return out, nil
	}
	for i, item := range items {
		v, err := ev.eval(node, item, f)
		if err != nil {
			return nil, err
		}
		if indices, ok := numberList(v); ok {
			if slices.ContainsFunc(indices, func(x float64) bool { return index(x, len(items)) == i }) {
				out.items = append(out.items, item)
			}
		} else if truth(v) {
			out.items = append(out.items, item)
		}
	}
	return out, nil
}

// index rounds down and counts from the end when negative.
func index(x float64, n int) int {
	i := int(math.Floor(x))
	if i < 0 {
		i += n
	}
	return i
}

// numberList gives a number or an array of numbers as a list.
func numberList(v any) ([]float64, bool) {
	if x, ok := asNumber(v); ok {
		return []float64{x}, true
	}
	a, ok := v.([]any)
	if !ok || len(a) == 0 {
		return nil, false
	}
	out := make([]float64, len(a))
	for i, e := range a {
		if out[i], ok = asNumber(e); !ok {
			return nil, false
		}
	}
	return out, true
}

func wildcard(input any) any {
	out := &sequence{}
	switch v := input.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			out.items = append(out.items, flatten(nil, v[k])...)
		}
	case []any:
		for _, e := range v {
			out.items = append(out.items, flatten(nil, e)...)
		}
	}
	return out
}

func flatten(out []any, v any) []any {
	a, ok := v.([]any)
	if !ok {
		return append(out, v)
	}
	for _, e := range a {
		out = flatten(out, e)
	}
	return out
}

func descend(out []any, input any) []any {
	switch v := input.(type) {
	case undefinedType:
	case []any:
		for _, e := range v {
			out = descend(out, e)
		}
	case map[string]any:
		out = append(out, v)
		for _, k := range sortedKeys(v) {
			out = descend(out, v[k])
		}
	default:
		out = append(out, v)
	}
	return out
}

// sort orders by the terms; items for which a term is undefined come last. Stable.
func (ev *evaluator) sort(n *jparse.SortNode, input any, f *frame) (any, error) {
	v, err := ev.eval(n.Expr, input, f)
	if err != nil || v == undefined {
		return v, err
	}
	items := list(v)
	keys := make([][]any, len(items))
	at := make([]int, len(items))
	for i, item := range items {
		at[i] = i
		for _, term := range n.Terms {
			k, err := ev.eval(term.Expr, item, f)
			if err != nil {
				return nil, err
			}
			if !orderable(k) {
				return nil, fail("T2008", "The expressions within an order-by clause must evaluate to numeric or string values")
			}
			keys[i] = append(keys[i], k)
		}
	}
	var mismatch error
	slices.SortStableFunc(at, func(a, b int) int {
		for t, term := range n.Terms {
			c, ok := termOrder(keys[a][t], keys[b][t], term.Dir == jparse.SortDescending)
			if !ok {
				mismatch = fail("T2007", "Type mismatch when comparing values in order-by clause")
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	out := &sequence{items: make([]any, len(items))}
	for i, j := range at {
		out.items[i] = items[j]
	}
	return out, mismatch
}

func termOrder(a, b any, descending bool) (int, bool) {
	switch {
	case a == undefined && b == undefined:
		return 0, true
	case a == undefined:
		return 1, true
	case b == undefined:
		return -1, true
	}
	c, ok := order(a, b)
	if descending {
		c = -c
	}
	return c, ok
}
