package transform

import "testing"

var flattenCases = []chainCase{
	{
		name: "nested", config: map[string]any{"column": "a", "fields": map[string]any{"city": "string", "geo.lat": "float", "geo": "json", "since": "date"}},
		schema: schemaOf("id int", "a json"), key: []string{"id"},
		rows: [][]string{{"1", `{"city":"Köln","geo":{"lat":50.9,"lon":7}, "since":"2026-08-22"}`}, {"2", `{"geo":null}`}, {"3", "-"}, {"4", `[1]`}, {"5", `{"city":7,"geo":{"lat":"x"}}`}, {"6", `{"city":7,"geo":{"lat":"1.5"}}`}},
		want: `id int, a_city string, a_geo json, a_geo_lat float, a_since date
			0 {"id":1,"a_city":"Köln","a_geo":{"lat":50.9,"lon":7},"a_geo_lat":50.9,"a_since":"2026-08-22"}
			1 {"id":2,"a_city":null,"a_geo":null,"a_geo_lat":null,"a_since":null}
			2 {"id":3,"a_city":null,"a_geo":null,"a_geo_lat":null,"a_since":null}
			3 {"id":4,"a_city":null,"a_geo":null,"a_geo_lat":null,"a_since":null}
			5 {"id":6,"a_city":"7","a_geo":{"lat":"1.5"},"a_geo_lat":1.5,"a_since":null}
			4! flatten: a_geo_lat as float: "x" is not a number`,
	},
	{
		name: "names", config: map[string]any{"column": "a", "fields": map[string]any{"x.y": "int"}, "prefix": "", "separator": "-", "keep": true}, schema: schemaOf("a json"),
		rows: [][]string{{`{"x":{"y":1}}`}},
		want: `a json, x-y int
			0 {"a":{"x":{"y":1}},"x-y":1}`,
	},
	{
		name: "mistakes", config: map[string]any{"column": "s", "fields": map[string]any{"x": "in"}}, schema: schemaOf("s string"),
		problems: `transforms[0].flatten.column: "s" is a column of type string, not json [wrong_type]
transforms[0].flatten.fields.x: "in" is not a column type [bad_type]`,
	},
	{
		name: "name taken", config: map[string]any{"column": "a", "fields": map[string]any{"x": "int"}}, schema: schemaOf("a json", "a_x int"),
		problems: `transforms[0].flatten.fields: two columns would be named "a_x" [duplicate_column]`,
	},
}

func TestFlatten(t *testing.T) {
	for _, c := range flattenCases {
		c.run(t, "flatten")
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add("doc", "a.b", "string", "x")
	f.Add("doc", "", "int", "12")
	f.Fuzz(func(t *testing.T, column, path, typ, cell string) {
		fuzzChain(t, component("flatten", map[string]any{"column": column, "fields": map[string]any{path: typ}}), nil, cell)
	})
}

func BenchmarkFlatten(b *testing.B) {
	benchChain(b, component("flatten", map[string]any{"column": "doc", "fields": map[string]any{"a": "int", "b.c": "string"}}), nil)
}
