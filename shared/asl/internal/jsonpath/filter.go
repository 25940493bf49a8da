package jsonpath

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// condition is what a filter tests of a value.
type condition interface {
	holds(w *walk, v any) (bool, error)
}

type (
	both    []condition // &&
	either  []condition // ||
	negated struct{ of condition }
	exists  struct{ path *Path }
	compare struct {
		op          string
		left, right operand
	}
)

func (b both) holds(w *walk, v any) (bool, error) {
	for _, c := range b {
		if ok, err := c.holds(w, v); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (e either) holds(w *walk, v any) (bool, error) {
	for _, c := range e {
		if ok, err := c.holds(w, v); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (n negated) holds(w *walk, v any) (bool, error) {
	ok, err := n.of.holds(w, v)
	return !ok && err == nil, err
}

func (e exists) holds(w *walk, v any) (bool, error) {
	_, there, err := operand{path: e.path}.value(w, v)
	return there, err
}

func (c compare) holds(w *walk, v any) (bool, error) {
	if w.visited++; w.visited > maxVisited {
		return false, errBudget
	}
	l, lThere, err := c.left.value(w, v)
	if err != nil {
		return false, err
	}
	if c.right.pattern != nil {
		return lThere && w.matches(c.right.pattern, l), nil
	}
	r, rThere, err := c.right.value(w, v)
	if err != nil {
		return false, err
	}
	if !lThere || !rThere {
		return absent(c.op, lThere, rThere), nil
	}
	ok := w.compare(c.op, l, r)
	if w.visited > maxVisited {
		return false, errBudget
	}
	return ok, nil
}

// absent compares when a side selects nothing: that is equal to nothing else, and never a list.
func absent(op string, left, right bool) bool {
	switch op {
	case "==":
		return left == right
	case "!=":
		return left != right
	case "nin":
		return !left && right
	}
	return false
}

// matches tests a text; a long one counts like many values.
func (w *walk) matches(pattern *regexp.Regexp, v any) bool {
	switch v.(type) {
	case string, bool, float64, int64:
		s := Text(v)
		w.visited += len(s) / 32
		return pattern.MatchString(s)
	}
	return false
}

// operand is one side of a comparison, or an argument of a function: a path, a pattern or else a literal.
type operand struct {
	path    *Path
	literal any
	pattern *regexp.Regexp
}

// value gives the operand's value, false when its path selects nothing.
func (o operand) value(w *walk, v any) (any, bool, error) {
	if o.path == nil {
		return o.literal, true, nil
	}
	if o.path.root != "@" {
		v = w.root
	}
	found, err := w.get(o.path, v)
	switch {
	case err == errBudget:
		return nil, false, err
	case err != nil:
		return nil, false, nil
	}
	if list, ok := found.([]any); ok && !o.path.Definite() && len(list) == 0 {
		return nil, false, nil
	}
	return found, true, nil
}

// filter reads ?( … ).
func (p *parser) filter() (step, error) {
	p.pos++
	p.space()
	start := p.pos
	if !p.accept("(") {
		return nil, p.fail("( comes after ?")
	}
	c, err := p.disjunction()
	if err != nil {
		return nil, err
	}
	if !p.accept(")") {
		return nil, p.fail(") is missing")
	}
	return filter{text: p.text[start:p.pos], test: c}, nil
}

func (p *parser) disjunction() (condition, error) {
	var out either
	for {
		c, err := p.conjunction()
		if err != nil {
			return nil, err
		}
		if out = append(out, c); !p.accept("||") {
			if len(out) == 1 {
				return c, nil
			}
			return out, nil
		}
	}
}

func (p *parser) conjunction() (condition, error) {
	var out both
	for {
		c, err := p.term()
		if err != nil {
			return nil, err
		}
		if out = append(out, c); !p.accept("&&") {
			if len(out) == 1 {
				return c, nil
			}
			return out, nil
		}
	}
}

// term reads ! …, ( … ), a comparison or a path that is to exist, and the space behind it.
func (p *parser) term() (condition, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return nil, p.fail("the filter is deeper than %d levels", maxDepth)
	}
	p.space()
	defer p.space()
	switch {
	case p.accept("!"):
		c, err := p.term()
		return negated{c}, err
	case p.accept("("):
		c, err := p.disjunction()
		if err == nil && !p.accept(")") {
			err = p.fail(") is missing")
		}
		return c, err
	}
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	op := p.operator()
	if op == "" {
		if left.path == nil {
			return nil, p.fail("an operator is missing")
		}
		return exists{left.path}, nil
	}
	p.space()
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	if left.pattern != nil || (right.pattern != nil) != (op == "=~") {
		return nil, p.fail("a pattern stands to the right of =~, and nowhere else")
	}
	return compare{op, left, right}, nil
}

// operator reads an operator, "" when none comes.
func (p *parser) operator() string {
	for _, op := range []string{"==", "!=", "<=", ">=", "=~", "<", ">"} {
		if p.accept(op) {
			return op
		}
	}
	end := p.pos
	for end < len(p.text) && (p.text[end]|0x20) >= 'a' && (p.text[end]|0x20) <= 'z' {
		end++
	}
	switch word := strings.ToLower(p.text[p.pos:end]); word {
	case "in", "nin", "subsetof", "anyof", "noneof", "contains", "size", "empty":
		p.pos = end
		return word
	}
	return ""
}

// operand reads a path, a pattern or a literal.
func (p *parser) operand() (operand, error) {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > maxDepth {
		return operand{}, p.fail("the filter is deeper than %d levels", maxDepth)
	}
	switch c := p.peek(); c {
	case '@', '$':
		start := p.pos
		p.pos++
		path := &Path{root: string(c)}
		err := p.steps(path, true)
		path.text = p.text[start:p.pos]
		return operand{path: path}, err
	case '/':
		return p.pattern()
	case '\'', '"':
		s, err := p.quoted()
		return operand{literal: s}, err
	case '[':
		return p.array()
	}
	if p.peek() != '{' {
		return p.scalar()
	}
	d := json.NewDecoder(strings.NewReader(p.text[p.pos:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return operand{}, p.fail("a path or a value is missing")
	}
	v, err := jsonata.Decode(raw)
	if err != nil {
		return operand{}, p.fail("%s", err)
	}
	p.pos += int(d.InputOffset())
	return operand{literal: v}, nil
}

// scalar reads a number, true, false or null.
func (p *parser) scalar() (operand, error) {
	end := p.pos
	for end < len(p.text) && !strings.ContainsRune(" \t),]=!<>&|", rune(p.text[end])) {
		end++
	}
	v, err := jsonata.Decode([]byte(p.text[p.pos:end]))
	if err != nil {
		return operand{}, p.fail("a path or a value is missing")
	}
	p.pos = end
	return operand{literal: v}, nil
}

// array reads [ … ] of literals.
func (p *parser) array() (operand, error) {
	p.pos++
	out := []any{}
	for p.space(); !p.accept("]"); p.space() {
		if len(out) > 0 && !p.accept(",") {
			return operand{}, p.fail("a comma or ] comes after a value")
		}
		p.space()
		o, err := p.operand()
		if err != nil {
			return operand{}, err
		}
		if o.path != nil || o.pattern != nil {
			return operand{}, p.fail("a list in a filter holds values only")
		}
		out = append(out, o.literal)
	}
	return operand{literal: out}, nil
}

// pattern reads /…/ and its flags. The pattern is to match the whole text, as in the library.
func (p *parser) pattern() (operand, error) {
	end := p.pos + 1
	for end < len(p.text) && p.text[end] != '/' {
		if p.text[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(p.text) {
		return operand{}, p.fail("the pattern does not end")
	}
	text := strings.ReplaceAll(p.text[p.pos+1:end], `\/`, "/")
	flags := ""
	for end++; end < len(p.text) && strings.ContainsRune("ims", rune(p.text[end])); end++ {
		flags += p.text[end : end+1]
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(flags + `\A(?:` + text + `)\z`)
	if err != nil {
		return operand{}, p.fail("the pattern is wrong: %s", err)
	}
	p.pos = end
	return operand{pattern: re}, nil
}
