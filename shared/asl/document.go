package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// node is a JSON value that knows where it stands and in which order its fields came.
type node struct {
	path  string
	value any // string, json.Number, bool, nil; []*node; []member
}

// member is a field of an object.
type member struct {
	key string
	*node
}

// index gives the path of an element.
func index(path string, i int) string { return path + "/" + strconv.Itoa(i) }

// object gives the fields, false when the node is none.
func (n *node) object() ([]member, bool) {
	m, ok := n.value.([]member)
	return m, ok
}

// kind names the type for messages.
func (n *node) kind() string {
	switch n.value.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case nil:
		return "null"
	case []*node:
		return "an array"
	}
	return "an object"
}

// parser reads JSON into nodes and notes keys that stand twice.
type parser struct {
	dec      *json.Decoder
	problems *fault.Problems
	depth    int
}

// maxNesting bounds values inside each other in a definition, which are read by a call each.
const maxNesting = 2000

// parse reads one JSON text.
func parse(text []byte, problems *fault.Problems) (*node, error) {
	p := &parser{dec: json.NewDecoder(bytes.NewReader(text)), problems: problems}
	p.dec.UseNumber()
	n, err := p.node("")
	if err != nil {
		return nil, place(text, p.dec.InputOffset(), err)
	}
	if _, err := p.dec.Token(); err != io.EOF {
		return nil, place(text, p.dec.InputOffset(), fmt.Errorf("more than one value"))
	}
	return n, nil
}

// place adds line and column to an error.
func place(text []byte, offset int64, err error) error {
	before := string(text[:min(int(offset), len(text))])
	line := strings.Count(before, "\n") + 1
	return fault.Problems{{
		Line: line, Column: len(before) - strings.LastIndexByte(before, '\n'),
		Path: "/", Code: "invalid_json", Message: err.Error(),
	}}
}

func (p *parser) node(path string) (*node, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, err
	}
	if _, opens := t.(json.Delim); opens {
		if p.depth++; p.depth > maxNesting {
			return nil, fmt.Errorf("more than %d values inside each other", maxNesting)
		}
		defer func() { p.depth-- }()
	}
	switch t {
	case json.Delim('{'):
		return p.fields(path)
	case json.Delim('['):
		items := []*node{}
		for p.dec.More() {
			n, err := p.node(index(path, len(items)))
			if err != nil {
				return nil, err
			}
			items = append(items, n)
		}
		_, err := p.dec.Token()
		return &node{path: path, value: items}, err
	}
	return &node{path: path, value: t}, nil
}

func (p *parser) fields(path string) (*node, error) {
	members := []member{}
	seen := make(map[string]bool)
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return nil, err
		}
		key := t.(string)
		at := path + "/" + key
		if seen[key] {
			*p.problems = append(*p.problems, fault.Problem{Path: at, Code: "duplicate_key", Message: "this name stands twice in its object"})
		}
		seen[key] = true
		n, err := p.node(at)
		if err != nil {
			return nil, err
		}
		members = append(members, member{key, n})
	}
	_, err := p.dec.Token()
	return &node{path: path, value: members}, err
}

// plain gives the value as the interpreter handles it.
func (n *node) plain() (any, error) {
	switch v := n.value.(type) {
	case []*node:
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = e.plain(); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []member:
		out := make(map[string]any, len(v))
		for _, m := range v {
			var err error
			if out[m.key], err = m.plain(); err != nil {
				return nil, err
			}
		}
		return out, nil
	case json.Number:
		return jsonata.Number(v)
	}
	return n.value, nil
}
