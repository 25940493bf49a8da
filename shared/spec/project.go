package spec

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// jobsFolder is the folder of a project whose files are jobs too.
const jobsFolder = "jobs"

// Project is a folder with jobs.
type Project struct {
	Dir         string
	Name        string // of lockstep.yaml; the folder's name when there is none
	Description string
	Secrets     string         // the file of secrets, for FileSecrets
	Documents   []*Document    // the jobs without a mistake, by id
	Problems    fault.Problems // of all other job files
	Warnings    fault.Problems // of the jobs, and of files that are nearly one
	Nameless    fault.Problems // of Warnings: files that have a source or a destination but no id, and that no job includes

	broken map[string]fault.Problems // by id, where a broken file tells one
}

// projectField declares lockstep.yaml.
func projectField() setting.Field {
	return setting.Field{Kind: setting.Object, Doc: "Describes a project; the file may be missing.", Fields: []setting.Field{
		{Name: "name", Kind: setting.String, Syntax: setting.Name, Doc: "Names the project. Left out: the folder's name."},
		{Name: "description", Kind: setting.String, Doc: "What the project is for."},
		{Name: "jobs", Kind: setting.List, Min: setting.Bound(1), Item: &setting.Field{Kind: setting.String, Syntax: setting.Path},
			Default: []any{"*.yaml", "*.yml", "jobs/*.yaml", "jobs/*.yml"}, Doc: "Patterns of the files that may be jobs. A file is a job when it has id, and source or include."},
		{Name: "secrets", Kind: setting.String, Syntax: setting.Path, Default: SecretsFile, Doc: "File of secrets, which nobody else may read: a YAML map, or NAME=value lines when it ends in .env."},
	}}
}

// Open reads all jobs of a project's folder. A job with a mistake does not hide the others: its problems are in Problems, and Job
// answers them for its id. The error is NotFound when there is no such folder, fault.Problems when lockstep.yaml is wrong.
func Open(ctx context.Context, dir string, o Options) (*Project, error) {
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no folder %s", dir).WithHint("lockstep init makes a project")
	}
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	o.Dir = dir
	p := &Project{Dir: dir, broken: map[string]fault.Problems{}}
	patterns, err := p.describe(root)
	if err != nil {
		return nil, err
	}
	files, err := jobFiles(root.FS(), patterns)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if err := p.read(ctx, name, o); err != nil {
			return nil, err
		}
	}
	p.warnNameless()
	p.refuseTwins()
	slices.SortFunc(p.Documents, func(a, b *Document) int { return strings.Compare(a.Job.Key(), b.Job.Key()) })
	p.Problems.Sort()
	return p, nil
}

// describe reads lockstep.yaml, where there is one, and answers the patterns of job files.
func (p *Project) describe(root *os.Root) ([]string, error) {
	file := filepath.Join(p.Dir, ProjectFile)
	r := newReader(p.Dir)
	raw := map[string]any{}
	ps := places{}
	data, err := readWhole(func() (fs.File, error) { return root.Open(ProjectFile) })
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", file, err)
	default:
		if _, problem := parseText(file, data); problem != nil && problem.Code == "empty" {
			break // all its keys may be left out
		}
		top := r.document(file, data)
		if top == nil {
			return nil, r.problems.Err()
		}
		ps.mark(top, "")
		raw = as[map[string]any](top.value())
	}
	checked, problems := setting.Check(projectField(), "", raw)
	m := as[map[string]any](checked)
	for i, pattern := range list(m["jobs"]) {
		if _, err := path.Match(pattern, ""); err != nil || !fs.ValidPath(pattern) {
			problems = append(problems, fault.Problem{Path: setting.Index("jobs", i), Code: "bad_pattern", Message: fmt.Sprintf("%q is not a pattern of files in the project", pattern), Hint: "as in jobs/*.yaml"})
		}
	}
	if err := append(r.problems, ps.annotate(problems)...).Err(); err != nil {
		return nil, err
	}
	p.Name, p.Description = as[string](m["name"]), as[string](m["description"])
	if abs, err := filepath.Abs(p.Dir); p.Name == "" && err == nil {
		p.Name = filepath.Base(abs)
	}
	p.Secrets = filepath.FromSlash(as[string](m["secrets"]))
	if !filepath.IsAbs(p.Secrets) {
		p.Secrets = filepath.Join(p.Dir, p.Secrets)
	}
	return list(m["jobs"]), nil
}

// jobFiles lists the files that fit one of the patterns, sorted. Symbolic links that lead out of the project are none of them.
func jobFiles(fsys fs.FS, patterns []string) ([]string, error) {
	var out []string
	for _, pattern := range patterns {
		names, err := fs.Glob(fsys, pattern)
		if err != nil {
			return nil, fmt.Errorf("list the files of the project: %w", err)
		}
		for _, name := range names {
			if info, err := fs.Stat(fsys, name); err == nil && info.Mode().IsRegular() && name != ProjectFile {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// read reads one file of the project. A file that is no job is passed over.
func (p *Project) read(ctx context.Context, name string, o Options) error {
	file := filepath.Join(p.Dir, filepath.FromSlash(name))
	data, err := readWhole(func() (fs.File, error) { return os.Open(file) })
	if err != nil {
		p.Problems = append(p.Problems, fault.Problem{File: file, Code: "unreadable", Message: err.Error()})
		return nil
	}
	id, is := jobID(data)
	if !is {
		p.nameless(file, data)
		return nil
	}
	d, err := Load(ctx, file, o)
	var problems fault.Problems
	switch {
	case errors.As(err, &problems):
		p.Problems = append(p.Problems, problems...)
		p.broken[id] = append(p.broken[id], problems...)
		return nil
	case err != nil:
		return err
	}
	p.Documents = append(p.Documents, d)
	p.Warnings = append(p.Warnings, d.Warnings...)
	return nil
}

// nameless notes a file that would be a job if it had an id.
func (p *Project) nameless(file string, data []byte) {
	node, problem := parseText(file, data)
	if problem != nil || node.Kind != yaml.MappingNode {
		return
	}
	var near *fault.Problem
	for i := 0; i+1 < len(node.Content); i += 2 {
		k, what := node.Content[i], "source"
		switch k.Value {
		case "id":
			return
		case keySource:
		case keyDestination, keyDestinations:
			what = "destination"
		default:
			continue
		}
		if near != nil {
			continue
		}
		near = &fault.Problem{File: file, Line: k.Line, Column: k.Column, Path: k.Value, Code: "no_id",
			Message: fmt.Sprintf("the file has a %s but no id: it is no job", what), Hint: "write id: and a name on its first line"}
	}
	if near != nil {
		p.Nameless = append(p.Nameless, *near)
	}
}

// warnNameless warns of the files without an id, less those that are parts of a job.
func (p *Project) warnNameless() {
	p.Nameless = slices.DeleteFunc(p.Nameless, func(one fault.Problem) bool {
		return slices.ContainsFunc(p.Documents, func(d *Document) bool {
			return slices.ContainsFunc(d.Files, func(file string) bool { return filepath.Clean(file) == filepath.Clean(one.File) })
		})
	})
	p.Warnings = append(p.Warnings, p.Nameless...)
}

// NoJobs is the error of a project without jobs. It names the files that would be jobs if they had an id.
func (p *Project) NoJobs() error {
	err := fault.New(fault.ConfigInvalid, "there are no jobs in %s", p.Dir)
	if len(p.Nameless) == 0 {
		return err.WithHint("lockstep init writes one to begin with")
	}
	files := make([]string, len(p.Nameless))
	for i, one := range p.Nameless {
		files[i] = one.File
	}
	return err.WithHint("without an id, and so no job: %s", strings.Join(files, ", "))
}

var (
	idLine   = regexp.MustCompile(`(?m)^["']?id["']?\s*:\s*["']?([^\s"'#]*)`)
	fromLine = regexp.MustCompile(`(?m)^["']?(source|include)["']?\s*:`)
)

// jobID says whether a file is meant to be a job, and its id when that can be read. Text that is no YAML is judged by its lines.
func jobID(data []byte) (string, bool) {
	var id string
	if m := idLine.FindSubmatch(data); m != nil {
		id = string(m[1])
	}
	node, problem := parseText("", data)
	if problem != nil {
		return id, idLine.Match(data) && fromLine.Match(data)
	}
	hasID, hasSource := false, false
	for i := 0; i+1 < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
		switch node.Content[i].Value {
		case "id":
			id, hasID = node.Content[i+1].Value, true
		case keySource, keyInclude:
			hasSource = true
		}
	}
	return id, hasID && hasSource
}

// refuseTwins takes out jobs whose names are there twice, and names both files.
func (p *Project) refuseTwins() {
	first := map[string]*Document{}
	twins := map[string]bool{}
	for _, d := range p.Documents {
		key := d.Job.Key()
		other, twice := first[key]
		if !twice {
			first[key] = d
			continue
		}
		twins[key] = true
		file, line, column := d.Locate("id")
		otherFile, otherLine, _ := other.Locate("id")
		problem := fault.Problem{File: file, Line: line, Column: column, Path: "id", Code: "duplicate", Hint: "give one of them another id",
			Message: fmt.Sprintf("the job %q is in %s:%d too", key, otherFile, otherLine)}
		p.Problems = append(p.Problems, problem)
		p.broken[d.Job.ID] = append(p.broken[d.Job.ID], problem)
	}
	p.Documents = slices.DeleteFunc(p.Documents, func(d *Document) bool { return twins[d.Job.Key()] })
}

// Err gives the problems of all job files as an error, or nil.
func (p *Project) Err() error { return p.Problems.Err() }

// IDs lists the jobs without a mistake, sorted; those that are disabled too.
func (p *Project) IDs() []string {
	ids := make([]string, len(p.Documents))
	for i, d := range p.Documents {
		ids[i] = d.Job.ID
	}
	return ids
}

// Job gives a job by its id, or by its key use_case____id. NotFound names the nearest one; a job that is disabled is not found
// either. A job whose file has mistakes answers them as fault.Problems. An id that several use cases have is ConfigInvalid.
func (p *Project) Job(id string) (*Document, error) {
	if problems := p.broken[id]; len(problems) > 0 {
		return nil, problems.Err()
	}
	var found []*Document
	var known []string
	for _, d := range p.Documents {
		if !d.Job.Enabled {
			continue
		}
		if d.Job.Key() == id {
			return d, nil
		}
		if d.Job.ID == id {
			found = append(found, d)
		}
		known = append(known, d.Job.ID)
	}
	switch len(found) {
	case 0:
	case 1:
		return found[0], nil
	default:
		return nil, fault.New(fault.ConfigInvalid, "%d use cases have a job %q", len(found), id).WithHint("name it as %s", found[0].Job.Key())
	}
	err := fault.New(fault.NotFound, "there is no job %q in %s", id, p.Dir)
	if near := fault.Nearest(id, known); near != "" {
		return nil, err.WithHint("did you mean %s?", near)
	}
	if len(known) == 0 && len(p.Nameless) > 0 {
		return nil, err.WithHint("%s", fault.Hint(p.NoJobs()))
	}
	if len(known) == 0 {
		return nil, err.WithHint("lockstep init writes a job to begin with")
	}
	return nil, err.WithHint("jobs: %s", strings.Join(known, ", "))
}
