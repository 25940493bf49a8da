package validate

import (
	"context"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func uniqueSpec() Spec {
	return Spec{
		Spec: setting.Spec{
			Name:    "unique",
			Summary: "No two records of a batch may have the same values in the listed columns.",
			Doc: "Within one batch only: records of different batches, partitions and runs are not compared. What makes a key unique in the target is the write mode: " +
				"upsert keeps one record a key over everything, and so does replace with a target that has the key. The first record passes, the others " +
				"break the rule; a record with a null in the columns passes.",
			Body: setting.Field{Kind: setting.List, Doc: "The columns that tell records apart.", Min: setting.Bound(1),
				Item: &setting.Field{Kind: setting.String, Syntax: setting.Column}},
			Example: "unique: [airport_ident, le_ident]",
			Since:   "0.1.0",
		},
		New: newUnique,
	}
}

type unique struct {
	columns columns
	names   []string
	masked  bool
}

func newUnique(c Config) (Rule, error) {
	r := &unique{}
	if err := decode(c, &r.names); err != nil {
		return nil, err
	}
	var p problems
	r.columns = p.columns(c, r.names)
	for _, col := range r.columns {
		r.masked = r.masked || col.masked
	}
	return r, p.list.Err()
}

// Check answers the rows whose values an earlier row has.
func (r *unique) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	seen := make(map[string]struct{}, b.Len())
	var out []Broken
	var key []byte
rows:
	for row := range b.Len() {
		key = key[:0]
		for _, c := range r.columns {
			col := b.Rows.Column(c.place)
			if col.IsNull(row) {
				continue rows
			}
			key = append(record.AppendJSON(key, col, c.typ, row), ',')
		}
		if _, twice := seen[string(key)]; twice {
			out = append(out, Broken{row, r.reason(string(key[:len(key)-1]))})
			continue
		}
		seen[string(key)] = struct{}{}
	}
	return out, nil
}

func (r *unique) reason(key string) string {
	if r.masked {
		key = "***"
	}
	if len(key) > maxExcerpt {
		key = strings.ToValidUTF8(key[:maxExcerpt], "") + "…"
	}
	return fmt.Sprintf("%s is not unique in the batch: %s", strings.Join(r.names, ", "), key)
}
