package transform

import (
	"fmt"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Record is one record in a function of the user. A copy of a Record is the same record; Clone makes another one. It is for one
// goroutine at a time, and not to be used after the function has answered.
type Record struct{ r *row }

// row is a row of a batch with the values that a function gave it.
type row struct {
	columns *columns
	batch   *record.Batch
	at      int   // in the batch
	values  []any // of its own, by place in columns; unset where there is none; nil when there are none at all
	err     error // the first wrong use
	taken   bool  // it is part of an answer
}

// unset marks a value that the function did not set.
var unset = new(int)

// columns are the names that records of a function know: those that come in, then those that only go out.
type columns struct {
	names []string
	place map[string]int
}

// Columns lists the names of the columns, those that come in before those that the function adds.
func (r Record) Columns() []string { return slices.Clone(r.r.columns.names) }

// Value gives a value as record.Value does: nil for null; int64, float64, bool; string for string, JSON and UUID;
// decimal128.Num; []byte; time.Time in UTC; time.Duration since midnight for a time of day. A column that does not exist is nil.
func (r Record) Value(column string) any {
	i, ok := r.r.columns.place[column]
	switch {
	case !ok:
		return nil
	case r.r.values != nil && r.r.values[i] != unset:
		return r.r.values[i]
	case i >= len(r.r.batch.Schema.Columns): // only goes out
		return nil
	}
	return record.Value(r.r.batch.Rows.Column(i), r.r.batch.Schema.Columns[i].Type, r.r.at)
}

// IsNull says whether the value is null or the column does not exist.
func (r Record) IsNull(column string) bool { return r.Value(column) == nil }

// Text gives the value of a string, JSON or UUID column; "" for null and every other type.
func (r Record) Text(column string) string { return as[string](r, column) }

// Int gives the value of an int column; 0 for null and every other type.
func (r Record) Int(column string) int64 { return as[int64](r, column) }

// Float gives the value of a float or int column; 0 for null and every other type.
func (r Record) Float(column string) float64 {
	if n, ok := r.Value(column).(int64); ok {
		return float64(n)
	}
	return as[float64](r, column)
}

// Bool gives the value of a bool column; false for null and every other type.
func (r Record) Bool(column string) bool { return as[bool](r, column) }

// Time gives the value of a date or timestamp column, in UTC; the zero time for null and every other type.
func (r Record) Time(column string) time.Time { return as[time.Time](r, column) }

func as[T any](r Record, column string) T {
	v, _ := r.Value(column).(T)
	return v
}

// Set changes a value: nil for null, or what record.Append takes, texts in the type's text form among it. A column that neither
// comes in nor goes out, or a value that does not fit the column that goes out, refuses the record.
func (r Record) Set(column string, value any) {
	i, ok := r.r.columns.place[column]
	if !ok {
		if r.r.err == nil {
			r.r.err = fmt.Errorf("column %q is not among the columns that the function declares", column)
		}
		return
	}
	if r.r.values == nil {
		r.r.values = make([]any, len(r.r.columns.names))
		for k := range r.r.values {
			r.r.values[k] = unset
		}
	}
	switch v := value.(type) { // as Value gives them
	case int:
		value = int64(v)
	case int32:
		value = int64(v)
	case float32:
		value = float64(v)
	}
	r.r.values[i] = value
}

// Clone makes another record with the same values.
func (r Record) Clone() Record {
	c := *r.r
	c.values = slices.Clone(c.values)
	return Record{&c}
}

// columnsOf joins the names of two schemas.
func columnsOf(in, out record.Schema) *columns {
	c := &columns{place: map[string]int{}}
	for _, name := range slices.Concat(in.Names(), out.Names()) {
		if _, known := c.place[name]; !known {
			c.place[name] = len(c.names)
			c.names = append(c.names, name)
		}
	}
	return c
}
