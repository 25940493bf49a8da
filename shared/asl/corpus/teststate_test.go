package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// knownStates lists the recorded calls of TestState that we answer otherwise, each with its reason.
var knownStates = map[string]string{}

func TestStateCases(t *testing.T) {
	files, err := filepath.Glob("testdata/teststate/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := ParseStates(text)
		if err != nil {
			t.Fatal(err)
		}
		agreed := 0
		for i := range cases {
			c := &cases[i]
			d := CompareState(c, RunState(t.Context(), c, caseLimit))
			switch reason, listed := knownStates[c.ID]; {
			case len(d) == 0 && listed:
				t.Errorf("%s agrees now; take it off the list (%s)", c.ID, reason)
			case len(d) == 0:
				agreed++
			case !listed:
				t.Errorf("%s\n   %s", c.ID, strings.Join(d[:min(len(d), 5)], "\n   "))
			}
		}
		t.Logf("%-18s %3d of %3d", strings.TrimSuffix(filepath.Base(file), ".json"), agreed, len(cases))
	}
}
