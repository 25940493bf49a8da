package jsonl_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// FuzzLines goes through any text by lines: byte by byte it is the same, and no byte that is not a blank is lost.
func FuzzLines(f *testing.F) {
	for _, in := range []string{"", "\n\n", "{}\n{}", "a\r\nb\r", " \n{\"a\":1}\n\t", "123456789012345678901\nx\n"} {
		f.Add([]byte(in), false)
		f.Add([]byte(in), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, partial bool) {
		open := func(w *window.Window) *jsonl.Lines {
			s := jsonl.NewLines(w, 1)
			s.MaxRecord, s.Partial = 20, partial
			return s
		}
		got := read(open(window.New(bytes.NewReader(in), 0)))
		if slow := read(open(window.New(iotest.OneByteReader(bytes.NewReader(in)), 0))); !cmp.Equal(got, slow) {
			t.Fatalf("byte by byte: %s", cmp.Diff(got, slow))
		}
		want := 0
		for i, line := range bytes.Split(in, []byte{'\n'}) {
			last := i == bytes.Count(in, []byte{'\n'})
			if len(bytes.TrimSpace(line)) > 0 && !(partial && last) {
				want++
			}
		}
		if len(got) != want {
			t.Fatalf("%q: %d records, want %d: %q", in, len(got), want, got)
		}
	})
}

// FuzzElements goes through any text as an array: byte by byte it is the same; a text that is an array to encoding/json has its
// elements; what goes on behind an element is the same as what goes on without a stop.
func FuzzElements(f *testing.F) {
	for _, in := range []string{"", "[]", `[{"a":1},{"b":[2]}]`, `{"x":{"y":[{},{}]},"z":1}`, "{}{}", `[1,"a",null]`, `[{}] x`, `[{},]`, `[{"a":"]\""}`, "[[[[", `{"x":{"y":[1],"y":2}}`} {
		f.Add([]byte(in), "")
		f.Add([]byte(in), "x.y")
	}
	f.Fuzz(func(t *testing.T, in []byte, path string) {
		const limit = 1000
		open := func(w *window.Window) *jsonl.Elements { return jsonl.NewElements(w, 1, path, limit) }
		got := read(open(window.New(bytes.NewReader(in), 0)))
		if slow := read(open(window.New(iotest.OneByteReader(bytes.NewReader(in)), 0))); !cmp.Equal(got, slow) {
			t.Fatalf("byte by byte: %s", cmp.Diff(got, slow))
		}
		s := open(window.New(bytes.NewReader(in), 0))
		for s.Next() {
		}
		whole := s.Err() == nil // else the plan refuses it
		s = open(window.New(bytes.NewReader(in), 0))
		for n := 1; s.Next() && whole && n < len(got); n++ {
			if path == "" && len(bytes.TrimLeft(in[s.Offset():], " \t\r\n")) == 0 {
				break // whether an array is open cannot be told any more; the plan has read all of the file
			}
			rest := read(jsonl.ResumeElements(window.New(bytes.NewReader(in[s.Offset():]), s.Offset()), s.NextLine(), path, limit))
			if !cmp.Equal(rest, got[n:]) {
				t.Fatalf("%q: behind element %d: %s", in, n, cmp.Diff(got[n:], rest))
			}
		}
		var theirs []json.RawMessage
		if path != "" || len(in) > limit || json.Unmarshal(in, &theirs) != nil || theirs == nil {
			return
		}
		if !whole || len(got) != len(theirs) {
			t.Fatalf("%q: %d elements, whole %v, want %d", in, len(got), whole, len(theirs))
		}
	})
}
