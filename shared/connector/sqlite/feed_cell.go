package sqlite

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
)

// class is how SQLite stores a value.
type class int

const (
	integers class = iota
	reals
	texts
	blobs
)

// cell gives the values of a column as they are stored: numbers, bools as 0 and 1, bytes, and the text form of everything else. Of the
// three functions it has the one of its class.
type cell struct {
	class   class
	nulls   arrow.Array // nil when no value is null
	integer func(row int) int64
	real    func(row int) float64
	text    func(dst []byte, row int) []byte // appends
}

// cellOf makes the cell of a column.
func cellOf(col arrow.Array, t record.Type) cell {
	c := plainCell(col, t)
	if col.NullN() > 0 {
		c.nulls = col
	}
	return c
}

func plainCell(col arrow.Array, t record.Type) cell {
	switch c := col.(type) {
	case *array.Int64:
		values := c.Int64Values()
		return cell{class: integers, integer: func(row int) int64 { return values[row] }}
	case *array.Float64:
		values := c.Float64Values()
		return cell{class: reals, real: func(row int) float64 { return values[row] }}
	case *array.Boolean:
		return cell{class: integers, integer: func(row int) int64 {
			if c.Value(row) {
				return 1
			}
			return 0
		}}
	case *array.String:
		return cell{class: texts, text: func(dst []byte, row int) []byte { return append(dst, c.Value(row)...) }}
	case *array.Binary:
		return cell{class: blobs, text: func(dst []byte, row int) []byte { return append(dst, c.Value(row)...) }}
	case *array.Timestamp:
		// An instant always has six digits, so that the texts of instants sort as the instants do.
		zoned := t.Kind == record.TimestampTZ
		return cell{class: texts, text: func(dst []byte, row int) []byte { return appendStamp(dst, int64(c.Value(row)), zoned) }}
	}
	return cell{class: texts, text: func(dst []byte, row int) []byte { return record.AppendText(dst, col, t, row) }}
}

// appendStamp writes microseconds since 1970 as record.AppendText does, but an instant with all six digits.
func appendStamp(out []byte, micros int64, zoned bool) []byte {
	const dayMicros = 86400 * 1_000_000
	d, m := micros/dayMicros, micros%dayMicros
	if m < 0 {
		d, m = d-1, m+dayMicros
	}
	out = append(record.AppendDate(out, d), 'T')
	s := m / 1_000_000
	out = append(digits(out, s/3600, 2), ':')
	out = append(digits(out, s/60%60, 2), ':')
	out = digits(out, s%60, 2)
	if fraction := m % 1_000_000; zoned || fraction > 0 {
		out = digits(append(out, '.'), fraction, 6)
		for !zoned && out[len(out)-1] == '0' {
			out = out[:len(out)-1]
		}
	}
	if zoned {
		out = append(out, 'Z')
	}
	return out
}

func digits(out []byte, n int64, width int) []byte {
	for range width {
		out = append(out, '0')
	}
	for i := len(out) - 1; n > 0; i, n = i-1, n/10 {
		out[i] = byte('0' + n%10)
	}
	return out
}
