package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Several chunks, old and new rows in every mixture: each row is counted once, by what became of it.
func TestLoad_UpsertCountsOverChunks(t *testing.T) {
	const n = 4*chunkRows + 100
	typ := record.Type{Kind: record.Int}
	schema := record.Schema{Columns: []record.Column{{Name: "day", Type: record.Type{Kind: record.Date}}, {Name: "no", Type: typ}, {Name: "v", Type: typ}}}
	make := func(step int, v func(i int) int64) record.Batch {
		b := record.NewBuilder(schema)
		for i := 0; i < n; i += step {
			for c, value := range []any{fmt.Sprintf("2026-01-%02d", i%28+1), int64(i), v(i)} {
				if err := record.Append(b.Column(c), schema.Columns[c].Type, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		return record.New(schema, b.Rows())
	}
	d := openDestination(t, filepath.Join(t.TempDir(), "t.db"))
	target := connector.Target{Job: "j", Stream: "s", Run: "r", Name: "t", Schema: schema, Key: []string{"no", "day"}, Write: job.Write{Mode: job.Upsert}, Drift: job.Halt}
	claim := connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(t.Context(), target, claim); err != nil {
		t.Fatal(err)
	}
	plain := func(i int) int64 { return int64(i) }
	fifth := func(i int) int64 { return int64(i * min(i%5, 1)) }
	zeros := int64((n - 1) / 5) // multiples of 5 below n, without 0 itself, which stays 0
	thirds := int64((n + 2) / 3)
	for seq, c := range []struct {
		name  string
		batch record.Batch
		want  [3]int64
	}{
		{"every third is new", make(3, plain), [3]int64{thirds, 0, 0}},
		{"the others are new", make(1, plain), [3]int64{n - thirds, 0, thirds}},
		{"nothing changed", make(1, plain), [3]int64{0, 0, n}},
		{"every fifth changed", make(1, fifth), [3]int64{0, zeros, n - zeros}},
	} {
		r := connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: int64(seq + 1), Batch: c.batch, Start: fmt.Sprint(seq), End: fmt.Sprint(seq + 1)}
		if seq == 0 {
			r.Start = ""
		}
		got, err := d.Load(t.Context(), r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if have := [3]int64{got.Inserted, got.Updated, got.Unchanged}; have != c.want {
			t.Errorf("%s: inserted, updated, unchanged: got %v, want %v", c.name, have, c.want)
		}
	}
}

// What a run needed for itself is gone when it ends.
func TestDestination_LeavesNothing(t *testing.T) {
	for name, write := range map[string]job.Write{
		"replace": {Mode: job.Replace}, "truncate_insert": {Mode: job.TruncateInsert}, "delete_missing": {Mode: job.Upsert, DeleteMissing: true},
	} {
		file := filepath.Join(t.TempDir(), "t.db")
		d, b := openDestination(t, file), rowsOf(t, "id int, v string", []any{1, "a"})
		target, claim := benchTarget(b, write.Mode), connector.Claim{Fence: 1, Owner: "o"}
		target.Write, target.Full = write, true
		for range 2 {
			if err := d.Prepare(t.Context(), target, claim); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Load(t.Context(), connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Batch: b, End: "1", Protect: []string{"[9]"}}); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Commit(t.Context(), target, claim); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Prepare(t.Context(), target, claim); err != nil {
			t.Fatal(err)
		}
		names, err := collect(t.Context(), plain(t, file), scanText, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
		if err != nil || fmt.Sprint(names) != fmt.Sprint([]string{guardTable, "t"}) {
			t.Errorf("%s: tables %v, %v", name, names, err)
		}
		if n := len(feeds.open); n > 0 {
			t.Errorf("%s: %d feeds are still open", name, n)
		}
	}
}
