package archtest

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// module is the import path of the repository's root.
const module = "github.com/lockstep-data/lockstep"

// tree is a parsed source tree.
type tree struct {
	fs     fs.FS
	fset   *token.FileSet
	files  []*file   // in order of their paths
	broken []finding // files that do not parse
}

// file is one Go source file.
type file struct {
	path      string // slash-separated, relative to the root
	dir       string // folder of path; "." for the root
	lines     int
	ast       *ast.File
	test      bool // *_test.go
	generated bool // carries the line "Code generated … DO NOT EDIT."
}

// finding is one violation of a rule.
type finding struct {
	path string
	line int
	text string
}

// String returns the finding as file:line: text.
func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

// load parses all Go files below fsys, build tags notwithstanding.
func load(fsys fs.FS) (*tree, error) {
	t := &tree{fs: fsys, fset: token.NewFileSet()}
	err := fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && ignored(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(p) != ".go":
			return nil
		}
		return t.add(p)
	})
	if err != nil {
		return nil, fmt.Errorf("walk the tree: %w", err)
	}
	return t, nil
}

// ignored tells folders that the go command does not look into either, and
// those that hold no source.
func ignored(name string) bool {
	switch name {
	case "testdata", "vendor", "node_modules", "bin", "out":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func (t *tree) add(p string) error {
	src, err := fs.ReadFile(t.fs, p)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(t.fset, p, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.broken = append(t.broken, finding{p, 1, err.Error()})
		return nil
	}
	t.files = append(t.files, &file{
		path:      p,
		dir:       path.Dir(p),
		lines:     bytes.Count(src, []byte("\n")),
		ast:       f,
		test:      strings.HasSuffix(p, "_test.go"),
		generated: ast.IsGenerated(f),
	})
	return nil
}

func (t *tree) line(p token.Pos) int { return t.fset.Position(p).Line }

// at makes a finding at a node of the file.
func (t *tree) at(f *file, n ast.Node, format string, args ...any) finding {
	return finding{f.path, t.line(n.Pos()), fmt.Sprintf(format, args...)}
}

// inShared tells files below shared/.
func (f *file) inShared() bool { return strings.HasPrefix(f.path, "shared/") }

// isMain tells files of a command.
func (f *file) isMain() bool { return f.ast.Name.Name == "main" }

// forTests tells files that only tests use: *_test.go and the packages whose
// name ends in "test", which hold contract suites.
func (f *file) forTests() bool { return f.test || isTestDir(f.dir) }

// isTestDir tells whether a folder or one above it is named like a package of
// tests: conntest, storetest, archtest.
func isTestDir(dir string) bool {
	for name := range strings.SplitSeq(dir, "/") {
		if strings.HasSuffix(name, "test") {
			return true
		}
	}
	return false
}

// importPath returns the path that an import names.
func importPath(s *ast.ImportSpec) string {
	p, err := strconv.Unquote(s.Path.Value)
	if err != nil {
		return s.Path.Value
	}
	return p
}

// inModule returns the folder of an import of this module, and whether it is
// one.
func inModule(imp string) (string, bool) {
	if imp == module {
		return ".", true
	}
	return strings.CutPrefix(imp, module+"/")
}

// within tells whether dir is root or below it.
func within(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }
