package transform

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func filterSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "filter",
			Summary: "Keeps the records for which an expression is true.",
			Doc:     "Records for which it is false or null are counted as filtered. A record for which it has no result, such as a division by zero, is refused.",
			Body:    setting.Field{Kind: setting.String, Syntax: setting.Expression, Doc: "The condition.", Required: true},
			Example: "filter: not closed and length_ft > 100",
			Since:   "0.1.0",
		},
		New: newFilter,
	}
}

type filter struct {
	schema record.Schema
	cond   *expr.Program
	masked bool
}

func newFilter(c Config) (Transform, error) {
	var src string
	if err := decode(c, &src); err != nil {
		return nil, err
	}
	var p problems
	cond, err := expr.Condition(src, c.Schema)
	if err != nil {
		p.expression(c.Path, err)
		return nil, p.list.Err()
	}
	return &filter{c.Schema, cond, anyOf(cond.Columns(), c.OnFailure.Mask)}, nil
}

// Schema is what comes out.
func (t *filter) Schema() record.Schema { return t.schema }

// Apply answers the batch with the rows that are kept.
func (t *filter) Apply(_ context.Context, b record.Batch) (Result, error) {
	rows, refused, err := t.cond.Filter(b)
	if err != nil {
		return Result{}, err
	}
	out := Result{Batch: b.Keep(rows)}
	out.refuse(refused, reason{masked: t.masked})
	return out, nil
}
