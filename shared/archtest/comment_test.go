package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

// checkPackageComments reports packages without a comment in the file of the
// package's name (main.go for a command), and comments elsewhere.
func checkPackageComments(t *tree) []finding {
	var out []finding
	first := map[string]*file{} // folder → its first file that is no test
	done := map[string]bool{}   // folder → has its comment
	for _, f := range t.files {
		if f.test {
			continue
		}
		if first[f.dir] == nil {
			first[f.dir] = f
		}
		name := f.ast.Name.Name
		home := strings.TrimPrefix(f.dir+"/"+name+".go", "./")
		text := f.ast.Doc.Text()
		switch {
		case f.path != home && text != "":
			out = append(out, t.at(f, f.ast.Doc, "comment of package %s belongs in %s.go", name, name))
		case f.path == home && (text != "" && f.isMain() || strings.HasPrefix(text, "Package "+name+" ")):
			done[f.dir] = true
		}
	}
	for _, f := range t.files {
		if first[f.dir] == f && !done[f.dir] {
			name := f.ast.Name.Name
			out = append(out, finding{f.path, 1, "package " + name + " lacks its comment in " + name + ".go (\"Package " + name + " …\")"})
		}
	}
	return out
}

// silent are methods whose meaning the standard library fixes.
var silent = map[string]bool{
	"Close": true, "Error": true, "Format": true, "GoString": true, "Is": true, "As": true, "LogValue": true,
	"MarshalJSON": true, "MarshalText": true, "MarshalYAML": true, "String": true, "UnmarshalJSON": true,
	"UnmarshalText": true, "UnmarshalYAML": true, "Unwrap": true,
}

// checkExported reports exported names whose comment is missing or begins
// with another word.
func checkExported(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if f.test || f.generated || f.isMain() {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if needsComment(d) && !beginsWith(d.Doc, d.Name.Name) {
					out = append(out, t.at(f, d.Name, "%s lacks a comment that begins with its name", funcName(d)))
				}
			case *ast.GenDecl:
				out = append(out, t.undocumented(f, d)...)
			}
		}
	}
	return out
}

// undocumented reports the exported types, constants and variables of one
// declaration that lack their comment. For constants and variables in a group
// the comment of the group is enough, and so is one at the end of the line.
func (t *tree) undocumented(f *file, d *ast.GenDecl) []finding {
	var out []finding
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && !beginsWith(s.Doc, s.Name.Name) && (d.Lparen.IsValid() || !beginsWith(d.Doc, s.Name.Name)) {
				out = append(out, t.at(f, s.Name, "type %s lacks a comment that begins with its name", s.Name.Name))
			}
		case *ast.ValueSpec:
			if d.Lparen.IsValid() && (d.Doc.Text() != "" || s.Comment.Text() != "") {
				continue
			}
			for _, n := range s.Names {
				if n.IsExported() && !beginsWith(s.Doc, s.Names[0].Name) && !beginsWith(d.Doc, s.Names[0].Name) {
					out = append(out, t.at(f, n, "%s %s lacks a comment that begins with its name", d.Tok, n.Name))
				}
			}
		}
	}
	return out
}

// needsComment tells exported functions, and exported methods of exported
// types that are not silent.
func needsComment(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() {
		return false
	}
	if d.Recv == nil {
		return true
	}
	return !silent[d.Name.Name] && ast.IsExported(receiver(d))
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	if len(d.Recv.List) == 0 {
		return ""
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// funcName returns the name of a function, or Type.Method.
func funcName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return "func " + d.Name.Name
	}
	return "method " + receiver(d) + "." + d.Name.Name
}

// beginsWith tells whether the first word of a comment is name.
func beginsWith(g *ast.CommentGroup, name string) bool {
	rest, ok := strings.CutPrefix(g.Text(), name)
	return ok && (rest == "" || !isWord(rest[0]))
}

func isWord(b byte) bool { return b == '_' || token.IsIdentifier("x"+string(b)) }

// openTask matches marks of unfinished work, issueTask those with the number
// of their issue.
var (
	openTask  = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	issueTask = regexp.MustCompile(`\b(TODO|FIXME|XXX)\(#\d+\)`)
)

// checkTasks reports marks of unfinished work without the number of an issue.
func checkTasks(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		for _, g := range f.ast.Comments {
			for _, c := range g.List {
				if m := openTask.FindString(issueTask.ReplaceAllString(c.Text, "")); m != "" {
					out = append(out, t.at(f, c, "%s without an issue: write %s(#12)", m, m))
				}
			}
		}
	}
	return out
}
