package transform

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func flattenSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "flatten",
			Summary: "Makes columns of the parts of a JSON column.",
			Doc: "The parts are declared, each with its path and type, so that the columns are known before the first record is read. Names of a path are joined by " +
				"points; a part that is missing or null gives null, one that does not fit its type refuses the record. The new columns stand " +
				"behind the others in the order of their paths, named by the column and the path with the separator between: address_geo_lat.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The JSON column.", Required: true},
				{Name: "fields", Kind: setting.Map, Doc: "Path to type, as in geo.lat: float.", Required: true, Min: setting.Bound(1),
					Item: &setting.Field{Kind: setting.String, Syntax: setting.Type, Doc: "The type.", Required: true}},
				{Name: "separator", Kind: setting.String, Doc: "Stands between the names.", Default: "_"},
				{Name: "prefix", Kind: setting.String, Doc: "What names begin with; the column and the separator when left out, nothing when empty."},
				{Name: "keep", Kind: setting.Bool, Doc: "Whether the JSON column stays.", Default: false},
			}},
			Example: "flatten: {column: address, fields: {city: string, geo.lat: float}}",
			Since:   "0.1.0",
		},
		New: newFlatten,
	}
}

type flatten struct {
	schema record.Schema
	keep   []int // places of the columns that stay
	column int
	name   string
	parts  []flatPart
	masked bool
}

type flatPart struct {
	name string
	path []string
	typ  record.Type
}

func newFlatten(c Config) (Transform, error) {
	var v struct {
		Column    string            `json:"column"`
		Fields    map[string]string `json:"fields"`
		Separator string            `json:"separator"`
		Prefix    *string           `json:"prefix"`
		Keep      bool              `json:"keep"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	t := &flatten{column: p.jsonColumn(c, v.Column), name: v.Column, masked: slices.Contains(c.OnFailure.Mask, v.Column)}
	if !v.Keep {
		p.keyStays(setting.Join(c.Path, "column"), v.Column, "flattened", c.Key)
	}
	prefix := v.Column + v.Separator
	if v.Prefix != nil {
		prefix = *v.Prefix
	}
	for i, col := range c.Schema.Columns {
		if i != t.column || v.Keep {
			t.keep = append(t.keep, i)
			t.schema.Columns = append(t.schema.Columns, col)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(v.Fields)) {
		at := setting.Join(setting.Join(c.Path, "fields"), path)
		part := flatPart{path: strings.Split(path, "."), typ: p.typed(at, v.Fields[path])}
		part.name = prefix + strings.Join(part.path, v.Separator)
		p.newName(at, part.name)
		t.parts = append(t.parts, part)
		t.schema.Columns = append(t.schema.Columns, record.Column{Name: part.name, Type: part.typ})
	}
	p.unique(setting.Join(c.Path, "fields"), t.schema)
	return t, p.list.Err()
}

// jsonColumn gives the place of a JSON column named under the key column.
func (p *problems) jsonColumn(c Config, name string) int {
	path := setting.Join(c.Path, "column")
	i := p.column(path, c.Schema, name)
	if i >= 0 && c.Schema.Columns[i].Type.Kind != record.JSON {
		p.add(path, "wrong_type", fmt.Sprintf("%q is a column of type %s, not json", name, c.Schema.Columns[i].Type), "cast it to json first")
	}
	return i
}

// Schema is what comes out.
func (t *flatten) Schema() record.Schema { return t.schema }

// Apply answers the batch with the parts as columns.
func (t *flatten) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := pick(b, t.keep)
	texts := b.Rows.Column(t.column).(*array.String)
	var out Result
	for _, part := range t.parts {
		raw := part.extract(texts, &out)
		col, refused, err := expr.Convert(raw, record.Type{Kind: record.JSON}, part.typ)
		if err != nil {
			return Result{}, err
		}
		out.refuse(refused, reason{column: part.name + " as " + part.typ.String(), masked: t.masked})
		cols = append(cols, col)
	}
	out.Batch = b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))
	return out, nil
}

// extract gives the part of every row as JSON.
func (f flatPart) extract(texts *array.String, out *Result) arrow.Array {
	b := record.NewColumnBuilder(record.Type{Kind: record.JSON}).(*array.StringBuilder)
	b.Reserve(texts.Len())
rows:
	for row := range texts.Len() {
		if texts.IsNull(row) {
			b.AppendNull()
			continue
		}
		raw := texts.Value(row)
		for _, name := range f.path {
			part, ok, err := expr.JSONPart(raw, name)
			if err != nil {
				out.refuse([]record.Refusal{{Row: row, Message: err.Error()}}, reason{column: f.name})
			}
			if !ok || err != nil {
				b.AppendNull()
				continue rows
			}
			raw = part
		}
		b.Append(raw)
	}
	return b.NewArray()
}
