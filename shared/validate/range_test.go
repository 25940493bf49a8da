package validate

import (
	"fmt"
	"testing"
)

func limitsOf(column string, bounds ...any) map[string]any {
	m := map[string]any{"column": column}
	for i := 0; i < len(bounds); i += 2 {
		m[bounds[i].(string)] = bounds[i+1]
	}
	return m
}

func cellsOf(texts ...string) [][]string {
	rows := make([][]string, len(texts))
	for i, t := range texts {
		rows[i] = []string{t}
	}
	return rows
}

var rangeCases = []ruleCase{
	{
		name: "bounds pass, null passes", config: limitsOf("a", "min", int64(1), "max", int64(30000)), schema: schemaOf("a int"),
		rows: cellsOf("1", "30000", "0", "30001", "-", "-5"),
		want: `2: a 0 is below 1
			3: a 30001 is above 30000
			5: a -5 is below 1`,
	},
	{
		name: "exclusive bounds", config: limitsOf("a", "exclusive_min", 0.0, "exclusive_max", 1.5), schema: schemaOf("a float"),
		rows: cellsOf("0", "1.5", "0.0000001", "1.4999", "-"),
		want: `0: a 0 is not above 0
			1: a 1.5 is not below 1.5`,
	},
	{
		name: "whole numbers beyond floats", config: limitsOf("a", "max", int64(9007199254740992)), schema: schemaOf("a int"),
		rows: cellsOf("9007199254740992", "9007199254740993"), want: "1: a 9007199254740993 is above 9007199254740992",
	},
	{
		name: "decimals are exact, bounds may be beyond the column", config: limitsOf("a", "min", "0.10", "max", int64(1_000_000_000_000)), schema: schemaOf("a decimal(10,2)"),
		rows: cellsOf("0.10", "0.09", "99999999.99", "-"), want: "1: a 0.09 is below 0.10",
	},
	{
		name: "a decimal of 38 digits", config: limitsOf("a", "exclusive_max", "999999999999999999999999999999999999.01"), schema: schemaOf("a decimal(38,2)"),
		rows: cellsOf("999999999999999999999999999999999999.01", "999999999999999999999999999999999999.00", "-999999999999999999999999999999999999.99"),
		want: "0: a 999999999999999999999999999999999999.01 is not below 999999999999999999999999999999999999.01",
	},
	{
		name: "dates", config: limitsOf("a", "min", "2026-01-01"), schema: schemaOf("a date"),
		rows: cellsOf("2025-12-31", "2026-01-01", "-"), want: "0: a 2025-12-31 is below 2026-01-01",
	},
	{
		name: "times of day", config: limitsOf("a", "min", "08:00:00", "exclusive_max", "17:30:00"), schema: schemaOf("a time"),
		rows: cellsOf("08:00:00", "17:29:59.999999", "17:30:00"), want: "2: a 17:30:00 is not below 17:30:00",
	},
	{
		name: "instants", config: limitsOf("a", "max", "2026-08-22T02:00:00+02:00"), schema: schemaOf("a timestamptz"),
		rows: cellsOf("2026-08-22T00:00:00Z", "2026-08-22T00:00:00.000001Z"), want: "1: a 2026-08-22T00:00:00.000001Z is above 2026-08-22T00:00:00Z",
	},
	{
		name: "timestamps", config: limitsOf("a", "max", "2026-08-22T02:00:00"), schema: schemaOf("a timestamp"),
		rows: cellsOf("2026-08-22T02:00:00", "9999-12-31T23:59:59"), want: "1: a 9999-12-31T23:59:59 is above 2026-08-22T02:00:00",
	},
	{
		name: "masked", config: limitsOf("a", "max", int64(1)), schema: schemaOf("a int"), mask: []string{"a"},
		rows: cellsOf("77"), want: "0: a is above 1",
	},
	{name: "no column", config: limitsOf("b", "min", int64(1)), schema: schemaOf("a int"), problems: `rules[0].range.column: there is no column "b" here [unknown_column]`},
	{name: "no bound", config: limitsOf("a"), schema: schemaOf("a int"), problems: "rules[0].range: the rule asks for nothing [missing]"},
	{name: "text column", config: limitsOf("a", "min", int64(1)), schema: schemaOf("a string"), problems: `rules[0].range.column: column "a" is of type string [wrong_type]`},
	{
		name: "bounds of another type", config: limitsOf("a", "min", 0.5, "max", "x"), schema: schemaOf("a int"),
		problems: `rules[0].range.max: "x" is not a whole number [wrong_type]
			rules[0].range.min: 0.5 is not of type int [wrong_type]`,
	},
	{name: "a number for a date", config: limitsOf("a", "min", int64(2026)), schema: schemaOf("a date"), problems: "rules[0].range.min: 2026 is not of type date [wrong_type]"},
	{
		name: "a date for an instant", config: limitsOf("a", "min", "2026-08-22"), schema: schemaOf("a timestamptz"),
		problems: `rules[0].range.min: "2026-08-22" is not a time such as 2026-08-22T17:03:59Z, at most microseconds [wrong_type]`,
	},
	{
		name: "more digits than a float keeps", config: limitsOf("a", "min", 1234567890123456.7), schema: schemaOf("a decimal(38,2)"),
		problems: "rules[0].range.min: 1234567890123456.8 has more digits than a number keeps here [inexact]",
	},
	{name: "finer than the column", config: limitsOf("a", "min", 0.005), schema: schemaOf("a decimal(10,2)"), problems: "rules[0].range.min: 0.005 is not of type decimal(10,2) [wrong_type]"},
	{name: "two lower bounds", config: limitsOf("a", "min", int64(1), "exclusive_min", int64(1)), schema: schemaOf("a int"), problems: "rules[0].range.exclusive_min: min and exclusive_min are both written [twice]"},
	{name: "nothing between", config: limitsOf("a", "min", int64(2), "max", int64(1)), schema: schemaOf("a int"), problems: "rules[0].range: no value can be between these bounds [empty_range]"},
	{name: "nothing between equals", config: limitsOf("a", "min", int64(2), "exclusive_max", int64(2)), schema: schemaOf("a int"), problems: "rules[0].range: no value can be between these bounds [empty_range]"},
}

func TestRange(t *testing.T) {
	for _, c := range rangeCases {
		c.run(t, "range")
	}
}

func FuzzRange(f *testing.F) {
	for _, c := range rangeCases {
		m := c.config.(map[string]any)
		f.Add("n", fmt.Sprint(m["min"]), fmt.Sprint(m["max"]), 1.5)
	}
	f.Add("amount", "0.01", "1", 0.3)
	f.Add("day", "2026-01-01", "2026-01-01", 0.0)
	f.Fuzz(func(t *testing.T, column, low, high string, strict float64) {
		fuzzRule(t, rule("range", limitsOf(column, "min", low, "max", high)), low)
		fuzzRule(t, rule("range", limitsOf(column, "exclusive_min", strict, "max", high)), high)
	})
}

func BenchmarkRange(b *testing.B) {
	benchRule(b, rule("range", limitsOf("n", "min", int64(0), "max", int64(30000))))
}

func BenchmarkRange_Date(b *testing.B) {
	benchRule(b, rule("range", limitsOf("day", "min", "2020-01-01", "exclusive_max", "2030-01-01")))
}
