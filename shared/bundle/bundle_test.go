package bundle_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/step"
)

var _ step.Jobs = (*bundle.Jobs)(nil)

// The files of the project of these tests: every kind of setting, a job that is off, an id that two use cases have.
var files = map[string]string{
	"a.yaml": `id: orders
use_case: shop
description: Orders & <more>
tags: {team: data}
source:
  connector: file
  config: {path: "in/{stream}.csv.gz"}
  streams:
    - {name: orders, key: [id], cursor: at, mode: incremental, columns: {price: "decimal(10,2)"}}
transforms:
  - set: {rate: "2.5"}
  - default: {score: 2.0, note: "x"}
  - hash: {columns: [email], salt: "${SALT}"}
rules:
  - required: [id]
  - range: {column: price, min: 0}
destination:
  connector: sqlite
  config: {path: "${OUT:-out.db}"}
  write: {mode: upsert}
on_failure: {action: retry, max_retries: 2}
parameters: {threshold: 12, ratio: 1.5}
`,
	"b.yaml": "id: off\nenabled: false\n" + small,
	"c.yaml": "id: twice\nuse_case: one\n" + small,
	"d.yaml": "id: twice\nuse_case: two\n" + small,
}

const small = "source: {connector: file, config: {path: a.csv}}\ndestination: {connector: file, config: {path: out/, format: csv}}\n"

func project(t *testing.T, files map[string]string) *spec.Project {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := spec.Open(t.Context(), dir, spec.Options{Catalog: local.Builtin()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func build(t *testing.T, p *spec.Project) (*bundle.Bundle, []byte) {
	t.Helper()
	data, key, err := bundle.Build(p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Read(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if b.Key != key {
		t.Errorf("built as %s, read as %s", key, b.Key)
	}
	return b, data
}

// TestBuild: the same jobs give the same bytes, wherever they lie and whatever their files are called, and other jobs give others.
func TestBuild(t *testing.T) {
	_, one := build(t, project(t, files))
	renamed := map[string]string{"z.yaml": files["a.yaml"] + "# a comment\n", "y.yaml": files["b.yaml"], "x.yaml": files["c.yaml"], "w.yaml": files["d.yaml"]}
	if _, two := build(t, project(t, renamed)); !bytes.Equal(one, two) {
		t.Errorf("the same jobs give other bytes:\n%s\n%s", one, two)
	}
	renamed["z.yaml"] = strings.Replace(files["a.yaml"], "max_retries: 2", "max_retries: 3", 1)
	if _, three := build(t, project(t, renamed)); bytes.Equal(one, three) || bundle.Key(one) == bundle.Key(three) {
		t.Error("other jobs give the same bytes")
	}
	if strings.Contains(string(one), "${SALT}") != true || strings.Contains(string(one), "out.db") != true {
		t.Errorf("references are not as written:\n%s", one)
	}
	if got := strings.Count(string(one), "\n"); got != 6 {
		t.Errorf("%d lines, want one for each job:\n%s", got, one)
	}
}

// TestRead_SameJobs: a job of the bundle is the project's own, to the type of each number, and has its digest.
func TestRead_SameJobs(t *testing.T) {
	p := project(t, files)
	b, _ := build(t, p)
	if len(b.Jobs) != len(p.Documents) {
		t.Fatalf("%d jobs of %d", len(b.Jobs), len(p.Documents))
	}
	for i, d := range p.Documents {
		if got, want := b.Jobs[i].Digest(), d.Job.Digest(); got != want {
			t.Errorf("%s: digest %s, want %s", d.Job.Key(), got, want)
		}
		if d := cmp.Diff(b.Jobs[i], d.Job, cmp.Transformer("raw", func(v setting.Values) any { return v.Raw() })); d != "" {
			t.Error(d)
		}
	}
}

func TestFind(t *testing.T) {
	b, _ := build(t, project(t, files))
	for name, want := range map[string]struct {
		key  string
		code fault.Code
		text string
	}{
		"shop____orders": {"shop____orders", "", ""},
		"orders":         {"shop____orders", "", ""},
		"one____twice":   {"one____twice", "", ""},
		"twice":          {"", fault.ConfigInvalid, "one____twice"},
		"off":            {"", fault.NotFound, "disabled"},
		"shop____order":  {"", fault.NotFound, "did you mean shop____orders?"},
		"nothing like":   {"", fault.NotFound, "lockstep apply"},
	} {
		j, err := b.Find(name)
		if fault.CodeOf(err) != want.code || err == nil && j.Key() != want.key || err != nil && !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: got %q, %v", name, j.Key(), err)
		}
	}
}

// TestJobs: values are those of the project resolved with the same variables; they are looked up again when they are old, or forgotten.
func TestJobs(t *testing.T) {
	p := project(t, files)
	b, _ := build(t, p)
	now, asked := time.Unix(1_800_000_000, 0), 0
	r := setting.Resolver{Env: func(name string) (string, bool) { asked++; return "of " + name, name != "NONE" }}
	jobs := bundle.NewJobs(b, bundle.Options{Catalog: local.Builtin(), Resolver: r, Now: func() time.Time { return now }})
	written, resolved, err := jobs.Job(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := p.Job("orders")
	if err != nil {
		t.Fatal(err)
	}
	want, err := doc.Resolve(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]any{"resolved": {resolved, want}, "written": {written, doc.Job}} {
		got, _ := json.Marshal(pair[0])
		wanted, _ := json.Marshal(pair[1])
		if d := cmp.Diff(string(got), string(wanted)); d != "" {
			t.Errorf("%s: %s", what, d)
		}
	}
	lookups := func(do func()) int {
		asked = 0
		do()
		if _, _, err := jobs.Job(t.Context(), "shop____orders"); err != nil {
			t.Error(err)
		}
		return asked
	}
	if n := lookups(func() { now = now.Add(bundle.Fresh - time.Second) }); n != 0 {
		t.Errorf("%d lookups while values are fresh", n)
	}
	if n := lookups(func() { now = now.Add(time.Second) }); n == 0 {
		t.Error("old values are taken for good")
	}
	if n := lookups(func() { jobs.Forget("shop____orders") }); n == 0 {
		t.Error("forgotten values are kept")
	}
	if _, _, err := jobs.Job(t.Context(), "off"); !fault.Has(err, fault.NotFound) {
		t.Errorf("a disabled job: %v", err)
	}
}

func TestJobs_MissingVariable(t *testing.T) {
	b, _ := build(t, project(t, files))
	jobs := bundle.NewJobs(b, bundle.Options{Catalog: local.Builtin(), Now: time.Now,
		Resolver: setting.Resolver{Env: func(string) (string, bool) { return "", false }}})
	_, _, err := jobs.Job(t.Context(), "orders")
	if !fault.Has(err, fault.ConfigInvalid) || !strings.Contains(err.Error(), "transforms[2].hash.salt") || !strings.Contains(err.Error(), "SALT") {
		t.Errorf("got %v", err)
	}
}

func TestRead_Refused(t *testing.T) {
	_, data := build(t, project(t, files))
	text := string(data)
	for name, c := range map[string]struct {
		text string
		want fault.Code
	}{
		"nothing":           {"", fault.DataInvalid},
		"no JSON":           {"jobs", fault.DataInvalid},
		"no format":         {`{"jobs":[]}`, fault.DataInvalid},
		"format 0":          {strings.Replace(text, `"format":1`, `"format":0`, 1), fault.DataInvalid},
		"newer format":      {strings.Replace(text, `"format":1`, `"format":2`, 1), fault.VersionTooNew},
		"newer and other":   {`{"format":2,"jobs":{"a":1}}`, fault.VersionTooNew},
		"newer job":         {strings.Replace(text, `{"version":1,"id":"off"`, `{"version":2,"id":"off","speed":1`, 1), fault.VersionTooNew},
		"unknown field":     {strings.Replace(text, `"id":"off"`, `"id":"off","speed":1`, 1), fault.VersionTooNew},
		"unknown at top":    {strings.Replace(text, `"format":1`, `"format":1,"speed":1`, 1), fault.VersionTooNew},
		"job without an id": {strings.Replace(text, `"id":"off"`, `"id":""`, 1), fault.DataInvalid},
		"other type":        {strings.Replace(text, `"id":"off"`, `"id":"off","concurrency":"x"`, 1), fault.DataInvalid},
		"cut off":           {text[:len(text)/2], fault.DataInvalid},
		"more behind it":    {text + "{}", fault.DataInvalid},
		"twice":             {strings.Replace(text, "[\n", "[\n"+line(text, `"off"`)+",\n", 1), fault.DataInvalid},
		"too large":         {text + strings.Repeat(" ", bundle.MaxBytes), fault.QuotaExceeded},
	} {
		if _, err := bundle.Read([]byte(c.text)); !fault.Has(err, c.want) || fault.Hint(err) == "" && c.want != fault.QuotaExceeded {
			t.Errorf("%s: got %v (%s), want %s with a hint", name, err, fault.CodeOf(err), c.want)
		}
	}
}

// line gives the line of a job.
func line(text, id string) string {
	for l := range strings.SplitSeq(text, "\n") {
		if strings.Contains(l, id) {
			return strings.TrimSuffix(l, ",")
		}
	}
	return ""
}

func TestBuild_Refused(t *testing.T) {
	if _, _, err := bundle.Build(project(t, nil)); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("no jobs: %v", err)
	}
	broken := map[string]string{"a.yaml": files["a.yaml"], "x.yaml": "id: x\n" + small + "max_tris: 1\n"}
	if _, _, err := bundle.Build(project(t, broken)); !fault.Has(err, fault.ConfigInvalid) || !strings.Contains(err.Error(), "max_tris") {
		t.Errorf("a job with a mistake: %v", err)
	}
	large := map[string]string{"a.yaml": "id: a\ndescription: \"" + strings.Repeat("x", bundle.MaxJobBytes) + "\"\n" + small}
	if _, _, err := bundle.Build(project(t, large)); !fault.Has(err, fault.QuotaExceeded) {
		t.Errorf("a job that is too large: %v", err)
	}
}

func TestLoad(t *testing.T) {
	_, data := build(t, project(t, files))
	b := blob.OpenMemory()
	var key string
	for range 2 { // the second time it is there
		var err error
		if key, err = bundle.Store(t.Context(), b, data); err != nil {
			t.Fatal(err)
		}
	}
	got, err := bundle.Load(t.Context(), b, key)
	if err != nil || got.Key != key || len(got.Jobs) != 4 {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := bundle.Load(t.Context(), b, "bundles/none.json"); !fault.Has(err, fault.NotFound) {
		t.Errorf("no such bundle: %v", err)
	}
	other := strings.Replace(key, key[8:12], "0000", 1)
	if _, err := b.Create(context.WithoutCancel(t.Context()), other, data); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Load(t.Context(), b, other); !fault.Has(err, fault.DataInvalid) {
		t.Errorf("another content than the name says: %v", err)
	}
	if _, err := b.Create(t.Context(), "an-asset-of-the-cdk.json", data); err != nil {
		t.Fatal(err)
	}
	if got, err := bundle.Load(t.Context(), b, "an-asset-of-the-cdk.json"); err != nil || got.Key != "an-asset-of-the-cdk.json" {
		t.Errorf("a name that says nothing about the content: got %+v, %v", got, err)
	}
}

func TestPlace(t *testing.T) {
	if bucket, key, err := bundle.SplitPlace(bundle.Place("b-1", "bundles/x.json")); bucket != "b-1" || key != "bundles/x.json" || err != nil {
		t.Errorf("got %q, %q, %v", bucket, key, err)
	}
	for _, bad := range []string{"", "none", "s3://", "s3://b", "s3://b/", "https://b/k"} {
		if _, _, err := bundle.SplitPlace(bad); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}
