package jsonpath

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// document is what the paths of these tests read.
const document = `{
	"a": {"b": 1, "c": [10, 20, 30, 40], "nul": null}, "with.dot": 2, "delivery-partner": "UQS", "ü": 3, "Test\\\"\"Name\"": "quoted",
	"big": 9007199254740993, "text": "hello", "none": [], "limit": 2,
	"items": [
		{"name": "x", "price": 1.5, "tags": ["red"], "id": "1"},
		{"name": "y", "price": 8, "tags": ["red", "blue"], "used": true},
		{"name": "z", "price": 20, "tags": []}
	],
	"matrix": [[1, 2], [3]]
}`

func decode(t testing.TB, text string) any {
	t.Helper()
	v, err := jsonata.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var getCases = []struct{ name, path, want string }{
	{"child", `$.a.b`, `1`},
	{"null", `$.a.nul`, `null`},
	{"hyphen", `$.delivery-partner`, `"UQS"`},
	{"letters", `$.ü`, `3`},
	{"escaped dot", `$.with\.dot`, `2`},
	{"brackets", `$['a']["b"]`, `1`},
	{"brackets after a dot", `$.['a'].['b']`, `1`},
	{"brackets with a dot", `$['with.dot']`, `2`},
	{"a backslash before another quote is itself", `$['Test\""Name"']`, `"quoted"`},
	{"exact number", `$.big`, `9007199254740993`},
	{"index", `$.a.c[0]`, `10`},
	{"index from the end", `$.a.c[-1]`, `40`},
	{"variable", `$a_1.text`, `"hello"`},
	{"context", `$$.a.c[2]`, `30`},
	{"several indices", `$.a.c[0,2,9,-1]`, `[10,30,40]`},
	{"several names at the end", `$['text','limit','missing']`, `{"limit":2,"text":"hello"}`},
	{"several names inside", `$.items[0]['name','id','name']`, `{"id":"1","name":"x"}`},
	{"several names before a step", `$['a','items']..b`, `[1]`},
	{"slice", `$.a.c[1:3]`, `[20,30]`},
	{"slice from", `$.a.c[2:]`, `[30,40]`},
	{"slice to", `$.a.c[:2]`, `[10,20]`},
	{"slice of the last", `$.a.c[-2:]`, `[30,40]`},
	{"slice without the last", `$.a.c[:-1]`, `[10,20,30]`},
	{"slice between negatives", `$.a.c[-3:-1]`, `[20,30]`},
	{"slice of mixed signs", `$.a.c[1:-1]`, `[]`},
	{"slice of nothing", `$.a.c[3:1]`, `[]`},
	{"slice behind the end", `$.a.c[2:99]`, `[30,40]`},
	{"slice from before the start", `$.a.c[-9:]`, `[10,20,30,40]`},
	{"slice of what is not there", `$.item.items[1:5]`, `[]`},
	{"slice of a text", `$.text[0:1]`, `[]`},
	{"wildcard", `$.matrix[*]`, `[[1,2],[3]]`},
	{"wildcard of an object", `$.a.*`, `[1,[10,20,30,40],null]`},
	{"wildcard twice", `$.matrix[*][*]`, `[1,2,3]`},
	{"child of a list", `$.items[*].name`, `["x","y","z"]`},
	{"child that some have", `$.items[*].used`, `[true]`},
	{"one of a list is a list", `$.items[0:1].name`, `["x"]`},
	{"descendants", `$..name`, `["x","y","z"]`},
	{"descendants by brackets", `$..['name']`, `["x","y","z"]`},
	{"descendants by index", `$.items..[0]`, `[{"id":"1","name":"x","price":1.5,"tags":["red"]},"red","red"]`},
	{"all descendants", `$.matrix..*`, `[[1,2],[3],1,2,3]`},
	{"existence", `$.items[?(@.used)].name`, `["y"]`},
	{"absence", `$.items[?(!@.used)].name`, `["x","z"]`},
	{"number", `$.items[?(@.price > 2)].name`, `["y","z"]`},
	{"and", `$.items[?(@.price >= 8 && @.name == 'y')].name`, `["y"]`},
	{"or binds less than and", `$.items[?(@.name == "x" || @.price > 2 && @.price < 10)].name`, `["x","y"]`},
	{"parentheses", `$.items[?((@.name == 'x' || @.name == 'z') && @.price <= 20)].name`, `["x","z"]`},
	{"not equal takes the absent", `$.items[?(@.id != '1')].name`, `["y","z"]`},
	{"absent is not null", `$.items[?(@.id == null)].name`, `[]`},
	{"a text equals its number", `$.items[?(@.id == 1)].name`, `["x"]`},
	{"other kinds have no order", `$.items[?(@.name > 1)].name`, `[]`},
	{"pattern matches the whole", `$.items[?(@.name =~ /[XY]/i)].name`, `["x","y"]`},
	{"pattern of a part", `$.items[?(@.tags[0] =~ /re/)].name`, `[]`},
	{"root in a filter", `$.items[?(@.price > $.limit)].name`, `["y","z"]`},
	{"in", `$.items[?(@.name in ['x','z'])].name`, `["x","z"]`},
	{"nin", `$.items[?(@.name nin ['x','z'])].name`, `["y"]`},
	{"contains", `$.items[?(@.tags contains 'blue')].name`, `["y"]`},
	{"anyof", `$.items[?(@.tags anyof ['blue', 'green'])].name`, `["y"]`},
	{"noneof", `$.items[?(@.tags noneof ['blue'])].name`, `["x","z"]`},
	{"subsetof", `$.items[?(@.tags subsetof ['red'])].name`, `["x","z"]`},
	{"size", `$.items[?(@.tags size 2)].name`, `["y"]`},
	{"empty", `$.items[?(@.tags empty true)].name`, `["z"]`},
	{"function in a filter", `$.items[?(@.tags.length() > 0)].name`, `["x","y"]`},
	{"filter in a filter", `$.items[?(@.tags[?(@ == 'blue')])].name`, `["y"]`},
	{"filter of scalars", `$.a.c[?(@ > 15)]`, `[20,30,40]`},
	{"filter of an object", `$.a[?(@.b == 1)].b`, `[1]`},
	{"descendants by filter", `$..[?(@.price < 2)].name`, `["x"]`},
	{"length", `$.items.length()`, `3`},
	{"length of an object", `$.a.length()`, `3`},
	{"length of a text", `$.text.length()`, `null`},
	{"length of a list of matches", `$.items[?(@.used)].length()`, `1`},
	{"min", `$.a.c.min()`, `10`},
	{"max", `$.items[*].price.max()`, `20`},
	{"avg", `$.a.c.avg()`, `25`},
	{"sum", `$.a.c.sum()`, `100`},
	{"stddev", `$.matrix[0].stddev()`, `0.5`},
	{"keys", `$.a.keys()`, `["b","c","nul"]`},
	{"concat", `$.items[*].name.concat('-', $.limit)`, `"xyz-2"`},
	{"append", `$.matrix[1].append(4)`, `[3,4]`},
	{"first", `$.a.c.first()`, `10`},
	{"last", `$.a.c.last()`, `40`},
	{"index function", `$.a.c.index(-2)`, `30`},
}

func TestPath_Get(t *testing.T) {
	doc := decode(t, document)
	for _, c := range getCases {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			v, err := p.Get(doc)
			if err != nil {
				t.Fatal(err)
			}
			got, err := jsonata.Encode(v)
			if err != nil || string(got) != c.want {
				t.Errorf("%s gave %s, %v; want %s", c.path, got, err, c.want)
			}
		})
	}
	if !cmp.Equal(doc, decode(t, document)) {
		t.Error("the document was changed")
	}
}

func TestPath_Get_NotFound(t *testing.T) {
	for _, c := range []struct {
		path, want string
		index      bool
	}{
		{`$.missing`, `No results for path: $['missing']`, false},
		{`$.a.missing`, `No results for path: $['a']['missing']`, false},
		{`$.missing.b`, `Missing property in path $['missing']`, false},
		{`$.a.c[4]`, `No results for path: $['a']['c'][4]`, true},
		{`$.a.c[-5]`, `No results for path: $['a']['c'][-5]`, true},
		{`$.items[7].name`, `No results for path: $['items'][7]['name']`, false},
		{`$.limit[0].x`, `Filter: [0]['x'] can only be applied to arrays. Current context is: 2`, false},
		{`$.a.nul[0]`, `The path $['a']['nul'] is null`, false},
		{`$.missing.length()`, `No results for path: $['missing']`, false},
		{`$.text.x`, `Expected to find an object with property ['x'] in path $['text'] but found 'java.lang.String'. ` +
			`This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonProvider'.`, false},
	} {
		p, err := Parse(c.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Get(decode(t, document))
		var missing *NotFoundError
		if !errors.Is(err, ErrNotFound) || !errors.As(err, &missing) || err.Error() != c.want || missing.Index != c.index {
			t.Errorf("%s: %v (index %v), want %s", c.path, err, missing != nil && missing.Index, c.want)
		}
	}
}

func TestPath_Get_EmptyAggregate(t *testing.T) {
	p, err := Parse(`$.none.max()`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(decode(t, document)); !errors.Is(err, errEmpty) {
		t.Errorf("got %v, want %v", err, errEmpty)
	}
}

// A small path over a small value must not take longer than the bound allows.
func TestPath_Get_Budget(t *testing.T) {
	var list any = "x"
	for range 40 {
		list = []any{list, list}
	}
	for _, path := range []string{`$..*`, `$..[?(@ == $)]`, `$[?($[0] == $[1])]`, `$[*][?($..x)]`} {
		p, err := Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Get(list); err != errBudget {
			t.Errorf("%s: %v, want %v", path, err, errBudget)
		}
	}
}

func TestParse_Error(t *testing.T) {
	for _, text := range []string{
		"", "a", ".a", "$.", "$..", "$a.", "$.a.", "$.a..", "$.a b", "$ .a", "$[", "$[]", "$['a'", "$['a]", "$[a]", "$[1", "$[1,]", "$['a',]", "$[99999999999]",
		"$[1:2:3]", "$[?]", "$[?(]", "$[?()]", "$[?(@.a]", "$[?(@.a ==)]", "$[?(1)]", "$[?(@.a =~ 'x')]", "$[?(@.a == /x/)]", "$[?(@.a =~ /(/)]",
		"$[?(@.a like 'x')]", "$[?(@.a == [@.b])]", "$[?(@.a && )]", "$.a.shout()", "$.a.length(", "$.length().a", "$.a\n", "$$$", "$['a']b",
		"$[?(" + strings.Repeat("(", 100) + "@" + strings.Repeat(")", 100) + ")]", "$." + strings.Repeat("a", maxText), "$.\xff",
	} {
		p, err := Parse(text)
		var wrong *SyntaxError
		if !errors.As(err, &wrong) || wrong.Offset > len(text) {
			t.Errorf("%.40q: %v, %v; want a SyntaxError", text, p, err)
		}
	}
}

func TestPath_Root(t *testing.T) {
	for text, want := range map[string]string{"$": "", "$.a": "", "$[0]": "", "$$": "$", "$$.a": "$", "$x": "x", "$x_2[0]": "x_2", "$é.a": "é"} {
		p, err := Parse(text)
		if err != nil || p.Root() != want || p.String() != text {
			t.Errorf("%s: root %q, %v; want %q", text, p.Root(), err, want)
		}
	}
}

func TestPath_Field(t *testing.T) {
	for text, want := range map[string]string{"$": " true", "$.a.b": "a true", "$['a b'][0]": "a b true", "$[0].a": " false", "$..a": " false", "$['a','b']": " false", "$.length()": " false"} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if name, ok := p.Field(); fmt.Sprint(name, " ", ok) != want {
			t.Errorf("%s begins with %q, %v; want %s", text, name, ok, want)
		}
	}
}

func TestPath_IsReference(t *testing.T) {
	for text, want := range map[string]bool{
		"$": true, "$.a.b[0]": true, "$['a']": true, "$$.a": true, "$x.y": true, "$[-1]": false, "$.a[0,1]": false, "$['a','b']": false, "$.*": false,
		"$..a": false, "$.a[0:1]": false, "$.a[?(@.b)]": false, "$.a.length()": false,
	} {
		p, err := Parse(text)
		if err != nil || p.IsReference() != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

func TestPath_Set(t *testing.T) {
	for _, c := range []struct{ name, doc, path, want string }{
		{"whole", `{"a":1}`, `$`, `"new"`},
		{"new field", `{"a":1}`, `$.b`, `{"a":1,"b":"new"}`},
		{"replaced field", `{"a":1}`, `$.a`, `{"a":"new"}`},
		{"objects on the way", `{}`, `$.a.b.c`, `{"a":{"b":{"c":"new"}}}`},
		{"kept beside", `{"a":{"x":1}}`, `$.a.b`, `{"a":{"b":"new","x":1}}`},
		{"element", `{"a":[1,2]}`, `$.a[1]`, `{"a":[1,"new"]}`},
		{"field of an element", `[{}]`, `$[0].x`, `[{"x":"new"}]`},
		{"inside a scalar", `{"a":1}`, `$.a.b`, ``},
		{"inside null", `{"a":null}`, `$.a.b`, ``},
		{"inside an array", `[1]`, `$.a`, ``},
		{"on a text", `"text"`, `$.a`, ``},
		{"on null", `null`, `$.a`, ``},
		{"behind the end", `{"a":[1]}`, `$.a[1]`, ``},
		{"index of an object", `{"a":{}}`, `$.a[0]`, ``},
		{"index of nothing", `{}`, `$.a[0]`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Parse(c.path)
			if err != nil {
				t.Fatal(err)
			}
			doc := decode(t, c.doc)
			v, err := p.Set(doc, "new")
			if !cmp.Equal(doc, decode(t, c.doc)) {
				t.Errorf("the document was changed to %v", doc)
			}
			if c.want == "" {
				want := "Unable to apply ReferencePath " + c.path + " to input " + c.doc
				var refused *SetError
				if !errors.As(err, &refused) || err.Error() != want {
					t.Errorf("got %v, %v; want %s", v, err, want)
				}
				return
			}
			if got, _ := jsonata.Encode(v); err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	p, err := Parse("$.a[*]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Set(map[string]any{}, 1.0); err == nil {
		t.Error("a path that is no reference path was set")
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":[1,"x",null,true],"a":{}}`: `{a={}, b=[1, x, null, true]}`, `1`: `1`, `1.5`: `1.5`, `0.0001`: `1.0E-4`, `12345678.5`: `1.23456785E7`,
		`1e300`: `1.0E300`, `9007199254740993`: `9007199254740993`, `-3`: `-3`,
	} {
		if got := Text(decode(t, text)); got != want {
			t.Errorf("%s gave %s, want %s", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range getCases {
		f.Add(c.path)
	}
	doc := decode(f, document)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		v, err := p.Get(doc)
		if err != nil {
			return
		}
		if _, err := jsonata.Encode(v); err != nil {
			t.Errorf("%q gave what is no JSON: %v", text, err)
		}
		if _, isList := v.([]any); !p.Definite() && !isList {
			t.Errorf("%q is indefinite and gave %v", text, v)
		}
		if !p.IsReference() {
			return
		}
		changed, err := p.Set(doc, "set")
		if err != nil {
			t.Fatalf("%q gives a value but cannot be set: %v", text, err)
		}
		if got, err := p.Get(changed); err != nil || got != "set" {
			t.Errorf("%q gave %v, %v after it was set", text, got, err)
		}
	})
}

func BenchmarkPath_Get(b *testing.B) {
	doc := decode(b, document)
	for name, text := range map[string]string{"reference": `$.a.c[2]`, "filter": `$.items[?(@.price > 2 && @.used)].name`, "descendants": `$..name`} {
		p, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Get(doc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
