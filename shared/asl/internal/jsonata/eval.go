package jsonata

import "math"

// The bounds of one evaluation. Those of depth and memory are where the service was seen to end an expression; it counts the memory that an
// expression holds, we what a single value takes.
const (
	maxDepth = 100        // expressions inside each other, those of the functions that are called among them
	maxSteps = 20_000_000 // expressions that are evaluated, which takes some seconds
	maxItems = 873_782    // of an array that a range makes
	maxText  = 6_990_256  // bytes of a text
)

var (
	errDepth  = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive."
	errTime   = "Expression evaluation timeout: Check for infinite loop"
	errMemory = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
)

// evaluator is the state of one evaluation.
type evaluator struct {
	env    *Env
	root   any // $$
	depth  int
	calls  int
	steps  int
	called string // name of the function that is called, for its signature's errors
	odd    bool   // a number arose that JSON does not have
}

// frame holds the variables of one block or call.
type frame struct {
	parent *frame
	names  map[string]any
}

func (f *frame) bind(name string, v any) {
	if f.names == nil {
		f.names = make(map[string]any)
	}
	f.names[name] = v
}

// lookup finds a variable: first in the frames, then outside, then among the functions.
func (ev *evaluator) lookup(name string, f *frame) any {
	for ; f != nil; f = f.parent {
		if v, ok := f.names[name]; ok {
			return v
		}
	}
	if name == "$" {
		return ev.root
	}
	if ev.env.Lookup != nil {
		if v, ok := ev.env.Lookup(name); ok {
			return v
		}
	}
	if b, ok := builtins[name]; ok {
		return b
	}
	return undefined
}

// eval evaluates a node in the context of input. Its result is never a sequence.
func (ev *evaluator) eval(n *node, input any, f *frame) (any, error) {
	v, err := ev.raw(n, input, f)
	if err != nil {
		return nil, err
	}
	return unwrap(v), nil
}

// raw is eval with sequences of more than one item, and those that keep one, left as they are.
func (ev *evaluator) raw(n *node, input any, f *frame) (any, error) {
	if ev.steps++; ev.steps > maxSteps {
		return nil, failAt(n.pos, "", "%s", errTime)
	}
	if ev.depth++; ev.depth > maxDepth {
		return nil, failAt(n.pos, "", "%s", errDepth)
	}
	defer func() { ev.depth-- }()
	v, err := ev.kind(n, input, f)
	for i := 0; err == nil && i < len(n.predicates); i++ {
		v, err = ev.filter(n.predicates[i].filter, v, f)
	}
	if err == nil && n.group != nil && n.kind != pathNode {
		v, err = ev.grouped(n.group, v, f)
	}
	if err != nil {
		return nil, err
	}
	s, ok := v.(*sequence)
	if !ok || s.tuples {
		return v, nil
	}
	if n.keepArray && !s.keep {
		s = &sequence{items: s.items, keep: true}
	}
	switch {
	case len(s.items) == 0:
		return undefined, nil
	case len(s.items) == 1 && !s.keep:
		return s.items[0], nil
	}
	return s, nil
}

func (ev *evaluator) kind(n *node, input any, f *frame) (any, error) {
	switch n.kind {
	case textNode:
		return n.text, nil
	case numberNode:
		return n.number, nil
	case valueNode, regexNode:
		return n.value, nil
	case variableNode:
		if n.text == "" {
			return input, nil
		}
		return ev.lookup(n.text, f), nil
	case nameNode:
		return field(input, n.text), nil
	case parentNode:
		return ev.lookup(n.slot.label, f), nil
	case pathNode:
		return ev.path(n, input, f)
	case wildcardNode:
		return wildcard(input), nil
	case descendantNode:
		return &sequence{items: descend(nil, input)}, nil
	case arrayNode:
		return ev.array(n, input, f)
	case objectNode:
		return ev.object(n, input, f)
	}
	return ev.control(n, input, f)
}

// control evaluates the nodes that control the flow, and functions.
func (ev *evaluator) control(n *node, input any, f *frame) (any, error) {
	switch n.kind {
	case blockNode:
		return ev.block(n, input, f)
	case conditionNode:
		return ev.condition(n, input, f)
	case bindNode:
		v, err := ev.eval(n.rhs, input, f)
		if err == nil {
			f.bind(n.text, v)
		}
		return v, err
	case lambdaNode:
		return &lambda{node: n, frame: f, input: input}, nil
	case transformNode:
		return &transform{node: n, frame: f}, nil
	case partialNode:
		return ev.partial(n, input, f)
	case callNode:
		if n.tail {
			return &thunk{node: n, input: input, frame: f}, nil
		}
		return ev.call(n, nil, input, f)
	case applyNode:
		return ev.apply(n, input, f)
	case negationNode:
		return ev.negation(n, input, f)
	}
	v, err := ev.binary(n, input, f)
	return v, at(n.pos, err)
}

// binary evaluates an operator on two values; and, or stop at the left side where that decides.
func (ev *evaluator) binary(n *node, input any, f *frame) (any, error) {
	l, err := ev.eval(n.lhs, input, f)
	if err != nil {
		return nil, err
	}
	if either := n.text == "or"; either || n.text == "and" {
		if truth(l) == either {
			return either, nil
		}
		r, err := ev.eval(n.rhs, input, f)
		return truth(r), err
	}
	r, err := ev.eval(n.rhs, input, f)
	if err != nil {
		return nil, err
	}
	switch n.text {
	case "+", "-", "*", "/", "%":
		v, err := numeric(n.text, l, r)
		if x, ok := v.(float64); ok && (math.IsInf(x, 0) || math.IsNaN(x)) {
			ev.odd = true
		}
		return v, err
	case "&":
		return concat(l, r)
	case "..":
		return span(l, r)
	}
	return compare(n.text, l, r)
}

func (ev *evaluator) negation(n *node, input any, f *frame) (any, error) {
	v, err := ev.eval(n.lhs, input, f)
	if err != nil || v == undefined {
		return v, err
	}
	x, ok := asNumber(v)
	if !ok {
		return nil, failAt(n.pos, "D1002", "Cannot negate a non-numeric value: %s", shown(v))
	}
	return -x, nil
}

func numeric(op string, l, r any) (any, error) {
	x, lok := asNumber(l)
	y, rok := asNumber(r)
	switch {
	case math.IsInf(x, 0) || math.IsInf(y, 0):
		return nil, fail("D1001", "Number out of range: null")
	case l != undefined && (!lok || math.IsNaN(x)):
		return nil, fail("T2001", "The left side of the %s operator must evaluate to a number", shown(op))
	case r != undefined && (!rok || math.IsNaN(y)):
		return nil, fail("T2002", "The right side of the %s operator must evaluate to a number", shown(op))
	case !lok || !rok:
		return undefined, nil
	}
	var z float64
	switch op {
	case "+":
		z = x + y
	case "-":
		z = x - y
	case "*":
		z = x * y
	case "/":
		z = x / y
	case "%":
		z = math.Mod(x, y)
	}
	return z, nil
}

func compare(op string, l, r any) (any, error) {
	switch op {
	case "=", "!=", "in":
		switch {
		case l == undefined || r == undefined:
			return false, nil
		case op == "in":
			return among(l, list(r)), nil
		}
		return equal(l, r) == (op == "="), nil
	}
	if !orderable(l) || !orderable(r) {
		return nil, fail("T2010", "The expressions either side of operator %s must evaluate to numeric or string values", shown(op))
	}
	if l == undefined || r == undefined {
		return undefined, nil
	}
	c, ok := order(l, r)
	if !ok {
		return nil, fail("T2009", "The values %s and %s either side of operator %s must be of the same data type", shown(l), shown(r), shown(op))
	}
	switch op {
	case "<":
		return c < 0, nil
	case "<=":
		return c <= 0, nil
	case ">":
		return c > 0, nil
	}
	return c >= 0, nil
}

// among says whether one of the items is that value; objects and arrays are never the same.
func among(v any, items []any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	for _, e := range items {
		if equal(v, e) {
			return true
		}
	}
	return false
}

func orderable(v any) bool {
	t := typeOf(v)
	return t == "number" || t == "string" || t == "undefined"
}

// order compares two numbers or two strings; false when they are neither.
func order(l, r any) (int, bool) {
	if a, ok := l.(string); ok {
		b, ok := r.(string)
		switch {
		case !ok:
			return 0, false
		case a < b:
			return -1, true
		case a > b:
			return 1, true
		}
		return 0, true
	}
	a, aok := asNumber(l)
	b, bok := asNumber(r)
	switch {
	case !aok || !bok:
		return 0, false
	case a < b:
		return -1, true
	case a > b:
		return 1, true
	}
	return 0, true
}

func concat(l, r any) (any, error) {
	a, err := text(l)
	if err != nil {
		return nil, err
	}
	b, err := text(r)
	if err == nil && len(a)+len(b) > maxText {
		return nil, fail("", "%s", errMemory)
	}
	return a + b, err
}

func (ev *evaluator) block(n *node, input any, f *frame) (any, error) {
	f = &frame{parent: f}
	var v any = undefined
	for _, e := range n.list {
		var err error
		if v, err = ev.raw(e, input, f); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (ev *evaluator) condition(n *node, input any, f *frame) (any, error) {
	v, err := ev.eval(n.list[0], input, f)
	switch {
	case err != nil:
		return nil, err
	case truth(v):
		return ev.raw(n.list[1], input, f)
	case len(n.list) > 2:
		return ev.raw(n.list[2], input, f)
	}
	return undefined, nil
}

func (ev *evaluator) array(n *node, input any, f *frame) (any, error) {
	out := make([]any, 0, len(n.list))
	for _, item := range n.list {
		v, err := ev.eval(item, input, f)
		if err != nil {
			return nil, err
		}
		if item.kind == arrayNode {
			out = append(out, v)
			continue
		}
		out = append(out, list(v)...)
	}
	return out, nil
}

func span(l, r any) (any, error) {
	a, aok := asNumber(l)
	b, bok := asNumber(r)
	switch {
	case l != undefined && (!aok || a != math.Trunc(a)):
		return nil, fail("T2003", "The left side of the range operator (..) must evaluate to an integer")
	case r != undefined && (!bok || b != math.Trunc(b)):
		return nil, fail("T2004", "The right side of the range operator (..) must evaluate to an integer")
	case !aok || !bok || a > b:
		return undefined, nil
	case b-a+1 > 1e7:
		return nil, fail("D2014", "The size of the sequence allocated by the range operator (..) must not exceed 1e6.  Attempted to allocate %s.", shown(b-a+1))
	case b-a+1 > maxItems:
		return nil, fail("", "%s", errMemory)
	}
	out := make([]any, 0, int(b-a)+1)
	for x := a; x <= b; x++ {
		out = append(out, x)
	}
	return &sequence{items: out}, nil
}
