package validate

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/bits"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func uniqueSpec() Spec {
	list := setting.Field{
		Name: "columns", Kind: setting.List, Doc: "The columns that must tell records apart together.", Required: true, Min: setting.Bound(1),
		Item: &setting.Field{Kind: setting.String, Syntax: setting.Column},
	}
	return Spec{
		Spec: setting.Spec{
			Name:    "unique",
			Summary: "No two records of a batch may have the same values in the listed columns.",
			Doc: "The rule sees one batch, never records of another batch, partition or run. What makes a key unique over all of them is the stream's " +
				"key with write mode upsert. The first record of a batch passes, the later ones with the same values break the rule. A record with " +
				"a null in one of the columns passes, as in SQL. JSON is compared as it is written. Write {columns: […]} beside other settings " +
				"such as severity.",
			Body:    setting.Field{Kind: setting.Choice, Doc: "The columns.", Forms: []setting.Field{list, {Kind: setting.Object, Doc: "The columns.", Fields: []setting.Field{list}}}},
			Example: "unique: [airport_ident, low_end]",
			Since:   "0.1.0",
		},
		New: newUnique,
	}
}

// unique is the columns that tell records apart.
type unique struct{ columns columns }

func newUnique(c Config) (Rule, error) {
	if m := mapOf(c); m != nil {
		c.Values, c.Path = setting.Of(m["columns"]), setting.Join(c.Path, "columns")
	}
	var names []string
	if err := decode(c, &names); err != nil {
		return nil, err
	}
	var p problems
	return &unique{p.columns(c, names)}, p.list.Err()
}

// Check answers the rows whose values an earlier row has.
func (r *unique) Check(_ context.Context, b record.Batch) ([]Broken, error) {
	n := b.Len()
	parts := make([]part, len(r.columns))
	sums, seed := make([]uint64, n), maphash.MakeSeed()
	for i, c := range r.columns {
		parts[i] = readerOf(c.typ.Kind).part(b.Rows.Column(c.place))
		parts[i].mix(seed, sums)
	}
	null := r.nulls(b)
	shift := 64 - bits.Len(uint(n)) - 1
	table := make([]int32, 1<<(64-shift)) // row+1 by hash, at most half full; 0 is empty
	var out []Broken
	for row := range n {
		if null != nil && null[row] {
			continue
		}
		at := sums[row] >> shift
		first := 0
		for ; table[at] != 0; at = (at + 1) % uint64(len(table)) {
			if first = int(table[at]); sums[first-1] == sums[row] && same(parts, first-1, row) {
				break
			}
		}
		if table[at] == 0 {
			table[at] = int32(row + 1)
			continue
		}
		out = append(out, Broken{row, r.reason(b, row, first-1)})
	}
	return out, nil
}

// nulls says which rows have a null in one of the columns; nil when there are none.
func (r *unique) nulls(b record.Batch) []bool {
	var null []bool
	for _, c := range r.columns {
		col := b.Rows.Column(c.place)
		if col.NullN() == 0 {
			continue
		}
		if null == nil {
			null = make([]bool, col.Len())
		}
		for row := range null {
			null[row] = null[row] || col.IsNull(row)
		}
	}
	return null
}

func same(parts []part, row, other int) bool {
	for _, p := range parts {
		if !p.equal(row, other) {
			return false
		}
	}
	return true
}

func (r *unique) reason(b record.Batch, row, first int) string {
	values := make([]string, len(r.columns))
	for i, c := range r.columns {
		values[i] = c.show(b.Rows.Column(c.place), row)
	}
	return fmt.Sprintf("%s: record %d of the batch has the same", strings.Join(values, ", "), b.OriginOf(first)+1)
}
