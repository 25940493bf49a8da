package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// mergedKeys are the top-level maps whose keys an included file and the including file share; every other key is taken whole.
var mergedKeys = []string{"batch", "on_failure", "parameters", "tags"}

// reader reads a job file and what it includes.
type reader struct {
	dir      string // the project's folder; included files are inside
	budget   int
	done     map[string]*item // by path below dir; nil for a file that could not be read
	chain    []string         // files being read, as named
	files    []string         // all files read, as named
	problems fault.Problems
}

func newReader(dir string) *reader {
	return &reader{dir: dir, budget: MaxNodes, done: map[string]*item{}}
}

// readFile reads the file that the user named. A file that is not there is NotFound; every other fault is a problem.
func (r *reader) readFile(file string) (*item, error) {
	data, err := readWhole(func() (fs.File, error) { return os.Open(file) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no file %s", file).WithHint("lockstep init writes a job file to begin with")
	}
	if err != nil {
		r.add(place{file: file}, fault.Problem{Code: "unreadable", Message: err.Error()})
		return nil, nil
	}
	return r.document(file, data), nil
}

// readWhole reads a regular file of at most MaxFile bytes and one more, which tells that it is larger.
func readWhole(open func() (fs.File, error)) ([]byte, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", info.Name())
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

func (r *reader) add(at place, p fault.Problem) { r.problems = append(r.problems, at.of(p)) }

// document turns a file's text into an item with the files that it includes merged beneath, or nil with problems.
func (r *reader) document(file string, data []byte) *item {
	r.files = append(r.files, file)
	node, problem := parseText(file, data)
	if problem != nil {
		r.problems = append(r.problems, *problem)
		return nil
	}
	g := &grower{file: file, budget: &r.budget, open: map[*yaml.Node]bool{}}
	it := g.grow(node, "", 0)
	r.problems = append(r.problems, g.problems...)
	if g.full {
		return nil
	}
	if it.kind != yaml.MappingNode {
		hint := "a job file begins with id: and has source: and destinations:"
		r.add(it.at, fault.Problem{Code: "wrong_type", Message: "the file must hold a map of names and values", Hint: hint})
		return nil
	}
	it.at, it.key = place{file, node.Line, node.Column}, place{file, node.Line, node.Column}
	return r.withIncludes(file, it)
}

// withIncludes puts the keys of included files beneath those of the file. A later file of the list stands above an earlier one.
func (r *reader) withIncludes(file string, it *item) *item {
	list := it.get("include")
	if list == nil || list.kind != yaml.SequenceNode {
		return it // the declaration of include tells what is wrong with it
	}
	r.chain = append(r.chain, filepath.Clean(file))
	defer func() { r.chain = r.chain[:len(r.chain)-1] }()
	var base *item
	for i, e := range list.list {
		name, ok := e.scalar.(string)
		if !ok {
			continue // the declaration of include tells what is wrong with it
		}
		if part := r.include(file, name, e.at, setting.Index("include", i)); part != nil {
			base = overlay(base, part)
		}
	}
	if base == nil {
		return it
	}
	merged := overlay(base, it)
	merged.at, merged.key = it.at, it.key
	return merged
}

// include reads a file that another one names. It answers nil with a problem when that cannot be.
func (r *reader) include(from, name string, at place, path string) *item {
	if name == "" || setting.IsReference(name) {
		r.add(at, fault.Problem{Path: path, Code: "bad_include", Message: "must be the path of a file", Hint: "write a path relative to this file, without variables"})
		return nil
	}
	file := filepath.Join(filepath.Dir(from), filepath.FromSlash(name))
	if i := slices.Index(r.chain, file); i >= 0 {
		r.add(at, fault.Problem{Path: path, Code: "include_cycle", Message: "files include each other: " + strings.Join(append(slices.Clone(r.chain[i:]), file), " → "), Hint: "take one of the includes out"})
		return nil
	}
	below, err := r.inside(file)
	if err != nil || filepath.IsAbs(name) {
		r.add(at, fault.Problem{Path: path, Code: "outside", Message: fmt.Sprintf("%s is outside the project's folder", name), Hint: "move the file into the project's folder"})
		return nil
	}
	if it, known := r.done[below]; known {
		return it
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		r.add(at, fault.Problem{Path: path, Code: "unreadable", Message: err.Error()})
		return nil
	}
	defer root.Close()
	data, err := readWhole(func() (fs.File, error) { return root.Open(below) })
	if err != nil {
		code, message := "unreadable", fmt.Sprintf("%s cannot be read: %v", name, err)
		if errors.Is(err, fs.ErrNotExist) {
			code, message = "no_such_file", fmt.Sprintf("there is no file %s", file)
		} else if strings.Contains(err.Error(), "escapes") {
			code, message = "outside", fmt.Sprintf("%s is outside the project's folder", name)
		}
		r.add(at, fault.Problem{Path: path, Code: code, Message: message})
		r.done[below] = nil
		return nil
	}
	it := r.document(file, data)
	r.done[below] = it
	return it
}

// inside gives the path of a file below the project's folder.
func (r *reader) inside(file string) (string, error) {
	dir, err := filepath.Abs(r.dir)
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	below, err := filepath.Rel(dir, abs)
	if err != nil || !filepath.IsLocal(below) {
		return "", fmt.Errorf("%s is outside %s", file, dir)
	}
	return below, nil
}

// overlay gives the fields of upper, and those of lower that upper does not have; the maps of mergedKeys are joined one level deep.
func overlay(lower, upper *item) *item {
	if lower == nil {
		return upper
	}
	out := &item{at: upper.at, key: upper.key, kind: yaml.MappingNode, fields: map[string]*item{}}
	for _, name := range lower.names {
		out.put(name, lower.fields[name])
	}
	for _, name := range upper.names {
		above, below := upper.fields[name], out.fields[name]
		if below != nil && slices.Contains(mergedKeys, name) && above.kind == yaml.MappingNode && below.kind == yaml.MappingNode {
			above = joined(below, above)
		}
		out.put(name, above)
	}
	return out
}

func joined(lower, upper *item) *item {
	out := &item{at: upper.at, key: upper.key, kind: yaml.MappingNode, fields: map[string]*item{}}
	for _, it := range []*item{lower, upper} {
		for _, name := range it.names {
			out.put(name, it.fields[name])
		}
	}
	return out
}
