package setting_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/setting"
)

var (
	text  = setting.Field{Name: "t", Kind: setting.String}
	whole = setting.Field{Name: "n", Kind: setting.Int, Min: setting.Bound(1), Max: setting.Bound(10), Unit: "rows"}
	pick  = setting.Field{Name: "mode", Kind: setting.String, Options: []string{"full", "incremental"}}
	names = setting.Field{Name: "names", Kind: setting.List, Item: &text, Min: setting.Bound(1), Max: setting.Bound(2)}
	byKey = setting.Field{Name: "map", Kind: setting.Map, Item: &whole, Min: setting.Bound(1), Max: setting.Bound(2)}
	inner = setting.Field{Name: "inner", Kind: setting.Object, Default: map[string]any{}, Fields: []setting.Field{
		{Name: "on", Kind: setting.Bool, Default: true}, {Name: "count", Kind: setting.Int, Default: 3}}}
	thing = setting.Field{Kind: setting.Object, Fields: []setting.Field{
		{Name: "path", Kind: setting.String, Syntax: setting.Path, Required: true, Doc: "Where it is."}, inner, {Name: "any", Kind: setting.Any}, pick}}
	either = setting.Field{Kind: setting.Choice, Forms: []setting.Field{whole, names, thing}}
)

func syntax(s setting.Syntax) setting.Field { return setting.Field{Kind: setting.String, Syntax: s} }

func TestCheck_Refuses(t *testing.T) {
	cases := []struct {
		name  string
		field setting.Field
		value any
		want  string // path: message [code], hint
	}{
		{"number for text", text, int64(5), `x: must be text, not the number 5 [wrong_type] put it in quotes`},
		{"map for text", text, map[string]any{}, `x: must be text, not a map [wrong_type]`},
		{"nothing for text", text, nil, `x: must be text, not nothing [wrong_type]`},
		{"text for number", whole, "5", `x: must be a number, not the text "5" [wrong_type] write a number without quotes`},
		{"half", whole, 1.5, `x: must be a whole number, not 1.5 [wrong_type] write a whole number`},
		{"beyond 2^53", setting.Field{Kind: setting.Int}, 1e30, `x: must be a whole number, not 1e+30 [wrong_type] write a whole number`},
		{"two to the 63", setting.Field{Kind: setting.Int}, float64(1 << 63), `x: must be a whole number, not 9.223372036854776e+18 [wrong_type] write a whole number`},
		{"not a number", setting.Field{Kind: setting.Float}, math.NaN(), `x: must be a number, not NaN [wrong_type]`},
		{"too small", whole, int64(0), `x: 0 is out of range: 1 to 10 rows [out_of_range]`},
		{"below", setting.Field{Kind: setting.Float, Min: setting.Bound(0.5)}, 0.25, `x: 0.25 is out of range: at least 0.5 [out_of_range]`},
		{"above", setting.Field{Kind: setting.Int, Max: setting.Bound(5)}, int64(6), `x: 6 is out of range: at most 5 [out_of_range]`},
		{"yes", setting.Field{Kind: setting.Bool}, "Yes", `x: must be true or false, not the text "Yes" [wrong_type] write true`},
		{"off", setting.Field{Kind: setting.Bool}, "off", `x: must be true or false, not the text "off" [wrong_type] write false`},
		{"option with a slip", pick, "incremetal", `x: "incremetal" is not a known mode [unknown_value] did you mean incremental? use one of: full, incremental`},
		{"short list", names, []any{}, `x: has 0 elements: 1 to 2 [wrong_length]`},
		{"element", names, []any{"a", int64(2)}, `x[1]: must be text, not the number 2 [wrong_type] put it in quotes`},
		{"text for list", names, "a", `x: must be a list, not the text "a" [wrong_type] write it as [a, b]`},
		{"long map", byKey, map[string]any{"a": int64(1), "b": int64(1), "c": int64(1)}, `x: has 3 entries: 1 to 2 [wrong_length]`},
		{"entry", byKey, map[string]any{"a b": int64(11)}, `x["a b"]: 11 is out of range: 1 to 10 rows [out_of_range]`},
		{"list for map", byKey, []any{}, `x: must be a map, not a list [wrong_type] write it as {name: value}`},
		{"missing", thing, map[string]any{}, `x.path: path is missing [missing] Where it is.`},
		{"slip", thing, map[string]any{"path": "a", "inne": nil}, `x.inne: unknown key "inne" [unknown_key] did you mean inner?`},
		{"unlike any", thing, map[string]any{"path": "a", "zebra": nil}, `x.zebra: unknown key "zebra" [unknown_key] known keys: any, inner, mode, path`},
		{"no form", either, true, `x: must be a whole number or a list or a map, not true [wrong_type]`},
		{"regexp", syntax(setting.Regexp), "([", "x: is not a regular expression: error parsing regexp: missing closing ]: `[` [bad_regexp]"},
		{"duration", syntax(setting.Duration), "5", `x: "5" is not a duration such as 500ms or 1m30s [bad_duration]`},
		{"bytes", syntax(setting.Bytes), "5 TB", `x: "5 TB" is not a size such as 512KiB, 16MiB or 1000000 [bad_bytes]`},
		{"too many bytes", syntax(setting.Bytes), "99999999999GiB", `x: "99999999999GiB" is too large a size [bad_bytes]`},
		{"name", syntax(setting.Name), "-a", `x: "-a" is not a name: letters, digits, _ . and -, at most 64, not beginning with . or - [bad_name]`},
		{"empty path", setting.Field{Kind: setting.String, Syntax: setting.Path, Required: true}, "", `x: must not be empty [empty]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, problems := setting.Check(c.field, "x", c.value)
			got := strings.ReplaceAll(problems.Error(), "\n    ", " ")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCheck_Accepts(t *testing.T) {
	cases := []struct {
		name        string
		field       setting.Field
		value, want any
	}{
		{"whole float", whole, 5.0, int64(5)},
		{"int", whole, 5, int64(5)},
		{"whole number for a number", setting.Field{Kind: setting.Float}, int64(5), int64(5)},
		{"reference for a number", whole, "${N}", "${N}"},
		{"secret for a bool", setting.Field{Kind: setting.Bool}, "secret://b", "secret://b"},
		{"reference for an option", pick, "${MODE:-full}", "${MODE:-full}"},
		{"reference for a choice", either, "${X}", "${X}"},
		{"defaults", thing, map[string]any{"path": "a"}, map[string]any{"path": "a", "inner": map[string]any{"on": true, "count": int64(3)}}},
		{"null is not written", thing, map[string]any{"path": "a", "mode": nil, "inner": nil, "any": nil},
			map[string]any{"path": "a", "any": nil, "inner": map[string]any{"on": true, "count": int64(3)}}},
		{"nothing for an object without required fields", inner, nil, map[string]any{"on": true, "count": int64(3)}},
		{"choice of a list", either, []any{"a"}, []any{"a"}},
		{"size", syntax(setting.Bytes), "16MiB", "16MiB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, problems := setting.Check(c.field, "x", c.value)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheck_TellsEverything(t *testing.T) {
	_, problems := setting.Check(thing, "", map[string]any{"mode": "x", "inner": map[string]any{"on": 1, "count": "a"}, "b": 1})
	if len(problems) != 5 {
		t.Errorf("got %d problems, want 5:\n%v", len(problems), problems)
	}
}

func TestCheck_LeavesItsInputAlone(t *testing.T) {
	in := map[string]any{"path": "a", "inner": map[string]any{}}
	out, _ := setting.Check(thing, "", in)
	out.(map[string]any)["inner"].(map[string]any)["on"] = false
	if len(in) != 2 || len(in["inner"].(map[string]any)) != 0 {
		t.Errorf("the input changed: %v", in)
	}
	if again, _ := setting.Check(thing, "", map[string]any{"path": "a"}); again.(map[string]any)["inner"].(map[string]any)["on"] != true {
		t.Error("two results share a default")
	}
}

func TestParseBytes(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "7": 7, "2 KB": 2000, "2KiB": 2048, "3MB": 3e6, "1GiB": 1 << 30, "1GB": 1e9, "5B": 5, "1MiB": 1 << 20} {
		if got, err := setting.ParseBytes(in); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "1.5MB", "kB", "9223372036854775808"} {
		if _, err := setting.ParseBytes(in); err == nil {
			t.Errorf("ParseBytes(%q) is no error", in)
		}
	}
}

func TestValues(t *testing.T) {
	v := setting.Of(map[string]any{"a": int64(9007199254740993), "b": []any{1.5, nil, "x"}})
	data, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var back setting.Values
	if err := back.UnmarshalJSON(data); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v.Raw(), back.Raw()); diff != "" {
		t.Error(diff)
	}
	var into struct {
		A int64 `json:"a"`
		B []any `json:"b"`
	}
	if err := v.Decode(&into); err != nil || into.A != 9007199254740993 {
		t.Errorf("got %+v, %v", into, err)
	}
	var less struct{}
	if err := v.Decode(&less); err == nil {
		t.Error("a name that the struct does not know was passed over")
	}
}
