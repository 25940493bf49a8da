package expr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lockstep-data/lockstep/shared/record"
)

// byMachine evaluates the whole expression record by record, as results does by columns.
func byMachine(t interface{ Fatalf(string, ...any) }, p *Program, b record.Batch) []string {
	m, err := newMachine(p.root)
	if err != nil {
		t.Fatalf("%v", err)
	}
	v := m.eval(newFrame(b, p.locals), p.Type())
	col := v.store(b.Len())
	out := make([]string, b.Len())
	for row := range out {
		out[row] = string(record.AppendJSON(nil, col, p.Type(), row))
	}
	for _, r := range refusals(v, b.Len()) {
		out[r.Row] = "! " + r.Message
	}
	return out
}

func TestMachine_Vectors(t *testing.T) {
	b := batchOf(testSchema, testRows)
	for _, v := range vectors {
		t.Run(v.src, func(t *testing.T) {
			p, err := Compile(v.src, testSchema)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Join(byMachine(t, p, b), " | "), v.want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// grammar makes expressions of a type; leaves end the recursion.
var grammar = map[string][]string{
	"int": {"i", "j", "0", "1", "7", "int(b)", "(INT + INT)", "(INT - INT)", "(INT * INT)", "(INT % INT)", "-INT", "abs(INT)", "length(TEXT)",
		"coalesce(INT, INT)", "(BOOL ? INT : INT)", "min(INT, INT)", "int(FLOAT)", "int(p.n)", "count(p.list, .k > INT)", "(INT ?? INT)", "let x = INT; x + INT"},
	"float": {"f", "0.5", "1.0", "(FLOAT + FLOAT)", "(FLOAT * INT)", "(INT / INT)", "(FLOAT / FLOAT)", "float(d)", "round(FLOAT, 2)", "floor(FLOAT)",
		"(BOOL ? FLOAT : INT)", "coalesce(FLOAT, 1)"},
	"dec":  {"d", "e", "1.25", "(d + e)", "(d * INT)", "(d - INT)", "round(e, 1)", "coalesce(d, 0)", "(d % e)", "divide(d, e, 3)"},
	"text": {"s", "t", `"ASPH"`, `""`, "upper(TEXT)", "trim(TEXT)", "(TEXT + TEXT)", "string(INT)", "string(FLOAT)", "substring(TEXT, INT)", "concat(TEXT, INT, BOOL)", `replace(TEXT, "a", TEXT)`, "(BOOL ? TEXT : TEXT)", "coalesce(TEXT, TEXT)", "string(p.s)", `TEXT[1:-1]`, "string(day)", "string(map(p.list, .k))"},
	"bool": {"b", "c", "true", "false", "bool(null)", "not BOOL", "(BOOL and BOOL)", "(BOOL or BOOL)", "(INT == INT)", "(INT < FLOAT)", "(DEC >= DEC)", "(DEC < INT)",
		"(TEXT == TEXT)", "(TEXT < TEXT)", "(TEXT contains TEXT)", `(TEXT in ["ASPH", "x"])`, "(INT in [1, INT])", "is_null(INT)", "is_null(TEXT)", "(BOOL == BOOL)",
		`(day > "2000-01-01")`, "any(p.list, .k > INT and BOOL)", "(p.n == INT)", "(BOOL ? BOOL : BOOL)", "(1 / INT > 0)", "bool(INT)", "(at < timestamp(day))"},
}

func draw(t *rapid.T, kind string, depth int) string {
	forms := grammar[kind]
	if depth <= 0 {
		forms = forms[:2]
	}
	var out strings.Builder
	form := rapid.SampledFrom(forms).Draw(t, kind)
	for form != "" {
		word, rest := form, ""
		if i := strings.IndexAny(form, " ,;()[]:"); i == 0 {
			word, rest = form[:1], form[1:]
		} else if i > 0 {
			word, rest = form[:i], form[i:]
		}
		name := strings.TrimPrefix(word, "-")
		if _, nested := grammar[strings.ToLower(name)]; nested && name == strings.ToUpper(name) {
			word = word[:len(word)-len(name)] + "(" + draw(t, strings.ToLower(name), depth-1) + ")"
		}
		out.WriteString(word)
		form = rest
	}
	return out.String()
}

// TestProgram_SameAsMachine holds the two ways of evaluation against each other: values, nulls and errors.
func TestProgram_SameAsMachine(t *testing.T) {
	b := batchOf(testSchema, testRows)
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"int", "float", "dec", "text", "bool"}).Draw(t, "kind")
		src := draw(t, kind, rapid.IntRange(0, 5).Draw(t, "depth"))
		p, err := Compile(src, testSchema)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		col, refused, err := p.Eval(b)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, b.Len())
		for row := range got {
			got[row] = string(record.AppendJSON(nil, col, p.Type(), row))
		}
		for _, r := range refused {
			got[r.Row] = "! " + r.Message
		}
		if diff := cmp.Diff(got, byMachine(t, p, b)); diff != "" {
			t.Fatalf("%s\n%s", src, diff)
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.src)
	}
	for _, m := range mistakes {
		f.Add(m.src)
	}
	b := batchOf(testSchema, testRows)
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Compile(src, testSchema)
		if err != nil {
			return
		}
		col, _, err := p.Eval(b)
		if err != nil || col.Len() != b.Len() {
			t.Fatalf("got %d rows, %v", col.Len(), err)
		}
		again, _, _ := p.Eval(b)
		if col.String() != again.String() {
			t.Fatal("the same records give another result")
		}
	})
}

func FuzzJSONPart(f *testing.F) {
	f.Add(`{"a":{"b":[1,2]},"a":null}`, "a")
	f.Add(`{"\u0061" : "x\"y" , "b":tru`, "b")
	f.Add(`[[],{},"]"]`, "")
	f.Fuzz(func(t *testing.T, raw, name string) {
		part, ok, err := JSONPart(raw, name)
		if ok && part == "" {
			t.Fatalf("an empty part, %v", err)
		}
		if _, _, err := JSONElements(raw); err == nil {
			_, _ = JSONText(raw)
		}
	})
}

// TestJSONPart_LikeDecoder holds the scanner against encoding/json.
func TestJSONPart_LikeDecoder(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) string { return drawJSON(t, 3) })
	rapid.Check(t, func(t *rapid.T) {
		raw := value.Draw(t, "json")
		v, err := decodeJSON(raw)
		if err != nil {
			t.Fatal(raw, err)
		}
		switch v := v.(type) {
		case map[string]any:
			for name, want := range v {
				part, ok, err := JSONPart(raw, name)
				if err != nil || ok != (want != nil) {
					t.Fatalf("%s of %s: %q %v %v", name, raw, part, ok, err)
				}
				if got, _ := decodeJSON(part); ok && !cmp.Equal(got, want) {
					t.Fatalf("%s of %s: got %s", name, raw, part)
				}
			}
		case []any:
			all, ok, err := JSONElements(raw)
			if err != nil || !ok || len(all) != len(v) {
				t.Fatalf("%s: %q %v %v", raw, all, ok, err)
			}
			for i, want := range v {
				if got, err := decodeJSON(all[i]); err != nil || !cmp.Equal(got, want) {
					t.Fatalf("element %d of %s: %s", i, raw, all[i])
				}
			}
		case string:
			if got, err := JSONText(raw); err != nil || got != v {
				t.Fatalf("%s: %q %v", raw, got, err)
			}
		}
	})
}

func drawJSON(t *rapid.T, depth int) string {
	kinds := []string{"1", "-2.50e3", "true", "null", `"a\"b\\"`, `"é\u0041 ,]}"`, `""`}
	space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
	n := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 || n < len(kinds) {
		return kinds[min(n, len(kinds)-1)]
	}
	var parts []string
	for i := range rapid.IntRange(0, 3).Draw(t, "n") {
		part := drawJSON(t, depth-1)
		if n == 8 {
			part = fmt.Sprintf(`"%s%d"%s:%s%s`, []string{"a", `\"`, "é"}[i%3], i/2, space, space, part)
		}
		parts = append(parts, part)
	}
	body := space + strings.Join(parts, space+","+space) + space
	if n == 8 {
		return "{" + body + "}"
	}
	return "[" + body + "]"
}
