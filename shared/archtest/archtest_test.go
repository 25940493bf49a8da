package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRepository holds every rule against this repository.
func TestRepository(t *testing.T) {
	tr, err := load(os.DirFS(repositoryRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.files) == 0 {
		t.Fatal("no Go file found")
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.check(tr) {
				t.Errorf("%s\n\trule %q: %s", f, r.name, r.reason)
			}
		})
	}
}

// repositoryRoot returns the nearest folder above that holds go.mod.
func repositoryRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// TestLayers_Table checks the table itself: exceptions name parts of the same
// layer and have no cycle.
func TestLayers_Table(t *testing.T) {
	for from, tos := range alsoImports {
		for to := range tos {
			if a, ok := layers[from]; !ok || a != layers[to] {
				t.Errorf("%s → %s: not in the same layer", from, to)
			}
			if reaches(to, from) {
				t.Errorf("%s → %s closes a cycle", from, to)
			}
		}
	}
}

// reaches tells whether alsoImports leads from one part to another.
func reaches(from, to string) bool {
	for next := range alsoImports[from] {
		if next == to || reaches(next, to) {
			return true
		}
	}
	return false
}

// ruleCase is a made-up source tree and what a rule must find in it.
type ruleCase struct {
	name string
	src  string // files, each after a line "-- path --"
	want string // findings, one a line, as path:line: beginning of the text
}

// TestRule holds each rule against its cases, one of which at least it must
// refuse.
func TestRule(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			refuses := false
			for _, c := range r.cases {
				refuses = refuses || c.want != ""
				t.Run(c.name, func(t *testing.T) {
					tr, err := load(files(c.src))
					if err != nil {
						t.Fatal(err)
					}
					if r.name != "parse" && len(tr.broken) > 0 {
						t.Fatalf("case does not parse: %v", tr.broken)
					}
					compare(t, r.check(tr), lines(c.want))
				})
			}
			if !refuses {
				t.Error("no case shows what the rule refuses")
			}
		})
	}
}

// compare reports findings that are not wanted and those that are missing.
func compare(t *testing.T, got []finding, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(want):
			t.Errorf("unwanted: %s", got[i])
		case i >= len(got):
			t.Errorf("missing: %s", want[i])
		case !strings.HasPrefix(got[i].String(), want[i]):
			t.Errorf("got %s, want %s…", got[i], want[i])
		}
	}
}

// files cuts a text into the files of a tree. A line "-- path --" begins a
// file.
func files(src string) fstest.MapFS {
	m := fstest.MapFS{}
	var name string
	for line := range strings.Lines(src) {
		if p, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok {
			name = strings.TrimSuffix(p, " --")
			m[name] = &fstest.MapFile{}
		} else if name != "" {
			m[name].Data = append(m[name].Data, line...)
		}
	}
	return m
}

// lines returns the lines of a text without empty ones.
func lines(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
