package step_test

import (
	"context"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step"
)

// named has one job, whose description tells which bundle it is of.
type named string

func (n named) Job(_ context.Context, key string) (job.Job, job.Job, error) {
	j := job.Job{ID: key, Description: string(n)}
	return j, j, nil
}

// bundles has two of them.
type bundles struct{ named }

func (bundles) Current(context.Context) (string, error) { return "new", nil }

func (bundles) At(_ context.Context, bundle string) (step.Jobs, error) {
	if bundle != "new" && bundle != "old" {
		return nil, fault.New(fault.NotFound, "there is no bundle %q", bundle)
	}
	return named(bundle), nil
}

func TestEnv_JobIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		jobs   step.Jobs
		bundle string
		want   string
		code   fault.Code
	}{
		{"no bundles", named("here"), "", "here", ""},
		{"no bundles any more", named("here"), "old", "here", ""},
		{"as they are", bundles{"now"}, "", "now", ""},
		{"the one that the run began with", bundles{"now"}, "old", "old", ""},
		{"a bundle that is gone", bundles{"now"}, "gone", "", fault.NotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := &step.Env{Jobs: c.jobs}
			written, resolved, err := env.JobIn(t.Context(), c.bundle, "j")
			if fault.CodeOf(err) != c.code || written.Description != c.want || resolved.Description != c.want {
				t.Errorf("got the job of %q and %q, %v", written.Description, resolved.Description, err)
			}
		})
	}
}

func TestEnv_Bundle(t *testing.T) {
	for want, jobs := range map[string]step.Jobs{"": named("here"), "new": bundles{"now"}} {
		if got, err := (&step.Env{Jobs: jobs}).Bundle(t.Context()); err != nil || got != want {
			t.Errorf("a run that begins gets bundle %q, %v; want %q", got, err, want)
		}
	}
}
