package transform

import "testing"

var dedupeCases = []chainCase{
	{
		name: "last by default, key of the stream", config: nil, schema: schemaOf("id int", "s string"), key: []string{"id"},
		rows: [][]string{{"1", "a"}, {"2", "b"}, {"1", "c"}, {"-", "d"}, {"-", "e"}},
		want: `id int, s string
			1 {"id":2,"s":"b"}
			2 {"id":1,"s":"c"}
			3 {"id":null,"s":"d"}
			4 {"id":null,"s":"e"}`,
	},
	{
		name: "first, two columns", config: map[string]any{"key": []any{"s", "id"}, "keep": "first"}, schema: schemaOf("id int", "s string"),
		rows: [][]string{{"1", "a"}, {"1", "b"}, {"1", "a"}, {"-", "a"}, {"-", "a"}},
		want: `id int, s string
			0 {"id":1,"s":"a"}
			1 {"id":1,"s":"b"}
			3 {"id":null,"s":"a"}
			4 {"id":null,"s":"a"}`,
	},
	{
		name: "one text column", config: map[string]any{"key": []any{"s"}}, schema: schemaOf("id int", "s string"),
		rows: [][]string{{"1", "a"}, {"2", "a"}, {"3", ""}, {"4", ""}},
		want: `id int, s string
			1 {"id":2,"s":"a"}
			3 {"id":4,"s":""}`,
	},
	{name: "no key", config: map[string]any{}, schema: schemaOf("id int"), problems: `transforms[0].dedupe.key: the stream has no key [missing]`},
	{name: "unknown column", config: map[string]any{"key": []any{"ix"}}, schema: schemaOf("id int"), problems: `transforms[0].dedupe.key[0]: there is no column "ix" here [unknown_column]`},
}

func TestDedupe(t *testing.T) {
	for _, c := range dedupeCases {
		c.run(t, "dedupe")
	}
}

func FuzzDedupe(f *testing.F) {
	f.Add("name", "flag", "x", "y")
	f.Fuzz(func(t *testing.T, a, b, x, y string) {
		fuzzChain(t, component("dedupe", map[string]any{"key": []any{a, b}}), nil, x, y)
	})
}

func BenchmarkDedupe(b *testing.B) {
	benchChain(b, component("dedupe", map[string]any{"key": []any{"id"}}), nil)
}
