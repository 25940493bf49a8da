package jsonata

import (
	"slices"
)

var arrayFunctions = []*builtin{
	{"count", 1, 1, false, func(c *arguments) (any, error) { return float64(len(list(c.at(0)))), nil }},
	{"append", 2, 2, false, appendTwo},
	{"reverse", 1, 1, false, onList(func(_ *evaluator, a []any) any { a = slices.Clone(a); slices.Reverse(a); return a })},
	{"distinct", 1, 1, false, onList(func(_ *evaluator, a []any) any { return distinct(a) })},
	{"shuffle", 1, 1, false, shuffle},
	{"sort", 1, 2, false, sortArray},
	{"zip", 1, 100, false, zip},
	{"map", 2, 2, false, mapArray},
	{"filter", 2, 2, false, filterArray},
	{"single", 1, 2, false, single},
	{"reduce", 2, 3, false, reduce},
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
			failure = fail("D3070", "The single argument form of the sort function can only be applied to an array of strings or an array of numbers")
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
	insertionSort(a, compare)
	return a, failure
}

// insertionSort is stable and asks only whether a comes after b, which is all that a user's function tells.
func insertionSort(a []any, compare func(x, y any) int) {
	for i := 1; i < len(a); i++ {
		for j := i; j > 0 && compare(a[j-1], a[j]) > 0; j-- {
			a[j-1], a[j] = a[j], a[j-1]
		}
	}
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
