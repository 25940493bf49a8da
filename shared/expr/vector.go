package expr

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
)

// vec is a column of values while an expression is evaluated. The cells are []int64 (int, date in days, time and timestamps in
// microseconds), []float64, []bool, []string (string, JSON text), []decimal128.Num or [][]byte (bytes, UUID). JSON null is null.
type vec struct {
	typ  record.Type
	one  bool          // one cell stands for every row
	null []bool        // nil: none; rows with an error are null too
	errs map[int]error // rows that have no value, with the reason
	vals any
}

// cells gives the values of a vec whose Go type is known.
func cells[T any](v *vec) []T { return v.vals.([]T) }

// mask is 0 for one cell that stands for every row, else all ones: cells[row&mask].
func (v *vec) mask() int {
	if v.one {
		return 0
	}
	return -1
}

func (v *vec) isNull(row int) bool { return v.null != nil && v.null[row&v.mask()] }

// err gives the error of a row, or nil.
func (v *vec) err(row int) error {
	if v.errs == nil {
		return nil
	}
	return v.errs[row&v.mask()]
}

// fail notes that a row has no value.
func (v *vec) fail(row, n int, err error) {
	if v.errs == nil {
		v.errs = map[int]error{}
	}
	v.errs[row] = err
	v.setNull(row, n)
}

func (v *vec) setNull(row, n int) {
	if v.null == nil {
		v.null = make([]bool, n)
	}
	v.null[row] = true
}

// at gives a cell as a scalar: nil for null.
func (v *vec) at(row int) any {
	if v.isNull(row) {
		return nil
	}
	row &= v.mask()
	switch vals := v.vals.(type) {
	case []int64:
		return vals[row]
	case []float64:
		return vals[row]
	case []bool:
		return vals[row]
	case []string:
		return vals[row]
	case []decimal128.Num:
		return vals[row]
	case [][]byte:
		return vals[row]
	}
	return nil
}

// makeCells gives n empty cells of a type.
func makeCells(t record.Type, n int) any {
	switch t.Kind {
	case record.Int, record.Date, record.Time, record.Timestamp, record.TimestampTZ:
		return make([]int64, n)
	case record.Float:
		return make([]float64, n)
	case record.Bool:
		return make([]bool, n)
	case record.Decimal:
		return make([]decimal128.Num, n)
	case record.Bytes, record.UUID:
		return make([][]byte, n)
	}
	return make([]string, n)
}

// put writes a scalar that is not nil.
func put(vals any, row int, x any) {
	switch vals := vals.(type) {
	case []int64:
		vals[row] = x.(int64)
	case []float64:
		vals[row] = x.(float64)
	case []bool:
		vals[row] = x.(bool)
	case []string:
		vals[row] = x.(string)
	case []decimal128.Num:
		vals[row] = x.(decimal128.Num)
	case [][]byte:
		vals[row] = x.([]byte)
	}
}

// constant makes a vec of one cell.
func constant(t record.Type, x any) *vec {
	v := &vec{typ: t, one: true, vals: makeCells(t, 1)}
	if x == nil {
		v.null = []bool{true}
	} else {
		put(v.vals, 0, x)
	}
	return v
}

// load reads an Arrow column.
func load(col arrow.Array, t record.Type) *vec {
	v := &vec{typ: t}
	n := col.Len()
	if col.NullN() > 0 {
		v.null = make([]bool, n)
		for i := range v.null {
			v.null[i] = col.IsNull(i)
		}
	}
	switch c := col.(type) {
	case *array.Int64:
		v.vals = c.Int64Values()
	case *array.Float64:
		v.vals = c.Float64Values()
	case *array.Decimal128:
		v.vals = c.Values()
	case *array.Boolean:
		v.vals = collect(n, c.Value)
	case *array.String:
		vals := collect(n, c.Value)
		if t.Kind == record.JSON {
			v.jsonNulls(vals)
		}
		v.vals = vals
	case *array.Binary:
		v.vals = collect(n, c.Value)
	case *array.FixedSizeBinary:
		v.vals = collect(n, c.Value)
	case *array.Date32:
		v.vals = collect(n, func(i int) int64 { return int64(c.Value(i)) })
	case *array.Time64:
		v.vals = collect(n, func(i int) int64 { return int64(c.Value(i)) })
	case *array.Timestamp:
		v.vals = collect(n, func(i int) int64 { return int64(c.Value(i)) })
	default:
		panic(fmt.Sprintf("expr: cannot read %s", col.DataType()))
	}
	return v
}

func collect[T any](n int, value func(int) T) []T {
	vals := make([]T, n)
	for i := range vals {
		vals[i] = value(i)
	}
	return vals
}

// jsonNulls makes the JSON text null a null.
func (v *vec) jsonNulls(vals []string) {
	for i, s := range vals {
		if isJSONNull(s) {
			v.setNull(i, len(vals))
		}
	}
}

// store gives n rows as an Arrow column; rows with an error are null.
func (v *vec) store(n int) arrow.Array {
	b := record.NewColumnBuilder(v.typ)
	b.Reserve(n)
	if v.one {
		v = v.spread(n)
	}
	switch b := b.(type) {
	case *array.Int64Builder:
		b.AppendValues(cells[int64](v), v.valid())
	case *array.Float64Builder:
		b.AppendValues(cells[float64](v), v.valid())
	case *array.BooleanBuilder:
		b.AppendValues(cells[bool](v), v.valid())
	case *array.Decimal128Builder:
		b.AppendValues(cells[decimal128.Num](v), v.valid())
	case *array.StringBuilder:
		storeText(b, v)
	case *array.BinaryBuilder:
		each(v, b, b.Append)
	case *array.FixedSizeBinaryBuilder:
		each(v, b, b.Append)
	case *array.Date32Builder:
		each(v, b, func(x int64) { b.Append(arrow.Date32(x)) })
	case *array.Time64Builder:
		each(v, b, func(x int64) { b.Append(arrow.Time64(x)) })
	case *array.TimestampBuilder:
		each(v, b, func(x int64) { b.Append(arrow.Timestamp(x)) })
	}
	return b.NewArray()
}

func storeText(b *array.StringBuilder, v *vec) {
	vals, size := cells[string](v), 0
	for i, s := range vals {
		if !v.isNull(i) {
			size += len(s)
		}
	}
	b.ReserveData(size)
	each(v, b, b.Append)
}

func each[T any](v *vec, b array.Builder, add func(T)) {
	for i, x := range cells[T](v) {
		if v.isNull(i) {
			b.AppendNull()
		} else {
			add(x)
		}
	}
}

// valid is the opposite of null, for Arrow's builders.
func (v *vec) valid() []bool {
	if v.null == nil {
		return nil
	}
	valid := make([]bool, len(v.null))
	for i, null := range v.null {
		valid[i] = !null
	}
	return valid
}

// spread repeats the one cell for n rows.
func (v *vec) spread(n int) *vec {
	out := &vec{typ: v.typ, vals: makeCells(v.typ, n)}
	x, err := v.at(0), v.err(0)
	for row := range n {
		switch {
		case err != nil:
			out.fail(row, n, err)
		case x == nil:
			out.setNull(row, n)
		default:
			put(out.vals, row, x)
		}
	}
	return out
}

// dayOf and stampOf turn the cells of dates and timestamps into times.
func dayOf(days int64) time.Time { return time.Unix(days*86400, 0).UTC() }

func stampOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
