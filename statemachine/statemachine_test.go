package statemachine

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/asl"
)

func TestSync_Holes(t *testing.T) {
	want := []string{"AcquireFunctionArn", "ExtractFunctionArn", "FinishFunctionArn", "LoadFunctionArn", "PlanFunctionArn",
		"TransformFunctionArn", "ValidateFunctionArn"}
	if d := cmp.Diff(SyncHoles(), want); d != "" {
		t.Error(d)
	}
	values := map[string]string{"Unknown": "x"}
	for _, name := range want[1:] {
		values[name] = `arn:"` + name + `"`
	}
	if _, err := Sync(values); err == nil || !strings.Contains(err.Error(), "no value for AcquireFunctionArn") {
		t.Errorf("a missing value gives %v", err)
	}
	values[want[0]] = "a"
	text, err := Sync(values)
	if err != nil || hole.Match(text) {
		t.Fatalf("holes are left, or %v", err)
	}
	m, err := asl.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.State("Plan").Resource; got != `arn:"PlanFunctionArn"` {
		t.Errorf("resource is %s", got)
	}
}

func TestSync_IsFormatted(t *testing.T) {
	var order any
	if err := json.Unmarshal([]byte(syncText), &order); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(syncText, "}\n") || strings.Contains(syncText, "\t") {
		t.Error("two spaces of indent and a newline at the end")
	}
}

// load gives the machine with its holes open.
func load(t testing.TB) *asl.Machine {
	t.Helper()
	text, err := Sync(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// retriers are those of every step, as the design has them.
var retriers = []asl.Retrier{
	{ErrorEquals: []string{"Lockstep.Duplicate"}, IntervalSeconds: 30, BackoffRate: 1.5, MaxDelaySeconds: 60, MaxAttempts: 3},
	{ErrorEquals: []string{"Lambda.TooManyRequestsException", "Lockstep.RateLimited"},
		IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 60, MaxAttempts: 10, FullJitter: true},
	{ErrorEquals: []string{"Lockstep.Transient", "Lockstep.Timeout", "Lambda.ServiceException", "Lambda.AWSLambdaException",
		"Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError",
		"States.Timeout"}, IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 60, MaxAttempts: 5, FullJitter: true},
}

func TestSync_StatesKeepTheDesign(t *testing.T) {
	m := load(t)
	if m.TimeoutSeconds != 86400 {
		t.Errorf("the machine's time-out is %d s", m.TimeoutSeconds)
	}
	var names []string
	types := make(map[string]asl.Type)
	m.Walk(func(s *asl.State) {
		names = append(names, s.Name)
		types[s.Name] = s.Type
	})
	want := []string{"Leg", "Acquire", "Acquired", "Skipped", "Plan", "Partitions", "Extract", "Extracted", "Transform", "Transformed",
		"Validate", "Load", "PartitionDone", "PartitionFailed", "LegEnded", "LegSucceeded", "NextLeg", "MoreLegs", "Finish", "Finished", "Succeeded"}
	if d := cmp.Diff(names, want); d != "" {
		t.Error(d)
	}
	m.Walk(func(s *asl.State) {
		for _, r := range s.Retry {
			if slices.Contains(r.ErrorEquals, asl.ErrorAll) {
				t.Errorf("%s retries States.ALL", s.Name)
			}
		}
		for _, c := range s.Catch {
			if types[c.Next] == asl.TypeFail {
				t.Errorf("%s catches into the Fail state %s", s.Name, c.Next)
			}
		}
		if s.Type == asl.TypeFail {
			t.Errorf("%s is a Fail state", s.Name)
		}
	})
}

func TestSync_StepsRetryAlike(t *testing.T) {
	steps := 0
	load(t).Walk(func(s *asl.State) {
		if s.Type != asl.TypeTask || !hole.MatchString(s.Resource) {
			return
		}
		steps++
		if d := cmp.Diff(s.Retry, retriers); d != "" {
			t.Errorf("%s retries otherwise: %s", s.Name, d)
		}
		if s.TimeoutSeconds == nil {
			t.Errorf("%s has no time-out", s.Name)
		} else if v, ok := s.TimeoutSeconds.Constant(); !ok || v != 960.0 {
			t.Errorf("%s has the time-out %v", s.Name, v)
		}
		if want := "${" + s.Name + "FunctionArn}"; s.Resource != want {
			t.Errorf("%s calls %s", s.Name, s.Resource)
		}
		if inLoop := strings.Contains(s.Path, "/ItemProcessor/"); inLoop != (len(s.Catch) == 1 && s.Catch[0].Next == "PartitionFailed") {
			t.Errorf("%s has %d catchers", s.Name, len(s.Catch))
		}
	})
	if steps != 7 {
		t.Errorf("%d steps", steps)
	}
}

// TestSync_BaseOfRetriers keeps the text readable: the same block stands at every step, letter for letter.
func TestSync_BaseOfRetriers(t *testing.T) {
	blocks := regexp.MustCompile(`(?s)"Retry": \[.*?\n\s*\]`).FindAllString(syncText, -1)
	space := regexp.MustCompile(`\s+`)
	distinct := make(map[string]int)
	for _, b := range blocks {
		distinct[space.ReplaceAllString(b, " ")]++
	}
	if len(distinct) != 2 {
		t.Errorf("%d kinds of Retry, want that of the steps and that of NextLeg", len(distinct))
	}
}
