// Package spec turns the YAML of a user into the model of package job, and tells every mistake at once, each with file, line, path,
// code and what to do. The JSON schema and the reference pages come from the same declarations as the check. It runs nothing and
// opens no connector. The steps, the runner and the commands import it.
package spec

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Components are the declarations of what a document may name.
type Components struct {
	Connectors connector.Registry
	Transforms map[string]setting.Spec
	Rules      map[string]setting.Spec
}

// Catalog knows the components. Package catalog has the one that programs use; a test may make its own.
type Catalog interface {
	// Components gives the declarations. They are not changed by anybody afterwards.
	Components() Components
}

// Options are what a document is read with.
type Options struct {
	Catalog Catalog
	// Resolver finds what references stand for. Without Env or Secret the references of that kind are not looked up, so that a job
	// can be listed where its variables are not set; Document.Resolve looks them up in any case.
	Resolver setting.Resolver
	// Dir is the project's folder. Empty: FindDir of the file.
	Dir string
}

// ProjectFile is the name of the file that describes a project; it may be missing.
const ProjectFile = "lockstep.yaml"

// FindDir gives the project's folder for a job file: the nearest folder upwards that holds lockstep.yaml; else the folder above
// when the file is in one named jobs; else the file's own.
func FindDir(file string) string {
	own := filepath.Dir(file)
	abs, err := filepath.Abs(own)
	if err != nil {
		return own
	}
	for dir := abs; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ProjectFile)); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if filepath.Base(abs) == jobsFolder {
		return filepath.Dir(abs)
	}
	return own
}

// Load reads a job file. The error is fault.Problems with every mistake, or NotFound when there is no such file.
func Load(ctx context.Context, file string, o Options) (*Document, error) {
	if o.Dir == "" {
		o.Dir = FindDir(file)
	}
	r := newReader(o.Dir)
	top, err := r.readFile(file)
	if err != nil {
		return nil, err
	}
	if top == nil {
		return nil, unique(r.problems).Err()
	}
	return load(ctx, loaded{file: file, top: top, reader: r}, o)
}

// loaded is a document as it was read.
type loaded struct {
	file   string
	top    *item
	reader *reader
}

func load(ctx context.Context, l loaded, o Options) (*Document, error) {
	ps := places{}
	ps.mark(l.top, "")
	if s, single := ps[keyDestination]; single {
		ps[setting.Index(keyDestinations, 0)] = s
	}
	raw := as[map[string]any](l.top.value())
	for name := range raw {
		if isExtension(name) {
			delete(raw, name)
		}
	}
	k := kit(o.Catalog.Components())
	b := builder{kit: k, form: k.form()}
	b.raw, b.problems = substitute(ctx, b.form, raw, o.Resolver)
	b.build()
	d := &Document{Job: b.job, File: l.file, Files: l.reader.files, kit: k, places: ps, spots: b.spots}
	d.Warnings = ps.annotate(b.warnings)
	problems := unique(append(slices.Clone(l.reader.problems), ps.annotate(b.problems)...))
	if len(problems) == 0 && (o.Resolver.Env != nil || o.Resolver.Secret != nil) {
		if _, err := d.Resolve(ctx, o.Resolver); err != nil {
			return nil, err
		}
	}
	if len(problems) > 0 {
		return nil, problems.Err()
	}
	return d, nil
}

// isExtension says whether a top-level key is the user's own: the place for anchors.
func isExtension(name string) bool { return len(name) > 2 && name[:2] == "x-" }

// unique drops problems that are there twice, as those of an anchor that is used.
func unique(ps fault.Problems) fault.Problems {
	seen := map[fault.Problem]bool{}
	return slices.DeleteFunc(ps, func(p fault.Problem) bool {
		p.Path = ""
		twice := seen[p]
		seen[p] = true
		return twice
	})
}

// opaque are the keys whose values keep their references; the job stores them as they are written.
var opaque = []string{"config", "transforms", "rules", "parameters"}

// substitute replaces the variables of the document's own keys, for the model holds their values. Secrets are refused there.
func substitute(ctx context.Context, form setting.Field, raw map[string]any, r setting.Resolver) (map[string]any, fault.Problems) {
	if r.Env == nil {
		r.Env = func(string) (string, bool) { return "", false }
	}
	r.Secret = func(context.Context, string) (string, error) {
		return "", fault.New(fault.ConfigInvalid, "a secret may stand in config, transforms and rules only")
	}
	s := substitution{r: r}
	return s.object(ctx, form, "", raw), s.problems
}

type substitution struct {
	r        setting.Resolver
	problems fault.Problems
}

// object replaces in the fields of a map: those of sources and destinations one by one, the others whole.
func (s *substitution) object(ctx context.Context, f setting.Field, path string, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		at, sub := setting.Join(path, name), f.Member(name)
		switch list, isList := v.([]any); {
		case slices.Contains(opaque, name):
			out[name] = v
		case path == "" && (name == keySource || name == keyDestination) && as[map[string]any](v) != nil:
			out[name] = s.object(ctx, sub, at, as[map[string]any](v))
		case path == "" && name == keyDestinations && isList:
			copied := make([]any, len(list))
			for i, e := range list {
				copied[i] = e
				if m, ok := e.(map[string]any); ok {
					copied[i] = s.object(ctx, sub.Element(), setting.Index(at, i), m)
				}
			}
			out[name] = copied
		default:
			value, problems := setting.Expand(ctx, sub, at, v, s.r)
			s.problems = append(s.problems, problems...)
			out[name] = value
		}
	}
	return out
}
