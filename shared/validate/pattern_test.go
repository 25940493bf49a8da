package validate

import "testing"

func patternOf(column string, keys ...any) map[string]any { return limitsOf(column, keys...) }

var patternCases = []ruleCase{
	{
		name: "anywhere, null passes", config: patternOf("a", "match", "[0-9]{2}"), schema: schemaOf("a string"),
		rows: cellsOf("x12y", "1", "", "-"),
		want: `1: a "1" does not match /[0-9]{2}/
			2: a "" does not match /[0-9]{2}/`,
	},
	{name: "whole", config: patternOf("a", "match", `^\w+$`), schema: schemaOf("a string"), rows: cellsOf("ab", "a b", "ab\n"), want: "1: a \"a b\" does not match /^\\w+$/\n2: a \"ab\\n\" does not match /^\\w+$/"},
	{
		name: "not", config: patternOf("a", "match", "(?i)^k", "not", `\s$`), schema: schemaOf("a string"),
		rows: cellsOf("Kilo", "kilo ", "x "),
		want: `1: a "kilo " matches /\s$/
			2: a "x " does not match /(?i)^k/`,
	},
	{name: "masked", config: patternOf("a", "not", "e"), schema: schemaOf("a string"), mask: []string{"a"}, rows: cellsOf("secret"), want: "0: a matches /e/"},
	{name: "nothing", config: patternOf("a"), schema: schemaOf("a string"), problems: "rules[0].pattern: the rule asks for nothing [missing]"},
	{name: "a number", config: patternOf("a", "match", "1"), schema: schemaOf("a int"), problems: `rules[0].pattern.column: column "a" is of type int [wrong_type]`},
	{name: "no regular expression", config: patternOf("a", "match", "("), schema: schemaOf("a string"), problems: "rules[0].pattern.match: is not a regular expression: error parsing regexp: missing closing ): `(` [bad_regexp]"},
	{name: "no column", config: patternOf("b", "match", "1"), schema: schemaOf("a int"), problems: `rules[0].pattern.column: there is no column "b" here [unknown_column]`},
}

func TestPattern(t *testing.T) {
	for _, c := range patternCases {
		c.run(t, "pattern")
	}
}

func FuzzPattern(f *testing.F) {
	for _, c := range patternCases {
		text, _ := c.config.(map[string]any)["match"].(string)
		f.Add("name", text, "x", "12")
	}
	f.Fuzz(func(t *testing.T, column, match, not, cell string) {
		fuzzRule(t, rule("pattern", patternOf(column, "match", match, "not", not)), cell)
	})
}

func BenchmarkPattern(b *testing.B) {
	benchRule(b, rule("pattern", patternOf("name", "match", "^[A-Za-z/]{1,12}$")))
}

func BenchmarkPattern_Literal(b *testing.B) {
	benchRule(b, rule("pattern", patternOf("name", "not", "grass")))
}
