package transform

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/job"
)

var splitCases = []chainCase{
	{
		name: "elements", config: map[string]any{"column": "tags", "into": "tag", "type": "string", "index": "no"}, schema: schemaOf("id int", "tags json"), key: []string{"id"},
		rows: [][]string{{"1", `["a", "b"]`}, {"2", `[]`}, {"3", "-"}, {"4", `"x"`}, {"5", `[null,1]`}, {"6", "null"}},
		want: `id int, tag string, no int
			0 {"id":1,"tag":"a","no":0}
			0 {"id":1,"tag":"b","no":1}
			4 {"id":5,"tag":null,"no":0}
			4 {"id":5,"tag":"1","no":1}
			3! split: tag: it is not an array`,
	},
	{
		name: "outer", config: map[string]any{"column": "tags", "outer": true, "index": "no"}, schema: schemaOf("id int", "tags json"),
		rows: [][]string{{"1", `[{"k":1}]`}, {"2", `[]`}, {"3", "-"}},
		want: `id int, tags json, no int
			0 {"id":1,"tags":{"k":1},"no":0}
			1 {"id":2,"tags":null,"no":null}
			2 {"id":3,"tags":null,"no":null}`,
	},
	{
		name: "an element does not fit", config: map[string]any{"column": "n", "type": "int"}, schema: schemaOf("n json"), rows: [][]string{{`[1,"x",2]`}, {`[3]`}},
		want: `n int
			1 {"n":3}
			0! split: n as int: "x" is not a whole number`,
	},
	{
		name: "mistakes", config: map[string]any{"column": "s", "type": "text", "index": "id"}, schema: schemaOf("id int", "s string"), key: []string{"id"},
		problems: `transforms[0].split: two columns would be named "id" [duplicate_column]
transforms[0].split.column: "s" is a column of type string, not json [wrong_type]
transforms[0].split.type: "text" is not a column type [bad_type]`,
	},
}

func TestSplit(t *testing.T) {
	for _, c := range splitCases {
		c.run(t, "split")
	}
}

// TestSplit_Again splits pieces, and refuses one piece of a piece: the original is one failure, shown as it was.
func TestSplit_Again(t *testing.T) {
	s := schemaOf("id int", "x json")
	chain, err := NewChain(Builtin(), []job.Component{
		component("rename", map[string]any{"x": "y"}),
		component("split", map[string]any{"column": "y"}),
		component("split", map[string]any{"column": "y", "type": "string"}),
		component("cast", map[string]any{"y": "int"}),
	}, ChainConfig{Schema: s, Key: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := chain.Apply(t.Context(), batchOf(s, []string{"1", `[[1,2],["a",4,"b"]]`}, []string{"2", `[[5],[6,7]]`}, []string{"3", `[["c"]]`}))
	if err != nil {
		t.Fatal(err)
	}
	want := `1 {"id":2,"y":5}
1 {"id":2,"y":6}
1 {"id":2,"y":7}
0! cast: y as int: "a" is not a whole number
2! cast: y as int: "c" is not a whole number`
	if got := show(out); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, snapshot := range []string{`{"id":1,"y":[[1,2],["a",4,"b"]]}`, `{"id":3,"y":"c"}`} {
		if got := string(out.Rejects[i].Snapshot); got != snapshot {
			t.Errorf("snapshot %d: got %s, want %s", i, got, snapshot)
		}
	}
	if out.Rejects[0].Key != "[1]" || out.Rejects[0].Phase != Phase {
		t.Errorf("got %+v", out.Rejects[0])
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("doc", "string", true, "x")
	f.Add("doc", "json", false, "")
	f.Fuzz(func(t *testing.T, column, typ string, outer bool, cell string) {
		fuzzChain(t, component("split", map[string]any{"column": column, "type": typ, "outer": outer}), nil, cell)
	})
}

func BenchmarkSplit(b *testing.B) {
	s := component("split", map[string]any{"column": "doc"})
	benchJSONArray(b, s)
}
