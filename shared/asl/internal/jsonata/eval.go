package jsonata

import (
	"math"

	"github.com/blues/jsonata-go/jparse"
)

// maxDepth bounds nested calls, so that a recursion without end is an error and not the end of the process.
const maxDepth = 400

// maxSteps bounds how much an expression evaluates, so that one without end is an error too. It takes some seconds.
const maxSteps = 20_000_000

// maxRange is the longest array that a range may make.
const maxRange = 1_000_000

// evaluator is the state of one evaluation.
type evaluator struct {
	env   *Env
	depth int
	steps int
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
func (ev *evaluator) eval(node jparse.Node, input any, f *frame) (any, error) {
	v, err := ev.raw(node, input, f)
	if err != nil {
		return nil, err
	}
	return unwrap(v), nil
}

// raw is eval with sequences left as they are.
func (ev *evaluator) raw(node jparse.Node, input any, f *frame) (any, error) {
	if ev.steps++; ev.steps > maxSteps {
		return nil, fail("U1001", "Expression evaluation timeout: Check for infinite loop")
	}
	switch n := node.(type) {
	case *jparse.StringNode:
		return n.Value, nil
	case *jparse.NumberNode:
		return n.Value, nil
	case *jparse.BooleanNode:
		return n.Value, nil
	case *jparse.NullNode:
		return nil, nil
	case *jparse.RegexNode:
		return n.Value, nil
	case *jparse.VariableNode:
		if n.Name == "" {
			return input, nil
		}
		return ev.lookup(n.Name, f), nil
	case *jparse.NameNode:
		return field(input, n.Value), nil
	case *jparse.PathNode:
		return ev.path(n, input, f)
	case *jparse.PredicateNode:
		return ev.predicate(n, input, f)
	case *jparse.WildcardNode:
		return wildcard(input), nil
	case *jparse.DescendentNode:
		return &sequence{items: descend(nil, input)}, nil
	case *jparse.SortNode:
		return ev.sort(n, input, f)
	case *jparse.GroupNode:
		return ev.group(n, input, f)
	}
	return ev.construct(node, input, f)
}

// construct evaluates the nodes that build values and control the flow.
func (ev *evaluator) construct(node jparse.Node, input any, f *frame) (any, error) {
	switch n := node.(type) {
	case *jparse.ArrayNode:
		return ev.array(n, input, f)
	case *jparse.ObjectNode:
		return ev.object(n, input, f)
	case *jparse.RangeNode:
		return ev.span(n, input, f)
	case *jparse.BlockNode:
		return ev.block(n, input, f)
	case *jparse.ConditionalNode:
		return ev.conditional(n, input, f)
	case *jparse.AssignmentNode:
		v, err := ev.eval(n.Value, input, f)
		if err == nil {
			f.bind(n.Name, v)
		}
		return v, err
	case *jparse.LambdaNode:
		return &lambda{params: n.ParamNames, body: n.Body, frame: f, input: input}, nil
	case *jparse.ObjectTransformationNode:
		return &transform{node: n, frame: f}, nil
	case *jparse.PartialNode:
		return ev.partial(n, input, f)
	case *jparse.FunctionCallNode:
		return ev.call(n, nil, input, f)
	case *jparse.FunctionApplicationNode:
		return ev.apply(n, input, f)
	}
	return ev.operator(node, input, f)
}

// operator evaluates the operators on two values.
func (ev *evaluator) operator(node jparse.Node, input any, f *frame) (any, error) {
	switch n := node.(type) {
	case *jparse.NegationNode:
		return ev.negation(n, input, f)
	case *jparse.BooleanOperatorNode:
		return ev.boolean(n, input, f)
	case *jparse.NumericOperatorNode:
		l, r, err := ev.both(n.LHS, n.RHS, input, f)
		if err != nil {
			return nil, err
		}
		return numeric(n.Type, l, r)
	case *jparse.ComparisonOperatorNode:
		l, r, err := ev.both(n.LHS, n.RHS, input, f)
		if err != nil {
			return nil, err
		}
		return compare(n.Type, l, r)
	case *jparse.StringConcatenationNode:
		l, r, err := ev.both(n.LHS, n.RHS, input, f)
		if err != nil {
			return nil, err
		}
		return concat(l, r)
	}
	return nil, fail("S0500", "Unknown expression %s", node)
}

func (ev *evaluator) both(lhs, rhs jparse.Node, input any, f *frame) (l, r any, err error) {
	if l, err = ev.eval(lhs, input, f); err != nil {
		return nil, nil, err
	}
	if r, err = ev.eval(rhs, input, f); err != nil {
		return nil, nil, err
	}
	return l, r, nil
}

func (ev *evaluator) negation(n *jparse.NegationNode, input any, f *frame) (any, error) {
	v, err := ev.eval(n.RHS, input, f)
	if err != nil || v == undefined {
		return v, err
	}
	x, ok := asNumber(v)
	if !ok {
		return nil, fail("D1002", "Cannot negate a non-numeric value")
	}
	return -x, nil
}

// boolean stops at the left side where that decides.
func (ev *evaluator) boolean(n *jparse.BooleanOperatorNode, input any, f *frame) (any, error) {
	l, err := ev.eval(n.LHS, input, f)
	if err != nil {
		return nil, err
	}
	if truth(l) == (n.Type == jparse.BooleanOr) {
		return truth(l), nil
	}
	r, err := ev.eval(n.RHS, input, f)
	if err != nil {
		return nil, err
	}
	return truth(r), nil
}

func numeric(op jparse.NumericOperator, l, r any) (any, error) {
	x, lok := asNumber(l)
	y, rok := asNumber(r)
	switch {
	case l != undefined && !lok:
		return nil, fail("T2001", "The left side of the %q operator must evaluate to a number", op)
	case r != undefined && !rok:
		return nil, fail("T2002", "The right side of the %q operator must evaluate to a number", op)
	case !lok || !rok:
		return undefined, nil
	}
	var z float64
	switch op {
	case jparse.NumericAdd:
		z = x + y
	case jparse.NumericSubtract:
		z = x - y
	case jparse.NumericMultiply:
		z = x * y
	case jparse.NumericDivide:
		z = x / y
	case jparse.NumericModulo:
		z = math.Mod(x, y)
	}
	if math.IsInf(z, 0) || math.IsNaN(z) {
		return nil, fail("D1001", "Number out of range: %v", z)
	}
	return z, nil
}

func compare(op jparse.ComparisonOperator, l, r any) (any, error) {
	switch op {
	case jparse.ComparisonEqual, jparse.ComparisonNotEqual, jparse.ComparisonIn:
		if l == undefined || r == undefined {
			return false, nil
		}
		switch op {
		case jparse.ComparisonEqual:
			return equal(l, r), nil
		case jparse.ComparisonNotEqual:
			return !equal(l, r), nil
		}
		for _, e := range list(r) {
			if equal(l, e) {
				return true, nil
			}
		}
		return false, nil
	}
	if !orderable(l) || !orderable(r) {
		return nil, fail("T2010", "The expressions either side of operator %q must evaluate to numeric or string values", op)
	}
	if l == undefined || r == undefined {
		return undefined, nil
	}
	c, ok := order(l, r)
	if !ok {
		return nil, fail("T2009", "The values either side of operator %q must be of the same data type", op)
	}
	switch op {
	case jparse.ComparisonLess:
		return c < 0, nil
	case jparse.ComparisonLessEqual:
		return c <= 0, nil
	case jparse.ComparisonGreater:
		return c > 0, nil
	}
	return c >= 0, nil
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
	return a + b, err
}

func (ev *evaluator) block(n *jparse.BlockNode, input any, f *frame) (any, error) {
	f = &frame{parent: f}
	var v any = undefined
	for _, e := range n.Exprs {
		var err error
		if v, err = ev.eval(e, input, f); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (ev *evaluator) conditional(n *jparse.ConditionalNode, input any, f *frame) (any, error) {
	v, err := ev.eval(n.If, input, f)
	switch {
	case err != nil:
		return nil, err
	case truth(v):
		return ev.eval(n.Then, input, f)
	case n.Else != nil:
		return ev.eval(n.Else, input, f)
	}
	return undefined, nil
}

func (ev *evaluator) array(n *jparse.ArrayNode, input any, f *frame) (any, error) {
	out := make([]any, 0, len(n.Items))
	for _, item := range n.Items {
		v, err := ev.eval(item, input, f)
		if err != nil {
			return nil, err
		}
		if _, nested := item.(*jparse.ArrayNode); nested {
			out = append(out, v)
			continue
		}
		out = append(out, list(v)...)
	}
	return out, nil
}

func (ev *evaluator) span(n *jparse.RangeNode, input any, f *frame) (any, error) {
	l, r, err := ev.both(n.LHS, n.RHS, input, f)
	if err != nil {
		return nil, err
	}
	a, aok := asNumber(l)
	b, bok := asNumber(r)
	switch {
	case l != undefined && (!aok || a != math.Trunc(a)):
		return nil, fail("T2003", "The left side of the range operator (..) must evaluate to an integer")
	case r != undefined && (!bok || b != math.Trunc(b)):
		return nil, fail("T2004", "The right side of the range operator (..) must evaluate to an integer")
	case !aok || !bok || a > b:
		return undefined, nil
	case b-a+1 > maxRange:
		return nil, fail("D2014", "The size of the sequence allocated by the range operator (..) must not exceed 1e6")
	}
	out := make([]any, 0, int(b-a)+1)
	for x := a; x <= b; x++ {
		out = append(out, x)
	}
	return &sequence{items: out}, nil
}
