// Package validate holds the rules that records must keep before they are loaded, the set that applies the rules of a stream to a
// batch, and the window that stops a partition in which too many records fail. Rules change nothing. The steps and the commands
// import it.
package validate

import (
	"context"
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Phase is the phase of the rejects that rules make.
const Phase = "validate"

// Spec registers a rule.
type Spec struct {
	setting.Spec
	// New compiles the rule against the schema of the records. What is wrong comes as fault.Problems with paths below c.Path.
	// Values have passed setting.Check with Body.
	New func(c Config) (Rule, error)
}

// Config is what a rule is compiled with.
type Config struct {
	Values setting.Values // resolved
	Path   string         // of the rule's value, for problems
	Schema record.Schema  // of the records
	Key    []string       // columns that identify a record; may be empty
	Mask   []string       // columns whose values must not be in reasons
	Dir    string         // the project's folder: files of rules are below it
}

// Rule finds the rows of a batch that break it. It is immutable and safe for concurrent use.
type Rule interface {
	// Check answers the broken rows, ascending, each once. An error is a fault of the whole batch.
	Check(ctx context.Context, b record.Batch) ([]Broken, error)
}

// Broken is a row that breaks a rule.
type Broken struct {
	Row    int
	Reason string // for people: which column, and what is wrong with it
}

// Registry is the rules by name. It is built once and then only read.
type Registry map[string]Spec

// NewRegistry makes a registry; a name that comes twice is a programming error and panics.
func NewRegistry(specs ...Spec) Registry {
	return setting.ByName("rule", func(s Spec) string { return s.Name }, specs)
}

// Builtin gives the rules that Lockstep brings.
func Builtin() Registry {
	return NewRegistry(
		requiredSpec(), typeSpec(), rangeSpec(), lengthSpec(), patternSpec(), oneOfSpec(), uniqueSpec(), exprSpec(),
		jsonSchemaSpec(),
	)
}

// Names lists the rules, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }

// Lookup gives a rule by name; NotFound names the nearest one.
func (r Registry) Lookup(name string) (Spec, error) { return setting.Lookup("rule", r, name) }
