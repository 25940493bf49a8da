// Package catalog gathers what a job may name: connectors, transforms, rules, and the Go functions of a user. A main builds one
// catalog and hands it down; nothing registers itself. The steps, the runner and the commands import it.
package catalog

import (
	"maps"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/transform"
	"github.com/lockstep-data/lockstep/shared/validate"
)

// Catalog is what a job may name. It is immutable: the With methods answer a copy.
type Catalog struct {
	Connectors connector.Registry
	Transforms transform.Registry
	Rules      validate.Registry
	Funcs      transform.Funcs // Go functions of a user, by the name that YAML calls them
}

// Builtin is everything of Lockstep that runs in a function too: all but the connector sqlite, which package local adds. Files lie in folders
// and memory; WithConnector(file.Spec(openers)) adds other places.
func Builtin() Catalog {
	return Catalog{
		Connectors: connector.NewRegistry(file.Spec(blob.Local())),
		Transforms: transform.Builtin(),
		Rules:      validate.Builtin(),
		Funcs:      transform.Funcs{},
	}
}

var _ spec.Catalog = Catalog{}

// Components gives the declarations without the constructors, for package spec.
func (c Catalog) Components() spec.Components {
	out := spec.Components{Connectors: c.Connectors, Transforms: map[string]setting.Spec{}, Rules: map[string]setting.Spec{}}
	for name, s := range c.Transforms {
		out.Transforms[name] = s.Spec
	}
	for name, s := range c.Rules {
		out.Rules[name] = s.Spec
	}
	return out
}

// WithFunc adds a Go function under the name by which YAML calls it. One of the same name is replaced.
func (c Catalog) WithFunc(name string, f transform.Func) Catalog {
	c.Funcs = put(c.Funcs, name, f)
	return c
}

// WithConnector adds a connector, or replaces the one of its name.
func (c Catalog) WithConnector(s connector.Spec) Catalog {
	c.Connectors = put(c.Connectors, s.Name, s)
	return c
}

// WithTransform adds a transform, or replaces the one of its name.
func (c Catalog) WithTransform(s transform.Spec) Catalog {
	c.Transforms = put(c.Transforms, s.Name, s)
	return c
}

// WithRule adds a rule, or replaces the one of its name.
func (c Catalog) WithRule(s validate.Spec) Catalog {
	c.Rules = put(c.Rules, s.Name, s)
	return c
}

// put gives a copy of a registry with one more entry.
func put[M ~map[string]V, V any](m M, name string, v V) M {
	out := make(M, len(m)+1)
	maps.Copy(out, m)
	out[name] = v
	return out
}
