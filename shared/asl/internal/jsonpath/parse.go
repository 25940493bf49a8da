package jsonpath

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser reads a path, and the filters in it.
type parser struct {
	text  string
	pos   int
	depth int
}

// Parse reads a path that begins with $, $$ or a variable as in $name. Any problem is a *SyntaxError.
func Parse(text string) (*Path, error) {
	p := &parser{text: text}
	if len(text) > maxText {
		p.text = text[:64]
		return nil, p.fail("the path is longer than %d bytes", maxText)
	}
	if !utf8.ValidString(text) {
		return nil, p.fail("the path is not UTF-8")
	}
	if !strings.HasPrefix(text, "$") {
		return nil, p.fail("a path begins with $")
	}
	p.pos = 1
	out := &Path{text: text, root: p.root()}
	if err := p.steps(out, false); err != nil {
		return nil, err
	}
	if p.pos < len(text) {
		return nil, p.fail("unexpected %q", p.rest())
	}
	return out, nil
}

func (p *parser) fail(format string, args ...any) error {
	return &SyntaxError{Path: p.text, Offset: p.pos, Message: fmt.Sprintf(format, args...)}
}

// rest gives the beginning of what is not read yet, for messages.
func (p *parser) rest() string {
	r := []rune(p.text[p.pos:])
	return string(r[:min(len(r), 10)])
}

func (p *parser) peek() byte {
	if p.pos < len(p.text) {
		return p.text[p.pos]
	}
	return 0
}

// accept reads the token when it comes next.
func (p *parser) accept(token string) bool {
	if !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	p.pos += len(token)
	return true
}

func (p *parser) space() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.pos++
	}
}

// root reads what stands behind the first $.
func (p *parser) root() string {
	if p.accept("$") {
		return "$"
	}
	end := p.pos
	for i, r := range p.text[p.pos:] {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.IsMark(r)) {
			break
		}
		end = p.pos + i + utf8.RuneLen(r)
	}
	name := p.text[p.pos:end]
	p.pos = end
	return name
}

// steps reads steps until the text ends or, inside a filter, until something comes that belongs to the filter.
func (p *parser) steps(out *Path, inFilter bool) error {
	for p.pos < len(p.text) && out.function == nil {
		switch {
		case p.peek() == '[':
			s, err := p.bracket()
			if err != nil {
				return err
			}
			out.steps = append(out.steps, s)
			continue
		case p.accept(".."):
			out.steps = append(out.steps, scan{})
		case p.accept("."):
		default:
			if !inFilter {
				return p.fail("unexpected %q", p.rest())
			}
			out.decide()
			return nil
		}
		if p.peek() == '[' {
			continue
		}
		if err := p.child(out, inFilter); err != nil {
			return err
		}
	}
	out.decide()
	return nil
}

// decide says whether the path is definite.
func (p *Path) decide() {
	p.definite = true
	for i, s := range p.steps {
		p.definite = p.definite && s.single(i == len(p.steps)-1)
	}
}

// child reads what follows a dot: a name, * or a function.
func (p *parser) child(out *Path, inFilter bool) error {
	if p.accept("*") {
		out.steps = append(out.steps, wildcard{})
		return nil
	}
	start := p.pos
	name, err := p.name(inFilter)
	if err != nil {
		return err
	}
	if p.peek() != '(' {
		out.steps = append(out.steps, names{name})
		return nil
	}
	if !known(name) {
		p.pos = start
		return p.fail("%s is no function", name)
	}
	if n := len(out.steps); n > 0 && out.steps[n-1] == step(scan{}) {
		out.steps = append(out.steps, wildcard{})
	}
	out.function = &function{name: name}
	return p.arguments(out.function)
}

// nameEnds are the characters that a name behind a dot may hold only behind a backslash.
const nameEnds = ".[]() ,@?*:'\"\t\n\r"

// name reads a name behind a dot; a backslash takes the next character as it is.
func (p *parser) name(inFilter bool) (string, error) {
	var b strings.Builder
	for p.pos < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.pos:])
		if r == '\\' && p.pos+1 < len(p.text) {
			p.pos++
			r, size = utf8.DecodeRuneInString(p.text[p.pos:])
		} else if strings.ContainsRune(nameEnds, r) || inFilter && strings.ContainsRune("=!<>&|", r) {
			break
		}
		b.WriteRune(r)
		p.pos += size
	}
	if b.Len() == 0 {
		return "", p.fail("a name, * or [ comes after a dot")
	}
	return b.String(), nil
}

// arguments reads ( … ) of a function: literals and paths.
func (p *parser) arguments(f *function) error {
	p.pos++
	for p.space(); !p.accept(")"); p.space() {
		if len(f.args) > 0 && !p.accept(",") {
			return p.fail("a comma or ) comes after an argument")
		}
		p.space()
		arg, err := p.operand()
		if err != nil {
			return err
		}
		f.args = append(f.args, arg)
	}
	return nil
}

// bracket reads [ … ].
func (p *parser) bracket() (step, error) {
	p.pos++
	p.space()
	var s step
	var err error
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		s, err = p.quotedNames()
	case c == '*':
		p.pos++
		s = wildcard{}
	case c == '?':
		s, err = p.filter()
	case c == '-' || c == ':' || c >= '0' && c <= '9':
		s, err = p.numbers()
	default:
		return nil, p.fail("a name in quotes, a number, *, or ? comes after [")
	}
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.accept("]") {
		return nil, p.fail("] is missing")
	}
	return s, nil
}

func (p *parser) quotedNames() (step, error) {
	var out names
	for {
		name, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
		p.space()
		if !p.accept(",") {
			return out, nil
		}
		p.space()
	}
}

// quoted reads a text in quotes. A backslash protects a quote or a backslash, and stands for itself before anything else, as the service
// has it.
func (p *parser) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.fail("a name in quotes comes after a comma")
	}
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		c := p.text[i]
		switch {
		case c == quote:
			p.pos = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.text) && (p.text[i+1] == quote || p.text[i+1] == '\\'):
			i++
			c = p.text[i]
		}
		b.WriteByte(c)
	}
	return "", p.fail("the text in quotes does not end")
}

// numbers reads an index, several, or a slice.
func (p *parser) numbers() (step, error) {
	first, err := p.integer()
	if err != nil {
		return nil, err
	}
	p.space()
	if p.accept(":") {
		p.space()
		to, err := p.integer()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.peek() == ':' {
			return nil, p.fail("a slice with a step is not supported")
		}
		return slice{first, to}, nil
	}
	out := indexes{}
	for next := first; ; {
		if next == nil {
			return nil, p.fail("a number comes after a comma")
		}
		out = append(out, *next)
		p.space()
		if !p.accept(",") {
			return out, nil
		}
		p.space()
		if next, err = p.integer(); err != nil {
			return nil, err
		}
	}
}

// integer reads a whole number, nil when none comes.
func (p *parser) integer() (*int, error) {
	start := p.pos
	p.accept("-")
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.pos++
	}
	if p.pos == start {
		return nil, nil
	}
	n, err := strconv.ParseInt(p.text[start:p.pos], 10, 32)
	if err != nil {
		p.pos = start
		return nil, p.fail("an index is a whole number of 32 bits")
	}
	i := int(n)
	return &i, nil
}
