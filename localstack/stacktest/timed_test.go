//go:build localstack

package stacktest_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/launch"
)

// executionName is what Step Functions takes as a name, of what we use.
var executionName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

// TestTimed sends what the deployed schedule would send. LocalStack keeps schedules and never fires them.
func TestTimed(t *testing.T) {
	input := scheduledInput(t)
	if !strings.Contains(input, infra.ScheduledTime) {
		t.Fatalf("the schedule's input %s has no %s", input, infra.ScheduledTime)
	}
	input = strings.ReplaceAll(input, infra.ScheduledTime, "2026-01-01T03:00:00Z")
	var first, second launch.Answer
	if err := stack.Invoke(within(t), "start", input, &first); err != nil {
		t.Fatal(err)
	}
	if first.State != launch.Started || !strings.Contains(first.Run, "20260101T030000Z") || !executionName.MatchString(first.Run) {
		t.Errorf("the first start: %+v", first)
	}
	if err := stack.Invoke(within(t), "start", input, &second); err != nil {
		t.Fatal(err)
	}
	if second.State != launch.Existing || second.Run != first.Run {
		t.Errorf("delivered twice: %+v", second)
	}
	succeeds(t, first.Execution)
	whole(t, "timed")
	run, err := stack.Store.Run(t.Context(), "timed", first.Run)
	if err != nil || run.Trigger != infra.Trigger {
		t.Errorf("run %+v, %v", run, err)
	}
}

// scheduledInput reads the input of the one schedule of the synthesized template.
func scheduledInput(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(stack.Template)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Target struct{ Input string } }
		}
	}
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, r := range template.Resources {
		if r.Type == "AWS::Scheduler::Schedule" {
			found = append(found, r.Properties.Target.Input)
		}
	}
	if len(found) != 1 {
		t.Fatalf("schedules of the template: %v", found)
	}
	return found[0]
}
