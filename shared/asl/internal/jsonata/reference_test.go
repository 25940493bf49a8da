package jsonata

import (
	"fmt"
	"testing"
)

func TestExpr_References(t *testing.T) {
	for text, want := range map[string]string{
		`$states.input.id`:                    "[{states [input id]}]",
		`$x + $y.z[$w > 1].q`:                 "[{x []} {y []} {w []}]",
		`($a := $b; $a & $a)`:                 "[{b []}]",
		`$map($list, function($v) {$v * $f})`: "[{list []} {f []}]",
		`$sum([1,2]) & $uuid()`:               "[]",
		`$$`:                                  "[{$ []}]",
		`a.b[c = $states.errorOutput.Error]`:  "[{states [errorOutput Error]}]",
		`{"k": $v1, "l": [$v2]} ~> $string()`: "[{v1 []} {v2 []}]",
		`$exists($gone) ? $x : 'no $text'`:    "[{gone []} {x []}]",
	} {
		e, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(e.References()); got != want {
			t.Errorf("%s reads %s, want %s", text, got, want)
		}
	}
}
