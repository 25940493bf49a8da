package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// benchBatch makes rows of an integer key and columns of every common kind.
func benchBatch(rows, columns int) record.Batch {
	s := record.Schema{Columns: []record.Column{{Name: "id", Type: record.Type{Kind: record.Int}}}}
	kinds := []record.Type{
		{Kind: record.String}, {Kind: record.Int}, {Kind: record.Float}, {Kind: record.String}, {Kind: record.Timestamp},
		{Kind: record.Decimal, Precision: 12, Scale: 2}, {Kind: record.Bool}, {Kind: record.String},
	}
	for i := 1; i < columns; i++ {
		s.Columns = append(s.Columns, record.Column{Name: fmt.Sprintf("column_%d", i), Type: kinds[i%len(kinds)]})
	}
	b := record.NewBuilder(s)
	for row := range rows {
		for i, c := range s.Columns {
			var v any
			switch c.Type.Kind {
			case record.Int:
				v = int64(row * (i + 1))
			case record.Float:
				v = float64(row) * 1.37
			case record.String:
				v = fmt.Sprintf("value %d of %d", row, i)
			case record.Timestamp:
				v = fmt.Sprintf("2026-08-%02dT%02d:%02d:00", row%28+1, row%24, row%60)
			case record.Decimal:
				v = fmt.Sprintf("%d.%02d", row, row%100)
			case record.Bool:
				v = row%2 == 0
			}
			if err := record.Append(b.Column(i), c.Type, v); err != nil {
				panic(err)
			}
		}
	}
	return record.New(s, b.Rows())
}

func benchTarget(b record.Batch, mode job.WriteMode) connector.Target {
	return connector.Target{Job: "bench", Stream: "t", Run: "r", Name: "t", Schema: b.Schema, Key: []string{"id"}, Write: job.Write{Mode: mode}, Drift: job.Halt}
}

func report(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLoad_First(b *testing.B) {
	data := benchBatch(50_000, 16)
	for _, mode := range []job.WriteMode{job.Append, job.Upsert} {
		b.Run(string(mode), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				d := openDestination(b, filepath.Join(b.TempDir(), "t.db"))
				t, claim := benchTarget(data, mode), connector.Claim{Fence: 1, Owner: "o"}
				if err := d.Prepare(b.Context(), t, claim); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				r, err := d.Load(b.Context(), connector.LoadRequest{Target: t, Partition: "p", Claim: claim, Seq: 1, Batch: data, End: "1"})
				if err != nil || r.Inserted != 50_000 {
					b.Fatalf("%+v, %v", r, err)
				}
			}
			report(b, 50_000)
		})
	}
}

func BenchmarkLoad_Unchanged(b *testing.B) {
	data := benchBatch(48_000, 20)
	d := openDestination(b, filepath.Join(b.TempDir(), "t.db"))
	t, claim := benchTarget(data, job.Upsert), connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(b.Context(), t, claim); err != nil {
		b.Fatal(err)
	}
	r := connector.LoadRequest{Target: t, Partition: "p", Claim: claim, Seq: 1, Batch: data, End: "1"}
	if _, err := d.Load(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.Seq, r.Start, r.End = r.Seq+1, r.End, fmt.Sprint(r.Seq+1)
		got, err := d.Load(b.Context(), r)
		if err != nil || got.Unchanged != 48_000 {
			b.Fatalf("%+v, %v", got, err)
		}
	}
	report(b, 48_000)
}

func BenchmarkRead(b *testing.B) {
	data := benchBatch(50_000, 16)
	file := filepath.Join(b.TempDir(), "t.db")
	d := openDestination(b, file)
	t, claim := benchTarget(data, job.Upsert), connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(b.Context(), t, claim); err != nil {
		b.Fatal(err)
	}
	if _, err := d.Load(b.Context(), connector.LoadRequest{Target: t, Partition: "p", Claim: claim, Seq: 1, Batch: data, End: "1"}); err != nil {
		b.Fatal(err)
	}
	s := openSource(b, file)
	st := job.Stream{Name: "t", Mode: job.Full}
	b.Run("plan", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Plan(b.Context(), connector.PlanRequest{Stream: st}); err != nil {
				b.Fatal(err)
			}
		}
		report(b, 50_000)
	})
	b.Run("batches", func(b *testing.B) {
		for b.Loop() {
			rd, err := s.Open(b.Context(), connector.OpenRequest{Stream: st, Schema: data.Schema, Partition: connector.Partition{ID: allRows}, Records: 50_000, Bytes: 1 << 30})
			if err != nil {
				b.Fatal(err)
			}
			got, err := rd.Next(b.Context())
			if err != nil || got.Len() != 50_000 {
				b.Fatalf("%d rows, %v", got.Len(), err)
			}
			if got.Rows.Column(0).(*array.Int64).Value(7) != 7 {
				b.Fatal("wrong row")
			}
		}
		report(b, 50_000)
	})
}
