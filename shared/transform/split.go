package transform

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func splitSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "split",
			Summary: "Makes one record of each element of a JSON array.",
			Doc: "The other columns are repeated. The pieces of a record are loaded together or fail together, as the one record that they were. A record whose array is " +
				"empty or null is filtered, or kept with null with outer: true; one that has something else than an array is refused, and so is one with an element " +
				"that is not of the type. To make columns of elements that are objects, split first and flatten then. For upsert, the key " +
				"must tell the pieces apart: index gives them a number.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "column", Kind: setting.String, Syntax: setting.Column, Doc: "The JSON column with the array.", Required: true},
				{Name: "into", Kind: setting.String, Doc: "The column that takes the element, in place of the array; the array's column when left out."},
				{Name: "type", Kind: setting.String, Syntax: setting.Type, Doc: "The type of the elements.", Default: "json"},
				{Name: "index", Kind: setting.String, Doc: "A new int column for the place of the element, 0 the first; none when left out."},
				{Name: "outer", Kind: setting.Bool, Doc: "Whether a record without elements stays, with null.", Default: false},
			}},
			Example: "split: {column: tags, into: tag, type: string, index: tag_no}",
			Since:   "0.1.0",
		},
		New: newSplit,
	}
}

type splitting struct {
	schema record.Schema
	column int
	typ    record.Type
	index  bool // there is a column of numbers, the last one
	outer  bool
	masked bool
}

func newSplit(c Config) (Transform, error) {
	var v struct {
		Column string `json:"column"`
		Into   string `json:"into"`
		Type   string `json:"type"`
		Index  string `json:"index"`
		Outer  bool   `json:"outer"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	t := &splitting{column: p.jsonColumn(c, v.Column), index: v.Index != "", outer: v.Outer, masked: slices.Contains(c.OnFailure.Mask, v.Column)}
	p.keyStays(setting.Join(c.Path, "column"), v.Column, "split", c.Key)
	t.typ = p.typed(setting.Join(c.Path, "type"), v.Type)
	t.schema.Columns = slices.Clone(c.Schema.Columns)
	if v.Into == "" {
		v.Into = v.Column
	}
	p.newName(setting.Join(c.Path, "into"), v.Into)
	if t.column >= 0 {
		t.schema.Columns[t.column] = record.Column{Name: v.Into, Type: t.typ}
	}
	if t.index {
		p.newName(setting.Join(c.Path, "index"), v.Index)
		t.schema.Columns = append(t.schema.Columns, record.Column{Name: v.Index, Type: record.Type{Kind: record.Int}})
	}
	p.unique(c.Path, t.schema)
	return t, p.list.Err()
}

// Schema is what comes out.
func (t *splitting) Schema() record.Schema { return t.schema }

// pieces are the rows that come out: the row that each came from, its element and its place.
type pieces struct {
	parents  []int32
	elements *array.StringBuilder
	index    *array.Int64Builder
}

func (p *pieces) add(parent int, element string, place int) {
	p.parents = append(p.parents, int32(parent))
	p.index.Append(int64(place))
	if element == "null" {
		p.elements.AppendNull()
	} else {
		p.elements.Append(element)
	}
}

// Apply answers the batch with a row for each element.
func (t *splitting) Apply(_ context.Context, b record.Batch) (Result, error) {
	var out Result
	p := pieces{
		elements: record.NewColumnBuilder(record.Type{Kind: record.JSON}).(*array.StringBuilder),
		index:    record.NewColumnBuilder(record.Type{Kind: record.Int}).(*array.Int64Builder),
	}
	texts := b.Rows.Column(t.column).(*array.String)
	for row := range texts.Len() {
		t.row(row, texts, &p, &out)
	}
	elements, refused, err := expr.Convert(p.elements.NewArray(), record.Type{Kind: record.JSON}, t.typ)
	if err != nil {
		return Result{}, err
	}
	for i := range refused {
		refused[i].Row = int(p.parents[refused[i].Row])
	}
	element := t.schema.Columns[t.column]
	out.refuse(refused, reason{column: element.Name + " as " + t.typ.String(), masked: t.masked})
	cols := make([]arrow.Array, 0, len(t.schema.Columns))
	for i, col := range b.Rows.Columns() {
		if i == t.column {
			cols = append(cols, elements)
		} else {
			cols = append(cols, record.Take(col, p.parents))
		}
	}
	if t.index {
		cols = append(cols, p.index.NewArray())
	}
	out.Batch = b.Split(t.schema, record.MakeRows(t.schema, cols, len(p.parents)), p.parents)
	return out, nil
}

// row adds the pieces of a row.
func (t *splitting) row(row int, texts *array.String, p *pieces, out *Result) {
	var elements []string
	if !texts.IsNull(row) && texts.Value(row) != "null" {
		all, isArray, err := expr.JSONElements(texts.Value(row))
		switch name := t.schema.Columns[t.column].Name; {
		case err != nil:
			out.refuse([]record.Refusal{{Row: row, Message: err.Error()}}, reason{column: name})
			return
		case !isArray:
			out.refuse([]record.Refusal{{Row: row, Message: "it is not an array"}}, reason{column: name})
			return
		}
		elements = all
	}
	for i, element := range elements {
		p.add(row, element, i)
	}
	if len(elements) == 0 && t.outer {
		p.parents = append(p.parents, int32(row))
		p.elements.AppendNull()
		p.index.AppendNull()
	}
}
