package command

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/spec"
)

func (a *app) applyCommand() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "apply",
		Short: "Make the project's jobs those of an installation on AWS",
		Long: `Apply checks the project's jobs, stores them as one bundle in the installation's bucket, and makes it the current one, without CloudFormation. Runs under
way keep the jobs that they began with. A job that is no longer there cannot start; its history, checkpoints and failures stay.

Schedules belong to the deployment alone: apply says when one differs from that of the current bundle, and cdk deploy changes it.`,
		Example: `  lockstep apply
  lockstep apply --stack lockstep-prod --dry-run`,
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.apply(cmd.Context(), dry) },
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	return c
}

// applied is what apply did, as it prints it as JSON.
type applied struct {
	Bundle    string   `json:"bundle"` // key
	Was       string   `json:"was"`    // the key of the bundle before, "" when there was none
	Changed   bool     `json:"changed"`
	DryRun    bool     `json:"dry_run"`
	Added     []string `json:"added"`
	Removed   []string `json:"removed"`
	Modified  []string `json:"modified"`
	Schedules []string `json:"schedules"` // jobs whose schedule differs: only a deployment changes it
}

func (a *app) apply(ctx context.Context, dry bool) error {
	p, _, err := a.project(ctx, false)
	if err != nil {
		return err
	}
	if problems := spec.Remote(a.o.Catalog.Components(), p.Documents); len(problems) > 0 {
		return problems.Err()
	}
	data, key, err := bundle.Build(p)
	if err != nil {
		return wrongly(err)
	}
	next, err := bundle.Read(data)
	if err != nil {
		return err
	}
	i, err := a.installation(ctx)
	if err != nil {
		return err
	}
	before, err := i.Bundle(ctx)
	switch {
	case fault.Has(err, fault.NotFound):
		before = &bundle.Bundle{}
	case err != nil:
		return unreachable(err)
	}
	out := compare(before, next)
	out.DryRun = dry
	if out.Changed && !dry {
		if key, err = i.Apply(ctx, data); err != nil {
			return unreachable(err)
		}
	}
	out.Bundle = key
	a.writeApplied(out, i.About())
	return nil
}

// compare says how the next bundle differs.
func compare(before, next *bundle.Bundle) applied {
	out := applied{Was: before.Key, Changed: before.Key == "" || before.Key[strings.LastIndexByte(before.Key, '/')+1:] != next.Key[strings.LastIndexByte(next.Key, '/')+1:],
		Added: []string{}, Removed: []string{}, Modified: []string{}, Schedules: []string{}}
	old := map[string]job.Job{}
	for _, j := range before.Jobs {
		old[j.Key()] = j
	}
	for _, j := range next.Jobs {
		was, there := old[j.Key()]
		delete(old, j.Key())
		switch {
		case !there:
			out.Added = append(out.Added, j.Key())
		case !same(was, j):
			out.Modified = append(out.Modified, j.Key())
		}
		if !same(was.Schedule, j.Schedule) {
			out.Schedules = append(out.Schedules, j.Key())
		}
	}
	for key, j := range old {
		out.Removed = append(out.Removed, key)
		if j.Schedule != nil {
			out.Schedules = append(out.Schedules, key)
		}
	}
	slices.Sort(out.Removed)
	slices.Sort(out.Schedules)
	return out
}

// same compares two values by their stored form.
func same(a, b any) bool {
	one, err1 := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(one, two)
}

func (a *app) writeApplied(out applied, about launch.About) {
	if a.flags.json {
		a.json(out)
		return
	}
	verb := "applied to"
	switch {
	case !out.Changed:
		verb = "the same as in"
	case out.DryRun:
		verb = "would be applied to"
	}
	a.printf("jobs %s %s (%s): %s\n", verb, about.Stack, about.Region, out.Bundle)
	for _, part := range []struct {
		name string
		keys []string
	}{{"added", out.Added}, {"changed", out.Modified}, {"removed", out.Removed}} {
		if len(part.keys) > 0 {
			a.printf("  %-8s %s\n", part.name, strings.Join(part.keys, ", "))
		}
	}
	if len(out.Schedules) > 0 {
		a.printf("%s\n", a.p.yellow("  the schedules of these jobs differ, and only cdk deploy changes schedules: "+strings.Join(out.Schedules, ", ")))
	}
}

func (a *app) pruneCommand() *cobra.Command {
	var dry bool
	var older time.Duration
	c := &cobra.Command{
		Use:   "prune",
		Short: "Delete old versions of an installation's functions",
		Long: `Prune deletes versions of functions that are older than 15 days and that neither the state machine nor a run under way names. A run can be redriven
for 14 days, on the versions that it began with, so they are kept as long.`,
		Example: `  lockstep prune --dry-run
  lockstep prune --stack lockstep-prod`,
		Args: between(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.prune(cmd.Context(), older, dry) },
	}
	c.Flags().BoolVar(&dry, "dry-run", false, "only list them")
	c.Flags().DurationVar(&older, "older", keepVersions, "delete what is older; at least 15 days")
	return c
}

// keepVersions is how long a version of a function may be needed: a redrive is possible for 14 days.
const keepVersions = 15 * 24 * time.Hour

func (a *app) prune(ctx context.Context, older time.Duration, dry bool) error {
	if older < keepVersions {
		return wrong("write 360h or more", "--older %s: a run may be redriven for 14 days, on the versions that it began with", older)
	}
	i, err := a.installation(ctx)
	if err != nil {
		return err
	}
	gone, err := i.Prune(ctx, older, dry)
	if a.flags.json {
		a.json(append([]launch.Version{}, gone...))
		return unreachable(err)
	}
	verb := "deleted"
	if dry {
		verb = "would delete"
	}
	for _, v := range gone {
		a.printf("%s  version %s of %s, from %s\n", verb, v.Version, v.Function, stamp(v.Modified))
	}
	if len(gone) == 0 && err == nil {
		a.printf("no version is older than %d days and unused\n", int(older.Hours()/24))
	}
	return unreachable(err)
}
