package validate

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/record"
)

var typeCases = []ruleCase{
	{
		name: "texts, null passes", config: map[string]any{"a": "date", "b": "decimal(4,1)"}, schema: schemaOf("a string", "b string"),
		rows: [][]string{{"2026-08-22", "999.9"}, {"2026-02-30", "1.25"}, {"-", "-"}, {"", "1e3"}},
		want: `1: a "2026-02-30" is not of type date; b "1.25" is not of type decimal(4,1)
			3: a "" is not of type date; b "1e3" is not of type decimal(4,1)`,
	},
	{
		name: "whole numbers", config: map[string]any{"a": "int"}, schema: schemaOf("a string"),
		rows: cellsOf("9223372036854775807", "9223372036854775808", "1.0", "01", "x"),
		want: `1: a "9223372036854775808" is not of type int
			2: a "1.0" is not of type int
			3: a "01" is not of type int
			4: a "x" is not of type int`,
	},
	{name: "instants", config: map[string]any{"a": "timestamptz"}, schema: schemaOf("a string"), rows: cellsOf("2026-08-22T10:00:00Z", "2026-08-22"), want: `1: a "2026-08-22" is not of type timestamptz`},
	{name: "uuids", config: map[string]any{"a": "uuid"}, schema: schemaOf("a string"), rows: cellsOf("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6ba7b810"), want: `1: a "6ba7b810" is not of type uuid`},
	{name: "JSON", config: map[string]any{"a": "json"}, schema: schemaOf("a string"), rows: cellsOf(`{"b":[1]}`, "{"), want: `1: a "{" is not of type json`},
	{name: "a column of the type", config: map[string]any{"a": "int"}, schema: schemaOf("a int"), rows: cellsOf("1", "-")},
	{name: "a number of another type", config: map[string]any{"a": "int"}, schema: schemaOf("a float"), rows: cellsOf("1", "1.5"), want: "1: a 1.5 is not of type int"},
	{name: "masked", config: map[string]any{"a": "int"}, schema: schemaOf("a string"), mask: []string{"a"}, rows: cellsOf("secret"), want: "0: a is not of type int"},
	{
		name: "mistakes", config: map[string]any{"a": "datum", "b": "uuid", "c": "int"}, schema: schemaOf("a string", "b int"),
		problems: `rules[0].type.a: "datum" is not a column type [bad_type]
			rules[0].type.b: no value of type int can be of type uuid [wrong_type]
			rules[0].type.c: there is no column "c" here [unknown_column]`,
	},
	{name: "nothing", config: map[string]any{}, schema: schemaOf("a string"), problems: "rules[0].type: has 0 entries: at least 1 [wrong_length]"},
}

func TestType(t *testing.T) {
	for _, c := range typeCases {
		c.run(t, "type")
	}
}

// TestType_Cast holds that texts pass that the transform cast accepts, and no others.
func TestType_Cast(t *testing.T) {
	texts := []string{"", " ", "1", "-1", "1.5", "1e3", "true", "TRUE", "0", "2026-08-22", "10:00:00", "2026-08-22T10:00:00", "2026-08-22 10:00:00Z",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8", "AAE=", "{}", "null", "[1", "é", "9223372036854775808", "2026-02-30", "24:00:00"}
	s := schemaOf("a string")
	col := batchOf(s, cellsOf(texts...)...).Rows.Column(0)
	for _, kind := range record.Kinds {
		typ := record.Type{Kind: kind}
		if kind == record.Decimal {
			typ.Precision, typ.Scale = 5, 1
		}
		got := wanted{typ: typ}.unreadable(col.(*array.String))
		_, refused, err := expr.Convert(col, s.Columns[0].Type, typ)
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		for _, x := range refused {
			want = append(want, x.Row)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: %s", typ, diff)
		}
	}
}

func FuzzType(f *testing.F) {
	f.Add("name", "date", "2026-08-22")
	f.Add("name", "decimal(4,1)", "1.25")
	f.Add("doc", "int", "1")
	f.Fuzz(func(t *testing.T, column, typ, cell string) {
		fuzzRule(t, rule("type", map[string]any{column: typ, "name": typ}), cell)
	})
}

func BenchmarkType_SameType(b *testing.B) {
	benchRule(b, rule("type", map[string]any{"day": "date"}))
}

func BenchmarkType(b *testing.B) {
	benchRule(b, rule("type", map[string]any{"text": "int"}))
}

func BenchmarkType_Timestamp(b *testing.B) {
	benchRule(b, rule("type", map[string]any{"stamp": "timestamptz"}))
}
