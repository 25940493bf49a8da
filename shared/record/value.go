package record

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/google/uuid"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// The text forms of times.
const (
	dateForm      = "2006-01-02"
	timeForm      = "15:04:05.999999"
	timestampForm = "2006-01-02T15:04:05.999999"
)

// Value gives a cell as a Go value: nil for null; int64, float64, bool; string for String, JSON and UUID; decimal128.Num (the
// scale is the type's); []byte, not to be changed; time.Time in UTC for Date, Timestamp and TimestampTZ; time.Duration since
// midnight for Time.
func Value(col arrow.Array, t Type, row int) any {
	if col.IsNull(row) {
		return nil
	}
	switch c := col.(type) {
	case *array.Int64:
		return c.Value(row)
	case *array.Float64:
		return c.Value(row)
	case *array.Decimal128:
		return c.Value(row)
	case *array.Boolean:
		return c.Value(row)
	case *array.String:
		return c.Value(row)
	case *array.Binary:
		if v := c.Value(row); v != nil {
			return v
		}
		return []byte{} // nil would be null to a database
	case *array.FixedSizeBinary:
		return uuidText(c.Value(row))
	case *array.Date32:
		return c.Value(row).ToTime()
	case *array.Time64:
		return time.Duration(c.Value(row)) * time.Microsecond
	case *array.Timestamp:
		return time.UnixMicro(int64(c.Value(row))).UTC()
	}
	panic(fmt.Sprintf("record: no value of %s in %T", t, col))
}

// AppendText appends the text form of a cell, which ParseText reads back without loss; a null appends nothing.
func AppendText(dst []byte, col arrow.Array, t Type, row int) []byte {
	if col.IsNull(row) {
		return dst
	}
	switch c := col.(type) {
	case *array.Int64:
		return strconv.AppendInt(dst, c.Value(row), 10)
	case *array.Float64:
		return appendFloat(dst, c.Value(row))
	case *array.Decimal128:
		return AppendDecimal(dst, c.Value(row), int(t.Scale))
	case *array.Boolean:
		return strconv.AppendBool(dst, c.Value(row))
	case *array.String:
		return append(dst, c.Value(row)...)
	case *array.Binary:
		return base64.StdEncoding.AppendEncode(dst, c.Value(row))
	case *array.FixedSizeBinary:
		return append(dst, uuidText(c.Value(row))...)
	case *array.Date32:
		return AppendDate(dst, int64(c.Value(row)))
	case *array.Time64:
		return time.UnixMicro(int64(c.Value(row))).UTC().AppendFormat(dst, timeForm)
	case *array.Timestamp:
		dst = time.UnixMicro(int64(c.Value(row))).UTC().AppendFormat(dst, timestampForm)
		if t.Kind == TimestampTZ {
			dst = append(dst, 'Z')
		}
		return dst
	}
	panic(fmt.Sprintf("record: no text of %s in %T", t, col))
}

// AppendJSON appends a cell as JSON: numbers and decimals as numbers, JSON columns without white space, everything else as a
// string in its text form, null as null.
func AppendJSON(dst []byte, col arrow.Array, t Type, row int) []byte {
	if col.IsNull(row) {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case Int, Float, Decimal, Bool:
		return AppendText(dst, col, t, row)
	case JSON:
		return appendCompact(dst, col.(*array.String).Value(row))
	case String:
		return AppendQuoted(dst, col.(*array.String).Value(row))
	}
	dst = append(dst, '"')
	dst = AppendText(dst, col, t, row)
	return append(dst, '"')
}

// appendCompact appends JSON without the white space between its tokens, so that it fits in a line.
func appendCompact(dst []byte, s string) []byte {
	if strings.ContainsAny(s, " \t\n\r") {
		var out bytes.Buffer
		if json.Compact(&out, []byte(s)) == nil {
			return append(dst, out.Bytes()...)
		}
	}
	return append(dst, s...)
}

var decimalTens = [...]uint64{1, 10, 100, 1000, 10000}

// AppendDecimal appends n with scale digits behind the point.
func AppendDecimal(dst []byte, n decimal128.Num, scale int) []byte {
	if v := n.LowBits(); n.HighBits() == 0 && v < 1<<32 && scale > 0 && scale <= 4 { // most amounts of money
		ten := decimalTens[scale]
		dst = append(strconv.AppendUint(dst, v/ten, 10), '.')
		for rest := v % ten; scale > 0; scale-- {
			ten /= 10
			dst = append(dst, byte('0'+rest/ten))
			rest %= ten
		}
		return dst
	}
	var digits []byte
	var room [40]byte
	if low := int64(n.LowBits()); n.HighBits() == low>>63 {
		digits = strconv.AppendInt(room[:0], low, 10)
	} else {
		digits = n.BigInt().Append(room[:0], 10)
	}
	if digits[0] == '-' {
		dst = append(dst, '-')
		digits = digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	if whole := len(digits) - scale; whole > 0 {
		dst = append(dst, digits[:whole]...)
		digits = digits[whole:]
	} else {
		dst = append(dst, '0')
	}
	dst = append(dst, '.')
	for range scale - len(digits) {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

func appendFloat(dst []byte, f float64) []byte {
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(dst, f, form, -1, 64)
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends a JSON string. Invalid UTF-8 becomes U+FFFD, as in encoding/json; HTML characters stay as they are.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			i += size
			start = i
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

func uuidText(b []byte) string {
	u, _ := uuid.FromBytes(b)
	return u.String()
}

// Append adds a Go value, as Value gives it, to a builder of the type; nil adds null. Texts are parsed as ParseText does, and an
// int64 is taken for Float and Decimal. Anything else is DataInvalid, and nothing was added: also what would lose something, such
// as a time.Time with nanoseconds, or with a time of day for Date.
func Append(b array.Builder, t Type, v any) error {
	switch x := v.(type) {
	case nil:
		b.AppendNull()
		return nil
	case string:
		return ParseText(b, t, x)
	case []byte:
		if t.Kind == Bytes {
			b.(*array.BinaryBuilder).Append(x)
			return nil
		}
		return ParseText(b, t, string(x))
	case json.RawMessage:
		return ParseText(b, t, string(x))
	case int:
		return appendInt(b, t, int64(x))
	case int64:
		return appendInt(b, t, x)
	case float64:
		return appendNumber(b, t, x)
	case decimal128.Num:
		if t.Kind == Decimal && x.FitsInPrecision(t.Precision) {
			b.(*array.Decimal128Builder).Append(x)
			return nil
		}
	case bool:
		if t.Kind == Bool {
			b.(*array.BooleanBuilder).Append(x)
			return nil
		}
	case time.Time:
		return appendTime(b, t, x)
	case time.Duration:
		if t.Kind == Time && x >= 0 && x < 24*time.Hour && x%time.Microsecond == 0 {
			b.(*array.Time64Builder).Append(arrow.Time64(x / time.Microsecond))
			return nil
		}
	}
	return mismatch(t, v)
}

func mismatch(t Type, v any) error {
	return fault.New(fault.DataInvalid, "a value of type %T is not of type %s", v, t)
}

func appendInt(b array.Builder, t Type, x int64) error {
	switch t.Kind {
	case Int:
		b.(*array.Int64Builder).Append(x)
	case Float:
		if int64(float64(x)) != x || x == math.MaxInt64 {
			return fault.New(fault.DataInvalid, "%d cannot be a float without loss", x)
		}
		b.(*array.Float64Builder).Append(float64(x))
	case Decimal:
		return ParseText(b, t, strconv.FormatInt(x, 10))
	default:
		return mismatch(t, x)
	}
	return nil
}

func appendNumber(b array.Builder, t Type, x float64) error {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return fault.New(fault.DataInvalid, "%v is not a number that can be stored", x)
	case t.Kind == Float:
		b.(*array.Float64Builder).Append(x)
	case t.Kind == Int && x == math.Trunc(x) && math.Abs(x) < 1<<53:
		b.(*array.Int64Builder).Append(int64(x))
	case t.Kind == Decimal:
		return ParseText(b, t, strconv.FormatFloat(x, 'f', -1, 64))
	case t.Kind == Int:
		return fault.New(fault.DataInvalid, "%v is not a whole number in range", x)
	default:
		return mismatch(t, x)
	}
	return nil
}

func appendTime(b array.Builder, t Type, x time.Time) error {
	if t.Kind != Date && t.Kind != Timestamp && t.Kind != TimestampTZ {
		return mismatch(t, x)
	}
	if !inRange(x) || x.Year() > 9999 || x.Nanosecond()%1000 != 0 {
		return fault.New(fault.DataInvalid, "a time must have a year of four digits and at most microseconds")
	}
	if t.Kind != Date {
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(x.UnixMicro()))
		return nil
	}
	if h, m, s := x.Clock(); h != 0 || m != 0 || s != 0 || x.Nanosecond() != 0 {
		return fault.New(fault.DataInvalid, "a date must have no time of day")
	}
	y, m, d := x.Date()
	b.(*array.Date32Builder).Append(arrow.Date32(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60)))
	return nil
}
