package record_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/record"
)

// numbers makes a batch with one column n: 0, 1, 2 …
func numbers(n int) record.Batch {
	s := record.Schema{Columns: []record.Column{{Name: "n", Type: record.Type{Kind: record.Int}}}}
	b := record.NewBuilder(s)
	for i := range n {
		b.Column(0).(*array.Int64Builder).Append(int64(i))
	}
	return record.New(s, b.Rows())
}

// values lists column n.
func values(b record.Batch) []int64 {
	col, _, ok := b.Column("n")
	if !ok {
		return nil
	}
	return slices.Clone(col.(*array.Int64).Int64Values())
}

// split answers the batch with each row twice, or three times where its number is odd.
func split(b record.Batch) record.Batch {
	var parents []int32
	for row := range b.Len() {
		parents = append(parents, int32(row), int32(row))
		if b.OriginOf(row)%2 == 1 {
			parents = append(parents, int32(row))
		}
	}
	return b.Split(b.Schema, record.TakeRows(b.Rows, parents), parents)
}

func TestBatch_Zero(t *testing.T) {
	var b record.Batch
	if b.Len() != 0 || b.Active() != 0 || b.Filtered() != 0 || b.RowOf(0) != -1 || b.IsSplit() {
		t.Errorf("got %d rows, %d active, %d filtered", b.Len(), b.Active(), b.Filtered())
	}
	if _, _, ok := b.Column("n"); ok {
		t.Error("a column was found")
	}
}

func TestBatch_Keep(t *testing.T) {
	b := numbers(6).Keep([]int32{1, 3, 4})
	if d := cmp.Diff(values(b), []int64{1, 3, 4}); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(b.Origin, []int32{1, 3, 4}); d != "" {
		t.Error(d)
	}
	if b.Active() != 3 || b.Filtered() != 3 || b.Read != 6 {
		t.Errorf("got %d active, %d filtered of %d", b.Active(), b.Filtered(), b.Read)
	}
	for original, want := range []int{-1, 0, -1, 1, 2, -1, -1} {
		if got := b.RowOf(original); got != want {
			t.Errorf("row of %d: got %d, want %d", original, got, want)
		}
	}
	if b = b.Keep([]int32{2}).Keep(nil); b.Len() != 0 || b.Filtered() != 6 {
		t.Errorf("got %d rows, %d filtered", b.Len(), b.Filtered())
	}
	if whole := numbers(2); whole.Keep([]int32{0, 1}).Origin != nil {
		t.Error("all rows kept, yet the batch was copied")
	}
}

func TestBatch_Split(t *testing.T) {
	b := split(numbers(4).Keep([]int32{1, 2}))
	if d := cmp.Diff(b.Origin, []int32{1, 1, 1, 2, 2}); d != "" {
		t.Error(d)
	}
	if !b.IsSplit() || b.Active() != 2 || b.Filtered() != 2 || b.RowOf(2) != 3 {
		t.Errorf("got split %t, %d active, %d filtered, row %d", b.IsSplit(), b.Active(), b.Filtered(), b.RowOf(2))
	}
	if b := b.Keep([]int32{0, 3}); b.IsSplit() || b.Active() != 2 {
		t.Error("one piece left of each is still split")
	}
	if again := split(b); !cmp.Equal(again.Origin, []int32{1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2}) {
		t.Errorf("pieces split again: got %v", again.Origin)
	}
}

func TestBatch_Refuse(t *testing.T) {
	whole := numbers(5).Keep([]int32{0, 1, 3, 4})
	b := split(whole) // 0 0 1 1 1 3 3 3 4 4
	twice := b.With(record.Schema{Columns: []record.Column{{Name: "m", Type: record.Type{Kind: record.Int}}}}, b.Rows)
	refusals := []record.Refusal{
		{Row: 9, Code: "C", Rule: "r", Message: "second piece", Tries: 2},
		{Row: 4, Code: "B", Message: "third piece"},
		{Row: 3, Code: "A", Message: "second piece of the same"},
		{Row: 3, Code: "Z", Message: "the same row again"},
	}
	before := slices.Clone(refusals)
	got := twice.Refuse("validate", refusals, []string{"n"}, &whole)
	want := []record.Reject{
		{Index: 1, Phase: "validate", Code: "A", Message: "second piece of the same", Key: "[1]", Snapshot: json.RawMessage(`{"n":1}`)},
		{Index: 4, Phase: "validate", Code: "C", Rule: "r", Message: "second piece", Tries: 2, Key: "[4]", Snapshot: json.RawMessage(`{"n":4}`)},
	}
	if d := cmp.Diff(got.Rejects, want); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(got.Origin, []int32{0, 0, 3, 3, 3}); d != "" {
		t.Error("all rows of an original go together: ", d)
	}
	if got.Active() != 2 || got.Filtered() != 1 || got.Read != 5 {
		t.Errorf("got %d active, %d filtered of %d", got.Active(), got.Filtered(), got.Read)
	}
	if d := cmp.Diff(refusals, before); d != "" {
		t.Error("the caller's refusals were changed: ", d)
	}
	if len(b.Rejects) != 0 || b.Len() != 10 {
		t.Error("the batch that was refused from was changed")
	}
	again := got.Refuse("load", []record.Refusal{{Row: 0, Code: "D"}}, nil, nil)
	if len(again.Rejects) != 3 || again.Rejects[0].Index != 0 || string(again.Rejects[0].Snapshot) != `{"m":0}` || again.Rejects[0].Key != "" {
		t.Errorf("got %+v", again.Rejects)
	}
	if len(got.Rejects) != 2 {
		t.Error("earlier rejects were changed")
	}
}

func TestBatch_Key(t *testing.T) {
	b := goldenBatch(t)
	for _, c := range []struct {
		key  []string
		want string
	}{
		{nil, ""},
		{[]string{"as int"}, `[-1]`},
		{[]string{"as decimal(38,0)", "as string", "as date", "as json"}, `[99999999999999999999999999999999999999,"NA","0000-02-29",1.00000000000000000000000000000001]`},
		{[]string{"as int", "no such column"}, ""},
	} {
		if got := b.Key(1, c.key); got != c.want {
			t.Errorf("%v: got %s, want %s", c.key, got, c.want)
		}
	}
}

func TestBatch_JSON(t *testing.T) {
	b := goldenBatch(t)
	for row := range b.Len() {
		var m map[string]any
		data := b.JSON(row)
		if err := json.Unmarshal(data, &m); err != nil || len(m) != len(forms) {
			t.Fatalf("row %d: %d columns, %v: %s", row, len(m), err, data)
		}
	}
}

func TestTake(t *testing.T) {
	b := goldenBatch(t)
	for i, c := range b.Schema.Columns {
		col := b.Rows.Column(i)
		got := record.Take(col, []int32{3, 1, 1, -1, 11})
		for to, from := range []int{3, 1, 1, -1, 11} {
			want := "null"
			if from >= 0 {
				want = string(record.AppendJSON(nil, col, c.Type, from))
			}
			if got := string(record.AppendJSON(nil, got, c.Type, to)); got != want {
				t.Errorf("%s: %d is %s, want %s", c.Name, to, got, want)
			}
		}
		if n := record.Take(col, nil); n.Len() != 0 {
			t.Errorf("%s: %d cells taken of none", c.Name, n.Len())
		}
		part := array.NewSlice(col, 2, 5)
		if got := record.Take(part, []int32{2, 0}); !array.Equal(got, record.Take(col, []int32{4, 2})) {
			t.Errorf("%s: of a slice: %v", c.Name, got)
		}
		if n := record.NullColumn(c.Type, 3); n.Len() != 3 || n.NullN() != 3 || !array.Equal(n, record.Take(col, []int32{-1, -1, -1})) {
			t.Errorf("%s: %v", c.Name, n)
		}
	}
}

func TestBuilder(t *testing.T) {
	b := record.NewBuilder(numbers(0).Schema)
	b.Reserve(10)
	for range 2 {
		b.Column(0).(*array.Int64Builder).AppendValues([]int64{1, 2}, nil)
		if b.Len() != 2 {
			t.Errorf("got %d rows, want 2", b.Len())
		}
		if rows := b.Rows(); rows.NumRows() != 2 || b.Len() != 0 {
			t.Errorf("got %d rows and %d left, want 2 and 0", rows.NumRows(), b.Len())
		}
	}
	if none := record.NewBuilder(record.Schema{}); none.Len() != 0 || none.Rows().NumRows() != 0 {
		t.Error("a builder without columns has rows")
	}
}

func TestPositions(t *testing.T) {
	var p record.Positions = record.Offsets{Prefix: "v:", Ends: []int64{5, 12}}
	if p.Len() != 2 || p.At(1) != "v:12" {
		t.Errorf("got %d, %s", p.Len(), p.At(1))
	}
	p = record.Texts{"a", "b"}
	if p.Len() != 2 || p.At(1) != "b" {
		t.Errorf("got %d, %s", p.Len(), p.At(1))
	}
}

func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{"__lockstep_origin": true, "__lockstep_": true, "__lockstep": false, "lockstep": false, "": false} {
		if got := record.Reserved(name); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// TestProperty_Conservation: whatever is kept, split and refused in whatever order, each original is active, filtered or rejected,
// exactly one of them, and never comes back.
func TestProperty_Conservation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := numbers(rapid.IntRange(0, 12).Draw(t, "records"))
		read := b.Read
		state := make([]string, read) // "" while active
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"keep", "split", "refuse"}).Draw(t, "step") {
			case "keep":
				var rows []int32
				for row := range b.Len() {
					if rapid.Bool().Draw(t, "kept") {
						rows = append(rows, int32(row))
					}
				}
				b = b.Keep(rows)
			case "split":
				if b.Len() < 200 {
					b = split(b)
				}
			case "refuse":
				if b.Len() > 0 {
					rows := rapid.SliceOfN(rapid.IntRange(0, b.Len()-1), 0, 3).Draw(t, "refused")
					refusals := make([]record.Refusal, len(rows))
					for i, row := range rows {
						refusals[i] = record.Refusal{Row: row, Code: "DataInvalid"}
					}
					b = b.Refuse("transform", refusals, []string{"n"}, nil)
				}
			}
			account(t, b, state)
			if b.Read != read || b.Active()+b.Filtered()+len(b.Rejects) != read {
				t.Fatalf("read %d, active %d, filtered %d, rejected %d", read, b.Active(), b.Filtered(), len(b.Rejects))
			}
		}
	})
}

// account brings state up to date, and fails when an original leaves a state that is final, or its rows are not its own.
func account(t *rapid.T, b record.Batch, state []string) {
	now := make([]string, len(state))
	for i := range now {
		now[i] = "filtered"
	}
	for row, n := range values(b) {
		if int(n) != b.OriginOf(row) {
			t.Fatalf("row %d holds %d and comes from %d", row, n, b.OriginOf(row))
		}
		now[n] = ""
	}
	last := -1
	for _, r := range b.Rejects {
		if now[r.Index] != "filtered" || r.Index <= last {
			t.Fatalf("original %d is rejected twice or has rows", r.Index)
		}
		now[r.Index], last = "rejected", r.Index
	}
	for i := range state {
		if state[i] != "" && state[i] != now[i] {
			t.Fatalf("original %d was %s and is %q", i, state[i], now[i])
		}
		state[i] = now[i]
	}
}
