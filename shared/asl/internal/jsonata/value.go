package jsonata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// undefinedType is the type of the one value that stands for "nothing".
type undefinedType struct{}

var undefined any = undefinedType{}

// sequence is a list that an expression made on its way: none becomes undefined, one becomes its element, unless keep says that
// the author asked for an array. With tuples its items are *tuple, which never leave a path.
type sequence struct {
	items  []any
	keep   bool
	tuples bool
}

// unwrap turns a sequence into the value that it stands for.
func unwrap(v any) any {
	s, ok := v.(*sequence)
	switch {
	case !ok:
		return v
	case len(s.items) == 0:
		return undefined
	case s.tuples:
		return unwrap(s.plain())
	case len(s.items) == 1 && !s.keep:
		return s.items[0]
	}
	return s.items
}

// list gives the elements of an array, none of undefined, the value itself of all else.
func list(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case undefinedType:
		return nil
	}
	return []any{v}
}

// maxExact is 2^53: integers up to it are exact as float64.
const maxExact = 1 << 53

// Decode reads one JSON text. Integers that a float64 cannot hold become int64 when that can.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("decode JSON: more than one value")
	}
	return numbers(v)
}

// numbers replaces the json.Number of a fresh tree in place.
func numbers(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return Number(v)
	case []any:
		for i := range v {
			if v[i], err = numbers(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k, e := range v {
			if v[k], err = numbers(e); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// Number gives a JSON number as a value.
func Number(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil && (i > maxExact || i < -maxExact) {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil {
		return nil, fmt.Errorf("decode JSON: number %s is out of range", n)
	}
	return f, nil
}

// Encode writes a value as JSON, keys sorted, HTML characters as they are. A function is an error.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Size gives the length in bytes of the value as JSON, near enough for a limit (escapes count as they are written, integers beyond 2^53 as
// the longest), and an error when the value holds something that JSON cannot, such as a function.
func Size(v any) (int, error) {
	switch v := v.(type) {
	case nil:
		return 4, nil
	case bool:
		return 5, nil
	case string:
		return stringSize(v), nil
	case float64:
		var buf [32]byte
		if math.Abs(v) < 1e21 {
			return len(strconv.AppendFloat(buf[:0], v, 'f', -1, 64)), nil
		}
		return len(strconv.AppendFloat(buf[:0], v, 'e', -1, 64)), nil
	case int64:
		return 20, nil
	case []any:
		n := 2
		for _, e := range v {
			m, err := Size(e)
			if err != nil {
				return 0, err
			}
			n += m + 1
		}
		return n, nil
	case map[string]any:
		n := 2
		for k, e := range v {
			m, err := Size(e)
			if err != nil {
				return 0, err
			}
			n += stringSize(k) + m + 2
		}
		return n, nil
	}
	return 0, fmt.Errorf("the value holds %s, which is not JSON", typeOf(v))
}

func stringSize(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			n++
		case c < 0x20:
			n += 5
		}
	}
	return n
}

// TypeOf names the type of a value as JSONata's $type does.
func TypeOf(v any) string { return typeOf(v) }

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case float64, int64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case undefinedType:
		return "undefined"
	}
	return "function"
}

// asNumber gives a number as float64.
func asNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// truth is JSONata's cast to a boolean; what is undefined is false.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case float64:
		return v != 0
	case int64:
		return v != 0
	case []any:
		return slices.ContainsFunc(v, truth)
	case map[string]any:
		return len(v) > 0
	}
	return false
}

func equal(a, b any) bool {
	if x, ok := asNumber(a); ok {
		y, ok := asNumber(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case nil, bool, string:
		return a == b
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.TypeOf(a).Comparable() && a == b
}

// text is JSONata's cast to a string: strings as they are, functions empty, all else as JSON.
func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case undefinedType:
		return "", nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return numberText(v)
	case nil:
		return "null", nil
	case []any, map[string]any:
		b, err := Encode(rounded(v))
		return string(b), err
	}
	return "", nil
}

// numberText writes at most 15 digits, as JSONata does, so that 0.1 + 0.2 reads 0.3.
func numberText(f float64) (string, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "", fail("D3001", "Attempting to invoke string function on Infinity or NaN")
	}
	b, err := Encode(round15(f))
	return string(b), err
}

func round15(f float64) float64 {
	if f == math.Trunc(f) {
		return f
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	return r
}

// rounded copies a value with its numbers cut to 15 digits and its functions as empty texts.
func rounded(v any) any {
	switch v := v.(type) {
	case float64:
		return round15(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = rounded(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = rounded(e)
		}
		return out
	case nil, bool, string, int64:
		return v
	}
	return ""
}

// sortedKeys gives an object's keys in their order, which is the order in which everything walks objects here.
func sortedKeys[V any](m map[string]V) []string {
	return slices.SortedFunc(maps.Keys(m), strings.Compare)
}

// shown is a value as JSONata's messages write it: as JSON.
func shown(v any) string {
	if v == undefined {
		return "undefined"
	}
	b, err := Encode(rounded(v))
	if err != nil {
		return typeOf(v)
	}
	return string(b)
}

// finite copies a value with the numbers that JSON does not have as texts, which is what the service makes of them.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		case math.IsNaN(v):
			return "NaN"
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = finite(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = finite(e)
		}
		return out
	}
	return v
}
