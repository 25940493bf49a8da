package modeltest

import (
	"slices"
	"strconv"
	"strings"
)

// part is a step into a document: the name of an attribute, or an index of a list when name is empty.
type part struct {
	name  string
	index int
}

// path leads to an attribute or into one.
type path []part

// path reads a document path.
func (p *parser) path() (path, error) {
	first, err := p.attribute()
	if err != nil {
		return nil, err
	}
	out := path{first}
	for {
		switch {
		case p.sign("."):
			next, err := p.attribute()
			if err != nil {
				return nil, err
			}
			out = append(out, next)
		case p.sign("["):
			t := p.take()
			n, err := strconv.Atoi(t.text)
			if t.kind != "index" || err != nil {
				return nil, syntax(t.text)
			}
			if err := p.must("]"); err != nil {
				return nil, err
			}
			out = append(out, part{index: n})
		default:
			if len(out) > 32 {
				return nil, refuse("Invalid expression: The document path has too many nesting levels")
			}
			return out, nil
		}
	}
}

// attribute reads one name of a path: written out and not reserved, or by its #name.
func (p *parser) attribute() (part, error) {
	t := p.take()
	switch t.kind {
	case "name":
		if isReserved(t.text) {
			return part{}, refuse("Invalid expression: Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		return part{name: t.text}, nil
	case "alias":
		name, ok := p.scope.names[t.text]
		if !ok {
			return part{}, refuse("Invalid expression: An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.scope.used[t.text] = true
		return part{name: name}, nil
	}
	return part{}, syntax(t.text)
}

// find follows the path.
func (p path) find(it item) (value, bool) {
	v, ok := it[p[0].name]
	for _, step := range p[1:] {
		switch {
		case !ok:
			return v, false
		case step.name != "":
			v, ok = v.attrs[step.name]
		case v.kind == "L" && step.index < len(v.list):
			v = v.list[step.index]
		default:
			return v, false
		}
	}
	return v, ok
}

// inside gives the document that the path's last step goes into; the item itself for a path of one step.
func (p path) inside(it item) (value, bool) {
	if len(p) == 1 {
		return value{kind: "M", attrs: it}, true
	}
	v, ok := p[:len(p)-1].find(it)
	if last := p[len(p)-1]; last.name != "" {
		return v, ok && v.kind == "M"
	}
	return v, ok && v.kind == "L"
}

// change gives a copy of v in which do has changed what the path leads to.
func (p path) change(v value, do func(parent value, last part) value) value {
	if len(p) == 1 {
		return do(v, p[0])
	}
	if p[0].name != "" {
		return v.with(p[0].name, p[1:].change(v.attrs[p[0].name], do))
	}
	v.list = slices.Clone(v.list)
	v.list[p[0].index] = p[1:].change(v.list[p[0].index], do)
	return v
}

// with is a copy of a map in which one attribute is another.
func (v value) with(name string, e value) value {
	out := make(map[string]value, len(v.attrs)+1)
	for k, old := range v.attrs {
		out[k] = old
	}
	out[name] = e
	v.attrs = out
	return v
}

// without is a copy of a map that lacks one attribute.
func (v value) without(name string) value {
	out := make(map[string]value, len(v.attrs))
	for k, old := range v.attrs {
		if k != name {
			out[k] = old
		}
	}
	v.attrs = out
	return v
}

// disjoint refuses two paths of one expression of which one leads into the other, or that see one document as list and map.
func disjoint(paths []path) error {
	for i, a := range paths {
		for _, b := range paths[:i] {
			n := 0
			for n < len(a) && n < len(b) && a[n] == b[n] {
				n++
			}
			switch {
			case n == len(a) || n == len(b):
				return refuse("Invalid expression: Two document paths overlap with each other; path one: %s, path two: %s", b, a)
			case (a[n].name == "") != (b[n].name == ""):
				return refuse("Invalid expression: Two document paths conflict with each other; path one: %s, path two: %s", b, a)
			}
		}
	}
	return nil
}

func (p path) String() string {
	var out []string
	for _, step := range p {
		if step.name == "" {
			out = append(out, "["+strconv.Itoa(step.index)+"]")
		} else {
			out = append(out, step.name)
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// compare orders paths: by the steps from the left, then by length.
func (p path) compare(o path) int {
	return slices.CompareFunc(p, o, func(a, b part) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return a.index - b.index
	})
}

func (p path) equal(o path) bool { return slices.Equal(p, o) }

// projection reads a list of paths; nil gives whole items.
func (s *scope) projection(expression *string) ([]path, error) {
	if expression == nil {
		return nil, nil
	}
	p, err := s.parser(*expression)
	if err != nil {
		return nil, err
	}
	var out []path
	for more := true; more; more = p.sign(",") {
		next, err := p.path()
		if err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return out, disjoint(out)
}

// project gives the parts of an item that the paths lead to; the elements of a list close ranks.
func project(it item, paths []path) item {
	if paths == nil {
		return it
	}
	return item(pick(value{kind: "M", attrs: it}, paths).attrs)
}

func pick(v value, paths []path) value {
	out := value{kind: v.kind}
	if v.kind == "M" {
		out.attrs = map[string]value{}
	}
	indexes := map[part][]path{}
	var order []part
	for _, p := range paths {
		if _, ok := p.find2(v); !ok {
			continue
		}
		if _, ok := indexes[p[0]]; !ok {
			order = append(order, p[0])
		}
		indexes[p[0]] = append(indexes[p[0]], p[1:])
	}
	slices.SortFunc(order, func(a, b part) int { return a.index - b.index })
	for _, step := range order {
		e, _ := path{step}.find2(v)
		if rest := indexes[step]; len(rest[0]) > 0 {
			e = pick(e, rest)
		}
		if step.name != "" {
			out.attrs[step.name] = e
		} else {
			out.list = append(out.list, e)
		}
	}
	return out
}

// find2 follows the path from inside a value.
func (p path) find2(v value) (value, bool) {
	if p[0].name == "" {
		return append(path{{name: "v"}}, p...).find(item{"v": v})
	}
	return p.find(item(v.attrs))
}
