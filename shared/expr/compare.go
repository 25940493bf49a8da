package expr

import (
	"bytes"
	"cmp"
	"math"
	"math/big"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// compare types a comparison. Values are compared exactly: an int with a float, or decimals of different scale, as numbers. What
// is compared with null is null.
func compare(name string, l, r *node, at int) (*node, error) {
	if l.isNull() || r.isNull() {
		return nil, failAt(at, wrongType, "what is compared with null is null").withHint("write is_null(…) or not is_null(…)")
	}
	l, r, err := adapt(l, r)
	if err != nil {
		return nil, err
	}
	if l.typ == jsonType || r.typ == jsonType {
		return apply(name, map2(boolType, jsonCompare(name)), asJSON(l), asJSON(r)), nil
	}
	i, ok := comparison(name, l.typ, r.typ)
	if ok {
		return apply(name, i, l, r), nil
	}
	p := failAt(at, wrongType, "%s cannot be compared with %s", l.typ, r.typ)
	return nil, p.withHint("%s", compareHint(l, r))
}

func compareHint(l, r *node) string {
	switch {
	case pair(l, r, record.Decimal, record.Float):
		return "write float(…) around the decimal"
	case pair(l, r, record.Date, record.Timestamp), pair(l, r, record.Date, record.TimestampTZ):
		return "write date(…) around the timestamp"
	case pair(l, r, record.Timestamp, record.TimestampTZ):
		return "write timestamptz(…) around the one without zone: it is taken as UTC"
	case l.typ.Kind == record.String || r.typ.Kind == record.String:
		return "texts stand in quotes, numbers do not; or convert: int(…), string(…)"
	case l.typ.Kind == record.Bool && r.typ.Kind == record.Bool:
		return "bools are equal or not, none is greater"
	}
	return "convert one of them"
}

// comparison finds the function for two types.
func comparison(name string, l, r record.Type) (impl, bool) {
	switch {
	case l.Kind == record.Decimal && (r.Kind == record.Decimal || r.Kind == record.Int):
		if r.Kind == record.Int {
			return map2(boolType, outcome(name, compareDecimalInt(l.Scale))), true
		}
		return map2(boolType, outcome(name, compareDecimals(l.Scale, r.Scale))), true
	case l.Kind == record.Int && r.Kind == record.Decimal:
		c := compareDecimalInt(r.Scale)
		return map2(boolType, outcome(name, func(a int64, b decimal128.Num) int { return -c(b, a) })), true
	case l.Kind == record.Int && r.Kind == record.Float:
		return map2(boolType, outcome(name, compareIntFloat)), true
	case l.Kind == record.Float && r.Kind == record.Int:
		return map2(boolType, outcome(name, func(a float64, b int64) int { return -compareIntFloat(b, a) })), true
	case l != r:
		return impl{}, false
	}
	switch l.Kind {
	case record.Int, record.Date, record.Time, record.Timestamp, record.TimestampTZ:
		return native[int64](name), true
	case record.Float:
		return native[float64](name), true
	case record.String:
		return native[string](name), true
	case record.Bytes, record.UUID:
		return map2(boolType, outcome(name, bytes.Compare)), true
	case record.Bool:
		if name == "==" || name == "!=" {
			return pure2(boolType, func(a, b bool) bool { return (a == b) == (name == "==") }), true
		}
	}
	return impl{}, false
}

// native compares with Go's operators.
func native[T cmp.Ordered](name string) impl {
	switch name {
	case "==":
		return pure2(boolType, func(a, b T) bool { return a == b })
	case "!=":
		return pure2(boolType, func(a, b T) bool { return a != b })
	case "<":
		return pure2(boolType, func(a, b T) bool { return a < b })
	case "<=":
		return pure2(boolType, func(a, b T) bool { return a <= b })
	case ">":
		return pure2(boolType, func(a, b T) bool { return a > b })
	}
	return pure2(boolType, func(a, b T) bool { return a >= b })
}

// outcome makes an operator of a three-way comparison.
func outcome[A, B any](name string, compare func(A, B) int) func(A, B) (bool, error) {
	return func(a A, b B) (bool, error) { return holds(name, compare(a, b)), nil }
}

func holds(name string, c int) bool {
	switch name {
	case "==":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// compareIntFloat compares exactly, also where the int is beyond what a float holds.
func compareIntFloat(a int64, b float64) int {
	switch {
	case b >= math.MaxInt64: // 1<<63 as a float
		return -1
	case b < math.MinInt64:
		return 1
	}
	whole, part := math.Modf(b)
	if c := cmp.Compare(a, int64(whole)); c != 0 {
		return c
	}
	return cmp.Compare(0, part)
}

func compareDecimalInt(scale int32) func(a decimal128.Num, b int64) int {
	by := decimal128.GetScaleMultiplier(int(scale))
	return func(a decimal128.Num, b int64) int {
		if scale <= 18 {
			return a.Cmp(decimal128.FromI64(b).Mul(by))
		}
		return a.BigInt().Cmp(new(big.Int).Mul(big.NewInt(b), by.BigInt()))
	}
}

func compareDecimals(scale, other int32) func(a, b decimal128.Num) int {
	if other == scale {
		return decimal128.Num.Cmp
	}
	return func(a, b decimal128.Num) int { return scaled(a, other-scale).Cmp(scaled(b, scale-other)) }
}

// scaled gives n·10^by, by below 0 counting as 0.
func scaled(n decimal128.Num, by int32) *big.Int {
	if by <= 0 {
		return n.BigInt()
	}
	return new(big.Int).Mul(n.BigInt(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(by)), nil))
}
