package intrinsic

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// input is what the calls of these tests see as the state's input.
const input = `{
	"name": "Ada", "template": "Hello {} \\{{}\\}", "list": [1, 2, 3, 4, 5], "none": [], "nul": null, "n": 5, "half": -1.5, "obj": {"b": [1, "x", null], "a": 1.5},
	"mixed": [true, "1", 2, {"k": 1}, [0, 1, false]], "json": "{\"a\":1}", "empty": "", "text": "\"x\"", "long": "LONG", "csv": " , ", "inner": {"x": 1, "y": {"z": 1}}
}`

// scope is the scope of these tests: its randomness counts.
type scope struct {
	input, context any
	count          uint64
}

func (s *scope) Input() any     { return s.input }
func (s *scope) Uint64() uint64 { s.count++; return s.count }
func (s *scope) Path(p *jsonpath.Path) (any, error) {
	switch p.Root() {
	case "":
		return p.Get(s.input)
	case "$":
		return p.Get(s.context)
	case "v":
		return p.Get("variable")
	}
	return nil, fmt.Errorf("no variable %s", p.Root())
}

func newScope(t testing.TB) *scope {
	t.Helper()
	in, err := jsonata.Decode([]byte(strings.Replace(input, "LONG", strings.Repeat("é", maxEncoded+1), 1)))
	if err != nil {
		t.Fatal(err)
	}
	return &scope{input: in, context: map[string]any{"StateMachine": map[string]any{"Name": "m", "Id": "arn:x"}, "Index": 1.0}}
}

func evalText(t testing.TB, text string) (string, error) {
	t.Helper()
	c, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Eval(newScope(t))
	if err != nil {
		return "", err
	}
	b, err := jsonata.Encode(v)
	return string(b), err
}

var values = []struct{ name, call, want string }{
	{"format", `States.Format('Hello {}, {}', $.name, 1)`, `"Hello Ada, 1"`},
	{"format without holes", `States.Format('no holes')`, `"no holes"`},
	{"format escapes", `States.Format('\'{}\' \\ \{\}', $.name)`, `"'Ada' \\ {}"`},
	{"format template of the input", `States.Format($.template, $.name, 2)`, `"Hello Ada {2}"`},
	{"format of null", `States.Format('{}', $.nul)`, `"null"`},
	{"format of an object", `States.Format('{}', $.obj)`, `"{a=1.5, b=[1, x, null]}"`},
	{"format of the context", `States.Format('{}', $$.StateMachine)`, `"{Id=arn:x, Name=m}"`},
	{"format of read JSON", `States.Format('{}', States.StringToJson($.text))`, `"\"x\""`},
	{"format keeps spaces", `States.Format('  {}  ', true)`, `"  true  "`},
	{"string to JSON", `States.StringToJson($.json)`, `{"a":1}`},
	{"empty string to JSON", `States.StringToJson($.empty)`, `null`},
	{"JSON to string", `States.JsonToString($.obj)`, `"{\"a\":1.5,\"b\":[1,\"x\",null]}"`},
	{"JSON to string of a text", `States.JsonToString('<&>')`, `"\"<&>\""`},
	{"array", `States.Array($.n, 'x', -1.5e2, true, null, $.obj.b)`, `[5,"x",-150,true,null,[1,"x",null]]`},
	{"array of nothing", `States.Array()`, `[]`},
	{"array of arrays", `States.Array(1, States.Array(2, 3))`, `[1,[2,3]]`},
	{"spaces", ` States.Array ( $.n ,	$.name )`, `[5,"Ada"]`},
	{"paths with commas and parentheses", `States.Array($.list[0,1], $['name'], $.list[?(@ > 3 || @ == ')')], $.list.length())`, `[[1,2],"Ada",[4,5],5]`},
	{"variable", `States.Array($v)`, `["variable"]`},
	{"partition", `States.ArrayPartition($.list, 2)`, `[[1,2],[3,4],[5]]`},
	{"partition cuts the fraction", `States.ArrayPartition($.list, 2.9)`, `[[1,2],[3,4],[5]]`},
	{"partition of all", `States.ArrayPartition($.list, 1e300)`, `[[1,2,3,4,5]]`},
	{"partition of nothing", `States.ArrayPartition($.none, 1)`, `[]`},
	{"contains", `States.ArrayContains($.list, 3)`, `true`},
	{"contains not", `States.ArrayContains($.list, 9)`, `false`},
	{"contains an array", `States.ArrayContains($.mixed, $.mixed[4])`, `true`},
	{"contains an object", `States.ArrayContains($.mixed, $.mixed[3])`, `true`},
	{"contains compares texts", `States.ArrayContains($.mixed, 'true')`, `true`},
	{"range", `States.ArrayRange(0, 9, 3)`, `[0,3,6,9]`},
	{"range down", `States.ArrayRange(5, 1, -2)`, `[5,3,1]`},
	{"range the wrong way", `States.ArrayRange(5, 1, 1)`, `[]`},
	{"range of one", `States.ArrayRange(3, 3, -1)`, `[3]`},
	{"range cuts fractions", `States.ArrayRange(5.4, -0.6, -2.4)`, `[5,3,1]`},
	{"item", `States.ArrayGetItem($.list, 2)`, `3`},
	{"item cuts the fraction", `States.ArrayGetItem($.list, 1.9)`, `2`},
	{"item of nothing", `States.ArrayGetItem($.none, 99)`, `null`},
	{"length", `States.ArrayLength($.list)`, `5`},
	{"unique", `States.ArrayUnique(States.Array(1, 2, 1, 3, 2, 4))`, `[1,2,3,4]`},
	{"unique texts", `States.ArrayUnique(States.Array('a', 'b', 'a', 'c', 'b'))`, `["a","b","c"]`},
	{"unique in the order of hashes", `States.ArrayUnique(States.Array(true, false, true, false))`, `[false,true]`},
	{"unique lists", `States.ArrayUnique(States.Array(States.Array(1, 2), States.Array(1, 2), States.Array(2, 1)))`, `[[2,1],[1,2]]`},
	{"unique keeps kinds apart", `States.ArrayUnique(States.Array(null, null, 1, '1', 1.0, '01', null))`, `[null,1,"1","01"]`},
	{"encode", `States.Base64Encode('Data to encode')`, `"RGF0YSB0byBlbmNvZGU="`},
	{"decode", `States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`, `"Data to encode"`},
	{"decode without padding", `States.Base64Decode(' YWJjZA ')`, `"abcd"`},
	{"decode up to the padding", `States.Base64Decode('YWI=YWI=')`, `"ab"`},
	{"hash", `States.Hash('hello', 'MD5')`, `"5d41402abc4b2a76b9719d911017c592"`},
	{"hash SHA-1", `States.Hash('hello', 'SHA-1')`, `"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"`},
	{"hash of a number", `States.Hash(123, 'SHA-256')`, `"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"`},
	{"merge", `States.JsonMerge($.inner, States.StringToJson('\{"y":2,"q":3\}'), false)`, `{"q":3,"x":1,"y":2}`},
	{"merge with a flag of another kind", `States.JsonMerge($.inner, $.inner, 'true')`, `{"x":1,"y":{"z":1}}`},
	{"add", `States.MathAdd($.n, -1)`, `4`},
	{"add rounds halves up", `States.Array(States.MathAdd($.half, 0), States.MathAdd(-1.51, 0), States.MathAdd(0.5, 0), States.MathAdd(-0.5, 0))`, `[-1,-2,1,0]`},
	{"add to the most", `States.MathAdd(2147483646, 1)`, `2147483647`},
	{"random", `States.MathRandom(10, 20)`, `11`},
	{"random of one", `States.MathRandom(-3, -2)`, `-3`},
	{"random with a seed", `States.Array(States.MathRandom(0, 10, 42), States.MathRandom(0, 10, 42), States.MathRandom(0, 64, 1))`, `[0,0,46]`},
	{"split", `States.StringSplit('This.is+a,test=string', '.+,=')`, `["This","is","a","test","string"]`},
	{"split drops what is empty", `States.StringSplit(',,a,,b,', ',')`, `["a","b"]`},
	{"split keeps spaces", `States.StringSplit($.csv, ',')`, `[" "," "]`},
	{"split at nothing", `States.StringSplit('abc', '')`, `["abc"]`},
	{"ten inside each other", strings.Repeat("States.Array(", 10) + strings.Repeat(")", 10), strings.Repeat("[", 10) + strings.Repeat("]", 10)},
}

func TestCall_Eval(t *testing.T) {
	for _, c := range values {
		t.Run(c.name, func(t *testing.T) {
			got, err := evalText(t, c.call)
			if err != nil || got != c.want {
				t.Errorf("%s gave %s, %v; want %s", c.call, got, err, c.want)
			}
		})
	}
}

func TestCall_Eval_Error(t *testing.T) {
	for call, want := range map[string]string{
		`States.ArrayPartition($.list, 0.9)`:            "Invalid arguments in States.ArrayPartition",
		`States.ArrayPartition($.list, '2')`:            "Invalid arguments in States.ArrayPartition",
		`States.ArrayPartition('x', 2)`:                 "Invalid arguments in States.ArrayPartition",
		`States.ArrayContains($.n, 2)`:                  "Invalid arguments in States.ArrayContains",
		`States.ArrayRange(1, 1001, 1)`:                 "Invalid arguments in States.ArrayRange",
		`States.ArrayRange(1, 10, 0.9)`:                 "Invalid arguments in States.ArrayRange",
		`States.ArrayGetItem($.list, 5)`:                "Invalid arguments in States.ArrayGetItem",
		`States.ArrayGetItem($.list, -1)`:               "Invalid arguments in States.ArrayGetItem",
		`States.ArrayLength($.obj)`:                     "Invalid arguments in States.ArrayLength",
		`States.ArrayUnique('x')`:                       "Invalid arguments in States.ArrayUnique",
		`States.Base64Encode(1)`:                        "Invalid arguments in States.Base64Encode",
		`States.Base64Encode($.long)`:                   "Invalid arguments in States.Base64Encode",
		`States.Base64Decode($.long)`:                   "Invalid arguments in States.Base64Decode",
		`States.Hash('x', 'sha-256')`:                   "Invalid arguments in States.Hash",
		`States.Hash($.long, 'MD5')`:                    "Invalid arguments in States.Hash",
		`States.Hash(null, 'MD5')`:                      "Invalid arguments in States.Hash",
		`States.JsonMerge($.inner, $.inner, true)`:      "Invalid arguments in States.JsonMerge",
		`States.JsonMerge($.inner, $.list, false)`:      "Invalid arguments in States.JsonMerge",
		`States.MathAdd(2147483647, 1)`:                 "Invalid arguments in States.MathAdd",
		`States.MathAdd('1', 1)`:                        "Invalid arguments in States.MathAdd",
		`States.MathRandom(1.4, 1.6)`:                   "Invalid arguments in States.MathRandom",
		`States.MathRandom(1, 9, null)`:                 "Invalid arguments in States.MathRandom",
		`States.StringSplit(1, ',')`:                    "Invalid arguments in States.StringSplit",
		`States.StringToJson($.name)`:                   "Invalid arguments in States.StringToJson",
		`States.StringToJson($.n)`:                      "Invalid arguments in States.StringToJson",
		`States.Format(1)`:                              "Invalid arguments in States.Format",
		`States.Format('{}')`:                           "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.",
		`States.Format('{}', 1, 2)`:                     "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.",
		`States.Format('{{}}', 1)`:                      "Invalid template in States.Format: matching '}' not found for '{'.",
		`States.Format('}')`:                            "Invalid template in States.Format: matching '{' not found for '}'.",
		`States.Array(States.MathAdd(null, 1))`:         "Invalid arguments in States.MathAdd",
		`States.Format('{}', States.Format('{}', $.x))`: "The JsonPath argument for the field '$.x' could not be found in the input '{}'",
		`States.Array($$.No.Such)`:                      "The JsonPath argument for the field '$.No.Such' could not be found in the input '{}'",
	} {
		c, err := Parse(call)
		if err != nil {
			t.Errorf("%s: %v", call, err)
			continue
		}
		s := newScope(t)
		if strings.HasPrefix(want, "The JsonPath") {
			s.input = map[string]any{}
		}
		v, err := c.Eval(s)
		want = "The function '" + call + "' had the following error: " + want
		var failed *Error
		if !errors.As(err, &failed) || err.Error() != want {
			t.Errorf("%s gave %v, %v; want %s", call, v, err, want)
		}
	}
}

func TestCall_Eval_ScopeError(t *testing.T) {
	c, err := Parse(`States.Array($unknown)`)
	if err != nil {
		t.Fatal(err)
	}
	var failed *Error
	if _, err := c.Eval(newScope(t)); err == nil || errors.As(err, &failed) || err.Error() != "no variable unknown" {
		t.Errorf("got %v, want the error of the scope", err)
	}
}

func TestUUID(t *testing.T) {
	got, err := evalText(t, `States.UUID()`)
	if err != nil || !regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`).MatchString(got) {
		t.Errorf("got %s, %v", got, err)
	}
	if again, _ := evalText(t, `States.UUID()`); again != got {
		t.Errorf("the same randomness gave %s and %s", got, again)
	}
}

func TestCall_Paths(t *testing.T) {
	c, err := Parse(`States.Array($.a, States.Format('$.no', $$.b, 1), $c)`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range c.Paths() {
		got = append(got, p.String())
	}
	if want := []string{"$.a", "$$.b", "$c"}; !slices.Equal(got, want) || c.String() != `States.Array($.a, States.Format('$.no', $$.b, 1), $c)` {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNames(t *testing.T) {
	if got := Names(); len(got) != 18 {
		t.Errorf("%d functions, want 18: %v", len(got), got)
	}
}

func TestParse_Error(t *testing.T) {
	for _, text := range []string{
		"", "$.a", "States.Array", "States.Array(", "States.Array)", "States.Array(1", "States.Array(1,)", "States.Array(,1)", "States.Array(1 2)", "States.Array() x",
		"States.Array([1,2])", "States.Array(1.)", "States.Array(.5)", "States.Array(x)", `States.Array("x")`, "States.Array('x)", `States.Array('\n')`, `States.Array('\`,
		"States.Nope()", "States.format('x')", "Array(1)", "States.Array($.)", "States.Array($.a[)", "States.Array()[0]", "States.UUID(1)", "States.Format()", "States.MathAdd(1)",
		"States.MathRandom(1,2,3,4)", "States.ArrayContains($.a)", "States.Array(1e999)", "States.Array(\xff)", "States.Array('" + strings.Repeat("x", maxText) + "')",
		strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11), strings.Repeat("States.Array(", 1000),
	} {
		c, err := Parse(text)
		var wrong *SyntaxError
		if !errors.As(err, &wrong) || wrong.Offset > len(text) {
			t.Errorf("%.60q: %v, %v; want a SyntaxError", text, c, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range values {
		f.Add(c.call)
	}
	s := newScope(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		if v, err := c.Eval(s); err == nil {
			if _, err := jsonata.Encode(v); err != nil {
				t.Errorf("%q gave what is no JSON: %v", text, err)
			}
		}
	})
}

func BenchmarkCall_Eval(b *testing.B) {
	s := newScope(b)
	for name, text := range map[string]string{"format": `States.Format('Hello {}, {}', $.name, $.n)`, "nested": `States.ArrayGetItem(States.StringSplit($.json, ':'), 1)`} {
		c, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Eval(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
