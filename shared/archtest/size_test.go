package archtest

import (
	"fmt"
	"go/ast"
)

// Limits of size; a file that needs more holds more than one thing.
const (
	maxFileLines = 500
	maxFuncLines = 80
	maxParams    = 4
)

// checkFileSize reports files that are too long, tests included.
func checkFileSize(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if f.lines > maxFileLines && !f.generated {
			out = append(out, finding{f.path, maxFileLines + 1, fmt.Sprintf("file has %d lines, at most %d", f.lines, maxFileLines)})
		}
	}
	return out
}

// checkFuncSize reports functions that are too long. Those in tests and
// contract suites are free: a table of cases may be long.
func checkFuncSize(t *tree) []finding {
	var out []finding
	t.eachFunc(func(f *file, d *ast.FuncDecl) {
		if n := t.line(d.End()) - t.line(d.Pos()) + 1; n > maxFuncLines && !f.forTests() {
			out = append(out, t.at(f, d, "%s has %d lines, at most %d", funcName(d), n, maxFuncLines))
		}
	})
	return out
}

// checkParams reports functions with too many parameters. A context, a
// testing.TB (*testing.T, …) and the arguments of a format (args ...any) do not
// count.
func checkParams(t *tree) []finding {
	var out []finding
	t.eachFunc(func(f *file, d *ast.FuncDecl) {
		n := 0
		for _, p := range d.Type.Params.List {
			if !isAmbient(p.Type) {
				n += max(1, len(p.Names))
			}
		}
		if n > maxParams {
			out = append(out, t.at(f, d, "%s takes %d parameters, at most %d: use a struct", funcName(d), n, maxParams))
		}
	})
	return out
}

// eachFunc calls do for each function outside *_test.go and generated files.
func (t *tree) eachFunc(do func(*file, *ast.FuncDecl)) {
	for _, f := range t.files {
		if f.test || f.generated {
			continue
		}
		for _, d := range f.ast.Decls {
			if d, ok := d.(*ast.FuncDecl); ok {
				do(f, d)
			}
		}
	}
}

// isAmbient tells types of parameters that every function of a kind takes.
func isAmbient(e ast.Expr) bool {
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if v, ok := e.(*ast.Ellipsis); ok {
		x, ok := v.Elt.(*ast.Ident)
		return ok && x.Name == "any"
	}
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && (x.Name == "context" && s.Sel.Name == "Context" || x.Name == "testing")
}
