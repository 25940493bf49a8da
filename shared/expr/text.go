package expr

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/record"
)

// maxText is the longest text, in bytes, that a function may make of others.
const maxText = 16 << 20

var errLong = errors.New("the text would be longer than 16 MiB")

var textFunctions = map[string]function{
	"upper":         text1("upper(text)", "The text in upper case.", caseKernel('a', 'z', strings.ToUpper)),
	"lower":         text1("lower(text)", "The text in lower case.", caseKernel('A', 'Z', strings.ToLower)),
	"trim":          text1("trim(text)", "The text without white space at both ends.", pure1(stringType, strings.TrimSpace)),
	"starts_with":   text2("starts_with(text, start)", "Whether the text begins so; also text startsWith start.", strings.HasPrefix),
	"ends_with":     text2("ends_with(text, end)", "Whether the text ends so; also text endsWith end.", strings.HasSuffix),
	"replace":       {usage: "replace(text, old, new)", doc: "The text with every old replaced by new.", min: 3, max: 3, make: makeReplace},
	"regex_replace": {usage: "regex_replace(text, \"pattern\", new)", doc: "The text with every match replaced; $1 in new is the first group.", min: 3, max: 3, make: makeRegexReplace},
	"regex_extract": {usage: "regex_extract(text, \"pattern\")", doc: "The first match, or its first group when the pattern has one; null when there is none.", min: 2, max: 2, make: makeRegexExtract},
	"substring":     {usage: "substring(text, start[, length])", doc: "Characters from start, counted from 0; a start below 0 counts from the end.", min: 2, max: 3, make: makeSubstring},
	"split":         {usage: "split(text, separator)", doc: "The parts of the text as a JSON array.", min: 2, max: 2, make: makeSplit},
	"join":          {usage: "join(array, separator)", doc: "The elements of a JSON array as one text; null elements are left out.", min: 2, max: 2, make: makeJoin},
	"concat":        {usage: "concat(value, …)", doc: "The text forms of all values, one behind the other; null when one is null.", min: 1, max: many, make: makeConcat},
	"sha256":        {usage: "sha256(text)", doc: "The SHA-256 hash in lower-case hexadecimal digits.", min: 1, max: 1, make: makeHash(sum256)},
	"md5":           {usage: "md5(text)", doc: "The MD5 hash in lower-case hexadecimal digits; no protection against anybody.", min: 1, max: 1, make: makeHash(sumMD5)},
}

func text1(usage, doc string, i impl) function {
	return function{usage, doc, 1, 1, func(c *call) (*node, error) {
		if err := c.texts(); err != nil {
			return nil, err
		}
		return c.node(i)
	}}
}

func text2(usage, doc string, f func(a, b string) bool) function {
	return function{usage, doc, 2, 2, func(c *call) (*node, error) {
		if err := c.texts(); err != nil {
			return nil, err
		}
		return c.node(pure2(boolType, f))
	}}
}

func makeReplace(c *call) (*node, error) {
	if err := c.texts(); err != nil {
		return nil, err
	}
	return c.node(mapN(stringType, func(args []any) (any, error) {
		s, old, by := args[0].(string), args[1].(string), args[2].(string)
		if len(by) > len(old) && len(s)+strings.Count(s, old)*(len(by)-len(old)) > maxText {
			return nil, errLong
		}
		return strings.ReplaceAll(s, old, by), nil
	}))
}

func makeRegexReplace(c *call) (*node, error) {
	if err := c.texts(); err != nil {
		return nil, err
	}
	re, err := pattern(c.args[1])
	if err != nil {
		return nil, err
	}
	c.args = []*node{c.args[0], c.args[2]}
	return c.node(map2(stringType, func(s, by string) (string, error) {
		if len(s)*(len(by)+1) > maxText && len(re.FindAllStringIndex(s, -1))*(len(by)+len(s)) > maxText {
			return "", errLong
		}
		return re.ReplaceAllString(s, by), nil
	}))
}

func makeRegexExtract(c *call) (*node, error) {
	if err := c.texts(); err != nil {
		return nil, err
	}
	re, err := pattern(c.args[1])
	if err != nil {
		return nil, err
	}
	c.args = c.args[:1]
	return c.node(maybe1(stringType, func(s string) (string, bool, error) { return extract(re, s) }))
}

func extract(re *regexp.Regexp, s string) (string, bool, error) {
	m := re.FindStringSubmatchIndex(s)
	switch {
	case m == nil:
		return "", false, nil
	case len(m) > 2 && m[2] < 0:
		return "", false, nil
	case len(m) > 2:
		return s[m[2]:m[3]], true, nil
	}
	return s[m[0]:m[1]], true, nil
}

func makeSubstring(c *call) (*node, error) {
	if err := c.want(0, record.String); err != nil {
		return nil, err
	}
	for i := range c.args[1:] {
		if err := c.want(i+1, record.Int); err != nil {
			return nil, err
		}
	}
	return c.node(mapN(stringType, func(args []any) (any, error) {
		s, start, length := args[0].(string), args[1].(int64), int64(maxText)
		if len(args) > 2 {
			length = args[2].(int64)
		}
		if length < 0 {
			return nil, errors.New("the length of substring is below 0")
		}
		n := int64(utf8.RuneCountInString(s))
		if start < 0 {
			start = max(start+n, 0)
		}
		start = min(start, n)
		return characters(s, start, min(length, n-start)), nil
	}))
}

// sliceText is text[from:to]; bounds below 0 count from the end.
func sliceText(args []any) (any, error) {
	s := args[0].(string)
	from, to := bounds(args, int64(utf8.RuneCountInString(s)))
	return characters(s, from, to-from), nil
}

// sliceJSON is array[from:to].
func sliceJSON(args []any) (any, error) {
	all, isArray, err := JSONElements(args[0].(string))
	if err != nil {
		return nil, err
	}
	if !isArray {
		return nil, errors.New("[from:to] needs a JSON array")
	}
	from, to := bounds(args, int64(len(all)))
	return "[" + strings.Join(all[from:to], ",") + "]", nil
}

func bounds(args []any, n int64) (from, to int64) {
	from, to = args[1].(int64), args[2].(int64)
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to = max(to+n, 0)
	}
	to = min(to, n)
	return min(from, to), to
}

// characters cuts out count characters.
func characters(s string, start, count int64) string {
	for ; start > 0; start-- {
		_, size := utf8.DecodeRuneInString(s)
		s = s[size:]
	}
	end := 0
	for ; count > 0; count-- {
		_, size := utf8.DecodeRuneInString(s[end:])
		end += size
	}
	return s[:end]
}

func makeSplit(c *call) (*node, error) {
	if err := c.texts(); err != nil {
		return nil, err
	}
	return c.node(pure2(jsonType, func(s, sep string) string {
		out := []byte{'['}
		for i, part := range strings.Split(s, sep) {
			if i > 0 {
				out = append(out, ',')
			}
			out = record.AppendQuoted(out, part)
		}
		return string(append(out, ']'))
	}))
}

func makeJoin(c *call) (*node, error) {
	if err := c.want(0, record.JSON); err != nil {
		return nil, err
	}
	if err := c.want(1, record.String); err != nil {
		return nil, err
	}
	return c.node(map2(stringType, joinElements))
}

func joinElements(raw, sep string) (string, error) {
	all, isArray, err := JSONElements(raw)
	if err != nil {
		return "", err
	}
	if !isArray {
		return "", errors.New("join needs a JSON array")
	}
	parts, size := all[:0], 0
	for _, e := range all {
		if e == "null" {
			continue
		}
		s, err := JSONText(e)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
		size += len(s) + len(sep)
	}
	if size > maxText+len(sep) {
		return "", errLong
	}
	return strings.Join(parts, sep), nil
}

func makeConcat(c *call) (*node, error) {
	for i, a := range c.args {
		if a.isNull() {
			return nil, failAt(a.at, wrongType, "concat with null is null").withHint("leave it out, or use coalesce(…)")
		}
		c.args[i] = convert(a, stringType)
	}
	return c.node(joinAll(stringType))
}

func joinTexts(a, b string) (string, error) {
	if len(a)+len(b) > maxText {
		return "", errLong
	}
	return a + b, nil
}

func makeHash(sum func(string) string) func(c *call) (*node, error) {
	return func(c *call) (*node, error) {
		if err := c.texts(); err != nil {
			return nil, err
		}
		return c.node(pure1(stringType, sum))
	}
}

func sum256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func sumMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
