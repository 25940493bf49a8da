// Package transform holds what changes records between source and destination: the built-in transforms, Go functions that a user
// registers, and the chain that runs one behind the other and keeps account of every record. Transforms are pure: the same batch
// gives the same batch, and nothing outside is touched. The steps and the commands import it.
package transform

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Spec registers a transform.
type Spec struct {
	setting.Spec
	// New compiles the transform against the schema that records have where it stands. What is wrong comes as fault.Problems with
	// paths below c.Path. Values have passed setting.Check with Body.
	New func(c Config) (Transform, error)
}

// Config is what a transform is compiled with.
type Config struct {
	Values setting.Values // resolved; never to be logged or stored
	Path   string         // of the transform's value, for problems
	Schema record.Schema  // of the records that come in
	Key    []string       // columns that identify a record; may be empty
	Funcs  Funcs          // the user's functions, by name
	Dir    string         // the project's folder
	// OnFailure says what is tried again, and whose values must not be in messages (Mask); Sleep waits between tries.
	OnFailure job.OnFailure
	Sleep     func(ctx context.Context, d time.Duration) error
}

// Transform changes batches. It is immutable and safe for concurrent use.
type Transform interface {
	// Schema is what comes out.
	Schema() record.Schema
	// Apply answers the batch that comes out; the one that came in is not changed. Active originals stay ascending, and keep their
	// numbers through Batch.Keep, With and Split. What Result.Batch holds for a refused row does not matter. An error is a fault of
	// the whole batch.
	Apply(ctx context.Context, b record.Batch) (Result, error)
}

// Result is what a transform made of a batch.
type Result struct {
	Batch   record.Batch
	Refused []record.Refusal // rows of the batch that came in; all rows of their originals go
}

// Registry is the transforms by name. It is built once and then only read.
type Registry map[string]Spec

// NewRegistry makes a registry; a name that comes twice is a programming error and panics.
func NewRegistry(specs ...Spec) Registry {
	return setting.ByName("transform", func(s Spec) string { return s.Name }, specs)
}

// Builtin gives the transforms that Lockstep brings.
func Builtin() Registry {
	return NewRegistry(
		castSpec(), dedupeSpec(), defaultSpec(), dropSpec(), filterSpec(), flattenSpec(), funcSpec(), hashSpec(), maskSpec(),
		renameSpec(), selectSpec(), setSpec(), splitSpec(),
	)
}

// Names lists the transforms, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }

// Lookup gives a transform by name; NotFound names the nearest one.
func (r Registry) Lookup(name string) (Spec, error) { return setting.Lookup("transform", r, name) }
