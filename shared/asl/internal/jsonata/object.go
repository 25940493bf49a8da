package jsonata

import (
	"maps"

	"github.com/blues/jsonata-go/jparse"
)

// object builds an object; over an array of items each key takes the items for which its expression gave that key.
func (ev *evaluator) object(n *jparse.ObjectNode, input any, f *frame) (any, error) {
	if plain(n) {
		return ev.plainObject(n, input, f)
	}
	return ev.grouped(n, input, f)
}

func plain(n *jparse.ObjectNode) bool {
	for _, pair := range n.Pairs {
		if _, ok := pair[0].(*jparse.StringNode); !ok {
			return false
		}
	}
	return true
}

// plainObject is the case that nearly all are: every key is a literal.
func (ev *evaluator) plainObject(n *jparse.ObjectNode, input any, f *frame) (any, error) {
	if a, ok := input.([]any); ok && len(a) == 1 {
		input = a[0]
	}
	out := make(map[string]any, len(n.Pairs))
	seen := make(map[string]bool, len(n.Pairs))
	for _, pair := range n.Pairs {
		key := pair[0].(*jparse.StringNode).Value
		if seen[key] {
			return nil, fail("D1009", "Multiple key definitions evaluate to same key: %q", key)
		}
		seen[key] = true
		v, err := ev.eval(pair[1], input, f)
		if err != nil {
			return nil, err
		}
		if v != undefined {
			out[key] = v
		}
	}
	return out, nil
}

func (ev *evaluator) group(n *jparse.GroupNode, input any, f *frame) (any, error) {
	items, err := ev.eval(n.Expr, input, f)
	if err != nil {
		return nil, err
	}
	if items == undefined {
		return undefined, nil
	}
	return ev.grouped(n.ObjectNode, items, f)
}

// member is what one key of a grouped object collects.
type member struct {
	pair int
	data any
}

func (ev *evaluator) grouped(n *jparse.ObjectNode, input any, f *frame) (any, error) {
	items := list(input)
	if len(items) == 0 {
		items = []any{undefined}
	}
	groups := make(map[string]*member)
	for _, item := range items {
		for i, pair := range n.Pairs {
			k, err := ev.eval(pair[0], item, f)
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			switch {
			case k == undefined:
				continue
			case !ok:
				return nil, fail("T1003", "Key in object structure must evaluate to a string")
			}
			m := groups[key]
			switch {
			case m == nil:
				groups[key] = &member{pair: i, data: item}
			case m.pair != i:
				return nil, fail("D1009", "Multiple key definitions evaluate to same key: %q", key)
			default:
				m.data = append(append([]any{}, list(m.data)...), list(item)...)
			}
		}
	}
	out := make(map[string]any, len(groups))
	for key, m := range groups {
		v, err := ev.eval(n.Pairs[m.pair][1], m.data, f)
		if err != nil {
			return nil, err
		}
		if v != undefined {
			out[key] = v
		}
	}
	return out, nil
}

// transform is the function that | pattern | update, delete | makes: it changes a copy.
type transform struct {
	node  *jparse.ObjectTransformationNode
	frame *frame
}

func (t *transform) arity() int { return 1 }

func (t *transform) invoke(ev *evaluator, _ any, args []any) (any, error) {
	if len(args) == 0 || args[0] == undefined {
		return undefined, nil
	}
	root := clone(args[0])
	matches, err := ev.eval(t.node.Pattern, root, t.frame)
	if err != nil {
		return nil, err
	}
	for _, match := range list(matches) {
		if m, ok := match.(map[string]any); ok {
			if err := t.change(ev, m); err != nil {
				return nil, err
			}
		}
	}
	return root, nil
}

func (t *transform) change(ev *evaluator, m map[string]any) error {
	update, err := ev.eval(t.node.Updates, m, t.frame)
	if err != nil {
		return err
	}
	if update != undefined {
		fields, ok := update.(map[string]any)
		if !ok {
			return fail("T2011", "The insert/update clause of the transform expression must evaluate to an object")
		}
		maps.Copy(m, fields)
	}
	if t.node.Deletes == nil {
		return nil
	}
	drop, err := ev.eval(t.node.Deletes, m, t.frame)
	if err != nil {
		return err
	}
	for _, k := range list(drop) {
		key, ok := k.(string)
		if !ok {
			return fail("T2012", "The delete clause of the transform expression must evaluate to a string or array of strings")
		}
		delete(m, key)
	}
	return nil
}

// clone copies objects and arrays all the way down.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	}
	return v
}
