package jsonata

import "fmt"

// shaper completes the tree that the parser made: it turns operators that walk ('.', '[', '^', '@', '#') into paths of steps, finds which step
// each % means, and marks calls in tail position.
type shaper struct {
	slots []*slot
}

// shape gives the tree that the evaluator walks.
func shape(n *node) (*node, error) {
	s := &shaper{}
	out, err := s.node(n)
	if err != nil {
		return nil, err
	}
	if out.kind == parentNode || len(out.seeking) > 0 {
		return nil, noParent(out)
	}
	return out, nil
}

func noParent(n *node) error {
	return failAt(n.pos, "S0217", "The object representing the 'parent' cannot be derived from this expression")
}

// node shapes a node and all below it.
func (s *shaper) node(n *node) (*node, error) {
	keep := n.keepArray
	out, err := s.kind(n)
	if err != nil {
		return nil, err
	}
	if keep {
		out.keepArray = true
	}
	return out, nil
}

func (s *shaper) kind(n *node) (*node, error) {
	switch n.kind {
	case endNode:
		return nil, failAt(n.pos, "S0207", "Unexpected end of expression")
	case nameNode:
		return pathOf(&node{kind: nameNode, text: n.text, pos: n.pos, keepArray: n.keepArray}, n.keepArray), nil
	case parentNode:
		n.slot = &slot{label: fmt.Sprintf("!%d", len(s.slots)), level: 1, at: len(s.slots)}
		s.slots = append(s.slots, n.slot)
		return n, nil
	case binaryNode:
		return s.binary(n)
	case negationNode:
		return s.negation(n)
	case lambdaNode:
		body, err := s.node(n.rhs)
		if err != nil {
			return nil, err
		}
		markTail(body)
		n.rhs = body
		return n, nil
	case blockNode:
		return s.block(n)
	case transformNode:
		return n, s.each(n.list, nil)
	case callNode, partialNode:
		if err := s.each(n.list, n); err != nil {
			return nil, err
		}
		var err error
		n.lhs, err = s.node(n.lhs)
		return n, err
	case objectNode:
		return n, s.pairs(n.pairs, n)
	}
	return n, s.each(n.list, n)
}

// each shapes nodes in their place; the parents that they seek are then sought by owner, if there is one.
func (s *shaper) each(list []*node, owner *node) error {
	for i, e := range list {
		if e.kind == placeholderNode {
			continue
		}
		out, err := s.node(e)
		if err != nil {
			return err
		}
		list[i] = out
		if owner != nil {
			owner.seek(out)
		}
	}
	return nil
}

func (s *shaper) pairs(pairs [][2]*node, owner *node) error {
	for i := range pairs {
		if err := s.each(pairs[i][:], owner); err != nil {
			return err
		}
	}
	return nil
}

func pathOf(step *node, keep bool) *node {
	n := &node{kind: pathNode, list: []*node{step}, pos: step.pos, keepOne: keep}
	n.countPlain()
	return n
}

// countPlain counts the steps at the beginning that need no list: bare names, behind a variable or not.
func (n *node) countPlain() {
	n.plain = 0
	for i, step := range n.list {
		bare := step.kind == nameNode || step.kind == variableNode && i == 0 && step.text != ""
		if !bare || step.tuple || len(step.stages) > 0 || len(step.predicates) > 0 || step.group != nil {
			return
		}
		n.plain++
	}
}

func (s *shaper) negation(n *node) (*node, error) {
	inner, err := s.node(n.lhs)
	if err != nil {
		return nil, err
	}
	if inner.kind == numberNode {
		inner.number = -inner.number
		return inner, nil
	}
	n.lhs = inner
	n.seek(inner)
	return n, nil
}

func (s *shaper) block(n *node) (*node, error) {
	if err := s.each(n.list, n); err != nil {
		return nil, err
	}
	for _, e := range n.list {
		if e.built || e.kind == pathNode && e.list[0].built {
			n.built = true
		}
	}
	return n, nil
}

// binary shapes what an operator and its two sides make.
func (s *shaper) binary(n *node) (*node, error) {
	left, err := s.node(n.lhs)
	if err != nil {
		return nil, err
	}
	switch n.text {
	case ".":
		return s.step(n, left)
	case "[":
		return s.predicate(n, left)
	case "{":
		if left.group != nil {
			return nil, failAt(n.pos, "S0210", "Each step can only have one grouping expression")
		}
		left.group = &node{kind: objectNode, pairs: n.pairs, pos: n.pos}
		return left, s.pairs(n.pairs, nil)
	case "^":
		return s.sort(n, left)
	case "@":
		return s.focus(n, left)
	case "#":
		return s.index(n, left)
	}
	right, err := s.node(n.rhs)
	if err != nil {
		return nil, err
	}
	n.lhs, n.rhs = left, right
	switch n.text {
	case ":=":
		n.kind, n.text, n.lhs = bindNode, left.text, nil
		n.seek(right)
	case "~>":
		n.kind = applyNode
		n.keepArray = left.keepArray || right.keepArray
	default:
		n.seek(left)
		n.seek(right)
	}
	return n, nil
}

// step shapes left.right.
func (s *shaper) step(n, left *node) (*node, error) {
	path := left
	if left.kind != pathNode {
		path = pathOf(left, false)
		path.pos = n.pos
	}
	if left.kind == parentNode {
		path.seeking = []*slot{left.slot}
	}
	right, err := s.node(n.rhs)
	if err != nil {
		return nil, err
	}
	if right.kind == pathNode {
		path.list = append(path.list, right.list...)
		path.keepOne = path.keepOne || right.keepOne
	} else {
		if len(right.predicates) > 0 {
			right.stages, right.predicates = right.predicates, nil
		}
		path.list = append(path.list, right)
	}
	for _, step := range path.list {
		switch step.kind {
		case numberNode, valueNode:
			return nil, failAt(step.pos, "S0213", "The literal value %s cannot be used as a step within a path expression", shown(step.literal()))
		case textNode:
			step.kind = nameNode
		}
		path.keepOne = path.keepOne || step.keepArray
	}
	for _, end := range []*node{path.list[0], path.list[len(path.list)-1]} {
		if end.kind == arrayNode {
			end.built = true
		}
	}
	path.countPlain()
	return path, s.resolve(path)
}

func (n *node) literal() any {
	if n.kind == numberNode {
		return n.number
	}
	return n.value
}

// predicate shapes left[right].
func (s *shaper) predicate(n, left *node) (*node, error) {
	step, stages := left, &left.predicates
	if left.kind == pathNode {
		step = left.list[len(left.list)-1]
		stages = &step.stages
	}
	if step.group != nil || left.group != nil {
		return nil, failAt(n.pos, "S0209", "A predicate cannot follow a grouping expression in a step")
	}
	filter, err := s.node(n.rhs)
	if err != nil {
		return nil, err
	}
	for _, sought := range filter.seeking {
		if sought.level == 1 {
			if err := s.parent(step, sought); err != nil {
				return nil, err
			}
			continue
		}
		sought.level--
	}
	if len(filter.seeking) > 0 {
		step.seek(filter)
	}
	*stages = append(*stages, stage{filter: filter})
	if left.kind == pathNode {
		left.countPlain()
	}
	return left, nil
}

// sort shapes left^(terms).
func (s *shaper) sort(n, left *node) (*node, error) {
	path := left
	if left.kind != pathNode {
		path = pathOf(left, false)
	}
	by := &node{kind: sortNode, pos: n.pos, terms: n.terms}
	for i := range by.terms {
		expr, err := s.node(by.terms[i].expr)
		if err != nil {
			return nil, err
		}
		by.terms[i].expr = expr
		by.seek(expr)
	}
	path.list = append(path.list, by)
	path.countPlain()
	return path, s.resolve(path)
}

// focus shapes left@$variable.
func (s *shaper) focus(n, left *node) (*node, error) {
	step := left
	if left.kind == pathNode {
		step = left.list[len(left.list)-1]
	}
	switch {
	case len(step.stages) > 0 || len(step.predicates) > 0:
		return nil, failAt(n.pos, "S0215", "A context variable binding must precede any predicates on a step")
	case step.kind == sortNode:
		return nil, failAt(n.pos, "S0216", "A context variable binding must precede the 'order-by' clause on a step")
	}
	step.keepArray = step.keepArray || n.keepArray
	step.focus, step.tuple = n.rhs.text, true
	if left.kind == pathNode {
		left.countPlain()
	}
	return left, nil
}

// index shapes left#$variable.
func (s *shaper) index(n, left *node) (*node, error) {
	path := left
	if left.kind != pathNode {
		left.stages, left.predicates = left.predicates, nil
		path = pathOf(left, false)
	}
	step := path.list[len(path.list)-1]
	if len(step.stages) == 0 {
		step.index = n.rhs.text
	} else {
		step.stages = append(step.stages, stage{index: n.rhs.text})
	}
	step.tuple = true
	path.countPlain()
	return path, nil
}

// markTail marks the calls whose value is that of the function, so that they do not grow the stack.
func markTail(n *node) {
	if len(n.predicates) > 0 || n.group != nil {
		return
	}
	switch n.kind {
	case callNode:
		n.tail = true
	case conditionNode:
		for _, branch := range n.list[1:] {
			markTail(branch)
		}
	case blockNode:
		if len(n.list) > 0 {
			markTail(n.list[len(n.list)-1])
		}
	}
}
