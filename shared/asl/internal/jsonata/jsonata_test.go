package jsonata

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// states is what the expressions of these tests see as $states.
const states = `{
	"input": {"next": "load", "loaded": 1, "nul": null, "a": [1], "none": [], "turns": 3, "big": 9007199254740993,
		"list": [{"v": 1, "error": ""}, {"v": 2, "error": "E"}], "one": [{"v": 1, "error": "X", "more": true}],
		"nested": {"deep": [{"x": [1, 2]}, {"x": [3]}]}},
	"context": {"Execution": {"Id": "x"}, "State": {"RetryCount": 0}},
	"result": []
}`

func testEnv(t testing.TB) *Env {
	t.Helper()
	v, err := Decode([]byte(states))
	if err != nil {
		t.Fatal(err)
	}
	vars := map[string]any{"states": v, "call": map[string]any{"run": "r1"}, "leg": 1.0}
	return &Env{
		Lookup: func(name string) (any, bool) { v, ok := vars[name]; return v, ok },
		Now:    func() time.Time { return time.Date(2026, 11, 22, 17, 31, 6, 28e6, time.UTC) },
		Float:  func() float64 { return 0.5 },
	}
}

func evalText(t testing.TB, text string) (string, error) {
	t.Helper()
	e, err := Compile(text)
	if err != nil {
		return "", err
	}
	env := testEnv(t)
	v, err := e.Eval(env)
	if err != nil {
		return "", err
	}
	if _, err := Size(v); err != nil {
		return "", err
	}
	again, err := e.Eval(env)
	if err != nil || !cmp.Equal(v, again) {
		t.Errorf("the second evaluation gave %v, %v; the first %v", again, err, v)
	}
	b, err := Encode(v)
	return string(b), err
}

var values = []struct{ name, expr, want string }{
	{"null field", `$states.input.nul`, `null`},
	{"null literal", `null`, `null`},
	{"null equals null", `$states.input.nul = null`, `true`},
	{"null exists", `$exists($states.input.nul)`, `true`},
	{"null in an array", `[null, 1]`, `[null,1]`},
	{"null type", `$type($states.input.nul)`, `"null"`},
	{"absent guarded", `$exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0`, `0`},
	{"undefined vanishes from an object", `{'a': $states.input.missing, 'b': 1}`, `{"b":1}`},
	{"merge", `$merge([{'a': 1}, {'b': $states.input.missing, 'c': $states.input.turns + 1}])`, `{"a":1,"c":4}`},
	{"merge overrides", `$merge([{'a': 1}, {'a': 2}])`, `{"a":2}`},
	{"empty array field", `$states.input.none`, `[]`},
	{"empty array at the root", `$states.result`, `[]`},
	{"array of one stays", `$states.input.a`, `[1]`},
	{"array of one object stays", `$count([$states.input.one])`, `1`},
	{"mapped one is its element", `$states.input.one.v`, `1`},
	{"mapped one in brackets", `[$states.input.one.v]`, `[1]`},
	{"mapped one kept", `$states.input.one.v[]`, `[1]`},
	{"mapped two", `$states.input.list.v`, `[1,2]`},
	{"filter to one", `$states.input.list[v > 1]`, `{"error":"E","v":2}`},
	{"count of none", `$count([$states.input.none])`, `0`},
	{"count of undefined", `$count($states.input.missing)`, `0`},
	{"sum of none", `$sum([$states.input.none.v])`, `0`},
	{"sum of one", `$sum([$states.input.one.v])`, `1`},
	{"sum of two", `$sum([$states.input.list.v])`, `3`},
	{"count of a filter", `$count([$states.input.one[more and error = '']]) > 0`, `false`},
	{"first error of two", `$string([$states.input.list.error[$ != ''], ''][0])`, `"E"`},
	{"first error of one", `$string([$states.input.one.error[$ != ''], ''][0])`, `"X"`},
	{"first error of none", `$string([$states.input.none.error[$ != ''], ''][0])`, `""`},
	{"name of the next leg", `$call.run & '-l' & $string($leg + 1) & '-r' & '0'`, `"r1-l2-r0"`},
	{"index", `$states.input.list[0].v`, `1`},
	{"index from the end", `$states.input.list[-1].v`, `2`},
	{"flattened steps", `$states.input.nested.deep.x`, `[1,2,3]`},
	{"index in each", `$states.input.nested.deep.x[0]`, `[1,3]`},
	{"index of all", `($states.input.nested.deep.x)[0]`, `1`},
	{"order by", `$states.input.list^(>v).v`, `[2,1]`},
	{"object per item", `$states.input.list.{'k': v}`, `[{"k":1},{"k":2}]`},
	{"array per item", `$states.input.list.[v]`, `[[1],[2]]`},
	{"group", `$states.input.list{error: v}`, `{"":1,"E":2}`},
	{"comparison with undefined", `$states.input.missing = 1`, `false`},
	{"and stops", `false and $error('no')`, `false`},
	{"or stops", `true or $error('no')`, `true`},
	{"conditional", `1 > 2 ? 'a' : 'b'`, `"b"`},
	{"block", `($a := 1; $b := $a + 1; $b * 2)`, `4`},
	{"assignment", `$variable := 1`, `1`},
	{"closure", `($add := function($x) { function($y) { $x + $y } }; $add(1)(2))`, `3`},
	{"recursion", `($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(5))`, `120`},
	{"apply", `$states.input.list ~> $count()`, `2`},
	{"apply composed", `($f := $uppercase ~> $length; $f('abc'))`, `3`},
	{"partial", `($half := $substring(?, 0, 2); $half('abc'))`, `"ab"`},
	{"map", `$map([1, 2, 3], function($v, $i) { $v * $i })`, `[0,2,6]`},
	{"map of one", `$map([1], function($v) { $v })`, `1`},
	{"filter function", `$filter([1, 2, 3], function($v) { $v > 1 })`, `[2,3]`},
	{"reduce", `$reduce([1, 2, 3], function($a, $b) { $a + $b })`, `6`},
	{"single", `$single([1, 2], function($v) { $v = 2 })`, `2`},
	{"sort function", `$sort([3, 1, 2])`, `[1,2,3]`},
	{"sort by a function", `$sort([1, 3, 2], function($l, $r) { $l < $r })`, `[3,2,1]`},
	{"append", `$append([1], 2)`, `[1,2]`},
	{"range operator", `[1..3]`, `[1,2,3]`},
	{"distinct", `$distinct([1, 2, 1])`, `[1,2]`},
	{"zip", `$zip([1, 2], ['a', 'b'])`, `[[1,"a"],[2,"b"]]`},
	{"keys", `$keys({'b': 1, 'a': 2})`, `["a","b"]`},
	{"lookup", `$lookup({'a': 1}, 'a')`, `1`},
	{"each", `$each({'a': 1}, function($v, $k) { $k & $v })`, `"a1"`},
	{"sift", `$sift({'a': 1, 'b': 2}, function($v) { $v > 1 })`, `{"b":2}`},
	{"spread", `$spread({'a': 1, 'b': 2})`, `[{"a":1},{"b":2}]`},
	{"wildcard", `$states.context.*.Id`, `"x"`},
	{"descendants", `$sum($states.input.nested.**[$type($) = 'number'])`, `6`},
	{"transform", `$states.input.one[0] ~> |$|{'v': 2}, 'more'|`, `{"error":"X","v":2}`},
	{"in", `'a' in ['a', 'b']`, `true`},
	{"concatenation of all types", `1 & true & null & [1] & $states.input.missing`, `"1truenull[1]"`},
	{"dots and quotes in a text", `'a.' & 'b' & "x.'y'"`, `"a.bx.'y'"`},
	{"comment", `/* one */ 1 /* two */ + 1`, `2`},
	{"comment in a text", `'/* no */'`, `"/* no */"`},
	{"regular expression", `$contains('hello$world', /^hello\$/)`, `true`},
	{"match", `$match('ab1', /([a-z])(\d)/).groups`, `["b","1"]`},
	{"replace", `$replace('a-b', /(\w)-(\w)/, '$2-$1')`, `"b-a"`},
	{"split and join", `$join($split('a,b', ','), ';')`, `"a;b"`},
	{"substring", `$substring('hello', -3, 2)`, `"ll"`},
	{"pad", `$pad('5', -3, '0')`, `"005"`},
	{"integer text", `$string(123456789012)`, `"123456789012"`},
	{"rounded text", `$string(0.1 + 0.2)`, `"0.3"`},
	{"exact sum", `0.1 + 0.2`, `0.30000000000000004`},
	{"integer stays one", `6 / 2`, `3`},
	{"infinite number", `{"a": [1 / 0, -1 / 0]}`, `{"a":["Infinity","-Infinity"]}`},
	{"seed as Java's", `$random(42)`, `0.7275636800328681`},
	{"range rounds towards zero", `$range(-1.7, 2, 1)`, `[-1,0,1,2]`},
	{"large integer passes", `$states.input.big`, `9007199254740993`},
	{"number", `$number('12')`, `12`},
	{"round to even", `$round(2.5)`, `2`},
	{"format", `$formatNumber(12345.6, '#,###.00')`, `"12,345.60"`},
	{"now", `$now()`, `"2026-11-22T17:31:06.028Z"`},
	{"millis", `$millis()`, `1795368666028`},
	{"to millis", `$toMillis('2020-01-01T00:00:00Z')`, `1577836800000`},
	{"parse", `$parse('{"a":[]}')`, `{"a":[]}`},
	{"partition", `$partition([1, 2, 3], 2)`, `[[1,2],[3]]`},
	{"range", `$range(1, 7, 3)`, `[1,4,7]`},
	{"hash", `$hash('x', 'SHA-256')`, `"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"`},
	{"base 64", `$base64decode($base64encode('x'))`, `"x"`},
	{"error function not reached", `1 = 1 ? 'ok' : $error('no')`, `"ok"`},
}

func TestExpr_Eval(t *testing.T) {
	for _, c := range values {
		t.Run(c.name, func(t *testing.T) {
			got, err := evalText(t, c.expr)
			if err != nil || got != c.want {
				t.Errorf("%s = %s, %v; want %s", c.expr, got, err, c.want)
			}
		})
	}
}

func TestExpr_Eval_Undefined(t *testing.T) {
	for _, expr := range []string{
		`$states.input.missing`, `$nothing`, `$boolean($states.input.missing)`, `$sum($states.input.missing)`, `1 > 2 ? 3`,
		`$states.input.list[v > 9]`, `$states.input.missing > 1`, `$map([], function($v) { $v })`, `$`, `$$`, `$states.input.nul.x`,
	} {
		if got, err := evalText(t, expr); !errors.Is(err, ErrUndefined) {
			t.Errorf("%s = %s, %v; want undefined", expr, got, err)
		}
	}
}

func TestExpr_Eval_Error(t *testing.T) {
	for _, c := range []struct{ name, expr, want string }{
		{"not a function", `$randomSeeded(1)`, "T1006: Attempted to invoke a non-function"},
		{"beyond what numbers hold", `1 / 0 + 1`, "D1001"},
		{"text of it", `$string(1 / 0)`, "D3001"},
		{"text plus number", `'1' + 1`, "T2001"},
		{"number plus text", `1 + '1'`, "T2002"},
		{"compare text with number", `'1' > 1`, "T2009"},
		{"compare booleans", `true > false`, "T2010"},
		{"own error", `$error('boom')`, "D3137: boom"},
		{"assertion", `$assert(1 = 2, 'no')`, "D3141: no"},
		{"sum of texts", `$sum(['a'])`, "T0412"},
		{"wrong argument", `$uppercase(1)`, "T0410"},
		{"too many arguments", `$count(1, 2)`, "T0410"},
		{"endless recursion", `($f := function() { $f() }; $f())`, "Expression evaluation timeout: Check for infinite loop"},
		{"deep recursion", `($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(40))`, "Stack overflow error"},
		{"deep expression", "1" + strings.Repeat("+1", 120), "Stack overflow error"},
		{"memory of a range", `[1..873783]`, "Expression evaluation memory limit exceeded: Check for excessive memory usage"},
		{"memory of a text", `($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p("x", 23)))`, "Expression evaluation memory limit"},
		{"huge range", `[1..10000001]`, "D2014: The size of the sequence allocated by the range operator (..) must not exceed 1e6.  Attempted to allocate 10000001."},
		{"apply to no function", `1 ~> 2`, "T2006"},
		{"eval does not exist", `$eval('1')`, "T1006"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := evalText(t, c.expr)
			var e *Error
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s = %s, %v; want %s", c.expr, got, err, c.want)
			}
		})
	}
}

func TestCompile_Error(t *testing.T) {
	for _, expr := range []string{`1 +`, `{`, `'open`, `$a.(`, `a ?? b`, `/(/`, ``} {
		if _, err := Compile(expr); err == nil {
			t.Errorf("%q compiled", expr)
		}
	}
}

func TestBounds(t *testing.T) {
	if _, err := Compile(strings.Repeat("(", 1_000_000)); err == nil {
		t.Error("a million brackets are read")
	}
	if got, err := evalText(t, `"`+strings.Repeat("(", 1000)+`" & "x" ~> $length()`); err != nil || got == "" {
		t.Errorf("brackets in quotes: %s, %v", got, err)
	}
	if got, err := evalText(t, `[$count([1..873782]), $length($pad("", 4194304))]`); err != nil || got != "[873782,4194304]" {
		t.Errorf("what the service still takes: %s, %v", got, err)
	}
}

func TestExpr_Eval_Concurrent(t *testing.T) {
	e, err := Compile(`$states.input.list.($string(v) & error) ~> $join('|')`)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		env := testEnv(t)
		wg.Go(func() {
			for range 200 {
				if v, err := e.Eval(env); err != nil || v != "1|2E" {
					t.Errorf("got %v, %v", v, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestDecode_RoundTrip(t *testing.T) {
	for _, text := range []string{`null`, `1`, `-3`, `1.5`, `9007199254740993`, `-9223372036854775808`, `"<a>"`, `[]`, `{}`, `{"a":[null,{}]}`, `100000000000000000000`} {
		v, err := Decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Encode(v)
		if err != nil || string(got) != text {
			t.Errorf("%s came back as %s, %v", text, got, err)
		}
		if n, err := Size(v); err != nil || n < len(text) {
			t.Errorf("size of %s is %d, %v", text, n, err)
		}
	}
	for _, text := range []string{``, `{`, `1 2`, `1e999`} {
		if v, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s decoded to %v", text, v)
		}
	}
}

func TestSize_RefusesFunctions(t *testing.T) {
	e, _ := Compile(`{'f': function() { 1 }}`)
	v, err := e.Eval(testEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Size(v); err == nil {
		t.Error("a function has a size")
	}
}

func FuzzExpr_Eval(f *testing.F) {
	for _, c := range values {
		f.Add(c.expr)
	}
	for _, c := range language {
		f.Add(c.expr)
	}
	for _, c := range faulty {
		f.Add(c.expr)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 || strings.Contains(text, "..") || strings.Contains(text, "ange(") {
			return
		}
		_, _ = evalText(t, text)
	})
}

func BenchmarkExpr_Eval(b *testing.B) {
	e, err := Compile(`$merge([$call, {'redrive': $exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0, 'entered': $states.context.Execution.Id, 'item': $states.input}])`)
	if err != nil {
		b.Fatal(err)
	}
	env := testEnv(b)
	for b.Loop() {
		if _, err := e.Eval(env); err != nil {
			b.Fatal(fmt.Errorf("eval: %w", err))
		}
	}
}
