package jsonata

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/blues/jsonata-go/jlib"
	"github.com/blues/jsonata-go/jtypes"
)

// builtins is every function by name, without the dollar sign. It is filled once and never changes.
var builtins = make(map[string]*builtin)

func init() {
	for _, table := range [][]*builtin{numberFunctions, booleanFunctions, stringFunctions, arrayFunctions, objectFunctions, serviceFunctions, integerFunctions, urlFunctions} {
		for _, b := range table {
			builtins[b.name] = b
		}
	}
}

var numberFunctions = []*builtin{
	define("number", "<(nsb)-:n>", 1, toNumber),
	define("abs", "<n-:n>", 1, onNumber(math.Abs)),
	define("floor", "<n-:n>", 1, onNumber(math.Floor)),
	define("ceil", "<n-:n>", 1, onNumber(math.Ceil)),
	define("sqrt", "<n-:n>", 1, onNumber(math.Sqrt)),
	define("round", "<n-n?:n>", 2, round),
	define("power", "<n-n:n>", 2, power),
	define("sum", "<a<n>:n>", 1, onNumbers(func(xs []float64) any { return total(xs) })),
	define("max", "<a<n>:n>", 1, onNumbers(func(xs []float64) any { return most(xs, slices.Max) })),
	define("min", "<a<n>:n>", 1, onNumbers(func(xs []float64) any { return most(xs, slices.Min) })),
	define("average", "<a<n>:n>", 1, onNumbers(func(xs []float64) any {
		return most(xs, func(xs []float64) float64 { return total(xs) / float64(len(xs)) })
	})),
	define("formatNumber", "<n-so?:s>", 3, formatNumber),
	define("formatBase", "<n-n?:s>", 2, formatBase),
}

var booleanFunctions = []*builtin{
	define("boolean", "<x-:b>", 1, func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		return truth(c.at(0)), nil
	}),
	define("not", "<x-:b>", 1, func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		return !truth(c.at(0)), nil
	}),
	define("exists", "<x:b>", 1, func(c *arguments) (any, error) { return !c.none(), nil }),
	define("type", "<x:s>", 1, func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		return typeOf(c.at(0)), nil
	}),
	define("error", "<s?:x>", 1, func(c *arguments) (any, error) {
		return nil, fail("D3137", "%s", said(c, 0, "$error() function evaluated"))
	}),
	define("assert", "<bs?:x>", 2, func(c *arguments) (any, error) {
		if ok, isBool := c.at(0).(bool); !isBool {
			return nil, c.wrong(0)
		} else if !ok {
			return nil, fail("D3141", "%s", said(c, 1, "$assert() statement failed"))
		}
		return undefined, nil
	}),
}

func said(c *arguments, i int, otherwise string) string {
	if s, ok := c.at(i).(string); ok {
		return s
	}
	return otherwise
}

func toNumber(c *arguments) (any, error) {
	switch v := c.at(0).(type) {
	case undefinedType, float64, int64:
		return v, nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		if x, err := strconv.ParseFloat(v, 64); err == nil && jsonNumber(v) {
			return x, nil
		}
		if x, err := strconv.ParseInt(v, 0, 64); err == nil && len(v) > 2 && v[0] == '0' && strings.ContainsRune("xXoObB", rune(v[1])) {
			return float64(x), nil
		}
		return nil, fail("D3030", "Unable to cast value to a number: %q", v)
	}
	return nil, c.wrong(0)
}

// jsonNumber keeps out what Go reads as a number and JSON does not, such as "inf" or "1_0".
func jsonNumber(s string) bool {
	return strings.Trim(s, "0123456789.eE+-") == "" && s[0] != '+' && s[0] != '.'
}

func onNumber(do func(float64) float64) func(*arguments) (any, error) {
	return func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		x, err := c.number(0)
		if err != nil {
			return nil, err
		}
		y := do(x)
		if math.IsNaN(y) {
			return nil, fail("D3060", "The %s function cannot be applied to a negative number: %s", c.name, shown(x))
		}
		return y, nil
	}
}

func onNumbers(do func([]float64) any) func(*arguments) (any, error) {
	return func(c *arguments) (any, error) {
		if c.none() {
			return undefined, nil
		}
		xs, err := c.numbers(0)
		if err != nil {
			return nil, err
		}
		return do(xs), nil
	}
}

func total(xs []float64) float64 {
	var t float64
	for _, x := range xs {
		t += x
	}
	return t
}

func most(xs []float64, pick func([]float64) float64) any {
	if len(xs) == 0 {
		return undefined
	}
	return pick(xs)
}

func round(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	digits := 0.0
	if c.at(1) != undefined {
		if digits, err = c.number(1); err != nil {
			return nil, err
		}
	}
	return shifted(math.RoundToEven(shifted(x, int(digits))), -int(digits)), nil
}

// shifted moves the decimal point, in the digits that the number shows, so that 4.525 lies in the middle.
func shifted(x float64, places int) float64 {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', -1, 64), "e")
	e, _ := strconv.Atoi(exponent)
	z, err := strconv.ParseFloat(mantissa+"e"+strconv.Itoa(e+places), 64)
	if err != nil {
		return x
	}
	return z
}

func power(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	y, err := c.number(1)
	if err != nil {
		return nil, err
	}
	z := math.Pow(x, y)
	if math.IsInf(z, 0) || math.IsNaN(z) {
		return nil, fail("D3061", "The power function has resulted in a value that cannot be represented as a JSON number: base=%s, exponent=%s", shown(x), shown(y))
	}
	return z, nil
}

func formatNumber(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	picture, err := c.string(1)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(picture, "eE") { // the module does not end on a zero with an exponent
		return nil, fail("D3080", "Exponents in the picture of formatNumber are not supported")
	}
	var options jtypes.OptionalValue
	if m, ok := c.at(2).(map[string]any); ok {
		options = jtypes.NewOptionalValue(reflect.ValueOf(m))
	}
	s, err := jlib.FormatNumber(x, picture, options)
	if err != nil {
		return nil, fail("D3080", "%s", err)
	}
	return s, nil
}

func formatBase(c *arguments) (any, error) {
	if c.none() {
		return undefined, nil
	}
	x, err := c.number(0)
	if err != nil {
		return nil, err
	}
	base := 10.0
	if c.at(1) != undefined {
		if base, err = c.number(1); err != nil {
			return nil, err
		}
	}
	if base < 2 || base > 36 {
		return nil, fail("D3100", "The radix of the formatBase function must be between 2 and 36.  It was given %s", shown(base))
	}
	return strconv.FormatInt(int64(math.RoundToEven(x)), int(base)), nil
}
