package validate

import (
	"cmp"
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func rangeSpec() Spec {
	bound := func(name, doc string) setting.Field {
		return setting.Field{Name: name, Kind: setting.Choice, Doc: doc, Forms: []setting.Field{
			{Kind: setting.Float, Doc: "A number."}, {Kind: setting.String, Doc: "A value in the column's text form."},
		}}
	}
	return Spec{
		Spec: setting.Spec{
			Name:    "range",
			Summary: "Values must be between two bounds.",
			Doc: "For columns of type int, float, decimal, date, time, timestamp and timestamptz; at least one bound is needed. Bounds are values " +
				"of the column's type: numbers, or texts such as 2026-08-22, 17:30:00 or 2026-08-22T17:30:00Z. A decimal with more than 15 " +
				"digits stands in quotes. Null passes: add the rule required to refuse it.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnField("The column to look at."),
				bound(keyMin, "The least value that passes."), bound(keyMax, "The greatest value that passes."),
				bound(keyExclusiveMin, "Values must be greater than this one."), bound(keyExclusiveMax, "Values must be less than this one."),
			}},
			Example: "range: {column: length_ft, min: 1, max: 30000}",
			Since:   "0.1.0",
		},
		New: newRange,
	}
}

const (
	keyExclusiveMin = "exclusive_min"
	keyExclusiveMax = "exclusive_max"
)

// span is the rule range.
type span struct {
	column    column
	low, high edge
	scan      func(arrow.Array) []Broken
}

// edge is a bound of a span.
type edge struct {
	value  arrow.Array // one cell; nil when there is no bound
	strict bool        // the bound itself is outside
	broken string      // what is wrong with a value beyond it
}

func newRange(c Config) (Rule, error) {
	var p problems
	r := &span{column: p.columnOf(c)}
	ok := p.kinds(setting.Join(c.Path, keyColumn), r.column, "a range needs numbers, dates or times: cast the column first, or use length or pattern",
		record.Int, record.Float, record.Decimal, record.Date, record.Time, record.Timestamp, record.TimestampTZ)
	if ok {
		r.low = p.edge(c, r.column, keyMin, keyExclusiveMin)
		r.high = p.edge(c, r.column, keyMax, keyExclusiveMax)
	}
	if !p.atLeastOne(c, keyMin, keyMax, keyExclusiveMin, keyExclusiveMax) || len(p.list) > 0 {
		return nil, p.list.Err()
	}
	var empty bool
	if r.scan, empty = r.scanner(); empty {
		p.add(c.Path, "empty_range", "no value can be between these bounds", "the lower bound is above the upper one")
	}
	return r, p.list.Err()
}

// atLeastOne reports a configuration that has none of the keys.
func (p *problems) atLeastOne(c Config, keys ...string) bool {
	m := mapOf(c)
	for _, k := range keys {
		if m[k] != nil {
			return true
		}
	}
	hint := "write " + keys[0]
	for _, k := range keys[1:] {
		hint += " or " + k
	}
	p.add(c.Path, "missing", "the rule asks for nothing", hint)
	return false
}

// edge reads a bound that is written under one of two keys.
func (p *problems) edge(c Config, col column, key, strictKey string) edge {
	m := mapOf(c)
	e := edge{}
	if m[key] != nil && m[strictKey] != nil {
		p.add(setting.Join(c.Path, strictKey), "twice", key+" and "+strictKey+" are both written", "leave one of them out")
		return e
	}
	if e.strict = m[strictKey] != nil; e.strict {
		key = strictKey
	}
	if m[key] == nil {
		return e
	}
	typ := col.typ
	if typ.Kind == record.Decimal {
		typ.Precision = 38 // a bound may be beyond what the column can hold
	}
	if e.value = p.literal(setting.Join(c.Path, key), col.typ.String(), typ, m[key]); e.value == nil {
		return e
	}
	words := map[string]string{keyMin: "is below ", keyMax: "is above ", keyExclusiveMin: "is not above ", keyExclusiveMax: "is not below "}
	e.broken = words[key] + shown(e.value, typ, 0)
	return e
}

// scanner gives the function that looks through a column, and whether no value is between the bounds.
func (r *span) scanner() (scan func(arrow.Array) []Broken, empty bool) {
	switch r.column.typ.Kind {
	case record.Int:
		return scanSpan(r, (*array.Int64).Int64Values, cmp.Less[int64])
	case record.Float:
		return scanSpan(r, (*array.Float64).Float64Values, cmp.Less[float64])
	case record.Date:
		return scanSpan(r, (*array.Date32).Date32Values, cmp.Less[arrow.Date32])
	case record.Time:
		return scanSpan(r, (*array.Time64).Time64Values, cmp.Less[arrow.Time64])
	case record.Decimal:
		return scanSpan(r, (*array.Decimal128).Values, decimal128.Num.Less)
	}
	return scanSpan(r, (*array.Timestamp).TimestampValues, cmp.Less[arrow.Timestamp])
}

func scanSpan[A arrow.Array, T any](r *span, values func(A) []T, less func(a, b T) bool) (func(arrow.Array) []Broken, bool) {
	var lo, hi T
	low, high := r.low.value != nil, r.high.value != nil
	if low {
		lo = values(r.low.value.(A))[0]
	}
	if high {
		hi = values(r.high.value.(A))[0]
	}
	empty := low && high && (less(hi, lo) || (r.low.strict || r.high.strict) && !less(lo, hi))
	return func(col arrow.Array) (out []Broken) {
		for row, v := range values(col.(A)) {
			e := &r.low
			switch {
			case low && (less(v, lo) || e.strict && !less(lo, v)):
			case high && (less(hi, v) || r.high.strict && !less(v, hi)):
				e = &r.high
			default:
				continue
			}
			if col.IsValid(row) {
				out = append(out, Broken{row, r.column.show(col, row) + " " + e.broken})
			}
		}
		return out
	}, empty
}

// Check answers the rows whose value is outside.
func (r *span) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	return r.scan(b.Rows.Column(r.column.place)), nil
}
