package transform

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/job"
)

var castCases = []chainCase{
	{
		name: "texts", config: map[string]any{"n": "int", "b": "bool", "d": "decimal(4,1)", "t": "timestamptz"},
		schema: schemaOf("n string", "b int", "d float", "t string"),
		rows:   [][]string{{"12", "1", "2.5", "2026-08-22T10:00:00+02:00"}, {"-", "-", "-", "-"}, {" 1", "0", "2", "-"}, {"1", "2", "2", "-"}, {"1", "1", "2.55", "yesterday"}},
		want: `n int, b bool, d decimal(4,1), t timestamptz
			0 {"n":12,"b":true,"d":2.5,"t":"2026-08-22T08:00:00Z"}
			1 {"n":null,"b":null,"d":null,"t":null}
			2! cast: n as int: " 1" is not a whole number
			3! cast: b as bool: 2 is not a bool: 1 or 0
			4! cast: d as decimal(4,1): "2.55" does not fit decimal(4,1)`,
	},
	{
		name: "null in place of errors", config: map[string]any{"n": map[string]any{"type": "int", "on_error": "set_null"}},
		schema: schemaOf("n string"), rows: [][]string{{"12"}, {"x"}},
		want: `n int
			0 {"n":12}
			1 {"n":null}`,
	},
	{
		name: "beyond 64 bits, NaN", config: map[string]any{"n": "int", "f": "float"}, schema: schemaOf("n string", "f string"),
		rows: [][]string{{"9223372036854775808", "1"}, {"1", "NaN"}, {"1", "1e999"}},
		want: `n int, f float
			0! cast: n as int: "9223372036854775808" is beyond 64 bits
			1! cast: f as float: "NaN" is not a number
			2! cast: f as float: "1e999" is beyond 64 bits`,
	},
	{
		name: "unknown type, impossible, unknown column", config: map[string]any{"a": "integer", "b": "date", "d": "int"}, schema: schemaOf("a string", "b bool"),
		problems: `transforms[0].cast.a: "integer" is not a column type [bad_type]
transforms[0].cast.b: bool cannot become date [wrong_type]
transforms[0].cast.d: there is no column "d" here [unknown_column]`,
	},
}

func TestCast(t *testing.T) {
	for _, c := range castCases {
		c.run(t, "cast")
	}
}

func TestCast_Masked(t *testing.T) {
	s := schemaOf("pin string")
	chain, err := NewChain(Builtin(), []job.Component{component("cast", map[string]any{"pin": "int"})},
		ChainConfig{Schema: s, OnFailure: job.OnFailure{Mask: []string{"pin"}}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := chain.Apply(t.Context(), batchOf(s, []string{"secret"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Rejects[0].Message; got != "pin as int: the value does not fit (it is masked)" {
		t.Errorf("got %s", got)
	}
}

func FuzzCast(f *testing.F) {
	f.Add("name", "int", "12")
	f.Add("doc", "timestamp", "2026-08-22T00:00:00")
	f.Add("amount", "int", "x")
	f.Fuzz(func(t *testing.T, column, typ, cell string) {
		fuzzChain(t, component("cast", map[string]any{column: typ}), nil, cell)
	})
}

func BenchmarkCast(b *testing.B) {
	benchChain(b, component("cast", map[string]any{"text": "int"}), nil)
}
