package jsonpath

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Text writes a value as the service prints it in its messages and in States.Format: not as JSON but as its runtime writes a map, a list
// and a number, {a=1, b=[x, y]}. A whole number never has a fraction here, because 1 and 1.0 are one value.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return number(v)
	case []any:
		out := make([]string, len(v))
		for i, e := range v {
			out[i] = Text(e)
		}
		return "[" + strings.Join(out, ", ") + "]"
	case map[string]any:
		out := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, k+"="+Text(v[k]))
		}
		return "{" + strings.Join(out, ", ") + "}"
	}
	return ""
}

// number writes fractions between 0.001 and 10,000,000 in full and others as 1.5E-4.
func number(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e18 {
		return strconv.FormatInt(int64(f), 10)
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

// class names a value's type as the service's runtime does.
func class(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "java.lang.Boolean"
	case string:
		return "java.lang.String"
	case int64:
		return "java.lang.Long"
	case float64:
		switch {
		case v != math.Trunc(v):
			return "java.lang.Double"
		case math.Abs(v) > math.MaxInt32:
			return "java.lang.Long"
		}
		return "java.lang.Integer"
	case []any:
		return "java.util.ArrayList"
	}
	return "java.util.LinkedHashMap"
}
