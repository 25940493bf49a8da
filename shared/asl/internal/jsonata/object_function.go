package jsonata

import (
	"maps"
	"slices"
)

var objectFunctions = []*builtin{
	define("keys", "<x-:a<s>>", 1, func(c *arguments) (any, error) { return &sequence{items: keysOf(c.at(0), nil)}, nil }),
	define("lookup", "<x-s:x>", 2, func(c *arguments) (any, error) {
		key, err := c.string(1)
		if err != nil {
			return nil, err
		}
		return field(c.at(0), key), nil
	}),
	define("clone", "<(oa)-:o>", 1, func(c *arguments) (any, error) { return clone(c.at(0)), nil }),
	define("merge", "<a<o>:o>", 1, merge),
	define("spread", "<x-:a<o>>", 1, func(c *arguments) (any, error) { return spread(c.at(0)), nil }),
	define("each", "<o-f:a>", 2, eachPair),
	define("sift", "<o-f?:o>", 2, sift),
}

func keysOf(v any, out []any) []any {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			if !slices.Contains(out, any(k)) {
				out = append(out, k)
			}
		}
	case []any:
		for _, e := range v {
			out = keysOf(e, out)
		}
	}
	return out
}

func merge(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	out := make(map[string]any)
	for _, e := range list(c.at(0)) {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, fail("T0412", "Argument 1 of function \"merge\" must be an array of objects")
		}
		maps.Copy(out, m)
	}
	return out, nil
}

func spread(v any) any {
	out := &sequence{}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			out.items = append(out.items, map[string]any{k: v[k]})
		}
	case []any:
		for _, e := range v {
			out.items = append(out.items, list(unwrap(spread(e)))...)
		}
	default:
		return v
	}
	return out
}

// pairs gives the object and the function of $each and $sift, which may leave the object to the context.
func pairs(c *arguments) (map[string]any, function, error) {
	m, err := c.object(0)
	if err != nil {
		return nil, nil, err
	}
	fn, err := c.function(1)
	return m, fn, err
}

func eachPair(c *arguments) (any, error) {
	m, fn, err := pairs(c)
	if err != nil {
		return nil, err
	}
	out := &sequence{}
	for _, k := range sortedKeys(m) {
		v, err := c.ev.each(fn, m[k], k, m)
		if err != nil {
			return nil, err
		}
		if v != undefined {
			out.items = append(out.items, v)
		}
	}
	return out, nil
}

func sift(c *arguments) (any, error) {
	m, fn, err := pairs(c)
	if err != nil {
		return nil, err
	}
	out := make(map[string]any)
	for _, k := range sortedKeys(m) {
		v, err := c.ev.each(fn, m[k], k, m)
		if err != nil {
			return nil, err
		}
		if truth(v) {
			out[k] = m[k]
		}
	}
	if len(out) == 0 {
		return undefined, nil
	}
	return out, nil
}
