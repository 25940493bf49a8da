package transform

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func maskSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "mask",
			Summary: "Hides the characters of values, but for the last ones.",
			Doc: "Each hidden character becomes the same sign, so the length shows. A text that is not longer than what would stay is hidden as a whole. " +
				"Columns of other types become text first. Null stays null. Columns of the key cannot be masked: use hash.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnList("columns", "The columns to hide."),
				{Name: "keep", Kind: setting.Int, Doc: "How many characters at the end stay.", Unit: "characters", Default: int64(0), Min: setting.Bound(0), Max: setting.Bound(1000)},
				{Name: "with", Kind: setting.String, Doc: "The sign, one character.", Default: "*"},
			}},
			Example: "mask: {columns: [phone, iban], keep: 4}",
			Since:   "0.1.0",
		},
		New: newMask,
	}
}

// rewrite gives columns the type string and new texts: mask and hash.
type rewrite struct {
	schema record.Schema
	from   []record.Type
	places []int
	start  func() func(string) string // makes the function for one column of one batch
}

func newMask(c Config) (Transform, error) {
	var v struct {
		Columns []string `json:"columns"`
		Keep    int      `json:"keep"`
		With    string   `json:"with"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	if utf8.RuneCountInString(v.With) != 1 {
		p.add(setting.Join(c.Path, "with"), "wrong_length", "must be one character", "")
	}
	for i, name := range v.Columns {
		p.keyStays(setting.Index(setting.Join(c.Path, "columns"), i), name, "masked", c.Key)
	}
	t := p.rewrite(c, v.Columns)
	t.start = func() func(string) string { return func(s string) string { return masked(s, v.Keep, v.With) } }
	return t, p.list.Err()
}

// masked hides all but the last characters.
func masked(s string, keep int, with string) string {
	n := utf8.RuneCountInString(s)
	if n <= keep {
		keep = 0
	}
	rest := len(s)
	for range keep {
		_, size := utf8.DecodeLastRuneInString(s[:rest])
		rest -= size
	}
	return strings.Repeat(with, n-keep) + s[rest:]
}

// rewrite prepares columns listed under the key columns.
func (p *problems) rewrite(c Config, names []string) *rewrite {
	t := &rewrite{schema: record.Schema{Columns: slices.Clone(c.Schema.Columns)}}
	for i, name := range names {
		path := setting.Index(setting.Join(c.Path, "columns"), i)
		if slices.Contains(names[:i], name) {
			p.add(path, "duplicate_column", "it is in the list twice", "name it once")
			continue
		}
		if place := p.column(path, c.Schema, name); place >= 0 {
			t.places = append(t.places, place)
			t.from = append(t.from, c.Schema.Columns[place].Type)
			t.schema.Columns[place].Type = record.Type{Kind: record.String}
		}
	}
	return t
}

// Schema is what comes out.
func (t *rewrite) Schema() record.Schema { return t.schema }

// Apply answers the batch with the columns rewritten.
func (t *rewrite) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := slices.Clone(b.Rows.Columns())
	for i, place := range t.places {
		texts, _, err := expr.Convert(cols[place], t.from[i], record.Type{Kind: record.String})
		if err != nil {
			return Result{}, err
		}
		cols[place] = t.column(texts.(*array.String))
	}
	return Result{Batch: b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))}, nil
}

func (t *rewrite) column(texts *array.String) arrow.Array {
	b := record.NewColumnBuilder(record.Type{Kind: record.String}).(*array.StringBuilder)
	b.Reserve(texts.Len())
	text := t.start()
	for row := range texts.Len() {
		if texts.IsNull(row) {
			b.AppendNull()
		} else {
			b.Append(text(texts.Value(row)))
		}
	}
	return b.NewArray()
}
