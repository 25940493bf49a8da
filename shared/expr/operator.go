package expr

import (
	"regexp"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/lockstep-data/lockstep/shared/record"
)

func (c *checker) unary(n *ast.UnaryNode, at int) (*node, error) {
	if n.Operator == "not" || n.Operator == "!" {
		x, err := c.check(n.Node)
		if err != nil {
			return nil, err
		}
		b, err := asBool(x)
		if err != nil {
			err := err.(*problem)
			if _, binds := n.Node.(*ast.IdentifierNode); binds && err.hint == "compare it with something" {
				err.hint = "not binds to the value behind it: write not (a == b), or a != b"
			}
			return nil, err
		}
		return apply("not", pure1(boolType, func(x bool) bool { return !x }), b), nil
	}
	x, err := c.check(n.Node)
	if err != nil {
		return nil, err
	}
	switch {
	case !x.typ.Numeric():
		return nil, failAt(at, wrongType, "%s needs a number, not %s", n.Operator, x.describe())
	case n.Operator == "+":
		return x, nil
	case x.is(record.Int):
		return literal(intType, -x.value.(int64), at), nil
	case x.is(record.Float):
		return literal(floatType, -x.value.(float64), at), nil
	}
	return apply("-", negate(x.typ), x), nil
}

// spelling maps other ways to write an operator.
var spelling = map[string]string{"&&": "and", "||": "or", "starts_with": "startsWith", "ends_with": "endsWith"}

func (c *checker) binary(n *ast.BinaryNode, at int) (*node, error) {
	name := n.Operator
	if s, ok := spelling[name]; ok {
		name = s
	}
	if name == "in" {
		return c.in(n, at)
	}
	l, err := c.check(n.Left)
	if err != nil {
		return nil, err
	}
	r, err := c.check(n.Right)
	if err != nil {
		return nil, err
	}
	switch name {
	case "and", "or":
		return logical(name, l, r)
	case "==", "!=", "<", "<=", ">", ">=":
		return compare(name, l, r, at)
	case "+", "-", "*", "/", "%":
		return arithmetic(name, l, r, at)
	case "??":
		return coalesce(l, r)
	case "contains", "startsWith", "endsWith":
		return search(name, l, r, at)
	case "matches":
		return match(l, r, at)
	case "..":
		return nil, failAt(at, badExpression, "a range is not supported").withHint("write x >= 1 and x <= 5")
	}
	return nil, failAt(at, badExpression, "the operator %s is not supported", name)
}

func logical(name string, l, r *node) (*node, error) {
	l, err := asBool(l)
	if err != nil {
		return nil, err
	}
	r, err = asBool(r)
	if err != nil {
		return nil, err
	}
	what := opAnd
	if name == "or" {
		what = opOr
	}
	return &node{op: what, typ: boolType, args: []*node{l, r}, at: l.at, name: name}, nil
}

func coalesce(l, r *node) (*node, error) {
	if l.isNull() {
		return r, nil
	}
	l, r, err := unify(l, r, "the values of coalesce")
	if err != nil {
		return nil, err
	}
	return &node{op: opCoalesce, typ: l.typ, args: []*node{l, r}, at: l.at}, nil
}

func search(name string, l, r *node, at int) (*node, error) {
	if l.typ != stringType || r.typ != stringType {
		return nil, failAt(at, wrongType, "%s needs string on both sides, not %s and %s", name, l.describe(), r.describe()).withHint("write string(…)")
	}
	f := strings.Contains
	switch name {
	case "startsWith":
		f = strings.HasPrefix
	case "endsWith":
		f = strings.HasSuffix
	}
	return apply(name, pure2(boolType, f), l, r), nil
}

func match(l, r *node, at int) (*node, error) {
	if l.typ != stringType {
		return nil, failAt(at, wrongType, "matches needs string before it, not %s", l.describe()).withHint("write string(…)")
	}
	re, err := pattern(r)
	if err != nil {
		return nil, err
	}
	return apply("matches", pure1(boolType, re.MatchString), l), nil
}

// pattern compiles a regular expression that is written out.
func pattern(n *node) (*regexp.Regexp, error) {
	if !n.is(record.String) {
		return nil, failAt(n.at, badExpression, "a regular expression must be written out, as in \"^[A-Z]+$\"")
	}
	re, err := regexp.Compile(n.value.(string))
	if err != nil {
		return nil, failAt(n.at, badExpression, "not a regular expression: %s", err)
	}
	return re, nil
}

// in is membership in a list that is written out, or in a JSON array.
func (c *checker) in(n *ast.BinaryNode, at int) (*node, error) {
	l, err := c.check(n.Left)
	if err != nil {
		return nil, err
	}
	if items, ok := n.Right.(*ast.ArrayNode); ok {
		return c.inList(l, items, at)
	}
	r, err := c.check(n.Right)
	if err != nil {
		return nil, err
	}
	if r.typ != jsonType {
		return nil, failAt(at, wrongType, "in needs a list such as [1, 2] or a JSON array behind it, not %s", r.describe())
	}
	return apply("in", map2(boolType, jsonContains), asJSON(l), r), nil
}

func (c *checker) inList(l *node, items *ast.ArrayNode, at int) (*node, error) {
	if len(items.Nodes) == 0 {
		return nil, failAt(at, badExpression, "the list behind in is empty")
	}
	if l.typ == stringType && len(items.Nodes) > 1 && onlyTexts(items) {
		texts := map[string]bool{}
		for _, item := range items.Nodes {
			texts[item.(*ast.StringNode).Value] = true
		}
		return apply("in", pure1(boolType, func(s string) bool { return texts[s] }), l), nil
	}
	value, once := c.once(l)
	var found *node
	for _, item := range items.Nodes {
		x, err := c.check(item)
		if err != nil {
			return nil, err
		}
		same, err := compare("==", value, x, x.at)
		if err != nil {
			return nil, err
		}
		if found == nil {
			found = same
		} else {
			found = &node{op: opOr, typ: boolType, args: []*node{found, same}, at: at, name: "or"}
		}
	}
	return once(found), nil
}

// once makes a node that can stand in several places and is evaluated in one; the second result wraps what they are part of.
func (c *checker) once(n *node) (*node, func(*node) *node) {
	if n.op == opColumn || n.op == opLiteral || n.op == opLocal {
		return n, func(body *node) *node { return body }
	}
	id := c.locals
	c.locals++
	return &node{op: opLocal, typ: n.typ, index: id, at: n.at}, func(body *node) *node {
		return &node{op: opLet, typ: body.typ, args: []*node{n, body}, index: id, at: n.at}
	}
}

func onlyTexts(items *ast.ArrayNode) bool {
	for _, item := range items.Nodes {
		if _, ok := item.(*ast.StringNode); !ok {
			return false
		}
	}
	return true
}

// unify gives two nodes one type: literals take the other's type, int becomes float or decimal, null takes any.
func unify(a, b *node, what string) (*node, *node, error) {
	switch {
	case a.isNull() && b.isNull():
		return nil, nil, failAt(a.at, wrongType, "null alone has no type").withHint("write string(null), int(null) …")
	case a.isNull():
		return literal(b.typ, nil, a.at), b, nil
	case b.isNull():
		return a, literal(a.typ, nil, b.at), nil
	}
	a, b, err := adapt(a, b)
	if err != nil {
		return nil, nil, err
	}
	if a.typ == b.typ {
		return a, b, nil
	}
	if wide, ok := record.Widen(a.typ, b.typ); ok && wide.Numeric() {
		return convert(a, wide), convert(b, wide), nil
	}
	if a.typ.Kind != b.typ.Kind && pair(a, b, record.Int, record.Float) {
		return convert(a, floatType), convert(b, floatType), nil
	}
	return nil, nil, failAt(b.at, wrongType, "%s must have one type, not %s and %s", what, a.typ, b.typ).
		withHint("convert one of them: string(…), int(…), float(…)")
}

// pair says whether the two are of the two kinds, in any order.
func pair(a, b *node, x, y record.Kind) bool {
	return a.typ.Kind == x && b.typ.Kind == y || a.typ.Kind == y && b.typ.Kind == x
}

// convert applies a conversion that is known to exist.
func convert(n *node, to record.Type) *node {
	if n.typ == to {
		return n
	}
	i, ok := conversion(n.typ, to)
	if !ok {
		panic("expr: no conversion from " + n.typ.String() + " to " + to.String())
	}
	return apply(to.String(), i, n)
}

// adapt gives a literal the type of what stands beside it: numbers beside float and decimal, texts beside dates, times and UUIDs.
func adapt(a, b *node) (*node, *node, error) {
	var err error
	switch {
	case b.op == opLiteral && a.op != opLiteral:
		b, err = literalAs(b, a.typ)
	case a.op == opLiteral && b.op != opLiteral:
		a, err = literalAs(a, b.typ)
	}
	return a, b, err
}

// literalAs reads a literal as a value of another type where that is how such values are written; else it stays as it is.
func literalAs(n *node, t record.Type) (*node, error) {
	if n.value == nil || n.typ == t {
		return n, nil
	}
	switch {
	case n.typ.Kind == record.Int && (t.Kind == record.Float || t.Kind == record.Decimal):
	case n.typ.Kind == record.Float && t.Kind == record.Decimal:
	case n.typ.Kind == record.String && !t.Numeric() && t.Kind != record.Bool && t.Kind != record.JSON && t.Kind != record.Bytes:
	default:
		return n, nil
	}
	if t.Kind == record.Decimal {
		t = literalDecimal(n)
	}
	i, ok := conversion(n.typ, t)
	if !ok {
		return n, nil
	}
	v, err := i.scalar([]any{n.value})
	if err != nil {
		return nil, failAt(n.at, wrongType, "this cannot be %s: %s", t, err)
	}
	return literal(t, v, n.at), nil
}
