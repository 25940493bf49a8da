package jsonata

// seek takes over the parents that a part of a node seeks.
func (n *node) seek(part *node) {
	n.seeking = append(n.seeking, part.seeking...)
	if part.kind == parentNode {
		n.seeking = append(n.seeking, part.slot)
	}
}

// resolve finds the steps that the % of the path's last step mean; those that mean more than the path has are sought further out.
func (s *shaper) resolve(path *node) error {
	last := path.list[len(path.list)-1]
	sought := last.seeking
	if last.kind == parentNode {
		sought = append(sought[:len(sought):len(sought)], last.slot)
	}
	for _, one := range sought {
		at := len(path.list) - 2
		for one.level > 0 {
			if at < 0 {
				path.seeking = append(path.seeking, one)
				break
			}
			step := path.list[at]
			at--
			for at >= 0 && step.focus != "" && path.list[at].focus != "" { // steps that only bind do not move
				step = path.list[at]
				at--
			}
			if err := s.parent(step, one); err != nil {
				return err
			}
		}
	}
	return nil
}

// parent counts a step to the left; when it is the one that is meant, the step binds what it was given.
func (s *shaper) parent(n *node, sought *slot) error {
	switch n.kind {
	case nameNode, wildcardNode:
		if sought.level--; sought.level == 0 {
			if n.ancestor != nil {
				s.slots[sought.at].label = n.ancestor.label // one step, one label
			}
			n.ancestor = sought
			n.tuple = true
		}
	case parentNode:
		sought.level++
	case blockNode:
		if len(n.list) > 0 {
			n.tuple = true
			return s.parent(n.list[len(n.list)-1], sought)
		}
	case pathNode:
		n.tuple = true
		for i := len(n.list) - 1; i >= 0 && (sought.level > 0 || i == len(n.list)-1); i-- {
			if err := s.parent(n.list[i], sought); err != nil {
				return err
			}
		}
		n.countPlain()
	default:
		return noParent(n)
	}
	return nil
}
