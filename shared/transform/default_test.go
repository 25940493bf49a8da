package transform

import "testing"

var defaultCases = []chainCase{
	{
		name: "every kind", config: map[string]any{"n": int64(5), "s": "x", "d": 1.5, "day": "2026-08-22", "j": map[string]any{"a": []any{int64(1)}}, "f": int64(2)},
		schema: schemaOf("n int", "s string", "d decimal(4,2)", "day date", "j json", "f float"),
		rows:   [][]string{{"-", "-", "-", "-", "-", "-"}, {"1", "", "0.10", "2000-01-01", "null", "0"}},
		want: `n int, s string, d decimal(4,2), day date, j json, f float
			0 {"n":5,"s":"x","d":1.50,"day":"2026-08-22","j":{"a":[1]},"f":2}
			1 {"n":1,"s":"","d":0.10,"day":"2000-01-01","j":{"a":[1]},"f":0}`,
	},
	{
		name: "mistakes", config: map[string]any{"n": "x", "s": int64(1), "m": int64(1), "day": nil}, schema: schemaOf("n int", "s string", "day date"),
		problems: `transforms[0].default.day: "day" is a column of type date: null is no value [wrong_type]
transforms[0].default.m: there is no column "m" here [unknown_column]
transforms[0].default.n: "n" is a column of type int: "x" is not a whole number [wrong_type]
transforms[0].default.s: "s" is a column of type string: 1 is not a text [wrong_type]`,
	},
}

func TestDefault(t *testing.T) {
	for _, c := range defaultCases {
		c.run(t, "default")
	}
}

func FuzzDefault(f *testing.F) {
	f.Add("name", "x", "y")
	f.Add("day", "2026-08-22", "")
	f.Fuzz(func(t *testing.T, column, value, cell string) {
		fuzzChain(t, component("default", map[string]any{column: value}), nil, cell)
	})
}

func BenchmarkDefault(b *testing.B) {
	benchChain(b, component("default", map[string]any{"name": "unknown"}), nil)
}
