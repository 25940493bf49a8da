package intrinsic

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// parser reads a call.
type parser struct {
	text  string
	pos   int
	depth int
}

// Parse reads a call such as States.Array($.a, 'x', States.UUID()). Any problem is a *SyntaxError.
func Parse(text string) (*Call, error) {
	p := &parser{text: text}
	if len(text) > maxText {
		p.text = text[:64]
		return nil, p.fail("the function is longer than %d bytes", maxText)
	}
	if !utf8.ValidString(text) {
		return nil, p.fail("the function is not UTF-8")
	}
	p.space()
	root, err := p.invocation()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos < len(text) {
		return nil, p.fail("something follows the function")
	}
	return &Call{text: text, root: root}, nil
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Call: p.text, Offset: p.pos, Message: fmt.Sprintf(format, args...)}
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

func (p *parser) space() {
	for strings.IndexByte(" \t\r\n", p.peek()) >= 0 {
		p.pos++
	}
}

// word reads letters, digits and dots.
func (p *parser) word() string {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n(),'", p.text[p.pos]) < 0 {
		p.pos++
	}
	return p.text[start:p.pos]
}

// invocation reads a function's name and its arguments.
func (p *parser) invocation() (*invocation, error) {
	p.depth++
	defer func() { p.depth-- }()
	start := p.pos
	name := p.word()
	f := functions[name]
	switch {
	case f == nil && strings.HasPrefix(name, "States."):
		p.pos = start
		return nil, p.fail("%s is no intrinsic function", name)
	case f == nil:
		p.pos = start
		return nil, p.fail("an intrinsic function begins with States.")
	case p.depth > maxNested:
		p.pos = start
		return nil, p.fail("more than %d functions are inside each other", maxNested)
	}
	p.space()
	if p.peek() != '(' {
		return nil, p.fail("( comes after %s", name)
	}
	p.pos++
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		p.pos = start
		return nil, p.fail("%s does not take %d arguments", name, len(args))
	}
	return &invocation{function: f, args: args}, nil
}

// arguments reads up to the closing parenthesis.
func (p *parser) arguments() ([]argument, error) {
	var out []argument
	p.space()
	if p.peek() == ')' {
		p.pos++
		return nil, nil
	}
	for {
		p.space()
		a, err := p.argument()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
		p.space()
		switch p.peek() {
		case ')':
			p.pos++
			return out, nil
		case ',':
			p.pos++
		default:
			return nil, p.fail("a comma or ) comes after an argument")
		}
	}
}

func (p *parser) argument() (argument, error) {
	switch c := p.peek(); {
	case c == '$':
		return p.path()
	case c == '\'':
		return p.quoted()
	case strings.HasPrefix(p.text[p.pos:], "States."):
		call, err := p.invocation()
		return argument{call: call}, err
	}
	start := p.pos
	word := p.word()
	switch word {
	case "true", "false", "null":
	default:
		if word == "" || !strings.Contains("-0123456789", word[:1]) {
			p.pos = start
			return argument{}, p.fail("an argument is a path, a text in ' ', a number, true, false, null or a function")
		}
	}
	v, err := jsonata.Decode([]byte(word))
	if err != nil {
		p.pos = start
		return argument{}, p.fail("%s is no number", word)
	}
	return argument{literal: v}, nil
}

// path reads up to the comma or parenthesis that is neither in quotes nor in brackets nor in parentheses of the path's own.
func (p *parser) path() (argument, error) {
	start, open := p.pos, 0
	var quote byte
scan:
	for ; p.pos < len(p.text); p.pos++ {
		switch c := p.text[p.pos]; {
		case quote != 0:
			if c == '\\' {
				p.pos++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '[' || c == '(':
			open++
		case open == 0 && (c == ')' || c == ','):
			break scan
		case c == ']' || c == ')':
			open--
		}
	}
	p.pos = min(p.pos, len(p.text))
	path, err := jsonpath.Parse(strings.TrimRight(p.text[start:p.pos], " \t\r\n"))
	if err != nil {
		p.pos = start
		return argument{}, p.fail("%s", err)
	}
	return argument{path: path}, nil
}

// quoted reads a text in single quotes, in which a backslash protects ', \, { and }. It gives the text as it is meant and as it was written,
// because only the second tells States.Format which braces are holes.
func (p *parser) quoted() (argument, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		c := p.text[i]
		switch {
		case c == '\'':
			a := argument{literal: b.String(), written: p.text[p.pos+1 : i]}
			p.pos = i + 1
			return a, nil
		case c == '\\':
			if i++; i == len(p.text) || strings.IndexByte(`'\{}`, p.text[i]) < 0 {
				p.pos = i - 1
				return argument{}, p.fail(`a backslash stands before ', \, { or }`)
			}
			c = p.text[i]
		}
		b.WriteByte(c)
	}
	return argument{}, p.fail("the text does not end")
}
