package file_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// scenario is one way to read a stream.
type scenario struct {
	src       connector.Source
	stream    job.Stream
	known     string
	records   int
	positions map[string]string
}

// outcome is what it gave.
type outcome struct {
	plan    connector.Plan
	schema  string   // name:type …
	lines   []string // rows as JSON
	rejects []string // index: message
	read    int
	ends    map[string]string
	batches []record.Batch
}

// run plans and reads everything; an error ends it.
func (s scenario) run(ctx context.Context) (outcome, error) {
	if s.stream.Name == "" {
		s.stream.Name = "in"
	}
	if s.stream.Mode == "" {
		s.stream.Mode = job.Full
	}
	if s.records == 0 {
		s.records = 1000
	}
	o := outcome{ends: map[string]string{}}
	var err error
	o.plan, err = s.src.Plan(ctx, connector.PlanRequest{Stream: s.stream, Known: s.known, Positions: s.positions})
	if err != nil {
		return o, err
	}
	var cols []string
	for _, c := range o.plan.Schema.Columns {
		cols = append(cols, c.Name+":"+c.Type.String())
	}
	o.schema = strings.Join(cols, " ")
	for _, p := range o.plan.Partitions {
		req := connector.OpenRequest{Stream: s.stream, Schema: o.plan.Schema, Partition: p, Position: s.positions[p.ID], Records: s.records}
		if err := o.drain(ctx, s.src, req); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *outcome) drain(ctx context.Context, src connector.Source, req connector.OpenRequest) error {
	r, err := src.Open(ctx, req)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	o.ends[req.Partition.ID] = req.Position
	for {
		b, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		o.lines = append(o.lines, conntest.Lines(b)...)
		for _, r := range b.Rejects {
			o.rejects = append(o.rejects, fmt.Sprintf("%d: %s", o.read+r.Index, r.Message))
		}
		o.read += b.Read
		o.ends[req.Partition.ID] = b.End
		o.batches = append(o.batches, b)
	}
}

func mustRun(t testing.TB, s scenario) outcome {
	t.Helper()
	o, err := s.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func utf16le(s string, mark bool) string {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return string(b)
}

// hostile is a file, and what must come of it.
type hostile struct {
	name    string // of the file; in.csv when empty
	in      string
	set     map[string]any
	columns map[string]record.Type
	schema  string
	lines   []string
	rejects []string // parts of messages, in order
	err     string   // code: part of the message
}

func (c hostile) check(t *testing.T) {
	dir := t.TempDir()
	if c.name == "" {
		c.name = "in.csv"
	}
	write(t, dir, c.name, []byte(c.in))
	m := map[string]any{"path": c.name}
	for k, v := range c.set {
		m[k] = v
	}
	o, err := scenario{src: openSource(t, dir, m), stream: job.Stream{Columns: c.columns}}.run(t.Context())
	if c.err != "" {
		code, part, _ := strings.Cut(c.err, ": ")
		if string(fault.CodeOf(err)) != code || !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("got %s: %v, want %s", fault.CodeOf(err), err, c.err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if o.schema != c.schema {
		t.Errorf("schema = %s, want %s", o.schema, c.schema)
	}
	if diff := cmp.Diff(c.lines, o.lines); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if len(o.rejects) != len(c.rejects) {
		t.Fatalf("rejects %q, want %q", o.rejects, c.rejects)
	}
	for i, want := range c.rejects {
		if !strings.Contains(o.rejects[i], want) {
			t.Errorf("reject %q, want %q", o.rejects[i], want)
		}
	}
	if o.read != len(o.lines)+len(o.rejects) { // Invariant 5
		t.Errorf("read %d, but %d rows and %d rejects", o.read, len(o.lines), len(o.rejects))
	}
}

func TestSource_HostileCSV(t *testing.T) {
	ten := strings.Repeat("x", 10<<20)
	text := record.Type{Kind: record.String}
	for name, c := range map[string]hostile{
		"empty file":              {in: "", schema: ""},
		"header only":             {in: "a,b\n", schema: "a:string b:string"},
		"header without line end": {in: "a,b", schema: "a:string b:string"},
		"byte order mark":         {in: "\ufeffa,b\n1,2\n", schema: "a:int b:int", lines: []string{`{"a":1,"b":2}`}},
		"CRLF":                    {in: "a,b\r\n1,x\r\n", schema: "a:int b:string", lines: []string{`{"a":1,"b":"x"}`}},
		"CR only":                 {in: "a,b\r1,x\r2,\"y\rz\"\r", schema: "a:int b:string", lines: []string{`{"a":1,"b":"x"}`, `{"a":2,"b":"y\rz"}`}},
		"embedded newlines":       {in: "a,b\n1,\"x\ny\"\n\"2\",z\n", schema: "a:int b:string", lines: []string{`{"a":1,"b":"x\ny"}`, `{"a":2,"b":"z"}`}},
		"null and empty":          {in: "a,b\n,\"\"\n1,x\n", schema: "a:int b:string", lines: []string{`{"a":null,"b":""}`, `{"a":1,"b":"x"}`}},
		"quoted empty in numbers": {in: "a\n1\n\"\"\n", schema: "a:string", lines: []string{`{"a":"1"}`, `{"a":""}`}},
		"NA and NO":               {in: "c,d\nNA,NO\n", schema: "c:string d:string", lines: []string{`{"c":"NA","d":"NO"}`}},
		"leading zeros":           {in: "a\n02\n10\n", schema: "a:string", lines: []string{`{"a":"02"}`, `{"a":"10"}`}},
		"one column, empty line":  {in: "a\n1\n\n2\n", schema: "a:int", lines: []string{`{"a":1}`, `{"a":null}`, `{"a":2}`}},
		"NaN":                     {in: "a\nNaN\n1.5\n", schema: "a:string", lines: []string{`{"a":"NaN"}`, `{"a":"1.5"}`}},
		"1e400":                   {in: "a\n1e400\n1\n", schema: "a:string", lines: []string{`{"a":"1e400"}`, `{"a":"1"}`}},
		"beyond 64 bits":          {in: "a\n9223372036854775808\n-1\n", schema: "a:decimal(19,0)", lines: []string{`{"a":9223372036854775808}`, `{"a":-1}`}},
		"coordinates":             {in: "a\n-74.93360137939453\n40.07080078125\n", schema: "a:float", lines: []string{`{"a":-74.93360137939453}`, `{"a":40.07080078125}`}},
		"10 MB field":             {in: "a,b\n1," + ten + "\n2,y\n", schema: "a:int b:string", lines: []string{`{"a":1,"b":"` + ten + `"}`, `{"a":2,"b":"y"}`}},
		"10 MB field, limit":      {in: "a,b\n1," + ten + "\n2,y\n", set: map[string]any{"max_record": "1MiB"}, schema: "a:int b:string", lines: []string{`{"a":2,"b":"y"}`}, rejects: []string{"0: line 2: record is longer than 1048576 bytes"}},
		"ragged":                  {in: "a,b\n1\n1,2\n1,2,3\n", schema: "a:int b:int", lines: []string{`{"a":1,"b":2}`}, rejects: []string{"0: line 2: the record has 1 fields instead of 2", "2: line 4: the record has 3 fields instead of 2"}},
		"bare quote":              {in: "a,b\n1,x\"y\n2,z\n", schema: "a:int b:string", lines: []string{`{"a":2,"b":"z"}`}, rejects: []string{"line 2: a quote stands inside"}},
		"bare quote, lazy":        {in: "a,b\n1,x\"y\n", set: map[string]any{"lazy_quotes": true}, schema: "a:int b:string", lines: []string{`{"a":1,"b":"x\"y"}`}},
		"open quote":              {in: "a,b\n1,\"x\n2,y\n", schema: "a:int b:string", lines: []string{`{"a":2,"b":"y"}`}, rejects: []string{"line 2: a quote is opened and never closed"}},
		"invalid UTF-8":           {in: "a,b\n1,\xff\n2,y\n", schema: "a:int b:string", lines: []string{`{"a":2,"b":"y"}`}, rejects: []string{"line 2: the record is not valid UTF-8"}},
		"latin1":                  {in: "a\n\xfc\n", set: map[string]any{"encoding": "latin1"}, schema: "a:string", lines: []string{`{"a":"ü"}`}},
		"NUL":                     {in: "a,b\n1,x\x00\n2,y\n", schema: "a:int b:string", lines: []string{`{"a":2,"b":"y"}`}, rejects: []string{"line 2: the record holds a NUL byte"}},
		"UTF-16":                  {in: utf16le("a,b\n1,ü\n", true), schema: "a:int b:string", lines: []string{`{"a":1,"b":"ü"}`}},
		"UTF-16 without a mark":   {in: utf16le("a,b\n1,x\n", false), err: "DataInvalid: UTF-16 without a byte order mark (set encoding: utf-16le)"},
		"UTF-16, told":            {in: utf16le("a,b\n1,x\n", false), set: map[string]any{"encoding": "utf-16le"}, schema: "a:int b:string", lines: []string{`{"a":1,"b":"x"}`}},
		"header twice":            {in: "a,b,a\n", err: `DataInvalid: the header has the name "a" twice, at columns 1 and 3`},
		"header without a name":   {in: "a,,b\n", err: "DataInvalid: column 2 of the header has no name"},
		"reserved name":           {in: "a,__lockstep_origin\n", err: "DataInvalid: kept for Lockstep's own use"},
		"bad header":              {in: "a,b\"\n1,2\n", err: "DataInvalid: the header, line 1, cannot be read"},
		"does not fit":            {in: "a,b\nx,1\n3,2\n", columns: map[string]record.Type{"a": {Kind: record.Int}}, schema: "a:int b:int", lines: []string{`{"a":3,"b":2}`}, rejects: []string{`line 2: column a: "x" is not a whole number; its type is int (set columns: {a: string} to keep such values)`}},
		"unknown column":          {in: "abc,b\n1,2\n", columns: map[string]record.Type{"abd": text}, err: `ConfigInvalid: names "abd", which the file does not have (did you mean abc?)`},
		"no header":               {in: "1,x\n", set: map[string]any{"header": false, "columns_in_order": []any{"n", "s"}}, schema: "n:int s:string", lines: []string{`{"n":1,"s":"x"}`}},
		"comments and blanks":     {in: "#\n\na;b\n# x\n 1 ; y \n", set: map[string]any{"comment": "#", "delimiter": ";", "trim": true}, schema: "a:int b:string", lines: []string{`{"a":1,"b":"y"}`}},
		"null values":             {in: "a,b\n-,\"-\"\n,x\n", set: map[string]any{"null_values": []any{"-"}}, schema: "a:string b:string", lines: []string{`{"a":null,"b":"-"}`, `{"a":"","b":"x"}`}},
		"null values in quotes":   {in: "a\n\"\"\n1\n", set: map[string]any{"quoted_null": true}, schema: "a:int", lines: []string{`{"a":null}`, `{"a":1}`}},
		"tabs":                    {name: "in.tsv", in: "a\tb\n1\t2\n", schema: "a:int b:int", lines: []string{`{"a":1,"b":2}`}},
		"backslash":               {in: "a,b\n\"x\\\"y\",1\n", set: map[string]any{"escape": `\`}, schema: "a:string b:int", lines: []string{`{"a":"x\"y","b":1}`}},
		"name without ending":     {name: "in", in: "a\n1\n", set: map[string]any{"format": "csv"}, schema: "a:int", lines: []string{`{"a":1}`}},
	} {
		t.Run(name, c.check)
	}
}

func TestSource_HostileJSON(t *testing.T) {
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	for name, c := range map[string]hostile{
		"empty":                  {name: "in.ndjson", in: "", schema: ""},
		"empty lines":            {name: "in.ndjson", in: "\n\n", schema: ""},
		"names differ":           {name: "in.ndjson", in: "{\"a\":1}\n{\"b\":\"x\"}\n{\"b\":null,\"a\":2}\n", schema: "a:int b:string", lines: []string{`{"a":1,"b":null}`, `{"a":null,"b":"x"}`, `{"a":2,"b":null}`}},
		"nested":                 {name: "in.ndjson", in: "{\"a\": {\"z\": 1, \"b\": [1, 2]}}\n{\"a\":\"x\"}\n", schema: "a:json", lines: []string{`{"a":{"z":1,"b":[1,2]}}`, `{"a":"x"}`}},
		"mixed":                  {name: "in.ndjson", in: "{\"a\":1776}\n{\"a\":\"Avatar\"}\n{\"a\":true}\n", schema: "a:string", lines: []string{`{"a":"1776"}`, `{"a":"Avatar"}`, `{"a":"true"}`}},
		"beyond 64 bits":         {name: "in.ndjson", in: "{\"a\":9223372036854775808}\n{\"a\":1}\n", schema: "a:decimal(19,0)", lines: []string{`{"a":9223372036854775808}`, `{"a":1}`}},
		"1e400":                  {name: "in.ndjson", in: "{\"a\":1e400}\n{\"a\":1}\n", schema: "a:string", lines: []string{`{"a":"1e400"}`, `{"a":"1"}`}},
		"NaN":                    {name: "in.ndjson", in: "{\"a\":NaN}\n{\"a\":1}\n", schema: "a:int", lines: []string{`{"a":1}`}, rejects: []string{"line 1: JSON is broken at byte 6"}},
		"name twice":             {name: "in.ndjson", in: "{\"a\":1,\"a\":2}\n{\"a\":3}\n", schema: "a:int", lines: []string{`{"a":3}`}, rejects: []string{`line 1: the name "a" comes twice`}},
		"lone surrogate":         {name: "in.ndjson", in: "{\"a\":\"\\ud800\"}\n{\"a\":\"x\"}\n", schema: "a:string", lines: []string{`{"a":"x"}`}, rejects: []string{"half of a surrogate pair"}},
		"deep":                   {name: "in.ndjson", in: "{\"a\":" + deep + "}\n{\"a\":[]}\n", schema: "a:json", lines: []string{`{"a":[]}`}, rejects: []string{"nested deeper than 1000"}},
		"not an object":          {name: "in.ndjson", in: "[1]\n{\"a\":1}\n", schema: "a:int", lines: []string{`{"a":1}`}, rejects: []string{"line 1: record is not a JSON object"}},
		"invalid UTF-8":          {name: "in.ndjson", in: "{\"a\":\"\xff\"}\n{\"a\":\"x\"}\n", schema: "a:string", lines: []string{`{"a":"x"}`}, rejects: []string{"not valid UTF-8"}},
		"dates":                  {name: "in.ndjson", in: "{\"d\":\"2026-08-22\",\"t\":\"2026-08-22T17:03:59Z\"}\n", schema: "d:date t:timestamptz", lines: []string{`{"d":"2026-08-22","t":"2026-08-22T17:03:59Z"}`}},
		"text for a number":      {name: "in.ndjson", in: "{\"a\":\"12\"}\n{\"a\":\"x\"}\n{\"a\":[1]}\n", columns: map[string]record.Type{"a": {Kind: record.Int}}, schema: "a:int", lines: []string{`{"a":12}`}, rejects: []string{`line 2: column a: "x" is not a whole number`, "line 3: column a"}},
		"column that is missing": {name: "in.ndjson", in: "{\"a\":1}\n", columns: map[string]record.Type{"z": {Kind: record.Date}, "b": {Kind: record.Int}}, schema: "a:int b:int z:date", lines: []string{`{"a":1,"b":null,"z":null}`}},
		"array":                  {name: "in.json", in: "[\n{\"a\":1},\n{\"a\":\"x\", \"a\":1},\n{\"a\":3}]", schema: "a:int", lines: []string{`{"a":1}`, `{"a":3}`}, rejects: []string{"line 3: the name"}},
		"array below a path":     {name: "in.json", in: `{"n":2,"data":{"rows":[{"a":1}]}}`, set: map[string]any{"records": "data.rows"}, schema: "a:int", lines: []string{`{"a":1}`}},
		"array cut off":          {name: "in.json", in: `[{"a":1},{"a"`, err: "DataInvalid: it was cut off"},
		"CSV called JSON":        {name: "in.json", in: "a,b\n1,2\n", err: "DataInvalid: where an array of objects must begin"},
		"too long":               {name: "in.ndjson", in: "{\"a\":\"" + strings.Repeat("x", 3<<20) + "\"}\n{\"a\":\"y\"}\n", set: map[string]any{"max_record": "1MiB"}, schema: "a:string", lines: []string{`{"a":"y"}`}, rejects: []string{"line 1: record is longer than 1048576 bytes"}},
		"no fields":              {name: "in.ndjson", in: "{}\n{}\n", schema: "", rejects: []string{"line 1: no record of the stream has a field", "line 2"}},
		"no name":                {name: "in.ndjson", in: "{\"\":1}\n", err: "DataInvalid: cannot be a column"},
	} {
		t.Run(name, c.check)
	}
}

func TestSource_HostilePath(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "secret.csv", []byte("a\n1\n"))
	write(t, dir, "data/runways.csv", []byte("a\n1\n"))
	write(t, dir, "whole.csv.gz", []byte(strings.Repeat("a,b\n1,2\n", 1000)))
	packed, err := os.ReadFile(filepath.Join(dir, "whole.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.Symlink(outside, filepath.Join(dir, "out")),
		os.Symlink(filepath.Join(outside, "secret.csv"), filepath.Join(dir, "link.csv")),
		os.WriteFile(filepath.Join(dir, "cut.csv.gz"), packed[:len(packed)-10], 0o644),
		os.WriteFile(filepath.Join(dir, "plain.csv.gz"), []byte("a,b\n1,2\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "empty.csv.gz"), nil, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ path, want string }{
		"missing":           {"data/runway.csv", "NotFound: there is no file data/runway.csv (did you mean data/runways.csv?)"},
		"missing folder":    {"nothing/a.csv", "NotFound: there is no file nothing/a.csv"},
		"no match":          {"data/x*.csv", "NotFound: there is no file data/x*.csv"},
		"symlink to a file": {"link.csv", "ConfigInvalid: leads outside of the project's folder"},
		"symlink in folder": {"out/secret.csv", "ConfigInvalid: leads outside of the project's folder"},
		"truncated gzip":    {"cut.csv.gz", "DataInvalid: file cut.csv.gz is cut off"},
		"not gzip":          {"plain.csv.gz", "DataInvalid: file plain.csv.gz is not compressed as its name says"},
		"absolute":          {filepath.Join(outside, "secret.csv"), ""},
		"URL":               {"file://" + filepath.ToSlash(outside) + "/*.csv", ""},
		"empty gzip":        {"empty.csv.gz", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := scenario{src: openSource(t, dir, map[string]any{"path": c.path})}.run(t.Context())
			code, part, _ := strings.Cut(c.want, ": ")
			if string(fault.CodeOf(err)) != code || err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("got %s: %v, want %s", fault.CodeOf(err), err, c.want)
			}
		})
	}
}
