package archtest

import (
	"go/ast"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// checkExamples reports examples without a README.md or without expected
// output, which is a file or folder whose name begins with "expected".
func checkExamples(t *tree) []finding {
	var out []finding
	examples, _ := fs.ReadDir(t.fs, "examples") // none yet: nothing to check
	for _, e := range examples {
		dir := path.Join("examples", e.Name())
		if !e.IsDir() || ignored(e.Name()) || isTestDir(e.Name()) {
			continue
		}
		entries, err := fs.ReadDir(t.fs, dir)
		if err != nil {
			out = append(out, finding{dir, 1, err.Error()})
			continue
		}
		readme, expected := false, false
		for _, x := range entries {
			readme = readme || x.Name() == "README.md"
			expected = expected || strings.HasPrefix(x.Name(), "expected")
		}
		if !readme {
			out = append(out, finding{dir, 1, "example has no README.md"})
		}
		if !expected {
			out = append(out, finding{dir, 1, "example has no expected output (a file or folder named expected…)"})
		}
	}
	return out
}

// componentDirs hold one component a file.
var componentDirs = map[string]bool{"shared/transform": true, "shared/validate": true}

// Shapes that the test beside a component must have.
var (
	fuzzTarget = regexp.MustCompile(`(?m)^func Fuzz`)
	benchmark  = regexp.MustCompile(`(?m)^func Benchmark`)
)

// checkComponents reports transforms and rules without a test, a fuzz target
// and a benchmark in the file beside them.
func checkComponents(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if f.test || !componentDirs[f.dir] || !f.registers() {
			continue
		}
		beside := strings.TrimSuffix(f.path, ".go") + "_test.go"
		src, err := fs.ReadFile(t.fs, beside)
		if err != nil {
			out = append(out, finding{f.path, 1, "component has no " + path.Base(beside)})
			continue
		}
		if !fuzzTarget.Match(src) {
			out = append(out, finding{beside, 1, "component has no fuzz target"})
		}
		if !benchmark.Match(src) {
			out = append(out, finding{beside, 1, "component has no benchmark"})
		}
	}
	return out
}

// registers tells files that declare a component: a function without
// parameters whose name ends in Spec and that returns a Spec.
func (f *file) registers() bool {
	for _, d := range f.ast.Decls {
		d, ok := d.(*ast.FuncDecl)
		if !ok || d.Recv != nil || !strings.HasSuffix(d.Name.Name, "Spec") || d.Type.Params.NumFields() > 0 || d.Type.Results.NumFields() != 1 {
			continue
		}
		if r, ok := d.Type.Results.List[0].Type.(*ast.Ident); ok && r.Name == "Spec" {
			return true
		}
	}
	return false
}
