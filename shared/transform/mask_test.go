package transform

import "testing"

var maskCases = []chainCase{
	{
		name: "keeps the last four", config: map[string]any{"columns": []any{"s", "n"}, "keep": int64(4)}, schema: schemaOf("id int", "s string", "n int"), key: []string{"id"},
		rows: [][]string{{"1", "DE12345678", "1234567"}, {"2", "1234", "12"}, {"3", "-", "-"}, {"4", "", "0"}, {"5", "äöüäö", "-12345"}},
		want: `id int, s string, n string
			0 {"id":1,"s":"******5678","n":"***4567"}
			1 {"id":2,"s":"****","n":"**"}
			2 {"id":3,"s":null,"n":null}
			3 {"id":4,"s":"","n":"*"}
			4 {"id":5,"s":"*öüäö","n":"**2345"}`,
	},
	{
		name: "another sign", config: map[string]any{"columns": []any{"s"}, "with": "•"}, schema: schemaOf("s string"), rows: [][]string{{"abc"}},
		want: `s string
			0 {"s":"•••"}`,
	},
	{
		name: "mistakes", config: map[string]any{"columns": []any{"id", "t"}, "with": "xx"}, schema: schemaOf("id int", "s string"), key: []string{"id"},
		problems: `transforms[0].mask.columns[0]: "id" is part of the key and cannot be masked [key_column]
transforms[0].mask.columns[1]: there is no column "t" here [unknown_column]
transforms[0].mask.with: must be one character [wrong_length]`,
	},
}

func TestMask(t *testing.T) {
	for _, c := range maskCases {
		c.run(t, "mask")
	}
}

func FuzzMask(f *testing.F) {
	f.Add("name", int64(4), "*", "0123456789")
	f.Fuzz(func(t *testing.T, column string, keep int64, with, cell string) {
		fuzzChain(t, component("mask", map[string]any{"columns": []any{column}, "keep": keep, "with": with}), nil, cell)
	})
}

func BenchmarkMask(b *testing.B) {
	benchChain(b, component("mask", map[string]any{"columns": []any{"name"}, "keep": int64(2)}), nil)
}
