package spec

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// FuzzInclude loads a job file beside two others, whatever they hold and name: a problem has a file of the project and a line in it,
// and no file outside is read.
func FuzzInclude(f *testing.F) {
	const job = "id: a\nsource: {connector: file, config: {path: in.csv}}\ndestination: {connector: bell}\n"
	for _, include := range []string{"[b.yaml]", "[b.yaml, sub/c.yaml]", "[a.yaml]", "[../secret.yaml]", "[/etc/hostname]", "[sub/../b.yaml]", "[./b.yaml, b.yaml]", "['']", "[${DATA}]", "[b.yaml, 1, null, [x]]", "b.yaml", "{b: c}", "[sub]", "[\"b.yaml\\0\"]"} {
		f.Add(job+"include: "+include+"\n", "description: b\n", "tags: {x: y}\n")
	}
	f.Add("include: [b.yaml]\n", "include: [sub/c.yaml]\n", "include: [../a.yaml]\n")
	f.Add("include: [b.yaml]\n", job, "x: [")
	f.Add("include: [b.yaml, sub/c.yaml]\nx-a: &a 1\n", "description: *a\n", "id: c\n---\n")
	root := f.TempDir()
	dir := filepath.Join(root, "project")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		f.Fatal(err)
	}
	const secret = "do-not-read-this"
	if err := os.WriteFile(filepath.Join(root, "secret.yaml"), []byte("description: "+secret+"\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	names := []string{"a.yaml", "b.yaml", filepath.Join("sub", "c.yaml")}
	options := Options{Catalog: testCatalog{}, Resolver: testResolver(), Dir: dir}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		lines := map[string]int{}
		for i, text := range []string{a, b, c} {
			file := filepath.Join(dir, names[i])
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			lines[file] = strings.Count(text, "\n") + 1
		}
		d, err := Load(t.Context(), filepath.Join(dir, "a.yaml"), options)
		var problems fault.Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("got %v, want problems", err)
		}
		if err == nil && d.Job.Description == secret && !strings.Contains(a+b+c, secret) {
			t.Fatal("a file outside the project was read")
		}
		for _, p := range problems {
			if n, known := lines[p.File]; !known || p.Line < 1 || p.Line > n || p.Code == "" || p.Message == "" {
				t.Errorf("a problem without its line: %+v", p)
			}
		}
	})
}
