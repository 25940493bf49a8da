package transform

import "testing"

var filterCases = []chainCase{
	{
		name: "null is filtered", config: "not closed", schema: schemaOf("id int", "closed bool"), key: []string{"id"},
		rows: [][]string{{"1", "true"}, {"2", "false"}, {"3", "-"}, {"4", "false"}},
		want: `id int, closed bool
			1 {"id":2,"closed":false}
			3 {"id":4,"closed":false}`,
	},
	{
		name: "no result", config: "10 / id > 1", schema: schemaOf("id int"), rows: [][]string{{"0"}, {"1"}, {"100"}},
		want: `id int
			1 {"id":1}
			0! filter: division by zero`,
	},
	{name: "not a condition", config: "id", schema: schemaOf("id int"), problems: `transforms[0].filter: column 1: the expression must be true or false, this is int [wrong_type]`},
}

func TestFilter(t *testing.T) {
	for _, c := range filterCases {
		c.run(t, "filter")
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("n > 3 and not flag", "x")
	f.Add(`name == "x" or 1 / n > 0`, "")
	f.Fuzz(func(t *testing.T, src, cell string) {
		fuzzChain(t, component("filter", src), nil, cell)
	})
}

func BenchmarkFilter(b *testing.B) {
	benchChain(b, component("filter", `n > 100 and name != "X"`), nil)
}
