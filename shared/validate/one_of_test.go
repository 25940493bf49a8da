package validate

import (
	"fmt"
	"strings"
	"testing"
)

func listOf(column string, values ...any) map[string]any {
	return map[string]any{"column": column, "values": values}
}

func ignoringCase(m map[string]any) map[string]any {
	m["ignore_case"] = true
	return m
}

var oneOfCases = []ruleCase{
	{
		name: "numbers, null passes", config: listOf("a", int64(0), int64(1)), schema: schemaOf("a int"),
		rows: cellsOf("0", "1", "2", "-"), want: "2: a 2 is not one of 0, 1",
	},
	{
		name: "texts", config: listOf("a", "ASP", ""), schema: schemaOf("a string"),
		rows: cellsOf("ASP", "asp", "", "-", strings.Repeat("é", 30)),
		want: `1: a "asp" is not one of "ASP", ""
			4: a "éééééééééééééééééééé…" is not one of "ASP", ""`,
	},
	{
		name: "texts of any case", config: ignoringCase(listOf("a", "Straße", "Kilo", "Σ")), schema: schemaOf("a string"),
		rows: cellsOf("STRASSE", "STRAßE", "\u212Ailo", "ς", "strae"),
		want: `0: a "STRASSE" is not one of "Straße", "Kilo", "Σ"
			4: a "strae" is not one of "Straße", "Kilo", "Σ"`,
	},
	{
		name: "decimals", config: listOf("a", 1.5, "2", int64(3)), schema: schemaOf("a decimal(8,2)"),
		rows: cellsOf("1.50", "2.00", "3", "3.01"), want: "3: a 3.01 is not one of 1.50, 2.00, 3.00",
	},
	{name: "floats", config: listOf("a", int64(0), 0.5), schema: schemaOf("a float"), rows: cellsOf("-0", "0.5", "0.25"), want: "2: a 0.25 is not one of 0, 0.5"},
	{name: "bools", config: listOf("a", true), schema: schemaOf("a bool"), rows: cellsOf("true", "false", "-"), want: "1: a false is not one of true"},
	{name: "dates", config: listOf("a", "2026-08-22"), schema: schemaOf("a date"), rows: cellsOf("2026-08-22", "2026-08-23"), want: "1: a 2026-08-23 is not one of 2026-08-22"},
	{name: "times", config: listOf("a", "10:00:00"), schema: schemaOf("a time"), rows: cellsOf("10:00:00", "10:00:01"), want: "1: a 10:00:01 is not one of 10:00:00"},
	{
		name: "instants", config: listOf("a", "2026-08-22T10:00:00+02:00"), schema: schemaOf("a timestamptz"),
		rows: cellsOf("2026-08-22T08:00:00Z", "2026-08-22T10:00:00Z"), want: "1: a 2026-08-22T10:00:00Z is not one of 2026-08-22T08:00:00Z",
	},
	{name: "bytes", config: listOf("a", "AAE="), schema: schemaOf("a bytes"), rows: cellsOf("AAE=", "AAI="), want: "1: a (2 bytes) is not one of (2 bytes)"},
	{
		name: "uuids", config: listOf("a", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), schema: schemaOf("a uuid"),
		rows: cellsOf("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "00000000-0000-0000-0000-000000000000"),
		want: "1: a 00000000-0000-0000-0000-000000000000 is not one of 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
	},
	{
		name: "a long list", config: listOf("a", int64(1), int64(2), int64(3), int64(4), int64(5), int64(6), int64(7), int64(8), int64(9), int64(10), int64(11)),
		schema: schemaOf("a int"), rows: cellsOf("11", "12"), want: "1: a 12 is not one of 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …",
	},
	{name: "masked", config: listOf("a", "x"), schema: schemaOf("a string"), mask: []string{"a"}, rows: cellsOf("secret"), want: `0: a is not one of "x"`},
	{
		name: "values of other types", config: listOf("a", int64(1), true, nil, []any{}, "x"), schema: schemaOf("a string"),
		problems: `rules[0].one_of.values[0]: 1 is not of type string [wrong_type]
			rules[0].one_of.values[1]: true is not of type string [wrong_type]
			rules[0].one_of.values[2]: null passes anyway [null]
			rules[0].one_of.values[3]: a list is not of type string [wrong_type]`,
	},
	{name: "a number for a bool", config: listOf("a", int64(1)), schema: schemaOf("a bool"), problems: "rules[0].one_of.values[0]: 1 is not of type bool [wrong_type]"},
	{name: "no values", config: listOf("a"), schema: schemaOf("a bool"), problems: "rules[0].one_of.values: has 0 elements: at least 1 [wrong_length]"},
	{name: "no column", config: listOf("b", int64(1)), schema: schemaOf("a bool"), problems: `rules[0].one_of.column: there is no column "b" here [unknown_column]`},
	{name: "JSON", config: listOf("a", "x"), schema: schemaOf("a json"), problems: "rules[0].one_of.column: values of a JSON column are not compared [wrong_type]"},
	{
		name: "case of numbers", config: ignoringCase(listOf("a", int64(1))), schema: schemaOf("a int"),
		problems: `rules[0].one_of.ignore_case: column "a" has no capitals: it is of type int [wrong_type]`,
	},
}

func TestOneOf(t *testing.T) {
	for _, c := range oneOfCases {
		c.run(t, "one_of")
	}
}

func FuzzOneOf(f *testing.F) {
	f.Add("name", "x", 1.5, true)
	f.Add("flag", "true", 0.0, false)
	f.Add("amount", "1.25", 1.25, false)
	f.Fuzz(func(t *testing.T, column, value string, number float64, fold bool) {
		m := listOf(column, value, number)
		m["ignore_case"] = fold
		fuzzRule(t, rule("one_of", m), value)
		if strings.EqualFold(value, column) && strings.ToValidUTF8(value, "") == value && strings.ToValidUTF8(column, "") == column && folded(value) != folded(column) {
			t.Errorf("%q and %q are folded to %q and %q", value, column, folded(value), folded(column))
		}
	})
}

func BenchmarkOneOf(b *testing.B) {
	benchRule(b, rule("one_of", listOf("name", "asph", "CON", "Turf/gravel", "X")))
}

func BenchmarkOneOf_IgnoreCase(b *testing.B) {
	benchRule(b, rule("one_of", ignoringCase(listOf("name", "ASPH", "con", "turf/gravel", "x"))))
}

func BenchmarkOneOf_Map(b *testing.B) {
	values := make([]any, 9000)
	for i := range values {
		values[i] = fmt.Sprint(i)
	}
	benchRule(b, rule("one_of", listOf("n", values...)))
}
