package record_test

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// otherTexts are texts that are read, but not written: what they become.
var otherTexts = []struct{ typ, text, want string }{
	{"int", "-0", "0"},
	{"float", "1e2", "100"},
	{"float", "1E-2", "0.01"},
	{"float", "123456789012345678901234567890", "1.2345678901234568e+29"},
	{"decimal(5,2)", "1", "1.00"},
	{"decimal(5,2)", "1.5000000000000000000000000000", "1.50"},
	{"decimal(5,2)", "-0.0", "0.00"},
	{"decimal(38,2)", "123456789012345678901234567890123456.7", "123456789012345678901234567890123456.70"},
	{"bool", "TRUE", "true"},
	{"bool", "0", "false"},
	{"time", "17:03:59.100000000", "17:03:59.1"},
	{"timestamp", "2026-08-22 17:03:59", "2026-08-22T17:03:59"},
	{"timestamptz", "2026-08-22T17:03:59+02:00", "2026-08-22T15:03:59Z"},
	{"timestamptz", "2026-01-01 00:30:00.5-05:30", "2026-01-01T06:00:00.5Z"},
	{"timestamptz", "0001-01-01T00:00:00+14:00", "0000-12-31T10:00:00Z"},
	{"uuid", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
}

// refusedTexts are texts that are not of the type.
var refusedTexts = map[string][]string{
	"int":            {"", "-", "+1", " 1", "1 ", "01", "-01", "1.0", "1e3", "1_000", "0x10", "9223372036854775808", "-9223372036854775809", "NaN", "１", "NA"},
	"float":          {"", ".5", "5.", "+1", "01", "1e", "1e+", "1e400", "-1e400", "NaN", "nan", "Inf", "-Infinity", "0x1p4", "1_0", "1,5", "1 "},
	"decimal(5,2)":   {"", ".", "1e2", "1000", "-1000.00", "0.001", "999.995", "+1", "00.5", "NaN", strings.Repeat("9", 5000)},
	"decimal(38,0)":  {"1" + strings.Repeat("0", 38), "0.5"},
	"decimal(38,38)": {"1", "0." + strings.Repeat("0", 38) + "1"},
	"bool":           {"", "yes", "2", "t", " true", "01"},
	"string":         {"\xff", "a\xc3", "\xed\xa0\x80"},
	"bytes":          {"a", "====", "é", "AA=A"},
	"date":           {"", "2026-8-2", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "26-01-01", "10000-01-01", "-001-01-01", "2026-08-22T00:00:00", "2026/08/22"},
	"time":           {"", "7:03:59", "24:00:00", "17:60:00", "17:03:60", "17:03", "17:03:59.", "17:03:59.0000001", "17:03:59.0000000001", "17:03:59Z", "-1:00:00"},
	"timestamp":      {"", "2026-08-22", "2026-08-22T17:03", "2026-08-22T7:03:59", "2026-08-22T17:03:59Z", "2026-08-22T17:03:59+02:00", "2026-02-29T00:00:00", "2026-08-22t17:03:59", "2026-08-22T17:03:59.1234567", "2026-08-22T17:03:59 "},
	"timestamptz":    {"2026-08-22T17:03:59", "2026-08-22T17:03:59z", "2026-08-22T17:03:59+0200", "2026-08-22T17:03:59+24:00", "2026-08-22T17:03:59+02:60", "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-00:01", "2026-08-22Z", "Z", "+02:00"},
	"uuid":           {"", "6ba7b8109dad11d180b400c04fd430c8", "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b810-9dad-11d1-80b4_00c04fd430c8"},
	"json":           {"", "{", "{'a':1}", "NaN", "01", "[1,]", "\"\xff\"", "1 2", "\ufeff1"},
}

func TestParseText_Other(t *testing.T) {
	for _, c := range otherTexts {
		t.Run(c.typ+"/"+c.text, func(t *testing.T) {
			typ := parseType(t, c.typ)
			b := record.NewColumnBuilder(typ)
			if err := record.ParseText(b, typ, c.text); err != nil {
				t.Fatal(err)
			}
			if got := string(record.AppendText(nil, b.NewArray(), typ, 0)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseText_DataInvalid(t *testing.T) {
	for _, k := range record.Kinds {
		if k != record.Decimal && refusedTexts[string(k)] == nil {
			t.Errorf("no refused text of %s in the table", k)
		}
	}
	for name, texts := range refusedTexts {
		typ := parseType(t, name)
		for _, s := range texts {
			b := record.NewColumnBuilder(typ)
			err := record.ParseText(b, typ, s)
			if !fault.Has(err, fault.DataInvalid) {
				t.Errorf("%s %q: got %v, want DataInvalid", name, s, err)
			} else if len(err.Error()) > 200 {
				t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
			}
			if b.Len() != 0 {
				t.Errorf("%s %q: something was added", name, s)
			}
		}
	}
}

func TestParseInt_Message(t *testing.T) {
	for text, want := range map[string]string{
		"9223372036854775808": "beyond 64 bits",
		"12a":                 "not a whole number",
		"1.5":                 "not a whole number",
	} {
		if _, err := record.ParseInt(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want …%s", text, err, want)
		}
	}
}

// FuzzParseText: a text is refused with DataInvalid and adds nothing, or its cell's own text gives the same cell.
func FuzzParseText(f *testing.F) {
	kinds := make([]record.Type, len(forms))
	for i, c := range forms {
		kinds[i] = parseType(f, c.typ)
		for _, v := range c.values {
			f.Add(byte(i), v.text)
		}
		for _, s := range refusedTexts[c.typ] {
			f.Add(byte(i), s)
		}
	}
	for _, c := range otherTexts {
		for i, k := range kinds {
			if k == parseType(f, c.typ) {
				f.Add(byte(i), c.text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, s string) {
		typ := kinds[int(kind)%len(kinds)]
		b := record.NewColumnBuilder(typ)
		if err := record.ParseText(b, typ, s); err != nil {
			if !fault.Has(err, fault.DataInvalid) || b.Len() != 0 {
				t.Fatalf("%s %q: %v, %d added", typ, s, err, b.Len())
			}
			return
		}
		want := b.NewArray()
		text := string(record.AppendText(nil, want, typ, 0))
		if err := record.ParseText(b, typ, text); err != nil {
			t.Fatalf("%s %q: its own text %q: %v", typ, s, text, err)
		}
		if got := b.NewArray(); !array.Equal(got, want) {
			t.Fatalf("%s %q: got %v, want %v", typ, s, got, want)
		}
	})
}
