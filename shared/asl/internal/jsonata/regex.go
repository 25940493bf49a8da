package jsonata

import (
	"regexp"
	"unicode/utf8"
)

// regex is a regular expression, which in JSONata is a function from a text to its first match. Go's engine reads it: no look around, no
// references back.
type regex struct{ re *regexp.Regexp }

func (r *regex) arity() int { return 2 }

func (r *regex) invoke(ev *evaluator, _ any, args []any) (any, error) {
	s, ok := "", len(args) > 0
	if ok {
		s, ok = args[0].(string)
	}
	if !ok {
		return nil, fail("T0410", "Argument 1 of a regular expression must be a text")
	}
	all, err := r.find(s, -1)
	if err != nil {
		return nil, err
	}
	return matchObject(all, 0), nil
}

// found is one match in a text; start and end count characters.
type found struct {
	text       string
	start, end int
	groups     []any
}

// matchObject is a match as the language shows it, with a function that gives the next one.
func matchObject(all []found, i int) any {
	if i >= len(all) {
		return undefined
	}
	m := all[i]
	return map[string]any{
		"match": m.text, "start": float64(m.start), "end": float64(m.end), "groups": m.groups,
		"next": nextMatch{all, i + 1},
	}
}

type nextMatch struct {
	all []found
	i   int
}

func (n nextMatch) arity() int { return 0 }

func (n nextMatch) invoke(*evaluator, any, []any) (any, error) { return matchObject(n.all, n.i), nil }

// find gives at most limit matches, all when it is negative.
func (r *regex) find(s string, limit int) ([]found, error) {
	var out []found
	seen, chars := 0, 0
	for _, at := range r.re.FindAllStringSubmatchIndex(s, limit) {
		if at[0] == at[1] && (len(out) > 0 || limit != 1 && at[0] < len(s)) {
			return nil, fail("D1004", "Regular expression matches zero length string")
		}
		chars += utf8.RuneCountInString(s[seen:at[0]])
		seen = at[0]
		m := found{text: s[at[0]:at[1]], start: chars, groups: make([]any, 0, len(at)/2-1)}
		m.end = m.start + utf8.RuneCountInString(m.text)
		for g := 2; g < len(at); g += 2 {
			if at[g] < 0 {
				m.groups = append(m.groups, "")
				continue
			}
			m.groups = append(m.groups, s[at[g]:at[g+1]])
		}
		out = append(out, m)
	}
	return out, nil
}

// matches gives what a pattern finds: a regular expression, or a function that answers as one does.
func (c *arguments) matches(pattern function, s string, limit int) ([]found, error) {
	if r, ok := pattern.(*regex); ok {
		return r.find(s, limit)
	}
	var out []found
	v, err := c.ev.invoke(pattern, undefined, []any{s})
	for err == nil && v != undefined && len(out) != limit {
		m, ok := v.(map[string]any)
		start, sok := asNumber(m["start"])
		end, eok := asNumber(m["end"])
		next, nok := m["next"].(function)
		if !ok || !sok || !eok || !nok {
			return nil, fail("T1010", "The matcher function argument passed to function %s does not return the correct object structure", shown(c.name))
		}
		one := found{start: int(start), end: int(end), groups: list(m["groups"])}
		one.text, _ = m["match"].(string)
		if out = append(out, one); len(out) > len(s)+1 {
			return nil, fail("D1004", "Regular expression matches zero length string")
		}
		v, err = c.ev.invoke(next, undefined, nil)
	}
	return out, err
}
