package validate

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/record"
)

var uniqueCases = []ruleCase{
	{
		name: "later rows break it, null passes", config: []any{"a", "b"}, schema: schemaOf("a int", "b string"),
		rows: [][]string{{"1", "x"}, {"1", "y"}, {"1", "x"}, {"-", "x"}, {"-", "x"}, {"1", "-"}, {"1", "-"}, {"1", "x"}},
		want: `2: a 1, b "x": record 1 of the batch has the same
			7: a 1, b "x": record 1 of the batch has the same`,
	},
	{
		name: "values do not run into each other", config: []any{"a", "b"}, schema: schemaOf("a string", "b string"),
		rows: [][]string{{"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}},
	},
	{
		name: "as a map", config: map[string]any{"columns": []any{"a"}}, schema: schemaOf("a decimal(5,2)"),
		rows: cellsOf("1.5", "1.50", "1.51"), want: "1: a 1.50: record 1 of the batch has the same",
	},
	{name: "zeros are equal", config: []any{"a"}, schema: schemaOf("a float"), rows: cellsOf("0", "-0"), want: "1: a -0: record 1 of the batch has the same"},
	{name: "bools", config: []any{"a"}, schema: schemaOf("a bool"), rows: cellsOf("true", "false", "true"), want: "2: a true: record 1 of the batch has the same"},
	{name: "bytes", config: []any{"a"}, schema: schemaOf("a bytes"), rows: cellsOf("AAE=", "AAI=", "AAE="), want: "2: a (2 bytes): record 1 of the batch has the same"},
	{name: "times", config: []any{"a", "b", "c"}, schema: schemaOf("a date", "b time", "c timestamp"), rows: [][]string{
		{"2026-08-22", "10:00:00", "2026-08-22T10:00:00"}, {"2026-08-22", "10:00:00", "2026-08-22T10:00:01"}, {"2026-08-22", "10:00:00", "2026-08-22T10:00:00.0"},
	}, want: "2: a 2026-08-22, b 10:00:00, c 2026-08-22T10:00:00: record 1 of the batch has the same"},
	{
		name: "uuids", config: []any{"a"}, schema: schemaOf("a uuid"), rows: cellsOf("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "6BA7B810-9dad-11d1-80b4-00c04fd430c8"),
		want: "1: a 6ba7b810-9dad-11d1-80b4-00c04fd430c8: record 1 of the batch has the same",
	},
	{
		name: "masked", config: []any{"a", "b"}, schema: schemaOf("a string", "b int"), mask: []string{"a"},
		rows: [][]string{{"secret", "1"}, {"secret", "1"}}, want: "1: a, b 1: record 1 of the batch has the same",
	},
	{
		name: "mistakes", config: []any{"a", "a", "c"}, schema: schemaOf("a int"),
		problems: `rules[0].unique[1]: "a" is in the list twice [duplicate_column]
			rules[0].unique[2]: there is no column "c" here [unknown_column]`,
	},
	{name: "mistakes in a map", config: map[string]any{"columns": []any{"c"}}, schema: schemaOf("a int"), problems: `rules[0].unique.columns[0]: there is no column "c" here [unknown_column]`},
	{name: "nothing", config: []any{}, schema: schemaOf("a int"), problems: "rules[0].unique: has 0 elements: at least 1 [wrong_length]"},
}

func TestUnique(t *testing.T) {
	for _, c := range uniqueCases {
		c.run(t, "unique")
	}
}

// TestUnique_Model holds the rule against a map of texts.
func TestUnique_Model(t *testing.T) {
	s := schemaOf("a int", "b string")
	rapid.Check(t, func(t *rapid.T) {
		var rows [][]string
		for range rapid.IntRange(1, 200).Draw(t, "rows") {
			rows = append(rows, []string{
				rapid.SampledFrom([]string{"-", "0", "1", "2", "65536", "-1"}).Draw(t, "a"),
				rapid.SampledFrom([]string{"-", "", "x", "y", "xy", "1"}).Draw(t, "b"),
			})
		}
		r, err := newUnique(Config{Values: rule("unique", []any{"a", "b"}).Config, Schema: s})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Check(t.Context(), batchOf(s, rows...))
		if err != nil {
			t.Fatal(err)
		}
		first := map[string]int{}
		var want []Broken
		for i, row := range rows {
			if row[0] == "-" || row[1] == "-" {
				continue
			}
			key := fmt.Sprintf("%q", row)
			if at, twice := first[key]; twice {
				want = append(want, Broken{i, fmt.Sprintf("a %s, b %q: record %d of the batch has the same", row[0], row[1], at+1)})
			} else {
				first[key] = i
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestUnique_Empty(t *testing.T) {
	s := schemaOf("a int")
	r, err := newUnique(Config{Values: rule("unique", []any{"a"}).Config, Schema: s})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Check(t.Context(), record.New(s, record.NewBuilder(s).Rows())); len(got) > 0 || err != nil {
		t.Error(got, err)
	}
}

func FuzzUnique(f *testing.F) {
	f.Add("name", "n", "x")
	f.Add("doc", "amount", "1")
	f.Fuzz(func(t *testing.T, a, b, cell string) {
		fuzzRule(t, rule("unique", []any{a, b}), cell)
		fuzzRule(t, rule("unique", []any{"name", "flag", "f"}), cell)
	})
}

func BenchmarkUnique(b *testing.B) {
	benchRule(b, rule("unique", []any{"id"}))
}

func BenchmarkUnique_TwoColumns(b *testing.B) {
	benchRule(b, rule("unique", []any{"name", "id"}))
}
