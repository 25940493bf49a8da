package modeltest

import "strings"

// token is a word, a placeholder, a number or a sign of an expression; "" ends it.
type token struct {
	kind string // name | alias | value | index | sign | end
	text string
}

// lex cuts an expression into tokens.
func lex(s string) ([]token, error) {
	var out []token
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case letter(c):
			out = append(out, token{"name", word(s[i:])})
		case c == '#':
			out = append(out, token{"alias", "#" + word(s[i+1:])})
		case c == ':':
			out = append(out, token{"value", ":" + word(s[i+1:])})
		case digit(c):
			out = append(out, token{"index", s[i : i+len(s[i:])-len(strings.TrimLeft(s[i:], "0123456789"))]})
		case strings.HasPrefix(s[i:], "<>") || strings.HasPrefix(s[i:], "<=") || strings.HasPrefix(s[i:], ">="):
			out = append(out, token{"sign", s[i : i+2]})
		case strings.IndexByte("=<>(),.[]+-", c) >= 0:
			out = append(out, token{"sign", s[i : i+1]})
		default:
			return nil, syntax(s[i : i+1])
		}
		last := out[len(out)-1]
		if len(last.text) == 1 && (last.kind == "alias" || last.kind == "value") {
			return nil, syntax(last.text)
		}
		i += len(last.text)
	}
	return append(out, token{kind: "end", text: "<EOF>"}), nil
}

func syntax(text string) error { return refuse("Invalid expression: Syntax error; token: %q", text) }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// word is the beginning of s that a name may consist of.
func word(s string) string {
	n := 0
	for n < len(s) && (letter(s[n]) || digit(s[n]) || s[n] == '_') {
		n++
	}
	return s[:n]
}

// parser reads the tokens of one expression, with the request's names and values.
type parser struct {
	tokens []token
	scope  *scope
}

// scope is what #names and :values of a request stand for, and which of them were used.
type scope struct {
	names  map[string]string
	values item
	used   map[string]bool
}

// newScope checks the names and values of a request; nil maps were not sent.
func newScope(names map[string]string, values map[string]wire, expressions ...*string) (*scope, error) {
	any := false
	for _, e := range expressions {
		any = any || e != nil
	}
	switch {
	case !any && (names != nil || values != nil):
		return nil, refuse("ExpressionAttributeNames and ExpressionAttributeValues can only be specified when using expressions")
	case names != nil && len(names) == 0:
		return nil, refuse("ExpressionAttributeNames must not be empty")
	case values != nil && len(values) == 0:
		return nil, refuse("ExpressionAttributeValues must not be empty")
	}
	for key, name := range names {
		if !placeholder(key, '#') || name == "" {
			return nil, refuse("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", key)
		}
	}
	for key := range values {
		if !placeholder(key, ':') {
			return nil, refuse("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", key)
		}
	}
	read, err := readItem(values)
	return &scope{names: names, values: read, used: map[string]bool{}}, err
}

func placeholder(key string, first byte) bool {
	return len(key) > 1 && key[0] == first && word(key[1:]) == key[1:]
}

// allUsed refuses names and values that no expression used.
func (s *scope) allUsed() error {
	for key := range s.names {
		if !s.used[key] {
			return refuse("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", key)
		}
	}
	for key := range s.values {
		if !s.used[key] {
			return refuse("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", key)
		}
	}
	return nil
}

// parser begins to read an expression.
func (s *scope) parser(expression string) (*parser, error) {
	if strings.TrimSpace(expression) == "" {
		return nil, refuse("Invalid expression: The expression can not be empty;")
	}
	if len(expression) > 4096 {
		return nil, refuse("Invalid expression: Expression size has exceeded the maximum allowed size")
	}
	tokens, err := lex(expression)
	return &parser{tokens: tokens, scope: s}, err
}

func (p *parser) next() token { return p.tokens[0] }

func (p *parser) take() token {
	t := p.tokens[0]
	if t.kind != "end" {
		p.tokens = p.tokens[1:]
	}
	return t
}

// sign takes a sign if it is the next token.
func (p *parser) sign(text string) bool {
	if t := p.next(); t.kind != "sign" || t.text != text {
		return false
	}
	p.take()
	return true
}

// keyword takes a keyword, in whatever case, if it is the next token.
func (p *parser) keyword(word string) bool {
	if t := p.next(); t.kind != "name" || !strings.EqualFold(t.text, word) {
		return false
	}
	p.take()
	return true
}

// must takes a sign or says that it is missing.
func (p *parser) must(text string) error {
	if !p.sign(text) {
		return syntax(p.next().text)
	}
	return nil
}

// end says whether everything was read.
func (p *parser) end() error {
	if t := p.next(); t.kind != "end" {
		return syntax(t.text)
	}
	return nil
}
