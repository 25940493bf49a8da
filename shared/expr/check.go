package expr

import (
	"regexp"
	"strconv"

	"github.com/expr-lang/expr/ast"

	"github.com/lockstep-data/lockstep/shared/record"
)

// checker turns the parsed tree into typed nodes. Every method answers the first problem it finds, as an error that is a *problem.
type checker struct {
	schema record.Schema
	scope  []local
	locals int // so many were declared
	loops  int // so many are around the place
	nodes  int // so many were checked
}

// maxNodes bounds an expression; a chain such as 1 < a < 5 has the parts in its middle twice.
const maxNodes = 20_000

type local struct {
	name string
	node *node
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (c *checker) check(n ast.Node) (*node, error) {
	at := n.Location().From
	if c.nodes++; c.nodes > maxNodes {
		return nil, failAt(at, badExpression, "the expression has too many parts")
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return literal(nullType, nil, at), nil
	case *ast.BoolNode:
		return literal(boolType, n.Value, at), nil
	case *ast.IntegerNode:
		return literal(intType, int64(n.Value), at), nil
	case *ast.FloatNode:
		return literal(floatType, n.Value, at), nil
	case *ast.StringNode:
		return literal(stringType, n.Value, at), nil
	case *ast.IdentifierNode:
		return c.identifier(n.Value, at)
	case *ast.MemberNode:
		return c.member(n, at)
	case *ast.ChainNode:
		return c.check(n.Node)
	case *ast.SliceNode:
		return c.slice(n, at)
	case *ast.UnaryNode:
		return c.unary(n, at)
	case *ast.BinaryNode:
		return c.binary(n, at)
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok {
			return c.function(callee.Value, n.Arguments, at)
		}
		return nil, failAt(at, badExpression, "only functions can be called").withHint("write function(value) or value | function()")
	case *ast.BuiltinNode:
		return c.function(n.Name, n.Arguments, at)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.VariableDeclaratorNode:
		return c.declaration(n, at)
	case *ast.ArrayNode:
		return c.array(n, at)
	case *ast.MapNode:
		return c.object(n, at)
	case *ast.PointerNode:
		return c.pointer(n, at)
	case *ast.SequenceNode:
		return nil, failAt(n.Nodes[1].Location().From, badExpression, "there is a second expression behind ';'").withHint("an expression has one value")
	}
	return nil, failAt(at, badExpression, "this cannot be used here")
}

func (c *checker) identifier(name string, at int) (*node, error) {
	for i := len(c.scope) - 1; i >= 0; i-- {
		if c.scope[i].name == name {
			return c.scope[i].node, nil
		}
	}
	if i := c.schema.Index(name); i >= 0 {
		return c.column(i, at), nil
	}
	switch name {
	case "null", "NULL":
		return literal(nullType, nil, at), nil
	case "$", "$env":
		return nil, failAt(at, badExpression, "$ stands before the name of a column").withHint(`write $["name"]`)
	}
	p := failAt(at, unknownColumn, "there is no column %q here", name)
	if hint := nearest(name, c.schema.Names()); hint != "" {
		return nil, p.withHint("%s", hint)
	}
	if _, ok := functions[name]; ok {
		return nil, p.withHint("%s is a function: write %s", name, functions[name].usage)
	}
	return nil, p.withHint("columns here: %s; texts stand in quotes", list(c.schema.Names()))
}

func (c *checker) column(i, at int) *node {
	return &node{op: opColumn, typ: c.schema.Columns[i].Type, index: i, at: at, name: c.schema.Columns[i].Name}
}

// member is $["a column"], or access to a part of a JSON value.
func (c *checker) member(n *ast.MemberNode, at int) (*node, error) {
	key, isName := n.Property.(*ast.StringNode)
	if base, ok := n.Node.(*ast.IdentifierNode); ok && (base.Value == "$" || base.Value == "$env") && isName {
		if i := c.schema.Index(key.Value); i >= 0 {
			return c.column(i, base.Location().From), nil
		}
		return nil, failAt(at, unknownColumn, "there is no column %q here", key.Value).withHint("%s", nearest(key.Value, c.schema.Names()))
	}
	base, err := c.check(n.Node)
	if err != nil {
		return nil, err
	}
	if base.typ != jsonType {
		return nil, failAt(at, wrongType, "only JSON values have parts, this is %s", base.describe()).
			withHint("a column whose name has a dot is $[\"a.b\"]")
	}
	property, err := c.check(n.Property)
	if err != nil {
		return nil, err
	}
	switch {
	case property.is(record.String):
		return apply("member", jsonPart(property.value.(string)), base), nil
	case property.typ == stringType:
		return apply("member", maybe2(jsonType, jsonKey), base, property), nil
	case property.typ == intType:
		return apply("member", maybe2(jsonType, jsonIndex), base, property), nil
	}
	return nil, failAt(property.at, wrongType, "a part is named by a string or an int, not %s", property.describe())
}

func (c *checker) slice(n *ast.SliceNode, at int) (*node, error) {
	base, err := c.check(n.Node)
	if err != nil {
		return nil, err
	}
	args := []*node{base, literal(intType, int64(0), at), literal(intType, int64(maxText), at)}
	for i, bound := range []ast.Node{n.From, n.To} {
		if bound == nil {
			continue
		}
		x, err := c.check(bound)
		if err != nil {
			return nil, err
		}
		if x.typ != intType {
			return nil, failAt(x.at, wrongType, "the bounds of [from:to] are int, not %s", x.describe())
		}
		args[i+1] = x
	}
	switch base.typ {
	case stringType:
		return apply("slice", mapN(stringType, sliceText), args...), nil
	case jsonType:
		return apply("slice", mapN(jsonType, sliceJSON), args...), nil
	}
	return nil, failAt(at, wrongType, "[from:to] works on string and json, not %s", base.describe())
}

func (c *checker) conditional(n *ast.ConditionalNode) (*node, error) {
	cond, err := c.condition(n.Cond)
	if err != nil {
		return nil, err
	}
	yes, err := c.check(n.Exp1)
	if err != nil {
		return nil, err
	}
	no, err := c.check(n.Exp2)
	if err != nil {
		return nil, err
	}
	yes, no, err = unify(yes, no, "both results of a condition")
	if err != nil {
		return nil, err
	}
	return &node{op: opIf, typ: yes.typ, args: []*node{cond, yes, no}, at: cond.at}, nil
}

// condition checks what must be a bool.
func (c *checker) condition(n ast.Node) (*node, error) {
	cond, err := c.check(n)
	if err != nil {
		return nil, err
	}
	return asBool(cond)
}

func asBool(n *node) (*node, error) {
	switch {
	case n.typ == boolType:
		return n, nil
	case n.isNull():
		return literal(boolType, nil, n.at), nil
	}
	p := failAt(n.at, wrongType, "a condition must be bool, this is %s", n.describe())
	switch n.typ.Kind {
	case record.Int, record.JSON:
		p = p.withHint("write bool(…), or compare it with something")
	case record.String:
		p = p.withHint("compare it with something")
	}
	return nil, p
}

func (c *checker) declaration(n *ast.VariableDeclaratorNode, at int) (*node, error) {
	if !plainName.MatchString(n.Name) {
		return nil, failAt(at, badExpression, "%q is not a name for a value", n.Name)
	}
	if c.schema.Index(n.Name) >= 0 {
		return nil, failAt(at, badExpression, "%q is the name of a column", n.Name).withHint("choose another name")
	}
	value, err := c.check(n.Value)
	if err != nil {
		return nil, err
	}
	if value.isNull() {
		return nil, failAt(value.at, wrongType, "null alone has no type").withHint("write string(null), int(null) …")
	}
	id := c.locals
	c.locals++
	c.scope = append(c.scope, local{n.Name, &node{op: opLocal, typ: value.typ, index: id, at: at, name: n.Name}})
	body, err := c.check(n.Expr)
	c.scope = c.scope[:len(c.scope)-1]
	if err != nil {
		return nil, err
	}
	return &node{op: opLet, typ: body.typ, args: []*node{value, body}, index: id, at: at}, nil
}

// array is a list of JSON values.
func (c *checker) array(n *ast.ArrayNode, at int) (*node, error) {
	args := []*node{literal(stringType, "", at)}
	for _, item := range n.Nodes {
		x, err := c.check(item)
		if err != nil {
			return nil, err
		}
		args = append(args, asJSON(x))
	}
	return apply("list", lenientN(jsonType, makeList), args...), nil
}

// object is a JSON object.
func (c *checker) object(n *ast.MapNode, at int) (*node, error) {
	args, names := []*node{literal(stringType, "", at)}, map[any]bool{}
	for _, pair := range n.Pairs {
		p := pair.(*ast.PairNode)
		key, err := c.check(p.Key)
		if err != nil {
			return nil, err
		}
		if !key.is(record.String) {
			return nil, failAt(key.at, badExpression, "the names of an object are written out")
		}
		if names[key.value] {
			return nil, failAt(key.at, badExpression, "%s is in the object twice", quote(key.value.(string)))
		}
		names[key.value] = true
		x, err := c.check(p.Value)
		if err != nil {
			return nil, err
		}
		args = append(args, key, asJSON(x))
	}
	return apply("object", lenientN(jsonType, makeObject), args...), nil
}

func (c *checker) pointer(n *ast.PointerNode, at int) (*node, error) {
	if n.Name != "" {
		return nil, failAt(at, badExpression, "#%s is not known", n.Name).withHint("# is the element")
	}
	if c.loops == 0 {
		return nil, failAt(at, badExpression, "# stands for an element only inside any(), all(), filter() …")
	}
	return &node{op: opElement, typ: jsonType, at: at}, nil
}

// quote shows a text of the expression in a message.
func quote(s string) string {
	if len(s) > 40 {
		s = s[:40] + "…"
	}
	return strconv.Quote(s)
}
