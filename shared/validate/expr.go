package validate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func exprSpec() Spec {
	that := setting.Field{Name: "that", Kind: setting.String, Syntax: setting.Expression, Doc: "What must be true.", Required: true}
	return Spec{
		Spec: setting.Spec{
			Name:    "expr",
			Summary: "An expression must be true.",
			Doc:     "A record for which it is null passes, as in SQL: use coalesce or is_null to say otherwise. One for which it has no result, such as a division by zero, breaks the rule.",
			Body: setting.Field{Kind: setting.Choice, Doc: "The condition, alone or with a message.", Forms: []setting.Field{
				that,
				{Kind: setting.Object, Fields: []setting.Field{
					that,
					{Name: "message", Kind: setting.String, Doc: "The reason that a failure shows; the expression when left out."},
				}},
			}},
			Example: "expr: {that: low_end != high_end, message: both ends have the same name}",
			Since:   "0.1.0",
		},
		New: newExpr,
	}
}

type condition struct {
	holds   *expr.Program // true for what breaks the rule
	message string
	masked  bool
}

func newExpr(c Config) (Rule, error) {
	v := struct {
		That    string `json:"that"`
		Message string `json:"message"`
	}{}
	path := c.Path
	if src, ok := c.Values.Raw().(string); ok {
		v.That = src
	} else if err := decode(c, &v); err != nil {
		return nil, err
	} else {
		path = setting.Join(path, "that")
	}
	var p problems
	_, err := expr.Condition(v.That, c.Schema)
	var wrong *expr.Error
	switch {
	case errors.As(err, &wrong):
		p.list = append(p.list, wrong.Problem(path))
		return nil, p.list.Err()
	case err != nil:
		p.add(path, "bad_expression", err.Error(), fault.Hint(err))
		return nil, p.list.Err()
	}
	r := &condition{message: v.Message}
	if r.message == "" {
		r.message = "not true: " + v.That
	}
	if r.holds, err = expr.Condition("not ("+v.That+"\n)", c.Schema); err != nil { // a comment may end it
		return nil, fmt.Errorf("turn condition around: %w", err)
	}
	r.masked = slices.ContainsFunc(r.holds.Columns(), func(name string) bool { return slices.Contains(c.Mask, name) })
	return r, nil
}

// Check answers the rows for which the expression is false or has no result.
func (r *condition) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	rows, refused, err := r.holds.Filter(b)
	if err != nil {
		return nil, err
	}
	var f finder
	for _, row := range rows {
		f.add(int(row), r.message)
	}
	for _, x := range refused {
		if r.masked {
			x.Message = "no result (a value is masked)"
		}
		f.add(x.Row, r.message+": "+x.Message)
	}
	return f.broken(), nil
}
