package spec

import (
	"context"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// testCatalog has components of every shape of settings, so that the tests here do not change when the real ones do.
type testCatalog struct{}

func (testCatalog) Components() Components {
	return Components{
		Connectors: connector.NewRegistry(fileSpec(), tableSpec(), connector.Spec{Spec: setting.Spec{Name: "feed", Body: setting.Field{Kind: setting.Object}}, Source: noSource},
			connector.Spec{Spec: setting.Spec{Name: "bell", Body: setting.Field{Kind: setting.Object}}, Destination: noDestination, Modes: []job.WriteMode{job.Append}}),
		Transforms: testTransforms(),
		Rules:      testRules(),
	}
}

func noSource(context.Context, connector.Config) (connector.Source, error)           { return nil, nil }
func noDestination(context.Context, connector.Config) (connector.Destination, error) { return nil, nil }

func fileSpec() connector.Spec {
	return connector.Spec{
		Spec: setting.Spec{Name: "file", Summary: "Reads and writes files.", Since: "0.1.0", Example: "connector: file\nconfig: {path: data/a.csv}",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "path", Kind: setting.String, Syntax: setting.Path, Required: true, Doc: "Where the file is."},
				{Name: "format", Kind: setting.String, Options: []string{"csv", "ndjson", "json"}, Doc: "Format of the file."},
				{Name: "header", Kind: setting.Bool, Default: true, Doc: "The first line names the columns."},
				{Name: "sample", Kind: setting.Int, Default: int64(1000), Min: setting.Bound(1), Max: setting.Bound(10000), Unit: "rows", Doc: "Rows that are looked at."},
			}}},
		Source: noSource, Destination: noDestination, Modes: []job.WriteMode{job.Append, job.Replace},
		Guarantee: func(setting.Values, job.Write) connector.Guarantee {
			return connector.Guarantee{Level: connector.AtLeastOnce, Why: "A file has no transactions."}
		},
	}
}

func tableSpec() connector.Spec {
	return connector.Spec{
		Spec: setting.Spec{Name: "sqlite", Summary: "Reads and writes tables of a SQLite file.",
			Body: setting.Field{Kind: setting.Object, Fields: []setting.Field{
				{Name: "path", Kind: setting.String, Syntax: setting.Path, Required: true, Doc: "The database."},
				{Name: "password", Kind: setting.String, Secret: true, Doc: "Opens the database."},
				{Name: "busy_timeout", Kind: setting.String, Syntax: setting.Duration, Default: "5s", Doc: "Wait for locks."},
				{Name: "read_only", Kind: setting.Bool, Default: false, Doc: "Never write."},
				{Name: "pages", Kind: setting.Int, Min: setting.Bound(1), Max: setting.Bound(100), Doc: "Cache."},
			}}},
		Source: noSource, Destination: noDestination, Modes: []job.WriteMode{job.Append, job.Upsert, job.Replace, job.TruncateInsert}, DeleteMissing: true, Backup: true,
		Guarantee: func(setting.Values, job.Write) connector.Guarantee {
			return connector.Guarantee{Level: connector.ExactlyOnce, Why: "The receipt is written with the data.", Receipts: true, Fenced: true}
		},
		Check: func(v setting.Values) fault.Problems {
			if m := as[map[string]any](v.Raw()); m["read_only"] == true && m["pages"] != nil {
				return fault.Problems{{Path: "pages", Code: "conflict", Message: "pages goes not with read_only", Hint: "leave one out"}}
			}
			return nil
		},
	}
}

func testTransforms() map[string]setting.Spec {
	text := setting.Field{Kind: setting.String}
	column := setting.Field{Kind: setting.String, Syntax: setting.Column}
	spec := func(name string, body setting.Field) setting.Spec {
		return setting.Spec{Name: name, Summary: name + " in a test.", Body: body, Example: name + ": {}"}
	}
	return specs(
		spec("rename", setting.Field{Kind: setting.Map, Item: &text, Min: setting.Bound(1)}),
		spec("cast", setting.Field{Kind: setting.Map, Item: &setting.Field{Kind: setting.String, Syntax: setting.Type}}),
		spec("set", setting.Field{Kind: setting.Map, Item: &setting.Field{Kind: setting.String, Syntax: setting.Expression}}),
		spec("filter", setting.Field{Kind: setting.String, Syntax: setting.Expression}),
		spec("drop", setting.Field{Kind: setting.List, Item: &column, Min: setting.Bound(1)}),
		spec("dedupe", setting.Field{Kind: setting.Object, Fields: []setting.Field{{Name: "by", Kind: setting.List, Item: &column}, {Name: "keep", Kind: setting.String, Options: []string{"first", "last"}, Default: "last"}}}),
		spec("hash", setting.Field{Kind: setting.Object, Fields: []setting.Field{
			{Name: "columns", Kind: setting.List, Item: &column, Required: true}, {Name: "salt", Kind: setting.String, Secret: true}}}),
	)
}

func testRules() map[string]setting.Spec {
	column := setting.Field{Name: "column", Kind: setting.String, Syntax: setting.Column, Required: true}
	list := setting.Field{Kind: setting.List, Item: &column, Min: setting.Bound(1)}
	spec := func(name string, body setting.Field) setting.Spec {
		return setting.Spec{Name: name, Summary: name + " in a test.", Body: body, Example: name + ": {}"}
	}
	columns := list
	columns.Name, columns.Required = "columns", true
	return specs(
		spec("required", setting.Field{Kind: setting.Choice, Forms: []setting.Field{list, {Kind: setting.Object, Fields: []setting.Field{columns}}}}),
		spec("range", setting.Field{Kind: setting.Object, Fields: []setting.Field{column, {Name: "min", Kind: setting.Float}, {Name: "max", Kind: setting.Float}}}),
		spec("one_of", setting.Field{Kind: setting.Object, Fields: []setting.Field{column, {Name: "values", Kind: setting.List, Required: true, Item: &setting.Field{Kind: setting.Any}}}}),
		spec("pattern", setting.Field{Kind: setting.Map, Item: &setting.Field{Kind: setting.String, Syntax: setting.Regexp}}),
		spec("unique", setting.Field{Kind: setting.Object, Fields: []setting.Field{columns}}),
	)
}

func specs(list ...setting.Spec) map[string]setting.Spec {
	out := map[string]setting.Spec{}
	for _, s := range list {
		out[s.Name] = s
	}
	return out
}

// testOptions has some variables and one secret.
func testOptions(t testing.TB) Options {
	t.Helper()
	return Options{Catalog: testCatalog{}, Resolver: testResolver()}
}

func testResolver() setting.Resolver {
	env := map[string]string{"DATA": "data", "WORKERS": "4", "EMPTY": ""}
	return setting.Resolver{
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Secret: func(_ context.Context, name string) (string, error) {
			if name == "db" {
				return "opensesame", nil
			}
			return "", fault.New(fault.NotFound, "there is no secret %q", name)
		},
	}
}
