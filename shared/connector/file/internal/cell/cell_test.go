package cell_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/record"
)

func typ(t testing.TB, s string) record.Type {
	t.Helper()
	out, err := record.ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var types = []string{"int", "float", "decimal(12,2)", "decimal(38,0)", "decimal(38,20)", "bool", "string", "bytes", "date", "time", "timestamp", "timestamptz", "uuid", "json"}

var texts = []string{
	"0", "-0", "1", "-1", "007", "+1", "1.", ".5", "1.5", "-0.10", "1e3", "1E-3", "1e400", "NaN", "Inf", "0x10", "1_000", " 1", "1 ",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "123456789012345678",
	"-74.93360137939453", "0.1234567890123456789", "99999999999999999999999999999999999999", "1234567890.12", "12345678901.12",
	"true", "false", "TRUE", "1", "yes", "", "a", "ü", "2026-08-22", "2026-02-29", "2024-02-29", "0000-01-01", "9999-12-31", "2026-8-2",
	"1969-12-31", "1900-02-29", "17:03:59", "17:03:59.000001", "17:03:59.0000001", "24:00:00", "17:03", "2026-08-22T17:03:59",
	"2026-08-22 17:03:59.5", "2026-08-22T17:03:59Z", "2026-08-22T17:03:59.123456+02:00", "1969-12-31T23:59:59.999999Z",
	"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b810-9dad-11d1-80b400-c04fd430c8", "6ba7b810-9dad-11d1--0b4-00c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430-8",
	"YWI=", "YWJj", "YWJ", "Y\nQ==", "====", "{}", "[1]", "{\"a\":1}", "YQ==", "null",
}

// same holds a column against package record: what it takes, record takes, with the same value.
func same(t *testing.T, kind record.Type, text string) {
	t.Helper()
	c := cell.NewColumn(kind, false)
	ok := c.Text([]byte(text))
	b := record.NewColumnBuilder(kind)
	err := record.ParseText(b, kind, text)
	if !ok {
		return
	}
	if err != nil {
		if (kind.Kind == record.String || kind.Kind == record.JSON) && !utf8.ValidString(text) {
			return // UTF-8 is the caller's
		}
		t.Fatalf("%s takes %q, record does not: %v", kind, text, err)
	}
	if got, want := c.Array(), b.NewArray(); !array.Equal(got, want) {
		t.Fatalf("%s %q = %v, want %v", kind, text, got, want)
	}
}

func TestColumn_Text(t *testing.T) {
	loose := map[string]bool{} // texts that record takes and a column does not
	for _, name := range types {
		for _, text := range texts {
			kind := typ(t, name)
			same(t, kind, text)
			if !cell.NewColumn(kind, false).Text([]byte(text)) && record.ParseText(record.NewColumnBuilder(kind), kind, text) == nil {
				loose[name+" "+text] = true
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{}, loose); diff != "" {
		t.Errorf("record takes more: %s", diff)
	}
}

func FuzzColumn_Text(f *testing.F) {
	for i, text := range texts { // TestColumn_Text tries each with each type
		f.Add(uint8(i), text)
	}
	f.Fuzz(func(t *testing.T, i uint8, text string) {
		same(t, typ(t, types[int(i)%len(types)]), text)
	})
}

func TestColumn_Truncate(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind := typ(t, rapid.SampledFrom(types).Draw(r, "type"))
		var good []string
		for _, s := range texts {
			if cell.NewColumn(kind, false).Text([]byte(s)) {
				good = append(good, s)
			}
		}
		c, want := cell.NewColumn(kind, false), record.NewColumnBuilder(kind)
		if rapid.Bool().Draw(r, "reserve") {
			c.Reserve(20, 100)
		}
		for range rapid.IntRange(0, 40).Draw(r, "n") {
			s := rapid.SampledFrom(good).Draw(r, "text")
			keep, null := rapid.Bool().Draw(r, "keep"), rapid.Bool().Draw(r, "null")
			n := c.Len()
			if null {
				c.Null()
			} else if !c.Text([]byte(s)) {
				r.Fatalf("%q was refused", s)
			}
			switch {
			case !keep:
				c.Truncate(n)
			case null:
				want.AppendNull()
			default:
				_ = record.ParseText(want, kind, s)
			}
		}
		if got, want := c.Array(), want.NewArray(); !array.Equal(got, want) || got.NullN() != want.NullN() {
			r.Fatalf("got %v, want %v", got, want)
		}
		if c.Len() != 0 {
			r.Fatal("not empty behind Array")
		}
	})
}

// TestColumn_TruncateMany takes as many cells back as it keeps: a column full of rejects must cost no more than one without.
func TestColumn_TruncateMany(t *testing.T) {
	for name, text := range map[string]string{"uuid": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "bytes": "YWJj", "string": "abc", "bool": "true"} {
		c := cell.NewColumn(typ(t, name), false)
		c.Null()
		began := time.Now()
		const n = 200_000
		for c.Len() < n {
			c.Text([]byte(text))
			c.Text([]byte(text))
			c.Truncate(c.Len() - 1)
		}
		if col := c.Array(); col.Len() != n || col.NullN() != 1 || time.Since(began) > 10*time.Second {
			t.Errorf("%s: %d cells, %d null, after %v", name, col.Len(), col.NullN(), time.Since(began))
		}
	}
}

func TestGuess_Type(t *testing.T) {
	for name, c := range map[string]struct {
		values string
		want   string
	}{
		"nothing":                   {"", "string"},
		"ints":                      {"1 -5 0 9223372036854775807", "int"},
		"leading zero":              {"1 02", "string"},
		"plus":                      {"+1", "string"},
		"beyond 64 bits":            {"1 9223372036854775808", "decimal(19,0)"},
		"beyond 38 digits":          {"1 123456789012345678901234567890123456789", "string"},
		"coordinates":               {"-74.93360137939453 12", "float"},
		"money":                     {"19.90 5", "float"},
		"more than a float":         {"0.12345678901234567 12.5", "decimal(19,17)"},
		"int that a float changes":  {"9007199254740993 0.5", "decimal(17,1)"},
		"exponent":                  {"1e3 2", "float"},
		"beyond a float":            {"1e400", "string"},
		"NaN":                       {"NaN 1.5", "string"},
		"minus zero":                {"-0 1", "float"},
		"bools":                     {"true false", "bool"},
		"other spellings":           {"TRUE", "string"},
		"bool and int":              {"true 1", "string"},
		"dates":                     {"2026-08-22 2024-02-29", "date"},
		"no such day":               {"2026-02-30", "string"},
		"timestamps":                {"2026-08-22T17:03:59 2026-08-22T17:03:59.5", "timestamp"},
		"instants":                  {"2026-08-22T17:03:59Z 2026-08-22T17:03:59+02:00", "timestamptz"},
		"with and without a zone":   {"2026-08-22T17:03:59Z 2026-08-22T17:03:59", "string"},
		"date and timestamp":        {"2026-08-22 2026-08-22T17:03:59", "string"},
		"NA is a text":              {"NA 1", "string"},
		"date and number":           {"2026-08-22 1", "string"},
		"nanoseconds are too much":  {"2026-08-22T17:03:59.123456789", "string"},
		"nanoseconds that are zero": {"2026-08-22T17:03:59.123456000", "timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			var g cell.Guess
			for _, v := range strings.Fields(c.values) {
				var one cell.Guess
				one.Text([]byte(v))
				g.Merge(one)
			}
			if got := g.Type().String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestGuess_JSON(t *testing.T) {
	for name, c := range map[string]struct {
		see  func(g *cell.Guess)
		want string
	}{
		"text that is a number": {func(g *cell.Guess) { g.Quoted([]byte("12")) }, "string"},
		"date":                  {func(g *cell.Guess) { g.Quoted([]byte("2026-08-22")) }, "date"},
		"text and number":       {func(g *cell.Guess) { g.Quoted([]byte("a")); g.Number([]byte("1")) }, "string"},
		"date and number":       {func(g *cell.Guess) { g.Quoted([]byte("2026-08-22")); g.Number([]byte("1")) }, "string"},
		"nested and text":       {func(g *cell.Guess) { g.Nested(); g.Quoted([]byte("a")) }, "json"},
		"bool":                  {func(g *cell.Guess) { g.Bool() }, "bool"},
		"bool and number":       {func(g *cell.Guess) { g.Bool(); g.Number([]byte("1")) }, "string"},
	} {
		t.Run(name, func(t *testing.T) {
			var g cell.Guess
			c.see(&g)
			if got := g.Type().String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// FuzzGuess checks that the guessed type takes all values and gives them back as they were.
func FuzzGuess(f *testing.F) {
	for i := range texts {
		f.Add(texts[i], texts[(i+1)%len(texts)])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		var g cell.Guess
		g.Text([]byte(a))
		g.Text([]byte(b))
		kind := g.Type()
		c := cell.NewColumn(kind, true)
		if !c.Text([]byte(a)) || !c.Text([]byte(b)) {
			t.Fatalf("%s does not take %q and %q", kind, a, b)
		}
		lossless(t, c.Array(), kind, []string{a, b})
	})
}

func lossless(t *testing.T, col arrow.Array, kind record.Type, want []string) {
	t.Helper()
	for i, w := range want {
		got := string(record.AppendText(nil, col, kind, i))
		switch kind.Kind {
		case record.Int, record.String, record.Bool, record.Date:
			if got != w {
				t.Errorf("%s %q comes out as %q", kind, w, got)
			}
		case record.Float:
			x, err1 := strconv.ParseFloat(w, 64)
			y, err2 := strconv.ParseFloat(got, 64)
			if err1 != nil || err2 != nil || math.Float64bits(x) != math.Float64bits(y) {
				t.Errorf("float %q comes out as %q", w, got)
			}
		}
	}
}

func TestRoundTrips(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "0.1": true, "-74.93360137939453": true, "123456789012345": true, "9007199254740993": false, "9007199254740992": true,
		"0.30000000000000004": true, "0.3000000000000000444": false, "1e22": true, "1.50": true, "100000000000000000000000": true,
		"1e400": false, "1e-400": false, "5e-324": true, "x": false, "1E3": true, "1e99999999999999999999": false, "0e5": true,
	} {
		if got := cell.RoundTrips([]byte(text)); got != want {
			t.Errorf("RoundTrips(%s) = %v, want %v", text, got, want)
		}
	}
}
