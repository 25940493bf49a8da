package jsonata

import "math"

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

// path walks the steps of a path: each is evaluated for each item that the one before it gave. From the first step on that binds a
// variable, the items carry the variables with them.
func (ev *evaluator) path(n *node, input any, f *frame) (any, error) {
	cur, done := ev.straight(n, input, f)
	items := []any{cur}
	if a, ok := cur.([]any); ok && (done > 0 || n.list[0].kind != variableNode) {
		items = a
	}
	var stream *sequence
	var err error
	for i := done; i < len(n.list); i++ {
		step := n.list[i]
		switch {
		case i == 0 && step.built:
			cur, err = ev.raw(step, items, f)
		case stream != nil || step.tuple:
			stream, err = ev.tupleStep(step, items, stream, f)
		default:
			cur, err = ev.step(step, items, i == len(n.list)-1, f)
		}
		if err != nil {
			return nil, err
		}
		if stream == nil {
			if items = listOf(cur); len(items) == 0 {
				break
			}
		}
	}
	switch {
	case stream != nil && (n.tuple || n.group != nil):
		cur = stream
	case stream != nil:
		cur = stream.plain()
	}
	if n.keepOne {
		cur = keepOne(cur)
	}
	if n.group != nil {
		return ev.grouped(n.group, cur, f)
	}
	return cur, nil
}

// keepOne marks the result of a path with [] so that one element stays an array.
func keepOne(v any) any {
	switch v := v.(type) {
	case *sequence:
		return &sequence{items: v.items, keep: true, tuples: v.tuples}
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
func (ev *evaluator) straight(n *node, cur any, f *frame) (v any, done int) {
	for i, step := range n.list[:n.plain] {
		if step.tuple {
			return cur, i
		}
		if step.kind == variableNode {
			cur = ev.lookup(step.text, f)
			continue
		}
		m, ok := cur.(map[string]any)
		if !ok {
			return cur, i
		}
		if cur, ok = m[step.text]; !ok {
			return undefined, len(n.list)
		}
	}
	return cur, n.plain
}

// step evaluates one step for all items. An array that the last step gives for a single item stays that array.
func (ev *evaluator) step(n *node, items []any, last bool, f *frame) (any, error) {
	if n.kind == sortNode {
		sorted, err := ev.sort(n, items, false, f)
		if err != nil {
			return nil, err
		}
		return ev.stages(n, &sequence{items: sorted}, f)
	}
	results := make([]any, 0, len(items))
	for _, item := range items {
		v, err := ev.raw(n, item, f)
		if err == nil {
			v, err = ev.stages(n, v, f)
		}
		if err != nil {
			return nil, err
		}
		if v != undefined {
			results = append(results, v)
		}
	}
	if last && len(results) == 1 {
		if a, ok := results[0].([]any); ok {
			if n.built {
				return &sequence{items: []any{a}}, nil
			}
			return a, nil
		}
	}
	out := &sequence{items: make([]any, 0, len(results))}
	for _, v := range results {
		switch v := v.(type) {
		case *sequence:
			out.items = append(out.items, v.items...)
		case []any:
			if n.built {
				out.items = append(out.items, v)
			} else {
				out.items = append(out.items, v...)
			}
		default:
			out.items = append(out.items, v)
		}
	}
	return out, nil
}

// stages narrows what a step gave.
func (ev *evaluator) stages(n *node, v any, f *frame) (any, error) {
	var err error
	for _, st := range n.stages {
		if st.filter != nil {
			if v, err = ev.filter(st.filter, v, f); err != nil {
				return nil, err
			}
			continue
		}
		if s, ok := v.(*sequence); ok && s.tuples {
			v = s.numbered(st.index)
		}
	}
	return v, nil
}

// filter keeps the items whose index the predicate gives, or for which it is true.
func (ev *evaluator) filter(n *node, input any, f *frame) (any, error) {
	items := listOf(input)
	out := &sequence{}
	if s, ok := input.(*sequence); ok {
		out.tuples = s.tuples
	}
	if n.kind == numberNode {
		i := index(n.number, len(items))
		if i < 0 || i >= len(items) {
			return out, nil
		}
		if a, ok := items[i].([]any); ok {
			return a, nil
		}
		out.items = items[i : i+1 : i+1]
		return out, nil
	}
	for i, item := range items {
		context, frame := item, f
		if t, ok := item.(*tuple); ok {
			context, frame = t.at, t.frame(f)
		}
		v, err := ev.eval(n, context, frame)
		if err != nil {
			return nil, err
		}
		if indices, ok := numberList(v); ok {
			for _, x := range indices {
				if index(x, len(items)) == i {
					out.items = append(out.items, item)
				}
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
	if !ok {
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

// wildcard gives the values of an object or array. Where one of them is an array the result is one too, even of one item.
func wildcard(input any) any {
	out := &sequence{}
	isArray := false
	add := func(v any) {
		if a, ok := v.([]any); ok {
			isArray = true
			out.items = flatten(out.items, a)
			return
		}
		out.items = append(out.items, v)
	}
	switch v := input.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			add(v[k])
		}
	case []any:
		for _, e := range v {
			add(e)
		}
	}
	if isArray {
		return append([]any{}, out.items...)
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
func (ev *evaluator) sort(n *node, items []any, tuples bool, f *frame) ([]any, error) {
	keys := make([][]any, len(items))
	order := make([]int, len(items))
	for i, item := range items {
		order[i] = i
		context, frame := item, f
		if tuples {
			t := item.(*tuple)
			context, frame = t.at, t.frame(f)
		}
		for _, term := range n.terms {
			k, err := ev.eval(term.expr, context, frame)
			if err != nil {
				return nil, err
			}
			keys[i] = append(keys[i], k)
		}
	}
	var fault error
	order = mergeSort(order, func(a, b int) int {
		for t, term := range n.terms {
			c, err := termOrder(keys[a][t], keys[b][t], term.descending)
			if err != nil && fault == nil {
				fault = at(n.pos, err)
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	out := make([]any, len(items))
	for i, j := range order {
		out[i] = items[j]
	}
	return out, fault
}

func termOrder(a, b any, descending bool) (int, error) {
	switch {
	case a == undefined && b == undefined:
		return 0, nil
	case a == undefined:
		return 1, nil
	case b == undefined:
		return -1, nil
	case !orderable(a) || !orderable(b):
		return 0, fail("T2008", "The expressions within an order-by clause must evaluate to numeric or string values")
	}
	c, ok := order(a, b)
	if !ok {
		return 0, fail("T2007", "Type mismatch when comparing values %s and %s in order-by clause", shown(a), shown(b))
	}
	if descending {
		c = -c
	}
	return c, nil
}
