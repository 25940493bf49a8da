package encode_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/encode"
	"github.com/lockstep-data/lockstep/shared/record"
)

func batch(t testing.TB, values ...any) record.Batch {
	t.Helper()
	schema := record.Schema{Columns: []record.Column{{Name: "a", Type: record.Type{Kind: record.String}}, {Name: "b,", Type: record.Type{Kind: record.Int}}}}
	b := record.NewBuilder(schema)
	for _, v := range values {
		if err := record.Append(b.Column(0), schema.Columns[0].Type, v); err != nil {
			t.Fatal(err)
		}
		if err := record.Append(b.Column(1), schema.Columns[1].Type, -7); err != nil {
			t.Fatal(err)
		}
	}
	return record.New(schema, b.Rows())
}

func TestFormat_Rows(t *testing.T) {
	for name, c := range map[string]struct {
		f    encode.Format
		in   []any
		want string
	}{
		"plain":               {encode.Format{Comma: ',', LineEnd: "\n"}, []any{"x", "ü"}, "a,\"b,\"\nx,-7\nü,-7\n"},
		"null and empty":      {encode.Format{Comma: ',', LineEnd: "\n"}, []any{nil, ""}, "a,\"b,\"\n,-7\n\"\",-7\n"},
		"null text":           {encode.Format{Comma: ',', LineEnd: "\n", Null: "-7"}, []any{nil, "-7"}, "a,\"b,\"\n-7,\"-7\"\n\"-7\",\"-7\"\n"},
		"quotes":              {encode.Format{Comma: ',', LineEnd: "\r\n"}, []any{`a"b""`, "a,b", "a\nb", " a", "#a"}, "a,\"b,\"\r\n\"a\"\"b\"\"\"\"\",-7\r\n\"a,b\",-7\r\n\"a\nb\",-7\r\n\" a\",-7\r\n\"#a\",-7\r\n"},
		"odd delimiter":       {encode.Format{Comma: '-', LineEnd: "\n"}, []any{"x"}, "a-b,\nx-\"-7\"\n"},
		"NDJSON":              {encode.Format{JSON: true, LineEnd: "\n"}, []any{"x\"", nil}, "{\"a\":\"x\\\"\",\"b,\":-7}\n{\"a\":null,\"b,\":-7}\n"},
		"rows that are left ": {encode.Format{Comma: ',', LineEnd: "\n"}, []any{"x", "skip", "y"}, "a,\"b,\"\nx,-7\ny,-7\n"},
	} {
		t.Run(name, func(t *testing.T) {
			b := batch(t, c.in...)
			skip := make([]bool, len(c.in))
			for i, v := range c.in {
				skip[i] = v == "skip"
			}
			var got []byte
			if !c.f.JSON {
				got = c.f.Header(b.Schema.Names())
			}
			got = append(got, c.f.Rows([]byte("of before")[:3], b, []int{0, 1}, skip)...)
			if string(got) != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestCompress(t *testing.T) {
	for _, kind := range []string{"none", "gzip", "zstd"} {
		var file []byte
		for _, text := range []string{"one\n", "", "two\n"} {
			a, err := encode.Compress([]byte(text), kind)
			b, err2 := encode.Compress([]byte(text), kind)
			if err != nil || err2 != nil || !bytes.Equal(a, b) { // Invariant 12
				t.Fatalf("%s: %v, %v", kind, err, err2)
			}
			file = append(file, a...)
		}
		var r io.Reader = bytes.NewReader(file)
		switch kind {
		case "gzip":
			z, err := gzip.NewReader(r)
			if err != nil {
				t.Fatal(err)
			}
			r = z
		case "zstd":
			z, err := zstd.NewReader(r)
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			r = z
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "one\ntwo\n" {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
}
