package jsonl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// show gives the fields of a decoded object.
func show(d *jsonl.Decoder, in string) string {
	fields, err := d.Decode([]byte(in))
	if err != nil {
		return "error: " + err.Error()
	}
	var out []string
	for _, f := range fields {
		name := string(f.Name)
		if f.Column >= 0 {
			name = d.Names()[f.Column]
		} else {
			name += "?"
		}
		out = append(out, fmt.Sprintf("%s %c %s", name, "zbnsj"[f.Kind], f.Value))
	}
	return strings.Join(out, "; ")
}

func TestDecoder_Decode(t *testing.T) {
	deep := func(n int) string { return `{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	for name, c := range map[string]struct{ in, want string }{
		"members":               {` { "a" : 1 , "b" : "x" , "c" : null } `, "a n 1; b s x; c? z null"},
		"other order":           {`{"b":true,"a":false}`, "b b true; a b false"},
		"empty":                 {`{}`, ""},
		"escapes":               {`{"a":"\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00"}`, "a s \"\\/\b\f\n\r\tü😀"},
		"escaped name":          {`{"\u0061":1}`, "a n 1"},
		"long text":             {`{"a":"` + strings.Repeat("x", 50) + `ü"}`, "a s " + strings.Repeat("x", 50) + "ü"},
		"nested":                {`{"a": {"z": [ 1 , "x y" , {} ] , "b" : null}, "b":[]}`, `a j {"z":[1,"x y",{}],"b":null}; b j []`},
		"nested keeps escapes":  {`{"a":["\u00fc\n"]}`, `a j ["\u00fc\n"]`},
		"numbers":               {`{"a":-0.5e+3,"b":123456789012345678901234567890}`, "a n -0.5e+3; b n 123456789012345678901234567890"},
		"name twice":            {`{"a":1,"a":2}`, `error: the name "a" comes twice`},
		"name twice, escaped":   {`{"a":1,"\u0061":2}`, `error: the name "a" comes twice`},
		"new name twice":        {`{"x":1,"x":2}`, `error: the name "x" comes twice`},
		"nested name twice":     {`{"a":{"x":1,"x":2}}`, `error: the name "x" comes twice`},
		"same name, two levels": {`{"a":{"a":{"a":1},"b":[{"a":1},{"a":1}]}}`, `a j {"a":{"a":1},"b":[{"a":1},{"a":1}]}`},
		"lone surrogate":        {`{"a":"\ud800"}`, "error: a string holds half of a surrogate pair"},
		"low surrogate first":   {`{"a":"\ude00\ud83d"}`, "error: a string holds half of a surrogate pair"},
		"nested surrogate":      {`{"a":["\ud800x"]}`, "error: a string holds half of a surrogate pair"},
		"unknown escape":        {`{"a":"\x"}`, "error: a string holds an escape that JSON does not know"},
		"control character":     {"{\"a\":\"x\ty\"}", "error: a string holds a control character that is not escaped"},
		"leading zero":          {`{"a":01}`, "error: a number is not written as JSON writes it"},
		"no digits":             {`{"a":-}`, "error: a number is not written as JSON writes it"},
		"NaN":                   {`{"a":NaN}`, `error: JSON is broken at byte 6: 'N' instead of a value`},
		"comma at the end":      {`{"a":1,}`, `error: JSON is broken at byte 8: '}' instead of a name in quotes`},
		"text behind":           {`{"a":1}x`, `error: JSON is broken at byte 8: 'x' instead of the end`},
		"cut off":               {`{"a":"x`, "error: JSON ends too early"},
		"array":                 {`[1]`, "error: record is not a JSON object"},
		"deep":                  {deep(1000), "a j " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000)},
		"too deep":              {deep(1001), "error: JSON is nested deeper than 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			d := jsonl.NewDecoder([]string{"a", "b"})
			for range 2 { // a decoder keeps nothing
				if got := show(d, c.in); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
			}
		})
	}
}

// FuzzDecoder holds the decoder against encoding/json.
func FuzzDecoder(f *testing.F) {
	for _, in := range []string{`{"a":1,"b":"x\u00fc"}`, `{"a":{"c":[1,2,{"d":null}]},"x":true}`, `{"a":"\ud83d\ude00"}`, `{"a":1e5,"a":2}`, `{ }`, `[]`, `{"a":-0.0}`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !utf8.Valid(in) {
			return
		}
		d := jsonl.NewDecoder([]string{"a", "b"})
		fields, err := d.Decode(in)
		var want map[string]json.RawMessage
		theirs := json.Unmarshal(in, &want)
		if bytes.Equal(bytes.TrimSpace(in), []byte("null")) {
			return
		}
		if err != nil {
			reason := err.Error()
			if theirs == nil && !strings.Contains(reason, "twice") && !strings.Contains(reason, "surrogate") && !strings.Contains(reason, "deeper") {
				t.Fatalf("%q: we say %v, encoding/json takes it", in, err)
			}
			return
		}
		if theirs != nil {
			t.Fatalf("%q: we take it, encoding/json says %v", in, theirs)
		}
		if len(fields) != len(want) {
			t.Fatalf("%q: %d fields, want %d", in, len(fields), len(want))
		}
		for _, f := range fields {
			name := string(f.Name)
			if f.Column >= 0 {
				name = d.Names()[f.Column]
			}
			sameValue(t, f, want[name])
		}
	})
}

func sameValue(t *testing.T, f jsonl.Field, raw json.RawMessage) {
	t.Helper()
	switch f.Kind {
	case jsonl.String:
		var s string
		if err := json.Unmarshal(raw, &s); err != nil || s != string(f.Value) {
			t.Fatalf("%s: got %q, want %q, %v", raw, f.Value, s, err)
		}
	default:
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil || b.String() != string(f.Value) {
			t.Fatalf("%s: got %s, want %s, %v", raw, f.Value, b.String(), err)
		}
	}
}

type scanner interface {
	Next() bool
	Record() []byte
	Problem() string
	Line() int64
	Offset() int64
	Err() error
}

func read(s scanner) []string {
	var out []string
	for s.Next() {
		if p := s.Problem(); p != "" {
			out = append(out, fmt.Sprintf("%d!%s", s.Line(), p))
		} else {
			out = append(out, fmt.Sprintf("%d:%s", s.Line(), s.Record()))
		}
	}
	if s.Err() != nil {
		what, _, _ := strings.Cut(s.Err().Error(), " (") // without the hint
		out = append(out, what)
	}
	return out
}

func TestLines_Next(t *testing.T) {
	for name, c := range map[string]struct {
		in      string
		partial bool
		want    []string
	}{
		"empty":            {"", false, nil},
		"lines":            {"a\nb\n", false, []string{"1:a", "2:b"}},
		"no end":           {"a\nb", false, []string{"1:a", "2:b"}},
		"partial":          {"a\nb", true, []string{"1:a"}},
		"empty lines":      {"\n \r\na\n\t\n\nb\n\n", false, []string{"3:a", "6:b"}},
		"CRLF is a space":  {"a\r\nb\r\n", false, []string{"1:a\r", "2:b\r"}},
		"too long":         {"a\n123456789\nb\n", false, []string{"1:a", "2!record is longer than 8 bytes", "3:b"}},
		"too long at last": {"a\n123456789", false, []string{"1:a", "2!record is longer than 8 bytes"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []func() *window.Window{
				func() *window.Window { return window.New(strings.NewReader(c.in), 0) },
				func() *window.Window { return window.New(iotest.OneByteReader(strings.NewReader(c.in)), 0) },
			} {
				s := jsonl.NewLines(r(), 1)
				s.MaxRecord, s.Partial = 8, c.partial
				if diff := cmp.Diff(c.want, read(s)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestLines_TooLong(t *testing.T) {
	s := jsonl.NewLines(window.New(strings.NewReader("a\n"+strings.Repeat("x", 5<<20)+"\nb\n"), 0), 1)
	s.MaxRecord = 1 << 20
	if diff := cmp.Diff([]string{"1:a", "2!record is longer than 1048576 bytes", "3:b"}, read(s)); diff != "" {
		t.Error(diff)
	}
}

func TestElements_Next(t *testing.T) {
	for name, c := range map[string]struct {
		in, path string
		want     []string
	}{
		"empty file":         {"", "", nil},
		"empty array":        {" [ ] ", "", nil},
		"array":              {"[{\"a\":1},\n{\"b\":[\"]\\\"\"]}]", "", []string{`1:{"a":1}`, `2:{"b":["]\""]}`}},
		"scalars":            {`[1, "a",null ]`, "", []string{"1:1", `1:"a"`, "1:null"}},
		"one object":         {`{"a":1}`, "", []string{`1:{"a":1}`}},
		"objects in a row":   {"{}\n{} {}", "", []string{"1:{}", "2:{}", "2:{}"}},
		"path":               {`{"x":[{}],"data":{"n":1,"items":[{"a":1}]},"z":2}`, "data.items", []string{`1:{"a":1}`}},
		"path with $":        {`{"items":[{"a":1}]}`, "$.items", []string{`1:{"a":1}`}},
		"no such path":       {`{"items":[]}`, "rows", []string{`line 1: the object has no name "rows"`}},
		"path to no array":   {`{"rows":1}`, "rows", []string{`line 1: '1' stands where an array of objects must begin`}},
		"behind the end":     {`[{"a":1}] [{"a":2}]`, "", []string{`1:{"a":1}`, "line 1: '[' stands behind the array's end"}},
		"behind a path":      {"{\"x\":{\"y\":[{}],\"z\":1}\n,\"w\":[]}\n{}", "x.y", []string{"1:{}", "line 3: '{' stands behind the object's end"}},
		"path cut off":       {`{"x":{"y":[{}],"z":1}`, "x.y", []string{"1:{}", "line 1: the file ends inside an object: it was cut off"}},
		"path twice":         {`{"x":{"y":[{}],"y":[]}}`, "x.y", []string{"1:{}", `line 1: the name "y" comes twice`}},
		"cut off":            {`[{"a":1},`, "", []string{`1:{"a":1}`, "line 1: nothing follows a comma of the array"}},
		"cut off in a value": {`[{"a":1},{"b`, "", []string{`1:{"a":1}`, "line 1: the file ends inside a value: it was cut off"}},
		"not closed":         {`[{"a":1}`, "", []string{`1:{"a":1}`, "line 1: the file ends inside an array: it was cut off"}},
		"no comma":           {`[{} {}]`, "", []string{"1:{}", "line 1: '{' stands where a comma or the array's end must be"}},
		"text":               {"hello", "", []string{"line 1: 'h' stands where an array of objects must begin"}},
		"too long":           {"[1,\n[\"12345678901234567\"\n,2],\n3]", "", []string{"1:1", "2!record is longer than 20 bytes", "4:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, w := range []*window.Window{window.New(strings.NewReader(c.in), 0), window.New(iotest.OneByteReader(strings.NewReader(c.in)), 0)} {
				s := jsonl.NewElements(w, 1, c.path, 20)
				if diff := cmp.Diff(c.want, read(s)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestElements_Resume(t *testing.T) {
	for _, in := range []string{`[{"a":1},{"b":2} , {"c":3}]`, "{\"a\":1}\n{\"b\":2} {\"c\":3}"} {
		s := jsonl.NewElements(window.New(strings.NewReader(in), 0), 1, "", 100)
		all := 0
		for s.Next() {
			all++
			rest := jsonl.ResumeElements(window.New(strings.NewReader(in[s.Offset():]), s.Offset()), 1, "", 100)
			if got := read(rest); len(got) != 3-all {
				t.Errorf("behind %d: %v", all, got)
			}
		}
		if all != 3 || s.More() {
			t.Errorf("%d elements, more %v", all, s.More())
		}
	}
}
