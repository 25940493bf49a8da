package jsonata

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var stringFunctions = []*builtin{
	define("string", "<x-b?:s>", 1, toString),
	define("length", "<s-:n>", 1, onString(func(s string) any { return float64(len([]rune(s))) })),
	define("uppercase", "<s-:s>", 1, onString(func(s string) any { return strings.ToUpper(s) })),
	define("lowercase", "<s-:s>", 1, onString(func(s string) any { return strings.ToLower(s) })),
	define("trim", "<s-:s>", 1, onString(func(s string) any { return strings.Join(strings.Fields(s), " ") })),
	define("substring", "<s-nn?:s>", 3, substring),
	define("substringBefore", "<s-s:s>", 2, onStrings(func(s, t string) any { before, _, _ := strings.Cut(s, t); return before })),
	define("substringAfter", "<s-s:s>", 2, onStrings(func(s, t string) any {
		if _, after, ok := strings.Cut(s, t); ok {
			return after
		}
		return s
	})),
	define("pad", "<s-ns?:s>", 3, pad),
	define("contains", "<s-(sf):b>", 2, contains),
	define("split", "<s-(sf)n?:a<s>>", 3, split),
	define("join", "<a<s>s?:s>", 2, join),
	define("match", "<s-f<s:o>n?:a<o>>", 3, match),
	define("replace", "<s-(sf)(sf)n?:s>", 4, replace),
	define("base64encode", "<s-:s>", 1, onString(func(s string) any { return base64.StdEncoding.EncodeToString([]byte(s)) })),
	define("base64decode", "<s-:s>", 1, base64Decode),
}

func onString(do func(s string) any) func(*arguments) (any, error) {
	return func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		s, err := c.string(0)
		if err != nil {
			return nil, err
		}
		return do(s), nil
	}
}

func onStrings(do func(s, t string) any) func(*arguments) (any, error) {
	return func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		s, err := c.string(0)
		if err != nil {
			return nil, err
		}
		t, err := c.string(1)
		if err != nil {
			return nil, err
		}
		return do(s, t), nil
	}
}

func toString(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	if truth(c.at(1)) {
		switch v := c.at(0).(type) {
		case []any, map[string]any:
			b, err := json.MarshalIndent(rounded(v), "", "  ")
			return string(b), err
		}
	}
	return text(c.at(0))
}

func substring(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	start, err := c.number(1)
	if err != nil {
		return nil, err
	}
	r := []rune(s)
	from := int(math.Trunc(start))
	if from < 0 {
		from = max(0, from+len(r))
	}
	from = min(from, len(r))
	to := len(r)
	if c.at(2) != undefined {
		n, err := c.number(2)
		if err != nil {
			return nil, err
		}
		to = min(to, from+max(0, int(n)))
	}
	return string(r[from:to]), nil
}

func pad(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	width, err := c.number(1)
	if err != nil {
		return nil, err
	}
	fill := []rune(said(c, 2, " "))
	if len(fill) == 0 {
		fill = []rune(" ")
	}
	missing := int(math.Abs(width)) - len([]rune(s))
	if missing <= 0 || missing > maxText {
		return s, nil
	}
	p := make([]rune, missing)
	for i := range p {
		p[i] = fill[i%len(fill)]
	}
	if width < 0 {
		return string(p) + s, nil
	}
	return s + string(p), nil
}

func contains(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	switch p := c.at(1).(type) {
	case string:
		return strings.Contains(s, p), nil
	case function:
		all, err := c.matches(p, s, 1)
		return len(all) > 0, err
	}
	return nil, c.wrong(1)
}

// limit reads an optional count; -1 stands for all.
func limit(c *arguments, i int, code, which string) (int, error) {
	if c.at(i) == undefined {
		return -1, nil
	}
	n, err := c.number(i)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, fail(code, "%s argument of %s function must evaluate to a positive number", which, c.name)
	}
	return int(n), nil
}

func split(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	n, err := limit(c, 2, "D3020", "Third")
	if err != nil {
		return nil, err
	}
	var parts []string
	switch p := c.at(1).(type) {
	case string:
		parts = strings.Split(s, p)
	case function:
		all, err := c.matches(p, s, -1)
		if err != nil {
			return nil, err
		}
		r, from := []rune(s), 0
		for _, m := range all {
			parts = append(parts, string(r[from:m.start]))
			from = m.end
		}
		parts = append(parts, string(r[from:]))
	default:
		return nil, c.wrong(1)
	}
	out := make([]any, 0, len(parts))
	for _, p := range parts {
		out = append(out, p)
	}
	if n >= 0 && n < len(out) {
		out = out[:n]
	}
	return out, nil
}

func join(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	var parts []string
	for _, e := range list(c.at(0)) {
		s, ok := e.(string)
		if !ok {
			return nil, fail("T0412", "Argument 1 of function \"join\" must be an array of strings")
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, said(c, 1, "")), nil
}

func match(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	p, err := c.function(1)
	if err != nil {
		return nil, err
	}
	n, err := limit(c, 2, "D3040", "Third")
	if err != nil {
		return nil, err
	}
	all, err := c.matches(p, s, n)
	out := &sequence{}
	for _, m := range all {
		out.items = append(out.items, map[string]any{"match": m.text, "index": float64(m.start), "groups": m.groups})
	}
	return out, err
}

func replace(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	if c.at(1) == "" {
		return nil, fail("D3010", "Second argument of replace function cannot be an empty string")
	}
	n, err := limit(c, 3, "D3011", "Fourth")
	if err != nil {
		return nil, err
	}
	switch p := c.at(1).(type) {
	case string:
		by, err := c.string(2)
		if err != nil {
			return nil, err
		}
		return strings.Replace(s, p, by, n), nil
	case function:
		return replaceMatches(c, s, p, n)
	}
	return nil, c.wrong(1)
}

func replaceMatches(c *arguments, s string, p function, n int) (any, error) {
	all, err := c.matches(p, s, n)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	r, end := []rune(s), 0
	for _, m := range all {
		by, err := replacement(c, m)
		if err != nil {
			return nil, err
		}
		b.WriteString(string(r[end:m.start]) + by)
		end = m.end
	}
	return b.String() + string(r[end:]), nil
}

// replacement is the text for one match.
func replacement(c *arguments, m found) (string, error) {
	if fn, ok := c.at(2).(function); ok {
		v, err := c.ev.each(fn, map[string]any{"match": m.text, "start": float64(m.start), "end": float64(m.end), "groups": m.groups})
		if err != nil {
			return "", err
		}
		s, ok := v.(string)
		if !ok {
			return "", fail("D3012", "Attempted to replace a matched string with a non-string value")
		}
		return s, nil
	}
	by, err := c.string(2)
	if err != nil {
		return "", err
	}
	return dollarGroup.ReplaceAllStringFunc(by, func(ref string) string { return m.reference(ref[1:]) }), nil
}

// reference gives what $ and a number stand for: the match, or the group with as many of the digits as there are groups for.
func (m found) reference(digits string) string {
	if digits == "$" {
		return "$"
	}
	if digits[0] == '0' {
		return m.text + digits[1:]
	}
	for n := len(digits); n > 0; n-- {
		if g, err := strconv.Atoi(digits[:n]); err == nil && g <= len(m.groups) {
			s, _ := m.groups[g-1].(string)
			return s + digits[n:]
		}
	}
	if len(m.groups) == 0 {
		return digits[min(1, len(digits)):]
	}
	return digits[1:]
}

var dollarGroup = regexp.MustCompile(`\$(\$|[0-9]+)`)

func base64Decode(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fail("D3137", "The text is not base64")
	}
	return string(b), nil
}
