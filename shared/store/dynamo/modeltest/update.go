package modeltest

import (
	"slices"
	"strconv"
	"strings"
)

// action is one act of an update expression.
type action struct {
	clause string // SET REMOVE ADD DELETE
	path   path
	value  *node // nil for REMOVE
}

// update reads an update expression; nil when the request has none.
func (s *scope) update(expression *string) ([]action, error) {
	if expression == nil {
		return nil, nil
	}
	p, err := s.parser(*expression)
	if err != nil {
		return nil, err
	}
	var out []action
	seen := map[string]bool{}
	for p.next().kind != "end" {
		t := p.take()
		clause := strings.ToUpper(t.text)
		if t.kind != "name" || !slices.Contains([]string{"SET", "REMOVE", "ADD", "DELETE"}, clause) {
			return nil, syntax(t.text)
		}
		if seen[clause] {
			return nil, refuse("Invalid UpdateExpression: The %q section can only be used once in an update expression;", clause)
		}
		seen[clause] = true
		for more := true; more; more = p.sign(",") {
			a, err := p.action(clause)
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, disjoint(paths(out))
}

func paths(actions []action) []path {
	var out []path
	for _, a := range actions {
		out = append(out, a.path)
	}
	return out
}

func (p *parser) action(clause string) (action, error) {
	at, err := p.path()
	a := action{clause: clause, path: at}
	if err != nil || clause == "REMOVE" {
		return a, err
	}
	if clause == "SET" {
		if err := p.must("="); err != nil {
			return a, err
		}
		a.value, err = p.sum()
		return a, err
	}
	t := p.next()
	if t.kind != "value" {
		return a, syntax(t.text)
	}
	if a.value, _, err = p.simple(); err != nil {
		return a, err
	}
	kind := a.value.value.kind
	if !slices.Contains([]string{"SS", "NS", "BS"}, kind) && (clause == "DELETE" || kind != "N") {
		return a, refuse("Invalid UpdateExpression: Incorrect operand type for operator or function; operator: %s, operand type: %s", clause, kind)
	}
	return a, nil
}

// sum reads the value of SET: a term, or two with + or - between.
func (p *parser) sum() (*node, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	for _, op := range []string{"+", "-"} {
		if !p.sign(op) {
			continue
		}
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		n := &node{op: op, args: []*node{left, right}}
		if left.op == "list_append" || right.op == "list_append" {
			return nil, refuse("Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append")
		}
		return n, n.typed(n.args, func(kind string) bool { return kind == "N" })
	}
	return left, nil
}

// term reads a path, a value, or a function of updates.
func (p *parser) term() (*node, error) {
	if p.sign("(") {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		if n.wrapped {
			return nil, refuse("Invalid UpdateExpression: The expression has redundant parentheses;")
		}
		n.wrapped = true
		return n, p.must(")")
	}
	if n, ok, err := p.simple(); ok || err != nil {
		return n, err
	}
	n, err := p.function(updaters)
	if err != nil {
		return nil, err
	}
	for _, a := range n.args {
		if a.op == "list_append" {
			return nil, refuse("Invalid UpdateExpression: The function is not allowed to be used this way in an expression; function: list_append")
		}
	}
	if n.op == "list_append" {
		return n, n.typed(n.args, func(kind string) bool { return kind == "L" })
	}
	if n.args[0].op != "path" {
		return nil, refuse("Invalid UpdateExpression: Operator or function requires a document path; operator or function: if_not_exists")
	}
	return n, n.distinct()
}

// result evaluates a value of SET on the item as it was.
func (n *node) result(it item) (value, error) {
	switch n.op {
	case "value":
		return n.value, nil
	case "path":
		if v, ok := n.path.find(it); ok {
			return v, nil
		}
		return value{}, refuse("The provided expression refers to an attribute that does not exist in the item")
	case "if_not_exists":
		other, err := n.args[1].result(it) // which must be there also when it is not needed
		if v, ok := n.args[0].path.find(it); ok && err == nil {
			return v, nil
		}
		return other, err
	}
	left, err := n.args[0].result(it)
	if err != nil {
		return value{}, err
	}
	right, err := n.args[1].result(it)
	if err != nil {
		return value{}, err
	}
	if n.op == "list_append" {
		if left.kind != "L" || right.kind != "L" {
			return value{}, wrongType()
		}
		return value{kind: "L", list: slices.Concat(left.list, right.list)}, nil
	}
	if left.kind != "N" || right.kind != "N" {
		return value{}, wrongType()
	}
	text, err := addNumbers(left.text, right.text, n.op == "-")
	return value{kind: "N", text: text}, err
}

func wrongType() error {
	return refuse("An operand in the update expression has an incorrect data type")
}

func numeric(n int) value { return value{kind: "N", text: strconv.Itoa(n)} }

// planned is one act of an update with its value worked out: every value comes from the item as it was.
type planned struct {
	path   path
	value  value
	remove bool
}

// apply gives the item after the update.
func apply(old item, actions []action) (item, error) {
	var plan []planned
	for _, a := range actions {
		p, act, err := a.plan(old)
		if err != nil {
			return nil, err
		}
		if act {
			plan = append(plan, p)
		}
	}
	// Indexes count in the list as it was: values are set first, from the smallest index on, then elements are removed, the last first.
	slices.SortStableFunc(plan, func(a, b planned) int {
		switch {
		case a.remove && b.remove:
			return b.path.compare(a.path)
		case a.remove:
			return 1
		case b.remove:
			return -1
		}
		return a.path.compare(b.path)
	})
	doc := value{kind: "M", attrs: old}
	for _, p := range plan {
		doc = p.path.change(doc, p.set)
	}
	return item(doc.attrs), nil
}

// plan works out one act; false when there is nothing to do.
func (a action) plan(old item) (planned, bool, error) {
	p := planned{path: a.path, remove: a.clause == "REMOVE"}
	if _, ok := a.path.inside(old); !ok {
		return p, false, refuse("The document path provided in the update expression is invalid for update")
	}
	was, there := a.path.find(old)
	var err error
	switch a.clause {
	case "SET":
		p.value, err = a.value.result(old)
	case "ADD":
		p.value, err = added(was, there, a.value.value)
	case "DELETE":
		if !there {
			return p, false, nil
		}
		p.value, err = deleted(was, a.value.value)
		p.remove = err == nil && len(p.value.set) == 0
	default:
		return p, there, nil
	}
	return p, true, err
}

// added is a number that grew or a set that took members.
func added(was value, there bool, by value) (value, error) {
	switch {
	case !there:
		return by, nil
	case was.kind != by.kind:
		return was, wrongType()
	case by.kind == "N":
		text, err := addNumbers(was.text, by.text, false)
		return value{kind: "N", text: text}, err
	}
	set := slices.Concat(was.set, by.set)
	slices.Sort(set)
	return value{kind: was.kind, set: slices.Compact(set)}, nil
}

// deleted is a set that lost members.
func deleted(was, members value) (value, error) {
	if was.kind != members.kind {
		return was, wrongType()
	}
	out := value{kind: was.kind}
	for _, m := range was.set {
		if !slices.Contains(members.set, m) {
			out.set = append(out.set, m)
		}
	}
	return out, nil
}

// set changes one attribute or element of its parent. An index behind the end of a list appends.
func (p planned) set(parent value, last part) value {
	switch {
	case last.name != "" && p.remove:
		return parent.without(last.name)
	case last.name != "":
		return parent.with(last.name, p.value)
	case p.remove:
		parent.list = slices.Delete(slices.Clone(parent.list), last.index, last.index+1)
	case last.index < len(parent.list):
		parent.list = slices.Clone(parent.list)
		parent.list[last.index] = p.value
	default:
		parent.list = append(slices.Clone(parent.list), p.value)
	}
	return parent
}
