package spec

import (
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "one.yaml", "id: one\n"+smallJob)
	write(t, dir, "jobs/two.yml", "id: two\nenabled: false\n"+smallJob)
	write(t, dir, "jobs/three.yaml", "id: three\nuse_case: night\ninclude: [../part.yaml]\n")
	write(t, dir, "part.yaml", smallJob)
	write(t, dir, "other.yaml", "services: {web: {image: x}}\n")
	write(t, dir, "broken.yaml", "id: broken\n"+smallJob+"max_tris: 1\n")
	write(t, dir, "unreadable.yaml", "id: unreadable\nsource: [\n")
	write(t, dir, "foreign.yaml", "- [\n")
	p, err := Open(t.Context(), dir, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.IDs(); !slices.Equal(got, []string{"three", "one", "two"}) {
		t.Errorf("got jobs %v", got)
	}
	if len(p.Problems) != 2 || fault.CodeOf(p.Err()) != fault.ConfigInvalid {
		t.Errorf("got problems %v, want those of broken.yaml and unreadable.yaml", p.Problems)
	}
	if len(p.Warnings) != 0 {
		t.Errorf("got warnings %v: part.yaml is included", p.Warnings)
	}
	cases := []struct {
		id   string
		code fault.Code
		text string
	}{
		{"one", "", ""}, {"three", "", ""}, {"night____three", "", ""},
		{"two", fault.NotFound, `there is no job "two"`}, {"tow", fault.NotFound, "one"}, {"one1", fault.NotFound, "did you mean one?"},
		{"broken", fault.ConfigInvalid, "max_tris"}, {"unreadable", fault.ConfigInvalid, "unreadable.yaml"},
	}
	for _, c := range cases {
		_, err := p.Job(c.id)
		if fault.CodeOf(err) != c.code || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("Job(%s): got %v, want %s %s", c.id, err, c.code, c.text)
		}
	}
}

func TestOpen_DuplicateIDs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.yaml", "id: same\n"+smallJob)
	write(t, dir, "b.yaml", "id: same\n"+smallJob)
	write(t, dir, "c.yaml", "id: same\nuse_case: other\n"+smallJob)
	p, err := Open(t.Context(), dir, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Documents) != 1 {
		t.Errorf("got %v, want the job of the other use case only", p.IDs())
	}
	for _, want := range []string{"b.yaml:1:5", "a.yaml:1", "duplicate"} {
		if _, err := p.Job("same"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestOpen_ProjectFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ProjectFile, "name: demo\njobs: [flows/*.yaml]\nsecrets: my.env\n")
	write(t, dir, "flows/a.yaml", "id: a\n"+smallJob)
	write(t, dir, "b.yaml", "id: b\n"+smallJob)
	p, err := Open(t.Context(), dir, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "demo" || !slices.Equal(p.IDs(), []string{"a"}) || !strings.HasSuffix(p.Secrets, "my.env") {
		t.Errorf("got %s %v %s", p.Name, p.IDs(), p.Secrets)
	}
}

func TestOpen_EmptyProjectFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# name: demo\n", "---\n", "{}\n"} {
		dir := t.TempDir()
		write(t, dir, ProjectFile, text)
		write(t, dir, "jobs/a.yaml", "id: a\n"+smallJob)
		p, err := Open(t.Context(), dir, testOptions(t))
		if err != nil || !slices.Equal(p.IDs(), []string{"a"}) || p.Name == "" {
			t.Errorf("%q: got %+v, %v", text, p, err)
		}
	}
}

func TestOpen_Nameless(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "jobs/forgot.yaml", "use_case: x\n"+smallJob)
	write(t, dir, "jobs/parts.yaml", "destinations: []\nid: parts\n")
	write(t, dir, "services.yaml", "services: {web: {image: x}}\n")
	p, err := Open(t.Context(), dir, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0].String(), "forgot.yaml:2:1") || !strings.Contains(p.Warnings[0].Message, "no id: it is no job") {
		t.Errorf("got warnings %v", p.Warnings)
	}
	for _, err := range []error{p.NoJobs(), errorOf(p.Job("forgot"))} {
		if err == nil || !strings.Contains(err.Error(), "forgot.yaml") {
			t.Errorf("got %v, want the file named", err)
		}
	}
}

func errorOf(_ *Document, err error) error { return err }

func TestOpen_Errors(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir()+"/none", testOptions(t)); !fault.Has(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
	for text, code := range map[string]string{
		"nmae: x\n": "unknown_key", "jobs: [../*.yaml]\n": "bad_pattern", "jobs: ['[']\n": "bad_pattern", "- a\n": "wrong_type", "a: [\n": "bad_yaml",
	} {
		dir := t.TempDir()
		write(t, dir, ProjectFile, text)
		_, err := Open(t.Context(), dir, testOptions(t))
		if err == nil || !strings.Contains(err.Error(), "lockstep.yaml:1") || !strings.Contains(err.Error(), "["+code+"]") {
			t.Errorf("%q: got %v, want %s with its line", text, err, code)
		}
	}
}
