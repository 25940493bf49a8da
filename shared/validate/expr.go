package validate

import (
	"context"
	"errors"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func exprSpec() Spec {
	test := setting.Field{Name: keyTest, Kind: setting.String, Syntax: setting.Expression, Doc: "What must be true.", Required: true}
	return Spec{
		Spec: setting.Spec{
			Name:    "expr",
			Summary: "An expression must be true.",
			Doc: "A record for which it is false or null breaks the rule, and so does one for which it has no result, such as a division by zero. To let " +
				"null pass, say so: is_null(x) or x > 1.",
			Body: setting.Field{Kind: setting.Choice, Doc: "The condition, alone or with a message.", Forms: []setting.Field{
				test,
				{Kind: setting.Object, Doc: "The condition with a message.", Fields: []setting.Field{
					test, {Name: "message", Kind: setting.String, Doc: "What failures show; the expression when left out."},
				}},
			}},
			Example: "expr: {test: low_end != high_end, message: both ends have the same name}",
			Since:   "0.1.0",
		},
		New: newExpr,
	}
}

const keyTest = "test"

// condition is the rule expr.
type condition struct {
	test    *expr.Program
	message string
	masked  bool // it depends on a column whose values must not be shown
}

func newExpr(c Config) (Rule, error) {
	m, path := mapOf(c), c.Path
	src, plain := c.Values.Raw().(string)
	if !plain {
		src, path = textOf(m, keyTest), setting.Join(c.Path, keyTest)
	}
	r := &condition{message: textOf(m, "message")}
	if r.message == "" {
		r.message = "not true: " + shorten(src, 4*maxExcerpt)
	}
	var p problems
	var err error
	if r.test, err = expr.Condition(src, c.Schema); err != nil {
		p.expression(path, err)
		return nil, p.list.Err()
	}
	r.masked = slices.ContainsFunc(r.test.Columns(), func(name string) bool { return slices.Contains(c.Mask, name) })
	return r, nil
}

// expression adds what is wrong with an expression.
func (p *problems) expression(path string, err error) {
	var wrong *expr.Error
	if errors.As(err, &wrong) {
		p.list = append(p.list, wrong.Problem(path))
		return
	}
	p.add(path, "bad_expression", err.Error(), fault.Hint(err))
}

// Check answers the rows for which the expression is not true.
func (r *condition) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	col, refused, err := r.test.Eval(b)
	if err != nil {
		return nil, err
	}
	results := col.(*array.Boolean)
	var out []Broken
	for row := range results.Len() {
		if len(refused) > 0 && refused[0].Row == row {
			out = append(out, Broken{row, r.message + ": " + r.cause(refused[0].Message)})
			refused = refused[1:]
		} else if results.IsNull(row) || !results.Value(row) {
			out = append(out, Broken{row, r.message})
		}
	}
	return out, nil
}

// cause is why there is no result.
func (r *condition) cause(message string) string {
	if r.masked {
		return "it cannot be computed"
	}
	return message
}
