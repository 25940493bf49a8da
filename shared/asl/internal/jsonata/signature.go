package jsonata

import (
	"fmt"
	"regexp"
	"strings"
)

// signature checks the arguments of a call against declared types, as in <s-n?:s>: one letter for each argument, - when the context stands in
// for one that is missing, ? when it may be missing, + when there may be several, (…) for a choice, <…> for what an array holds.
type signature struct {
	params []parameter
	all    *regexp.Regexp // over one letter for each argument
}

type parameter struct {
	kind    string // letter of the type, or a choice in brackets
	subtype string
	pattern string
	context *regexp.Regexp // of the context that stands in; nil: none does
}

// typeLetters are the types: each may be missing, which is m.
var typeLetters = map[byte]string{
	's': "[sm]", 'n': "[nm]", 'b': "[bm]", 'l': "[lm]", 'o': "[om]",
	'a': "[asnblfom]", 'f': "f", 'j': "[asnblom]", 'x': "[asnblfom]",
}

// readSignature reads the text of a signature. What it does not know it passes over, as JSONata does.
func readSignature(text string, pos int) (*signature, error) {
	s := &signature{}
	for i := 1; i < len(text) && text[i] != ':'; i++ {
		last := len(s.params) - 1
		switch c := text[i]; c {
		case '-':
			if last >= 0 {
				s.params[last].context = regexp.MustCompile("^" + s.params[last].pattern)
				s.params[last].pattern += "?"
			}
		case '?', '+':
			if last >= 0 {
				s.params[last].pattern += string(c)
			}
		case '(':
			end := closing(text, i, '(', ')')
			choice := text[i+1 : end]
			if strings.Contains(choice, "<") {
				return nil, failAt(pos+i, "S0402", "Choice groups containing parameterized types are not supported")
			}
			s.params = append(s.params, parameter{kind: "(" + choice + ")", pattern: "[" + regexp.QuoteMeta(choice) + "m]"})
			i = end
		case '<':
			if last < 0 || s.params[last].kind != "a" && s.params[last].kind != "f" {
				return nil, failAt(pos+i, "S0401", "Type parameters can only be applied to functions and arrays")
			}
			end := closing(text, i, '<', '>')
			s.params[last].subtype = text[i+1 : end]
			i = end
		default:
			if pattern, ok := typeLetters[c]; ok {
				s.params = append(s.params, parameter{kind: string(c), pattern: pattern})
			}
		}
	}
	var b strings.Builder
	for _, p := range s.params {
		b.WriteString("(" + p.pattern + ")")
	}
	all, err := regexp.Compile("^" + b.String() + "$")
	if err != nil {
		return nil, failAt(pos, "S0401", "The signature %s cannot be read", text)
	}
	s.all = all
	return s, nil
}

// closing finds the bracket that ends the one at start; the end of the text when none does.
func closing(text string, start int, open, end byte) int {
	depth := 0
	for i := start; i < len(text); i++ {
		switch text[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(text) - 1
}

// letter is the type of a value in a signature.
func letter(v any) byte {
	switch typeOf(v) {
	case "null":
		return 'l'
	case "undefined":
		return 'm'
	}
	return typeOf(v)[0]
}

// check gives the arguments as the function takes them: the context for one that is missing, an array for a single value.
func (s *signature) check(name string, args []any, context any) ([]any, error) {
	given := make([]byte, len(args))
	for i, a := range args {
		given[i] = letter(a)
	}
	found := s.all.FindStringSubmatch(string(given))
	if found == nil {
		return nil, s.mismatch(name, string(given))
	}
	out := make([]any, 0, len(s.params))
	at := 0
	next := func() any {
		at++
		if at > len(args) {
			return undefined
		}
		return args[at-1]
	}
	for i, p := range s.params {
		matched := found[i+1]
		switch {
		case matched != "":
			for range matched {
				v, err := p.take(name, next(), at)
				if err != nil {
					return nil, err
				}
				out = append(out, v)
			}
		case p.context == nil:
			out = append(out, next())
		case !p.context.Match([]byte{letter(context)}):
			return nil, fail("T0411", "Context value is not a compatible type with argument %d of function %s", at+1, shown(name))
		default:
			out = append(out, context)
		}
	}
	return out, nil
}

// plurals name what an array must hold.
var plurals = map[byte]string{'a': "arrays", 'b': "booleans", 'f': "functions", 'n': "numbers", 'o': "objects", 's': "strings"}

// take gives one argument, which is number at, as the parameter wants it.
func (p *parameter) take(name string, v any, at int) (any, error) {
	if p.kind != "a" || v == undefined {
		return v, nil
	}
	items := list(v)
	if p.subtype == "" {
		return items, nil
	}
	for _, e := range items {
		if letter(e) != p.subtype[0] {
			return nil, fail("T0412", "Argument %d of function %s must be an array of %s", at, shown(name), shown(plurals[p.subtype[0]]))
		}
	}
	return items, nil
}

// mismatch names the first argument that does not fit.
func (s *signature) mismatch(name, given string) error {
	pattern, good := "^", 0
	for _, p := range s.params {
		pattern += p.pattern
		m := regexp.MustCompile(pattern).FindString(given)
		if m == "" && !regexp.MustCompile(pattern).MatchString(given) {
			break
		}
		good = len(m)
	}
	return fail("T0410", "Argument %d of function %s does not match function signature", good+1, shown(name))
}

func mustSignature(text string) *signature {
	s, err := readSignature(text, 0)
	if err != nil {
		panic(fmt.Sprintf("signature %s: %v", text, err))
	}
	return s
}
