package expr

import (
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/record"
)

var valueFunctions = map[string]function{
	"int":      {usage: "int(value)", doc: "An int of a text, a whole number, a bool (1 or 0) or a JSON value.", min: 1, max: 1, make: makeConversion(intType)},
	"float":    {usage: "float(value)", doc: "A float of a text, a number or a JSON value.", min: 1, max: 1, make: makeConversion(floatType)},
	"string":   {usage: "string(value)", doc: "The text form of any value; of a JSON string its text.", min: 1, max: 1, make: makeConversion(stringType)},
	"bool":     {usage: "bool(value)", doc: "A bool of 1, 0 or a text true, false, 1, 0 in any case.", min: 1, max: 1, make: makeConversion(boolType)},
	"json":     {usage: "json(value)", doc: "The JSON value that a text holds; any other value as JSON.", min: 1, max: 1, make: makeConversion(jsonType)},
	"decimal":  {usage: "decimal(value, precision, scale)", doc: "An exact decimal of a text, a number or a JSON value; digits that do not fit are an error.", min: 3, max: 3, make: makeDecimal},
	"is_null":  {usage: "is_null(value)", doc: "Whether there is no value.", min: 1, max: 1, make: makeIsNull},
	"coalesce": {usage: "coalesce(a, b, …)", doc: "The first value that is not null; also a ?? b.", min: 1, max: many, make: makeCoalesce},
	"length":   {usage: "length(value)", doc: "The characters of a text, the bytes of a bytes value, the elements of a JSON array.", min: 1, max: 1, make: makeLength},
}

func makeConversion(to record.Type) func(c *call) (*node, error) {
	return func(c *call) (*node, error) {
		a := c.args[0]
		switch i, ok := conversion(a.typ, to); {
		case a.isNull():
			return literal(to, nil, c.at), nil
		case a.typ == to:
			return a, nil
		case ok:
			return c.node(i)
		}
		return nil, failAt(a.at, wrongType, "%s cannot become %s", a.typ, to)
	}
}

func makeDecimal(c *call) (*node, error) {
	precision, err := c.written(1, 1, 38)
	if err != nil {
		return nil, err
	}
	scale, err := c.written(2, 0, int64(precision))
	if err != nil {
		return nil, err
	}
	c.args = c.args[:1]
	return makeConversion(record.Type{Kind: record.Decimal, Precision: precision, Scale: scale})(c)
}

func makeIsNull(c *call) (*node, error) {
	return c.node(lenientN(boolType, func(args []any) (any, error) { return args[0] == nil, nil }))
}

func makeCoalesce(c *call) (*node, error) {
	last := c.args[len(c.args)-1]
	for i := len(c.args) - 2; i >= 0; i-- {
		n, err := coalesce(c.args[i], last)
		if err != nil {
			return nil, err
		}
		last = n
	}
	if last.isNull() {
		return nil, failAt(c.at, wrongType, "null alone has no type")
	}
	return last, nil
}

func makeLength(c *call) (*node, error) {
	if err := c.want(0, record.String, record.Bytes, record.JSON); err != nil {
		return nil, err
	}
	switch c.args[0].typ.Kind {
	case record.String:
		return c.node(pure1(intType, func(s string) int64 { return int64(utf8.RuneCountInString(s)) }))
	case record.Bytes:
		return c.node(pure1(intType, func(b []byte) int64 { return int64(len(b)) }))
	}
	return c.node(map1(intType, jsonLength))
}
