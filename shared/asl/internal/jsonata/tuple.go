package jsonata

import "maps"

// tuple is an item of a path with the variables that @, # and % bound on its way. It never changes.
type tuple struct {
	at    any
	names map[string]any
}

// frame gives the variables of the tuple over those of a frame.
func (t *tuple) frame(f *frame) *frame {
	if len(t.names) == 0 {
		return f
	}
	return &frame{parent: f, names: maps.Clone(t.names)} // a block's own variables go into it
}

// with is a copy of the tuple with another item.
func (t *tuple) with(at any) *tuple {
	names := make(map[string]any, len(t.names)+2)
	maps.Copy(names, t.names)
	return &tuple{at: at, names: names}
}

// plain gives the items of a stream of tuples without their variables.
func (s *sequence) plain() *sequence {
	out := &sequence{items: make([]any, len(s.items)), keep: s.keep}
	for i, item := range s.items {
		out.items[i] = item.(*tuple).at
	}
	return out
}

// numbered binds to each tuple its number in the stream.
func (s *sequence) numbered(name string) *sequence {
	out := &sequence{items: make([]any, len(s.items)), tuples: true}
	for i, item := range s.items {
		t := item.(*tuple).with(item.(*tuple).at)
		t.names[name] = float64(i)
		out.items[i] = t
	}
	return out
}

// tupleStep is step for a stream of tuples; the first such step of a path makes the stream from items.
func (ev *evaluator) tupleStep(n *node, items []any, stream *sequence, f *frame) (*sequence, error) {
	out := &sequence{tuples: true}
	var err error
	if n.kind == sortNode {
		if out.items, err = ev.tupleSort(n, items, stream, f); err != nil {
			return nil, err
		}
	} else {
		if stream == nil {
			stream = &sequence{tuples: true}
			for _, item := range items {
				stream.items = append(stream.items, &tuple{at: item})
			}
		}
		for _, item := range stream.items {
			t := item.(*tuple)
			v, err := ev.raw(n, t.at, t.frame(f))
			if err != nil {
				return nil, err
			}
			out.items = n.bind(out.items, t, v)
		}
	}
	v, err := ev.stages(n, out, f)
	if err != nil {
		return nil, err
	}
	if s, ok := v.(*sequence); ok && s.tuples {
		return s, nil
	}
	return &sequence{tuples: true}, nil
}

func (ev *evaluator) tupleSort(n *node, items []any, stream *sequence, f *frame) ([]any, error) {
	if stream != nil {
		return ev.sort(n, stream.items, true, f)
	}
	sorted, err := ev.sort(n, items, false, f)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(sorted))
	for i, item := range sorted {
		t := &tuple{at: item}
		if n.index != "" {
			t.names = map[string]any{n.index: float64(i)}
		}
		out[i] = t
	}
	return out, nil
}

// bind adds what a step gave for one tuple: a tuple for each item of it.
func (n *node) bind(out []any, t *tuple, v any) []any {
	if v == undefined {
		return out
	}
	if s, ok := v.(*sequence); ok && s.tuples {
		for _, item := range s.items {
			inner := item.(*tuple)
			next := t.with(inner.at)
			maps.Copy(next.names, inner.names)
			out = append(out, next)
		}
		return out
	}
	for i, item := range listOf(v) {
		next := t.with(item)
		if n.focus != "" {
			next.at = t.at
			next.names[n.focus] = item
		}
		if n.index != "" {
			next.names[n.index] = float64(i)
		}
		if n.ancestor != nil {
			next.names[n.ancestor.label] = t.at
		}
		out = append(out, next)
	}
	return out
}

// merged makes one tuple of those that a group collected: each variable is the list of all its values.
func merged(tuples []any) *tuple {
	out := tuples[0].(*tuple)
	if len(tuples) == 1 {
		return out
	}
	out = out.with(out.at)
	for _, item := range tuples[1:] {
		t := item.(*tuple)
		out.at = join2(out.at, t.at)
		for name, v := range t.names {
			have, ok := out.names[name]
			if !ok {
				have = undefined
			}
			out.names[name] = join2(have, v)
		}
	}
	return out
}
