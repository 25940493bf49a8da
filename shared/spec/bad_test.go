package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
)

var errorMark = regexp.MustCompile(`# ERROR: (.*?) \[([a-z0-9_]+)\]`)

// expected is a problem that a comment in a file announces.
type expected struct {
	file       string
	line       int
	text, code string
}

func (e expected) String() string {
	return fmt.Sprintf("%s:%d: %s [%s]", e.file, e.line, e.text, e.code)
}

// announced reads the ERROR comments of files.
func announced(t *testing.T, files ...string) []expected {
	t.Helper()
	var out []expected
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, m := range errorMark.FindAllStringSubmatch(line, -1) {
				out = append(out, expected{file, i + 1, m[1], m[2]})
			}
		}
	}
	return out
}

func TestLoad_Bad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	if len(files) < 45 {
		t.Errorf("%d bad files, want at least 45", len(files))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.Dir = "testdata/bad"
			_, err := Load(t.Context(), file, o)
			var problems fault.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got error %v, want problems", err)
			}
			parts, _ := filepath.Glob("testdata/bad/parts/" + name + "*.yaml")
			compare(t, problems, announced(t, append(parts, file)...))
		})
	}
}

func compare(t *testing.T, problems fault.Problems, want []expected) {
	t.Helper()
	if len(want) == 0 {
		t.Error("the file announces no error")
	}
	for _, p := range problems {
		i := slices.IndexFunc(want, func(e expected) bool {
			return e.file == filepath.FromSlash(p.File) && e.line == p.Line && e.code == p.Code && strings.Contains(p.Message, e.text)
		})
		if i < 0 {
			t.Errorf("unannounced problem: %v", p)
			continue
		}
		want = slices.Delete(want, i, i+1)
		if p.Column == 0 && p.Code != "bad_yaml" && p.Code != "tab" && p.Code != "unknown_anchor" {
			t.Errorf("no column: %v", p)
		}
	}
	for _, e := range want {
		t.Errorf("announced and not found: %v", e)
	}
}
