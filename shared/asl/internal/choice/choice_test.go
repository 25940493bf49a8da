package choice

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

const input = `{
	"s": "Hello", "empty": "", "n": 5, "f": 1.5, "big": 9007199254740993, "t": "2012-10-09T19:00:55Z", "offset": "2012-10-09T20:00:55+01:00", "local": "2012-10-09T19:00:55",
	"date": "2023-02-24", "yes": true, "no": false, "nul": null, "list": [], "object": {"a": 1}, "other": "Help", "more": 6, "later": "2012-10-09T19:00:56.5Z",
	"file": "logs-2025-04-done", "star": "a*b\\c", "😀": "😀", "private": "\uffee"
}`

type scope struct{ input any }

func (s scope) Path(p *jsonpath.Path) (any, error) {
	switch p.Root() {
	case "":
		return p.Get(s.input)
	case "v":
		return p.Get(5.0)
	}
	return nil, fmt.Errorf("no variable %s", p.Root())
}

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonata.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compile(t testing.TB, text string) Rule {
	t.Helper()
	r, err := Compile(decode(t, text).(map[string]any))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

// comparisons are operators with a path and a value, and whether they hold.
var comparisons = []struct {
	path, operator, value string
	want                  bool
}{
	{"$.s", "StringEquals", `"Hello"`, true},
	{"$.s", "StringEquals", `"hello"`, false},
	{"$.n", "StringEquals", `"5"`, false},
	{"$.s", "StringLessThan", `"Help"`, true},
	{"$.s", "StringLessThanEquals", `"Hello"`, true},
	{"$.s", "StringGreaterThan", `"Hell"`, true},
	{"$.s", "StringGreaterThanEquals", `"Help"`, false},
	{"$.empty", "StringLessThan", `""`, false},
	{"$['😀']", "StringLessThanPath", `"$.private"`, true}, // a pair of surrogates is below the last plane's end
	{"$.s", "StringEqualsPath", `"$.s"`, true},
	{"$.s", "StringLessThanPath", `"$.other"`, true},
	{"$.s", "StringGreaterThanPath", `"$.other"`, false},
	{"$.s", "StringLessThanEqualsPath", `"$.n"`, false},
	{"$.n", "NumericEquals", `5.0`, true},
	{"$.n", "NumericEqualsPath", `"$v"`, true},
	{"$v", "NumericEquals", `5`, true},
	{"$.big", "NumericEquals", `9007199254740992`, false},
	{"$.big", "NumericGreaterThan", `9007199254740994`, false},
	{"$.big", "NumericEquals", `9007199254740993`, true},
	{"$.n", "NumericLessThan", `5`, false},
	{"$.n", "NumericLessThanEquals", `5`, true},
	{"$.f", "NumericGreaterThan", `1`, true},
	{"$.n", "NumericGreaterThanEquals", `6`, false},
	{"$.s", "NumericEquals", `0`, false},
	{"$.nul", "NumericEqualsPath", `"$.nul"`, false},
	{"$.n", "NumericLessThanPath", `"$.more"`, true},
	{"$.n", "NumericGreaterThanPath", `"$.list"`, true}, // what is no number counts as 0 on this side
	{"$.n", "NumericGreaterThanEqualsPath", `"$.no"`, true},
	{"$.no", "NumericLessThanPath", `"$.n"`, false},
	{"$.yes", "BooleanEquals", `true`, true},
	{"$.yes", "BooleanEquals", `false`, false},
	{"$.no", "BooleanEqualsPath", `"$.no"`, true},
	{"$.nul", "BooleanEquals", `false`, false},
	{"$.n", "BooleanEqualsPath", `"$.yes"`, false},
	{"$.t", "TimestampEquals", `"2012-10-09T19:00:55.000Z"`, true},
	{"$.t", "TimestampEqualsPath", `"$.offset"`, true},
	{"$.t", "TimestampLessThan", `"2012-10-09T19:00:55.001Z"`, true},
	{"$.t", "TimestampLessThanPath", `"$.later"`, true},
	{"$.later", "TimestampGreaterThan", `"2012-10-09T19:00:55Z"`, true},
	{"$.t", "TimestampGreaterThanEquals", `"2012-10-09T19:00:56Z"`, false},
	{"$.t", "TimestampLessThanEqualsPath", `"$.s"`, false},
	{"$.local", "TimestampEquals", `"2012-10-09T19:00:55Z"`, false},
	{"$.s", "StringMatches", `"Hello"`, true},
	{"$.s", "StringMatches", `"H*o"`, true},
	{"$.s", "StringMatches", `"H*lo*lo"`, false},
	{"$.s", "StringMatches", `"*"`, true},
	{"$.empty", "StringMatches", `"*"`, true},
	{"$.empty", "StringMatches", `""`, true},
	{"$.s", "StringMatches", `"*ell"`, false},
	{"$.s", "StringMatches", `"*l*l*"`, true},
	{"$.s", "StringMatches", `"*l*l*l*"`, false},
	{"$.file", "StringMatches", `"logs-*-*-done"`, true},
	{"$.star", "StringMatches", `"a\\*b\\\\c"`, true},
	{"$.s", "StringMatches", `"H\\*o"`, false},
	{"$['😀']", "StringMatches", `"😀*"`, true},
	{"$.n", "StringMatches", `"5"`, false},
	{"$.nul", "IsNull", `true`, true},
	{"$.n", "IsNull", `true`, false},
	{"$.n", "IsNull", `false`, true},
	{"$.nul", "IsPresent", `true`, true},
	{"$.missing", "IsPresent", `true`, false},
	{"$.missing.deep", "IsPresent", `false`, true},
	{"$.list[3]", "IsPresent", `false`, true},
	{"$.f", "IsNumeric", `true`, true},
	{"$.s", "IsNumeric", `true`, false},
	{"$.empty", "IsString", `true`, true},
	{"$.list", "IsString", `false`, true},
	{"$.no", "IsBoolean", `true`, true},
	{"$.n", "IsBoolean", `true`, false},
	{"$.t", "IsTimestamp", `true`, true},
	{"$.offset", "IsTimestamp", `true`, true},
	{"$.local", "IsTimestamp", `true`, false},
	{"$.date", "IsTimestamp", `true`, false},
	{"$.n", "IsTimestamp", `false`, true},
}

func TestRule_Match(t *testing.T) {
	s := scope{decode(t, input)}
	for _, c := range comparisons {
		rule := fmt.Sprintf(`{"Variable": %q, %q: %s, "Next": "x"}`, c.path, c.operator, c.value)
		if got, err := compile(t, rule).Match(s); err != nil || got != c.want {
			t.Errorf("%s gave %v, %v; want %v", rule, got, err, c.want)
		}
	}
}

func TestRule_Match_Nested(t *testing.T) {
	const yes, no, wrong = `{"Variable":"$.yes","BooleanEquals":true}`, `{"Variable":"$.yes","BooleanEquals":false}`, `{"Variable":"$.missing","IsNull":true}`
	s := scope{decode(t, input)}
	for rule, want := range map[string]bool{
		`{"And":[` + yes + `,` + yes + `],"Comment":"x","Next":"x"}`:           true,
		`{"And":[` + yes + `,` + no + `,` + wrong + `]}`:                       false,
		`{"Or":[` + no + `,` + yes + `,` + wrong + `]}`:                        true,
		`{"Or":[` + no + `,` + no + `]}`:                                       false,
		`{"Not":` + no + `}`:                                                   true,
		`{"Not":{"Or":[` + no + `,{"And":[` + yes + `,{"Not":` + no + `}]}]}}`: false,
		`{"And":[{"Variable":"$.missing","IsPresent":true},` + wrong + `]}`:    false,
	} {
		if got, err := compile(t, rule).Match(s); err != nil || got != want {
			t.Errorf("%s gave %v, %v; want %v", rule, got, err, want)
		}
	}
}

func TestRule_Match_Error(t *testing.T) {
	s := scope{decode(t, input)}
	const words = "The choice state's condition path references an invalid value."
	for rule, want := range map[string]string{
		`{"Variable":"$.missing","IsNull":false}`:                                   "Invalid path '$.missing': " + words,
		`{"Variable":"$.missing","StringEqualsPath":"$.gone"}`:                      "Invalid path '$.missing': " + words,
		`{"Variable":"$.s","StringEqualsPath":"$.gone"}`:                            "Invalid path '$.gone': " + words,
		`{"Not":{"Variable":"$.list[0]","NumericEquals":1}}`:                        "Invalid path '$.list[0]': " + words,
		`{"Or":[{"And":[{"Variable":"$unknown","IsPresent":true}]}]}`:               "no variable unknown",
		`{"Or":[{"And":[{"Variable":"$.s","StringEqualsPath":"$unknown.field"}]}]}`: "no variable unknown",
	} {
		got, err := compile(t, rule).Match(s)
		if err == nil || got || err.Error() != want {
			t.Errorf("%s gave %v, %v; want %s", rule, got, err, want)
		}
	}
}

func TestCompile_Error(t *testing.T) {
	deep := strings.Repeat(`{"Not":`, maxDepth+2) + `{"Variable":"$","IsNull":true}` + strings.Repeat("}", maxDepth+2)
	for rule, want := range map[string]string{
		`{}`:                 "",
		`{"Variable":"$.a"}`: "",
		`{"IsNull":true}`:    "",
		`{"Variable":"$.a","IsNull":true,"IsString":true}`:   "",
		`{"Variable":"$.a","IsNull":"true"}`:                 "/IsNull",
		`{"Variable":1,"IsNull":true}`:                       "/Variable",
		`{"Variable":"a","IsNull":true}`:                     "/Variable",
		`{"Variable":"$.a","StringEqual":"x","IsNull":true}`: "/StringEqual",
		`{"Variable":"$.a","NumericEquals":"1"}`:             "/NumericEquals",
		`{"Variable":"$.a","StringEquals":1}`:                "/StringEquals",
		`{"Variable":"$.a","StringMatches":"\\x"}`:           "/StringMatches",
		`{"Variable":"$.a","StringMatches":"x\\"}`:           "/StringMatches",
		`{"Variable":"$.a","StringMatches":null}`:            "/StringMatches",
		`{"Variable":"$.a","TimestampEquals":"2012"}`:        "/TimestampEquals",
		`{"Variable":"$.a","NumericEqualsPath":1}`:           "/NumericEqualsPath",
		`{"And":[]}`: "/And",
		`{"Or":{}}`:  "/Or",
		`{"Or":[1]}`: "/Or/0",
		`{"Not":[]}`: "/Not",
		`{"Not":{"Variable":"$.a","IsNull":true,"Next":"x"}}`: "/Not/Next",
		`{"And":[{"Not":{"Variable":"$.","IsNull":true}}]}`:   "/And/0/Not/Variable",
		deep: strings.Repeat("/Not", maxDepth+1),
	} {
		_, err := Compile(decode(t, rule).(map[string]any))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Path != want {
			t.Errorf("%.60s: %v; want one problem at %s", rule, err, want)
		}
	}
}

func TestRule_Paths(t *testing.T) {
	r := compile(t, `{"And":[{"Variable":"$.a","StringEqualsPath":"$b"},{"Not":{"Variable":"$$.c","IsNull":true}}]}`)
	var got []string
	for _, p := range r.Paths() {
		got = append(got, p.String())
	}
	if strings.Join(got, " ") != "$.a $b $$.c" {
		t.Errorf("got %v", got)
	}
}

func FuzzCompile(f *testing.F) {
	for _, c := range comparisons {
		f.Add(fmt.Sprintf(`{"Not": {"And": [{"Variable": %q, %q: %s}]}}`, c.path, c.operator, c.value))
	}
	s := scope{decode(f, input)}
	f.Fuzz(func(t *testing.T, text string) {
		var rule map[string]any
		if json.Unmarshal([]byte(text), &rule) != nil {
			return
		}
		r, err := Compile(rule)
		if err != nil {
			return
		}
		got, err := r.Match(s)
		inverse, inverseErr := Rule{test: not{r.test}}.Match(s)
		if (err == nil) != (inverseErr == nil) || err == nil && got == inverse || err != nil && got {
			t.Errorf("%s gave %v, %v; its Not %v, %v", text, got, err, inverse, inverseErr)
		}
	})
}

func BenchmarkRule_Match(b *testing.B) {
	s := scope{decode(b, input)}
	r := compile(b, `{"And":[{"Variable":"$.n","NumericLessThan":10},{"Variable":"$.file","StringMatches":"logs-*-*-done"},{"Not":{"Variable":"$.t","TimestampGreaterThanPath":"$.later"}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := r.Match(s); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
