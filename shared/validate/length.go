package validate

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func lengthSpec() Spec {
	limit := func(name, doc string) setting.Field {
		return setting.Field{Name: name, Kind: setting.Int, Doc: doc, Unit: "characters", Min: setting.Bound(0), Max: setting.Bound(1 << 31)}
	}
	return Spec{
		Spec: setting.Spec{
			Name:    "length",
			Summary: "Texts must have so many characters.",
			Doc:     "Characters are counted for text, bytes for bytes, elements for a JSON array; a JSON value that is no array breaks the rule. Null passes: add the rule required.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The column.", Required: true},
				limit("min", "The fewest; no limit when left out."),
				limit("max", "The most; no limit when left out."),
			}},
			Example: "length: {column: ident, min: 3, max: 7}",
			Since:   "0.1.0",
		},
		New: newLength,
	}
}

type length struct {
	column   column
	measure  *expr.Program
	min, max *int64
}

func newLength(c Config) (Rule, error) {
	var v struct {
		Column string `json:"column"`
		Min    *int64 `json:"min"`
		Max    *int64 `json:"max"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	r := &length{column: p.column(c, setting.Join(c.Path, "column"), v.Column), min: v.Min, max: v.Max}
	switch {
	case v.Min == nil && v.Max == nil:
		p.add(c.Path, "missing", "there is neither min nor max", "give at least one of them")
	case v.Min != nil && v.Max != nil && *v.Min > *v.Max:
		p.add(setting.Join(c.Path, "min"), "out_of_range", "min is above max", "")
	}
	if r.column.place < 0 {
		return nil, p.list.Err()
	}
	switch k := r.column.typ.Kind; k {
	case record.String, record.Bytes, record.JSON:
		r.measure = p.compile(c, setting.Join(c.Path, "column"), "length(%s)", v.Column)
	default:
		p.add(setting.Join(c.Path, "column"), "wrong_type", fmt.Sprintf("%q is a column of type %s, which has no length", v.Column, k), "use the rule range for numbers")
	}
	return r, p.list.Err()
}

// Check answers the rows that are too short or too long.
func (r *length) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	col, refused, err := r.measure.Eval(b)
	if err != nil {
		return nil, err
	}
	var f finder
	for _, x := range refused {
		f.add(x.Row, fmt.Sprintf("%s is no JSON array", r.column.name))
	}
	counts := col.(*array.Int64)
	for row, n := range counts.Int64Values() {
		switch {
		case counts.IsNull(row):
		case r.min != nil && n < *r.min:
			f.add(row, fmt.Sprintf("%s has length %d, less than %d", r.column.name, n, *r.min))
		case r.max != nil && n > *r.max:
			f.add(row, fmt.Sprintf("%s has length %d, more than %d", r.column.name, n, *r.max))
		}
	}
	return f.broken(), nil
}
