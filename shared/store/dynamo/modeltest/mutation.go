package modeltest

import "slices"

// Mutation is a write as DynamoDB is about to judge it, for tests that leave a rule out of a condition of the real store and want to see
// who notices.
type Mutation struct{ w *write }

// Key gives the item's sort key, or its hash key where the table has no other.
func (m Mutation) Key() string {
	if name := m.w.table.sort.name; name != "" {
		return m.w.keyItem[name].text
	}
	return m.w.keyItem[m.w.table.hash.name].text
}

// Sets gives the text that the update sets an attribute to; false when it does not, or not to a value.
func (m Mutation) Sets(name string) (string, bool) {
	for _, a := range m.w.actions {
		if a.clause == "SET" && len(a.path) == 1 && a.path[0].name == name && a.value.op == "value" {
			return a.value.value.text, true
		}
	}
	return "", false
}

// Touches says whether the update has an act on an attribute.
func (m Mutation) Touches(name string) bool {
	return slices.ContainsFunc(m.w.actions, func(a action) bool { return a.path[0].name == name })
}

// Checks says whether it is a condition of a transaction on an item that stays as it is.
func (m Mutation) Checks() bool { return m.w.kind == "ConditionCheck" }

// Tests says whether the condition looks at an attribute.
func (m Mutation) Tests(name string) bool {
	return m.w.condition.mentions(func(n string) bool { return n == name }) != ""
}

// Ignore leaves the comparisons with attributes out of the condition; whether an attribute exists is still asked.
func (m Mutation) Ignore(names ...string) {
	m.w.condition = m.w.condition.without(func(name string) bool { return slices.Contains(names, name) })
}

// Always leaves the condition out.
func (m Mutation) Always() { m.w.condition = nil }

// Keep leaves the acts on attributes out of the update.
func (m Mutation) Keep(names ...string) {
	m.w.actions = slices.DeleteFunc(slices.Clone(m.w.actions), func(a action) bool { return slices.Contains(names, a.path[0].name) })
}

// Zero makes the update set an attribute to 0.
func (m Mutation) Zero(name string) {
	m.Keep(name)
	m.w.actions = append(m.w.actions, action{clause: "SET", path: path{{name: name}}, value: &node{op: "value", value: numeric(0)}})
}

// Delete makes the write a delete of its item.
func (m Mutation) Delete() { m.w.kind = "Delete" }

// without gives the condition without its comparisons that a name is in; nil when nothing is left.
func (n *node) without(drop func(string) bool) *node {
	if n == nil {
		return nil
	}
	switch n.op {
	case "AND", "OR":
		left, right := n.args[0].without(drop), n.args[1].without(drop)
		switch {
		case left == nil:
			return right
		case right == nil:
			return left
		}
		return &node{op: n.op, args: []*node{left, right}}
	case "NOT":
		if inner := n.args[0].without(drop); inner != nil {
			return &node{op: "NOT", args: []*node{inner}}
		}
		return nil
	case "attribute_exists", "attribute_not_exists":
		return n
	}
	if n.mentions(drop) != "" {
		return nil
	}
	return n
}
