package step

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// opened is the connectors of one job, each opened once per process.
type opened struct {
	source       connector.Source
	destinations []connector.Destination
}

func (o *opened) close() error {
	var first error
	for _, d := range o.destinations {
		if d != nil {
			if err := d.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	if o.source != nil {
		if err := o.source.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Source opens the job's source, or answers the one that is open.
func (t *Turn) Source(ctx context.Context) (connector.Source, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.connectors(t.Written)
	if o.source != nil {
		return o.source, nil
	}
	s, err := t.OpenSource(ctx, t.Job)
	if err != nil {
		return nil, err
	}
	o.source = s
	return s, nil
}

// UseSource makes a source that was opened before the run that of the job's steps. Close closes it.
func (e *Env) UseSource(written job.Job, s connector.Source) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.connectors(written).source = s
}

// Destination opens the job's i-th destination, or answers the one that is open.
func (t *Turn) Destination(ctx context.Context, i int) (connector.Destination, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.connectors(t.Written)
	if o.destinations[i] != nil {
		return o.destinations[i], nil
	}
	d, err := t.OpenDestination(ctx, t.Job.Destinations[i])
	if err != nil {
		return nil, err
	}
	o.destinations[i] = d
	return d, nil
}

// connectors are those of a job as it is written. The caller has locked.
func (e *Env) connectors(written job.Job) *opened {
	if e.opened == nil {
		e.opened = map[string]*opened{}
	}
	digest := written.Digest()
	o := e.opened[digest]
	if o == nil {
		o = &opened{destinations: make([]connector.Destination, len(written.Destinations))}
		e.opened[digest] = o
	}
	return o
}

// OpenSource opens a resolved job's source.
func (e *Env) OpenSource(ctx context.Context, j job.Job) (connector.Source, error) {
	spec, err := e.Catalog.Connectors.Lookup(j.Source.Connector)
	if err != nil {
		return nil, err
	}
	if spec.Source == nil {
		return nil, fault.New(fault.ConfigInvalid, "connector %s is no source", spec.Name)
	}
	s, err := spec.Source(ctx, connector.Config{Values: j.Source.Config, Dir: e.Dir, Log: e.Log, Now: e.Now})
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	return s, nil
}

// OpenDestination opens a destination of a resolved job.
func (e *Env) OpenDestination(ctx context.Context, d job.Destination) (connector.Destination, error) {
	spec, err := e.Catalog.Connectors.Lookup(d.Connector)
	if err != nil {
		return nil, err
	}
	if spec.Destination == nil {
		return nil, fault.New(fault.ConfigInvalid, "connector %s is no destination", spec.Name)
	}
	opened, err := spec.Destination(ctx, connector.Config{Values: d.Config, Dir: e.Dir, Log: e.Log, Now: e.Now})
	if err != nil {
		return nil, fmt.Errorf("open destination %s: %w", d.Name, err)
	}
	return opened, nil
}

// Guarantee is what a destination of a job gives.
func (e *Env) Guarantee(d job.Destination) connector.Guarantee {
	spec, err := e.Catalog.Connectors.Lookup(d.Connector)
	if err != nil || spec.Guarantee == nil {
		return connector.Guarantee{Level: connector.AtLeastOnce, Why: "the connector promises nothing"}
	}
	return spec.Guarantee(d.Config, d.Write)
}

// Unfenced says whether a job has a destination that cannot refuse a late writer.
func (e *Env) Unfenced(j job.Job) bool {
	for _, d := range j.Destinations {
		if !e.Guarantee(d).Fenced {
			return true
		}
	}
	return false
}
