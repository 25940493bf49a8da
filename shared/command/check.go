package command

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl/check"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/statemachine"
)

func (a *app) checkCommand() *cobra.Command {
	var offline bool
	c := &cobra.Command{
		Use:   "check [JOB|FILE]...",
		Short: "Find every mistake before anything runs",
		Long: `Check reads job files and tells every mistake at once, with its place and what to do. Then it asks each job's source for its streams
and checks transforms, rules and keys against the real columns, and prints what each destination guarantees and why.

With --aws it also tells what cannot work in functions on AWS, such as files of this machine, and what to use instead.

Exit codes: 2 when there is a problem, 3 when a source could not be reached.`,
		Example: `  lockstep check
  lockstep check runways --offline
  lockstep check --aws
  lockstep check jobs/runways.yaml --json`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.check(cmd.Context(), args, offline) },
	}
	c.Flags().BoolVar(&offline, "offline", false, "do not ask the sources")
	return c
}

// checkReport is what check found.
type checkReport struct {
	Problems fault.Problems `json:"problems"`
	Warnings fault.Problems `json:"warnings"`
	Jobs     []jobCheck     `json:"jobs"`
}

// jobCheck is a job whose file has no mistake.
type jobCheck struct {
	ID          string           `json:"id"`
	File        string           `json:"file"`
	Enabled     bool             `json:"enabled"`
	Source      string           `json:"source"`          // connector
	Asked       bool             `json:"asked"`           // the source was
	Error       *explained       `json:"error,omitempty"` // why it could not be reached
	Streams     []streamCheck    `json:"streams"`
	Guarantees  []guaranteeCheck `json:"guarantees"`
	problematic bool
}

// streamCheck is a stream against its real columns.
type streamCheck struct {
	Name    string   `json:"name"`
	Mode    string   `json:"mode"`
	Key     []string `json:"key"`
	Cursor  string   `json:"cursor,omitempty"`
	Columns []string `json:"columns"` // name and type, as they leave the source
	Loaded  []string `json:"loaded"`  // name and type, as they reach the first destination
	Bytes   int64    `json:"bytes,omitempty"`
}

// guaranteeCheck is what a destination gives.
type guaranteeCheck struct {
	Destination string `json:"destination"`
	Connector   string `json:"connector"`
	Write       string `json:"write"`
	Level       string `json:"level"`
	Why         string `json:"why"`
}

func (a *app) check(ctx context.Context, args []string, offline bool) error {
	r := checkReport{Problems: fault.Problems{}, Warnings: fault.Problems{}, Jobs: []jobCheck{}}
	all, err := a.toCheck(ctx, args, &r)
	if err != nil {
		return err
	}
	exit := ExitOK
	for _, f := range all {
		r.Warnings = append(r.Warnings, f.doc.Warnings...)
		one, problems, err := a.checkJob(ctx, f, offline)
		if err != nil {
			return err
		}
		if one.Error != nil {
			exit = ExitUnreachable
		}
		if a.flags.aws.on {
			problems = append(problems, spec.Remote(a.o.Catalog.Components(), []*spec.Document{f.doc})...)
		}
		r.Problems = append(r.Problems, problems...)
		r.Jobs = append(r.Jobs, one)
	}
	r.Problems.Sort()
	if len(r.Problems) > 0 {
		exit = ExitWrong
	}
	if a.flags.json {
		a.json(r)
		return end(exit)
	}
	a.writeCheck(r)
	return end(exit)
}

// toCheck reads the jobs that were named, or all; problems of files go into the report.
func (a *app) toCheck(ctx context.Context, args []string, r *checkReport) ([]found, error) {
	var all []found
	note := func(err error) error {
		var problems fault.Problems
		if errors.As(err, &problems) {
			r.Problems = append(r.Problems, problems...)
			return nil
		}
		return err
	}
	for _, arg := range args {
		f, err := a.find(ctx, arg)
		if err != nil {
			if err := note(err); err != nil {
				return nil, err
			}
			continue
		}
		all = append(all, f)
	}
	if len(args) > 0 {
		return all, nil
	}
	p, s, err := a.project(ctx, true)
	if err != nil {
		return nil, note(err)
	}
	r.Problems = append(r.Problems, p.Problems...)
	r.Warnings = append(r.Warnings, p.Nameless...)
	if len(p.Documents) == 0 && len(p.Problems) == 0 {
		return nil, p.NoJobs()
	}
	for _, d := range p.Documents {
		all = append(all, found{doc: d, site: s, resolver: a.resolver(s.dir)})
	}
	return all, nil
}

// checkJob checks one job beyond its file.
func (a *app) checkJob(ctx context.Context, f found, offline bool) (jobCheck, fault.Problems, error) {
	j := f.doc.Job
	env := a.env(f)
	out := jobCheck{ID: j.Key(), File: f.doc.File, Enabled: j.Enabled, Source: j.Source.Connector, Streams: []streamCheck{}, Guarantees: []guaranteeCheck{}}
	for _, d := range j.Destinations {
		g := env.Guarantee(d)
		out.Guarantees = append(out.Guarantees, guaranteeCheck{d.Name, d.Connector, string(d.Write.Mode), string(g.Level), g.Why})
	}
	if offline || !j.Enabled {
		return out, nil, nil
	}
	_, resolved, err := env.Jobs.Job(ctx, j.Key())
	if err != nil {
		var problems fault.Problems
		if errors.As(err, &problems) {
			out.problematic = true
			return out, problems, nil
		}
		return out, nil, err
	}
	out.Asked = true
	c := checker{env: env, doc: f.doc, job: resolved, out: &out}
	err = c.source(ctx)
	out.problematic = len(c.problems) > 0
	if err != nil {
		e := explain(err)
		out.Error = &e
	}
	return out, f.doc.Annotate(c.problems), nil
}

// checker holds one job against its real source.
type checker struct {
	env      *step.Env
	doc      *spec.Document
	job      job.Job // resolved
	out      *jobCheck
	streams  []string // only these; none: all
	running  bool     // before a run: what is wrong with the data is for the run to say
	problems fault.Problems
	keep     func(connector.Source) // takes the source when all is well; nil: it is closed
}

// source asks the source for its streams. The error is that it could not be reached; all else is a problem.
func (c *checker) source(ctx context.Context) (err error) {
	src, err := c.env.OpenSource(ctx, c.job)
	if err != nil {
		return c.judge(err, "source")
	}
	defer func() {
		if c.keep != nil && err == nil && len(c.problems) == 0 {
			c.keep(src)
		} else if cerr := src.Close(); err == nil {
			err = cerr
		}
	}()
	streams, err := plan.Streams(ctx, src, c.job, c.streams)
	if err != nil {
		return c.judge(err, "source")
	}
	var load step.Load
	for _, s := range streams {
		p, err := src.Plan(ctx, connector.PlanRequest{Stream: s, Batch: c.job.Batch, Positions: map[string]string{}})
		if err != nil {
			if err := c.judge(fmt.Errorf("stream %s: %w", s.Name, err), c.doc.StreamPath(s.Name)); err != nil {
				return err
			}
			continue
		}
		c.stream(step.StreamPlan{Stream: s, Plan: p})
		load.Add(step.StreamPlan{Stream: s, Plan: p}, c.job.Batch)
	}
	if c.running || len(c.problems) > 0 {
		return nil
	}
	return c.quotas(load)
}

// quotas refuses a job whose run can pass a quota of Step Functions that ends an execution, by what the sources say that there is to read.
func (c *checker) quotas(load step.Load) error {
	definition, err := statemachine.Sync(nil)
	if err != nil {
		return err
	}
	bounds, err := step.Quotas(definition, load)
	if err != nil {
		return err
	}
	for _, b := range bounds {
		for _, p := range b.Problems() {
			if p.Severity == check.Error {
				c.problems = append(c.problems, fault.Problem{Path: "batch", Code: "quota", Hint: "make batches larger or move fewer streams in one job; " + p.Hint,
					Message: fmt.Sprintf("a run of %d batches needs %d legs: %s", load.Batches, step.Legs(load), p.Message)})
			}
		}
	}
	return nil
}

// judge makes a problem of an error that says the job or the data is wrong, and answers any other.
func (c *checker) judge(err error, path string) error {
	var problems fault.Problems
	if errors.As(err, &problems) {
		c.problems = append(c.problems, problems...)
		return nil
	}
	code := fault.CodeOf(err)
	if c.running && code != fault.ConfigInvalid {
		return err
	}
	switch code {
	case fault.ConfigInvalid, fault.DataInvalid, fault.SchemaDrift, fault.DuplicatePosition, fault.QuotaExceeded:
		e := explain(err)
		c.problems = append(c.problems, fault.Problem{Path: path, Code: "source", Message: e.Message, Hint: e.Hint})
		return nil
	}
	return err
}

// stream compiles the filter, transforms and rules of a stream against its schema.
func (c *checker) stream(s step.StreamPlan) {
	one := streamCheck{Name: s.Stream.Name, Mode: string(s.Stream.Mode), Key: append([]string{}, s.Key()...), Cursor: s.Stream.Cursor,
		Columns: columns(s), Loaded: []string{}, Bytes: s.Plan.Bytes}
	compiled, err := c.env.Compile(c.job, s, "")
	if err != nil {
		for _, p := range problemsOf(err) {
			p.Path = c.place(p.Path, s.Stream.Name)
			c.problems = append(c.problems, p)
		}
	} else if len(compiled.Targets) > 0 {
		for _, col := range compiled.Targets[0].Schema.Columns {
			one.Loaded = append(one.Loaded, col.Name+" "+col.Type.String())
		}
	}
	c.out.Streams = append(c.out.Streams, one)
}

func columns(s step.StreamPlan) []string {
	out := []string{}
	for _, col := range s.Plan.Schema.Columns {
		out = append(out, col.Name+" "+col.Type.String())
	}
	return out
}

func problemsOf(err error) fault.Problems {
	var problems fault.Problems
	if errors.As(err, &problems) {
		return problems
	}
	e := explain(err)
	return fault.Problems{{Code: "invalid", Message: e.Message, Hint: e.Hint}}
}

// place turns a path of the model into one of the file: streams stand there by number, destinations in the user's order.
func (c *checker) place(path, stream string) string {
	if rest, ok := strings.CutPrefix(path, "source.streams."+stream); ok {
		return c.doc.StreamPath(stream) + rest
	}
	for i, d := range c.job.Destinations {
		if rest, ok := strings.CutPrefix(path, fmt.Sprintf("destinations[%d]", i)); ok {
			return c.doc.DestinationPath(d.Name) + rest
		}
	}
	return path
}

func (a *app) writeCheck(r checkReport) {
	for _, j := range r.Jobs {
		a.writeJobCheck(j)
	}
	for _, w := range r.Warnings {
		a.printf("%s %s\n", a.p.yellow("warning:"), w)
	}
	for _, p := range r.Problems {
		a.printf("%s %s\n", a.p.red("problem:"), p)
	}
	switch n := len(r.Problems); {
	case n > 0:
		a.printf("%s\n", a.p.red(plural(int64(n), "problem")))
	case len(r.Jobs) > 0:
		note := ""
		if u := unreached(r.Jobs); u > 0 {
			note = fmt.Sprintf("; %s could not be reached", plural(u, "source"))
		}
		a.printf("%s checked, no problems%s\n", plural(int64(len(r.Jobs)), "job"), note)
	}
}

func (a *app) writeJobCheck(j jobCheck) {
	verdict := a.p.status("ok")
	switch {
	case !j.Enabled:
		verdict = "disabled"
	case j.problematic:
		verdict = a.p.red("has problems")
	case j.Error != nil:
		verdict = a.p.red("not reached")
	case !j.Asked:
		verdict = "ok, source not asked"
	}
	a.printf("%s  %s  %s\n", a.p.bold(j.ID), verdict, a.p.dim(j.File))
	if j.Error != nil {
		a.printf("  %s: %s [%s]\n", j.Source, j.Error.Message, j.Error.Code)
		if j.Error.Hint != "" {
			a.printf("    %s\n", j.Error.Hint)
		}
	}
	for _, s := range j.Streams {
		text := s.Mode
		if len(s.Key) > 0 {
			text += ", key " + strings.Join(s.Key, ", ")
		}
		if s.Cursor != "" {
			text += ", cursor " + s.Cursor
		}
		text += ", " + plural(int64(len(s.Columns)), "column")
		if len(s.Loaded) > 0 && len(s.Loaded) != len(s.Columns) {
			text += fmt.Sprintf(", %d loaded", len(s.Loaded))
		}
		a.printf("  %s ─► %s\n", s.Name, text)
	}
	for _, g := range j.Guarantees {
		a.printf("  %s (%s): %s\n", g.Destination, g.Write, g.Level)
		a.printf("%s\n", a.p.dim(wrap("since "+g.Why, 4, max(a.width(), 80))))
	}
}

func unreached(jobs []jobCheck) int64 {
	var n int64
	for _, j := range jobs {
		if j.Error != nil {
			n++
		}
	}
	return n
}
