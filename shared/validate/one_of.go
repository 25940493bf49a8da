package validate

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func oneOfSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "one_of",
			Summary: "Values must be in a list.",
			Doc: "The list holds values of the column's type: numbers, true and false, texts in quotes, dates and times in their text form. Values " +
				"are compared as what they are: 1.50 is 1.5 in a decimal column. A value that is not of the type is found before the run. Null " +
				"passes, so it is not in the list: add the rule required to refuse it. For a JSON column use json_schema.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnField("The column to look at."),
				{Name: "values", Kind: setting.List, Doc: "The values that pass.", Required: true, Min: setting.Bound(1), Item: &setting.Field{Kind: setting.Any}},
				{Name: "ignore_case", Kind: setting.Bool, Doc: "Compare texts without regard to capitals.", Default: false},
			}},
			Example: "one_of: {column: lighted, values: [0, 1], severity: warn}",
			Since:   "0.1.0",
		},
		New: newOneOf,
	}
}

// oneOf is the rule one_of.
type oneOf struct {
	column column
	broken string
	scan   func(arrow.Array) []int
}

func newOneOf(c Config) (Rule, error) {
	var p problems
	m := mapOf(c)
	r := &oneOf{column: p.columnOf(c)}
	if r.column.place < 0 {
		return nil, p.list.Err()
	}
	fold, _ := m["ignore_case"].(bool)
	if r.column.typ.Kind == record.JSON {
		p.add(setting.Join(c.Path, keyColumn), "wrong_type", "values of a JSON column are not compared", "use json_schema with enum")
		return nil, p.list.Err()
	}
	if fold && r.column.typ.Kind != record.String {
		p.add(setting.Join(c.Path, "ignore_case"), "wrong_type", "column \""+r.column.name+"\" has no capitals: it is of type "+r.column.typ.String(), "leave it out")
	}
	list, _ := m["values"].([]any)
	var values []arrow.Array
	var names []string
	for i, v := range list {
		path := setting.Index(setting.Join(c.Path, "values"), i)
		if v == nil {
			p.add(path, "null", "null passes anyway", "leave it out; add the rule required to refuse null")
			continue
		}
		if cell := p.literal(path, r.column.typ.String(), r.column.typ, v); cell != nil {
			values = append(values, cell)
			names = append(names, shown(cell, r.column.typ, 0))
		}
	}
	if len(p.list) > 0 {
		return nil, p.list.Err()
	}
	r.broken = " is not one of " + some(names)
	compared := readerOf(r.column.typ.Kind)
	if fold {
		compared = readOf(func(a *array.String, row int) string { return folded(a.Value(row)) })
	}
	r.scan = compared.outside(values)
	return r, nil
}

// some lists at most ten names.
func some(names []string) string {
	if len(names) > 10 {
		names = append(slices.Clone(names[:10]), "…")
	}
	return strings.Join(names, ", ")
}

// folded gives a text in which letters that differ by case only are the same.
func folded(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'a' <= c && c <= 'z' {
			return strings.Map(foldedRune, s)
		}
	}
	return s
}

// foldedRune gives the least of the letters that differ from r by case only.
func foldedRune(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - 'a' + 'A'
	}
	if r < utf8.RuneSelf {
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// Check answers the rows whose value is not in the list.
func (r *oneOf) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	col := b.Rows.Column(r.column.place)
	rows := r.scan(col)
	out := make([]Broken, len(rows))
	for i, row := range rows {
		out[i] = Broken{row, r.column.show(col, row) + r.broken}
	}
	return out, nil
}
