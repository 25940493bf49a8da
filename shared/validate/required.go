package validate

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func requiredSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "required",
			Summary: "The listed columns must not be null.",
			Doc:     "An empty text is a value. To refuse it too, add the rule length with min: 1.",
			Body: setting.Field{
				Kind: setting.List, Doc: "Columns that must not be null.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Syntax: setting.Column},
			},
			Example: "required: [airport_ident, surface]",
			Since:   "0.1.0",
		},
		New: newRequired,
	}
}

type required struct{ columns columns }

func newRequired(c Config) (Rule, error) {
	var names []string
	if err := decode(c, &names); err != nil {
		return nil, err
	}
	var p problems
	cols := p.columns(c, names)
	return &required{cols}, p.list.Err()
}

// Check answers the rows that have a null in one of the columns.
func (r *required) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	var found finder
	for _, c := range r.columns {
		col := b.Rows.Column(c.place)
		if col.NullN() == 0 {
			continue
		}
		for row := range col.Len() {
			if col.IsNull(row) {
				found.add(row, fmt.Sprintf("%s is missing", c.name))
			}
		}
	}
	return found.broken(), nil
}
