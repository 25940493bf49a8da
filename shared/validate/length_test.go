package validate

import (
	"strings"
	"testing"
)

var lengthCases = []ruleCase{
	{
		name: "characters, null passes", config: limitsOf("a", "min", int64(2), "max", int64(4)), schema: schemaOf("a string"),
		rows: cellsOf("ab", "éééé", "", "a", "ééééé", "-", "𝒳𝒳", "𝒳"),
		want: `2: a "" has 0 characters, fewer than 2
			3: a "a" has 1 character, fewer than 2
			4: a "ééééé" has 5 characters, more than 4
			7: a "𝒳" has 1 character, fewer than 2`,
	},
	{
		name: "bytes", config: limitsOf("a", "min", int64(1), "max", int64(2)), schema: schemaOf("a bytes"),
		rows: cellsOf("", "AAE=", "AAEC", "-"),
		want: `0: a (0 bytes) has 0 bytes, fewer than 1
			2: a (3 bytes) has 3 bytes, more than 2`,
	},
	{
		name: "elements", config: limitsOf("a", "max", int64(1)), schema: schemaOf("a json"),
		rows: cellsOf("[]", "[[1,2]]", `["a,b",{"c":[]}]`, `{"a":1}`, "null", "-"),
		want: `2: a "[\"a,b\",{\"c\":[]}]" has 2 elements, more than 1
			3: a "{\"a\":1}" is not an array
			4: a "null" is not an array`,
	},
	{name: "max 0", config: limitsOf("a", "max", int64(0)), schema: schemaOf("a string"), rows: cellsOf("", "x"), want: `1: a "x" has 1 character, more than 0`},
	{
		name: "masked", config: limitsOf("a", "max", int64(1)), schema: schemaOf("a string"), mask: []string{"a"},
		rows: cellsOf("secret"), want: "0: a has more than 1 characters",
	},
	{name: "excerpt", config: limitsOf("a", "max", int64(1)), schema: schemaOf("a string"), rows: cellsOf(strings.Repeat("x", 99)), want: `0: a "` + strings.Repeat("x", 40) + `…" has 99 characters, more than 1`},
	{name: "no bound", config: limitsOf("a"), schema: schemaOf("a string"), problems: "rules[0].length: the rule asks for nothing [missing]"},
	{name: "a number", config: limitsOf("a", "min", int64(1)), schema: schemaOf("a int"), problems: `rules[0].length.column: column "a" is of type int [wrong_type]`},
	{name: "nothing between", config: limitsOf("a", "min", int64(2), "max", int64(1)), schema: schemaOf("a string"), problems: "rules[0].length: no length can be between these bounds [empty_range]"},
	{name: "below zero", config: limitsOf("a", "min", int64(-1)), schema: schemaOf("a string"), problems: "rules[0].length.min: -1 is out of range: at least 0 characters, bytes or elements [out_of_range]"},
	{name: "no column", config: limitsOf("b", "min", int64(1)), schema: schemaOf("a string"), problems: `rules[0].length.column: there is no column "b" here [unknown_column]`},
}

func TestLength(t *testing.T) {
	for _, c := range lengthCases {
		c.run(t, "length")
	}
}

func FuzzLength(f *testing.F) {
	f.Add("name", int64(1), int64(3), "ééé")
	f.Add("doc", int64(0), int64(1), "x")
	f.Fuzz(func(t *testing.T, column string, low, high int64, cell string) {
		fuzzRule(t, rule("length", limitsOf(column, "min", low, "max", high)), cell)
	})
}

func BenchmarkLength(b *testing.B) {
	benchRule(b, rule("length", limitsOf("name", "min", int64(1), "max", int64(20))))
}
