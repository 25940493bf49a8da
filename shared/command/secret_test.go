package command

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/catalog/local"
)

// TestRun_SecretsStaySecret looks for the value of a secret in everything that a run prints and stores.
func TestRun_SecretsStaySecret(t *testing.T) {
	const value = "HUNTER2-SECRET"
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(".lockstep/secrets.yaml", "tok: "+value+"\n", 0o600)
	write("in.csv", "id,note\n1,aaa\n2,bbb\n", 0o644)
	write("jobs/j.yaml", `id: j
source: {connector: file, config: {path: in.csv}, streams: [{name: in, key: [id]}]}
rules:
  - one_of: {column: note, values: ["secret://tok"]}
  - pattern: {column: note, match: "secret://tok"}
destinations: [{connector: sqlite, config: {path: out.db}, write: upsert}]
`, 0o644)
	write("jobs/k.yaml", `id: k
source: {connector: file, config: {path: in.csv, format: "secret://tok"}, streams: [{name: in, key: [id]}]}
destinations: [{connector: sqlite, config: {path: out.db}, write: upsert}]
`, 0o644)
	var out bytes.Buffer
	for _, args := range [][]string{{"check"}, {"run", "j"}, {"failures", "list", "--json"}, {"run", "k"}, {"runs", "--json"}, {"logs", "j"}} {
		Main(Options{Catalog: local.Builtin(), Args: args, Dir: dir, In: strings.NewReader(""), Out: &out, Err: &out})
	}
	if !strings.Contains(out.String(), "***") || !strings.Contains(out.String(), "one_of") {
		t.Errorf("the run does not say what failed:\n%s", out.String())
	}
	if strings.Contains(out.String(), value) {
		t.Errorf("the secret was printed:\n%s", out.String())
	}
	files, err := filepath.Glob(filepath.Join(dir, ".lockstep", "state.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("state files: %v, %v", files, err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(value)) {
			t.Errorf("%s holds the secret", filepath.Base(f))
		}
	}
}
