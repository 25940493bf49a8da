package jsonata

// Reference is a variable that an expression reads from outside, with the names that follow it in its path: $states.input.id is
// {states, [input id]}. $$ is the variable $. A name at the top level, which reads a document that a state does not have, has Bare set.
type Reference struct {
	Name string
	Path []string
	Bare bool
}

// References gives what the expression reads from outside, in the order in which it is written. Functions of the language, the variables that
// the expression binds itself and $ are left out.
func (e *Expr) References() []Reference {
	r := &references{bound: map[string]bool{"": true}}
	r.walk(e.root, true)
	var out []Reference
	for _, ref := range r.found {
		if ref.Bare || !r.bound[ref.Name] && builtins[ref.Name] == nil {
			out = append(out, ref)
		}
	}
	return out
}

type references struct {
	bound map[string]bool
	found []Reference
}

// walk looks at a node and all below it; top says that the context there is the document.
func (r *references) walk(n *node, top bool) {
	if n == nil {
		return
	}
	for _, name := range append([]string{n.focus, n.index}, n.params...) {
		r.bound[name] = true
	}
	switch n.kind {
	case variableNode:
		r.found = append(r.found, Reference{Name: n.text})
	case nameNode:
		if top {
			r.found = append(r.found, Reference{Name: n.text, Bare: true})
		}
	case bindNode:
		r.bound[n.text] = true
		r.walk(n.rhs, top)
	case pathNode:
		r.path(n, top)
	case callNode, partialNode:
		r.callee(n.lhs, top)
		r.each(n.list, top)
	case transformNode:
		r.each(n.list, false)
	default:
		r.walk(n.lhs, top)
		r.walk(n.rhs, top)
		r.each(n.list, top)
		r.pairs(n, top)
	}
	r.behind(n)
}

// behind looks at what stands behind a node: filters, groups and terms, whose context is what the node gives.
func (r *references) behind(n *node) {
	for _, stages := range [][]stage{n.predicates, n.stages} {
		for _, st := range stages {
			r.bound[st.index] = true
			r.walk(st.filter, false)
		}
	}
	for _, t := range n.terms {
		r.walk(t.expr, false)
	}
	if n.group != nil {
		r.pairs(n.group, false)
	}
}

func (r *references) each(list []*node, top bool) {
	for _, n := range list {
		r.walk(n, top)
	}
}

func (r *references) pairs(n *node, top bool) {
	for _, pair := range n.pairs {
		r.each(pair[:], top)
	}
}

// callee leaves out a bare name that is called: that is a fault of its own.
func (r *references) callee(n *node, top bool) {
	if n.kind == pathNode && len(n.list) == 1 && n.list[0].kind == nameNode {
		return
	}
	r.walk(n, top)
}

// path keeps the names that directly follow a variable at the beginning.
func (r *references) path(n *node, top bool) {
	first := len(r.found)
	plain := n.list[0].kind == variableNode
	for i, step := range n.list {
		r.walk(step, top && i == 0)
		if plain = plain && (i == 0 || step.kind == nameNode); plain && i > 0 {
			r.found[first].Path = append(r.found[first].Path, step.text)
		}
		plain = plain && len(step.predicates) == 0 && len(step.stages) == 0
	}
}
