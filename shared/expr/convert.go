package expr

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Convert gives a column another type; rows whose value does not fit are null and refused. Texts are read as record.ParseText reads
// them, and JSON strings as their text; int, float and decimal become each other where nothing is lost; bool is 1 or 0 as an int;
// a timestamp becomes the date of its day, a date the timestamp of its midnight; times without zone are taken as UTC. ConfigInvalid
// says that no value of the one type can be of the other.
func Convert(col arrow.Array, from, to record.Type) (arrow.Array, []record.Refusal, error) {
	if from == to {
		return col, nil, nil
	}
	i, ok := conversion(from, to)
	if !ok {
		return nil, nil, fault.New(fault.ConfigInvalid, "%s cannot become %s", from, to)
	}
	v := i.kernel([]*vec{load(col, from)}, col.Len())
	return v.store(col.Len()), refusals(v, col.Len()), nil
}

// Convertible says whether Convert knows how to make the one type of the other.
func Convertible(from, to record.Type) bool {
	_, ok := conversion(from, to)
	return ok || from == to
}

// conversion finds the function that makes one type of another.
func conversion(from, to record.Type) (impl, bool) {
	switch {
	case to.Kind == record.JSON && from.Kind != record.String && from.Kind != record.JSON:
		return jsonOf(from), true
	case from.Kind == record.String:
		return parse(to), true
	case from.Kind == record.JSON:
		return parseJSON(to), true
	case to.Kind == record.String:
		return textOf(from), true
	case from.Numeric() && to.Numeric():
		return number(from, to), true
	case from.Kind == record.Int && to.Kind == record.Bool:
		return map1(to, intBool), true
	case from.Kind == record.Bool && to.Kind == record.Int:
		return pure1(to, boolInt), true
	}
	return instant(from, to)
}

// instant converts between dates and timestamps.
func instant(from, to record.Type) (impl, bool) {
	stamped := from.Kind == record.Timestamp || from.Kind == record.TimestampTZ
	switch {
	case from.Kind == record.Date && (to.Kind == record.Timestamp || to.Kind == record.TimestampTZ):
		return map1(to, func(days int64) (int64, error) {
			if days > math.MaxInt64/dayMicros || days < math.MinInt64/dayMicros {
				return 0, errOverflow
			}
			return days * dayMicros, nil
		}), true
	case stamped && to.Kind == record.Date:
		return pure1(to, func(micros int64) int64 { return floorDiv(micros, dayMicros) }), true
	case stamped && to.Kind == record.Time:
		return pure1(to, func(micros int64) int64 { return micros - floorDiv(micros, dayMicros)*dayMicros }), true
	case stamped && (to.Kind == record.Timestamp || to.Kind == record.TimestampTZ):
		return pure1(to, func(micros int64) int64 { return micros }), true
	}
	return impl{}, false
}

const dayMicros = 86_400_000_000

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func intBool(n int64) (bool, error) {
	if n != 0 && n != 1 {
		return false, fmt.Errorf("%d is not a bool: 1 or 0", n)
	}
	return n == 1, nil
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// number converts between the number types without loss, but for a decimal that becomes the nearest float.
func number(from, to record.Type) impl {
	switch {
	case from.Kind == record.Int && to.Kind == record.Float:
		return map1(to, intFloat)
	case from.Kind == record.Float && to.Kind == record.Int:
		return map1(to, floatInt)
	case from.Kind == record.Int:
		return map1(to, func(n int64) (decimal128.Num, error) { return rescale(decimal128.FromI64(n), 0, to) })
	case from.Kind == record.Float:
		return map1(to, func(f float64) (decimal128.Num, error) {
			return record.ParseDecimal(strconv.FormatFloat(f, 'f', -1, 64), to)
		})
	case to.Kind == record.Int:
		return map1(to, func(n decimal128.Num) (int64, error) { return decimalInt(n, from.Scale) })
	case to.Kind == record.Float:
		return map1(to, func(n decimal128.Num) (float64, error) { return strconv.ParseFloat(n.ToString(from.Scale), 64) })
	}
	return map1(to, func(n decimal128.Num) (decimal128.Num, error) { return rescale(n, from.Scale, to) })
}

func intFloat(n int64) (float64, error) {
	f := float64(n)
	if compareIntFloat(n, f) != 0 {
		return 0, fmt.Errorf("%d cannot be a float without loss", n)
	}
	return f, nil
}

func floatInt(f float64) (int64, error) {
	if f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, fmt.Errorf("%s is not a whole number of 64 bits", formatFloat(f))
	}
	return int64(f), nil
}

func decimalInt(n decimal128.Num, scale int32) (int64, error) {
	q, rest := new(big.Int).QuoRem(n.BigInt(), scaled(decimal128.FromI64(1), scale), new(big.Int))
	if rest.Sign() != 0 || !q.IsInt64() {
		return 0, fmt.Errorf("%s is not a whole number of 64 bits", n.ToString(scale))
	}
	return q.Int64(), nil
}

// rescale gives a decimal another type when all its digits fit.
func rescale(n decimal128.Num, scale int32, to record.Type) (decimal128.Num, error) {
	z := scaled(n, to.Scale-scale)
	if scale > to.Scale {
		var rest big.Int
		if z.QuoRem(z, scaled(decimal128.FromI64(1), scale-to.Scale), &rest); rest.Sign() != 0 {
			return decimal128.Num{}, fmt.Errorf("%s does not fit %s", n.ToString(scale), to)
		}
	}
	if out, err := fromBig(z); err == nil && out.FitsInPrecision(to.Precision) {
		return out, nil
	}
	return decimal128.Num{}, fmt.Errorf("%s does not fit %s", n.ToString(scale), to)
}

// parse reads texts.
func parse(to record.Type) impl {
	switch to.Kind {
	case record.String:
		return pure1(to, func(s string) string { return s })
	case record.Int:
		return map1(to, record.ParseInt)
	case record.Float:
		return map1(to, record.ParseFloat)
	case record.Bool:
		return map1(to, record.ParseBool)
	case record.Decimal:
		return map1(to, func(s string) (decimal128.Num, error) { return record.ParseDecimal(s, to) })
	case record.Bytes, record.UUID:
		return map1(to, parsed[[]byte](to))
	case record.JSON:
		return maybe1(to, func(s string) (string, bool, error) {
			x, err := parsed[string](to)(s)
			return x, !isJSONNull(s), err
		})
	}
	return map1(to, parsed[int64](to))
}

// parsed reads one text by record.ParseText.
func parsed[T any](t record.Type) func(string) (T, error) {
	return func(s string) (x T, err error) {
		b := record.NewColumnBuilder(t)
		if err := record.ParseText(b, t, s); err != nil {
			return x, err
		}
		return cells[T](load(b.NewArray(), t))[0], nil
	}
}

// parseJSON reads JSON scalars as their text.
func parseJSON(to record.Type) impl {
	if to.Kind == record.JSON {
		return pure1(to, func(s string) string { return s })
	}
	of := parse(to)
	text := map1(stringType, JSONText)
	return impl{
		typ: to,
		scalar: func(args []any) (any, error) {
			s, err := text.scalar(args)
			if err != nil {
				return nil, err
			}
			return of.scalar([]any{s})
		},
		kernel: func(args []*vec, n int) *vec { return of.kernel([]*vec{text.kernel(args, n)}, n) },
	}
}

// textOf gives values as record.AppendText writes them.
func textOf(from record.Type) impl {
	switch from.Kind {
	case record.Int:
		return pure1(stringType, func(n int64) string { return strconv.FormatInt(n, 10) })
	case record.Float:
		return pure1(stringType, formatFloat)
	case record.Decimal:
		return pure1(stringType, func(n decimal128.Num) string { return n.ToString(from.Scale) })
	case record.Bool:
		return pure1(stringType, strconv.FormatBool)
	case record.Bytes:
		return pure1(stringType, base64.StdEncoding.EncodeToString)
	case record.UUID:
		return pure1(stringType, uuidText)
	case record.Date:
		return pure1(stringType, func(days int64) string { return dayOf(days).Format("2006-01-02") })
	case record.Time:
		return pure1(stringType, func(micros int64) string { return stampOf(micros).Format("15:04:05.999999") })
	case record.Timestamp:
		return pure1(stringType, func(micros int64) string { return stampOf(micros).Format("2006-01-02T15:04:05.999999") })
	case record.TimestampTZ:
		return pure1(stringType, func(micros int64) string { return stampOf(micros).Format("2006-01-02T15:04:05.999999") + "Z" })
	}
	return pure1(stringType, func(s string) string { return s })
}

func uuidText(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func formatFloat(f float64) string {
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return strconv.FormatFloat(f, form, -1, 64)
}

// jsonOf gives values as record.AppendJSON writes them.
func jsonOf(from record.Type) impl {
	text := textOf(from)
	text.typ = jsonType
	if from.Numeric() || from.Kind == record.Bool || from.Kind == record.JSON {
		return text
	}
	inner := text
	quoted := pure1(jsonType, quoteJSON)
	return impl{
		typ: jsonType,
		scalar: func(args []any) (any, error) {
			s, err := inner.scalar(args)
			if err != nil {
				return nil, err
			}
			return quoted.scalar([]any{s})
		},
		kernel: func(args []*vec, n int) *vec { return quoted.kernel([]*vec{inner.kernel(args, n)}, n) },
	}
}

// asJSON makes a JSON value of a node; texts become JSON strings.
func asJSON(n *node) *node {
	switch {
	case n.typ == jsonType:
		return n
	case n.isNull():
		return literal(jsonType, nil, n.at)
	}
	return apply("json", jsonOf(n.typ), n)
}
