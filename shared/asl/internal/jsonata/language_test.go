package jsonata

import (
	"errors"
	"strings"
	"testing"
)

// shop is what the expressions of these tables see as $shop.
const shop = `{
	"name": "corner", "tags": ["a", "b"],
	"orders": [
		{"id": 1, "who": "ann", "lines": [{"sku": "x", "n": 2, "price": 3}, {"sku": "y", "n": 1, "price": 10}]},
		{"id": 2, "who": "bob", "lines": [{"sku": "x", "n": 5, "price": 3}]},
		{"id": 3, "who": "ann", "lines": []}
	],
	"goods": [{"sku": "x", "label": "nut"}, {"sku": "y", "label": "bolt"}, {"sku": "z", "label": "nail"}]
}`

// language are expressions of all parts of the language and what they give; the reference implementation is asked the same.
var language = []struct{ name, expr, want string }{
	{"parent", `$shop.orders.lines.(%.id & ":" & sku)`, `["1:x","1:y","2:x"]`},
	{"parent of a parent", `$shop.orders.lines.{"shop": %.%.name, "sku": sku}`, `[{"shop":"corner","sku":"x"},{"shop":"corner","sku":"y"},{"shop":"corner","sku":"x"}]`},
	{"parent in a filter", `$shop.orders.lines[%.who = "ann"].sku`, `["x","y"]`},
	{"parent in an order", `$shop.orders.lines^(>%.id, sku).sku`, `["x","x","y"]`},
	{"parent behind a block", `$shop.(orders.lines).(%.id)`, `[1,1,2]`},
	{"parent of a wildcard", `$shop.orders.lines.*.(%.sku)`, `["x","x","x","y","y","y","x","x","x"]`},
	{"parent in a group", `$shop.orders.lines.{"k": sku, "who": %.who}{k: $join([who], "+")}`, `{"x":"ann+bob","y":"ann"}`},
	{"focus", `$shop.orders@$o.lines`, ``},
	{"focus joins", `$shop.orders.lines@$l.%.%.goods[sku = $l.sku].(label & $l.n)`, `["nut2","bolt1","nut5"]`},
	{"focus joins two lists", `$shop.orders@$o.goods@$g[$g.sku in $o.lines.sku].($o.id & $g.label)`, `["1nut","1bolt","2nut"]`},
	{"focus in a group", `$shop.orders@$o.goods@$g[$g.sku in $o.lines.sku]{$g.label: [$o.id]}`, `{"bolt":[1],"nut":[1,2]}`},
	{"index", `$shop.orders#$i.lines.(sku & $i)`, `["x0","y0","x1"]`},
	{"index of inner", `$shop.orders.lines#$i.(sku & $i)`, `["x0","y1","x0"]`},
	{"index behind a filter", `$shop.orders.lines[n > 1]#$i.(sku & $i)`, `["x0","x1"]`},
	{"index in a filter", `$shop.goods#$i[$i > 0].label`, `["bolt","nail"]`},
	{"index of sorted", `$shop.goods^(label)#$i.($i & label)`, `["0bolt","1nail","2nut"]`},
	{"index of a variable", `$shop.tags#$i.($i & $)`, `["0a","1b"]`},
	{"focus and index", `$shop.orders@$o#$i[$i < 2].($o.who & $i)`, `["ann0","bob1"]`},
	{"kept array", `$shop.orders[id = 2].lines[].sku`, `["x"]`},
	{"kept in the middle", `$shop.orders[id = 2][].who`, `["bob"]`},
	{"kept result of a function", `$filter([1, 2], function($v) { $v = 1 })[]`, `[1]`},
	{"order by two", `$shop.orders^(who, >id).id`, `[3,1,2]`},
	{"order with absent", `[{"a": 2}, {"b": 1}, {"a": 1}]^(a).$string()`, `["{\"a\":1}","{\"a\":2}","{\"b\":1}"]`},
	{"group with sum", `$shop.orders.lines{sku: $sum(n)}`, `{"x":7,"y":1}`},
	{"group of nothing", `$shop.none{"a": 1}`, `{"a":1}`},
	{"filters in a row", `$shop.orders.lines[n > 1][price < 5].sku`, `["x","x"]`},
	{"list of indices", `$shop.goods[[0, 2]].sku`, `["x","z"]`},
	{"range of indices", `$shop.goods[[1..5]].sku`, `["y","z"]`},
	{"quoted name", "{\"a b\": 1}.`a b`", `1`},
	{"text as a step", `{"a b": 1}."a b"`, `1`},
	{"words as names", `{"and": 1, "or": 2, "in": 3}.[and, or, in]`, `[1,2,3]`},
	{"keyword operators on such names", `{"and": 1, "or": 0}.(and and or)`, `false`},
	{"signature", `(function($x, $y)<n-n:n> { $x + $y })(1, 2)`, `3`},
	{"signature takes the context", `5.1 ~> function($x)<n:n> { $x * 2 }`, `10.2`},
	{"signature makes an array", `function($x)<a<n>:n> { $count($x) }(7)`, `1`},
	{"signature with a missing one", `function($a, $b)<s-n?:s> { $a & $exists($b) }("x")`, `"xfalse"`},
	{"signature with a choice", `function($a)<(sn):s> { $string($a) }(1)`, `"1"`},
	{"signature with functions", `function($f)<f<n:n>:n> { $f(2) }(function($x) { $x * $x })`, `4`},
	{"signature with nested types", `function($a)<a<a<n>>:n> { $count($a) }([[1], [2]])`, `2`},
	{"partial of our own", `($add := function($x, $y) { $x + $y }; $inc := $add(?, 1); $inc(2))`, `3`},
	{"partial of two", `($f := $replace(?, "a", ?); $f("banana", "o"))`, `"bonono"`},
	{"partial in a chain", `"hello" ~> $substringBefore(?, "l") ~> $uppercase`, `"HE"`},
	{"chain of three", `($f := $trim ~> $uppercase ~> $length; $f("  ab  "))`, `2`},
	{"transform", `$shop.goods[0] ~> |$|{"label": $uppercase(label), "new": true}, ["sku"]|`, `{"label":"NUT","new":true}`},
	{"transform deep", `($shop ~> |orders.lines|{"total": n * price}, ["n", "price"]|).orders.lines.total`, `[6,10,15]`},
	{"transform leaves the original", `($t := $shop ~> |goods|{"label": 0}|; $shop.goods.label)`, `["nut","bolt","nail"]`},
	{"closure keeps its variables", `($n := 1; $f := function() { $n }; ($n := 2; $f()))`, `1`},
	{"block has its own variables", `($a := 1; ($a := 2); $a)`, `1`},
	{"default of a closure", `($counter := function($n) { function() { $n + 1 } }; $counter(4)())`, `5`},
	{"recursion in tail position", `($loop := function($n, $sum) { $n = 0 ? $sum : $loop($n - 1, $sum + $n) }; $loop(5000, 0))`, `12502500`},
	{"two functions in turn", `($even := function($n) { $n = 0 ? true : $odd($n - 1) }; $odd := function($n) { $n = 0 ? false : $even($n - 1) }; $even(3001))`, `false`},
	{"lambda sign", `λ($x) { $x + 1 }(1)`, `2`},
	{"anonymous in map", `[1..3].(function($x) { $x * $x })($)`, `[1,4,9]`},
	{"map with index", `$map(["a", "b"], function($v, $i, $a) { $v & $i & $count($a) })`, `["a02","b12"]`},
	{"map with a builtin", `$map([1, 2], $string)`, `["1","2"]`},
	{"reduce with a start", `$reduce([1, 2, 3], function($a, $v, $i) { $a & $v & $i }, "")`, `"102132"`},
	{"sort is stable", `$sort([{"a": 2, "b": 1}, {"a": 1, "b": 2}, {"a": 2, "b": 3}], function($l, $r) { $l.a > $r.a }).b`, `[2,1,3]`},
	{"regex is a function", `/b+/("abbc").match`, `"bb"`},
	{"regex flags", `$contains("ABC", /b/i)`, `true`},
	{"regex with a class", `$split("a1b22c", /[0-9]+/)`, `["a","b","c"]`},
	{"regex with a slash in brackets", `$replace("a/b", /[/]/, "-")`, `"a-b"`},
	{"replace by a function", `$replace("3 and 4", /\d/, function($m) { $string($number($m.match) * 2) })`, `"6 and 8"`},
	{"replace with many groups", `$replace("abc", /(a)(b)/, "$2$1$0$3$12")`, `"baaba2c"`},
	{"replace at most", `$replace("aaa", "a", "b", 2)`, `"bba"`},
	{"match at most", `$match("ababbabbb", /a(b+)/, 2).groups`, `["b","bb"]`},
	{"matcher of our own", `$contains("abc", function($s) { {"match": "b", "start": 1, "end": 2, "groups": [], "next": function() { $nothing }} })`, `true`},
	{"descendants", `$count($shop.**)`, `34`},
	{"descendants of a name", `$shop.**.price`, `[3,10,3]`},
	{"wildcard gives an array", `{"a": [1]}.*`, `[1]`},
	{"wildcard of scalars", `{"a": 1}.*`, `1`},
	{"unary minus", `-(1 + 2) * -2`, `6`},
	{"precedence", `1 + 2 * 3 = 7 and $not(false) or false`, `true`},
	{"comparison of texts", `"b" > "a" and "B" < "a"`, `true`},
	{"in with a value", `3 in [1, 2, 3] and "x" in "x"`, `true`},
	{"in looks at no object", `{"a": 1} in [{"a": 1}]`, `false`},
	{"equal objects", `{"a": [1, {"b": 2}]} = {"a": [1, {"b": 2}]}`, `true`},
	{"conditional without else", `[false ? 1]`, `[]`},
	{"conditional chain", `$shop.orders.(id = 1 ? "one" : id = 2 ? "two" : "more")`, `["one","two","more"]`},
	{"escapes", `"\u0041\n\t\"\\\/" & 'x'`, `"A\n\t\"\\/x"`},
	{"surrogates", `$length("\ud83d\ude00")`, `1`},
	{"single quotes", `'say "x"' & "it's"`, `"say \"x\"it's"`},
	{"numbers", `[0, 1.5, 1e3, 1E-2, -0.5]`, `[0,1.5,1000,0.01,-0.5]`},
	{"slash divides behind a value", `10 / 2 / 5`, `1`},
	{"comments", `/* a */ 1 /* b * / */ + /**/ 2`, `3`},
	{"range in an array", `[1..3, 7, 9..8]`, `[1,2,3,7]`},
	{"nested arrays stay", `[[1, 2], [3]]`, `[[1,2],[3]]`},
	{"arrays in a path are flat", `$shop.orders.[id, lines.sku]`, `[[1,"x","y"],[2,"x"],[3]]`},
	{"one array in a path", `{"a": 1}.[a]`, `[1]`},
	{"object over a list", `$shop.goods.{sku: label}`, `[{"x":"nut"},{"y":"bolt"},{"z":"nail"}]`},
	{"round half to even", `[$round(4.525, 2), $round(4.515, 2), $round(25, -1), $round(-2.5)]`, `[4.52,4.52,20,-2]`},
	{"distinct of one", `$distinct("a")`, `"a"`},
	{"pad with nothing", `$pad("a", 3, "") & "|"`, `"a  |"`},
	{"clone", `$clone({"a": [1]})`, `{"a":[1]}`},
	{"each", `$each({"a": 1, "b": 2}, function($v, $k) { $k & $v })`, `["a1","b2"]`},
	{"merge", `$merge($shop.goods.{sku: label})`, `{"x":"nut","y":"bolt","z":"nail"}`},
	{"number from a hexadecimal", `$number("0x1F")`, `31`},
	{"context stands in", `$shop.tags.$uppercase()`, `["A","B"]`},
	{"context stands in for the first", `$shop.tags.$pad(-3, ".")`, `["..a","..b"]`},
}

// faulty are expressions with the code of their fault and how many characters the reference implementation has read there.
var faulty = []struct {
	name, expr, code string
	pos              int
}{
	{"end of expression", `1 +`, "S0207", 3},
	{"wrong bracket", `$f(1,2]`, "S0202", 7},
	{"missing bracket", `[1, 2`, "S0203", 5},
	{"open text", `"abc`, "S0101", 4},
	{"number out of range", `1e999`, "S0102", 0},
	{"escape", `"\q"`, "S0103", 2},
	{"hexadecimal", `"\u00x0"`, "S0104", 2},
	{"open quoted name", "`abc", "S0105", 4},
	{"open comment", `1 /* x`, "S0106", 2},
	{"two values", `1 2`, "S0201", 3},
	{"unknown operator", `1 ! 2`, "S0204", 3},
	{"default operator of 2.1", `$a ?: 1`, "S0211", 5},
	{"coalescing operator of 2.1", `$a ?? 1`, "S0211", 5},
	{"regex where a value is due", `* + / 2`, "S0302", 7},
	{"not unary", `+ 1`, "S0211", 1},
	{"parameter", `function(a) { 1 }`, "S0208", 10},
	{"filter behind a group", `a.b{"c": 1}.d{"e": 2}{"f": 3}`, "S0210", 14},
	{"assignment to a name", `a := 1`, "S0212", 1},
	{"literal as a step", `a.1`, "S0213", 3},
	{"focus without a variable", `a@b`, "S0214", 3},
	{"index without a variable", `a#b`, "S0214", 3},
	{"focus behind a filter", `a[1]@$b`, "S0215", 5},
	{"focus behind an order", `a^(b)@$c`, "S0216", 6},
	{"parent of nothing", `%`, "S0217", 1},
	{"empty regex", `a ~> //`, "S0301", 6},
	{"open regex", `a ~> /b`, "S0302", 7},
	{"type parameter", `function($x)<n<n>> { $x }`, "S0401", 15},
	{"choice with types", `function($x)<(sa<n>)> { $x }`, "S0402", 14},
	{"signature", `function($x)<n:n> { $x }("a")`, "T0410", 25},
	{"too many arguments", `$uppercase("a", "b")`, "T0410", 11},
	{"context of the wrong type", `1.$uppercase()`, "S0213", 1},
	{"context of the wrong type in a path", `$shop.orders.id.$uppercase()`, "T0411", 27},
	{"array of the wrong type", `$sum(["a"])`, "T0412", 5},
	{"missing dollar", `uppercase("a")`, "T1005", 10},
	{"no function", `$nothing(1)`, "T1006", 9},
	{"partial without a dollar", `substring(?, 1)`, "T1007", 10},
	{"partial of no function", `$nothing(?, 1)`, "T1008", 9},
	{"key is no text", `{1: 2}`, "T1003", 1},
	{"two keys", `{"a": 1, "a": 2}`, "D1009", 1},
	{"left side", `"1" + 2`, "T2001", 5},
	{"right side", `1 - "2"`, "T2002", 3},
	{"range from a fraction", `[1.5..2]`, "T2003", 6},
	{"range to a text", `[1.."2"]`, "T2004", 4},
	{"chain to no function", `1 ~> 2`, "T2006", 4},
	{"order of mixed values", `[{"a": 1}, {"a": "b"}]^(a)`, "T2007", 23},
	{"order of objects", `[{"a": {}}, {"a": {}}]^(a)`, "T2008", 23},
	{"comparison of mixed values", `1 < "2"`, "T2009", 3},
	{"comparison of booleans", `true < false`, "T2010", 6},
	{"update is no object", `{"a": 1} ~> |$|5|`, "T2011", 16},
	{"delete is no text", `{"a": 1} ~> |$|{}, 5|`, "T2012", 20},
	{"negation", `-"a"`, "D1002", 1},
	{"zero length", `$replace("ab", /x*/, "-")`, "D1004", 9},
	{"wrong matcher", `$contains("a", function($s) { 1 })`, "T1010", 10},
	{"huge range", `[1..10000001]`, "D2014", 4},
	{"empty pattern", `$replace("a", "", "b")`, "D3010", 9},
	{"replacement is no text", `$replace("a", /a/, function() { 1 })`, "D3012", 9},
	{"negative limit", `$split("a", "b", -1)`, "D3020", 7},
	{"no number", `$number("x")`, "D3030", 8},
	{"reduce with one parameter", `$reduce([1], function($x) { $x })`, "D3050", 8},
	{"root of a negative number", `$sqrt(-1)`, "D3060", 6},
	{"sort of mixed values", `$sort([1, "a"])`, "D3070", 6},
	{"single of two", `$single([1, 1], function($v) { $v = 1 })`, "D3138", 8},
	{"single of none", `$single([1, 1], function($v) { $v = 2 })`, "D3139", 8},
}

func shopEnv(t testing.TB) *Env {
	t.Helper()
	v, err := Decode([]byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	return &Env{Lookup: func(name string) (any, bool) { return v, name == "shop" }}
}

func evalShop(t testing.TB, text string) (string, error) {
	t.Helper()
	e, err := Compile(text)
	if err != nil {
		return "", err
	}
	v, err := e.Eval(shopEnv(t))
	if err != nil {
		return "", err
	}
	b, err := Encode(v)
	return string(b), err
}

func TestLanguage(t *testing.T) {
	for _, c := range language {
		if got, err := evalShop(t, c.expr); err != nil && c.want != "" || got != c.want {
			t.Errorf("%s: %s = %s, %v; want %s", c.name, c.expr, got, err, c.want)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range faulty {
		got, err := evalShop(t, c.expr)
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Position != c.pos {
			t.Errorf("%s: %s = %s, %v at %v; want %s at %d", c.name, c.expr, got, err, e, c.code, c.pos)
		}
		if e != nil && strings.Contains(e.Message, "%!") {
			t.Errorf("%s: %s", c.name, e.Message)
		}
	}
}
