package expr

import (
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// TestConvert_TextForms holds that texts and JSON made of values are those of package record, and read back as the same values.
func TestConvert_TextForms(t *testing.T) {
	b := batchOf(testSchema, testRows)
	for i, c := range testSchema.Columns {
		col := b.Rows.Column(i)
		texts, refused, err := Convert(col, c.Type, stringType)
		if err != nil || len(refused) > 0 {
			t.Fatal(c.Name, refused, err)
		}
		asJSON, _, err := Convert(col, c.Type, jsonType)
		if err != nil {
			t.Fatal(c.Name, err)
		}
		for row := range b.Len() {
			if col.IsNull(row) {
				if !texts.IsNull(row) || !asJSON.IsNull(row) {
					t.Errorf("%s: null became a value", c.Name)
				}
				continue
			}
			if got, want := texts.ValueStr(row), string(record.AppendText(nil, col, c.Type, row)); got != want && c.Type != jsonType {
				t.Errorf("%s: got text %s, want %s", c.Name, got, want)
			}
			if got, want := asJSON.ValueStr(row), string(record.AppendJSON(nil, col, c.Type, row)); got != want && c.Type != stringType {
				t.Errorf("%s: got JSON %s, want %s", c.Name, got, want)
			}
		}
		if c.Type == jsonType {
			continue
		}
		back, refused, err := Convert(texts, stringType, c.Type)
		if err != nil || len(refused) > 0 || back.String() != col.String() {
			t.Errorf("%s: got back %v %v %v, want %v", c.Name, back, refused, err, col)
		}
	}
}

var conversions = []struct{ from, to, in, want string }{
	{"string", "int", "12|x|-0|9223372036854775808|", `12 | ! "x" is not a whole number | 0 | ! "9223372036854775808" is beyond 64 bits | null`},
	{"int", "bool", "1|0|2|", "true | false | ! 2 is not a bool: 1 or 0 | null"},
	{"int", "float", "9007199254740993|5", "! 9007199254740993 cannot be a float without loss | 5"},
	{"int", "decimal(3,1)", "99|100|-99", "99.0 | ! 100 does not fit decimal(3,1) | -99.0"},
	{"float", "int", "3|3.5|1e19", "3 | ! 3.5 is not a whole number of 64 bits | ! 10000000000000000000 is not a whole number of 64 bits"},
	{"float", "decimal(4,2)", "0.1|12.345|100", `0.10 | ! "12.345" does not fit decimal(4,2) | ! "100" does not fit decimal(4,2)`},
	{"decimal(4,2)", "decimal(3,1)", "12.50|12.55", "12.5 | ! 12.55 does not fit decimal(3,1)"},
	{"decimal(38,0)", "int", "9223372036854775807|9223372036854775808", "9223372036854775807 | ! 9223372036854775808 is not a whole number of 64 bits"},
	{"decimal(38,20)", "decimal(38,30)", "0.1|999999999.5", "0.100000000000000000000000000000 | ! 999999999.50000000000000000000 does not fit decimal(38,30)"},
	{"timestamp", "date", "1969-12-31T23:59:59.999999|2026-08-22T00:00:00", `"1969-12-31" | "2026-08-22"`},
	{"timestamptz", "time", "1969-12-31T23:59:59.999999Z", `"23:59:59.999999"`},
	{"date", "timestamptz", "2026-08-22|1900-01-01", `"2026-08-22T00:00:00Z" | "1900-01-01T00:00:00Z"`},
	{"json", "string", `"a\"b"|12|{"a": 1}|null|`, `"a\"b" | "12" | "{\"a\": 1}" | null | null`},
	{"json", "int", `"12"|12|12.0|true`, `12 | 12 | ! "12.0" is not a whole number | ! "true" is not a whole number`},
	{"json", "bool", `true|"false"|1|[]`, `true | false | true | ! "[]" is not a bool: true, false, 1 or 0`},
	{"string", "json", `{"a":1}|x|null|`, `{"a":1} | ! text is not valid JSON | null | null`},
}

func TestConvert(t *testing.T) {
	for _, c := range conversions {
		t.Run(c.from+" to "+c.to, func(t *testing.T) {
			s := schemaOf("x " + c.from)
			to, err := record.ParseType(c.to)
			if err != nil {
				t.Fatal(err)
			}
			var rows [][]string
			for _, text := range strings.Split(c.in, "|") {
				rows = append(rows, []string{text})
			}
			b := batchOf(s, rows)
			col, refused, err := Convert(b.Rows.Column(0), s.Columns[0].Type, to)
			if err != nil {
				t.Fatal(err)
			}
			out := make([]string, col.Len())
			for row := range out {
				out[row] = string(record.AppendJSON(nil, col, to, row))
			}
			for _, r := range refused {
				out[r.Row] = "! " + r.Message
			}
			if diff := cmp.Diff(strings.Join(out, " | "), c.want); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, _, err := Convert(record.NullColumn(boolType, 1), boolType, dateType); !fault.Has(err, fault.ConfigInvalid) || Convertible(boolType, dateType) {
		t.Errorf("bool to date: got %v", err)
	}
}

// TestCompareIntFloat_Exact holds the comparison against exact arithmetic.
func TestCompareIntFloat_Exact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64().Draw(t, "a")
		b := rapid.OneOf(rapid.Float64(), rapid.Just(float64(a)), rapid.Just(float64(a)+0.5)).Draw(t, "b")
		want := new(big.Rat).SetInt64(a).Cmp(new(big.Rat).SetFloat64(b))
		if got := compareIntFloat(a, b); got != want {
			t.Fatalf("compare %d with %v: got %d, want %d", a, b, got, want)
		}
	})
}

func TestFunctions(t *testing.T) {
	for _, f := range Functions() {
		if f.Usage == "" || f.Summary == "" || !strings.HasPrefix(f.Usage, f.Name+"(") {
			t.Errorf("%s is not described: %+v", f.Name, f)
		}
		used := false
		for _, v := range vectors {
			used = used || strings.Contains(v.src, f.Name+"(")
		}
		if !used {
			t.Errorf("no vector has %s()", f.Name)
		}
	}
}

func BenchmarkConvert(b *testing.B) {
	batch := runways(50_000)
	ints, _, err := Convert(batch.Rows.Column(0), intType, stringType)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, err := Convert(ints, stringType, intType); err != nil {
			b.Fatal(err)
		}
	}
}
