package validate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// schemaConfig makes a configuration of a schema's text, as YAML would give it.
func schemaConfig(column, schema string) map[string]any {
	var v map[string]any
	if err := json.Unmarshal([]byte(schema), &v); err != nil {
		panic(err)
	}
	m := map[string]any{"schema": v}
	if column != "" {
		m["column"] = column
	}
	return m
}

func keepingNulls(m map[string]any) map[string]any {
	m["nulls"] = "keep"
	return m
}

var jsonSchemaCases = []ruleCase{
	{
		name: "a column, null passes", config: schemaConfig("a", `{"type":"object","required":["city"],"properties":{"city":{"type":"string","minLength":2},"zip":{"pattern":"^[0-9]+$"}},"additionalProperties":false}`),
		schema: schemaOf("a json"),
		rows:   cellsOf(`{"city":"Bern"}`, `{"city":1,"zip":"x"}`, `[]`, "-", `{"zap":1,"zop":2}`, "null"),
		want: `1: a/city: got number, want string; a/zip: "x" does not match /^[0-9]+$/
			2: a: got array, want object
			4: a: missing: "city"; a: not allowed: "zap", "zop"
			5: a: got null, want object`,
	},
	{
		name: "a whole record", config: schemaConfig("", `{"required":["n","s"],"properties":{"n":{"type":"integer","minimum":1},"d":{"maximum":9.99},"day":{"format":"date"},"s":{"enum":["x","y"]},"b":{"const":true},"f":{"exclusiveMaximum":1,"exclusiveMinimum":0},"j":{"items":{"type":"string"}}}}`),
		schema: schemaOf("n int", "d decimal(20,2)", "day date", "s string", "b bool", "f float", "j json"),
		rows: [][]string{
			{"1", "9.99", "2026-08-22", "x", "true", "0.5", `["a"]`},
			{"0", "123456789012345678.90", "-", "z", "false", "1", `["a",1]`},
			{"-", "-", "-", "-", "-", "-", "-"},
			{"9007199254740993", "-0.01", "2026-08-22", "y", "-", "0", "-"},
		},
		want: `1: b: value must be true; d: 123456789012345678.9 is above 9.99; f: 1 is not below 1; and 3 more
			2: missing: "n", "s"
			3: f: 0 is not above 0`,
	},
	{
		name: "nulls that stay", config: keepingNulls(schemaConfig("", `{"required":["a"],"properties":{"a":{"type":["string","null"]},"b":{"type":"string"}}}`)),
		schema: schemaOf("a string", "b string"), rows: [][]string{{"-", "x"}, {"-", "-"}}, want: "1: b: got null, want string",
	},
	{
		name: "parts of the schema", config: schemaConfig("a", `{"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"left":{"$ref":"#/$defs/tree"}}}}}`),
		schema: schemaOf("a json"), rows: cellsOf(`{"left":{"left":{}}}`, `{"left":{"left":1}}`), want: "1: a/left/left: got number, want object",
	},
	{
		name: "a text column", config: schemaConfig("a", `{"format":"email"}`), schema: schemaOf("a string"),
		rows: cellsOf("a@b.example", "x", strings.Repeat("é", 61)),
		want: `1: a: "x" is not of format email
			2: a: "éééééééééééééééééééé…" is not of format email`,
	},
	{
		name: "an instant", config: schemaConfig("a", `{"format":"date-time"}`), schema: schemaOf("a timestamptz"), rows: cellsOf("2026-08-22T10:00:00Z"),
	},
	{
		name: "masked column", config: schemaConfig("a", `{"properties":{"b":{"pattern":"^x"}},"additionalProperties":false,"minProperties":1,"propertyNames":{"maxLength":3}}`), schema: schemaOf("a json"), mask: []string{"a"},
		rows: cellsOf(`{"b":"secret"}`, `{"secret":1}`, `{}`),
		want: `0: a: does not keep pattern
			1: a: does not keep additionalProperties; a: does not keep maxLength
			2: a: does not keep minProperties`,
	},
	{
		name: "masked column of a record", config: schemaConfig("", `{"properties":{"a":{"const":"x"},"b":{"maximum":1},"c":{"format":"uuid"}}}`), schema: schemaOf("a string", "b int", "c string"), mask: []string{"b", "c"},
		rows: [][]string{{"y", "7", "secret"}}, want: `0: a: value must be 'x'; b: does not keep maximum; c: does not keep format`,
	},
	{
		name: "numbers that are too large", config: schemaConfig("a", `{"items":{"maximum":10}}`), schema: schemaOf("a json"),
		rows: cellsOf("[1e400]", "[1e999999999]", "[-1E-999999]", `["1e999999999"]`, `{"b":[1e99999999999999999999]}`),
		want: `0: a/0: ` + "1" + strings.Repeat("0", 39) + `… is above 10
			1: a: a number in it is too large or too small
			2: a: a number in it is too large or too small
			4: a: a number in it is too large or too small`,
	},
	{name: "a schema that asks for nothing", config: schemaConfig("", `{}`), schema: schemaOf("a json"), rows: cellsOf("1", "-")},
	{name: "no schema", config: map[string]any{"column": "a"}, schema: schemaOf("a json"), problems: "rules[0].json_schema: the schema must be given, once [missing]"},
	{
		name: "schema and file", config: map[string]any{"schema": map[string]any{}, "file": "x.json"}, schema: schemaOf("a json"),
		problems: "rules[0].json_schema: the schema must be given, once [missing]",
	},
	{
		name: "no schema of JSON", config: schemaConfig("b", `{"type":"text","minLength":-1}`), schema: schemaOf("a json"),
		problems: `rules[0].json_schema.column: there is no column "b" here [unknown_column]
			rules[0].json_schema.schema: it is not a JSON schema: minLength: -1 is below 0; type: got string, want array; type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string' [bad_schema]`,
	},
	{
		name: "a reference to elsewhere", config: schemaConfig("a", `{"$ref":"https://example.com/schema.json"}`), schema: schemaOf("a json"),
		problems: "rules[0].json_schema.schema: a schema may refer to parts of itself only, not to https://example.com/schema.json [bad_schema]",
	},
	{
		name: "a reference to a file", config: schemaConfig("a", `{"$ref":"file:///etc/passwd"}`), schema: schemaOf("a json"),
		problems: "rules[0].json_schema.schema: a schema may refer to parts of itself only, not to file:///etc/passwd [bad_schema]",
	},
	{
		name: "a schema of schemas from elsewhere", config: schemaConfig("a", `{"$schema":"https://example.com/draft"}`), schema: schemaOf("a json"),
		problems: "rules[0].json_schema.schema: a schema may refer to parts of itself only, not to https://example.com/draft [bad_schema]",
	},
}

func TestJSONSchema(t *testing.T) {
	for _, c := range jsonSchemaCases {
		c.run(t, "json_schema")
	}
}

func TestJSONSchema_File(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "project")
	files := map[string]string{
		"project/schemas/a.json": `{"type":"integer"}`, "project/broken.json": "{", "outside.json": "{}", "project/large.json": strings.Repeat(" ", maxSchema+1),
	}
	if err := os.MkdirAll(filepath.Join(dir, "schemas"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(outer, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(outer, "outside.json"), filepath.Join(dir, "link.json")); err != nil {
		t.Fatal(err)
	}
	for file, problem := range map[string]string{
		"schemas/a.json":       "",
		"schemas":              `"schemas" is not a file`,
		"none.json":            `there is no file "none.json" in the project`,
		"../outside.json":      `"../outside.json" cannot be read: it must be below the project's folder`,
		"link.json":            `"link.json" cannot be read: it must be below the project's folder`,
		"broken.json":          "it is not JSON: unexpected EOF",
		"large.json":           `"large.json" is larger than 1 MiB`,
		"schemas/../none.json": `there is no file "schemas/../none.json" in the project`,
	} {
		c := ruleCase{name: file, config: map[string]any{"column": "a", "file": file}, schema: schemaOf("a json"), dir: dir, rows: cellsOf("1", `"x"`)}
		if c.want = "1: a: got string, want integer"; problem != "" {
			c.problems = "rules[0].json_schema.file: " + problem + " [bad_schema]"
		}
		c.run(t, "json_schema")
	}
}

// TestJSONSchema_SameReason holds that the reasons of a record are the same each time, although the library walks through maps.
func TestJSONSchema_SameReason(t *testing.T) {
	r, err := newJSONSchema(Config{
		Values: rule("", schemaConfig("a", `{"additionalProperties":{"type":"string"}}`)).Config, Schema: schemaOf("a json"),
	})
	if err != nil {
		t.Fatal(err)
	}
	b := batchOf(schemaOf("a json"), cellsOf(`{"a":1,"b":2,"c":3,"d":4,"e":5}`)...)
	want := []Broken{{0, "a/a: got number, want string; a/b: got number, want string; a/c: got number, want string; and 2 more"}}
	for range 50 {
		got, err := r.Check(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Fatal(diff)
		}
	}
}

func FuzzJSONSchema(f *testing.F) {
	for _, c := range jsonSchemaCases {
		m := c.config.(map[string]any)
		column, _ := m["column"].(string)
		text, err := json.Marshal(m["schema"])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(column, string(text), "x")
	}
	f.Add("doc", `{"items":{"uniqueItems":true,"multipleOf":0.1}}`, "1e400")
	f.Fuzz(func(t *testing.T, column, schema, cell string) {
		var v map[string]any
		if json.Unmarshal([]byte(schema), &v) != nil || v == nil {
			return
		}
		fuzzRule(t, rule("json_schema", map[string]any{"schema": v}), cell)
		fuzzRule(t, rule("json_schema", map[string]any{"column": column, "schema": v}), cell)
	})
}

func BenchmarkJSONSchema(b *testing.B) {
	benchRule(b, rule("json_schema", schemaConfig("doc", `{"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{"type":"object"}}}`)))
}

func BenchmarkJSONSchema_Record(b *testing.B) {
	benchRule(b, rule("json_schema", schemaConfig("", `{"required":["id"],"properties":{"name":{"minLength":1},"n":{"minimum":0},"day":{"format":"date"}}}`)))
}
