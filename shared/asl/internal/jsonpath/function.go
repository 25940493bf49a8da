package jsonpath

//lint:file-ignore ST1005 messages are the service's words

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// function is the call at the end of a path, as in $.list.length().
type function struct {
	name string
	args []operand
}

var errEmpty = errors.New("Aggregation function attempted to calculate value using empty array")

// aggregates work on the numbers of a list; what is no number does not count.
var aggregates = map[string]func([]float64) float64{
	"min": slices.Min[[]float64],
	"max": slices.Max[[]float64],
	"sum": sum,
	"avg": func(x []float64) float64 { return sum(x) / float64(len(x)) },
	"stddev": func(x []float64) float64 {
		mean, squares := sum(x)/float64(len(x)), 0.0
		for _, f := range x {
			squares += (f - mean) * (f - mean)
		}
		return math.Sqrt(squares / float64(len(x)))
	},
}

func sum(x []float64) float64 {
	total := 0.0
	for _, f := range x {
		total += f
	}
	return total
}

// known says whether a function exists.
func known(name string) bool {
	switch name {
	case "length", "size", "keys", "concat", "append", "first", "last", "index":
		return true
	}
	return aggregates[name] != nil
}

// call applies the function to what the path before it selected.
func (f *function) call(w *walk, v any) (any, error) {
	args := make([]any, len(f.args))
	for i, a := range f.args {
		x, _, err := a.value(w, w.root)
		if err != nil {
			return nil, err
		}
		args[i] = x
	}
	if do := aggregates[f.name]; do != nil {
		return aggregate(do, v, args)
	}
	list, isList := v.([]any)
	switch f.name {
	case "length", "size":
		return length(v), nil
	case "keys":
		m, ok := v.(map[string]any)
		if !ok {
			return nil, nil
		}
		out := make([]any, 0, len(m))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out = append(out, k)
		}
		return out, nil
	case "concat":
		var b strings.Builder
		for _, e := range append(texts(list), texts(args)...) {
			b.WriteString(e)
		}
		return b.String(), nil
	case "append":
		if !isList {
			return v, nil
		}
		return append(slices.Clone(list), args...), nil
	}
	return element(f.name, list, args)
}

// aggregate applies a function to the numbers of a list and of the arguments.
func aggregate(do func([]float64) float64, v any, args []any) (any, error) {
	list, _ := v.([]any)
	var numbers []float64
	for _, e := range append(slices.Clone(list), args...) {
		if n, ok := toNumber(e); ok {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return nil, errEmpty
	}
	return do(numbers), nil
}

// length counts elements and fields; all else has none.
func length(v any) any {
	switch v := v.(type) {
	case []any:
		return float64(len(v))
	case map[string]any:
		return float64(len(v))
	}
	return nil
}

// texts gives the strings and numbers of a list.
func texts(list []any) []string {
	var out []string
	for _, e := range list {
		switch e.(type) {
		case string, float64, int64:
			out = append(out, Text(e))
		}
	}
	return out
}

// element gives one element by its place.
func element(name string, list []any, args []any) (any, error) {
	i := 0
	switch name {
	case "last":
		i = -1
	case "index":
		n, ok := 0.0, false
		if len(args) == 1 {
			n, ok = toNumber(args[0])
		}
		if !ok || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
			return nil, fmt.Errorf("the function index takes one whole number")
		}
		i = int(n)
	}
	if i = at(i, len(list)); i < 0 {
		return nil, errEmpty
	}
	return list[i], nil
}

// toNumber gives a number as float64.
func toNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}
