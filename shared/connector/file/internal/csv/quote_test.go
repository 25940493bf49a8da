package csv_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// dialects are ways to write quotes that a scanner could mistake for each other.
func dialects() []csv.Dialect {
	lazy := with(func(d *csv.Dialect) { d.Lazy = true })
	all := []csv.Dialect{plain, lazy}
	for _, change := range []func(d *csv.Dialect){
		func(d *csv.Dialect) { d.Escape = '\\' },
		func(d *csv.Dialect) { d.Trim = true },
		func(d *csv.Dialect) { d.CR = true },
		func(d *csv.Dialect) { d.Blank, d.Comment = true, '#' },
		func(d *csv.Dialect) { d.MaxRecord = 5 },
	} {
		for _, d := range []csv.Dialect{plain, lazy} {
			change(&d)
			all = append(all, d)
		}
	}
	return all
}

// sameAnew holds a scanner against one that begins anew behind each record: what a scanner remembers of earlier fields must change
// nothing.
func sameAnew(t *testing.T, in []byte, d csv.Dialect) {
	t.Helper()
	s := csv.New(window.New(bytes.NewReader(in), 0), d, 1)
	for at := int64(0); s.Next(); at = s.Offset() {
		fresh := csv.New(window.New(bytes.NewReader(in[at:]), at), d, 1)
		ok := fresh.Next()
		if !ok || fresh.Offset() != s.Offset() || fresh.Problem() != s.Problem() || !bytes.Equal(fresh.Record(), s.Record()) || !slices.Equal(fresh.Fields(), s.Fields()) {
			t.Fatalf("%q, %+v: at %d a scanner that comes from before finds %q %q up to %d, a new one %q %q up to %d",
				in, d, at, s.Record(), s.Problem(), s.Offset(), fresh.Record(), fresh.Problem(), fresh.Offset())
		}
	}
}

// TestScanner_Anew goes through all short texts of the characters that quotes are about, and through random longer ones.
func TestScanner_Anew(t *testing.T) {
	const marks = "\"a,\n\\ \r"
	r := rand.New(rand.NewPCG(4, 4))
	for _, d := range dialects() {
		for n := range 500 {
			in := make([]byte, 1+n%20)
			for i := range in {
				in[i] = marks[min(r.IntN(len(marks)+3), len(marks)+1)%len(marks)]
			}
			sameAnew(t, in, d)
		}
	}
}

// TestScanner_OpenQuotes reads texts in which every line opens a quote that nothing closes: time must grow with their length, not with
// its square, which takes minutes here.
func TestScanner_OpenQuotes(t *testing.T) {
	for name, c := range map[string]struct {
		d    csv.Dialect
		line string
	}{
		"lazy":                   {with(func(d *csv.Dialect) { d.Lazy = true }), "1,\"x\n"},
		"lazy, several a line":   {with(func(d *csv.Dialect) { d.Lazy = true }), "\"x\"y\"z\n"},
		"lazy, blanks":           {with(func(d *csv.Dialect) { d.Lazy, d.Trim = true, true }), "1, \" x\n"},
		"lazy, backslash":        {with(func(d *csv.Dialect) { d.Lazy, d.Escape = true, '\\' }), "\"\\\"x\n"},
		"lazy, no line complete": {with(func(d *csv.Dialect) { d.Lazy, d.CR = true, true }), "\"x\r"},
	} {
		t.Run(name, func(t *testing.T) {
			d := c.d
			d.MaxRecord = 16 << 20
			in := strings.Repeat(c.line, 8<<20/len(c.line))
			began, n := time.Now(), 0
			for s := csv.New(window.New(strings.NewReader(in), 0), d, 1); s.Next(); n++ {
				if s.Problem() == "" {
					t.Fatalf("record %d at line %d has no problem", n, s.Line())
				}
			}
			if took := time.Since(began); n != 8<<20/len(c.line) || took > 20*time.Second {
				t.Errorf("%d records after %v", n, took)
			}
		})
	}
}
