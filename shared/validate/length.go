package validate

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func lengthSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "length",
			Summary: "Texts, bytes and JSON arrays must have a length between two bounds.",
			Doc: "Texts are counted in characters (code points), bytes in bytes, JSON arrays in elements; any other JSON value breaks the rule. At " +
				"least one bound is needed. Null passes: add the rule required to refuse it.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				columnField("The column to look at."),
				{Name: keyMin, Kind: setting.Int, Doc: "The least length that passes.", Unit: "characters, bytes or elements", Min: setting.Bound(0)},
				{Name: keyMax, Kind: setting.Int, Doc: "The greatest length that passes.", Unit: "characters, bytes or elements", Min: setting.Bound(0)},
			}},
			Example: "length: {column: ident, min: 3, max: 8}",
			Since:   "0.1.0",
		},
		New: newLength,
	}
}

type length struct {
	column   column
	min, max int
	unit     string
}

func newLength(c Config) (Rule, error) {
	v := struct {
		Column string `json:"column"`
		Min    int    `json:"min"`
		Max    *int   `json:"max"`
	}{}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	r := &length{column: p.columnOf(c), min: v.Min, max: math.MaxInt}
	p.kinds(setting.Join(c.Path, keyColumn), r.column, "only text, bytes and JSON arrays have a length", record.String, record.Bytes, record.JSON)
	p.atLeastOne(c, keyMin, keyMax)
	if v.Max != nil {
		r.max = *v.Max
	}
	if r.min > r.max {
		p.add(c.Path, "empty_range", "no length can be between these bounds", "min is above max")
	}
	r.unit = map[record.Kind]string{record.String: "characters", record.Bytes: "bytes", record.JSON: "elements"}[r.column.typ.Kind]
	return r, p.list.Err()
}

// Check answers the rows whose value is too short or too long.
func (r *length) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	col := b.Rows.Column(r.column.place)
	var out []Broken
	for row := range col.Len() {
		if col.IsNull(row) {
			continue
		}
		if broken := r.broken(col, row); broken != "" {
			out = append(out, Broken{row, r.column.show(col, row) + broken})
		}
	}
	return out, nil
}

// broken says what is wrong with the length of a value, "" when nothing is.
func (r *length) broken(col arrow.Array, row int) string {
	n := 0
	switch a := col.(type) {
	case *array.Binary:
		n = a.ValueLen(row)
	case *array.String:
		s := a.Value(row)
		if r.column.typ.Kind == record.JSON {
			elements, ok, err := expr.JSONElements(s)
			if err != nil || !ok {
				return " is not an array"
			}
			n = len(elements)
			break
		}
		if len(s) <= r.max && (len(s)+utf8.UTFMax-1)/utf8.UTFMax >= r.min {
			return "" // however many bytes its characters have
		}
		n = utf8.RuneCountInString(s)
	}
	switch {
	case n < r.min:
		return r.tells(n, "fewer", r.min)
	case n > r.max:
		return r.tells(n, "more", r.max)
	}
	return ""
}

func (r *length) tells(n int, word string, limit int) string {
	unit := r.unit
	if r.column.masked {
		return fmt.Sprintf(" has %s than %d %s", word, limit, unit)
	}
	if n == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	return fmt.Sprintf(" has %d %s, %s than %d", n, unit, word, limit)
}
