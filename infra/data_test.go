package infra_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
)

// roles gives the grants of every role by its name.
func roles() map[string][]infra.Grant {
	out := map[string][]infra.Grant{"machine": infra.MachineGrants(), "schedule": infra.ScheduleGrants(), "network": infra.NetworkGrants()}
	for _, f := range infra.Functions() {
		out[f.Name] = f.Grants()
	}
	return out
}

func TestGrants_Exact(t *testing.T) {
	action := regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z]+$`)
	used := map[string]bool{}
	for role, grants := range roles() {
		for _, g := range grants {
			if g.Reason == "" || len(g.Resources) == 0 || len(g.Actions) == 0 {
				t.Errorf("%s: %+v has no reason, resource or action", role, g)
			}
			for _, a := range g.Actions {
				if !action.MatchString(a) {
					t.Errorf("%s: %q is not one action", role, a)
				}
				everywhere := slices.Contains(g.Resources, infra.OnAll)
				if _, listed := infra.Everywhere()[a]; everywhere != listed {
					t.Errorf("%s: %s on %v: an action is for * when, and only when, the service takes nothing else", role, a, g.Resources)
				}
				used[a] = true
			}
		}
	}
	for a, reason := range infra.Everywhere() {
		if !used[a] || reason == "" {
			t.Errorf("%s is listed and not granted, or has no reason", a)
		}
	}
}

// TestGrants_Needs holds what functions cannot do without, and what they must not do.
func TestGrants_Needs(t *testing.T) {
	may := func(f infra.Function, action string) bool {
		return slices.ContainsFunc(f.Grants(), func(g infra.Grant) bool { return slices.Contains(g.Actions, action) })
	}
	for _, f := range infra.Functions() {
		starts := f.Name == "start" || f.Name == "sweep"
		if got := may(f, "states:StartExecution"); got != starts {
			t.Errorf("%s may start executions: %t, want %t", f.Name, got, starts)
		}
		if got := may(f, "sqs:SendMessage"); got != f.Asynchronous {
			t.Errorf("%s may send to a queue: %t, want %t", f.Name, got, f.Asynchronous)
		}
		if may(f, "dynamodb:DeleteItem") || may(f, "dynamodb:Scan") {
			t.Errorf("%s may delete or scan the state", f.Name)
		}
		for _, g := range f.Grants() {
			for _, r := range g.Resources {
				if strings.HasPrefix(string(r), string(infra.OnBucket)+"/") && slices.Contains(g.Actions, "s3:PutObject") && strings.Contains(string(r), "bundles") {
					t.Errorf("%s may write bundles", f.Name)
				}
			}
		}
	}
}

func TestDataBucket_Keeps(t *testing.T) {
	b := infra.DataBucket()
	if !b.BucketKeys || b.AbortUploadDays < 1 {
		t.Errorf("%+v", b)
	}
	for _, e := range b.Expiry {
		if strings.HasPrefix("bundles/", e.Prefix) || e.Days <= 14 || e.Reason == "" {
			t.Errorf("%+v: a bundle would go, or what a redrive needs", e)
		}
	}
	if infra.VersionDays <= 14 {
		t.Errorf("a redrive is possible for 14 days, versions are kept %d", infra.VersionDays)
	}
}

func TestRules_Functions(t *testing.T) {
	asynchronous := map[string]bool{}
	for _, f := range infra.Functions() {
		asynchronous[f.Name] = f.Asynchronous
	}
	for _, r := range infra.Rules() {
		if !asynchronous[r.Function] {
			t.Errorf("the rule %s calls %s, which keeps nothing that it fails on", r.Name, r.Function)
		}
		if (len(r.Statuses) > 0) == (r.Minutes > 0) {
			t.Errorf("the rule %s is neither by pattern nor by time, or both", r.Name)
		}
	}
}

func TestAlarms_Complete(t *testing.T) {
	queues := map[string]bool{}
	for _, q := range infra.Queues() {
		queues[q.Name] = false
		if q.RetainDays < 1 || q.RetainDays > 14 {
			t.Errorf("%+v: SQS keeps 1 minute to 14 days", q)
		}
	}
	seen := map[string]bool{}
	for _, a := range infra.Alarms() {
		if seen[a.Name] || a.Summary == "" || a.Threshold <= 0 || len(a.Metrics) == 0 || len(a.Metrics) > 10 {
			t.Errorf("%+v: CloudWatch adds 1 to 10 metrics", a)
		}
		seen[a.Name] = true
		for _, m := range a.Metrics {
			if m.Of == infra.OfQueue {
				queues[m.Queue] = true
			}
		}
	}
	for name, watched := range queues {
		if !watched {
			t.Errorf("nobody watches the queue %s", name)
		}
	}
}

func TestInstallation_Names(t *testing.T) {
	i := infra.Installation{Prefix: infra.DefaultPrefix, Stage: infra.DefaultStage}
	if i.Stack() != "lockstep-dev" || i.Name(infra.Machine) != "lockstep-dev-sync" || i.Parameter() != "/lockstep/dev/bundle" {
		t.Errorf("got %q, %q, %q", i.Stack(), i.Name(infra.Machine), i.Parameter())
	}
}
