package jsonata

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	endToken tokenKind = iota
	operatorToken
	textToken
	numberToken
	valueToken // true, false, null
	nameToken
	variableToken
	regexToken
)

// token is a word of an expression. Its position is that of JSONata's own errors: how many characters end with the token.
type token struct {
	kind   tokenKind
	text   string // an operator, name, variable without its dollar sign, text, pattern of a regular expression
	number float64
	value  any    // of a valueToken
	flags  string // of a regexToken
	pos    int
}

// shown is the token as messages of JSONata name it.
func (t token) shown() any {
	switch t.kind {
	case endToken:
		return "(end)"
	case numberToken:
		return t.number
	case valueToken:
		return t.value
	}
	return t.text
}

// powers are the operators with how strongly each binds what stands to its left. Those of 0 only end a name or an expression.
var powers = map[string]int{
	".": 75, "[": 80, "]": 0, "{": 70, "}": 0, "(": 80, ")": 0, ",": 0, "@": 80, "#": 80, ";": 0, ":": 0, "?": 20,
	"+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "|": 0, "=": 40, "<": 40, ">": 40, "^": 40, "**": 0, "..": 0, ":=": 10,
	"!=": 40, "<=": 40, ">=": 40, "~>": 40, "and": 30, "or": 25, "in": 40, "&": 50,
}

// doubles are the operators of two characters, which come before those of one.
var doubles = []string{"..", ":=", "!=", ">=", "<=", "**", "~>"}

// stops are the characters that end a name.
const (
	stops  = ".[]{}(),@#;:?+-*/%|=<>^&!~"
	blanks = " \t\n\r\v"
)

// lexer cuts an expression into tokens.
type lexer struct {
	text string
	at   int // in bytes
}

// place counts the characters before a byte, as JSONata does in UTF-16.
func (l *lexer) place(at int) int {
	n := 0
	for _, r := range l.text[:min(at, len(l.text))] {
		n += utf16.RuneLen(r)
	}
	return n
}

func (l *lexer) token(kind tokenKind, text string) token {
	return token{kind: kind, text: text, pos: l.place(l.at)}
}

func (l *lexer) fail(at int, code, format string, args ...any) error {
	return failAt(l.place(at), code, format, args...)
}

// skip passes blanks and comments.
func (l *lexer) skip() error {
	for l.at < len(l.text) {
		switch {
		case strings.IndexByte(blanks, l.text[l.at]) >= 0:
			l.at++
		case strings.HasPrefix(l.text[l.at:], "/*"):
			n := strings.Index(l.text[l.at+2:], "*/")
			if n < 0 {
				return l.fail(l.at, "S0106", "Comment has no closing tag")
			}
			l.at += n + 4
		default:
			return nil
		}
	}
	return nil
}

// next gives the next token. Where an operator is due, infix is true and a slash divides; else it begins a regular expression.
func (l *lexer) next(infix bool) (token, error) {
	if err := l.skip(); err != nil || l.at >= len(l.text) {
		return l.token(endToken, ""), err
	}
	rest := l.text[l.at:]
	if rest[0] == '/' && !infix {
		l.at++
		return l.regex()
	}
	for _, op := range doubles {
		if strings.HasPrefix(rest, op) {
			l.at += len(op)
			return l.token(operatorToken, op), nil
		}
	}
	switch c := rest[0]; {
	case strings.IndexByte(stops, c) >= 0:
		l.at++
		return l.token(operatorToken, rest[:1]), nil
	case c == '"' || c == '\'':
		l.at++
		return l.quoted(c)
	case c == '`':
		n := strings.IndexByte(rest[1:], '`')
		if n < 0 {
			return token{}, l.fail(len(l.text), "S0105", "Quoted property name must be terminated with a backquote (`)")
		}
		l.at += n + 2
		return l.token(nameToken, rest[1:n+1]), nil
	}
	if n := numeral(rest); n > 0 {
		return l.number(rest[:n])
	}
	return l.word(), nil
}

// numeral gives the length of the number that a text begins with: JSON's form, without a sign.
func numeral(s string) int {
	digits := func(i int) int {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i
	}
	n := digits(0)
	if n == 0 {
		return 0
	}
	if s[0] == '0' {
		n = 1
	}
	if n+1 < len(s) && s[n] == '.' {
		if m := digits(n + 1); m > n+1 {
			n = m
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if m := digits(e); m > e {
			n = m
		}
	}
	return n
}

func (l *lexer) number(text string) (token, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(x, 0) {
		return token{}, l.fail(l.at, "S0102", "Number out of range: %s", shown(text))
	}
	l.at += len(text)
	t := l.token(numberToken, text)
	t.number = x
	return t, nil
}

// word reads a name, a variable or one of the words that are operators or values.
func (l *lexer) word() token {
	rest := l.text[l.at:]
	n := strings.IndexAny(rest, stops+blanks)
	if n < 0 {
		n = len(rest)
	}
	l.at += n
	switch name := rest[:n]; {
	case name[0] == '$':
		return l.token(variableToken, name[1:])
	case name == "and" || name == "or" || name == "in":
		return l.token(operatorToken, name)
	case name == "true" || name == "false":
		t := l.token(valueToken, name)
		t.value = name == "true"
		return t
	case name == "null":
		return l.token(valueToken, name)
	default:
		return l.token(nameToken, name)
	}
}

// escapes are the letters behind a backslash.
var escapes = map[byte]string{'"': `"`, '\\': `\`, '/': "/", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t"}

// quoted reads a text up to its closing quote.
func (l *lexer) quoted(quote byte) (token, error) {
	var b strings.Builder
	for l.at < len(l.text) {
		switch c := l.text[l.at]; c {
		case quote:
			l.at++
			return l.token(textToken, b.String()), nil
		case '\\':
			if err := l.escape(&b); err != nil {
				return token{}, err
			}
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return token{}, l.fail(len(l.text), "S0101", "String literal must be terminated by a matching quote")
}

// escape reads what a backslash begins.
func (l *lexer) escape(b *strings.Builder) error {
	l.at++
	if l.at >= len(l.text) {
		return l.fail(l.at, "S0103", `Unsupported escape sequence: \%s`, shown(""))
	}
	c := l.text[l.at]
	if s, ok := escapes[c]; ok {
		b.WriteString(s)
		l.at++
		return nil
	}
	if c != 'u' {
		r, _ := utf8.DecodeRuneInString(l.text[l.at:])
		return l.fail(l.at, "S0103", `Unsupported escape sequence: \%s`, shown(string(r)))
	}
	r, ok := l.unit(l.at + 1)
	if !ok {
		return l.fail(l.at, "S0104", `The escape sequence \u must be followed by 4 hex digits`)
	}
	l.at += 5
	if utf16.IsSurrogate(r) && strings.HasPrefix(l.text[l.at:], `\u`) {
		if low, ok := l.unit(l.at + 2); ok {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				r = both
				l.at += 6
			}
		}
	}
	b.WriteRune(r)
	return nil
}

// unit reads four hexadecimal digits.
func (l *lexer) unit(at int) (rune, bool) {
	if at+4 > len(l.text) {
		return 0, false
	}
	x, err := strconv.ParseUint(l.text[at:at+4], 16, 16)
	return rune(x), err == nil
}

// regex reads a regular expression behind its first slash. A slash inside brackets does not end it.
func (l *lexer) regex() (token, error) {
	start, depth := l.at, 0
	for i := start; i < len(l.text); i++ {
		switch c := l.text[i]; c {
		case '\\':
			i++
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case '/':
			if depth != 0 {
				continue
			}
			if i == start {
				return token{}, l.fail(i, "S0301", "Empty regular expressions are not allowed")
			}
			l.at = i + 1
			for l.at < len(l.text) && (l.text[l.at] == 'i' || l.text[l.at] == 'm') {
				l.at++
			}
			t := l.token(regexToken, l.text[start:i])
			t.flags = l.text[i+1 : l.at]
			return t, nil
		}
	}
	return token{}, l.fail(len(l.text), "S0302", "No terminating / in regular expression")
}
