package csv_test

import (
	"bytes"
	stdcsv "encoding/csv"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

var plain = csv.Dialect{Comma: ',', Quote: '"', Escape: '"', MaxRecord: 1 << 20}

func with(change func(d *csv.Dialect)) csv.Dialect {
	d := plain
	change(&d)
	return d
}

// read gives the records, fields joined by |, quoted fields in quotes; problems as !line: problem.
func read(s *csv.Scanner) []string {
	var out []string
	for s.Next() {
		if p := s.Problem(); p != "" {
			out = append(out, "!"+string(rune('0'+s.Line()))+" "+p)
			continue
		}
		var cells []string
		for _, f := range s.Fields() {
			text := s.Record()[f.Lo:f.Hi]
			if f.Escaped {
				text = s.Unescape(nil, text)
			}
			if f.Quoted {
				text = []byte(`"` + string(text) + `"`)
			}
			cells = append(cells, string(text))
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return out
}

func TestScanner_Next(t *testing.T) {
	const bare, behind, open = "a quote stands inside a field that does not begin with one", "text stands behind a closing quote", "a quote is opened and never closed"
	for name, c := range map[string]struct {
		d    csv.Dialect
		in   string
		want []string
	}{
		"empty":                          {plain, "", nil},
		"one field":                      {plain, "a", []string{"a"}},
		"lines":                          {plain, "a,b\nc,d\n", []string{"a|b", "c|d"}},
		"no line end at the end":         {plain, "a,b\nc,d", []string{"a|b", "c|d"}},
		"CRLF":                           {plain, "a,b\r\n\"c\",\"d\"\r\n", []string{"a|b", `"c"|"d"`}},
		"CR at the very end":             {plain, "a,b\r", []string{"a|b"}},
		"CR behind a quote at the end":   {plain, "a,\"b\"\r", []string{`a|"b"`}},
		"CR only":                        {with(func(d *csv.Dialect) { d.CR = true }), "a,b\rc,\"d\"\r", []string{"a|b", `c|"d"`}},
		"CR inside a field":              {plain, "a\rb,c\n", []string{"a\rb|c"}},
		"empty fields":                   {plain, ",,\n,\n", []string{"||", "|"}},
		"empty lines are nothing":        {plain, "\na\n\r\n\nb\n\n", []string{"a", "b"}},
		"empty lines are records":        {with(func(d *csv.Dialect) { d.Blank = true }), "a\n\nb\n", []string{"a", "", "b"}},
		"quotes":                         {plain, `"a,b","c""d",""` + "\n", []string{`"a,b"|"c"d"|""`}},
		"embedded newlines":              {plain, "\"a\nb\",c\nd,e\n", []string{"\"a\nb\"|c", "d|e"}},
		"line behind embedded newlines":  {plain, "\"a\nb\",c\nd\"e\n", []string{"\"a\nb\"|c", "!3 " + bare}},
		"embedded CRLF stays":            {plain, "\"a\r\nb\",c\r\n", []string{"\"a\r\nb\"|c"}},
		"bare quote":                     {plain, "a\"b,c\nd,e\n", []string{"!1 " + bare, "d|e"}},
		"text behind a quote":            {plain, "\"a\"b,c\nd,e\n", []string{"!1 " + behind, "d|e"}},
		"text behind a quote, two lines": {plain, "\"a\nb\"c\nd,e\nf\"\n", []string{"!1 " + behind, "d|e", "!4 " + bare}},
		"open quote":                     {plain, "\"a,b\nc,d\ne,f", []string{"!1 " + open, "c|d", "e|f"}},
		"lazy":                           {with(func(d *csv.Dialect) { d.Lazy = true }), "a\"b\",\"c\"d\"\n\"e \"f\",g\n", []string{`a"b"|"c"d"`, `"e "f"|g`}},
		"backslash":                      {with(func(d *csv.Dialect) { d.Escape = '\\' }), `"a\"b","c\\","d\n"` + "\n", []string{`"a"b"|"c\"|"d\n"`}},
		"no quotes":                      {with(func(d *csv.Dialect) { d.Quote = 0 }), "\"a,b\"\n", []string{`"a|b"`}},
		"comments":                       {with(func(d *csv.Dialect) { d.Comment = '#' }), "#x,\"\na#,#b\n# y", []string{"a#|#b"}},
		"trim":                           {with(func(d *csv.Dialect) { d.Trim = true }), " a ,\t\"b \" , c d\r\n", []string{`a|"b "|c d`}},
		"tabs":                           {with(func(d *csv.Dialect) { d.Comma, d.Trim = '\t', true }), "a \t b\t\n", []string{"a|b|"}},
		"too long":                       {with(func(d *csv.Dialect) { d.MaxRecord = 8 }), "a,b\n123456789\nc,d\n", []string{"a|b", "!2 record is longer than 8 bytes", "c|d"}},
		"partial line":                   {with(func(d *csv.Dialect) { d.Partial = true }), "a,b\nc,d", []string{"a|b"}},
		"partial quote":                  {with(func(d *csv.Dialect) { d.Partial = true }), "a,b\n\"c\nd", []string{"a|b"}},
		"partial broken line":            {with(func(d *csv.Dialect) { d.Partial = true }), "a,b\nc\"", []string{"a|b"}},
		"partial line, too long":         {with(func(d *csv.Dialect) { d.Partial, d.MaxRecord = true, 8 }), "a,b\n123456789", []string{"a|b"}},
		"partial comment":                {with(func(d *csv.Dialect) { d.Partial, d.Comment = true, '#' }), "a,b\n#c", []string{"a|b"}},
		"long fields":                    {plain, strings.Repeat("x", 100) + "," + strings.Repeat("y", 9) + "\n", []string{strings.Repeat("x", 100) + "|" + strings.Repeat("y", 9)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(csv.New(window.New(strings.NewReader(c.in), 0), c.d, 1))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			slow := read(csv.New(window.New(iotest.OneByteReader(strings.NewReader(c.in)), 0), c.d, 1))
			if diff := cmp.Diff(got, slow); diff != "" {
				t.Errorf("byte by byte: %s", diff)
			}
		})
	}
}

func TestScanner_TooLong(t *testing.T) {
	big := strings.Repeat("x\n\"\"", 2<<20)
	in := "a,b\n\"" + big + "\",c\nd,e\n"
	d := with(func(d *csv.Dialect) { d.MaxRecord = 1 << 20 })
	s := csv.New(window.New(strings.NewReader(in), 0), d, 1)
	got := read(s)
	want := []string{"a|b", "!2 record is longer than 1048576 bytes", "d|e"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := int64(3 + strings.Count(big, "\n")); s.Line() != want {
		t.Errorf("line = %d, want %d", s.Line(), want)
	}
}

// TestScanner_Pass checks that Pass finds the same borders, lines and problems as Next.
func TestScanner_Pass(t *testing.T) {
	for _, in := range []string{"a,b\n\"c\nd\",e\r\nf\"g\n\n\"h", "a\n", "", "\"a\"b\nc\n", "#\n\r\n"} {
		samePass(t, []byte(in), plain)
	}
}

func samePass(t *testing.T, in []byte, d csv.Dialect) {
	t.Helper()
	a, b := csv.New(window.New(bytes.NewReader(in), 0), d, 1), csv.New(window.New(bytes.NewReader(in), 0), d, 1)
	for {
		x, y := a.Next(), b.Pass()
		if x != y || a.Offset() != b.Offset() || x && (a.Line() != b.Line() || a.Problem() != b.Problem() || !bytes.Equal(a.Record(), b.Record())) {
			t.Fatalf("%q: Next %v at %d line %d %q, Pass %v at %d line %d %q", in, x, a.Offset(), a.Line(), a.Problem(), y, b.Offset(), b.Line(), b.Problem())
		}
		if !x {
			return
		}
	}
}

// FuzzScanner holds the scanner against encoding/csv where both mean the same, and against itself.
func FuzzScanner(f *testing.F) {
	for _, in := range []string{"a,b\nc,d\n", "\"a\"\"b\",\n", "a\"b\n", "\"a\"b\nc", "\"a\n", ",\n\n,", "\"\",\"\"\n", "a\r\nb\r"} {
		f.Add([]byte(in), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, crlf bool) {
		samePass(t, in, plain)
		lazy := with(func(d *csv.Dialect) { d.Lazy, d.Trim, d.Comment = true, true, '#' })
		samePass(t, in, lazy)
		for _, d := range dialects() {
			sameAnew(t, in, d)
		}
		if got, slow := read(csv.New(window.New(bytes.NewReader(in), 0), plain, 1)), read(csv.New(window.New(iotest.OneByteReader(bytes.NewReader(in)), 0), plain, 1)); !cmp.Equal(got, slow) {
			t.Fatalf("byte by byte: %s", cmp.Diff(got, slow))
		}
		in = bytes.ReplaceAll(in, []byte("\r"), nil) // encoding/csv changes them inside quotes
		theirs := in
		if crlf {
			theirs, in = in, bytes.ReplaceAll(in, []byte("\n"), []byte("\r\n"))
		}
		r := stdcsv.NewReader(bytes.NewReader(theirs))
		r.FieldsPerRecord = -1
		s := csv.New(window.New(bytes.NewReader(in), 0), plain, 1)
		for {
			want, err := r.Read()
			ok := s.Next()
			if err == io.EOF != !ok {
				t.Fatalf("%q: encoding/csv %v, we go on: %v", in, err, ok)
			}
			if !ok {
				return
			}
			if (err != nil) != (s.Problem() != "") {
				t.Fatalf("%q: encoding/csv %v, we %q", in, err, s.Problem())
			}
			if err != nil {
				return // they stop, we go on
			}
			var got []string
			for _, f := range s.Fields() {
				text := string(s.Unescape(nil, s.Record()[f.Lo:f.Hi]))
				if !f.Escaped {
					text = string(s.Record()[f.Lo:f.Hi])
				}
				got = append(got, strings.ReplaceAll(text, "\r\n", "\n"))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%q: %s", in, diff)
			}
		}
	})
}

func TestEndsWithCR(t *testing.T) {
	for in, want := range map[string]bool{"a\rb\r": true, "a\r\nb\r\n": false, "a\nb\rc": false, "\"\n\",a\rb": true, "\"\r\",a\nb": false, "a": false, "a\r": false} {
		if got := csv.EndsWithCR([]byte(in), '"'); got != want {
			t.Errorf("EndsWithCR(%q) = %v", in, got)
		}
	}
}
