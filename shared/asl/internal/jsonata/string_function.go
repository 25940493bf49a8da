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
	{"string", 1, 2, true, toString},
	{"length", 1, 1, true, onString(func(s string) any { return float64(len([]rune(s))) })},
	{"uppercase", 1, 1, true, onString(func(s string) any { return strings.ToUpper(s) })},
	{"lowercase", 1, 1, true, onString(func(s string) any { return strings.ToLower(s) })},
	{"trim", 1, 1, true, onString(func(s string) any { return strings.Join(strings.Fields(s), " ") })},
	{"substring", 2, 3, true, substring},
	{"substringBefore", 2, 2, true, onStrings(func(s, t string) any { before, _, _ := strings.Cut(s, t); return before })},
	{"substringAfter", 2, 2, true, onStrings(func(s, t string) any {
		if _, after, ok := strings.Cut(s, t); ok {
			return after
		}
		return s
	})},
	{"pad", 2, 3, true, pad},
	{"contains", 2, 2, true, contains},
	{"split", 2, 3, true, split},
	{"join", 1, 2, false, join},
	{"match", 2, 3, true, match},
	{"replace", 3, 4, true, replace},
	{"base64encode", 1, 1, true, onString(func(s string) any { return base64.StdEncoding.EncodeToString([]byte(s)) })},
	{"base64decode", 1, 1, true, base64Decode},
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
	missing := int(math.Abs(width)) - len([]rune(s))
	if missing <= 0 || missing > maxRange || len(fill) == 0 {
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
	case *regexp.Regexp:
		return p.MatchString(s), nil
	}
	return nil, c.wrong(1)
}

// limit reads an optional count; -1 stands for all.
func limit(c *arguments, i int, code string) (int, error) {
	if c.at(i) == undefined {
		return -1, nil
	}
	n, err := c.number(i)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, fail(code, "Argument %d of %s function must evaluate to a positive number", i+1, c.name)
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
	n, err := limit(c, 2, "D3020")
	if err != nil {
		return nil, err
	}
	var parts []string
	switch p := c.at(1).(type) {
	case string:
		parts = strings.Split(s, p)
	case *regexp.Regexp:
		parts = p.Split(s, -1)
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
	p, ok := c.at(1).(*regexp.Regexp)
	if !ok {
		return nil, c.wrong(1)
	}
	n, err := limit(c, 2, "D3040")
	if err != nil {
		return nil, err
	}
	out := &sequence{}
	for _, at := range p.FindAllStringSubmatchIndex(s, n) {
		groups := make([]any, 0, len(at)/2)
		for g := 2; g < len(at); g += 2 {
			if at[g] < 0 {
				groups = append(groups, "")
				continue
			}
			groups = append(groups, s[at[g]:at[g+1]])
		}
		out.items = append(out.items, map[string]any{
			"match": s[at[0]:at[1]], "index": float64(len([]rune(s[:at[0]]))), "groups": groups,
		})
	}
	return out, nil
}

func replace(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	s, err := c.string(0)
	if err != nil {
		return nil, err
	}
	n, err := limit(c, 3, "D3011")
	if err != nil {
		return nil, err
	}
	switch p := c.at(1).(type) {
	case string:
		by, err := c.string(2)
		if err != nil {
			return nil, err
		}
		if p == "" {
			return nil, fail("D3010", "Second argument of replace function cannot be an empty string")
		}
		return strings.Replace(s, p, by, n), nil
	case *regexp.Regexp:
		return replaceMatches(c, s, p, n)
	}
	return nil, c.wrong(1)
}

func replaceMatches(c *arguments, s string, p *regexp.Regexp, n int) (any, error) {
	var b strings.Builder
	end := 0
	for _, at := range p.FindAllStringSubmatchIndex(s, n) {
		groups := make([]any, 0, len(at)/2)
		for g := 0; g < len(at); g += 2 {
			if at[g] < 0 {
				groups = append(groups, "")
				continue
			}
			groups = append(groups, s[at[g]:at[g+1]])
		}
		by, err := replacement(c, groups, at[0])
		if err != nil {
			return nil, err
		}
		b.WriteString(s[end:at[0]] + by)
		end = at[1]
	}
	return b.String() + s[end:], nil
}

// replacement is the text for one match: groups[0] is the match, the others its groups.
func replacement(c *arguments, groups []any, at int) (string, error) {
	if fn, ok := c.at(2).(function); ok {
		v, err := c.ev.each(fn, map[string]any{"match": groups[0], "index": float64(at), "groups": groups[1:]})
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
	return dollarGroup.ReplaceAllStringFunc(by, func(ref string) string {
		if ref == "$$" {
			return "$"
		}
		if g, err := strconv.Atoi(ref[1:]); err == nil && g < len(groups) {
			return groups[g].(string)
		}
		return ""
	}), nil
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
