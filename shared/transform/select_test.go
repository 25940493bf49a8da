package transform

import "testing"

var selectCases = []chainCase{
	{
		name: "order of the list", config: []any{"b", "id"}, schema: schemaOf("id int", "a int", "b string"), key: []string{"id"},
		rows: [][]string{{"1", "2", "x"}, {"2", "-", "-"}},
		want: `b string, id int
			0 {"b":"x","id":1}
			1 {"b":null,"id":2}`,
	},
	{
		name: "key left out, unknown, twice", config: []any{"a", "a", "bb"}, schema: schemaOf("id int", "a int", "b string"), key: []string{"id"},
		problems: `transforms[0].select: "id" is part of the key and must stay [key_column]
transforms[0].select[1]: "a" is in the list twice [duplicate_column]
transforms[0].select[2]: there is no column "bb" here [unknown_column]`,
	},
}

func TestSelect(t *testing.T) {
	for _, c := range selectCases {
		c.run(t, "select")
	}
}

func FuzzSelect(f *testing.F) {
	f.Add("id", "name", "x")
	f.Fuzz(func(t *testing.T, a, b, cell string) {
		fuzzChain(t, component("select", []any{a, b}), nil, cell)
	})
}

func BenchmarkSelect(b *testing.B) {
	benchChain(b, component("select", []any{"name", "id"}), nil)
}
