package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// wrongValues are put in the place of each value of a good file. A map of what nobody declares and a list of lists fit nowhere but
// where any value does.
var wrongValues = map[string]string{
	"null": "null", "bool": "true", "number": "-7", "fraction": "1.5", "empty text": `""`, "text": `"\u2028 x"`, "date": "2026-08-22",
	"empty list": "[]", "list": "[[1, [null]]]", "empty map": "{}", "map": "{nobody: {knows: this}}",
}

// anything are the paths below which any value is right: the user's own keys; and so are the values of one_of.
var anything = []string{"parameters", "x-"}

// TestLoad_WrongTypes replaces each value of two good files, one after the other, by a value of each type. Nothing panics, a problem
// has its line, what is refused is refused at that place or for its sake, and maps and lists that nobody declares are never taken.
func TestLoad_WrongTypes(t *testing.T) {
	files := []string{"testdata/good/everything.yaml", "testdata/good/shorthands.yaml"} // together they have every key
	tried, refused := 0, 0
	job := filepath.Join(t.TempDir(), "job.yaml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		eachValue(doc.Content[0], "", func(n *yaml.Node, path string) {
			kept := *n
			for name, wrong := range wrongValues {
				var other yaml.Node
				if err := yaml.Unmarshal([]byte(wrong), &other); err != nil {
					t.Fatal(err)
				}
				*n = *other.Content[0]
				changed, err := yaml.Marshal(&doc)
				*n = kept
				if err != nil {
					continue // an anchor that is used elsewhere went with its value
				}
				tried++
				problems := loadText(t, job, string(changed))
				if len(problems) > 0 {
					refused++
				}
				if (name == "map" || name == "list") && len(problems) == 0 && !isAnything(path) {
					t.Errorf("%s: %s is %s, and nothing is wrong", file, path, wrong)
				}
			}
		})
	}
	if tried < 500 || refused < tried/2 {
		t.Errorf("%d values tried, %d refused", tried, refused)
	}
}

func isAnything(path string) bool {
	for _, a := range anything {
		if strings.HasPrefix(path, "."+a) {
			return true
		}
	}
	return strings.Contains(path, ".one_of.values")
}

// eachValue calls do for each value below a node; aliases are left alone.
func eachValue(n *yaml.Node, path string, do func(n *yaml.Node, path string)) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			at := path + "." + n.Content[i].Value
			if n.Content[i+1].Anchor == "" && n.Content[i].Value != "<<" {
				do(n.Content[i+1], at)
			}
			eachValue(n.Content[i+1], at, do)
		}
	case yaml.SequenceNode:
		for i, e := range n.Content {
			do(e, fmt.Sprintf("%s[%d]", path, i))
			eachValue(e, fmt.Sprintf("%s[%d]", path, i), do)
		}
	}
}

// loadText loads a text as a job file, and holds that each problem has its place.
func loadText(t *testing.T, file, text string) fault.Problems {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := testOptions(t)
	o.Dir = filepath.Dir(file)
	_, err := Load(t.Context(), file, o)
	var problems fault.Problems
	if err != nil && !errors.As(err, &problems) {
		t.Fatalf("got %v, want problems:\n%s", err, text)
	}
	for _, p := range problems {
		if p.File != file || p.Line < 1 || p.Line > strings.Count(text, "\n")+1 || p.Code == "" || p.Message == "" {
			t.Errorf("a problem without its line: %+v\n%s", p, text)
		}
	}
	return problems
}
