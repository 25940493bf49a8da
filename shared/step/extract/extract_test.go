package extract

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

func TestCheck_Positions(t *testing.T) {
	offsets := func(ends ...int64) record.Positions { return record.Offsets{Prefix: "o", Ends: ends} }
	for name, c := range map[string]struct {
		batch record.Batch
		want  fault.Code
	}{
		"empty batch":           {record.Batch{}, ""},
		"offsets grow":          {record.Batch{Read: 2, Positions: offsets(3, 9), End: "o9"}, ""},
		"offset twice":          {record.Batch{Read: 2, Positions: offsets(3, 3), End: "o3"}, fault.DuplicatePosition},
		"offset goes back":      {record.Batch{Read: 2, Positions: offsets(9, 3), End: "o3"}, fault.DuplicatePosition},
		"texts differ":          {record.Batch{Read: 2, Positions: record.Texts{"a", "b"}, End: "b"}, ""},
		"text twice":            {record.Batch{Read: 3, Positions: record.Texts{"a", "b", "a"}, End: "a"}, fault.DuplicatePosition},
		"the start again":       {record.Batch{Read: 1, Positions: record.Texts{"a"}, Start: "a", End: "a"}, fault.DuplicatePosition},
		"empty text":            {record.Batch{Read: 2, Positions: record.Texts{"", "b"}, End: "b"}, fault.DuplicatePosition},
		"end is not the last":   {record.Batch{Read: 1, Positions: record.Texts{"a"}, End: "b"}, fault.DuplicatePosition},
		"no end":                {record.Batch{Read: 1, Positions: record.Texts{""}, End: ""}, fault.DuplicatePosition},
		"a position is missing": {record.Batch{Read: 2, Positions: record.Texts{"a"}, End: "a"}, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.CodeOf(check(c.batch)); got != c.want {
				t.Errorf("check = %q, want %q", got, c.want)
			}
		})
	}
}

func TestRenumber(t *testing.T) {
	schema := record.Schema{Columns: []record.Column{{Name: "id", Type: record.Type{Kind: record.Int}}}}
	b := record.NewBuilder(schema)
	for i := range 4 {
		if err := record.Append(b.Column(0), schema.Columns[0].Type, i*10); err != nil {
			t.Fatal(err)
		}
	}
	batch := record.Batch{
		Schema: schema, Rows: b.Rows(), Origin: []int32{0, 1, 3, 4}, Read: 5, Rejects: []record.Reject{{Index: 2}},
		Positions: record.Offsets{Prefix: "o", Ends: []int64{1, 2, 3, 4, 5}}, End: "o5",
	}
	got := renumber(batch.Keep([]int32{1, 3}))
	if got.Read != 3 || len(got.Rejects) != 1 || got.Rejects[0].Index != 1 || got.Filtered() != 0 {
		t.Fatalf("read %d, rejects %v, filtered %d", got.Read, got.Rejects, got.Filtered())
	}
	for i, want := range []string{"o2", "o3", "o5"} {
		if at := got.Positions.At(i); at != want {
			t.Errorf("position %d is %s, want %s", i, at, want)
		}
	}
	if got.OriginOf(0) != 0 || got.OriginOf(1) != 2 || string(got.JSON(1)) != `{"id":30}` {
		t.Errorf("origins %v, second row %s", got.Origin, got.JSON(1))
	}
}
