package validate

import (
	"context"
	"slices"
	"strings"
	"unicode"

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
	scan   func(arrow.Array) []Broken
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
	r.scan = r.scanner(values, fold)
	return r, nil
}

// some lists at most ten names.
func some(names []string) string {
	if len(names) > 10 {
		names = append(slices.Clone(names[:10]), "…")
	}
	return strings.Join(names, ", ")
}

// scanner gives the function that looks through a column.
func (r *oneOf) scanner(values []arrow.Array, fold bool) func(arrow.Array) []Broken {
	switch r.column.typ.Kind {
	case record.Int:
		return scanList(r, values, (*array.Int64).Value)
	case record.Float:
		return scanList(r, values, (*array.Float64).Value)
	case record.Decimal:
		return scanList(r, values, (*array.Decimal128).Value)
	case record.Bool:
		return scanList(r, values, (*array.Boolean).Value)
	case record.Date:
		return scanList(r, values, (*array.Date32).Value)
	case record.Time:
		return scanList(r, values, (*array.Time64).Value)
	case record.Timestamp, record.TimestampTZ:
		return scanList(r, values, (*array.Timestamp).Value)
	case record.Bytes:
		return scanList(r, values, (*array.Binary).ValueString)
	case record.UUID:
		return scanList(r, values, func(a *array.FixedSizeBinary, row int) [16]byte { return [16]byte(a.Value(row)) })
	}
	if fold {
		return scanList(r, values, func(a *array.String, row int) string { return folded(a.Value(row)) })
	}
	return scanList(r, values, (*array.String).Value)
}

// maxLinear is how long a list may be to be searched from its beginning; a longer one is a map.
const maxLinear = 8

func scanList[A arrow.Array, T comparable](r *oneOf, values []arrow.Array, value func(A, int) T) func(arrow.Array) []Broken {
	list, set := make([]T, len(values)), make(map[T]struct{}, len(values))
	for i, v := range values {
		list[i] = value(v.(A), 0)
		set[list[i]] = struct{}{}
	}
	in := func(v T) bool { _, ok := set[v]; return ok }
	if len(list) <= maxLinear {
		in = func(v T) bool { return slices.Contains(list, v) }
	}
	return func(col arrow.Array) (out []Broken) {
		a := col.(A)
		for row := range col.Len() {
			if col.IsNull(row) || in(value(a, row)) {
				continue
			}
			out = append(out, Broken{row, r.column.show(col, row) + r.broken})
		}
		return out
	}
}

// folded gives a text in which letters that differ by case only are the same.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII {
			if 'a' <= r && r <= 'z' {
				r -= 'a' - 'A'
			}
			return r
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// Check answers the rows whose value is not in the list.
func (r *oneOf) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	return r.scan(b.Rows.Column(r.column.place)), nil
}
