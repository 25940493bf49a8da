package transform

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func selectSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "select",
			Summary: "Keeps the listed columns only, in the order of the list.",
			Doc:     "Columns of the key must be in the list.",
			Body:    columnList("", "The columns that stay."),
			Example: "select: [id, airport_ident, length_ft]",
			Since:   "0.1.0",
		},
		New: newSelect,
	}
}

func newSelect(c Config) (Transform, error) {
	var names []string
	if err := decode(c, &names); err != nil {
		return nil, err
	}
	var p problems
	t := &relabel{}
	for i, name := range names {
		path := setting.Index(c.Path, i)
		if slices.Contains(names[:i], name) {
			p.add(path, "duplicate_column", fmt.Sprintf("%q is in the list twice", name), "name it once")
			continue
		}
		if from := p.column(path, c.Schema, name); from >= 0 {
			t.keep(c.Schema, from)
		}
	}
	for _, k := range c.Key {
		if !slices.Contains(names, k) {
			p.add(c.Path, "key_column", fmt.Sprintf("%q is part of the key and must stay", k), "add it to the list")
		}
	}
	return t, p.list.Err()
}

func (t *relabel) keep(s record.Schema, i int) {
	t.schema.Columns = append(t.schema.Columns, s.Columns[i])
	t.from = append(t.from, i)
}

// pick lists columns of a batch by their places.
func pick(b record.Batch, from []int) []arrow.Array {
	cols := make([]arrow.Array, len(from))
	for i, f := range from {
		cols[i] = b.Rows.Column(f)
	}
	return cols
}
