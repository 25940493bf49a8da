package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/setting"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// now is the time of every synthesis in the tests.
var now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

const plainJob = `id: runways
schedule: {cron: "30 6 1 * MON", time_zone: Europe/Berlin, flexible_window: 15m}
source: {connector: file, config: {path: "s3://incoming/day/{stream}.csv"}, streams: [runways]}
destination: {connector: file, config: {path: "s3://lake/runways/", format: ndjson}}
`

// template is a synthesized template.
type template struct {
	Resources map[string]resource
	Outputs   map[string]struct{ Value any }

	dir string
}

type resource struct {
	Type                                string
	Properties                          map[string]any
	DeletionPolicy, UpdateReplacePolicy string
	Metadata                            map[string]any
}

// programs makes a folder with a file for each function. What is in it does not matter to a template.
func programs(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range infra.Functions() {
		write(t, filepath.Join(dir, f.Name, "bootstrap"), "not a program")
	}
	return dir
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// settings reads a context as the CDK hands it over.
func settings(t *testing.T, jobs map[string]string, context ...string) (Settings, error) {
	t.Helper()
	values := map[string]any{"config": t.TempDir(), "functions": programs(t)}
	for name, content := range jobs {
		write(t, filepath.Join(values["config"].(string), name), content)
	}
	for n := 0; n < len(context); n += 2 {
		values[context[n]] = context[n+1]
	}
	return readSettings(func(name *string) any { return values[*name] }, now)
}

// synth makes the template of an installation with one job, or with the jobs given.
func synth(t *testing.T, jobs map[string]string, context ...string) template {
	t.Helper()
	if jobs == nil {
		jobs = map[string]string{"runways.yaml": plainJob}
	}
	s, err := settings(t, jobs, context...)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readContent(t.Context(), s.Config)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: text(dir), AnalyticsReporting: boolean(false)})
	if _, err := newInstallation(app, s, c); err != nil {
		t.Fatal(err)
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
	app.Synth(nil)
	out := read(t, filepath.Join(dir, s.Stack()+".template.json"))
	out.dir = dir
	return out
}

func read(t *testing.T, file string) template {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out template
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// of gives the ids of all resources of a type, sorted.
func (x template) of(kind string) []string {
	var ids []string
	for _, id := range sortedKeys(x.Resources) {
		if x.Resources[id].Type == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// one gives the id of the only resource of a type whose id begins with the prefix.
func (x template) one(t *testing.T, kind, prefix string) string {
	t.Helper()
	ids := slices.DeleteFunc(x.of(kind), func(id string) bool { return !strings.HasPrefix(id, prefix) })
	if len(ids) != 1 {
		t.Fatalf("%d resources %s %s*: %v", len(ids), kind, prefix, ids)
	}
	return ids[0]
}

// at follows a path of names and numbers through the properties of a resource.
func (r resource) at(path ...any) any {
	var v any = r.Properties
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

var (
	assetHash   = regexp.MustCompile(`[0-9a-f]{64}`)
	versionHash = regexp.MustCompile(`(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}`)
	definition  = regexp.MustCompile(`("DefinitionString": ").*"`)
)

// golden holds text against a file, or writes it. What changes with every build of the programs and jobs is left out, and the state machine, which
// has a test of its own.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = definition.ReplaceAll(got, []byte(`${1}DEFINITION"`))
	got = versionHash.ReplaceAll(assetHash.ReplaceAll(got, []byte("HASH")), []byte("${1}HASH"))
	file := filepath.Join("testdata", name)
	if *update {
		write(t, file, string(got))
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test . -update writes it", err)
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for n := range max(len(gotLines), len(wantLines)) {
		g, w := "(end)", "(end)"
		if n < len(gotLines) {
			g = gotLines[n]
		}
		if n < len(wantLines) {
			w = wantLines[n]
		}
		if g != w {
			t.Fatalf("%s:%d: got %s, want %s; read the diff that go test . -update makes: it is what will be deployed", file, n+1, g, w)
		}
	}
}

// list makes a list of what may be one value in a template.
func list(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func flatList(v any) []string {
	var out []string
	for _, e := range list(v) {
		out = append(out, flat(e))
	}
	return out
}

func values(v any) setting.Values { return setting.Of(v) }
