package record

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Builder collects rows of a schema. It is not safe for concurrent use.
type Builder struct {
	schema Schema
	arrow  *arrow.Schema
	cols   []array.Builder
}

// NewBuilder makes an empty builder.
func NewBuilder(s Schema) *Builder {
	b := &Builder{schema: s, arrow: s.Arrow()}
	for _, c := range s.Columns {
		b.cols = append(b.cols, NewColumnBuilder(c.Type))
	}
	return b
}

// NewColumnBuilder makes a builder of one column: Int64Builder, Float64Builder, Decimal128Builder, BooleanBuilder, StringBuilder
// (String, JSON), BinaryBuilder, FixedSizeBinaryBuilder (UUID), Date32Builder, Time64Builder or TimestampBuilder.
func NewColumnBuilder(t Type) array.Builder {
	return array.NewBuilder(memory.DefaultAllocator, t.Arrow())
}

// Column gives the builder of a column; each row appends to every column once.
func (b *Builder) Column(i int) array.Builder { return b.cols[i] }

// Len counts the rows of the first column.
func (b *Builder) Len() int {
	if len(b.cols) == 0 {
		return 0
	}
	return b.cols[0].Len()
}

// Reserve makes room for n more rows.
func (b *Builder) Reserve(n int) {
	for _, c := range b.cols {
		c.Reserve(n)
	}
}

// Rows gives what was collected and empties the builder.
func (b *Builder) Rows() arrow.RecordBatch {
	n := int64(b.Len())
	cols := make([]arrow.Array, len(b.cols))
	for i, c := range b.cols {
		cols[i] = c.NewArray()
	}
	return array.NewRecordBatch(b.arrow, cols, n)
}

// MakeRows puts columns of the schema together.
func MakeRows(s Schema, cols []arrow.Array, n int) arrow.RecordBatch {
	return array.NewRecordBatch(s.Arrow(), cols, int64(n))
}

// TakeRows gives the rows at the indices, in their order; an index may come twice.
func TakeRows(rows arrow.RecordBatch, indices []int32) arrow.RecordBatch {
	cols := make([]arrow.Array, rows.NumCols())
	for i := range cols {
		cols[i] = Take(rows.Column(i), indices)
	}
	return array.NewRecordBatch(rows.Schema(), cols, int64(len(indices)))
}

// Take gives the cells at the indices, in their order; -1 gives a null.
func Take(col arrow.Array, indices []int32) arrow.Array {
	switch c := col.(type) {
	case *array.Int64:
		return takeFixed(col, c.Int64Values(), arrow.Int64Traits.CastToBytes, indices)
	case *array.Float64:
		return takeFixed(col, c.Float64Values(), arrow.Float64Traits.CastToBytes, indices)
	case *array.Decimal128:
		return takeFixed(col, c.Values(), arrow.Decimal128Traits.CastToBytes, indices)
	case *array.Date32:
		return takeFixed(col, c.Date32Values(), arrow.Date32Traits.CastToBytes, indices)
	case *array.Time64:
		return takeFixed(col, c.Time64Values(), arrow.Time64Traits.CastToBytes, indices)
	case *array.Timestamp:
		return takeFixed(col, c.TimestampValues(), arrow.TimestampTraits.CastToBytes, indices)
	case *array.String:
		return takeTexts(c, indices)
	}
	b := array.NewBuilder(memory.DefaultAllocator, col.DataType())
	b.Reserve(len(indices))
	switch c := col.(type) {
	case *array.Boolean:
		take[bool](c, b.(*array.BooleanBuilder), indices)
	case *array.Binary:
		b.(*array.BinaryBuilder).ReserveData(share(len(c.ValueBytes()), len(indices), c.Len()))
		take[[]byte](c, b.(*array.BinaryBuilder), indices)
	case *array.FixedSizeBinary:
		take[[]byte](c, b.(*array.FixedSizeBinaryBuilder), indices)
	default:
		panic("record: cannot take from " + col.DataType().String())
	}
	return b.NewArray()
}

// share guesses how many of size bytes of cells some of them have.
func share(size, some, cells int) int {
	return int(float64(size) * float64(some) / float64(max(cells, 1)))
}

// takeFixed takes cells that all have one width.
func takeFixed[T any](col arrow.Array, values []T, bytes func([]T) []byte, indices []int32) arrow.Array {
	out := make([]T, len(indices))
	valid, nulls := make([]byte, (len(indices)+7)/8), 0
	some := col.NullN() > 0
	for to, from := range indices {
		if from < 0 || some && col.IsNull(int(from)) {
			nulls++
			continue
		}
		out[to] = values[from]
		valid[to/8] |= 1 << (to % 8)
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(bytes(out))}
	if nulls > 0 {
		buffers[0] = memory.NewBufferBytes(valid)
	}
	return array.MakeFromData(array.NewData(col.DataType(), len(indices), buffers, nil, nulls, 0))
}

// takeTexts takes texts: first it adds up their lengths, then it copies them into one buffer.
func takeTexts(col *array.String, indices []int32) arrow.Array {
	starts := make([]int32, len(indices)+1)
	valid, nulls := make([]byte, (len(indices)+7)/8), 0
	some, size := col.NullN() > 0, int32(0)
	for to, from := range indices {
		if from < 0 || some && col.IsNull(int(from)) {
			nulls++
		} else {
			size += int32(col.ValueLen(int(from)))
			valid[to/8] |= 1 << (to % 8)
		}
		starts[to+1] = size
	}
	data := make([]byte, 0, size)
	for to, from := range indices {
		if starts[to+1] > starts[to] {
			data = append(data, col.Value(int(from))...)
		}
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(starts)), memory.NewBufferBytes(data)}
	if nulls > 0 {
		buffers[0] = memory.NewBufferBytes(valid)
	}
	return array.MakeFromData(array.NewData(col.DataType(), len(indices), buffers, nil, nulls, 0))
}

type cells[T any] interface {
	IsNull(int) bool
	Value(int) T
}

type appender[T any] interface {
	Append(T)
	AppendNull()
}

func take[T any](col cells[T], b appender[T], indices []int32) {
	for _, i := range indices {
		if i < 0 || col.IsNull(int(i)) {
			b.AppendNull()
		} else {
			b.Append(col.Value(int(i)))
		}
	}
}

// NullColumn gives n nulls of a type.
func NullColumn(t Type, n int) arrow.Array {
	b := NewColumnBuilder(t)
	b.AppendNulls(n)
	return b.NewArray()
}
