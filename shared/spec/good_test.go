package spec

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files, and docs/reference and docs/schema")

// golden holds got against a file, or writes it.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; go test ./shared/spec -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale; go test ./shared/spec -update writes it (-want +got):\n%s", file, cmp.Diff(string(want), string(got)))
	}
}

func TestLoad_Good(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	if len(files) < 8 {
		t.Fatalf("%d good files", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			o := testOptions(t)
			o.Dir = "testdata/good"
			d, err := Load(t.Context(), file, o)
			if err != nil {
				t.Fatalf("got problems:\n%v", err)
			}
			var warnings []string
			for _, w := range d.Warnings {
				warnings = append(warnings, filepath.ToSlash(w.String()))
			}
			got, err := json.MarshalIndent(map[string]any{"job": d.Job, "warnings": warnings}, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", append(got, '\n'))
		})
	}
}
