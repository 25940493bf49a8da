package validate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func typeSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "type",
			Summary: "Values must read as a type.",
			Doc: "The columns stay what they are; the rule only asks whether the transform cast would accept each value. A column that has the type already always " +
				"passes, and so does null.",
			Body: setting.Field{Kind: setting.Map, Doc: "Column to type.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true}},
			Example: "type: {released: date, budget: \"decimal(12,2)\"}",
			Since:   "0.1.0",
		},
		New: newType,
	}
}

type typed struct{ parts []typedPart }

type typedPart struct {
	column column
	want   record.Type
}

func newType(c Config) (Rule, error) {
	var v map[string]string
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	r := &typed{}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		path := setting.Join(c.Path, name)
		part := typedPart{column: p.column(c, path, name)}
		var err error
		if part.want, err = record.ParseType(v[name]); err != nil {
			p.add(path, "bad_type", fmt.Sprintf("%q is not a column type", v[name]), fault.Hint(err))
			continue
		}
		if part.column.place >= 0 && !expr.Convertible(part.column.typ, part.want) {
			p.add(path, "wrong_type", fmt.Sprintf("no %s is ever %s", part.column.typ, part.want), "")
		}
		r.parts = append(r.parts, part)
	}
	return r, p.list.Err()
}

// Check answers the rows with a value that is not of its type.
func (r *typed) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	var f finder
	for _, part := range r.parts {
		col := b.Rows.Column(part.column.place)
		_, refused, err := expr.Convert(col, part.column.typ, part.want)
		if err != nil {
			return nil, err
		}
		for _, x := range refused {
			f.add(x.Row, fmt.Sprintf("%s is %s, not %s", part.column.name, part.column.value(col, x.Row), part.want))
		}
	}
	return f.broken(), nil
}
