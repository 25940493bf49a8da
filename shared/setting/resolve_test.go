package setting_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/setting"
)

func resolver() setting.Resolver {
	env := map[string]string{"HOST": "db", "PORT": "5432", "EMPTY": "", "ON": "true", "RATE": "0.5", "NESTED": "${HOST}"}
	return setting.Resolver{
		Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok },
		Secret: func(_ context.Context, n string) (string, error) {
			if n == "pw" {
				return "open$same${x}", nil
			}
			return "", errors.New("no such secret")
		},
	}
}

var server = setting.Field{Kind: setting.Object, Fields: []setting.Field{
	{Name: "host", Kind: setting.String}, {Name: "port", Kind: setting.Int, Min: setting.Bound(1)}, {Name: "tls", Kind: setting.Bool},
	{Name: "rate", Kind: setting.Float}, {Name: "password", Kind: setting.String, Secret: true}, {Name: "any", Kind: setting.Any},
	{Name: "list", Kind: setting.List, Item: &setting.Field{Kind: setting.Int}}, {Name: "map", Kind: setting.Map, Item: &setting.Field{Kind: setting.String, Secret: true}},
	{Name: "size", Kind: setting.Choice, Forms: []setting.Field{{Kind: setting.Int}, {Kind: setting.List, Item: &setting.Field{Kind: setting.Int}}}},
}}

func TestResolve(t *testing.T) {
	in := map[string]any{
		"host": "${HOST}.example:${PORT}", "port": "${PORT}", "tls": "${ON}", "rate": "${RATE}", "password": "secret://pw", "any": "$${HOST} costs $$5",
		"list": []any{"${PORT}", int64(2)}, "map": map[string]any{"a": "${NONE:-x y}", "b": "${EMPTY:-full}", "c": "${EMPTY}", "d": "$$ alone", "e": "${NESTED}"}, "size": "${PORT}",
	}
	got, problems := setting.Resolve(t.Context(), server, "config", in, resolver())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := map[string]any{
		"host": "db.example:5432", "port": int64(5432), "tls": true, "rate": 0.5, "password": "open$same${x}", "any": "${HOST} costs $5",
		"list": []any{int64(5432), int64(2)}, "map": map[string]any{"a": "x y", "b": "full", "c": "", "d": "$$ alone", "e": "${HOST}"}, "size": int64(5432),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if in["port"] != "${PORT}" {
		t.Error("the input changed")
	}
}

func TestResolve_Problems(t *testing.T) {
	in := map[string]any{"host": "${NONE}", "port": "${HOST}", "password": "secret://none", "any": "${", "map": map[string]any{"a": "${1x}"}}
	_, problems := setting.Resolve(t.Context(), server, "config", in, resolver())
	got := problems.Error()
	for _, want := range []string{
		"config.host: the environment variable NONE is not set [missing_variable]", "${NONE:-value}",
		`config.password: secret "none" cannot be read: no such secret [missing_secret]`, `config.any: "${" is not a reference [bad_reference]`, `config.map.a: "${1x}" is not a reference`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
	_, problems = setting.Resolve(t.Context(), server, "config", map[string]any{"port": "${HOST}"}, resolver())
	if got := problems.Error(); !strings.Contains(got, `config.port: must be a number, not the text "db"`) {
		t.Errorf("got %s", got)
	}
}

func TestResolve_WithoutFunctions(t *testing.T) {
	in := map[string]any{"host": "${HOST}", "password": "secret://pw"}
	got, problems := setting.Resolve(t.Context(), server, "", in, setting.Resolver{})
	if diff := cmp.Diff(any(in), got); diff != "" || len(problems) > 0 {
		t.Error(diff, problems)
	}
}

func TestRedact(t *testing.T) {
	in := map[string]any{"host": "h", "password": "p", "any": []any{"secret://pw", "x"}, "map": map[string]any{"a": "b"}, "port": int64(1)}
	want := map[string]any{"host": "h", "password": "***", "any": []any{"***", "x"}, "map": map[string]any{"a": "***"}, "port": int64(1)}
	if diff := cmp.Diff(any(want), setting.Redact(server, in)); diff != "" {
		t.Error(diff)
	}
	if got := setting.Redact(setting.Field{Kind: setting.Int, Secret: true}, int64(5)); got != "***" {
		t.Errorf("got %v", got)
	}
	if got := setting.Redact(setting.Field{Kind: setting.Map, Secret: true, Item: &setting.Field{Kind: setting.String}}, map[string]any{"a": "b"}); !cmp.Equal(got, any("***")) {
		t.Errorf("got %v: everything below a secret is secret", got)
	}
}

func TestWalk(t *testing.T) {
	var got []string
	setting.Walk(server, "c", map[string]any{"size": []any{int64(1)}, "map": map[string]any{"k": "v"}, "unknown": "x"}, func(f setting.Field, path string, _ any) {
		got = append(got, path+" "+string(f.Kind))
	})
	want := []string{"c object", "c.map map", "c.map.k string", "c.size list", "c.size[0] int", "c.unknown any"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzResolve holds that no text makes Resolve panic, and that text without a reference stays what it is.
func FuzzResolve(f *testing.F) {
	for _, s := range []string{"", "a", "${HOST}", "${HOST:-x}", "$${HOST}", "${", "${}", "$$", "secret://pw", "secret://", "${EMPTY:-${HOST}}", "\x00${HOST"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, problems := setting.Resolve(t.Context(), setting.Field{Kind: setting.String}, "x", s, resolver())
		if !setting.IsReference(s) && (got != s || len(problems) > 0) {
			t.Errorf("got %q, %v", got, problems)
		}
		for _, p := range problems {
			if p.Path != "x" || p.Code == "" {
				t.Errorf("got %+v", p)
			}
		}
	})
}
