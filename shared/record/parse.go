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
// added. Numbers have no spaces, no leading '+' and no leading zeros; times are RFC 3339, with 'T' or a space between and at most
// nine digits behind the seconds, those behind the sixth being zero.
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
		if !utf8.ValidString(s) || !json.Valid([]byte(s)) {
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
		d, ok := parseClock(s)
		if !ok {
			return fault.New(fault.DataInvalid, "%s is not a time such as 17:03:59 or 17:03:59.000001", excerpt(s))
		}
		b.(*array.Time64Builder).Append(arrow.Time64(d / time.Microsecond))
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
// an offset) must stand behind it, or must not. The years are 0000 to 9999, in UTC too.
func ParseTimestamp(s string, zoned bool) (time.Time, error) {
	if ts, ok := parseTimestamp(s, zoned); ok && inRange(ts) {
		return ts, nil
	}
	want := "2026-08-22T17:03:59"
	if zoned {
		want += "Z"
	}
	return time.Time{}, fault.New(fault.DataInvalid, "%s is not a time such as %s, at most microseconds", excerpt(s), want)
}

// inRange says whether a time's year has the four digits that its text form needs.
func inRange(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 0 && y <= 9999
}

func parseTimestamp(s string, zoned bool) (time.Time, bool) {
	if len(s) < 19 || s[10] != 'T' && s[10] != ' ' {
		return time.Time{}, false
	}
	day, err := time.Parse(dateForm, s[:10])
	if err != nil {
		return time.Time{}, false
	}
	s = s[11:]
	var offset time.Duration
	if zoned {
		ok := false
		if s, offset, ok = cutZone(s); !ok {
			return time.Time{}, false
		}
	}
	clock, ok := parseClock(s)
	return day.Add(clock - offset), ok
}

// cutZone takes Z or an offset such as +02:00 from the end.
func cutZone(s string) (string, time.Duration, bool) {
	if clock, ok := strings.CutSuffix(s, "Z"); ok {
		return clock, 0, true
	}
	at := len(s) - len("+02:00")
	if at < 0 || s[at] != '+' && s[at] != '-' || s[at+3] != ':' {
		return "", 0, false
	}
	h, ok1 := twoDigits(s[at+1:], 23)
	m, ok2 := twoDigits(s[at+4:], 59)
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[at] == '-' {
		offset = -offset
	}
	return s[:at], offset, ok1 && ok2
}

// parseClock reads 17:03:59 and a fraction of a second in whole microseconds.
func parseClock(s string) (time.Duration, bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		return 0, false
	}
	h, ok1 := twoDigits(s, 23)
	m, ok2 := twoDigits(s[3:], 59)
	sec, ok3 := twoDigits(s[6:], 59)
	if !ok1 || !ok2 || !ok3 {
		return 0, false
	}
	d := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
	if s = s[8:]; s == "" {
		return d, true
	}
	if s[0] != '.' && s[0] != ',' || len(s) == 1 || len(s) > 10 || digits(s[1:]) != len(s)-1 {
		return 0, false
	}
	unit := 100 * time.Millisecond
	for _, c := range []byte(s[1:]) {
		if unit < time.Microsecond && c != '0' {
			return 0, false
		}
		d += time.Duration(c-'0') * unit
		unit /= 10
	}
	return d, true
}

// twoDigits reads the first two characters as a number up to limit.
func twoDigits(s string, limit int) (int, bool) {
	if digits(s[:2]) != 2 {
		return 0, false
	}
	n := int(s[0]-'0')*10 + int(s[1]-'0')
	return n, n <= limit
}

// excerpt shows at most 40 bytes of a value in a message.
func excerpt(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return strconv.Quote(s)
}
