package jsonpath

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// step is one piece of a path.
type step interface {
	// single says whether the step selects one value at most; last, whether it ends the path.
	single(last bool) bool
	String() string
}

type (
	names    []string // .a, ['a'], ['a','b']
	indexes  []int    // [0], [-1], [0,2]
	wildcard struct{} // .*, [*]
	scan     struct{} // .., which makes the next step look at all descendants
	slice    struct{ from, to *int }
	filter   struct {
		text string
		test condition
	}
)

// Several names at the end of a path give an object of them; before another step they are a list.
func (n names) single(last bool) bool { return len(n) == 1 || last }

func (n names) String() string {
	quoted := make([]string, len(n))
	for i, k := range n {
		quoted[i] = "'" + k + "'"
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

func (x indexes) single(bool) bool { return len(x) == 1 }

func (x indexes) String() string {
	out := make([]string, len(x))
	for i, n := range x {
		out[i] = strconv.Itoa(n)
	}
	return "[" + strings.Join(out, ",") + "]"
}

func (wildcard) single(bool) bool { return false }
func (wildcard) String() string   { return "[*]" }
func (scan) single(bool) bool     { return false }
func (scan) String() string       { return ".." }
func (slice) single(bool) bool    { return false }
func (filter) single(bool) bool   { return false }
func (f filter) String() string   { return "[?" + f.text + "]" }

func (s slice) String() string {
	end := func(n *int) string {
		if n == nil {
			return ""
		}
		return strconv.Itoa(*n)
	}
	return "[" + end(s.from) + ":" + end(s.to) + "]"
}

// walk is one evaluation.
type walk struct {
	root    any // what $ means inside filters
	visited int
	out     []any
}

var errBudget = fmt.Errorf("the path looks at more than %d values", maxVisited)

// get evaluates a path, also one inside a filter.
func (w *walk) get(p *Path, doc any) (any, error) {
	var v any
	var err error
	if p.definite {
		v, err = definite(p, doc)
	} else {
		v, err = w.list(p.steps, doc)
	}
	if err != nil || p.function == nil {
		return v, err
	}
	return p.function.call(w, v)
}

// list gives what an indefinite path selects.
func (w *walk) list(steps []step, doc any) ([]any, error) {
	outer := w.out
	w.out = []any{}
	err := w.step(steps, doc)
	found := w.out
	w.out = outer
	return found, err
}

// definite follows a path that selects one value.
func definite(p *Path, v any) (any, error) {
	for i, s := range p.steps {
		last := i == len(p.steps)-1
		switch s := s.(type) {
		case names:
			m, ok := v.(map[string]any)
			if !ok {
				return nil, notFound(p, fmt.Sprintf("Expected to find an object with property %s in path $%s but found '%s'. "+
					"This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'.",
					s, canonical(p.steps[:i]), class(v)))
			}
			if len(s) > 1 {
				return pick(m, s), nil
			}
			if v, ok = m[s[0]]; !ok {
				if last {
					return nil, notFound(p, "No results for path: $"+canonical(p.steps))
				}
				return nil, notFound(p, "Missing property in path $"+canonical(p.steps[:i+1]))
			}
		case indexes:
			a, ok := v.([]any)
			switch {
			case v == nil:
				return nil, notFound(p, "The path $"+canonical(p.steps[:i])+" is null")
			case !ok:
				return nil, notFound(p, fmt.Sprintf("Filter: %s can only be applied to arrays. Current context is: %s", canonical(p.steps[i:]), Text(v)))
			}
			n := at(s[0], len(a))
			if n < 0 {
				return nil, &NotFoundError{Path: p.text, Reason: "No results for path: $" + canonical(p.steps), Index: last}
			}
			v = a[n]
		}
	}
	return v, nil
}

func notFound(p *Path, reason string) error { return &NotFoundError{Path: p.text, Reason: reason} }

// pick gives the object of some of the fields.
func pick(m map[string]any, keys []string) map[string]any {
	out := make(map[string]any, len(keys))
	for _, k := range keys {
		if v, ok := m[k]; ok {
			out[k] = v
		}
	}
	return out
}

// at gives the place of an index that may count from the end, -1 when there is none.
func at(i, length int) int {
	if i < 0 {
		i += length
	}
	if i < 0 || i >= length {
		return -1
	}
	return i
}

// step applies the first step to v and the others to what it selects. What a step cannot be applied to selects nothing.
func (w *walk) step(steps []step, v any) error {
	if w.visited++; w.visited > maxVisited {
		return errBudget
	}
	if len(steps) == 0 {
		w.out = append(w.out, v)
		return nil
	}
	rest := steps[1:]
	switch s := steps[0].(type) {
	case names:
		return w.names(s, rest, v)
	case wildcard:
		return w.children(v, func(e any) error { return w.step(rest, e) })
	case indexes:
		a, _ := v.([]any)
		for _, i := range s {
			if err := w.index(a, i, rest); err != nil {
				return err
			}
		}
	case slice:
		a, _ := v.([]any)
		from, to := s.bounds(len(a))
		for i := from; i < to; i++ {
			if err := w.index(a, i, rest); err != nil {
				return err
			}
		}
	case filter:
		return w.filter(s, rest, v)
	case scan:
		return w.scan(rest, v)
	}
	return nil
}

func (w *walk) names(keys names, rest []step, v any) error {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if len(keys) > 1 && len(rest) == 0 {
		return w.step(rest, pick(m, keys))
	}
	for _, k := range keys {
		if e, ok := m[k]; ok {
			if err := w.step(rest, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walk) index(a []any, i int, rest []step) error {
	if i = at(i, len(a)); i < 0 {
		return nil
	}
	return w.step(rest, a[i])
}

// bounds gives the indices of the slice as the library counts them: with both ends given they are taken as they are, so that [1:-1] is
// empty while [-3:-1] is not.
func (s slice) bounds(n int) (from, to int) {
	switch {
	case s.from == nil && s.to == nil:
		return 0, n
	case s.to == nil:
		if from = *s.from; from < 0 {
			from += n
		}
		return max(from, 0), n
	case s.from == nil:
		if to = *s.to; to < 0 {
			to += n
		}
		return 0, min(to, n)
	}
	return max(*s.from, -n), min(*s.to, n)
}

// children calls do with every element, or every field's value in the order of the names.
func (w *walk) children(v any, do func(any) error) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := do(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if err := do(v[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// filter keeps the elements of an array that pass; an object is kept itself.
func (w *walk) filter(f filter, rest []step, v any) error {
	keep := func(e any) error {
		ok, err := f.test.holds(w, e)
		if err != nil || !ok {
			return err
		}
		return w.step(rest, e)
	}
	switch v := v.(type) {
	case []any:
		return w.children(v, keep)
	case map[string]any:
		return keep(v)
	}
	return nil
}

// scan applies the steps to v and to all that is in it. Under a filter an object in an array would be found twice, by its array and by
// itself, so there only what no array holds is found by itself.
func (w *walk) scan(steps []step, v any) error {
	return w.descend(steps, v, false)
}

func (w *walk) descend(steps []step, v any, inArray bool) error {
	if w.visited++; w.visited > maxVisited {
		return errBudget
	}
	_, isFilter := steps[0].(filter)
	_, isObject := v.(map[string]any)
	if !(isFilter && isObject && inArray) {
		if err := w.step(steps, v); err != nil {
			return err
		}
	}
	_, isArray := v.([]any)
	return w.children(v, func(e any) error { return w.descend(steps, e, isArray) })
}
