package validate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// suiteDiffers lists the cases of the JSON Schema test suite that are treated differently here, "file: schema" or "file: schema: case",
// each with the reason.
var suiteDiffers = map[string]string{
	"draft4/refRemote: remote ref":                                     noNetwork,
	"draft4/refRemote: fragment within remote ref":                     noNetwork,
	"draft4/refRemote: ref within remote ref":                          noNetwork,
	"draft4/refRemote: change resolution scope":                        noNetwork,
	"draft4/format: validation of URIs: a valid protocol-relative URI": "a URI has a scheme; without one it is a URI reference, as later drafts say",
	"draft4/zeroTerminatedFloats: some languages do not distinguish between different types of numeric value: a float is not an integer even without fractional part": "1.0 is the whole number 1, as later drafts say",
}

const noNetwork = "a schema may refer to parts of itself only: nothing is fetched while records are checked"

// suiteDrafts are the drafts of the suite and the name of each; a draft without one is left out.
var suiteDrafts = map[string]string{
	"draft3": "", // schemas begin with draft 4
	"draft4": "http://json-schema.org/draft-04/schema#",
}

// suiteGroup is a schema of the suite and the values held against it.
type suiteGroup struct {
	Description string
	Schema      map[string]json.RawMessage
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// TestCorpus_JSONSchema holds the rule json_schema against the package json-schema-test-suite.
func TestCorpus_JSONSchema(t *testing.T) {
	dir := filepath.Join("..", "..", "out", "corpora", "json-schema-test-suite-0.0.10", "tests")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("json-schema-test-suite is not there: make corpora")
		}
		t.Skip("json-schema-test-suite is not there: make corpora fetches it")
	}
	met, cases := map[string]bool{}, 0
	for draft, url := range suiteDrafts {
		files, _ := filepath.Glob(filepath.Join(dir, draft, "*.json"))
		optional, _ := filepath.Glob(filepath.Join(dir, draft, "optional", "*.json"))
		if files = append(files, optional...); len(files) < 20 {
			t.Errorf("%s: %d files", draft, len(files))
		}
		for _, file := range files {
			if url == "" {
				continue
			}
			name := draft + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			t.Run(name, func(t *testing.T) { cases += suiteFile(t, name, file, url, met) })
		}
	}
	if _, err := suiteRule(t, map[string]json.RawMessage{"$schema": json.RawMessage(`"http://json-schema.org/draft-03/schema#"`)}); err == nil {
		t.Error("a schema of draft 3, which is left out, is taken")
	}
	for name := range suiteDiffers {
		if !met[name] {
			t.Errorf("%q is listed and does not differ", name)
		}
	}
	if cases < 250 {
		t.Errorf("%d cases, want at least 250", cases)
	}
}

// suiteFile holds one file against the rule and counts its cases; met gets those that differ and are listed.
func suiteFile(t *testing.T, name, file, url string, met map[string]bool) int {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var groups []suiteGroup
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	cases := 0
	for _, g := range groups {
		if _, given := g.Schema["$schema"]; !given {
			g.Schema["$schema"] = json.RawMessage(`"` + url + `"`)
		}
		group := name + ": " + g.Description
		r, err := suiteRule(t, g.Schema)
		if err != nil {
			if met[group] = true; suiteDiffers[group] == "" {
				t.Errorf("%s: %v", group, err)
			}
			continue
		}
		for _, c := range g.Tests {
			cases++
			var data bytes.Buffer
			if err := json.Compact(&data, c.Data); err != nil {
				t.Fatal(err)
			}
			broken, err := r.Check(t.Context(), batchOf(schemaOf("a json"), []string{data.String()}))
			if err != nil {
				t.Fatal(err)
			}
			if (len(broken) == 0) == c.Valid {
				continue
			}
			one := group + ": " + c.Description
			if met[one] = true; suiteDiffers[one] == "" {
				t.Errorf("%s: %s is valid: %v, we say %v", one, data.String(), c.Valid, broken)
			}
		}
	}
	return cases
}

// suiteRule makes the rule of a schema that stands in a file, as a job would name it.
func suiteRule(t *testing.T, schema map[string]json.RawMessage) (Rule, error) {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "s.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := record.Schema{Columns: schemaOf("a json").Columns}
	return newJSONSchema(Config{Values: setting.Of(map[string]any{"column": "a", "file": "s.json"}), Path: "rules[0].json_schema", Schema: s, Dir: dir})
}
