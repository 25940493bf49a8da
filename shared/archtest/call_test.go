package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

// checkSleep reports time.Sleep in tests, except inside a function given to
// synctest.Test, where the clock is fake.
func checkSleep(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if !f.forTests() {
			continue
		}
		fake := f.calls("testing/synctest", "Test")
		for _, c := range f.uses("time", "Sleep") {
			if !slices.ContainsFunc(fake, func(n ast.Node) bool { return n.Pos() <= c.Pos() && c.Pos() < n.End() }) {
				out = append(out, t.at(f, c, "time.Sleep in a test"))
			}
		}
	}
	return out
}

// ambientCalls are functions by import path that shared code must not use,
// with what to do instead. A name that ends in * stands for all that begin so.
var ambientCalls = []struct {
	imp, instead string
	names        []string
}{
	{"context", "take ctx as the first parameter", []string{"Background", "TODO"}},
	{"log", "return an error, or log to the *slog.Logger of the constructor", []string{"Fatal*", "Panic*", "Print*", "Default"}},
	{"log/slog", "log to the *slog.Logger of the constructor",
		[]string{"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "*Context"}},
	{"os", "return an error: only a main ends the process", []string{"Exit"}},
}

// checkAmbient reports shared code that reaches for the process instead of
// what it was given: the default logger, a context of its own, an exit.
func checkAmbient(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if !f.inShared() || f.forTests() || f.isMain() {
			continue
		}
		for _, a := range ambientCalls {
			for _, s := range f.uses(a.imp, a.names...) {
				out = append(out, t.at(f, s, "uses %s.%s: %s", path.Base(a.imp), s.Sel.Name, a.instead))
			}
		}
	}
	return out
}

// uses returns the places where a file names one of the given members of a
// package.
func (f *file) uses(imp string, names ...string) []*ast.SelectorExpr {
	local := f.localName(imp)
	if local == "" {
		return nil
	}
	var out []*ast.SelectorExpr
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == local && matches(s.Sel.Name, names) {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}

// calls returns the calls of a package's function.
func (f *file) calls(imp, name string) []ast.Node {
	at := map[token.Pos]bool{}
	for _, s := range f.uses(imp, name) {
		at[s.Pos()] = true
	}
	var out []ast.Node
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && at[c.Fun.Pos()] {
			out = append(out, c)
		}
		return true
	})
	return out
}

// localName returns the name under which a file imports a package; empty
// means that it does not.
func (f *file) localName(imp string) string {
	for _, s := range f.ast.Imports {
		if importPath(s) == imp {
			if s.Name != nil {
				return s.Name.Name
			}
			return path.Base(imp)
		}
	}
	return ""
}

// matches tells whether a name is one of the patterns, which may begin or end
// with a star.
func matches(name string, patterns []string) bool {
	for _, p := range patterns {
		switch {
		case strings.HasSuffix(p, "*") && strings.HasPrefix(name, p[:len(p)-1]),
			strings.HasPrefix(p, "*") && strings.HasSuffix(name, p[1:]),
			p == name:
			return true
		}
	}
	return false
}
