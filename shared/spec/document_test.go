package spec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// write makes a file below a folder.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const smallJob = "source: {connector: file, config: {path: in.csv}}\ndestination: {connector: sqlite, config: {path: out.db}}\n"

func TestLoad_Text(t *testing.T) {
	cases := []struct {
		name, text string
		line       int
		code       string
	}{
		{"empty", "", 1, "empty"},
		{"blank lines", "\n\n  \n", 1, "empty"},
		{"null", "~\n", 1, "empty"},
		{"NUL", "id: a\nsource: \x00\n", 2, "control_character"},
		{"escape", "id: a\n\x1b[0m\n", 2, "control_character"},
		{"carriage return alone", "id: a\rsource: b\n", 1, "line_break"},
		{"line separator", "id: a\ndescription: x\u2028y\n", 2, "line_break"},
		{"latin 1", "id: a\ndescription: caf\xe9\n", 2, "not_utf8"},
		{"UTF-16", "\xff\xfei\x00d\x00", 1, "not_utf8"},
		{"too large", "id: a\n#" + strings.Repeat("x", MaxFile), 2, "too_large"},
		{"many lists", strings.Repeat("[", 20000), 1, "bad_yaml"},
		{"many values", "x-a: [" + strings.Repeat("1,", MaxNodes) + "1]", 1, "too_many_nodes"},
		{"unclosed map", "a: {", 1, "bad_yaml"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(t.Context(), write(t, t.TempDir(), "a.yaml", c.text), testOptions(t))
			var problems fault.Problems
			if !errors.As(err, &problems) || len(problems) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			if p := problems[0]; p.Line != c.line || p.Code != c.code {
				t.Errorf("got line %d code %s, want %d %s: %v", p.Line, p.Code, c.line, c.code, p)
			}
		})
	}
}

func TestLoad_AcceptsByteOrderMarkAndCRLF(t *testing.T) {
	text := "\ufeffid: a\r\n" + strings.ReplaceAll(smallJob, "\n", "\r\n")
	if _, err := Load(t.Context(), write(t, t.TempDir(), "a.yaml", text), testOptions(t)); err != nil {
		t.Error(err)
	}
}

func TestLoad_NotFound(t *testing.T) {
	_, err := Load(t.Context(), filepath.Join(t.TempDir(), "none.yaml"), testOptions(t))
	if !fault.Has(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestLoad_Folder(t *testing.T) {
	_, err := Load(t.Context(), t.TempDir(), testOptions(t))
	if !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("got %v, want ConfigInvalid", err)
	}
}

func TestLoad_IncludeThroughLink(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	write(t, outside, "secret.yaml", "tags: {a: stolen}\n")
	if err := os.Symlink(filepath.Join(outside, "secret.yaml"), filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	_, err := Load(t.Context(), write(t, dir, "a.yaml", "include: [link.yaml]\nid: a\n"+smallJob), testOptions(t))
	if err == nil || !strings.Contains(err.Error(), "[outside]") || strings.Contains(err.Error(), "stolen") {
		t.Errorf("got %v, want outside", err)
	}
}

func TestLoad_WithoutResolverLooksNothingUp(t *testing.T) {
	text := "id: a\nsource: {connector: file, config: {path: '${NOWHERE}'}}\ndestination: {connector: sqlite, config: {path: out.db, password: 'secret://none'}}\nmax_tries: ${TRIES:-5}\n"
	d, err := Load(t.Context(), write(t, t.TempDir(), "a.yaml", text), Options{Catalog: testCatalog{}})
	if err != nil {
		t.Fatal(err)
	}
	if d.Job.MaxTries != 5 {
		t.Errorf("got max_tries %d, want the default 5", d.Job.MaxTries)
	}
	_, err = d.Resolve(t.Context(), testResolver())
	for _, want := range []string{"a.yaml:2:", "NOWHERE is not set [missing_variable]", "a.yaml:3:", `secret "none" cannot be read`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func load1(t *testing.T, file string) *Document {
	t.Helper()
	d, err := Load(t.Context(), file, testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocument_Resolve(t *testing.T) {
	d := load1(t, "testdata/good/everything.yaml")
	before, _ := json.Marshal(d.Job)
	j, err := d.Resolve(t.Context(), testResolver())
	if err != nil {
		t.Fatal(err)
	}
	m := j.Source.Config.Raw().(map[string]any)
	if m["path"] != "data/in.db" || m["password"] != "opensesame" || m["pages"] != int64(4) {
		t.Errorf("got %v", m)
	}
	if salt := j.Transforms[3].Config.Raw().(map[string]any)["salt"]; salt != "opensesame" {
		t.Errorf("got salt %v", salt)
	}
	if after, _ := json.Marshal(d.Job); !bytes.Equal(before, after) || bytes.Contains(after, []byte("opensesame")) {
		t.Error("the document's job changed")
	}
	if j.Parameters["token"] != "secret://db" {
		t.Error("parameters are stored, so they keep their references")
	}
}

func TestDocument_ResolveKeepsDigest(t *testing.T) {
	one := load1(t, "testdata/good/everything.yaml")
	o := testOptions(t)
	o.Resolver.Secret = func(context.Context, string) (string, error) { return "rotated", nil }
	two, err := Load(t.Context(), "testdata/good/everything.yaml", o)
	if err != nil {
		t.Fatal(err)
	}
	if one.Job.Digest() != two.Job.Digest() {
		t.Error("a rotated secret changes the digest")
	}
}

func TestDocument_Locate(t *testing.T) {
	d := load1(t, "testdata/good/runways.yaml")
	for path, line := range map[string]int{
		"transforms[2].set.surface": 11, "transforms[2].set.other": 11, "transforms[9]": 8, "rules[1].range.max": 15, "rules[1]": 15,
		"destinations[0].write.delete_missing": 20, "": 2, "nothing.at[3].all": 2, "source.streams[0].key": 7, `tags["a b"]`: 2,
	} {
		if file, got, column := d.Locate(path); got != line || column < 1 || file != d.File {
			t.Errorf("Locate(%q) = %s:%d:%d, want line %d", path, file, got, column, line)
		}
	}
}

func TestDocument_LocateInIncludedFile(t *testing.T) {
	d, err := Load(t.Context(), "testdata/good/include.yaml", Options{Catalog: testCatalog{}, Dir: "testdata/good"})
	if err != nil {
		t.Fatal(err)
	}
	if file, line, _ := d.Locate("destinations[0].config.path"); filepath.ToSlash(file) != "testdata/good/parts/base.yaml" || line != 1 {
		t.Errorf("got %s:%d", file, line)
	}
	if len(d.Files) != 4 {
		t.Errorf("got files %v, want 4: a diamond is read once", d.Files)
	}
}

func TestDocument_Paths(t *testing.T) {
	d := load1(t, "testdata/good/everything.yaml")
	for name, want := range map[string]string{"zulu": "destinations[0]", "sqlite": "destinations[1]", "alpha": "destinations[3]", "none": "destinations"} {
		if got := d.DestinationPath(name); got != want {
			t.Errorf("DestinationPath(%s) = %s, want %s", name, got, want)
		}
	}
	if got := d.StreamPath("customers"); got != "source.streams[1]" {
		t.Errorf("got %s", got)
	}
	ps := d.Annotate(fault.Problems{{Path: d.DestinationPath("alpha"), Code: "x"}, {Path: "id", Code: "y"}})
	if ps[0].Code != "y" || ps[0].Line != 2 || ps[1].Line == 0 || ps[1].File != d.File {
		t.Errorf("got %v", ps)
	}
}

func TestDocument_ModelComesBack(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	for _, file := range files {
		d, err := Load(t.Context(), file, Options{Catalog: testCatalog{}, Dir: "testdata/good", Resolver: testResolver()})
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(d.Job)
		var back job.Job
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); !bytes.Equal(data, again) || back.Digest() != d.Job.Digest() {
			t.Errorf("%s: the stored job is another one", file)
		}
	}
}

func TestFindDir(t *testing.T) {
	dir := t.TempDir()
	if got := FindDir(filepath.Join(dir, "jobs", "a.yaml")); got != dir {
		t.Errorf("got %s, want the folder above jobs", got)
	}
	write(t, dir, ProjectFile, "name: x\n")
	if got := FindDir(filepath.Join(dir, "deep", "down", "a.yaml")); got != dir {
		t.Errorf("got %s, want the folder of lockstep.yaml", got)
	}
}

func TestFileSecrets(t *testing.T) {
	dir := t.TempDir()
	yamlFile := write(t, dir, "secrets.yaml", "db: opensesame\nnumber: 0123\n")
	envFile := write(t, dir, "local.env", "# comment\nexport DB=\"open = sesame\"\n\nEMPTY=\n")
	open := write(t, dir, "open.yaml", "db: x\n")
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, file, secret, want string
		code                     fault.Code
	}{
		{"yaml", yamlFile, "db", "opensesame", ""},
		{"number as written", yamlFile, "number", "0123", ""},
		{"env", envFile, "DB", "open = sesame", ""},
		{"empty value", envFile, "EMPTY", "", ""},
		{"no such name", yamlFile, "bd", "", fault.NotFound},
		{"no such file", filepath.Join(dir, "none"), "db", "", fault.NotFound},
		{"others can read", open, "db", "", fault.AuthDenied},
		{"not YAML", write(t, dir, "bad.yaml", "a: [opensesame"), "a", "", fault.ConfigInvalid},
		{"a list", write(t, dir, "list.yaml", "a: [opensesame]"), "a", "", fault.ConfigInvalid},
		{"twice", write(t, dir, "twice.yaml", "a: opensesame\na: b\n"), "a", "", fault.ConfigInvalid},
		{"not env", write(t, dir, "bad.env", "opensesame\n"), "a", "", fault.ConfigInvalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := FileSecrets(c.file)(t.Context(), c.secret)
			if got != c.want || fault.CodeOf(err) != c.code {
				t.Errorf("got %q, %v; want %q, %s", got, err, c.want, c.code)
			}
			if err != nil && strings.Contains(err.Error(), "opensesame") {
				t.Errorf("the message holds the secret: %v", err)
			}
		})
	}
}

var _ = setting.Resolver{Secret: FileSecrets("")}
