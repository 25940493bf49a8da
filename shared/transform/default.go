package transform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func defaultSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "default",
			Summary: "Gives columns a value where they are null.",
			Doc:     "The value must be of the column's type, dates and times in quotes. For a JSON column any value is taken as JSON.",
			Body: setting.Field{
				Kind: setting.Map, Doc: "Column to value.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.Any, Doc: "What stands in place of null."},
			},
			Example: "default: {surface: unknown, lighted: 0}",
			Since:   "0.1.0",
		},
		New: newDefault,
	}
}

type defaults struct {
	schema record.Schema
	parts  []filling
}

type filling struct {
	place int
	value arrow.Array // one cell
}

func newDefault(c Config) (Transform, error) {
	values, ok := c.Values.Raw().(map[string]any)
	if !ok {
		return nil, fault.Problems{{Path: c.Path, Code: "wrong_type", Message: "must be a map"}}
	}
	var p problems
	t := &defaults{schema: c.Schema}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		path := setting.Join(c.Path, name)
		place := p.column(path, c.Schema, name)
		if place < 0 {
			continue
		}
		value, err := cell(c.Schema.Columns[place].Type, values[name])
		if err != nil {
			p.add(path, "wrong_type", fmt.Sprintf("%q is a column of type %s: %s", name, c.Schema.Columns[place].Type, message(err)), fault.Hint(err))
			continue
		}
		t.parts = append(t.parts, filling{place, value})
	}
	return t, p.list.Err()
}

// message is an error's text without its hint.
func message(err error) string {
	var coded *fault.Error
	if errors.As(err, &coded) {
		return coded.Message
	}
	return err.Error()
}

// cell makes a column of one value, which comes from a configuration.
func cell(t record.Type, v any) (arrow.Array, error) {
	if v == nil {
		return nil, fault.New(fault.ConfigInvalid, "null is no value")
	}
	if t.Kind == record.JSON {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("encode value: %w", err)
		}
		v = text
	}
	b := record.NewColumnBuilder(t)
	if err := record.Append(b, t, v); err != nil {
		if _, text := v.(string); t.Kind == record.String && !text {
			return nil, fault.New(fault.ConfigInvalid, "%v is not a text", v).WithHint("put it in quotes")
		}
		return nil, err
	}
	return b.NewArray(), nil
}

// Schema is what comes out.
func (t *defaults) Schema() record.Schema { return t.schema }

// Apply answers the batch with nulls filled.
func (t *defaults) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := slices.Clone(b.Rows.Columns())
	for _, x := range t.parts {
		col, err := fill(cols[x.place], x.value, t.schema.Columns[x.place].Type)
		if err != nil {
			return Result{}, err
		}
		cols[x.place] = col
	}
	return Result{Batch: b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))}, nil
}

// fill puts a value in place of nulls; JSON null is one too.
func fill(col, value arrow.Array, t record.Type) (arrow.Array, error) {
	null := col.IsNull
	if t.Kind == record.JSON {
		texts := col.(*array.String)
		null = func(row int) bool { return col.IsNull(row) || texts.Value(row) == "null" }
	} else if col.NullN() == 0 {
		return col, nil
	}
	both, err := array.Concatenate([]arrow.Array{col, value}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("put default: %w", err)
	}
	from := make([]int32, col.Len())
	for row := range from {
		if from[row] = int32(row); null(row) {
			from[row] = int32(col.Len())
		}
	}
	return record.Take(both, from), nil
}
