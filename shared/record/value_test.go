package record_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// form is one value in its three forms.
type form struct {
	name  string
	text  string
	json  string // "" means the text
	value any
}

// forms is the table of types: for each, values with their text, JSON and Go form. Every form reads back as the same cell.
var forms = []struct {
	typ    string
	values []form
}{
	{"int", []form{
		{"zero", "0", "", int64(0)},
		{"minus one", "-1", "", int64(-1)},
		{"smallest", "-9223372036854775808", "", int64(math.MinInt64)},
		{"largest", "9223372036854775807", "", int64(math.MaxInt64)},
		{"beyond what a float holds", "9007199254740993", "", int64(1<<53 + 1)},
	}},
	{"float", []form{
		{"zero", "0", "", 0.0},
		{"negative zero", "-0", "", math.Copysign(0, -1)},
		{"whole", "3", "", 3.0},
		{"shortest digits", "0.1", "", 0.1},
		{"17 digits", "51.47730000000001", "", 51.47730000000001},
		{"largest", "1.7976931348623157e+308", "", math.MaxFloat64},
		{"smallest", "5e-324", "", math.SmallestNonzeroFloat64},
		{"last without exponent", "100000000000000000000", "", 1e20},
		{"first with exponent", "1e+21", "", 1e21},
		{"small without exponent", "0.000001", "", 1e-6},
		{"small with exponent", "9.999999e-07", "", 9.999999e-7},
	}},
	{"decimal(38,0)", []form{
		{"zero", "0", "", decimal("0")},
		{"38 nines", strings.Repeat("9", 38), "", decimal(strings.Repeat("9", 38))},
		{"minus 38 nines", "-" + strings.Repeat("9", 38), "", decimal("-" + strings.Repeat("9", 38))},
		{"just beyond 64 bits", "9223372036854775808", "", decimal("9223372036854775808")},
		{"smallest of 64 bits", "-9223372036854775808", "", decimal("-9223372036854775808")},
	}},
	{"decimal(38,38)", []form{
		{"zero", "0." + strings.Repeat("0", 38), "", decimal("0")},
		{"smallest step", "0." + strings.Repeat("0", 37) + "1", "", decimal("1")},
		{"38 nines", "-0." + strings.Repeat("9", 38), "", decimal("-" + strings.Repeat("9", 38))},
	}},
	{"decimal(5,2)", []form{
		{"largest", "999.99", "", decimal("99999")},
		{"smallest", "-999.99", "", decimal("-99999")},
		{"a cent", "0.01", "", decimal("1")},
		{"minus a cent", "-0.01", "", decimal("-1")},
	}},
	{"decimal(20,3)", []form{
		{"19 digits", "9223372036854775.807", "", decimal("9223372036854775807")},
		{"20 digits", "-99999999999999999.999", "", decimal("-99999999999999999999")},
	}},
	{"bool", []form{{"true", "true", "", true}, {"false", "false", "", false}}},
	{"string", []form{
		{"empty", "", `""`, ""},
		{"NA", "NA", `"NA"`, "NA"},
		{"leading zero", "007", `"007"`, "007"},
		{"quotes and lines", "a\"b\\c\n\r\t\x00\x7f", `"a\"b\\c\n\r\t\u0000` + "\x7f\"", "a\"b\\c\n\r\t\x00\x7f"},
		{"outside ASCII", "Zürich 東京 🛬 \u2028 <&>", "\"Zürich 東京 🛬 \u2028 <&>\"", "Zürich 東京 🛬 \u2028 <&>"},
	}},
	{"bytes", []form{
		{"empty", "", `""`, []byte{}},
		{"every kind of padding", "AP8=", `"AP8="`, []byte{0, 255}},
		{"not UTF-8", "/v8A", `"/v8A"`, []byte{0xfe, 0xff, 0}},
	}},
	{"date", []form{
		{"first day", "0001-01-01", `"0001-01-01"`, day(1, 1, 1)},
		{"year zero", "0000-02-29", `"0000-02-29"`, day(0, 2, 29)},
		{"before 1970", "1969-12-31", `"1969-12-31"`, day(1969, 12, 31)},
		{"1970", "1970-01-01", `"1970-01-01"`, day(1970, 1, 1)},
		{"leap day", "2000-02-29", `"2000-02-29"`, day(2000, 2, 29)},
		{"last day", "9999-12-31", `"9999-12-31"`, day(9999, 12, 31)},
	}},
	{"time", []form{
		{"midnight", "00:00:00", `"00:00:00"`, time.Duration(0)},
		{"a microsecond", "00:00:00.000001", `"00:00:00.000001"`, time.Microsecond},
		{"tenths", "17:03:59.1", `"17:03:59.1"`, 17*time.Hour + 3*time.Minute + 59*time.Second + 100*time.Millisecond},
		{"last", "23:59:59.999999", `"23:59:59.999999"`, 24*time.Hour - time.Microsecond},
	}},
	{"timestamp", []form{
		{"first", "0001-01-01T00:00:00", `"0001-01-01T00:00:00"`, day(1, 1, 1)},
		{"before 1970", "1969-12-31T23:59:59.999999", `"1969-12-31T23:59:59.999999"`, time.UnixMicro(-1).UTC()},
		{"a microsecond", "2026-08-22T17:03:59.000001", `"2026-08-22T17:03:59.000001"`, time.Date(2026, 8, 22, 17, 3, 59, 1000, time.UTC)},
		{"last", "9999-12-31T23:59:59.999999", `"9999-12-31T23:59:59.999999"`, day(10000, 1, 1).Add(-time.Microsecond)},
	}},
	{"timestamptz", []form{
		{"first", "0001-01-01T00:00:00Z", `"0001-01-01T00:00:00Z"`, day(1, 1, 1)},
		{"before 1970", "1969-12-31T23:59:59.999999Z", `"1969-12-31T23:59:59.999999Z"`, time.UnixMicro(-1).UTC()},
		{"last", "9999-12-31T23:59:59.999999Z", `"9999-12-31T23:59:59.999999Z"`, day(10000, 1, 1).Add(-time.Microsecond)},
	}},
	{"uuid", []form{
		{"nil", "00000000-0000-0000-0000-000000000000", `"00000000-0000-0000-0000-000000000000"`, "00000000-0000-0000-0000-000000000000"},
		{"DNS", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", `"6ba7b810-9dad-11d1-80b4-00c04fd430c8"`, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	}},
	{"json", []form{
		{"null of JSON", "null", "", "null"},
		{"number with many digits", "1.00000000000000000000000000000001", "", "1.00000000000000000000000000000001"},
		{"nested", `{"a":[1,{"b":null}],"é":"<\u0000>"}`, "", `{"a":[1,{"b":null}],"é":"<\u0000>"}`},
		{"white space", "{ \"a b\" :\n[ ] }", `{"a b":[]}`, "{ \"a b\" :\n[ ] }"},
	}},
}

func decimal(digits string) decimal128.Num {
	n, err := decimal128.FromString(digits, 38, 0)
	if err != nil {
		panic(err)
	}
	return n
}

func day(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }

func parseType(t testing.TB, s string) record.Type {
	t.Helper()
	typ, err := record.ParseType(s)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

func TestForms_EveryKind(t *testing.T) {
	seen := map[record.Kind]bool{}
	for _, f := range forms {
		seen[parseType(t, f.typ).Kind] = true
	}
	for _, k := range record.Kinds {
		if !seen[k] {
			t.Errorf("no value of %s in the table", k)
		}
	}
}

// TestForms holds the table: each form of a value is written as the table says and read back as the same cell.
func TestForms(t *testing.T) {
	for _, f := range forms {
		typ := parseType(t, f.typ)
		for _, v := range f.values {
			t.Run(f.typ+"/"+v.name, func(t *testing.T) {
				b := record.NewColumnBuilder(typ)
				if err := record.ParseText(b, typ, v.text); err != nil {
					t.Fatal(err)
				}
				if err := record.Append(b, typ, v.value); err != nil {
					t.Fatal(err)
				}
				b.AppendNull()
				col := b.NewArray()
				for row := range 2 {
					if got := string(record.AppendText([]byte("<"), col, typ, row)); got != "<"+v.text {
						t.Errorf("row %d: text %q, want %q", row, got, v.text)
					}
					if got := record.Value(col, typ, row); !cmp.Equal(got, v.value, cmpopts.EquateComparable(decimal128.Num{})) || !sameSign(got, v.value) {
						t.Errorf("row %d: value %#v, want %#v", row, got, v.value)
					}
					want := v.json
					if want == "" {
						want = v.text
					}
					got := string(record.AppendJSON(nil, col, typ, row))
					if got != want || !json.Valid([]byte(got)) {
						t.Errorf("row %d: JSON %s, want %s", row, got, want)
					}
				}
				if got := record.Value(col, typ, 2); got != nil {
					t.Errorf("null has the value %v", got)
				}
				if got := record.AppendText(nil, col, typ, 2); len(got) != 0 {
					t.Errorf("null has the text %q", got)
				}
				if got := string(record.AppendJSON(nil, col, typ, 2)); got != "null" {
					t.Errorf("null is %s in JSON", got)
				}
			})
		}
	}
}

func sameSign(a, b any) bool {
	x, ok := a.(float64)
	y, _ := b.(float64)
	return !ok || math.Signbit(x) == math.Signbit(y)
}

// TestAppend_Accepts lists values that are not what Value gives, and how they are read.
func TestAppend_Accepts(t *testing.T) {
	berlin := time.FixedZone("", 2*3600)
	for _, c := range []struct {
		name, typ string
		value     any
		want      string
	}{
		{"int for float", "float", int64(3), "3"},
		{"int for decimal", "decimal(5,2)", int64(-3), "-3.00"},
		{"go int", "int", 7, "7"},
		{"whole float for int", "int", 3.0, "3"},
		{"float for decimal", "decimal(5,2)", 0.25, "0.25"},
		{"text for int", "int", "12", "12"},
		{"bytes for string", "string", []byte("a"), "a"},
		{"bytes for bytes", "bytes", []byte{0, 255}, "AP8="},
		{"raw JSON", "json", json.RawMessage("[1]"), "[1]"},
		{"instant with a zone", "timestamptz", time.Date(2026, 1, 1, 1, 0, 0, 0, berlin), "2025-12-31T23:00:00Z"},
		{"midnight of a zone is its date", "date", time.Date(2026, 1, 1, 0, 0, 0, 0, berlin), "2026-01-01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ := parseType(t, c.typ)
			b := record.NewColumnBuilder(typ)
			if err := record.Append(b, typ, c.value); err != nil {
				t.Fatal(err)
			}
			if got := string(record.AppendText(nil, b.NewArray(), typ, 0)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestAppend_Refuses holds that what does not fit is DataInvalid and adds nothing.
func TestAppend_Refuses(t *testing.T) {
	now := time.Date(2026, 8, 22, 17, 3, 59, 0, time.UTC)
	for _, c := range []struct {
		name, typ string
		value     any
	}{
		{"NaN", "float", math.NaN()},
		{"infinity", "float", math.Inf(1)},
		{"minus infinity for decimal", "decimal(5,2)", math.Inf(-1)},
		{"NaN for int", "int", math.NaN()},
		{"fraction for int", "int", 1.5},
		{"float beyond 53 bits for int", "int", float64(1 << 53)},
		{"int that a float cannot hold", "float", int64(1<<53 + 1)},
		{"largest int for float", "float", int64(math.MaxInt64)},
		{"int beyond the precision", "decimal(5,2)", int64(1000)},
		{"decimal beyond the precision", "decimal(5,2)", decimal("100000")},
		{"float with too many decimals", "decimal(5,2)", 0.125},
		{"decimal for int", "int", decimal("1")},
		{"bool for int", "int", true},
		{"int for bool", "bool", int64(1)},
		{"int for string", "string", int64(1)},
		{"int for date", "date", int64(1)},
		{"float for bool", "bool", 1.0},
		{"time for string", "string", now},
		{"time of day for date", "date", now},
		{"nanoseconds", "timestamp", now.Add(time.Nanosecond)},
		{"year 10000", "timestamptz", day(10000, 1, 1)},
		{"year -1", "date", day(-1, 1, 1)},
		{"a day", "time", 24 * time.Hour},
		{"negative time", "time", -time.Second},
		{"nanoseconds of day", "time", time.Nanosecond},
		{"duration for timestamp", "timestamp", time.Second},
		{"not UTF-8", "string", []byte{0xff}},
		{"not JSON", "json", json.RawMessage("{")},
		{"a map", "json", map[string]any{}},
		{"int32", "int", int32(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ := parseType(t, c.typ)
			b := record.NewColumnBuilder(typ)
			if err := record.Append(b, typ, c.value); !fault.Has(err, fault.DataInvalid) {
				t.Errorf("got %v, want DataInvalid", err)
			}
			if b.Len() != 0 {
				t.Error("something was added")
			}
		})
	}
}

// TestProperty_Forms: text and Go form of any value read back as the same cell, and the JSON form is valid.
func TestProperty_Forms(t *testing.T) {
	for _, k := range record.Kinds {
		t.Run(string(k), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				typ := drawType(t, k)
				n := rapid.IntRange(1, 10).Draw(t, "rows")
				col := drawColumn(t, typ, n)
				text, value := record.NewColumnBuilder(typ), record.NewColumnBuilder(typ)
				for row := range n {
					j := record.AppendJSON(nil, col, typ, row)
					if !json.Valid(j) {
						t.Fatalf("not JSON: %s", j)
					}
					if col.IsNull(row) {
						text.AppendNull()
						value.AppendNull()
						continue
					}
					if err := record.ParseText(text, typ, string(record.AppendText(nil, col, typ, row))); err != nil {
						t.Fatal(err)
					}
					if err := record.Append(value, typ, record.Value(col, typ, row)); err != nil {
						t.Fatal(err)
					}
				}
				if got := text.NewArray(); !array.Equal(got, col) {
					t.Fatalf("by text: got %v, want %v", got, col)
				}
				if got := value.NewArray(); !array.Equal(got, col) {
					t.Fatalf("by value: got %v, want %v", got, col)
				}
			})
		})
	}
}

func drawType(t *rapid.T, k record.Kind) record.Type {
	typ := record.Type{Kind: k}
	if k == record.Decimal {
		typ.Precision = rapid.Int32Range(1, 38).Draw(t, "precision")
		typ.Scale = rapid.Int32Range(0, typ.Precision).Draw(t, "scale")
	}
	return typ
}

// drawColumn makes n cells of a type, nulls among them.
func drawColumn(t *rapid.T, typ record.Type, n int) arrow.Array {
	const firstDay, lastDay, dayUS = -719528, 2932896, 86400e6 // 0000-01-01 and 9999-12-31
	b := record.NewColumnBuilder(typ)
	for range n {
		if rapid.IntRange(0, 4).Draw(t, "null") == 0 {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.Int64Builder:
			b.Append(rapid.Int64().Draw(t, "int"))
		case *array.Float64Builder:
			b.Append(rapid.Float64().Draw(t, "float"))
		case *array.Decimal128Builder:
			digits := rapid.StringMatching(`-?[0-9]{1,38}`).Draw(t, "digits")
			whole := strings.TrimPrefix(digits, "-")
			b.Append(decimal(digits[:len(digits)-len(whole)] + whole[:min(len(whole), int(typ.Precision))]))
		case *array.BooleanBuilder:
			b.Append(rapid.Bool().Draw(t, "bool"))
		case *array.StringBuilder:
			s := rapid.String().Draw(t, "string")
			if typ.Kind == record.JSON {
				s = string(record.AppendQuoted(nil, s))
			}
			b.Append(s)
		case *array.BinaryBuilder:
			b.Append(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		case *array.FixedSizeBinaryBuilder:
			b.Append(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		case *array.Date32Builder:
			b.Append(arrow.Date32(rapid.Int32Range(firstDay, lastDay).Draw(t, "day")))
		case *array.Time64Builder:
			b.Append(arrow.Time64(rapid.Int64Range(0, dayUS-1).Draw(t, "us of day")))
		case *array.TimestampBuilder:
			b.Append(arrow.Timestamp(rapid.Int64Range(firstDay*dayUS, (lastDay+1)*dayUS-1).Draw(t, "us")))
		}
	}
	return b.NewArray()
}

// FuzzAppendQuoted: encoding/json reads back the string, each byte that is not UTF-8 as U+FFFD, and writes what means the same.
func FuzzAppendQuoted(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c", "\x00\x1f\x7f", "\xff\xc3(", "Zürich 東京 🛬", "\u2028<&>", "\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := record.AppendQuoted(nil, s)
		std, err := json.Marshal(s)
		if err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		var mine, want string
		if err := json.Unmarshal(got, &mine); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if err := json.Unmarshal(std, &want); err != nil || mine != want {
			t.Errorf("%q reads back as %q, want %q", s, mine, want)
		}
	})
}
