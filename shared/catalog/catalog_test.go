package catalog_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/transform"
	"github.com/lockstep-data/lockstep/shared/validate"
)

var update = flag.Bool("update", false, "write docs/reference and docs/schema")

// declarations lists every component's, by a name for people.
func declarations(c catalog.Catalog) map[string]setting.Spec {
	out := map[string]setting.Spec{}
	for name, s := range c.Connectors {
		out["connector "+name] = s.Spec
	}
	for name, s := range c.Components().Transforms {
		out["transform "+name] = s
	}
	for name, s := range c.Components().Rules {
		out["rule "+name] = s
	}
	return out
}

func TestBuiltin_Declarations(t *testing.T) {
	for name, s := range declarations(local.Builtin()) {
		if problems := s.Verify(); len(problems) > 0 {
			t.Errorf("%s:\n%v", name, problems)
		}
	}
}

// TestBuiltin_Examples holds that the examples of the reference pages are right.
func TestBuiltin_Examples(t *testing.T) {
	const head = "id: example\nsource: {connector: file, config: {path: in.csv}}\ndestination: {connector: sqlite, config: {path: out.db}}\n"
	c := local.Builtin()
	for name, s := range declarations(c) {
		t.Run(name, func(t *testing.T) {
			text := head
			if kind, _, _ := strings.Cut(name, " "); kind == "connector" {
				text = "id: example\nsource:\n  " + indent(s.Example) + "\ndestination: {connector: sqlite, config: {path: out.db}}\n"
			} else {
				text += kind + "s:\n- " + indent(s.Example) + "\n"
			}
			file := filepath.Join(t.TempDir(), "job.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := spec.Load(t.Context(), file, spec.Options{Catalog: c}); err != nil {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

// indent makes an example stand below a key. One that is a list already loses its first dash.
func indent(example string) string {
	example = strings.TrimSpace(example)
	if rest, ok := strings.CutPrefix(example, "- "); ok {
		return strings.ReplaceAll(rest, "\n", "\n  ")
	}
	return strings.ReplaceAll(example, "\n", "\n  ")
}

func TestCatalog_With(t *testing.T) {
	base := local.Builtin()
	more := base.WithFunc("mine", transform.Func{}).WithConnector(connector.Spec{Spec: setting.Spec{Name: "mine"}}).
		WithTransform(transform.Spec{Spec: setting.Spec{Name: "mine"}}).WithRule(validate.Spec{Spec: setting.Spec{Name: "mine"}})
	_, f := more.Funcs["mine"]
	_, k := more.Connectors["mine"]
	_, tr := more.Components().Transforms["mine"]
	_, r := more.Components().Rules["mine"]
	if !f || !k || !tr || !r {
		t.Error("something was not added")
	}
	if len(base.Funcs) != 0 || len(base.Connectors) != len(more.Connectors)-1 || len(base.Transforms) != len(more.Transforms)-1 || len(base.Rules) != len(more.Rules)-1 {
		t.Error("the first catalog changed")
	}
}

// TestDocs holds docs/reference and docs/schema against the declarations.
func TestDocs(t *testing.T) {
	const docs = "../../docs"
	schema, err := spec.Schema(local.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"schema/job.schema.json": string(schema)}
	for name, page := range catalog.Reference(local.Builtin()) {
		want["reference/"+name] = string(page)
	}
	if *update {
		for _, dir := range []string{"reference", "schema"} {
			if err := os.RemoveAll(filepath.Join(docs, dir)); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range want {
			file := filepath.Join(docs, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := map[string]string{}
	for _, dir := range []string{"reference", "schema"} {
		err := fs.WalkDir(os.DirFS(docs), dir, func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(docs, filepath.FromSlash(name)))
			got[name] = string(data)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stale; go test ./shared/catalog -run TestDocs -update writes them (-want +got):\n%s", diff)
	}
}
