package file_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// dirtyCSV has quotes, line ends inside and outside of them, bad records, and an open quote at the end.
const dirtyCSV = "id,s\r\n1,\"a\nb\"\n2,\"\"\"\n\"\n\n3,x\"y\n4,\"z\"w\n5,\n\"6\n,7\",\"8\"\n7,\xff\n8\n9,ok\n10,\"open\n11,last"

// TestSource_Ranges cuts a file at every size and expects the whole of it, with the same messages.
func TestSource_Ranges(t *testing.T) {
	for name, text := range map[string]string{
		"in.csv":    dirtyCSV,
		"in.ndjson": "{\"a\":1}\n\n{\"a\":2,\"a\":3}\r\n{\"a\":3}\n{bad\n{\"a\":5}",
	} {
		dir := t.TempDir()
		write(t, dir, name, []byte(text))
		whole := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": name})})
		if len(whole.plan.Partitions) != 1 || len(whole.rejects) < 2 {
			t.Fatalf("%d partitions, rejects %v", len(whole.plan.Partitions), whole.rejects)
		}
		for split := 1; split <= len(text); split++ {
			o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": name, "split": fmt.Sprint(split)})})
			if diff := cmp.Diff(whole.lines, o.lines); diff != "" {
				t.Fatalf("%s cut at %d: %s", name, split, diff)
			}
			if diff := cmp.Diff(whole.rejects, o.rejects); diff != "" {
				t.Fatalf("%s cut at %d: %s", name, split, diff)
			}
			if split == 1 && len(o.plan.Partitions) != whole.read {
				t.Errorf("%s: %d partitions of one byte, want one for each of %d records", name, len(o.plan.Partitions), whole.read)
			}
		}
	}
}

// TestSource_ResumeDirty resumes behind every record of a dirty file and expects the same batches, byte for byte.
func TestSource_ResumeDirty(t *testing.T) {
	for _, name := range []string{"in.csv", "in.csv.gz"} {
		dir := t.TempDir()
		write(t, dir, name, []byte(dirtyCSV))
		src := openSource(t, dir, map[string]any{"path": name})
		all := mustRun(t, scenario{src: src, records: 1})
		for i, b := range all.batches {
			rest := mustRun(t, scenario{src: src, records: 1, positions: map[string]string{"in.csv": b.End}})
			if len(rest.batches) != max(len(all.batches)-i-1, 1) {
				t.Fatalf("behind %s: %d batches, want %d", b.End, len(rest.batches), len(all.batches)-i-1)
			}
			if b.Last {
				continue
			}
			for n, got := range rest.batches {
				want := all.batches[i+1+n]
				x, err1 := record.Marshal(want, record.None)
				y, err2 := record.Marshal(got, record.None)
				if err1 != nil || err2 != nil || !bytes.Equal(x, y) { // Invariant 12
					t.Fatalf("behind %s batch %d differs: %v %v: %+v, want %+v", b.End, n, err1, err2, got.Rejects, want.Rejects)
				}
			}
		}
	}
}

// TestSource_Same reads one text plain, compressed and through a bucket.
func TestSource_Same(t *testing.T) {
	text := lineItems(3000, 7)
	var want outcome
	for i, name := range []string{"in.csv", "in.csv.gz", "in.csv.zst"} {
		dir := t.TempDir()
		write(t, dir, name, text)
		for _, path := range []string{name, "file://" + dir + "/in.c*"} {
			o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": path, "format": "csv"}), records: 700})
			if i == 0 && path == name {
				want = o
				if o.read != 3000 || len(o.rejects) > 0 {
					t.Fatalf("read %d, rejects %v", o.read, o.rejects)
				}
				wantSchema := "orderkey:int partkey:int suppkey:int linenumber:int quantity:int extendedprice:float discount:float tax:float returnflag:string linestatus:string " +
					"shipdate:date commitdate:date receiptdate:date shipinstruct:string shipmode:string comment:string"
				if o.schema != wantSchema {
					t.Errorf("schema = %s", o.schema)
				}
				continue
			}
			if diff := cmp.Diff(want.lines, o.lines); diff != "" || o.schema != want.schema {
				t.Errorf("%s: %s %s", path, o.schema, diff)
			}
			if _, a, _ := strings.Cut(want.plan.Fingerprint, "content="); !strings.HasSuffix(o.plan.Fingerprint, a) {
				t.Errorf("%s: content of %s, want %s", path, o.plan.Fingerprint, a)
			}
		}
	}
}

// TestSource_Union reads several files with other columns and orders as one stream.
func TestSource_Union(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p/1.csv", []byte("a,b\n1,x\n"))
	write(t, dir, "p/2.csv", []byte("c,a\n2026-01-01,2.5\n"))
	o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": "p/*.csv"})})
	if o.schema != "a:float b:string c:date" {
		t.Errorf("schema = %s", o.schema)
	}
	want := []string{`{"a":1,"b":"x","c":null}`, `{"a":2.5,"b":null,"c":"2026-01-01"}`}
	if diff := cmp.Diff(want, o.lines); diff != "" {
		t.Error(diff)
	}
}

func TestSource_Streams(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"d/2026/a.csv.gz", "d/2026/b.csv.gz", "d/2026/c.txt"} {
		write(t, dir, n, []byte("x\n"))
	}
	for path, want := range map[string]string{
		"d/2026/{stream}.csv.gz":  "a b",
		"d/*/{stream}.csv.gz":     "a b",
		"d/{stream}/a.csv.gz":     "2026",
		"d/2026/a.csv.gz":         "a",
		"d/2026/*.csv.gz":         "2026",
		"d/2026/[ab].csv.gz":      "2026",
		"d/{stream}/[a-b].csv.gz": "2026",
	} {
		got, err := openSource(t, dir, map[string]any{"path": path}).Streams(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range got {
			names = append(names, s.Name)
		}
		if strings.Join(names, " ") != want {
			t.Errorf("%s: streams %v, want %s", path, names, want)
		}
	}
}

// TestRoundTrip writes random rows with odd texts and reads them back the same.
func TestRoundTrip(t *testing.T) {
	parts := []string{"", " ", "a", "\"", ",", "\n", "\r", "\r\n", "\t", "ü", "#", "null", "-", ".", "1", "🐢", "\\", ";", "true"}
	rapid.Check(t, func(r *rapid.T) {
		ending := rapid.SampledFrom([]string{".csv", ".tsv", ".ndjson", ".csv.gz", ".ndjson.zst"}).Draw(r, "ending")
		cols := rapid.IntRange(1, 3).Draw(r, "columns")
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(r, "seed"), 2))
		schema := record.Schema{}
		for i := range cols {
			kind := []record.Kind{record.String, record.Int, record.Date}[rnd.IntN(3)]
			schema.Columns = append(schema.Columns, record.Column{Name: string(rune('a' + i)), Type: record.Type{Kind: kind}})
		}
		b := record.NewBuilder(schema)
		rows := rnd.IntN(6)
		for range rows {
			for i, c := range schema.Columns {
				switch {
				case rnd.IntN(4) == 0:
					b.Column(i).AppendNull()
				case c.Type.Kind == record.String:
					s := parts[rnd.IntN(len(parts))] + parts[rnd.IntN(len(parts))]
					_ = record.Append(b.Column(i), c.Type, s)
				case c.Type.Kind == record.Int:
					_ = record.Append(b.Column(i), c.Type, rnd.Int64()-rnd.Int64())
				default:
					_ = record.ParseText(b.Column(i), c.Type, fmt.Sprintf("%04d-%02d-%02d", rnd.IntN(9999)+1, rnd.IntN(12)+1, rnd.IntN(28)+1))
				}
			}
		}
		batch := record.New(schema, b.Rows())
		dir := t.TempDir()
		m := map[string]any{"path": "x" + ending}
		if ending == ".csv" && rapid.Bool().Draw(r, "odd") {
			m["delimiter"], m["line_end"] = rapid.SampledFrom([]string{";", "-", ".", "1"}).Draw(r, "delimiter"), "crlf"
		}
		d := openDestination(t, dir, m)
		target := connector.Target{Job: "j", Stream: "s", Run: "r", Name: "x", Schema: schema, Write: job.Write{Mode: job.Append}}
		claim := connector.Claim{Fence: 1, Owner: "o"}
		if err := d.Prepare(t.Context(), target, claim); err != nil {
			r.Fatal(err)
		}
		if _, err := d.Load(t.Context(), connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Batch: batch, End: "1"}); err != nil {
			r.Fatal(err)
		}
		stream := job.Stream{Columns: map[string]record.Type{}}
		for _, c := range schema.Columns {
			stream.Columns[c.Name] = c.Type
		}
		delete(m, "line_end")
		o := mustRun(t, scenario{src: openSource(t, dir, m), stream: stream})
		var want []string
		for i := range rows {
			want = append(want, string(batch.JSON(i)))
		}
		if diff := cmp.Diff(want, o.lines); diff != "" || len(o.rejects) > 0 {
			r.Fatalf("%s: %v\n%s", ending, o.rejects, diff)
		}
	})
}

// FuzzRange cuts any text into byte ranges of any size and expects what the whole gives: the same rows, the same rejects, each once.
func FuzzRange(f *testing.F) {
	for _, text := range []string{dirtyCSV, "a\n1\n\n2", "a,b\n\"x\n", "{\"a\":1}\n\n{bad\n{\"a\":5}"} {
		f.Add([]byte(text), uint8(3), false)
		f.Add([]byte(text), uint8(7), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, split uint8, lines bool) {
		name := "in.csv"
		if lines {
			name = "in.ndjson"
		}
		dir := t.TempDir()
		write(t, dir, name, text)
		src := openSource(t, dir, map[string]any{"path": name})
		whole, err := scenario{src: src}.run(t.Context())
		cut, cutErr := scenario{src: openSource(t, dir, map[string]any{"path": name, "split": fmt.Sprint(int(split) + 1)})}.run(t.Context())
		if err != nil || cutErr != nil {
			if fmt.Sprint(err) != fmt.Sprint(cutErr) || fault.CodeOf(err) == fault.Internal {
				t.Fatalf("whole: %v, cut: %v", err, cutErr)
			}
			return
		}
		if whole.read != len(whole.lines)+len(whole.rejects) { // Invariant 5
			t.Fatalf("read %d, but %d rows and %d rejects", whole.read, len(whole.lines), len(whole.rejects))
		}
		if diff := cmp.Diff(whole.lines, cut.lines); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(whole.rejects, cut.rejects); diff != "" {
			t.Fatal(diff)
		}
	})
}
