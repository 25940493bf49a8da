package spec

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestReference(t *testing.T) {
	pages := Reference(testCatalog{})
	for name := range pages {
		if again := Reference(testCatalog{}); string(again[name]) != string(pages[name]) {
			t.Errorf("%s differs from one call to the next", name)
		}
	}
	cases := map[string][]string{
		"job.md":               {"| `destinations[].write.mode` |", "| `on_failure.window.size` | whole number, 0 to 4000 records | `1000` |", "| `use_case` |", "`lockstep.yaml`"},
		"connectors/file.md":   {"# file", "| `path` | path | required | Where the file is. |", "| `append` | at least once | no | A file has no transactions. |", "connector: file"},
		"connectors/feed.md":   {"Reads: yes. Writes: no.", "None."},
		"connectors/sqlite.md": {"exactly once", "A secret: write `secret://name`"},
		"transforms/dedupe.md": {"| `keep` | `first`, `last` | `last` |", "| `streams` |"},
		"rules/required.md":    {"Value: list of: column or map.", "| `columns` |", "| `severity` |"},
	}
	for name, wants := range cases {
		for _, want := range wants {
			if !strings.Contains(string(pages[name]), want) {
				t.Errorf("%s has no %q:\n%s", name, want, pages[name])
			}
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(string(pages["README.md"]), -1) {
		if _, ok := pages[path.Clean(link[1])]; !ok {
			t.Errorf("the index leads to %s, which is not there", link[1])
		}
	}
}

// TestForm holds the declarations of the job document against the rules for declarations.
func TestForm(t *testing.T) {
	k := kit(testCatalog{}.Components())
	for _, f := range k.form().Fields {
		if f.Doc == "" {
			t.Errorf("%s has no doc", f.Name)
		}
	}
}
