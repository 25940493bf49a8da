package infra_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
)

// TestFunctions_Folders holds that each function is a folder with a program, and each folder with a program a function; bootstrap is all of them.
func TestFunctions_Folders(t *testing.T) {
	programs, err := filepath.Glob("../functions/*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range programs {
		if name := filepath.Base(filepath.Dir(p)); name != "bootstrap" {
			got = append(got, name)
		}
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > 30 {
			t.Errorf("%s has %d lines; it only wires", p, lines)
		}
	}
	var want []string
	for _, f := range infra.Functions() {
		want = append(want, f.Name)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("folders %v, functions %v", got, want)
	}
}
