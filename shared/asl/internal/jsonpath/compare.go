package jsonpath

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// compare applies an operator to two values.
func (w *walk) compare(op string, l, r any) bool {
	switch op {
	case "==":
		return w.alike(l, r)
	case "!=":
		return !w.alike(l, r)
	case "<", "<=", ">", ">=":
		return ordered(op, l, r)
	case "size":
		n, ok := length(l).(float64)
		if s, isText := l.(string); isText {
			n, ok = float64(len([]rune(s))), true
		}
		want, isNumber := toNumber(r)
		return ok && isNumber && n == want
	case "empty":
		return hasNone(l) == r
	case "contains":
		if s, ok := l.(string); ok {
			part, ok := r.(string)
			return ok && strings.Contains(s, part)
		}
		l, r = r, l
		op = "in"
	}
	return w.sets(op, l, r)
}

// sets applies the operators on lists.
func (w *walk) sets(op string, l, r any) bool {
	list, ok := r.([]any)
	if !ok {
		return false
	}
	has := func(v any) bool {
		return slices.ContainsFunc(list, func(e any) bool { return w.alike(e, v) })
	}
	found := false
	switch left, isList := l.([]any); {
	case op == "in":
		found = has(l)
	case op == "nin":
		found = !has(l)
	case !isList:
	case op == "anyof":
		found = slices.ContainsFunc(left, has)
	case op == "noneof":
		found = !slices.ContainsFunc(left, has)
	case op == "subsetof":
		found = !slices.ContainsFunc(left, func(v any) bool { return !has(v) })
	}
	return found
}

// hasNone says whether a list, an object or a text is empty; all else is neither empty nor not.
func hasNone(v any) any {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	case string:
		return v == ""
	}
	return nil
}

// alike says whether two values are equal. A number equals the text that it is written as.
func (w *walk) alike(a, b any) bool {
	if w.visited++; w.visited > maxVisited {
		return false
	}
	x, aNumber := toNumber(a)
	y, bNumber := toNumber(b)
	switch {
	case aNumber && bNumber:
		return exact(a, b, x == y)
	case aNumber:
		s, ok := b.(string)
		f, err := strconv.ParseFloat(s, 64)
		return ok && err == nil && f == x
	case bNumber:
		return w.alike(b, a)
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, w.alike)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, w.alike)
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// exact compares whole numbers that a float64 cannot hold as what they are.
func exact(a, b any, rough bool) bool {
	x, xWhole := a.(int64)
	y, yWhole := b.(int64)
	if xWhole && yWhole {
		return x == y
	}
	return rough
}

// ordered compares two numbers or two texts; all else has no order.
func ordered(op string, l, r any) bool {
	order := 0
	x, xNumber := toNumber(l)
	y, yNumber := toNumber(r)
	s, sText := l.(string)
	t, tText := r.(string)
	switch {
	case xNumber && yNumber && x < y:
		order = -1
	case xNumber && yNumber && x > y:
		order = 1
	case xNumber && yNumber:
	case sText && tText:
		order = strings.Compare(s, t)
	default:
		return false
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}
