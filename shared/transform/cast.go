package transform

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func castSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "cast",
			Summary: "Gives columns another type.",
			Doc: "Texts are read in the form that the type has everywhere: 12, 2.5, true or 1, 2026-08-22, 2026-08-22T17:03:59Z. Numbers become " +
				"each other where nothing is lost, 1 and 0 become bools, a timestamp becomes the date of its day. A JSON string counts as its " +
				"text. A record whose value does not fit is refused, or the value becomes null with on_error: set_null.",
			Body: setting.Field{
				Kind: setting.Map, Doc: "Column to type.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.Choice, Doc: "The type, alone or with on_error.", Forms: []setting.Field{
					{Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true},
					{Kind: setting.Object, Fields: []setting.Field{
						{Name: "type", Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true},
						{Name: "on_error", Kind: setting.String, Doc: "What becomes of a value that does not fit.", Options: []string{"refuse", "set_null"}, Default: "refuse"},
					}},
				}},
			},
			Example: "cast: {closed: bool, price: \"decimal(10,2)\", opened: {type: date, on_error: set_null}}",
			Since:   "0.1.0",
		},
		New: newCast,
	}
}

type cast struct {
	schema record.Schema
	parts  []casting
}

type casting struct {
	name     string
	place    int
	from, to record.Type
	null     bool // what does not fit becomes null
	masked   bool
}

func newCast(c Config) (Transform, error) {
	var raw map[string]any
	if err := decode(c, &raw); err != nil {
		return nil, err
	}
	var p problems
	t := &cast{schema: record.Schema{Columns: slices.Clone(c.Schema.Columns)}}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		path := setting.Join(c.Path, name)
		x := casting{name: name, masked: slices.Contains(c.OnFailure.Mask, name)}
		text, plain := raw[name].(string)
		if m, ok := raw[name].(map[string]any); ok {
			text, _ = m["type"].(string)
			x.null = m["on_error"] == "set_null"
		}
		if !plain {
			path = setting.Join(path, "type")
		}
		x.to = p.typed(path, text)
		if x.place = p.column(path, c.Schema, name); x.place < 0 || x.to == (record.Type{}) {
			continue
		}
		x.from = c.Schema.Columns[x.place].Type
		if !expr.Convertible(x.from, x.to) {
			p.add(path, "wrong_type", fmt.Sprintf("%s cannot become %s", x.from, x.to), "cast it to string first, or leave it as it is")
		}
		t.schema.Columns[x.place].Type = x.to
		t.parts = append(t.parts, x)
	}
	return t, p.list.Err()
}

// Schema is what comes out.
func (t *cast) Schema() record.Schema { return t.schema }

// Apply answers the batch with the columns converted.
func (t *cast) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := make([]arrow.Array, len(t.schema.Columns))
	copy(cols, b.Rows.Columns())
	var out Result
	for _, x := range t.parts {
		col, refused, err := expr.Convert(cols[x.place], x.from, x.to)
		if err != nil {
			return Result{}, err
		}
		cols[x.place] = col
		if !x.null {
			out.refuse(refused, reason{column: x.name + " as " + x.to.String(), masked: x.masked})
		}
	}
	out.Batch = b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))
	return out, nil
}
