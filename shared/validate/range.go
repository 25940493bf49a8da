package validate

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func rangeSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "range",
			Summary: "Values must not be below min nor above max.",
			Doc:     "The column holds numbers, dates, times or timestamps; dates and times stand in quotes. Both limits are allowed values. Null passes: add the rule required.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The column.", Required: true},
				{Name: "min", Kind: setting.Any, Doc: "The smallest value; no limit when left out."},
				{Name: "max", Kind: setting.Any, Doc: "The greatest value; no limit when left out."},
			}},
			Example: "range: {column: length_ft, min: 1, max: 30000}",
			Since:   "0.1.0",
		},
		New: newRange,
	}
}

type within struct {
	column       column
	below, above *expr.Program
	min, max     string
}

func newRange(c Config) (Rule, error) {
	var v struct {
		Column   string `json:"column"`
		Min, Max any
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	raw, _ := c.Values.Raw().(map[string]any) // whole numbers as they were written
	var p problems
	r := &within{column: p.column(c, setting.Join(c.Path, "column"), v.Column)}
	if r.column.place < 0 {
		return nil, p.list.Err()
	}
	switch k := r.column.typ.Kind; k {
	case record.String, record.Bool, record.Bytes, record.UUID, record.JSON:
		p.add(setting.Join(c.Path, "column"), "wrong_type", fmt.Sprintf("%q is a column of type %s, which has no range", v.Column, k), "cast it to a number or a date first")
		return nil, p.list.Err()
	}
	r.below, r.min = p.limit(c, "min", raw["min"], "<")
	r.above, r.max = p.limit(c, "max", raw["max"], ">")
	if raw["min"] == nil && raw["max"] == nil {
		p.add(c.Path, "missing", "there is neither min nor max", "give at least one of them")
	}
	return r, p.list.Err()
}

// limit compiles the condition that breaks a limit.
func (p *problems) limit(c Config, key string, v any, operator string) (*expr.Program, string) {
	path := setting.Join(c.Path, key)
	if v == nil {
		return nil, ""
	}
	text, ok := literal(v)
	if !ok {
		p.add(path, "wrong_type", "must be a number, or a date or time in quotes", "")
		return nil, ""
	}
	name := c.Values.Raw().(map[string]any)["column"].(string)
	return p.compile(c, path, "%s "+operator+" "+escape(text), name), text
}

// Check answers the rows outside.
func (r *within) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	below, err := trueRows(r.below, b)
	if err != nil {
		return nil, err
	}
	above, err := trueRows(r.above, b)
	if err != nil {
		return nil, err
	}
	return merge(r.column.where(b, below, "below %s", r.min), r.column.where(b, above, "above %s", r.max)), nil
}
