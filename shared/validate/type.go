package validate

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

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
			Doc: "The columns stay what they are; the rule asks whether the transform cast would accept each value. It is of use for text columns: a " +
				"column that has the type already always passes. A type that no value of the column can become is found before the run. Null " +
				"passes: add the rule required to refuse it.",
			Body: setting.Field{
				Kind: setting.Map, Doc: "Column to type.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true},
			},
			Example: "type: {opened: date, price: \"decimal(10,2)\"}",
			Since:   "0.1.0",
		},
		New: newType,
	}
}

// types is the rule type.
type types []wanted

type wanted struct {
	column column
	typ    record.Type
}

func newType(c Config) (Rule, error) {
	var p problems
	var r types
	m := mapOf(c)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		path := setting.Join(c.Path, name)
		w := wanted{column: p.column(c, path, name)}
		typ, err := record.ParseType(textOf(m, name))
		if err != nil {
			p.add(path, "bad_type", fmt.Sprintf("%q is not a column type", textOf(m, name)), fault.Hint(err))
			continue
		}
		if w.typ = typ; w.column.place >= 0 && !expr.Convertible(w.column.typ, typ) {
			p.add(path, "wrong_type", fmt.Sprintf("no value of type %s can be of type %s", w.column.typ, typ), "")
		}
		r = append(r, w)
	}
	return r, p.list.Err()
}

// Check answers the rows with a value that is not of its type.
func (r types) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	var found finder
	for _, w := range r {
		col := b.Rows.Column(w.column.place)
		rows, err := w.misfits(col)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found.add(row, fmt.Sprintf("%s is not of type %s", w.column.show(col, row), w.typ))
		}
	}
	return found.broken(), nil
}

// misfits lists the rows whose value cannot be of the type.
func (w wanted) misfits(col arrow.Array) (rows []int, err error) {
	if w.column.typ == w.typ {
		return nil, nil
	}
	if w.column.typ.Kind == record.String {
		return w.unreadable(col.(*array.String)), nil
	}
	_, refused, err := expr.Convert(col, w.column.typ, w.typ)
	for _, x := range refused {
		rows = append(rows, x.Row)
	}
	return rows, err
}

// unreadable lists the rows whose text is not in the type's text form, as expr.Convert would, and quicker.
func (w wanted) unreadable(col *array.String) (rows []int) {
	b := record.NewColumnBuilder(w.typ)
	b.Reserve(col.Len())
	for row := range col.Len() {
		if !col.IsNull(row) && record.ParseText(b, w.typ, col.Value(row)) != nil {
			rows = append(rows, row)
		}
	}
	return rows
}
