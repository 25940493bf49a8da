package transform

import "testing"

var dropCases = []chainCase{
	{
		name: "two of three", config: []any{"b", "a"}, schema: schemaOf("a int", "id int", "b string"), key: []string{"id"},
		rows: [][]string{{"1", "2", "x"}},
		want: `id int
			0 {"id":2}`,
	},
	{
		name: "key, unknown", config: []any{"id", "c"}, schema: schemaOf("id int", "a int"), key: []string{"id"},
		problems: `transforms[0].drop[0]: "id" is part of the key and cannot be dropped [key_column]
transforms[0].drop[1]: there is no column "c" here [unknown_column]`,
	},
	{name: "everything", config: []any{"a"}, schema: schemaOf("a int"), problems: `transforms[0].drop: every column would be dropped [no_columns]`},
}

func TestDrop(t *testing.T) {
	for _, c := range dropCases {
		c.run(t, "drop")
	}
}

func FuzzDrop(f *testing.F) {
	f.Add("name", "n", "x")
	f.Fuzz(func(t *testing.T, a, b, cell string) {
		fuzzChain(t, component("drop", []any{a, b}), nil, cell)
	})
}

func BenchmarkDrop(b *testing.B) {
	benchChain(b, component("drop", []any{"name"}), nil)
}
