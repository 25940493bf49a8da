package jsonata

import "maps"

// object builds an object; over an array of items each key takes the items for which its expression gave that key.
func (ev *evaluator) object(n *node, input any, f *frame) (any, error) {
	if plain(n) {
		return ev.plainObject(n, input, f)
	}
	return ev.grouped(n, input, f)
}

func plain(n *node) bool {
	for _, pair := range n.pairs {
		if pair[0].kind != textNode {
			return false
		}
	}
	return true
}

// plainObject is the case that nearly all are: every key is a literal.
func (ev *evaluator) plainObject(n *node, input any, f *frame) (any, error) {
	if a, ok := input.([]any); ok && len(a) == 1 {
		input = a[0]
	}
	out := make(map[string]any, len(n.pairs))
	for i, pair := range n.pairs {
		key := pair[0].text
		for _, before := range n.pairs[:i] {
			if before[0].text == key {
				return nil, failAt(n.pos, "D1009", "Multiple key definitions evaluate to same key: %s", shown(key))
			}
		}
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

// member is what one key of a grouped object collects.
type member struct {
	pair int
	data []any
}

// grouped builds an object from items; those of a stream of tuples bring their variables.
func (ev *evaluator) grouped(n *node, input any, f *frame) (any, error) {
	items := listOf(input)
	if len(items) == 0 {
		items = []any{undefined}
	}
	groups := make(map[string]*member)
	for _, item := range items {
		context, frame := item, f
		if t, ok := item.(*tuple); ok {
			context, frame = t.at, t.frame(f)
		}
		for i, pair := range n.pairs {
			k, err := ev.eval(pair[0], context, frame)
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			switch {
			case k == undefined:
				continue
			case !ok:
				return nil, failAt(n.pos, "T1003", "Key in object structure must evaluate to a string; got: %s", shown(k))
			}
			m := groups[key]
			switch {
			case m == nil:
				groups[key] = &member{pair: i, data: []any{item}}
			case m.pair != i:
				return nil, failAt(n.pos, "D1009", "Multiple key definitions evaluate to same key: %s", shown(key))
			default:
				m.data = append(m.data, item)
			}
		}
	}
	out := make(map[string]any, len(groups))
	for _, key := range sortedKeys(groups) {
		v, err := ev.groupValue(n, groups[key], f)
		if err != nil {
			return nil, err
		}
		if v != undefined {
			out[key] = v
		}
	}
	return out, nil
}

// groupValue evaluates the value of one key over the items that the key collected.
func (ev *evaluator) groupValue(n *node, m *member, f *frame) (any, error) {
	var context any
	if _, ok := m.data[0].(*tuple); ok {
		t := merged(m.data)
		context, f = t.at, t.frame(f)
	} else {
		context = m.data[0]
		for _, item := range m.data[1:] {
			context = join2(context, item)
		}
	}
	return ev.eval(n.pairs[m.pair][1], context, f)
}

// join2 makes one list of two values, as $append does.
func join2(a, b any) any {
	switch {
	case a == undefined:
		return b
	case b == undefined:
		return a
	}
	l, r := list(a), list(b)
	return append(append(make([]any, 0, len(l)+len(r)), l...), r...)
}

// transform is the function that | pattern | update, delete | makes: it changes a copy.
type transform struct {
	node  *node
	frame *frame
}

func (t *transform) arity() int { return 1 }

func (t *transform) invoke(ev *evaluator, _ any, args []any) (any, error) {
	if len(args) == 0 || args[0] == undefined {
		return undefined, nil
	}
	root := clone(args[0])
	matches, err := ev.eval(t.node.list[0], root, t.frame)
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
	update, err := ev.eval(t.node.list[1], m, t.frame)
	if err != nil {
		return err
	}
	if update != undefined {
		fields, ok := update.(map[string]any)
		if !ok {
			return failAt(t.node.list[1].pos, "T2011", "The insert/update clause of the transform expression must evaluate to an object: %s", shown(update))
		}
		maps.Copy(m, fields)
	}
	if len(t.node.list) < 3 {
		return nil
	}
	drop, err := ev.eval(t.node.list[2], m, t.frame)
	if err != nil {
		return err
	}
	for _, k := range list(drop) {
		key, ok := k.(string)
		if !ok {
			return failAt(t.node.list[2].pos, "T2012", "The delete clause of the transform expression must evaluate to a string or array of strings: %s", shown(drop))
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
