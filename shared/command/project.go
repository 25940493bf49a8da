package command

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/store"
)

// stateFolder is the folder beside a project's files that holds state and batches.
const stateFolder = ".lockstep"

// site is where a project is, and where its state and batches are.
type site struct {
	dir   string
	state string // file
	blobs string // folder or URL
}

// site settles the places for a project's folder; flags come first.
func (a *app) site(dir string) site {
	s := site{dir: dir, state: a.flags.store, blobs: a.flags.blobs}
	if s.state == "" {
		s.state = filepath.Join(dir, stateFolder, "state.db")
	}
	if s.blobs == "" {
		s.blobs = filepath.Join(dir, stateFolder, "blobs")
	}
	return s
}

// projectDir gives the project's folder: the flag's; else the nearest upwards with lockstep.yaml; else the nearest with a folder jobs or
// with job files; else the working directory.
func (a *app) projectDir() string {
	if a.flags.project != "" {
		return a.flags.project
	}
	for _, is := range []func(string) bool{hasProjectFile, hasJobs} {
		if dir, ok := upwards(a.o.Dir, is); ok {
			return dir
		}
	}
	return a.o.Dir
}

// upwards looks for a folder from dir up to the root. The answer is as short as the way to it: ".", "..", or a full path.
func upwards(dir string, is func(string) bool) (string, bool) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	for at, short := abs, dir; ; at, short = filepath.Dir(at), filepath.Join(short, "..") {
		if is(at) {
			if strings.Contains(short, "..") && !strings.HasPrefix(short, "..") {
				short = at
			}
			return short, true
		}
		if at == filepath.Dir(at) {
			return "", false
		}
	}
}

func hasProjectFile(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, spec.ProjectFile))
	return err == nil
}

func hasJobs(dir string) bool {
	if info, err := os.Stat(filepath.Join(dir, "jobs")); err == nil && info.IsDir() {
		return true
	}
	if filepath.Base(dir) == "jobs" { // the files in it belong to the folder above
		return false
	}
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is right
		for _, file := range files {
			if looksLikeJob(file) {
				return true
			}
		}
	}
	return false
}

var (
	idLine   = regexp.MustCompile(`(?m)^id\s*:`)
	fromLine = regexp.MustCompile(`(?m)^(source|include)\s*:`)
)

func looksLikeJob(file string) bool {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > spec.MaxFile {
		return false
	}
	text, err := os.ReadFile(file)
	return err == nil && idLine.Match(text) && fromLine.Match(text)
}

// isFile says whether an argument names a job's file and not its id.
func (a *app) isFile(arg string) bool {
	if strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".yaml") || strings.HasSuffix(arg, ".yml") {
		return true
	}
	info, err := os.Stat(filepath.Join(a.o.Dir, arg))
	return err == nil && info.Mode().IsRegular()
}

// resolver looks up variables in the environment, and secrets in the project's file of them.
func (a *app) resolver(dir string) setting.Resolver {
	var read func(context.Context, string) (string, error)
	return setting.Resolver{Env: a.o.Env, Secret: func(ctx context.Context, name string) (string, error) {
		if read == nil {
			read = spec.FileSecrets(a.secretsFile(ctx, dir))
		}
		value, err := read(ctx, name)
		a.vault.keep(value)
		return value, err
	}}
}

// secretsFile is where lockstep.yaml says. Without that file nothing but the place by default is looked at.
func (a *app) secretsFile(ctx context.Context, dir string) string {
	if hasProjectFile(dir) {
		if p, err := spec.Open(ctx, dir, spec.Options{Catalog: a.o.Catalog}); err == nil {
			return p.Secrets
		}
	}
	return filepath.Join(dir, filepath.FromSlash(spec.SecretsFile))
}

// found is a job and where it belongs.
type found struct {
	doc      *spec.Document
	site     site
	resolver setting.Resolver
}

// find reads one job by its id, or by its file; then no other file is read.
func (a *app) find(ctx context.Context, arg string) (found, error) {
	if a.isFile(arg) {
		file := arg
		if !filepath.IsAbs(file) {
			file = filepath.Join(a.o.Dir, file)
		}
		dir := a.flags.project
		if dir == "" {
			dir = spec.FindDir(file)
		}
		f := found{site: a.site(dir), resolver: a.resolver(dir)}
		var err error
		f.doc, err = spec.Load(ctx, file, spec.Options{Catalog: a.o.Catalog, Resolver: f.resolver, Dir: dir})
		if err != nil && !isProblems(err) {
			return f, wrongly(err)
		}
		return f, err
	}
	p, s, err := a.project(ctx, true)
	if err != nil {
		return found{}, err
	}
	f := found{site: s, resolver: a.resolver(s.dir)}
	f.doc, err = p.Job(arg)
	if err != nil && !isProblems(err) {
		return f, wrongly(err)
	}
	return f, err
}

// project reads all jobs. With resolve, what references stand for is looked up too, and a missing one is a problem of its job.
func (a *app) project(ctx context.Context, resolve bool) (*spec.Project, site, error) {
	dir := a.projectDir()
	o := spec.Options{Catalog: a.o.Catalog}
	if resolve {
		o.Resolver = a.resolver(dir)
	}
	p, err := spec.Open(ctx, dir, o)
	if err != nil && !isProblems(err) {
		return nil, a.site(dir), wrongly(err)
	}
	return p, a.site(dir), err
}

// jobKey gives the store's name of a job: from its file when there is one, else as it is written, for jobs that are gone.
func (a *app) jobKey(ctx context.Context, arg string) (string, site, error) {
	if a.flags.aws.on {
		key, err := a.deployedKey(ctx, arg)
		return key, a.site(a.projectDir()), err
	}
	if a.isFile(arg) {
		f, err := a.find(ctx, arg)
		if err != nil {
			return "", f.site, err
		}
		return f.doc.Job.Key(), f.site, nil
	}
	p, s, err := a.project(ctx, false)
	if err != nil {
		return arg, s, nil //nolint:nilerr // what is in the state can be shown without a project
	}
	for _, d := range p.Documents {
		if d.Job.Key() == arg {
			return arg, s, nil
		}
	}
	for _, d := range p.Documents {
		if d.Job.ID == arg {
			return d.Job.Key(), s, nil
		}
	}
	return arg, s, nil
}

// jobState is jobKey and viewState for a job that must be known. A job whose file has mistakes is.
func (a *app) jobState(ctx context.Context, arg string) (string, *state, error) {
	key, s, err := a.jobKey(ctx, arg)
	if err != nil {
		return "", nil, err
	}
	st, err := a.viewState(ctx, s)
	if err != nil {
		return "", nil, err
	}
	if err := a.known(ctx, st, key, arg); err != nil && !isProblems(err) {
		if st != nil {
			_ = st.Close() // the first error says more
		}
		return "", nil, err
	}
	return key, st, nil
}

// optionalState is jobState for an argument that may be missing: "" stands for all jobs.
func (a *app) optionalState(ctx context.Context, arg string) (string, *state, error) {
	if arg == "" {
		st, err := a.viewState(ctx, a.site(a.projectDir()))
		return "", st, err
	}
	return a.jobState(ctx, arg)
}

// known says that a job is one of the project, or has a history: then its file may be gone. The error is NotFound with the nearest name,
// or the problems of the job's file.
func (a *app) known(ctx context.Context, st *state, key, arg string) error {
	if a.isFile(arg) {
		return nil
	}
	if st != nil {
		lock, err := jobLock(ctx, st, key)
		if err != nil {
			return unreachable(err)
		}
		runs, _, err := st.Runs(ctx, store.RunQuery{Job: key, Limit: 1})
		if err != nil {
			return unreachable(err)
		}
		if lock.Term > 0 || len(runs) > 0 {
			return nil
		}
	}
	if a.flags.aws.on {
		return a.knownOnAWS(ctx, key)
	}
	p, _, err := a.project(ctx, false)
	if err != nil {
		return err
	}
	for _, d := range p.Documents { // those that are disabled too
		if d.Job.Key() == arg || d.Job.ID == arg {
			return nil
		}
	}
	if _, err = p.Job(arg); err != nil && !isProblems(err) {
		return wrongly(err)
	}
	return err
}

func isProblems(err error) bool { return problemsIn(err) != nil }

// problemsIn gives the problems that an error is, or nil.
func problemsIn(err error) fault.Problems {
	var ps fault.Problems
	errors.As(err, &ps)
	return ps
}

// exists says whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// completeJobs offers the project's jobs to a shell.
func (a *app) completeJobs(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	p, _, err := a.project(cmd.Context(), false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return p.IDs(), cobra.ShellCompDirectiveDefault
}
