package transform

import "testing"

var setCases = []chainCase{
	{
		name: "all see the record as it came in", config: map[string]any{"a": "b", "b": "a", "z": "id + 1", "new": "upper(b)"},
		schema: schemaOf("id int", "a string", "b string"), key: []string{"id"},
		rows: [][]string{{"1", "x", "y"}, {"2", "-", "z"}},
		want: `id int, a string, b string, new string, z int
			0 {"id":1,"a":"y","b":"x","new":"Y","z":2}
			1 {"id":2,"a":"z","b":null,"new":"Z","z":3}`,
	},
	{
		name: "changes the type", config: map[string]any{"n": "string(n)"}, schema: schemaOf("n int"), rows: [][]string{{"1"}},
		want: `n string
			0 {"n":"1"}`,
	},
	{
		name: "no result", config: map[string]any{"x": "10 / n", "y": "int(s)"}, schema: schemaOf("n int", "s string"),
		rows: [][]string{{"0", "1"}, {"5", "a"}, {"0", "b"}, {"2", "4"}},
		want: `n int, s string, x float, y int
			3 {"n":2,"s":"4","x":5,"y":4}
			0! set: x: division by zero
			1! set: y: "a" is not a whole number
			2! set: x: division by zero`,
	},
	{
		name: "mistakes", config: map[string]any{"x": "nn + 1", "y": "upper(n)"}, schema: schemaOf("n int"),
		problems: `transforms[0].set.x: column 1: there is no column "nn" here [unknown_column]
transforms[0].set.y: column 7: upper needs string, not int [wrong_type]`,
	},
}

func TestSet(t *testing.T) {
	for _, c := range setCases {
		c.run(t, "set")
	}
}

func FuzzSet(f *testing.F) {
	f.Add("name", "upper(trim(name))", " x ")
	f.Add("x", "doc.a", "é")
	f.Add("day", "amount * n", "12")
	f.Fuzz(func(t *testing.T, column, src, cell string) {
		fuzzChain(t, component("set", map[string]any{column: src}), nil, cell)
	})
}

func BenchmarkSet(b *testing.B) {
	benchChain(b, component("set", map[string]any{"name": "upper(trim(name))"}), nil)
}
