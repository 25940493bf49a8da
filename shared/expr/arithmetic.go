package expr

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// What can go wrong with the numbers of a record.
var (
	errOverflow = errors.New("the result is beyond 64 bits")
	errZero     = errors.New("division by zero")
	errDecimal  = errors.New("the result has more than 38 digits")
)

// arithmetic types + - * / %. Ints stay ints except in /, which gives a float; decimals stay decimals and are exact.
func arithmetic(name string, l, r *node, at int) (*node, error) {
	if l.isNull() || r.isNull() {
		return nil, failAt(at, wrongType, "what is computed with null is null").withHint("leave it out, or use coalesce(…)")
	}
	l, r, err := adapt(l, r)
	if err != nil {
		return nil, err
	}
	switch {
	case name == "+" && l.typ == stringType && r.typ == stringType:
		return apply("+", map2(stringType, joinTexts), l, r), nil
	case !l.typ.Numeric() || !r.typ.Numeric():
		p := failAt(at, wrongType, "%s does not work on %s and %s", name, l.typ, r.typ)
		if name == "+" && (l.typ == stringType || r.typ == stringType) {
			return nil, p.withHint("write concat(a, b), or string(…) around the other one")
		}
		return nil, p.withHint("convert first: int(…), float(…)")
	case pair(l, r, record.Decimal, record.Float):
		return nil, failAt(at, wrongType, "a decimal and a float are not computed together, since the result would not be exact").
			withHint("write float(…) around the decimal")
	case l.typ.Kind == record.Decimal || r.typ.Kind == record.Decimal:
		return decimals(name, l, r, at)
	case name == "%":
		if l.typ != intType || r.typ != intType {
			return nil, failAt(at, wrongType, "%% needs int on both sides, not %s and %s", l.typ, r.typ)
		}
		return apply(name, map2(intType, remainder), l, r), nil
	case name == "/" || l.typ == floatType || r.typ == floatType:
		return apply(name, map2(floatType, floats(name)), convert(l, floatType), convert(r, floatType)), nil
	}
	return apply(name, map2(intType, ints(name)), l, r), nil
}

func ints(name string) func(a, b int64) (int64, error) {
	switch name {
	case "+":
		return func(a, b int64) (int64, error) {
			c := a + b
			return c, errIf((c > a) != (b > 0))
		}
	case "-":
		return func(a, b int64) (int64, error) {
			c := a - b
			return c, errIf((c < a) != (b > 0))
		}
	}
	return func(a, b int64) (int64, error) {
		c := a * b
		if a != 0 && (c/a != b || a == -1 && b == math.MinInt64) {
			return 0, errOverflow
		}
		return c, nil
	}
}

func errIf(wrong bool) error {
	if wrong {
		return errOverflow
	}
	return nil
}

func remainder(a, b int64) (int64, error) {
	switch b {
	case 0:
		return 0, errZero
	case -1:
		return 0, nil
	}
	return a % b, nil
}

// floats computes with every result rounded to 64 bits on its own, so that all machines agree.
func floats(name string) func(a, b float64) (float64, error) {
	var f func(a, b float64) float64
	switch name {
	case "+":
		f = func(a, b float64) float64 { return a + b }
	case "-":
		f = func(a, b float64) float64 { return a - b }
	case "*":
		f = func(a, b float64) float64 { return float64(a * b) } // never fused with a sum, as arm64 would
	default:
		return func(a, b float64) (float64, error) {
			if b == 0 {
				return 0, errZero
			}
			return finite(a / b)
		}
	}
	return func(a, b float64) (float64, error) { return finite(f(a, b)) }
}

func finite(f float64) (float64, error) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, errOverflow
	}
	return f, nil
}

func negate(t record.Type) impl {
	switch t.Kind {
	case record.Int:
		return map1(t, func(a int64) (int64, error) { return -a, errIf(a == math.MinInt64) })
	case record.Float:
		return pure1(t, func(a float64) float64 { return -a })
	}
	return pure1(t, decimal128.Num.Negate)
}

// decimals types + - * % of decimals; an int is a decimal of scale 0.
func decimals(name string, l, r *node, at int) (*node, error) {
	l, r = convert(l, asDecimal(l.typ)), convert(r, asDecimal(r.typ))
	a, b := l.typ, r.typ
	out := record.Type{Kind: record.Decimal, Scale: max(a.Scale, b.Scale)}
	switch name {
	case "/":
		return nil, failAt(at, wrongType, "a quotient of decimals is not exact").
			withHint("write divide(a, b, 2) for 2 decimals, or float(a) / float(b)")
	case "*":
		out.Scale = a.Scale + b.Scale
		out.Precision = a.Precision + b.Precision
	case "%":
		out.Precision = 38
	default:
		out.Precision = max(a.Precision-a.Scale, b.Precision-b.Scale) + out.Scale + 1
	}
	out.Precision = min(out.Precision, 38)
	if out.Scale > 38 {
		return nil, failAt(at, wrongType, "the product of %s and %s has more than 38 decimals", a, b).withHint("write round(…, 2) around one of them")
	}
	return apply(name, map2(out, exactly(name, a.Scale, b.Scale)), l, r), nil
}

// asDecimal is the decimal type that holds every value of an int or decimal type.
func asDecimal(t record.Type) record.Type {
	if t.Kind == record.Int {
		return record.Type{Kind: record.Decimal, Precision: 19}
	}
	return t
}

func exactly(name string, as, bs int32) func(a, b decimal128.Num) (decimal128.Num, error) {
	return func(a, b decimal128.Num) (decimal128.Num, error) {
		if as == bs && name != "*" && name != "%" { // two numbers of 38 digits do not overflow 128 bits unseen
			c := a.Add(b)
			if name == "-" {
				c = a.Sub(b)
			}
			return c, decimalIf(c.FitsInPrecision(38))
		}
		x, y, z := scaled(a, bs-as), scaled(b, as-bs), new(big.Int)
		switch name {
		case "+":
			z.Add(x, y)
		case "-":
			z.Sub(x, y)
		case "*":
			z.Mul(a.BigInt(), b.BigInt())
		case "%":
			if y.Sign() == 0 {
				return decimal128.Num{}, errZero
			}
			z.Rem(x, y)
		}
		return fromBig(z)
	}
}

func decimalIf(fits bool) error {
	if fits {
		return nil
	}
	return errDecimal
}

var decimalLimit = new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)

// fromBig refuses what has more than 38 digits.
func fromBig(z *big.Int) (decimal128.Num, error) {
	if z.CmpAbs(decimalLimit) >= 0 {
		return decimal128.Num{}, errDecimal
	}
	return decimal128.FromBigInt(z), nil
}

// literalDecimal is the narrowest decimal type of a number literal: as many digits as are written.
func literalDecimal(n *node) record.Type {
	text := ""
	switch x := n.value.(type) {
	case int64:
		text = strconv.FormatInt(x, 10)
	case float64:
		text = strconv.FormatFloat(x, 'f', -1, 64)
	}
	whole, frac, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	scale := min(len(frac), 38)
	return record.Type{Kind: record.Decimal, Precision: int32(min(len(whole)+scale, 38)), Scale: int32(scale)}
}

// divide is the quotient of decimals with digits decimals, half rounded away from zero.
func divide(as, bs, digits int32) func(a, b decimal128.Num) (decimal128.Num, error) {
	return func(a, b decimal128.Num) (decimal128.Num, error) {
		if b.Sign() == 0 {
			return decimal128.Num{}, errZero
		}
		return fromBig(quotient(scaled(a, digits+bs-as), scaled(b, as-bs-digits)))
	}
}

// quotient divides whole numbers, half rounded away from zero.
func quotient(a, b *big.Int) *big.Int {
	q, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Lsh(rest.Abs(rest), 1).CmpAbs(b) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}
