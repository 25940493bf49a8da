package validate

import "testing"

var requiredCases = []ruleCase{
	{
		name: "null is missing, empty text is not", config: []any{"a", "b"}, schema: schemaOf("a int", "b string"),
		rows: [][]string{{"1", ""}, {"-", "x"}, {"-", "-"}, {"2", "x"}},
		want: `1: a is missing
			2: a is missing; b is missing`,
	},
	{
		name: "mistakes", config: []any{"aa", "b", "b"}, schema: schemaOf("a int", "b string"),
		problems: `rules[0].required[0]: there is no column "aa" here [unknown_column]
			rules[0].required[2]: "b" is in the list twice [duplicate_column]`,
	},
}

func TestRequired(t *testing.T) {
	for _, c := range requiredCases {
		c.run(t, "required")
	}
}

func FuzzRequired(f *testing.F) {
	f.Add("name", "x")
	f.Fuzz(func(t *testing.T, column, cell string) {
		fuzzRule(t, rule("required", []any{column}), cell)
	})
}

func BenchmarkRequired(b *testing.B) {
	benchRule(b, rule("required", []any{"name", "n"}))
}
