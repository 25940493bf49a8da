package transform

import (
	"context"
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func renameSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "rename",
			Summary: "Gives columns other names.",
			Doc:     "All names change at once, so two columns can swap theirs. Columns of the key keep their names; a name that is already taken is refused.",
			Body: setting.Field{
				Kind: setting.Map, Doc: "Old name to new name.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Doc: "The new name.", Required: true},
			},
			Example: "rename: {le_ident: low_end, he_ident: high_end}",
			Since:   "0.1.0",
		},
		New: newRename,
	}
}

// relabel keeps the columns at the places from and gives them the schema's names: rename, select and drop.
type relabel struct {
	schema record.Schema
	from   []int
}

func newRename(c Config) (Transform, error) {
	var names map[string]string
	if err := decode(c, &names); err != nil {
		return nil, err
	}
	var p problems
	t := &relabel{schema: record.Schema{Columns: slices.Clone(c.Schema.Columns)}}
	for i := range c.Schema.Columns {
		t.from = append(t.from, i)
	}
	for _, old := range slices.Sorted(maps.Keys(names)) {
		path := setting.Join(c.Path, old)
		p.newName(path, names[old])
		p.keyStays(path, old, "renamed", c.Key)
		if i := p.column(path, c.Schema, old); i >= 0 {
			t.schema.Columns[i].Name = names[old]
		}
	}
	p.unique(c.Path, t.schema)
	return t, p.list.Err()
}

// Schema is what comes out.
func (t *relabel) Schema() record.Schema { return t.schema }

// Apply answers the batch with the columns that are kept, under their new names.
func (t *relabel) Apply(_ context.Context, b record.Batch) (Result, error) {
	cols := pick(b, t.from)
	return Result{Batch: b.With(t.schema, record.MakeRows(t.schema, cols, b.Len()))}, nil
}
