package jsonata

import (
	"slices"
)

var arrayFunctions = []*builtin{
	define("count", "<a:n>", 1, func(c *arguments) (any, error) { return float64(len(list(c.at(0)))), nil }),
	define("append", "<xx:a>", 2, appendTwo),
	define("reverse", "<a:a>", 1, onList(func(_ *evaluator, a []any) any { a = slices.Clone(a); slices.Reverse(a); return a })),
	define("distinct", "<x:x>", 1, func(c *arguments) (any, error) {
		if a, ok := c.at(0).([]any); ok && len(a) > 1 {
			return distinct(a), nil
		}
		return c.at(0), nil
	}),
	define("shuffle", "<a:a>", 1, shuffle),
	define("sort", "<af?:a>", 2, sortArray),
	define("zip", "<a+>", 1, zip),
	define("map", "<af>", 2, mapArray),
	define("filter", "<af>", 2, filterArray),
	define("single", "<af?>", 2, single),
	define("reduce", "<afj?:j>", 3, reduce),
}

func onList(do func(ev *evaluator, a []any) any) func(*arguments) (any, error) {
	return func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		return do(c.ev, list(c.at(0))), nil
	}
}

func appendTwo(c *arguments) (any, error) {
	switch {
	case c.none():
		return c.at(1), nil
	case c.at(1) == undefined:
		return c.at(0), nil
	}
	return slices.Concat(list(c.at(0)), list(c.at(1))), nil
}

func distinct(a []any) []any {
	out := make([]any, 0, len(a))
	for _, e := range a {
		if !slices.ContainsFunc(out, func(o any) bool { return equal(o, e) }) {
			out = append(out, e)
		}
	}
	return out
}

func shuffle(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	if c.ev.env.Float == nil {
		return nil, fail("T1006", "Attempted to invoke a non-function")
	}
	a := slices.Clone(list(c.at(0)))
	for i := len(a) - 1; i > 0; i-- {
		j := int(c.ev.env.Float() * float64(i+1))
		a[i], a[j] = a[j], a[i]
	}
	return a, nil
}

func sortArray(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	a := slices.Clone(list(c.at(0)))
	var failure error
	compare := func(x, y any) int {
		n, ok := order(x, y)
		if !ok && failure == nil {
			failure = fail("D3070", "The single argument form of the sort function can only be applied to an array of strings or an array of numbers.  Use the second argument to specify a comparison function")
		}
		return n
	}
	if c.at(1) != undefined {
		after, err := c.function(1)
		if err != nil {
			return nil, err
		}
		compare = func(x, y any) int {
			v, err := c.ev.each(after, x, y)
			if err != nil && failure == nil {
				failure = err
			}
			if truth(v) {
				return 1
			}
			return -1
		}
	}
	return mergeSort(a, compare), failure
}

// mergeSort is stable and asks only whether a comes after b, which is all that a user's function tells.
func mergeSort[T any](a []T, compare func(x, y T) int) []T {
	if len(a) < 2 {
		return a
	}
	l, r := mergeSort(a[:len(a)/2], compare), mergeSort(a[len(a)/2:], compare)
	out := make([]T, 0, len(a))
	for len(l) > 0 && len(r) > 0 {
		if compare(l[0], r[0]) > 0 {
			out, r = append(out, r[0]), r[1:]
		} else {
			out, l = append(out, l[0]), l[1:]
		}
	}
	return append(append(out, l...), r...)
}

func zip(c *arguments) (any, error) {
	n := -1
	for _, a := range c.args {
		if l := len(list(a)); n < 0 || l < n {
			n = l
		}
	}
	out := make([]any, n)
	for i := range out {
		row := make([]any, len(c.args))
		for j, a := range c.args {
			row[j] = list(a)[i]
		}
		out[i] = row
	}
	return out, nil
}

// eachItem calls the function of argument 1 with (item, index, array) for each item of argument 0.
func eachItem(c *arguments, do func(item, result any)) error {
	fn, err := c.function(1)
	if err != nil {
		return err
	}
	a := list(c.at(0))
	for i, item := range a {
		v, err := c.ev.each(fn, item, float64(i), a)
		if err != nil {
			return err
		}
		do(item, v)
	}
	return nil
}

func mapArray(c *arguments) (any, error) {
	out := &sequence{}
	err := eachItem(c, func(_, v any) {
		if v != undefined {
			out.items = append(out.items, v)
		}
	})
	return out, err
}

func filterArray(c *arguments) (any, error) {
	out := &sequence{}
	err := eachItem(c, func(item, v any) {
		if truth(v) {
			out.items = append(out.items, item)
		}
	})
	return out, err
}

func single(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	found := list(c.at(0))
	if c.at(1) != undefined {
		found = nil
		if err := eachItem(c, func(item, v any) {
			if truth(v) {
				found = append(found, item)
			}
		}); err != nil {
			return nil, err
		}
	}
	switch len(found) {
	case 0:
		return nil, fail("D3139", "The $single() function expected exactly 1 matching result.  Instead it matched 0.")
	case 1:
		return found[0], nil
	}
	return nil, fail("D3138", "The $single() function expected exactly 1 matching result.  Instead it matched more.")
}

func reduce(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	fn, err := c.function(1)
	if err != nil {
		return nil, err
	}
	if fn.arity() < 2 {
		return nil, fail("D3050", "The second argument of reduce function must be a function with at least two arguments")
	}
	a, result := list(c.at(0)), c.at(2)
	i := 0
	if result == undefined && len(a) > 0 {
		result, i = a[0], 1
	}
	for ; i < len(a); i++ {
		if result, err = c.ev.each(fn, result, a[i], float64(i), a); err != nil {
			return nil, err
		}
	}
	return result, nil
}
