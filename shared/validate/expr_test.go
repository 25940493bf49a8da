package validate

import (
	"strings"
	"testing"
)

var exprCases = []ruleCase{
	{
		name: "false and null break it", config: "a > 1", schema: schemaOf("a int"),
		rows: cellsOf("2", "1", "-"),
		want: `1: not true: a > 1
			2: not true: a > 1`,
	},
	{name: "null that may pass", config: "is_null(a) or a > 1", schema: schemaOf("a int"), rows: cellsOf("2", "1", "-"), want: "1: not true: is_null(a) or a > 1"},
	{
		name: "message, and rows without a result", config: map[string]any{"test": "10 % a == 0", "message": "a must divide 10"}, schema: schemaOf("a int"),
		rows: cellsOf("5", "0", "3"),
		want: `1: a must divide 10: division by zero
			2: a must divide 10`,
	},
	{name: "a bool column", config: "a", schema: schemaOf("a bool"), rows: cellsOf("true", "false", "-"), want: "1: not true: a\n2: not true: a"},
	{name: "a constant", config: "1 > 2", schema: schemaOf("a bool"), rows: cellsOf("true", "false"), want: "0: not true: 1 > 2\n1: not true: 1 > 2"},
	{
		name: "masked", config: "int(a) > 1", schema: schemaOf("a string"), mask: []string{"a"},
		rows: cellsOf("secret"), want: "0: not true: int(a) > 1: it cannot be computed",
	},
	{name: "not masked", config: "int(a) > 1", schema: schemaOf("a string"), rows: cellsOf("x"), want: `0: not true: int(a) > 1: "x" is not a whole number`},
	{name: "unknown column", config: "b > 1", schema: schemaOf("a int"), problems: `rules[0].expr: column 1: there is no column "b" here [unknown_column]`},
	{name: "no condition", config: map[string]any{"test": "a + 1"}, schema: schemaOf("a int"), problems: "rules[0].expr.test: column 1: the expression must be true or false, this is int [wrong_type]"},
	{name: "no expression", config: map[string]any{"message": "x"}, schema: schemaOf("a int"), problems: "rules[0].expr.test: test is missing [missing]"},
	{name: "a long one", config: "a == 1" + strings.Repeat(" or a == 1", 20), schema: schemaOf("a int"), rows: cellsOf("2"), want: "0: not true: " + ("a == 1" + strings.Repeat(" or a == 1", 20))[:160] + "…"},
}

func TestExpr(t *testing.T) {
	for _, c := range exprCases {
		c.run(t, "expr")
	}
}

func FuzzExpr(f *testing.F) {
	for _, src := range []string{"n > 1", "10 % n == 0", "flag", "name matches '^x'", "any(doc, .a == name)", "amount / 2 > f", "int(name) > 1"} {
		f.Add(src, "x")
	}
	f.Fuzz(func(t *testing.T, src, cell string) {
		fuzzRule(t, rule("expr", map[string]any{"test": src}), cell)
	})
}

func BenchmarkExpr(b *testing.B) {
	benchRule(b, rule("expr", "n >= 0 and name != \"\""))
}
