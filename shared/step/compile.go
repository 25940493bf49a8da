package step

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/expr"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/transform"
	"github.com/lockstep-data/lockstep/shared/validate"
)

// Compiled is a stream's way through the steps, checked against its schema.
type Compiled struct {
	Filter       *expr.Program      // of the stream; nil when there is none
	Chains       []*transform.Chain // the source's and the job's, those that have transforms
	Rules        *validate.Set      // nil when the stream has no rules
	Schema       record.Schema      // behind the chain
	Mask         []string           // the masked columns of the job, and those that transforms make of them
	Destinations []*transform.Chain
	Targets      []connector.Target
}

// Next names the step behind the given one: the first of transform, validate and load that the stream has.
func (c *Compiled) Next(after string) string {
	switch {
	case after == "extract" && len(c.Chains) > 0:
		return stage.NextTransform
	case after != "validate" && c.Rules != nil:
		return stage.NextValidate
	}
	return stage.NextLoad
}

// Transform runs the chains over an extracted batch. The same batch gives the same batch.
func (c *Compiled) Transform(ctx context.Context, b record.Batch) (record.Batch, error) {
	whole, split := b, false
	for _, chain := range c.Chains {
		split = b.IsSplit()
		var err error
		if b, err = chain.Apply(ctx, b); err != nil {
			return record.Batch{}, err
		}
	}
	if split {
		showOriginals(b, whole)
	}
	return b, nil
}

// showOriginals makes the snapshots of a later chain's rejects show the record as it was before an earlier chain split it.
func showOriginals(b, whole record.Batch) {
	for i, r := range b.Rejects {
		if row := whole.RowOf(r.Index); row >= 0 {
			b.Rejects[i].Snapshot = whole.JSON(row)
		}
	}
}

// Compile checks a stream's filter, transforms and rules against the schema that its source gives, and says where it goes. The error
// is fault.Problems with every problem, by path.
func (e *Env) Compile(j job.Job, s StreamPlan, run string) (*Compiled, error) {
	var problems fault.Problems
	c := &Compiled{Schema: s.Plan.Schema, Mask: j.OnFailure.Mask}
	note := func(err error, path string) {
		if err == nil {
			return
		}
		if ps, ok := err.(fault.Problems); ok {
			problems = append(problems, ps...)
			return
		}
		problems = append(problems, fault.Problem{Path: path, Code: "invalid", Message: err.Error(), Hint: fault.Hint(err)})
	}
	if s.Stream.Filter != "" {
		var err error
		c.Filter, err = expr.Condition(s.Stream.Filter, s.Plan.Schema)
		note(err, "source.streams."+s.Stream.Name+".filter")
	}
	e.compileChain(j, s, c, note)
	for i, d := range j.Destinations {
		chain, schema := (*transform.Chain)(nil), c.Schema
		if len(d.Transforms) > 0 {
			var err error
			chain, err = transform.NewChain(e.Catalog.Transforms, d.Transforms, e.chainConfig(j, s, schema, fmt.Sprintf("destinations[%d].transforms", i)))
			note(err, "destinations")
			if err == nil {
				schema = chain.Schema()
			}
		}
		c.Destinations = append(c.Destinations, chain)
		t := target(s, d, schema)
		t.Job, t.Run = j.Key(), run
		c.Targets = append(c.Targets, t)
		problems = append(problems, checkKey(c.Targets[i], i)...)
	}
	problems = append(problems, checkMask(j, s, c)...)
	for i := range problems {
		problems[i].Message, problems[i].Hint = e.Public(problems[i].Message), e.Public(problems[i].Hint)
	}
	if len(problems) > 0 {
		return nil, problems.Err()
	}
	return c, nil
}

// checkMask finds names of the mask that are no column. Only a job of one stream can tell: those of several may be another stream's.
func checkMask(j job.Job, s StreamPlan, c *Compiled) fault.Problems {
	var problems fault.Problems
	if len(j.Source.Streams) != 1 {
		return nil
	}
	for i, name := range j.OnFailure.Mask {
		_, source := s.Plan.Schema.Type(name)
		_, made := c.Schema.Type(name)
		if source || made {
			continue
		}
		hint := "mask names columns of the source, or those that transforms make"
		if near := fault.Nearest(name, s.Plan.Schema.Names()); near != "" {
			hint = "did you mean " + near + "?"
		}
		problems = append(problems, fault.Problem{Path: fmt.Sprintf("on_failure.mask[%d]", i), Code: "unknown_column", Message: fmt.Sprintf("there is no column %q to mask", name), Hint: hint})
	}
	return problems
}

// compileChain compiles the transforms and rules in front of the destinations.
func (e *Env) compileChain(j job.Job, s StreamPlan, c *Compiled, note func(error, string)) {
	parts := []struct {
		components []job.Component
		path       string
	}{{j.Source.Transforms, "source.transforms"}, {j.Transforms, "transforms"}}
	for _, part := range parts {
		j.OnFailure.Mask = c.Mask
		chain, err := transform.NewChain(e.Catalog.Transforms, part.components, e.chainConfig(j, s, c.Schema, part.path))
		note(err, part.path)
		if err != nil {
			return // what stands behind it has no schema to be checked against
		}
		if chain.Len() > 0 {
			c.Chains, c.Schema, c.Mask = append(c.Chains, chain), chain.Schema(), chain.Mask()
		}
	}
	rules, err := validate.NewSet(e.Catalog.Rules, j.Rules, validate.SetConfig{
		Path: "rules", Stream: s.Stream.Name, Schema: c.Schema, Key: s.Key(), Mask: c.Mask, Dir: e.Dir,
	})
	note(err, "rules")
	if err == nil && rules.Len() > 0 {
		c.Rules = rules
	}
}

func (e *Env) chainConfig(j job.Job, s StreamPlan, schema record.Schema, path string) transform.ChainConfig {
	return transform.ChainConfig{
		Path: path, Stream: s.Stream.Name, Schema: schema, Key: s.Key(), Funcs: e.Catalog.Funcs, Dir: e.Dir, OnFailure: j.OnFailure, Sleep: e.Sleep,
	}
}

func target(s StreamPlan, d job.Destination, schema record.Schema) connector.Target {
	t := connector.Target{
		Stream: s.Stream.Name, Name: s.Stream.TargetName(), Schema: schema, Key: d.Write.Key, Write: d.Write,
		Full: s.Full(), Drift: d.Drift, Columns: d.Columns,
	}
	if len(t.Key) == 0 {
		t.Key = s.Key()
	}
	return t
}

func checkKey(t connector.Target, i int) fault.Problems {
	var problems fault.Problems
	path := fmt.Sprintf("destinations[%d].write", i)
	if t.Write.Mode == job.Upsert && len(t.Key) == 0 {
		problems = append(problems, fault.Problem{Path: path, Code: "missing_key", Message: fmt.Sprintf("stream %s has no key to upsert by", t.Stream), Hint: "give the stream a key, or use mode append"})
	}
	if t.Write.DeleteMissing && !t.Full {
		problems = append(problems, fault.Problem{Path: path, Code: "delete_missing", Message: fmt.Sprintf("stream %s is incremental: what is missing cannot be known", t.Stream), Hint: "use mode: full"})
	}
	for _, k := range t.Key {
		if _, ok := t.Schema.Type(k); !ok {
			hint := "give the stream a key of columns that it has"
			if near := fault.Nearest(k, t.Schema.Names()); near != "" {
				hint = "did you mean " + near + "?"
			}
			problems = append(problems, fault.Problem{Path: path, Code: "unknown_column", Message: fmt.Sprintf("stream %s has no column %q, which is in its key", t.Stream, k), Hint: hint})
		}
	}
	return problems
}

// Compiled compiles the stream once per process and run.
func (t *Turn) Compiled(s StreamPlan) (*Compiled, error) {
	key := t.Call.Run + "\x00" + t.Call.Digest + "\x00" + s.Stream.Name
	t.mu.Lock()
	c := t.compiled[key]
	t.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := t.Compile(t.Job, s, t.Call.Run)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.compiled == nil {
		t.Env.compiled = map[string]*Compiled{}
	}
	t.compiled[key] = c
	return c, nil
}
