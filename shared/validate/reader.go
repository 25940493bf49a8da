package validate

import (
	"hash/maphash"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
)

// reader compares the values of a column as what they are.
type reader interface {
	// outside gives a function that lists the rows that are neither null nor equal to one of the values, columns of one cell each.
	outside(values []arrow.Array) func(arrow.Array) []int
	// part prepares a column to be a part of a key.
	part(col arrow.Array) part
}

// part is a column as a part of a key.
type part struct {
	mix   func(seed maphash.Seed, sums []uint64) // mixes the hash of each row's value into its sum
	equal func(row, other int) bool
}

// readerOf gives the reader of columns of a kind; JSON is compared as text.
func readerOf(k record.Kind) reader {
	switch k {
	case record.Int:
		return readOf((*array.Int64).Value)
	case record.Float:
		return readOf((*array.Float64).Value)
	case record.Decimal:
		return readOf((*array.Decimal128).Value)
	case record.Bool:
		return readOf((*array.Boolean).Value)
	case record.Date:
		return readOf((*array.Date32).Value)
	case record.Time:
		return readOf((*array.Time64).Value)
	case record.Timestamp, record.TimestampTZ:
		return readOf((*array.Timestamp).Value)
	case record.Bytes:
		return readOf((*array.Binary).ValueString)
	case record.UUID:
		return readOf(func(a *array.FixedSizeBinary, row int) [16]byte { return [16]byte(a.Value(row)) })
	}
	return readOf((*array.String).Value)
}

// read is a reader of arrays whose values it gives.
type read[A arrow.Array, T comparable] func(A, int) T

func readOf[A arrow.Array, T comparable](value func(A, int) T) reader { return read[A, T](value) }

// maxLinear is how long a list may be to be searched from its beginning; a longer one is a map.
const maxLinear = 8

func (value read[A, T]) outside(values []arrow.Array) func(arrow.Array) []int {
	list, set := make([]T, len(values)), make(map[T]struct{}, len(values))
	for i, v := range values {
		list[i] = value(v.(A), 0)
		set[list[i]] = struct{}{}
	}
	in := func(v T) bool { return slices.Contains(list, v) }
	if len(list) > maxLinear {
		in = func(v T) bool { _, ok := set[v]; return ok }
	}
	return func(col arrow.Array) (rows []int) {
		a, some := col.(A), col.NullN() > 0
		for row := range col.Len() {
			if !(some && col.IsNull(row)) && !in(value(a, row)) {
				rows = append(rows, row)
			}
		}
		return rows
	}
}

func (value read[A, T]) part(col arrow.Array) part {
	a := col.(A)
	return part{
		mix: func(seed maphash.Seed, sums []uint64) {
			for row := range sums {
				sums[row] = sums[row]*0x9E3779B97F4A7C15 + maphash.Comparable(seed, value(a, row))
			}
		},
		equal: func(row, other int) bool { return value(a, row) == value(a, other) },
	}
}
