package modeltest

import (
	"slices"
	"strings"
)

// node is a part of a parsed expression: an operand (path, value, a function that gives a value) or a condition.
type node struct {
	op      string
	args    []*node
	path    path  // of op "path"
	value   value // of op "value"
	wrapped bool  // it stands in parentheses
}

// comparators and functions by what they are.
var (
	comparators = []string{"=", "<>", "<", "<=", ">", ">="}
	predicates  = map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
	operands    = map[string]int{"size": 1}
	updaters    = map[string]int{"if_not_exists": 2, "list_append": 2}
)

// operand says whether the node is a value, not a condition.
func (n *node) operand() bool {
	return n.op == "path" || n.op == "value" || operands[n.op] > 0 || updaters[n.op] > 0 || n.op == "+" || n.op == "-"
}

// condition reads a condition; nil when the request has none.
func (s *scope) condition(expression *string) (*node, error) {
	if expression == nil {
		return nil, nil
	}
	p, err := s.parser(*expression)
	if err != nil {
		return nil, err
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	if n.operand() {
		return nil, syntax("<EOF>")
	}
	return n, n.check()
}

// or, and, not: from the weakest to the strongest.
func (p *parser) or() (*node, error)  { return p.chain("OR", p.and) }
func (p *parser) and() (*node, error) { return p.chain("AND", p.not) }

func (p *parser) chain(word string, inner func() (*node, error)) (*node, error) {
	left, err := inner()
	for err == nil && p.keyword(word) {
		var right *node
		if right, err = inner(); err == nil {
			left, err = conditions(&node{op: word, args: []*node{left, right}})
		}
	}
	return left, err
}

func (p *parser) not() (*node, error) {
	if !p.keyword("NOT") {
		return p.comparison()
	}
	inner, err := p.not()
	if err != nil {
		return nil, err
	}
	return conditions(&node{op: "NOT", args: []*node{inner}})
}

// conditions refuses operands where conditions must stand.
func conditions(n *node) (*node, error) {
	for _, a := range n.args {
		if a.operand() {
			return nil, syntax(n.op)
		}
	}
	return n, nil
}

// comparison reads an operand with what is said about it, or a function or a condition in parentheses.
func (p *parser) comparison() (*node, error) {
	left, err := p.primary()
	if err != nil {
		return nil, err
	}
	out := &node{args: []*node{left}}
	t := p.next()
	switch {
	case t.kind == "sign" && slices.Contains(comparators, t.text):
		out.op = p.take().text
		err = p.operandInto(out)
	case p.keyword("BETWEEN"):
		out.op = "BETWEEN"
		if err = p.operandInto(out); err == nil && !p.keyword("AND") {
			err = syntax(p.next().text)
		}
		if err == nil {
			err = p.operandInto(out)
		}
	case p.keyword("IN"):
		out.op = "IN"
		err = p.list(out)
	default:
		return left, nil
	}
	if err == nil && !left.operand() {
		err = syntax(out.op)
	}
	return out, err
}

// list reads the members of IN.
func (p *parser) list(out *node) error {
	err := p.must("(")
	for more := true; err == nil && more; more = err == nil && p.sign(",") {
		err = p.operandInto(out)
	}
	if err == nil {
		err = p.must(")")
	}
	if err == nil && len(out.args) > 101 {
		err = refuse("Invalid expression: The IN operator is provided with too many operands")
	}
	return err
}

func (p *parser) operandInto(out *node) error {
	n, err := p.primary()
	if err != nil {
		return err
	}
	if !n.operand() {
		return syntax(n.op)
	}
	out.args = append(out.args, n)
	return nil
}

// primary reads a path, a value, a function, or something in parentheses.
func (p *parser) primary() (*node, error) {
	if p.sign("(") {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if err := p.must(")"); err != nil {
			return nil, err
		}
		if n.wrapped {
			return nil, refuse("Invalid expression: The expression has redundant parentheses;")
		}
		n.wrapped = true
		return n, nil
	}
	if n, ok, err := p.simple(); ok || err != nil {
		return n, err
	}
	return p.function(predicates, operands)
}

// simple reads a path or a value; false when a function stands there.
func (p *parser) simple() (*node, bool, error) {
	t := p.next()
	switch {
	case t.kind == "value":
		p.take()
		v, ok := p.scope.values[t.text]
		if !ok {
			return nil, false, refuse("Invalid expression: An expression attribute value used in expression is not defined; attribute value: %s", t.text)
		}
		p.scope.used[t.text] = true
		return &node{op: "value", value: v}, true, nil
	case t.kind == "name" && p.tokens[1].text == "(":
		return nil, false, nil
	}
	at, err := p.path()
	return &node{op: "path", path: at}, err == nil, err
}

// function reads a call of one of the functions that may stand here.
func (p *parser) function(allowed ...map[string]int) (*node, error) {
	n := &node{op: p.take().text}
	want := 0
	for _, a := range allowed {
		want += a[n.op]
	}
	if want == 0 {
		return nil, refuse("Invalid expression: Invalid function name; function: %s", n.op)
	}
	p.take() // the parenthesis
	for more := true; more; more = p.sign(",") {
		var arg *node
		var err error
		if updaters[n.op] > 0 {
			arg, err = p.term()
		} else {
			arg, err = p.primary()
		}
		if err != nil {
			return nil, err
		}
		if !arg.operand() {
			return nil, syntax(n.op)
		}
		n.args = append(n.args, arg)
	}
	if err := p.must(")"); err != nil {
		return nil, err
	}
	if len(n.args) != want {
		return nil, refuse("Invalid expression: Incorrect number of operands for operator or function; operator or function: %s", n.op)
	}
	return n, nil
}

// check refuses what can be seen to be wrong without an item.
func (n *node) check() error {
	for _, a := range n.args {
		if err := a.check(); err != nil {
			return err
		}
	}
	switch n.op {
	case "<", "<=", ">", ">=", "BETWEEN":
		if err := n.typed(n.args, ordered); err != nil {
			return err
		}
	case "begins_with":
		if err := n.typed(n.args, func(kind string) bool { return kind == "S" || kind == "B" }); err != nil {
			return err
		}
	case "size":
		if err := n.typed(n.args, func(kind string) bool { return kind != "N" && kind != "BOOL" && kind != "NULL" }); err != nil {
			return err
		}
	case "attribute_type":
		return n.checkType()
	case "attribute_exists", "attribute_not_exists":
		if n.args[0].op != "path" {
			return refuse("Invalid expression: Operator or function requires a document path; operator or function: %s", n.op)
		}
	}
	if n.op == "BETWEEN" {
		if err := n.checkBounds(); err != nil {
			return err
		}
	}
	return n.distinct()
}

// typed refuses values of kinds that the operator does not take.
func (n *node) typed(args []*node, ok func(kind string) bool) error {
	for _, a := range args {
		if a.op == "value" && !ok(a.value.kind) {
			return refuse("Invalid expression: Incorrect operand type for operator or function; operator or function: %s, operand type: %s", n.op, a.value.kind)
		}
	}
	return nil
}

func (n *node) checkType() error {
	v := n.args[1]
	switch {
	case v.op != "value" || v.value.kind != "S":
		return refuse("Invalid expression: Incorrect operand type for operator or function; operator or function: attribute_type")
	case !slices.Contains([]string{"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}, v.value.text):
		return refuse("Invalid expression: Invalid attribute type name found; type: %s", v.value.text)
	}
	return nil
}

func (n *node) checkBounds() error {
	low, high := n.args[1], n.args[2]
	if low.op != "value" || high.op != "value" {
		return nil
	}
	switch {
	case low.value.kind != high.value.kind:
		return refuse("Invalid expression: The BETWEEN operator requires same data type for lower and upper bounds")
	case low.value.compare(high.value) > 0:
		return refuse("Invalid expression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
	}
	return nil
}

// distinct refuses to compare a path with itself.
func (n *node) distinct() error {
	if n.op == "AND" || n.op == "OR" || n.op == "NOT" || len(n.args) < 2 {
		return nil
	}
	first := n.args[0]
	for _, a := range n.args[1:] {
		if first.op == "path" && a.op == "path" && first.path.equal(a.path) {
			return refuse("Invalid expression: The first operand must be distinct from the remaining operands; operator: %s", n.op)
		}
	}
	return nil
}

// operandOf gives an operand's value for an item; false when there is none.
func (n *node) operandOf(it item) (value, bool) {
	switch n.op {
	case "value":
		return n.value, true
	case "path":
		return n.path.find(it)
	}
	v, ok := n.args[0].operandOf(it) // size
	if !ok {
		return v, false
	}
	size, ok := v.elements()
	return numeric(size), ok
}

// holds says whether a condition is true for an item; an absent item has no attributes.
func (n *node) holds(it item) bool {
	switch n.op {
	case "AND":
		return n.args[0].holds(it) && n.args[1].holds(it)
	case "OR":
		return n.args[0].holds(it) || n.args[1].holds(it)
	case "NOT":
		return !n.args[0].holds(it)
	case "attribute_exists", "attribute_not_exists":
		_, ok := n.args[0].path.find(it)
		return ok == (n.op == "attribute_exists")
	}
	args := make([]value, len(n.args))
	all := true
	for i, a := range n.args {
		v, ok := a.operandOf(it)
		args[i] = v
		all = all && (ok || n.op == "IN" && i > 0)
	}
	if !all {
		return n.op == "<>"
	}
	return judge(n.op, args)
}

// judge says whether an operator holds for values that are all there; of IN some may be absent, and equal nothing.
func judge(op string, v []value) bool {
	switch op {
	case "=":
		return v[0].equal(v[1])
	case "<>":
		return !v[0].equal(v[1])
	case "IN":
		return slices.ContainsFunc(v[1:], v[0].equal)
	case "attribute_type":
		return v[0].kind == v[1].text
	case "begins_with":
		return v[0].kind == v[1].kind && (v[0].kind == "S" || v[0].kind == "B") && strings.HasPrefix(v[0].text, v[1].text)
	case "contains":
		return v[0].contains(v[1])
	case "BETWEEN":
		return judge(">=", v[:2]) && judge("<=", []value{v[0], v[2]})
	}
	if v[0].kind != v[1].kind || !ordered(v[0].kind) {
		return false
	}
	switch c := v[0].compare(v[1]); op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

// contains says whether a text has a part, a set a member, or a list an element.
func (v value) contains(o value) bool {
	switch v.kind {
	case "S", "B":
		return o.kind == v.kind && strings.Contains(v.text, o.text)
	case "L":
		return slices.ContainsFunc(v.list, o.equal)
	case "SS", "NS", "BS":
		return o.kind == v.kind[:1] && slices.Contains(v.set, o.text)
	}
	return false
}

// met says whether a condition that may be absent holds.
func (n *node) met(it item) bool { return n == nil || n.holds(it) }
