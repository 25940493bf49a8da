package transform

import (
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func dedupeSpec() Spec {
	key := columnList("key", "The columns that must differ; the key of the stream when left out.")
	key.Required = false
	return Spec{
		Spec: setting.Spec{
			Name:    "dedupe",
			Summary: "Keeps one of several records with the same key, within a batch.",
			Doc: "The others are counted as filtered. Records of different batches are not compared: write with mode upsert to have one record a key in the " +
				"target. A record with a null in the key is never a duplicate.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				key,
				{Name: "keep", Kind: setting.String, Doc: "Which one stays.", Options: []string{"last", "first"}, Default: "last"},
			}},
			Example: "dedupe: {key: [email], keep: last}",
			Since:   "0.1.0",
		},
		New: newDedupe,
	}
}

type dedupe struct {
	schema record.Schema
	places []int
	first  bool
}

func newDedupe(c Config) (Transform, error) {
	var v struct {
		Key  []string `json:"key"`
		Keep string   `json:"keep"`
	}
	if err := decode(c, &v); err != nil {
		return nil, err
	}
	var p problems
	t := &dedupe{schema: c.Schema, first: v.Keep == "first"}
	if len(v.Key) == 0 {
		v.Key = c.Key
	}
	if len(v.Key) == 0 {
		p.add(setting.Join(c.Path, "key"), "missing", "the stream has no key", "name the columns that must differ")
	}
	for i, name := range v.Key {
		t.places = append(t.places, p.column(setting.Index(setting.Join(c.Path, "key"), i), c.Schema, name))
	}
	return t, p.list.Err()
}

// Schema is what comes out.
func (t *dedupe) Schema() record.Schema { return t.schema }

// Apply answers the batch with one row a key.
func (t *dedupe) Apply(_ context.Context, b record.Batch) (Result, error) {
	if ints, ok := b.Rows.Column(t.places[0]).(*array.Int64); ok && len(t.places) == 1 {
		return Result{Batch: b.Keep(keepOne(t, ints.Len(), func(row int) (int64, bool) { return ints.Value(row), !ints.IsNull(row) }))}, nil
	}
	if texts, ok := b.Rows.Column(t.places[0]).(*array.String); ok && len(t.places) == 1 {
		return Result{Batch: b.Keep(keepOne(t, texts.Len(), func(row int) (string, bool) { return texts.Value(row), !texts.IsNull(row) }))}, nil
	}
	cols, types := make([]arrow.Array, len(t.places)), make([]record.Type, len(t.places))
	for i, place := range t.places {
		cols[i], types[i] = b.Rows.Column(place), t.schema.Columns[place].Type
	}
	var text []byte
	return Result{Batch: b.Keep(keepOne(t, b.Len(), func(row int) (string, bool) {
		text = text[:0]
		for i, col := range cols {
			if col.IsNull(row) {
				return "", false
			}
			text = append(record.AppendJSON(text, col, types[i], row), ',')
		}
		return string(text), true
	}))}, nil
}

// keepOne lists the rows that stay; key answers false for rows that have none.
func keepOne[K comparable](t *dedupe, n int, key func(row int) (K, bool)) []int32 {
	seen := make(map[K]struct{}, n)
	rows := make([]int32, 0, n)
	for i := range n {
		row := i
		if !t.first {
			row = n - 1 - i
		}
		if k, ok := key(row); ok {
			if _, twice := seen[k]; twice {
				continue
			}
			seen[k] = struct{}{}
		}
		rows = append(rows, int32(row))
	}
	if !t.first {
		slices.Reverse(rows)
	}
	return rows
}
