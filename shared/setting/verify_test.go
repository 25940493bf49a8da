package setting_test

import (
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/setting"
)

func TestSpec_Verify(t *testing.T) {
	good := setting.Spec{Name: "a", Summary: "Does.", Example: "a: {}", Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
		{Name: "n", Kind: setting.Int, Doc: "How many.", Default: 3, Min: setting.Bound(1)},
		{Name: "l", Kind: setting.List, Doc: "Which.", Item: &setting.Field{Kind: setting.String}, Example: []any{"a"}}}}}
	if problems := good.Verify(); len(problems) > 0 {
		t.Error(problems)
	}
	bad := setting.Spec{Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
		{Name: "default", Kind: setting.Int, Doc: "D.", Default: 0, Min: setting.Bound(1)},
		{Name: "item", Kind: setting.List, Doc: "D."}, {Name: "doc", Kind: setting.Bool}, {Name: "doc", Kind: setting.Bool, Doc: "D."},
		{Name: "forms", Kind: setting.Choice, Doc: "D."}, {Name: "kind", Doc: "D."}, {Kind: setting.Bool},
		{Name: "options", Kind: setting.Int, Doc: "D.", Options: []string{"a"}}, {Name: "both", Kind: setting.Bool, Doc: "D.", Required: true, Default: true},
		{Name: "bounds", Kind: setting.Int, Doc: "D.", Min: setting.Bound(2), Max: setting.Bound(1)}, {Name: "text", Kind: setting.String, Doc: "D.", Min: setting.Bound(2)},
	}}}
	got := bad.Verify().Error()
	for _, want := range []string{"bad name", "no summary", "no example", "default: the default is not accepted", "item: a list without Item", "doc: no doc", "doc: declared twice",
		"forms: a choice of 0 forms", `kind: unknown kind ""`, "a field without a name", "options: syntax or options", "both: required and", "bounds: bounds that nothing", "text: bounds of a string"} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}
