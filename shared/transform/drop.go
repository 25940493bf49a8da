package transform

import (
	"slices"

	"github.com/lockstep-data/lockstep/shared/setting"
)

func dropSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "drop",
			Summary: "Removes the listed columns.",
			Doc:     "Columns of the key cannot be removed, and at least one column must stay.",
			Body:    columnList("", "The columns that go."),
			Example: "drop: [le_heading_degT, he_heading_degT]",
			Since:   "0.1.0",
		},
		New: newDrop,
	}
}

func newDrop(c Config) (Transform, error) {
	var names []string
	if err := decode(c, &names); err != nil {
		return nil, err
	}
	var p problems
	for i, name := range names {
		path := setting.Index(c.Path, i)
		p.keyStays(path, name, "dropped", c.Key)
		p.column(path, c.Schema, name)
	}
	t := &relabel{}
	for i, col := range c.Schema.Columns {
		if !slices.Contains(names, col.Name) {
			t.keep(c.Schema, i)
		}
	}
	if len(t.from) == 0 {
		p.add(c.Path, "no_columns", "every column would be dropped", "leave at least one")
	}
	return t, p.list.Err()
}
