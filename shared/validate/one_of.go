package validate

import (
	"context"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func oneOfSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "one_of",
			Summary: "Values must be in a list.",
			Doc:     "The values of the list must be of the column's type, dates and times in quotes. Null passes: add the rule required.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The column.", Required: true},
				{Name: "values", Kind: setting.List, Doc: "The allowed values.", Required: true, Min: setting.Bound(1), Max: setting.Bound(1000), Item: &setting.Field{Kind: setting.Any}},
			}},
			Example: "one_of: {column: lighted, values: [0, 1]}",
			Since:   "0.1.0",
		},
		New: newOneOf,
	}
}

type oneOf struct {
	column column
	others *expr.Program // true for values that are not in the list
	list   string
}

func newOneOf(c Config) (Rule, error) {
	v, _ := c.Values.Raw().(map[string]any)
	name, _ := v["column"].(string)
	values, _ := v["values"].([]any)
	var p problems
	r := &oneOf{column: p.column(c, setting.Join(c.Path, "column"), name)}
	if r.column.place < 0 {
		return nil, p.list.Err()
	}
	texts := make([]string, 0, len(values))
	for i, v := range values {
		path := setting.Index(setting.Join(c.Path, "values"), i)
		text, ok := literal(v)
		if !ok {
			p.add(path, "wrong_type", "must be a text, a number, true or false", "null passes without being in the list")
			continue
		}
		texts = append(texts, text)
		p.compile(c, path, "%s == "+escape(text), name) // each on its own, for the place of a mistake
	}
	if len(p.list) > 0 {
		return nil, p.list.Err()
	}
	r.list = strings.Join(texts, ", ")
	r.others = p.compile(c, setting.Join(c.Path, "values"), "%s not in ["+escape(r.list)+"]", name)
	if len(r.list) > 200 {
		r.list = fmt.Sprintf("%d values", len(values))
	}
	return r, p.list.Err()
}

// Check answers the rows whose value is not in the list.
func (r *oneOf) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	rows, err := trueRows(r.others, b)
	if err != nil {
		return nil, err
	}
	return r.column.where(b, rows, "not one of %s", r.list), nil
}
