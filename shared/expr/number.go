package expr

import (
	"cmp"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

var numberFunctions = map[string]function{
	"abs":    {usage: "abs(number)", doc: "The number without its sign.", min: 1, max: 1, make: makeAbs},
	"round":  {usage: "round(number[, digits])", doc: "The number with so many decimals, 0 when left out; half is rounded away from zero.", min: 1, max: 2, make: makeRound},
	"floor":  {usage: "floor(number)", doc: "The largest whole number that is not above it, of the same type.", min: 1, max: 1, make: makeWhole(math.Floor, -1)},
	"ceil":   {usage: "ceil(number)", doc: "The smallest whole number that is not below it, of the same type.", min: 1, max: 1, make: makeWhole(math.Ceil, 1)},
	"divide": {usage: "divide(a, b, digits)", doc: "The quotient of decimals or ints with so many decimals; half is rounded away from zero.", min: 3, max: 3, make: makeDivide},
	"min":    {usage: "min(a, b, …)", doc: "The smallest of the values; null when one is null.", min: 2, max: many, make: makeExtreme("<=")},
	"max":    {usage: "max(a, b, …)", doc: "The greatest of the values; null when one is null.", min: 2, max: many, make: makeExtreme(">=")},
}

// numbers are the kinds that functions of numbers take.
var numbers = []record.Kind{record.Int, record.Float, record.Decimal}

func makeAbs(c *call) (*node, error) {
	if err := c.want(0, numbers...); err != nil {
		return nil, err
	}
	switch t := c.args[0].typ; t.Kind {
	case record.Int:
		return c.node(map1(t, func(n int64) (int64, error) {
			if n < 0 {
				return -n, errIf(n == math.MinInt64)
			}
			return n, nil
		}))
	case record.Float:
		return c.node(pure1(t, math.Abs))
	default:
		return c.node(pure1(t, decimal128.Num.Abs))
	}
}

func makeRound(c *call) (*node, error) {
	if err := c.want(0, numbers...); err != nil {
		return nil, err
	}
	digits := int32(0)
	if len(c.args) == 2 {
		var err error
		if digits, err = c.written(1, 0, 30); err != nil {
			return nil, err
		}
	}
	c.args = c.args[:1]
	switch t := c.args[0].typ; t.Kind {
	case record.Int:
		return c.args[0], nil
	case record.Float:
		return c.node(map1(t, func(f float64) (float64, error) { return roundFloat(f, digits) }))
	default:
		if digits >= t.Scale {
			return c.args[0], nil
		}
		out := record.Type{Kind: record.Decimal, Precision: min(t.Precision-t.Scale+digits+1, 38), Scale: digits}
		by := scaled(decimal128.FromI64(1), t.Scale-digits)
		return c.node(map1(out, func(n decimal128.Num) (decimal128.Num, error) { return fromBig(quotient(n.BigInt(), by)) }))
	}
}

// roundFloat rounds the number as it is written in decimal digits, so that 2.675 becomes 2.68.
func roundFloat(f float64, digits int32) (float64, error) {
	if digits == 0 || math.Abs(f) >= 1<<52 {
		return math.Round(f) + 0, nil // no negative zero
	}
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return 0, errOverflow
	}
	// FloatString rounds half away from zero.
	return strconv.ParseFloat(r.FloatString(int(digits)), 64)
}

func makeWhole(f func(float64) float64, direction int) func(c *call) (*node, error) {
	return func(c *call) (*node, error) {
		if err := c.want(0, numbers...); err != nil {
			return nil, err
		}
		switch t := c.args[0].typ; t.Kind {
		case record.Int:
			return c.args[0], nil
		case record.Float:
			return c.node(pure1(t, func(x float64) float64 { return f(x) + 0 }))
		default:
			out := record.Type{Kind: record.Decimal, Precision: min(t.Precision-t.Scale+1, 38)}
			by := scaled(decimal128.FromI64(1), t.Scale)
			return c.node(map1(out, func(n decimal128.Num) (decimal128.Num, error) {
				q, rest := new(big.Int).QuoRem(n.BigInt(), by, new(big.Int))
				if rest.Sign() == direction {
					q.Add(q, big.NewInt(int64(direction)))
				}
				return fromBig(q)
			}))
		}
	}
}

func makeDivide(c *call) (*node, error) {
	for i := range 2 {
		if err := c.want(i, record.Decimal, record.Int); err != nil {
			return nil, err
		}
		c.args[i] = convert(c.args[i], asDecimal(c.args[i].typ))
	}
	digits, err := c.written(2, 0, 30)
	if err != nil {
		return nil, err
	}
	a, b := c.args[0].typ, c.args[1].typ
	c.args = c.args[:2]
	return c.node(map2(record.Type{Kind: record.Decimal, Precision: 38, Scale: digits}, divide(a.Scale, b.Scale, digits)))
}

// makeExtreme chains the choice between two values.
func makeExtreme(keep string) func(c *call) (*node, error) {
	return func(c *call) (*node, error) {
		best := c.args[0]
		for _, next := range c.args[1:] {
			a, b, err := unify(best, next, "the values of "+c.name)
			if err != nil {
				return nil, err
			}
			i, ok := extreme(keep, a.typ)
			if !ok {
				return nil, failAt(a.at, wrongType, "%s does not work on %s", c.name, a.typ)
			}
			best = apply(c.name, i, a, b)
		}
		return best, nil
	}
}

func extreme(keep string, t record.Type) (impl, bool) {
	switch t.Kind {
	case record.Int, record.Date, record.Time, record.Timestamp, record.TimestampTZ:
		return choice(t, keep, cmp.Compare[int64]), true
	case record.Float:
		return choice(t, keep, cmp.Compare[float64]), true
	case record.String:
		return choice(t, keep, cmp.Compare[string]), true
	case record.Decimal:
		return choice(t, keep, decimal128.Num.Cmp), true
	}
	return impl{}, false
}

func choice[T any](t record.Type, keep string, compare func(a, b T) int) impl {
	return pure2(t, func(a, b T) T {
		if holds(keep, compare(a, b)) {
			return a
		}
		return b
	})
}
