package jsonata

import (
	"fmt"
	"strings"
	"testing"
)

func TestExpr_References(t *testing.T) {
	for text, want := range map[string]string{
		`$states.input.id`:                    "[{states [input id]}]",
		`$x + $y.z[$w > 1].q`:                 "[{x []} {y [z]} {w []}]",
		`($a := $b; $a & $a)`:                 "[{b []}]",
		`$map($list, function($v) {$v * $f})`: "[{list []} {f []}]",
		`$sum([1,2]) & $uuid()`:               "[]",
		`$$`:                                  "[{$ []}]",
		`a.b[c = $states.errorOutput.Error]`:  "[{a []}? {states [errorOutput Error]}]",
		`{"k": $v1, "l": [$v2]} ~> $string()`: "[{v1 []} {v2 []}]",
		`$x@$i.($i.a & $n)#$k[$k > 0]`:        "[{x []} {n []}]",
		`$x.(a & b.c)[d = 1]{e: f}^(g)`:       "[{x []}]",
		`[a, {"k": b.c}, $f(d)]`:              "[{a []}? {b []}? {f []} {d []}?]",
		`$x ~> |a|{"b": c}|`:                  "[{x []}]",
		`$exists($gone) ? $x : 'no $text'`:    "[{gone []} {x []}]",
	} {
		e, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, ref := range e.References() {
			if got += fmt.Sprintf(" {%s %v}", ref.Name, ref.Path); ref.Bare {
				got += "?"
			}
		}
		if got = fmt.Sprintf("[%s]", strings.TrimPrefix(got, " ")); got != want {
			t.Errorf("%s reads %s, want %s", text, got, want)
		}
	}
}
