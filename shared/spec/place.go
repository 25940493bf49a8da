package spec

import (
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// places knows where each path of a document stands.
type places map[string]spot

// spot is the place of a value and of the key in front of it.
type spot struct{ value, key place }

// mark notes the places of an item and all below it.
func (ps places) mark(it *item, path string) {
	s := spot{value: it.at, key: it.key}
	if it.kind != yaml.ScalarNode {
		s.value = it.key // a list or map under a key is found by the key
	}
	ps[path] = s
	for i, e := range it.list {
		ps.mark(e, setting.Index(path, i))
	}
	for name, e := range it.fields {
		ps.mark(e, setting.Join(path, name))
	}
}

// find gives the deepest known place of a path.
func (ps places) find(path string) (spot, bool) {
	for {
		if s, ok := ps[path]; ok {
			return s, ok
		}
		if path == "" {
			return spot{}, false
		}
		path = parent(path)
	}
}

// annotate fills in file, line and column of problems that have none. What is wrong with a key points at the key.
func (ps places) annotate(problems fault.Problems) fault.Problems {
	out := make(fault.Problems, len(problems))
	for i, p := range problems {
		if s, ok := ps.find(p.Path); ok && p.Line == 0 {
			at := s.value
			if p.Code == "unknown_key" {
				at = s.key
			}
			p.File, p.Line, p.Column = at.file, at.line, at.column
		}
		out[i] = p
	}
	out.Sort()
	return out
}

var lastSegment = regexp.MustCompile(`(\.[^.\[\]"]+|\[[0-9]+\]|\["(?:[^"\\]|\\.)*"\])$`)

// parent cuts the last segment off a path; "" is the parent of the first.
func parent(path string) string {
	if loc := lastSegment.FindStringIndex(path); loc != nil {
		return path[:loc[0]]
	}
	if i := strings.LastIndexAny(path, ".["); i > 0 {
		return path[:i]
	}
	return ""
}
