package spec

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// structural are the codes of mistakes that a schema can see.
var structural = []string{"unknown_key", "unknown_transform", "unknown_rule", "missing", "wrong_type", "unknown_value", "wrong_length", "bad_name", "bad_type", "several"}

func compiled(t *testing.T, c Catalog) *jsonschema.Schema {
	t.Helper()
	data, err := Schema(c)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// written gives the value of one file, without what it includes; false when it is no YAML.
func written(t *testing.T, file string) (any, bool) {
	t.Helper()
	r := newReader(filepath.Dir(file))
	top, err := r.readFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if top == nil || len(r.problems) > 0 {
		return nil, false
	}
	return top.value(), true
}

func TestSchema_AcceptsGood(t *testing.T) {
	schema := compiled(t, testCatalog{})
	files, _ := filepath.Glob("testdata/good/*.yaml")
	for _, file := range files {
		v, ok := written(t, file)
		if !ok {
			t.Errorf("%s is no YAML", file)
		} else if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSchema_RefusesBad(t *testing.T) {
	schema := compiled(t, testCatalog{})
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	refused := 0
	for _, file := range files {
		v, ok := written(t, file)
		if !ok {
			continue
		}
		_, err := Load(t.Context(), file, Options{Catalog: testCatalog{}, Dir: "testdata/bad"})
		var problems fault.Problems
		if !errors.As(err, &problems) || strings.Contains(file, "include") {
			continue
		}
		seen := slices.ContainsFunc(problems, func(p fault.Problem) bool { return slices.Contains(structural, p.Code) })
		err = schema.Validate(v)
		if seen && err == nil {
			t.Errorf("%s passes the schema and has problems:\n%v", file, problems)
		}
		if seen && err != nil {
			refused++
		}
	}
	if refused < 25 {
		t.Errorf("only %d files were refused: is the schema tested at all?", refused)
	}
}

func TestSchema_SameBytes(t *testing.T) {
	first, err := Schema(testCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, _ := Schema(testCatalog{}); !bytes.Equal(first, again) {
			t.Fatal("two schemas of one catalog differ")
		}
	}
}
