package check

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// variableName is what a variable may be called.
var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*$`)

// maxCost bounds the search for undefined variables; a definition that is larger than any is not searched to the end.
const maxCost = 1 << 22

// assign checks the names of an Assign and notes them.
func (c *checker) assign(s *state, at string, v any) {
	o, ok := v.(*object)
	if !ok {
		c.schema(at, "Expected value of type [OBJECT]")
		return
	}
	for _, name := range o.names {
		bare := name
		if !s.jsonata {
			bare = strings.TrimSuffix(name, ".$")
		}
		switch {
		case bare == "states":
			c.error(at, ReservedVariable, "Cannot assign to reserved variable '$states'.")
		case !variableName.MatchString(bare):
			c.error(at, InvalidVariable, "Invalid variable name '%s': the variable name contains invalid characters.", bare)
		case utf8.RuneCountInString(bare) > maxNameLength:
			c.error(at, InvalidVariable, "Invalid variable name '%s': the variable name exceeds %d characters.", bare, maxNameLength)
		}
		s.assigns = append(s.assigns, bare)
	}
}

// variables reports variables that no state before a state assigns on any way, in this flow and those inside it. outer are those that the
// flows around have assigned by then.
func (c *checker) variables(f *flow, outer map[string]bool) {
	before := make(map[string]map[string]bool, len(f.states))
	if f.byName[f.start] == nil {
		return
	}
	before[f.start] = maps.Clone(outer)
	cost := 0
	for work := []string{f.start}; len(work) > 0; {
		s := f.byName[work[0]]
		work = work[1:]
		if cost += len(before[s.name]) + 1; cost > maxCost {
			return
		}
		for _, t := range s.targets {
			next := f.byName[t.name]
			if next == nil {
				continue
			}
			known, seen := before[t.name]
			if known == nil {
				known = make(map[string]bool)
			}
			n := len(known)
			maps.Copy(known, before[s.name])
			for _, v := range s.assigns {
				known[v] = true
			}
			before[t.name] = known
			if !seen || len(known) > n {
				work = append(work, t.name)
			}
		}
	}
	for _, s := range f.states {
		known, reached := before[s.name]
		if !reached {
			continue
		}
		c.reads(s, known)
		for _, inner := range s.inner {
			c.variables(inner, known)
		}
	}
}

// reads reports what a state reads and nothing can have assigned.
func (c *checker) reads(s *state, known map[string]bool) {
	for _, r := range s.reads {
		if r.root == "" || r.root == "$" || known[r.root] {
			continue
		}
		d := c.own(Error, r.at, UndefinedVariable, "nothing assigns the variable $%s before this", r.root)
		if near := fault.Nearest(r.root, append(slices.Sorted(maps.Keys(known)), "states")); near != "" {
			d.Hint = "did you mean $" + near + "?"
		}
	}
}
