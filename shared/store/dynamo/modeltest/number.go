package modeltest

import (
	"math/big"
	"strings"
)

// What a number can hold.
const (
	maxDigits   = 38
	maxExponent = 126  // of 0.d × 10^e: below 10^126
	minExponent = -129 // at least 10^-130
)

// number is an exact decimal: ±0.digits × 10^exp. Digits begin and end with none that is 0; zero has no digits.
type number struct {
	negative bool
	digits   string
	exp      int
}

// parseNumber reads a number as requests write it.
func parseNumber(s string) (number, error) {
	var n number
	bad := refuse("A value provided cannot be converted into a number")
	rest, sign := strings.CutPrefix(s, "-")
	n.negative = sign
	if !sign {
		rest = strings.TrimPrefix(rest, "+")
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(rest), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return n, bad
	}
	shift := 0
	if scientific {
		e, ok := new(big.Int).SetString(exponent, 10)
		if !ok || strings.ContainsAny(exponent, "_") {
			return n, bad
		}
		shift = 1 << 20
		if e.IsInt64() && e.Int64() > -1<<20 && e.Int64() < 1<<20 {
			shift = int(e.Int64())
		} else if e.Sign() < 0 {
			shift = -shift
		}
	}
	return n.normal(whole+fraction, len(whole)+shift)
}

// normal brings 0.digits × 10^exp into the one form of its value, and refuses what is out of range.
func (n number) normal(digits string, exp int) (number, error) {
	d := strings.TrimLeft(digits, "0")
	n.exp = exp - (len(digits) - len(d))
	n.digits = strings.TrimRight(d, "0")
	switch {
	case n.digits == "":
		return number{}, nil
	case n.exp > maxExponent:
		return n, refuse("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case n.exp < minExponent:
		return n, refuse("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(n.digits) > maxDigits:
		return n, refuse("Attempting to store more than 38 significant digits in a Number")
	}
	return n, nil
}

// String writes the number without an exponent, as answers do.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	var s string
	switch {
	case n.exp <= 0:
		s = "0." + strings.Repeat("0", -n.exp) + n.digits
	case n.exp >= len(n.digits):
		s = n.digits + strings.Repeat("0", n.exp-len(n.digits))
	default:
		s = n.digits[:n.exp] + "." + n.digits[n.exp:]
	}
	if n.negative {
		return "-" + s
	}
	return s
}

// sign is -1, 0 or 1.
func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// compare orders two numbers.
func (n number) compare(o number) int {
	if s := n.sign(); s != o.sign() || s == 0 {
		return s - o.sign()
	}
	c := n.exp - o.exp
	if c == 0 {
		c = strings.Compare(n.digits, o.digits)
	}
	return c * n.sign()
}

// plus adds, exactly.
func (n number) plus(o number) (number, error) {
	low := min(n.exp-len(n.digits), o.exp-len(o.digits))
	sum := n.scaled(low)
	sum.Add(sum, o.scaled(low))
	out := number{negative: sum.Sign() < 0}
	digits := sum.Abs(sum).String()
	return out.normal(digits, low+len(digits))
}

// minus is the number with the other sign.
func (n number) minus() number {
	n.negative = !n.negative && n.digits != ""
	return n
}

// scaled gives the number in units of 10^low.
func (n number) scaled(low int) *big.Int {
	i, ok := new(big.Int).SetString(n.digits, 10)
	if !ok {
		return new(big.Int)
	}
	if n.negative {
		i.Neg(i)
	}
	return i.Mul(i, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exp-len(n.digits)-low)), nil))
}

// addNumbers adds two numbers in their written form.
func addNumbers(a, b string, subtract bool) (string, error) {
	x, err := parseNumber(a)
	if err != nil {
		return "", err
	}
	y, err := parseNumber(b)
	if err != nil {
		return "", err
	}
	if subtract {
		y = y.minus()
	}
	sum, err := x.plus(y)
	return sum.String(), err
}

// compareNumbers orders two numbers in their written form; those that are stored parse.
func compareNumbers(a, b string) int {
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	return x.compare(y)
}
