package sqlite

import (
	"database/sql/driver"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

func TestOrder_Query(t *testing.T) {
	people := &table{name: "people", columns: []column{{name: "id", declared: "INTEGER", pk: 1}, {name: "seen"}}}
	lines := &table{name: "lines", columns: []column{{name: "no", pk: 2}, {name: "order", pk: 1}}, withoutRowid: true}
	named := &table{name: "odd", columns: []column{{name: "rowid"}, {name: "seen"}}}
	view := &table{name: "v", view: true, columns: []column{{name: "a"}, {name: "b"}}}
	for name, c := range map[string]struct {
		table     *table
		stream    job.Stream
		partition string
		position  string
		want      string
		args      []any
	}{
		"by rowid":         {people, job.Stream{}, allRows, "", `SELECT x, +rowid FROM "people" ORDER BY rowid LIMIT 5`, nil},
		"behind a rowid":   {people, job.Stream{}, allRows, "-7", `SELECT x, +rowid FROM "people" WHERE (rowid) > (?) ORDER BY rowid LIMIT 5`, []any{int64(-7)}},
		"rowid is a name":  {named, job.Stream{}, allRows, "", `SELECT x, +_rowid_ FROM "odd" ORDER BY _rowid_ LIMIT 5`, nil},
		"by primary key":   {lines, job.Stream{Key: []string{"no"}}, allRows, `["a",2]`, `SELECT x, +"order", +"no" FROM "lines" WHERE ("order", "no") > (?, ?) ORDER BY "order", "no" LIMIT 5`, []any{"a", int64(2)}},
		"by cursor":        {people, job.Stream{Mode: job.Incremental, Cursor: "seen"}, allRows, `["x",3]`, `SELECT x, +"seen", +"id" FROM "people" WHERE "seen" IS NOT NULL AND ("seen", "id") > (?, ?) ORDER BY "seen", "id" LIMIT 5`, []any{"x", int64(3)}},
		"cursor, own key":  {people, job.Stream{Mode: job.Incremental, Cursor: "seen", Key: []string{"seen"}}, allRows, "", `SELECT x, +"seen", +"seen", +rowid FROM "people" WHERE "seen" IS NOT NULL ORDER BY "seen", "seen", rowid LIMIT 5`, nil},
		"null cursors":     {people, job.Stream{Mode: job.Incremental, Cursor: "seen"}, nullCursor, "[9]", `SELECT x, +"id" FROM "people" WHERE "seen" IS NULL AND ("id") > (?) ORDER BY "id" LIMIT 5`, []any{int64(9)}},
		"null in position": {lines, job.Stream{}, allRows, `[null,2]`, `SELECT x, +"order", +"no" FROM "lines" WHERE ("order" IS NOT NULL OR "order" IS ? AND "no" > ?) ORDER BY "order", "no" LIMIT 5`, []any{nil, int64(2)}},
		"view by key":      {view, job.Stream{Key: []string{"b"}}, allRows, "", `SELECT x, +"b" FROM "v" ORDER BY "b" LIMIT 5`, nil},
		"view without key": {view, job.Stream{}, allRows, "10", `SELECT x FROM "v" ORDER BY "a", "b" LIMIT 5 OFFSET 10`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := orderOf(c.table, c.stream, c.partition)
			if err != nil {
				t.Fatal(err)
			}
			got, args, err := o.query(c.table, []string{"x"}, c.position, 5)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if d := cmp.Diff(c.args, args); d != "" {
				t.Errorf("arguments (-want +got):\n%s", d)
			}
		})
	}
}

func TestOrderOf_ErrInvalid(t *testing.T) {
	view := &table{name: "v", view: true, columns: []column{{name: "a"}, {name: "seen"}}}
	for name, s := range map[string]job.Stream{
		"unknown key":        {Key: []string{"aa"}},
		"unknown cursor":     {Mode: job.Incremental, Cursor: "see", Key: []string{"a"}},
		"nothing tells ties": {Mode: job.Incremental, Cursor: "seen"},
	} {
		if _, err := orderOf(view, s, allRows); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%s: got %v, want ConfigInvalid", name, err)
		}
	}
	for _, position := range []string{"x", "[1]", `[1,2,3]`, `[1,{"z":1}]`, `[1,2]x`, `{}`, `[1.5,2]`} {
		if _, err := (order{by: []string{"a", "b"}}).decode(position); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("position %s: got %v, want ConfigInvalid", position, err)
		}
	}
}

func value() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.StringN(0, 20, 60).AsAny(), rapid.SliceOfN(rapid.Byte(), 0, 30).AsAny(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 30), func(b []byte) any { return string(b) }),
	)
}

func TestPosition_ReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(value(), 2, 4).Draw(t, "values")
		row := make([]driver.Value, len(values))
		for i, v := range values {
			row[i] = v
		}
		text, err := encode(row)
		if err != nil {
			if fault.Has(err, fault.DataInvalid) {
				return // too long
			}
			t.Fatal(err)
		}
		got, err := (order{by: make([]string, len(values))}).decode(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if d := cmp.Diff(values, got); d != "" {
			t.Fatalf("%s (-want +got):\n%s", text, d)
		}
	})
}

func FuzzOrder_Decode(f *testing.F) {
	for _, s := range []string{"", "7", `["a",2]`, `[null,{"b":"AA=="}]`, `[{"f":"3ff0000000000000"},1]`, "["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o := order{by: []string{"a", "b"}}
		values, err := o.decode(s)
		if err != nil || len(values) == 0 {
			return
		}
		row := make([]driver.Value, len(values))
		for i, v := range values {
			row[i] = v
		}
		text, err := encode(row)
		if err != nil {
			return
		}
		again, err := o.decode(text)
		if err != nil || !cmp.Equal(values, again, cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })) {
			t.Errorf("%s became %s", s, text)
		}
	})
}
