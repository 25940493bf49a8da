package check

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// extent is the most bytes that a value has as JSON: those of the fields that are known, and of all the rest. The zero value is a value of
// which nothing is known.
type extent struct {
	known  bool
	bytes  int64            // of the rest, the brackets included
	fields map[string]int64 // of the values of fields; others are in the rest
}

func bytesOf(n int64) extent { return extent{known: true, bytes: min(n, huge)} }

// size gives all bytes, with the quotes, colons and commas of the fields.
func (e extent) size() int64 {
	n := e.bytes
	for name, v := range e.fields {
		n = plus(n, plus(v, int64(quoted(name))+2))
	}
	return n
}

func quoted(s string) int {
	b, err := json.Marshal(s)
	if err != nil {
		return len(s)*6 + 2
	}
	return len(b)
}

// join is a value that is one or the other.
func join(a, b extent) extent {
	if !a.known || !b.known {
		return extent{}
	}
	out := extent{known: true, bytes: max(a.bytes, b.bytes), fields: make(map[string]int64)}
	maps.Copy(out.fields, a.fields)
	for name, v := range b.fields {
		out.fields[name] = max(out.fields[name], v)
	}
	return out
}

// field is a part of the value; a part of the rest is never larger than the rest.
func (e extent) field(name string) extent {
	if !e.known {
		return e
	}
	return bytesOf(max(e.fields[name], e.bytes, 4))
}

// with is the value with a field set.
func (e extent) with(name string, v extent) extent {
	if !e.known || !v.known {
		return extent{}
	}
	out := extent{known: true, bytes: e.bytes, fields: make(map[string]int64, len(e.fields)+1)}
	maps.Copy(out.fields, e.fields)
	out.fields[name] = v.size()
	return out
}

// equal says whether two extents are the same.
func (e extent) equal(o extent) bool {
	return e.known == o.known && e.bytes == o.bytes && maps.Equal(e.fields, o.fields)
}

// literal is the extent of a value of the definition.
func literal(v any) extent {
	switch v := v.(type) {
	case *object:
		fields := make(map[string]int64, len(v.names))
		for _, name := range v.names {
			fields[name] = literal(v.fields[name]).size()
		}
		return extent{known: true, bytes: 2, fields: fields}
	case []any:
		n := int64(2)
		for _, e := range v {
			n = plus(n, literal(e).size()+1)
		}
		return bytesOf(n)
	case string:
		return bytesOf(int64(quoted(v)))
	case json.Number:
		return bytesOf(int64(len(v)))
	}
	return bytesOf(5)
}

// scope is what a template sees: $ or $states.input, $states.result, and the item and index of a Map.
type scope struct{ input, result, item extent }

// path is what a path selects; anything but a definite path from $ and what a Map tells is not known.
func (s scope) path(text string) extent {
	p, err := jsonpath.Parse(text)
	if err != nil || !p.Definite() {
		return extent{}
	}
	name, ok := p.Field()
	switch {
	case p.Root() == "$" && strings.HasPrefix(text, "$$.Map.Item.Index"):
		return bytesOf(20)
	case p.Root() == "$" && strings.HasPrefix(text, "$$.Map.Item.Value"):
		return s.item
	case p.Root() != "" || !p.IsReference():
		return extent{}
	case ok && name != "":
		return s.input.field(name)
	}
	return s.input
}

// plainPath is an expression that only selects.
var plainPath = regexp.MustCompile(`^\{%\s*\$states\.(input|result|context\.Map\.Item\.Value|context\.Map\.Item\.Index)(?:\.([A-Za-z_]\w*))?(?:\.[A-Za-z_]\w*)*\s*%\}$`)

// text is what a text of a template under JSONata stands for.
func (s scope) text(v string) extent {
	if !strings.HasPrefix(v, "{%") {
		return literal(v)
	}
	m := plainPath.FindStringSubmatch(v)
	if m == nil {
		return extent{}
	}
	e := map[string]extent{"input": s.input, "result": s.result, "context.Map.Item.Value": s.item, "context.Map.Item.Index": bytesOf(20)}[m[1]]
	if m[2] != "" {
		return e.field(m[2])
	}
	return e
}

// template is the extent of what a template gives.
func (s scope) template(v any, jsonata bool) extent {
	switch v := v.(type) {
	case *object:
		fields := make(map[string]int64, len(v.names))
		for _, name := range v.names {
			inner, bare := v.fields[name], name
			var e extent
			if path, isText := inner.(string); isText && !jsonata && strings.HasSuffix(name, ".$") {
				bare = strings.TrimSuffix(name, ".$")
				e = s.path(path)
			} else {
				e = s.template(inner, jsonata)
			}
			if !e.known {
				return extent{}
			}
			fields[bare] = e.size()
		}
		return extent{known: true, bytes: 2, fields: fields}
	case []any:
		n := int64(2)
		for _, item := range v {
			e := s.template(item, jsonata)
			if !e.known {
				return extent{}
			}
			n = plus(n, e.size()+1)
		}
		return bytesOf(n)
	case string:
		switch {
		case strings.Contains(v, "${"):
			return extent{} // filled by who deploys
		case jsonata:
			return s.text(v)
		}
	}
	return literal(v)
}

// places gives the keys of a map in their order.
func places[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
