package spec

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Document is a job file that passed every check. It is immutable and safe for concurrent use.
type Document struct {
	Job      job.Job        // references to variables and secrets in settings as written
	File     string         // as the user named it
	Files    []string       // the file and all that it includes
	Warnings fault.Problems // what is allowed and likely to surprise

	kit    kit
	places places
	spots  targets
}

// Locate gives the place of a path such as transforms[2].set.surface, or of the deepest part of it that is in the file.
func (d *Document) Locate(path string) (file string, line, column int) {
	s, ok := d.places.find(path)
	if !ok {
		return d.File, 1, 1
	}
	return s.value.file, s.value.line, s.value.column
}

// Annotate fills in file, line and column of problems that have only a path, and sorts them.
func (d *Document) Annotate(ps fault.Problems) fault.Problems { return d.places.annotate(ps) }

// StreamPath gives the path at which a stream of the job is written; source for one that is discovered.
func (d *Document) StreamPath(name string) string {
	for i, s := range d.Job.Source.Streams {
		if s.Name == name && i < len(d.spots.streams) {
			return d.spots.streams[i]
		}
	}
	return keySource
}

// DestinationPath gives the path at which a destination is written; the model has them in another order than the file.
func (d *Document) DestinationPath(name string) string {
	if path, ok := d.spots.destinations[name]; ok {
		return path
	}
	return keyDestinations
}

// Resolve gives a copy of the job in which the settings of connectors, transforms and rules hold the values of variables and
// secrets, checked again. It is to be used at once and never stored or logged. Errors are fault.Problems with places.
func (d *Document) Resolve(ctx context.Context, r setting.Resolver) (job.Job, error) {
	e := resolution{kit: d.kit, path: d.DestinationPath, r: r}
	j := e.job(ctx, d.Job)
	if len(e.problems) > 0 {
		return job.Job{}, d.Annotate(e.problems).Err()
	}
	return j, nil
}

// Resolve is Document.Resolve for a job whose file is not at hand, such as one of a bundle. Errors are fault.Problems with paths.
func Resolve(ctx context.Context, j job.Job, c Catalog, r setting.Resolver) (job.Job, error) {
	place := func(name string) string { return setting.Join(keyDestinations, name) }
	e := resolution{kit: kit(c.Components()), path: place, r: r}
	j = e.job(ctx, j)
	if len(e.problems) > 0 {
		e.problems.Sort()
		return job.Job{}, e.problems.Err()
	}
	return j, nil
}

// resolution collects the problems of one Resolve.
type resolution struct {
	kit      kit
	path     func(destination string) string
	r        setting.Resolver
	problems fault.Problems
}

// job gives a copy with values.
func (e *resolution) job(ctx context.Context, j job.Job) job.Job {
	rules, destinations := j.Rules, j.Destinations
	j.Source.Config = e.connector(ctx, "source.config", j.Source.Connector, j.Source.Config)
	j.Source.Transforms = e.transforms(ctx, "source.transforms", j.Source.Transforms)
	j.Transforms = e.transforms(ctx, "transforms", j.Transforms)
	j.Rules = nil
	for i, rule := range rules {
		rule.Config = e.values(ctx, e.kit.Rules[rule.Name].Body, setting.Join(setting.Index("rules", i), rule.Name), rule.Config)
		j.Rules = append(j.Rules, rule)
	}
	j.Destinations = nil
	for _, dest := range destinations {
		path := e.path(dest.Name)
		dest.Config = e.connector(ctx, setting.Join(path, "config"), dest.Connector, dest.Config)
		dest.Transforms = e.transforms(ctx, setting.Join(path, "transforms"), dest.Transforms)
		j.Destinations = append(j.Destinations, dest)
	}
	return j
}

func (e *resolution) values(ctx context.Context, f setting.Field, path string, v setting.Values) setting.Values {
	if !hasReference(v.Raw()) {
		return v
	}
	out, problems := setting.Resolve(ctx, f, path, v.Raw(), e.r)
	e.problems = append(e.problems, problems...)
	return setting.Of(out)
}

func (e *resolution) connector(ctx context.Context, path, name string, v setting.Values) setting.Values {
	spec := e.kit.Connectors[name]
	before := len(e.problems)
	out := e.values(ctx, spec.Body, path, v)
	if len(e.problems) == before && spec.Check != nil {
		e.problems = append(e.problems, below(path, spec.Check(out))...)
	}
	return out
}

func (e *resolution) transforms(ctx context.Context, path string, cs []job.Component) []job.Component {
	var out []job.Component
	for i, c := range cs {
		c.Config = e.values(ctx, e.kit.Transforms[c.Name].Body, setting.Join(setting.Index(path, i), c.Name), c.Config)
		out = append(out, c)
	}
	return out
}

// hasReference says whether any text of the value is a reference.
func hasReference(v any) bool {
	switch v := v.(type) {
	case string:
		return setting.IsReference(v)
	case []any:
		for _, e := range v {
			if hasReference(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasReference(e) {
				return true
			}
		}
	}
	return false
}

// String names the document for people.
func (d *Document) String() string { return fmt.Sprintf("%s (%s)", d.Job.ID, d.File) }
