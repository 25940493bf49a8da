package record_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

var compressions = []record.Compression{record.LZ4, record.Zstd, record.None}

// goldenBatch has a column for each line of the table of forms, its values in rows, and nulls behind them.
func goldenBatch(t testing.TB) record.Batch {
	t.Helper()
	var s record.Schema
	const rows = 12
	for _, f := range forms {
		s.Columns = append(s.Columns, record.Column{Name: "as " + f.typ, Type: parseType(t, f.typ)})
	}
	b := record.NewBuilder(s)
	for i, f := range forms {
		for _, v := range f.values {
			if err := record.Append(b.Column(i), s.Columns[i].Type, v.value); err != nil {
				t.Fatal(err)
			}
		}
		b.Column(i).AppendNulls(rows - len(f.values))
	}
	out := record.New(s, b.Rows())
	out.Read, out.Origin = 15, []int32{0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 12, 14}
	out.Rejects = []record.Reject{
		{Index: 9, Phase: "extract", Code: "DataInvalid", Message: "not a number: \"<&>\"", Raw: "a,b\x00"},
		{Index: 10, Phase: "validate", Code: "DataInvalid", Rule: "range", Message: "too long", Tries: 2, Key: `["ü"]`, Snapshot: json.RawMessage(`{"a":"<&>\u2028` + "\u2028" + `","b":1.0}`)},
	}
	out.Warned, out.Start, out.End, out.Last = 3, `{"o":0}`, `{"o":"Zürich <&>"}`, true
	out.Positions = record.Offsets{Prefix: "v1:", Ends: []int64{10, 20, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 1 << 40}}
	return out
}

// golden are the SHA-256 of goldenBatch. They are the same on every machine; another one is another format: raise Format unless
// nothing was ever stored with the old one.
var golden = map[record.Compression]string{
	record.LZ4:  "530360d89872550f4660b26239bc179bf979c7e164b2796cfbcd659701a17c32",
	record.Zstd: "c51b54b0d8a68cae1467bb4d7b3f04df8fddfed6030822b378e567936f7a9654",
	record.None: "bb32e753b024e44e230432edd86d35b9c7b9737117efa03d28253a3d599cf3d8",
}

func TestMarshal_Golden(t *testing.T) {
	for _, c := range compressions {
		sum := sha256.Sum256(marshal(t, goldenBatch(t), c))
		if got := hex.EncodeToString(sum[:]); got != golden[c] {
			t.Errorf("%s: got %s, want %s", c, got, golden[c])
		}
	}
}

func marshal(t testing.TB, b record.Batch, c record.Compression) []byte {
	t.Helper()
	data, err := record.Marshal(b, c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// difference says where two batches are not the same; "" means nowhere.
func difference(a, b record.Batch) string {
	if a.Rows == nil || b.Rows == nil {
		if a.Rows != nil || b.Rows != nil {
			return fmt.Sprintf("rows: %v, %v", a.Rows, b.Rows)
		}
	} else if !a.Rows.Schema().Equal(b.Rows.Schema()) || !array.RecordEqual(a.Rows, b.Rows) {
		return fmt.Sprintf("rows: %v, %v", a.Rows, b.Rows)
	}
	a.Rows, b.Rows = nil, nil
	return cmp.Diff(a, b, cmpopts.EquateEmpty())
}

func TestMarshal_RoundTrip(t *testing.T) {
	empty := goldenBatch(t).Keep(nil)
	texts := goldenBatch(t)
	texts.Positions = record.Texts{"a", "", "\u2028<", "é"}
	for name, b := range map[string]record.Batch{
		"everything":          goldenBatch(t),
		"nothing":             {},
		"no rows left":        empty,
		"only rejects":        {Read: 1, Rejects: []record.Reject{{Message: "ragged"}}, Start: "a", End: "b"},
		"positions as texts":  texts,
		"columns, no records": record.New(empty.Schema, empty.Rows),
	} {
		for _, c := range compressions {
			t.Run(name+"/"+string(c), func(t *testing.T) {
				data := marshal(t, b, c)
				got, err := record.Unmarshal(data)
				if err != nil {
					t.Fatal(err)
				}
				if d := difference(got, b); d != "" {
					t.Fatal(d)
				}
				if !bytes.Equal(marshal(t, got, c), data) {
					t.Error("stored again, it has other bytes")
				}
			})
		}
	}
}

// TestMarshal_Slice: rows that are a part of a larger record are stored like their copy.
func TestMarshal_Slice(t *testing.T) {
	whole := goldenBatch(t)
	part, copied := whole, whole
	part.Rows, part.Origin = whole.Rows.NewSlice(3, 9), whole.Origin[3:9]
	copied.Rows, copied.Origin = record.TakeRows(whole.Rows, []int32{3, 4, 5, 6, 7, 8}), whole.Origin[3:9]
	for _, c := range compressions {
		got, err := record.Unmarshal(marshal(t, part, c))
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(got, copied); d != "" {
			t.Errorf("%s: %s", c, d)
		}
	}
}

func TestMarshal_NotUTF8(t *testing.T) {
	b := goldenBatch(t)
	b.Rejects[0].Raw, b.Rejects[0].Message = "caf\xe9", "\xff"
	got, err := record.Unmarshal(marshal(t, b, record.LZ4))
	if err != nil {
		t.Fatal(err)
	}
	if r := got.Rejects[0]; r.Raw != "caf\ufffd" || r.Message != "\ufffd" {
		t.Errorf("got %q and %q", r.Raw, r.Message)
	}
	for name, b := range map[string]record.Batch{
		"start": {Start: "\xff"}, "end": {End: "\xff"}, "text": {Positions: record.Texts{"\xff"}}, "prefix": {Positions: record.Offsets{Prefix: "\xff"}},
	} {
		if _, err := record.Marshal(b, record.LZ4); !fault.Has(err, fault.Internal) {
			t.Errorf("%s: got %v, want Internal", name, err)
		}
	}
}

func TestMarshal_Refuses(t *testing.T) {
	mark := record.New(record.Schema{Columns: []record.Column{{Name: "\x01xxh64:0000000000000000", Type: record.Type{Kind: record.Int}}}}, nil)
	mark.Rows = record.MakeRows(mark.Schema, nil, 0)
	if _, err := record.Marshal(mark, record.LZ4); !fault.Has(err, fault.DataInvalid) {
		t.Errorf("a column named as the checksum's mark: got %v, want DataInvalid", err)
	}
	other := record.Batch{Positions: positions{}}
	if _, err := record.Marshal(other, record.LZ4); !fault.Has(err, fault.Internal) {
		t.Errorf("other positions: got %v, want Internal", err)
	}
}

// TestMarshal_MarkInData: records that hold the checksum's mark do not hide it.
func TestMarshal_MarkInData(t *testing.T) {
	s := record.Schema{Columns: []record.Column{{Name: "a", Type: record.Type{Kind: record.String}}}}
	b := record.NewBuilder(s)
	b.Column(0).(*array.StringBuilder).Append(strings.Repeat("\x01xxh64:0000000000000000", 5))
	want := record.New(s, b.Rows())
	want.Start, want.Rejects = "\x01xxh64:0000000000000000", []record.Reject{{Raw: "\x01xxh64:"}}
	got, err := record.Unmarshal(marshal(t, want, record.None))
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(got, want); d != "" {
		t.Error(d)
	}
}

type positions struct{}

func (positions) Len() int      { return 0 }
func (positions) At(int) string { return "" }

// smallBatch is small enough to try every damage of its file.
func smallBatch(t testing.TB) record.Batch {
	t.Helper()
	s := record.Schema{Columns: []record.Column{{Name: "id", Type: record.Type{Kind: record.Int}}, {Name: "name", Type: record.Type{Kind: record.String}}}}
	b := record.NewBuilder(s)
	for i, name := range []string{"Aachen", "Bonn", ""} {
		b.Column(0).(*array.Int64Builder).Append(int64(i))
		b.Column(1).(*array.StringBuilder).Append(name)
	}
	out := record.New(s, b.Rows())
	out.Start, out.End, out.Positions = "0", "30", record.Offsets{Ends: []int64{10, 20, 30}}
	return out
}

// TestUnmarshal_Damaged: every byte changed in each of its bits, and every truncation, is DataInvalid.
func TestUnmarshal_Damaged(t *testing.T) {
	for _, c := range compressions {
		data := marshal(t, smallBatch(t), c)
		broken := slices.Clone(data)
		for i := range data {
			for bit := range 8 {
				broken[i] ^= 1 << bit
				if _, err := record.Unmarshal(broken); !fault.Has(err, fault.DataInvalid) {
					t.Fatalf("%s: byte %d of %d, bit %d: got %v, want DataInvalid", c, i, len(data), bit, err)
				}
				broken[i] = data[i]
			}
		}
		for n := range data {
			if _, err := record.Unmarshal(data[:n]); !fault.Has(err, fault.DataInvalid) {
				t.Fatalf("%s: %d of %d bytes: got %v, want DataInvalid", c, n, len(data), err)
			}
		}
		if _, err := record.Unmarshal(append(slices.Clone(data), 0)); !fault.Has(err, fault.DataInvalid) {
			t.Errorf("%s: one byte more: got %v, want DataInvalid", c, err)
		}
	}
}

func TestUnmarshal_Random(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 0, 4096).Draw(t, "data")
		if _, err := record.Unmarshal(data); !fault.Has(err, fault.DataInvalid) {
			t.Fatalf("got %v, want DataInvalid", err)
		}
	})
}

// TestUnmarshal_OtherArrowFile: an Arrow file that is no batch is DataInvalid.
func TestUnmarshal_OtherArrowFile(t *testing.T) {
	var out bytes.Buffer
	rows := smallBatch(t).Rows
	w, err := ipc.NewFileWriter(&out, ipc.WithSchema(rows.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Unmarshal(out.Bytes()); !fault.Has(err, fault.DataInvalid) {
		t.Errorf("got %v, want DataInvalid", err)
	}
}

// TestUnmarshal_Changed: a file that was changed and sealed again is judged by what is in it.
func TestUnmarshal_Changed(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		want           fault.Code
	}{
		{"later format", `{"format":1,`, `{"format":2,`, fault.VersionTooNew},
		{"header is no JSON", `{"format":1,`, `{"format":=,`, fault.DataInvalid},
		{"header under another name", "\x08\x00\x00\x00lockstep\x00", "\x08\x00\x00\x00lockstop\x00", fault.DataInvalid},
		{"column of another type", "lockstep.type\x00", "lockstep.typo\x00", fault.DataInvalid},
		{"type that is stored otherwise", "\x03\x00\x00\x00int\x00", "\x04\x00\x00\x00uuid", fault.DataInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := marshal(t, smallBatch(t), record.None)
			changed := bytes.ReplaceAll(data, []byte(c.old), []byte(c.new))
			if bytes.Equal(changed, data) || !record.Seal(changed) {
				t.Fatal("nothing was changed")
			}
			if _, err := record.Unmarshal(changed); !fault.Has(err, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// TestProperty_Marshal: any batch is read back as it was, and stored again with the same bytes.
func TestProperty_Marshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBatch(t)
		c := rapid.SampledFrom(compressions).Draw(t, "compression")
		data, err := record.Marshal(b, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := record.Unmarshal(data)
		if err != nil {
			t.Fatal(err)
		}
		if d := difference(got, b); d != "" {
			t.Fatal(d)
		}
		if again, err := record.Marshal(got, c); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("stored again, it has other bytes (%v)", err)
		}
	})
}

func drawBatch(t *rapid.T) record.Batch {
	var s record.Schema
	n := rapid.IntRange(0, 20).Draw(t, "rows")
	names := rapid.SliceOfNDistinct(rapid.StringN(1, 10, -1), 1, 6, rapid.ID[string]).Draw(t, "names")
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	b := record.Batch{Read: n}
	for _, name := range names {
		s.Columns = append(s.Columns, record.Column{Name: name, Type: drawType(t, rapid.SampledFrom(record.Kinds).Draw(t, "kind"))})
	}
	build := record.NewBuilder(s)
	b.Schema, b.Rows = s, build.Rows()
	cols := b.Rows.Columns()
	for i, c := range s.Columns {
		cols[i] = drawColumn(t, c.Type, n)
	}
	b.Rows = record.MakeRows(s, cols, n)
	for i := range rapid.IntRange(0, 3).Draw(t, "rejects") {
		b.Read++
		r := record.Reject{Index: n + i, Phase: "load", Message: rapid.String().Draw(t, "message"), Raw: rapid.String().Draw(t, "raw")}
		if n > 0 {
			r.Snapshot = b.JSON(0)
		}
		b.Rejects = append(b.Rejects, r)
	}
	if rapid.Bool().Draw(t, "positions") && b.Read > 0 {
		b.Positions = record.Offsets{Prefix: rapid.String().Draw(t, "prefix"), Ends: rapid.SliceOfN(rapid.Int64(), b.Read, b.Read).Draw(t, "ends")}
	}
	b.Start, b.End, b.Last = rapid.String().Draw(t, "start"), rapid.String().Draw(t, "end"), rapid.Bool().Draw(t, "last")
	return b
}

// FuzzUnmarshal: any bytes are refused with DataInvalid or VersionTooNew, or give a batch that can be stored again.
func FuzzUnmarshal(f *testing.F) {
	for _, c := range compressions {
		f.Add(marshal(f, goldenBatch(f), c))
		f.Add(marshal(f, smallBatch(f), c))
	}
	f.Add([]byte("ARROW1\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := record.Unmarshal(data)
		if err != nil {
			if !fault.Has(err, fault.DataInvalid) && !fault.Has(err, fault.VersionTooNew) {
				t.Fatal(err)
			}
			return
		}
		marshal(t, b, record.LZ4)
	})
}
