package record

import (
	"encoding/base64"
	"encoding/json"
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

// ParseText adds the value whose text form is s to a builder of the type. What is not of the type is DataInvalid, and nothing was
// added. Numbers have no spaces, no leading '+' and no leading zeros; times are RFC 3339, with 'T' or a space between.
func ParseText(b array.Builder, t Type, s string) error {
	switch t.Kind {
	case Int:
		n, err := ParseInt(s)
		if err != nil {
			return err
		}
		b.(*array.Int64Builder).Append(n)
	case Float:
		f, err := ParseFloat(s)
		if err != nil {
			return err
		}
		b.(*array.Float64Builder).Append(f)
	case Decimal:
		n, err := ParseDecimal(s, t)
		if err != nil {
			return err
		}
		b.(*array.Decimal128Builder).Append(n)
	case Bool:
		v, err := ParseBool(s)
		if err != nil {
			return err
		}
		b.(*array.BooleanBuilder).Append(v)
	case String:
		if !utf8.ValidString(s) {
			return fault.New(fault.DataInvalid, "text is not valid UTF-8")
		}
		b.(*array.StringBuilder).Append(s)
	case JSON:
		if !json.Valid([]byte(s)) {
			return fault.New(fault.DataInvalid, "text is not valid JSON")
		}
		b.(*array.StringBuilder).Append(s)
	case Bytes:
		v, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return fault.New(fault.DataInvalid, "text is not base64")
		}
		b.(*array.BinaryBuilder).Append(v)
	case UUID:
		u, err := uuid.Parse(s)
		if err != nil || len(s) != 36 {
			return fault.New(fault.DataInvalid, "%s is not a UUID", excerpt(s))
		}
		b.(*array.FixedSizeBinaryBuilder).Append(u[:])
	default:
		return parseTime(b, t, s)
	}
	return nil
}

func parseTime(b array.Builder, t Type, s string) error {
	switch t.Kind {
	case Date:
		d, err := time.Parse(dateForm, s)
		if err != nil {
			return fault.New(fault.DataInvalid, "%s is not a date such as 2026-08-22", excerpt(s))
		}
		b.(*array.Date32Builder).Append(arrow.Date32FromTime(d))
	case Time:
		d, err := time.Parse("15:04:05", s)
		if err != nil || d.Nanosecond()%1000 != 0 {
			return fault.New(fault.DataInvalid, "%s is not a time such as 17:03:59 or 17:03:59.000001", excerpt(s))
		}
		b.(*array.Time64Builder).Append(arrow.Time64(d.Sub(d.Truncate(24*time.Hour)) / time.Microsecond))
	case Timestamp, TimestampTZ:
		ts, err := ParseTimestamp(s, t.Kind == TimestampTZ)
		if err != nil {
			return err
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(ts.UnixMicro()))
	}
	return nil
}

// ParseInt reads a whole number of 64 bits: digits, with '-' before them, no leading zeros.
func ParseInt(s string) (int64, error) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || (len(digits) > 1 && digits[0] == '0') {
		return 0, fault.New(fault.DataInvalid, "%s is not a whole number", excerpt(s))
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		if isNumber(s) && !strings.ContainsAny(s, ".eE") {
			return 0, fault.New(fault.DataInvalid, "%s is beyond 64 bits", excerpt(s))
		}
		return 0, fault.New(fault.DataInvalid, "%s is not a whole number", excerpt(s))
	}
	return n, nil
}

// ParseFloat reads a number in JSON's form; NaN, infinities and numbers beyond 64 bits are refused.
func ParseFloat(s string) (float64, error) {
	if !isNumber(s) {
		return 0, fault.New(fault.DataInvalid, "%s is not a number", excerpt(s))
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, fault.New(fault.DataInvalid, "%s is beyond 64 bits", excerpt(s))
	}
	return f, nil
}

// isNumber says whether s is a number as JSON writes it.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || (whole > 1 && s[0] == '0') {
		return false
	}
	s = s[whole:]
	if s != "" && s[0] == '.' {
		n := digits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		if s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		n := digits(s)
		return n > 0 && n == len(s)
	}
	return s == ""
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// ParseDecimal reads a decimal number that fits the type without rounding.
func ParseDecimal(s string, t Type) (decimal128.Num, error) {
	if !isNumber(s) {
		return decimal128.Num{}, fault.New(fault.DataInvalid, "%s is not a number", excerpt(s))
	}
	if n, ok := smallDecimal(s, t); ok {
		return n, nil
	}
	if strings.ContainsAny(s, "eE") {
		return decimal128.Num{}, fault.New(fault.DataInvalid, "%s: an exponent does not fit %s", excerpt(s), t)
	}
	whole, frac, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	frac = strings.TrimRight(frac, "0")
	if len(frac) > int(t.Scale) || len(strings.TrimLeft(whole, "0"))+int(t.Scale) > int(t.Precision) {
		return decimal128.Num{}, fault.New(fault.DataInvalid, "%s does not fit %s", excerpt(s), t)
	}
	n := decimal128.FromI64(0)
	ten := decimal128.FromI64(10)
	for _, c := range []byte(whole + frac + strings.Repeat("0", int(t.Scale)-len(frac))) {
		n = n.Mul(ten).Add(decimal128.FromI64(int64(c - '0')))
	}
	if s[0] == '-' {
		n = n.Negate()
	}
	return n, nil
}

// smallDecimal is the quick way for numbers of at most 18 digits whose fraction has at most the scale's digits.
func smallDecimal(s string, t Type) (decimal128.Num, bool) {
	negative := s[0] == '-'
	var n int64
	count, frac := 0, int32(-1)
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n = n*10 + int64(c-'0')
			count++
			if frac >= 0 {
				frac++
			}
		case c == '.':
			frac = 0
		case c != '-':
			return decimal128.Num{}, false
		}
		if count > 18 {
			return decimal128.Num{}, false
		}
	}
	for frac = max(frac, 0); frac < t.Scale; frac++ {
		if count++; count > 18 {
			return decimal128.Num{}, false
		}
		n *= 10
	}
	if frac > t.Scale {
		return decimal128.Num{}, false
	}
	if negative {
		n = -n
	}
	num := decimal128.FromI64(n)
	return num, num.FitsInPrecision(t.Precision)
}

// ParseBool reads true or false, in any case, and the 1 and 0 of databases.
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, fault.New(fault.DataInvalid, "%s is not a bool: true, false, 1 or 0", excerpt(s))
}

// ParseTimestamp reads a date and time with at most microseconds, with 'T' or a space between. zoned says whether a zone (Z or
// an offset) must stand behind it, or must not.
func ParseTimestamp(s string, zoned bool) (time.Time, error) {
	form := "2006-01-02T15:04:05"
	if len(s) > 10 && s[10] == ' ' {
		form = "2006-01-02 15:04:05"
	}
	want := "2026-08-22T17:03:59"
	if zoned {
		form, want = form+"Z07:00", want+"Z"
	}
	ts, err := time.Parse(form, s)
	if err != nil || ts.Nanosecond()%1000 != 0 {
		return time.Time{}, fault.New(fault.DataInvalid, "%s is not a time such as %s, at most microseconds", excerpt(s), want)
	}
	return ts.UTC(), nil
}

// excerpt shows at most 40 bytes of a value in a message.
func excerpt(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return strconv.Quote(s)
}
