package choice

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// operator is a comparison or a type test.
type operator struct {
	kind    string // of the value in the rule: string, number, boolean, timestamp, pattern
	path    bool   // the rule holds a path to that value
	present bool   // IsPresent
	compare func(value, with any) bool
}

// operators are all of them, by name.
var operators = table()

func table() map[string]operator {
	out := map[string]operator{
		"StringMatches": {kind: "pattern", compare: matches},
		"IsPresent":     {kind: "boolean", present: true},
		"IsNull":        isType(func(v any) bool { return v == nil }),
		"IsNumeric":     isType(func(v any) bool { return jsonata.TypeOf(v) == "number" }),
		"IsString":      isType(func(v any) bool { return jsonata.TypeOf(v) == "string" }),
		"IsBoolean":     isType(func(v any) bool { return jsonata.TypeOf(v) == "boolean" }),
		"IsTimestamp":   isType(func(v any) bool { _, ok := timestamp(v); return ok }),
		"BooleanEquals": {kind: "boolean", compare: equalBooleans},
	}
	out["BooleanEqualsPath"] = operator{kind: "boolean", path: true, compare: equalBooleans}
	orders := map[string]func(order int) bool{
		"Equals":            func(o int) bool { return o == 0 },
		"LessThan":          func(o int) bool { return o < 0 },
		"GreaterThan":       func(o int) bool { return o > 0 },
		"LessThanEquals":    func(o int) bool { return o <= 0 },
		"GreaterThanEquals": func(o int) bool { return o >= 0 },
	}
	for name, wanted := range orders {
		for prefix, order := range map[string]func(a, b any) (int, bool){"String": texts, "Numeric": numbers, "Timestamp": timestamps} {
			compare := func(a, b any) bool {
				o, ok := order(a, b)
				return ok && wanted(o)
			}
			kind := map[string]string{"String": "string", "Numeric": "number", "Timestamp": "timestamp"}[prefix]
			out[prefix+name] = operator{kind: kind, compare: compare}
			out[prefix+name+"Path"] = operator{kind: kind, path: true, compare: compare}
		}
	}
	return out
}

// isType makes the operator of a type test: the rule says whether the test is to hold.
func isType(is func(any) bool) operator {
	return operator{kind: "boolean", compare: func(v, want any) bool { return is(v) == want }}
}

// constant gives the value in the rule as compare takes it, and says why it cannot stand there.
func (o operator) constant(v any) (any, error) {
	switch o.kind {
	case "timestamp":
		if _, ok := timestamp(v); !ok {
			return nil, fmt.Errorf("the value is no timestamp such as 2026-11-22T17:31:06Z")
		}
		return v, nil
	case "pattern":
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("the value is to be a string, not %s", jsonata.TypeOf(v))
		}
		return pieces(s)
	}
	if got := jsonata.TypeOf(v); got != o.kind {
		return nil, fmt.Errorf("the value is to be a %s, not %s", o.kind, got)
	}
	return v, nil
}

func equalBooleans(a, b any) bool {
	x, ok := a.(bool)
	return ok && x == b
}

// texts compares by units of UTF-16, as the service's runtime does.
func texts(a, b any) (int, bool) {
	x, ok1 := a.(string)
	y, ok2 := b.(string)
	if !ok1 || !ok2 {
		return 0, false
	}
	if x == y {
		return 0, true
	}
	return slices.Compare(utf16.Encode([]rune(x)), utf16.Encode([]rune(y))), true
}

func numbers(a, b any) (int, bool) {
	i, exact1 := whole(a)
	j, exact2 := whole(b)
	if exact1 && exact2 {
		return order(i, j), true
	}
	x, ok1 := number(a)
	y, ok2 := number(b)
	return order(x, y), ok1 && ok2
}

// whole gives a number as int64 when that holds it exactly.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<62
	}
	return 0, false
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// loose is what the service takes a value to be that a path of a Numeric operator names: a text is read, true is 1, all else is 0.
func loose(v any) any {
	switch v := v.(type) {
	case float64, int64:
		return v
	case bool:
		if v {
			return 1.0
		}
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f
		}
	}
	return 0.0
}

func timestamps(a, b any) (int, bool) {
	x, ok1 := timestamp(a)
	y, ok2 := timestamp(b)
	return x.Compare(y), ok1 && ok2
}

// timestamp reads the RFC 3339 profile of the specification: T and Z are capital letters.
func timestamp(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok || strings.Contains(s, ",") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// pieces cuts a pattern of StringMatches at its stars. A backslash protects a star or a backslash.
func pieces(pattern string) ([]string, error) {
	var out []string
	var piece []byte
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '*':
			out, piece = append(out, string(piece)), nil
			continue
		case c == '\\':
			if i++; i == len(pattern) || pattern[i] != '*' && pattern[i] != '\\' {
				return nil, fmt.Errorf(`a backslash stands before * or \ in a pattern`)
			}
			c = pattern[i]
		}
		piece = append(piece, c)
	}
	return append(out, string(piece)), nil
}

// matches says whether a text is the pattern, in which a star between two pieces is any text.
func matches(v, pattern any) bool {
	s, ok := v.(string)
	parts, isPattern := pattern.([]string)
	if !ok || !isPattern {
		return false
	}
	last := len(parts) - 1
	if last == 0 {
		return s == parts[0]
	}
	if s, ok = strings.CutPrefix(s, parts[0]); !ok {
		return false
	}
	for _, part := range parts[1:last] {
		if _, s, ok = strings.Cut(s, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, parts[last])
}
