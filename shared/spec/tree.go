package spec

import (
	"fmt"
	"math"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Bounds of a document, aliases and included files expanded.
const (
	MaxNodes = 10_000
	MaxDepth = 100
)

// place is where something stands in a file.
type place struct {
	file         string
	line, column int
}

// of gives the problem with its place.
func (at place) of(p fault.Problem) fault.Problem {
	p.File, p.Line, p.Column = at.file, at.line, at.column
	return p
}

// item is a value of a document with its place. Exactly one of scalar, list and fields is meant, by kind.
type item struct {
	at, key place // of the value; of the key in front of it, else the same
	kind    yaml.Kind
	scalar  any // nil, bool, int64, float64, string
	list    []*item
	names   []string // of fields, in the order of the document
	fields  map[string]*item
}

// get gives a field, or nil.
func (it *item) get(name string) *item {
	if it == nil {
		return nil
	}
	return it.fields[name]
}

// put adds or replaces a field.
func (it *item) put(name string, v *item) {
	if _, known := it.fields[name]; !known {
		it.names = append(it.names, name)
	}
	it.fields[name] = v
}

// value gives the plain value: nil, bool, int64, float64, string, []any, map[string]any.
func (it *item) value() any {
	switch it.kind {
	case yaml.SequenceNode:
		out := make([]any, len(it.list))
		for i, e := range it.list {
			out[i] = e.value()
		}
		return out
	case yaml.MappingNode:
		out := make(map[string]any, len(it.fields))
		for name, e := range it.fields {
			out[name] = e.value()
		}
		return out
	}
	return it.scalar
}

// grower turns nodes of one file into items. Budget is shared by all files of a document.
type grower struct {
	file     string
	budget   *int // nodes that may still come
	open     map[*yaml.Node]bool
	problems fault.Problems
	full     bool // the budget was passed; said once
	alias    *use // the outermost alias that is being followed
}

// use is where an alias stands.
type use struct {
	at   place
	path string
}

func (g *grower) add(at place, p fault.Problem) { g.problems = append(g.problems, at.of(p)) }

func (g *grower) grow(n *yaml.Node, path string, depth int) *item {
	at := place{g.file, n.Line, n.Column}
	it := &item{at: at, key: at, kind: n.Kind}
	if g.full {
		return it
	}
	*g.budget--
	switch {
	case *g.budget < 0:
		g.full = true
		if g.alias != nil {
			at, path = g.alias.at, g.alias.path
		}
		g.add(at, fault.Problem{Path: path, Code: "too_many_nodes", Message: fmt.Sprintf("the document has more than %d values", MaxNodes), Hint: "aliases count as what they stand for"})
		return it
	case depth > MaxDepth:
		g.add(at, fault.Problem{Code: "too_deep", Message: fmt.Sprintf("values are nested more than %d deep", MaxDepth)})
		g.full = true
		return it
	}
	switch n.Kind {
	case yaml.AliasNode:
		if g.open[n.Alias] {
			g.add(at, fault.Problem{Path: path, Code: "alias_cycle", Message: fmt.Sprintf("the anchor &%s holds itself", n.Value)})
			return it
		}
		if g.alias == nil {
			g.alias = &use{at, path}
			defer func() { g.alias = nil }()
		}
		return g.grow(n.Alias, path, depth+1)
	case yaml.SequenceNode:
		g.open[n] = true
		for i, e := range n.Content {
			it.list = append(it.list, g.grow(e, setting.Index(path, i), depth+1))
		}
		delete(g.open, n)
	case yaml.MappingNode:
		g.open[n] = true
		g.mapping(it, n, path, depth)
		delete(g.open, n)
	case yaml.ScalarNode:
		it.scalar = g.scalar(n, at, path)
	}
	if tag := n.ShortTag(); n.Kind != yaml.ScalarNode && tag != "!!map" && tag != "!!seq" {
		g.add(at, fault.Problem{Path: path, Code: "unknown_tag", Message: fmt.Sprintf("the tag %s is not known", n.Tag), Hint: "leave it out"})
	}
	return it
}

// mapping fills the fields: those written here first, those of merge keys where they are not written.
func (g *grower) mapping(it *item, n *yaml.Node, path string, depth int) {
	it.fields = make(map[string]*item, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		at := place{g.file, n.Content[i].Line, n.Content[i].Column}
		switch {
		case key.Kind != yaml.ScalarNode:
			g.add(at, fault.Problem{Path: path, Code: "bad_key", Message: "a key must be text, not a list or a map"})
			continue
		case key.ShortTag() == "!!merge":
			merged = append(merged, value)
			continue
		}
		field := g.grow(value, setting.Join(path, key.Value), depth+1)
		if first, twice := it.fields[key.Value]; twice {
			g.add(at, fault.Problem{Path: setting.Join(path, key.Value), Code: "duplicate_key", Message: fmt.Sprintf("the key %q is there twice, first on line %d", key.Value, first.key.line), Hint: "keep one of them"})
			continue
		}
		field.key = at
		it.put(key.Value, field)
	}
	for _, m := range merged {
		g.merge(it, m, path, depth)
	}
}

func (g *grower) merge(it *item, n *yaml.Node, path string, depth int) {
	from := g.grow(n, path, depth+1)
	sources := []*item{from}
	if from.kind == yaml.SequenceNode {
		sources = from.list
	}
	for _, s := range sources {
		if s.kind != yaml.MappingNode {
			if !g.full {
				g.add(place{g.file, n.Line, n.Column}, fault.Problem{Path: path, Code: "bad_merge", Message: "<< wants a map or a list of maps", Hint: "write <<: *name of an anchored map, or a list of such"})
			}
			return
		}
		for _, name := range s.names {
			if _, written := it.fields[name]; !written {
				it.put(name, s.fields[name])
			}
		}
	}
}

var (
	wholeForm = regexp.MustCompile(`^[-+]?[0-9][0-9_]*$`)
	zeroForm  = regexp.MustCompile(`^[-+]?0[0-9_]+$`)
)

// scalar gives the value of a scalar. What YAML versions read differently is refused or stays text, so that nobody is surprised:
// yes, no, on and off are text; dates are text; whole numbers with a leading zero are refused.
func (g *grower) scalar(n *yaml.Node, at place, path string) any {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil
	case "!!str", "!!timestamp":
		return n.Value
	case "!!bool", "!!int", "!!float":
		if plain && zeroForm.MatchString(n.Value) {
			g.add(at, fault.Problem{Path: path, Code: "leading_zero", Message: fmt.Sprintf("%s is read as octal by some and as decimal by others", n.Value), Hint: fmt.Sprintf("quote it for text: %q; a number has no leading zero", n.Value)})
			return n.Value
		}
		return g.number(n, at, path)
	default:
		g.add(at, fault.Problem{Path: path, Code: "unknown_tag", Message: fmt.Sprintf("the tag %s is not known", n.Tag), Hint: "leave it out"})
		return n.Value
	}
}

func (g *grower) number(n *yaml.Node, at place, path string) any {
	var v any
	if err := n.Decode(&v); err != nil {
		g.add(at, fault.Problem{Path: path, Code: "bad_yaml", Message: strings.TrimPrefix(err.Error(), "yaml: ")})
		return n.Value
	}
	switch x := v.(type) {
	case bool:
		return x
	case int:
		return int64(x)
	case int64:
		return x
	case float64:
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			g.add(at, fault.Problem{Path: path, Code: "not_finite", Message: fmt.Sprintf("%s is no number that can be stored", n.Value)})
			return n.Value
		case !wholeForm.MatchString(n.Value):
			return x
		}
	}
	g.add(at, fault.Problem{Path: path, Code: "too_large", Message: fmt.Sprintf("%s is beyond the range of whole numbers", n.Value), Hint: "a whole number has at most 64 bits; quote it for text"})
	return n.Value
}
