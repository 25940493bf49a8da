package cell

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// ParseInt reads what record.ParseInt reads.
func ParseInt(b []byte) (int64, bool) {
	d := b
	negative := len(d) > 0 && d[0] == '-'
	if negative {
		d = d[1:]
	}
	if len(d) == 0 || len(d) > 18 || d[0] == '0' && len(d) > 1 {
		if len(d) > 18 {
			n, err := record.ParseInt(view(b))
			return n, err == nil
		}
		return 0, false
	}
	var n int64
	for _, c := range d {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if negative {
		n = -n
	}
	return n, true
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// ParseFloat reads what record.ParseFloat reads.
func ParseFloat(b []byte) (float64, bool) {
	n, ok := scanNumber(b)
	if !ok {
		return 0, false
	}
	// A mantissa below 2^53 and a power of ten up to 22 are exact, so that one division rounds right.
	if !n.exponent && n.digits <= 15 && n.scale < len(tens) {
		f := float64(n.mantissa)
		if n.scale > 0 {
			f /= tens[n.scale]
		}
		if n.negative {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(view(b), 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// number is what a text in JSON's form of a number holds.
type number struct {
	mantissa int64 // of the first 18 digits behind leading zeros
	digits   int   // behind leading zeros
	whole    int   // before the point
	scale    int   // behind the point
	negative bool
	exponent bool
	point    bool
}

// scanNumber reads a number as JSON writes it.
func scanNumber(b []byte) (number, bool) {
	var n number
	i := 0
	if i < len(b) && b[i] == '-' {
		n.negative = true
		i++
	}
	begin := i
	i = n.run(b, i)
	n.whole = i - begin
	if n.whole == 0 || n.whole > 1 && b[begin] == '0' {
		return n, false
	}
	if i < len(b) && b[i] == '.' {
		n.point = true
		begin = i + 1
		i = n.run(b, begin)
		if n.scale = i - begin; n.scale == 0 {
			return n, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		n.exponent = true
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		begin = i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		if i == begin {
			return n, false
		}
	}
	return n, i == len(b)
}

// run takes digits from place i on and answers the place behind them.
func (n *number) run(b []byte, i int) int {
	for ; i < len(b); i++ {
		c := b[i] - '0'
		if c > 9 {
			break
		}
		if n.digits > 0 || c != 0 {
			if n.digits < 18 {
				n.mantissa = n.mantissa*10 + int64(c)
			}
			n.digits++
		}
	}
	return i
}

// RoundTrips says whether the number, read as a float and written in its shortest form, is the same decimal number.
func RoundTrips(b []byte) bool {
	n, ok := scanNumber(b)
	if !ok {
		return false
	}
	if !n.exponent && n.digits <= 15 {
		return n.scale < 300
	}
	f, err := strconv.ParseFloat(view(b), 64)
	if err != nil || math.IsInf(f, 0) {
		return false
	}
	var text [32]byte
	d1, e1 := normal(b)
	d2, e2 := normal(strconv.AppendFloat(text[:0], f, 'e', -1, 64))
	return e1 == e2 && bytes.Equal(d1, d2)
}

// normal gives the digits of a number without zeros at both ends, and the power of ten of the last of them.
func normal(b []byte) ([]byte, int) {
	digits := make([]byte, 0, len(b))
	exp, point := 0, false
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if c != '0' || len(digits) > 0 {
				digits = append(digits, c)
			}
			if point {
				exp--
			}
		case c == '.':
			point = true
		case c|0x20 == 'e':
			e, _ := strconv.Atoi(view(b[i+1:])) // beyond an int: not equal to any float's
			exp += e
			return trimZeros(digits, exp)
		}
	}
	return trimZeros(digits, exp)
}

func trimZeros(digits []byte, exp int) ([]byte, int) {
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		exp++
	}
	if len(digits) == 0 {
		return digits, 0
	}
	return digits, exp
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

func parseDecimal(b []byte, t record.Type) (decimal128.Num, bool) {
	n, ok := scanNumber(b)
	if !ok {
		return decimal128.Num{}, false
	}
	missing := int(t.Scale) - n.scale
	if !n.exponent && missing >= 0 && n.digits+missing <= 18 {
		if n.digits+missing > int(t.Precision) && n.mantissa != 0 {
			return decimal128.Num{}, false
		}
		v := n.mantissa * pow10[missing]
		if n.negative {
			v = -v
		}
		return decimal128.FromI64(v), true
	}
	d, err := record.ParseDecimal(view(b), t)
	return d, err == nil
}

// ParseDate reads 2026-08-22 as days since 1970.
func ParseDate(b []byte) (int32, bool) {
	if len(b) != 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, ok1 := four(b)
	m, ok2 := two(b[5:])
	d, ok3 := two(b[8:])
	if !ok1 || !ok2 || !ok3 || m < 1 || m > 12 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	return days(y, m, d), true
}

func daysIn(y, m int) int {
	if m == 2 && y%4 == 0 && (y%100 != 0 || y%400 == 0) {
		return 29
	}
	return int("\x1f\x1c\x1f\x1e\x1f\x1e\x1f\x1f\x1e\x1f\x1e\x1f"[m-1])
}

// days counts from 1970-01-01, in a calendar whose years begin in March so that leap days come last.
func days(y, m, d int) int32 {
	if m <= 2 {
		y--
		m += 12
	}
	era := y / 400
	if y < 0 {
		era = -1
	}
	of := y - era*400
	return int32(era*146097 + of*365 + of/4 - of/100 + (153*(m-3)+2)/5 + d - 1 - 719468)
}

func two(b []byte) (int, bool) {
	x, y := b[0]-'0', b[1]-'0'
	return int(x)*10 + int(y), x <= 9 && y <= 9
}

func four(b []byte) (int, bool) {
	x, ok1 := two(b)
	y, ok2 := two(b[2:])
	return x*100 + y, ok1 && ok2
}

// ParseTimestamp reads what record.ParseTimestamp reads, as microseconds since 1970.
func ParseTimestamp(b []byte, zoned bool) (int64, bool) {
	if len(b) < 19 || b[10] != 'T' && b[10] != ' ' {
		return 0, false
	}
	day, ok := ParseDate(b[:10])
	if !ok {
		return 0, false
	}
	rest := b[11:]
	if zoned {
		if rest[len(rest)-1] != 'Z' {
			ts, err := record.ParseTimestamp(view(b), true)
			return ts.UnixMicro(), err == nil
		}
		rest = rest[:len(rest)-1]
	}
	us, ok := clock(rest)
	return int64(day)*int64(24*time.Hour/time.Microsecond) + us, ok
}

// clock reads 17:03:59 with at most six digits behind the seconds that are not zero, as microseconds since midnight.
func clock(b []byte) (int64, bool) {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0, false
	}
	h, ok1 := two(b)
	m, ok2 := two(b[3:])
	s, ok3 := two(b[6:])
	if !ok1 || !ok2 || !ok3 || h > 23 || m > 59 || s > 59 {
		return 0, false
	}
	us := int64(h*3600+m*60+s) * 1e6
	if len(b) == 8 {
		return us, true
	}
	if b[8] != '.' && b[8] != ',' || len(b) == 9 || len(b) > 18 {
		return 0, false
	}
	unit := int64(1e5)
	for _, c := range b[9:] {
		if c -= '0'; c > 9 || unit == 0 && c != 0 {
			return 0, false
		}
		us += int64(c) * unit
		unit /= 10
	}
	return us, true
}

func parseTime(b []byte) (int64, bool) { return clock(b) }

// uuidSize is how many bytes a UUID has.
const uuidSize = 16

// appendUUID reads a UUID of 36 characters.
func appendUUID(dst, b []byte) ([]byte, bool) {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return dst, false
	}
	for i := 0; i < len(b); i += 2 {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			i++ // a dash
		}
		hi, ok1 := nibble(b[i])
		lo, ok2 := nibble(b[i+1])
		if !ok1 || !ok2 {
			return dst, false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

func nibble(c byte) (byte, bool) {
	switch {
	case c-'0' <= 9:
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

func validJSON(b []byte) bool { return json.Valid(b) }
