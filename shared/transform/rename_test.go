package transform

import "testing"

var renameCases = []chainCase{
	{
		name: "swaps", config: map[string]any{"a": "b", "b": "a"}, schema: schemaOf("id int", "a int", "b string"), key: []string{"id"},
		rows: [][]string{{"1", "2", "x"}},
		want: `id int, b int, a string
			0 {"id":1,"b":2,"a":"x"}`,
	},
	{
		name: "key, unknown, reserved, taken", config: map[string]any{"id": "key", "nam": "x", "a": "__lockstep_x", "name": "a2", "n": "a2"},
		schema: schemaOf("id int", "a int", "name string", "n int"), key: []string{"id"},
		problems: `transforms[0].rename: two columns would be named "a2" [duplicate_column]
transforms[0].rename.a: "__lockstep_x" is a name that Lockstep uses itself [reserved_name]
transforms[0].rename.id: "id" is part of the key and cannot be renamed [key_column]
transforms[0].rename.nam: there is no column "nam" here [unknown_column]`,
	},
	{name: "empty name", config: map[string]any{"a": ""}, schema: schemaOf("a int"), problems: `transforms[0].rename.a: a column needs a name [empty]`},
}

func TestRename(t *testing.T) {
	for _, c := range renameCases {
		c.run(t, "rename")
	}
}

func FuzzRename(f *testing.F) {
	f.Add("name", "low_end", "x")
	f.Add("id", "", "é")
	f.Fuzz(func(t *testing.T, from, to, cell string) {
		fuzzChain(t, component("rename", map[string]any{from: to}), nil, cell)
	})
}

func BenchmarkRename(b *testing.B) {
	benchChain(b, component("rename", map[string]any{"name": "surface"}), nil)
}
