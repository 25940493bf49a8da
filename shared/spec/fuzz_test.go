package spec

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// FuzzLoad holds that no text makes Load panic, that each problem has a line of the file, and that a job that loads is the same
// when it loads again.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(data))
		}
	}
	for _, text := range []string{"", "\x00", "id: &a [*a]", "? [a]: b", "<<: {id: x}\n", "%YAML 9.9\n---\n", "a: !!binary x", "*x : y", "id: \"\\xff\"", "!!map {a: b}", "-\t-", "{[]: }"} {
		f.Add(text)
	}
	dir := f.TempDir()
	file := filepath.Join(dir, "fuzz.yaml")
	options := Options{Catalog: testCatalog{}, Resolver: testResolver(), Dir: dir}
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Load(t.Context(), file, options)
		var problems fault.Problems
		switch {
		case err == nil:
			again, err := Load(t.Context(), file, options)
			if err != nil || again.Job.Digest() != d.Job.Digest() {
				t.Errorf("the second load gives another job: %v", err)
			}
			if _, err := json.Marshal(d.Job); err != nil {
				t.Errorf("the job cannot be stored: %v", err)
			}
		case !errors.As(err, &problems):
			t.Errorf("got %v, want problems", err)
		}
		for _, p := range problems {
			if p.File != file || p.Line < 1 || p.Line > strings.Count(text, "\n")+1 || p.Code == "" || p.Message == "" {
				t.Errorf("a problem without its line: %+v", p)
			}
		}
	})
}
