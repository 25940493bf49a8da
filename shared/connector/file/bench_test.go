package file_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
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
		watch, rows := startWatch(), 0
		for b.Loop() {
			rows += benchRows
			if _, err := src.Plan(b.Context(), connector.PlanRequest{Stream: stream}); err != nil {
				b.Fatal(err)
			}
		}
		watch.report(b, rows)
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		watch, rows := startWatch(), 0
		for b.Loop() {
			rows += readAll(b, src, stream, plan)
		}
		watch.report(b, rows)
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

func BenchmarkSource_NDJSON(b *testing.B) {
	dir := b.TempDir()
	write(b, dir, "l.csv", lineItems(benchRows, 1))
	o := mustRun(b, scenario{src: openSource(b, dir, map[string]any{"path": "l.csv"}), records: job.AutoRecords})
	var text []byte
	for _, l := range o.lines {
		text = append(append(text, l...), '\n')
	}
	benchSource(b, "l.ndjson", text, nil)
}

func benchDestination(b *testing.B, path string, mode job.WriteMode) {
	dir := b.TempDir()
	write(b, dir, "l.csv", lineItems(benchRows, 1))
	o := mustRun(b, scenario{src: openSource(b, dir, map[string]any{"path": "l.csv"}), stream: job.Stream{Columns: lineItemTypes}, records: job.AutoRecords})
	d := openDestination(b, dir, map[string]any{"path": path, "format": formatOf(path)})
	run := 0
	b.ReportAllocs()
	watch := startWatch()
	for b.Loop() {
		run++
		target := connector.Target{Job: "j", Stream: "s", Run: strconv.Itoa(run), Name: "l", Schema: o.plan.Schema, Write: job.Write{Mode: mode}, Full: true}
		claim := connector.Claim{Fence: int64(run), Owner: "o"}
		if err := d.Prepare(b.Context(), target, claim); err != nil {
			b.Fatal(err)
		}
		for i, batch := range o.batches {
			r := connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: int64(i + 1), Batch: batch, Start: batch.Start, End: batch.End}
			if _, err := d.Load(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := d.Commit(b.Context(), target, claim); err != nil {
			b.Fatal(err)
		}
	}
	watch.report(b, run*benchRows)
}

func BenchmarkDestination_CSV(b *testing.B)    { benchDestination(b, "out.csv", job.Replace) }
func BenchmarkDestination_NDJSON(b *testing.B) { benchDestination(b, "out.ndjson", job.Replace) }
func BenchmarkDestination_Append(b *testing.B) { benchDestination(b, "out.csv", job.Append) }
func BenchmarkDestination_Folder(b *testing.B) { benchDestination(b, "out/", job.Replace) }

func formatOf(path string) string {
	if strings.HasSuffix(path, ".ndjson") {
		return "ndjson"
	}
	return "csv"
}

// stopwatch measures the time that the process computes, which does not count what others do on the machine.
type stopwatch struct{ begin time.Duration }

func startWatch() stopwatch { return stopwatch{cpuTime()} }

// report gives CPU seconds for a million rows.
func (w stopwatch) report(b *testing.B, rows int) {
	b.ReportMetric((cpuTime()-w.begin).Seconds()/float64(rows)*1e6, "cpu-s/Mrows")
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
