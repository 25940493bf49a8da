package file_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// lineItemHeader names the 16 columns of lineItems.
const lineItemHeader = "orderkey,partkey,suppkey,linenumber,quantity,extendedprice,discount,tax,returnflag,linestatus,shipdate,commitdate,receiptdate,shipinstruct,shipmode,comment\n"

// lineItems makes rows like those of TPC-H's lineitem, always the same for a seed: ints, money, dates, texts of few and of many
// values.
func lineItems(rows int, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	words := []string{"carefully", "final", "deposits", "sleep", "quickly", "ironic", "packages", "haggle", "furiously", "accounts", "even", "bold", "requests"}
	instruct := []string{"DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"}
	mode := []string{"AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB", "REG AIR"}
	b := make([]byte, 0, rows*150)
	b = append(b, lineItemHeader...)
	day := time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range rows {
		b = strconv.AppendInt(b, int64(i/4*8+1), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, r.Int64N(200000)+1, 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, r.Int64N(10000)+1, 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(i%4+1), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, r.Int64N(50)+1, 10)
		b = fmt.Appendf(b, ",%d.%02d,0.%02d,0.%02d,", r.IntN(100000), r.IntN(100), r.IntN(11), r.IntN(9))
		b = append(b, "NRA"[r.IntN(3)], ',', "OF"[r.IntN(2)], ',')
		for range 3 {
			b = day.AddDate(0, 0, r.IntN(2500)).AppendFormat(b, "2006-01-02")
			b = append(b, ',')
		}
		b = append(append(b, instruct[r.IntN(4)]...), ',')
		b = append(append(b, mode[r.IntN(7)]...), ',')
		for w := range r.IntN(4) + 1 {
			if w > 0 {
				b = append(b, ' ')
			}
			b = append(b, words[r.IntN(len(words))]...)
		}
		b = append(b, '\n')
	}
	return b
}

// lineItemTypes gives the money columns as decimals, as a user would.
var lineItemTypes = map[string]record.Type{
	"extendedprice": {Kind: record.Decimal, Precision: 12, Scale: 2},
	"discount":      {Kind: record.Decimal, Precision: 4, Scale: 2},
	"tax":           {Kind: record.Decimal, Precision: 4, Scale: 2},
}

const benchRows = 200_000

func readAll(b *testing.B, src connector.Source, stream job.Stream, plan connector.Plan) int {
	b.Helper()
	rows := 0
	for _, p := range plan.Partitions {
		r, err := src.Open(b.Context(), connector.OpenRequest{Stream: stream, Schema: plan.Schema, Partition: p, Records: job.AutoRecords, Bytes: job.AutoBytes})
		if err != nil {
			b.Fatal(err)
		}
		for {
			batch, err := r.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			rows += batch.Len()
			if len(batch.Rejects) > 0 {
				b.Fatal(batch.Rejects[0].Message)
			}
			if batch.Last {
				break
			}
		}
		_ = r.Close()
	}
	return rows
}

func benchSource(b *testing.B, name string, data []byte, columns map[string]record.Type) {
	dir := b.TempDir()
	write(b, dir, name, data)
	src := openSource(b, dir, map[string]any{"path": name})
	stream := job.Stream{Name: "x", Mode: job.Full, Columns: columns}
	plan, err := src.Plan(b.Context(), connector.PlanRequest{Stream: stream})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("plan", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := src.Plan(b.Context(), connector.PlanRequest{Stream: stream}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		rows := 0
		for b.Loop() {
			rows += readAll(b, src, stream, plan)
		}
		b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	})
}

func BenchmarkSource_CSV(b *testing.B) {
	benchSource(b, "l.csv", lineItems(benchRows, 1), lineItemTypes)
}

func BenchmarkSource_CSVFound(b *testing.B) {
	benchSource(b, "l.csv", lineItems(benchRows, 1), nil)
}

func BenchmarkSource_GzipCSV(b *testing.B) {
	benchSource(b, "l.csv.gz", lineItems(benchRows, 1), nil)
}
