//go:build localstack

package stacktest_test

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/localstack/stacktest"
	"github.com/lockstep-data/lockstep/shared/store"
)

const often = 200 * time.Millisecond

// TestSameName starts one name twice: it is one run.
func TestSameName(t *testing.T) {
	ctx := within(t)
	first, err := stack.Start(ctx, "same", map[string]any{"job": "named"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := stack.Start(ctx, "same", map[string]any{"job": "named"})
	var exists *types.ExecutionAlreadyExists
	if err != nil && !errors.As(err, &exists) || err == nil && second != first {
		t.Errorf("the second start: %s, %v", second, err)
	}
	succeeds(t, first)
	whole(t, "named")
	runs, _, err := stack.Store.Runs(ctx, store.RunQuery{Job: "named", Limit: 10})
	if err != nil || len(runs) != 1 {
		t.Errorf("runs %+v, %v", runs, err)
	}
	again, err := stack.Start(ctx, "same", map[string]any{"job": "named"})
	if err == nil && again != first || err != nil && !errors.As(err, &exists) {
		t.Errorf("started again after its end: %s, %v", again, err)
	}
}

// TestHeld starts a job twice under two names: one run moves it, the other is held and ends without an error.
func TestHeld(t *testing.T) {
	ctx := within(t)
	var states []string
	var arns []string
	for _, name := range []string{"one", "other"} {
		arn, err := stack.Start(ctx, name, map[string]any{"job": "held"})
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, arn)
	}
	for _, arn := range arns {
		end := succeeds(t, arn)
		var out struct{ State, Status string }
		if err := json.Unmarshal([]byte(*end.Output), &out); err != nil {
			t.Fatal(err)
		}
		states = append(states, out.State+out.Status)
	}
	slices.Sort(states)
	if diff := cmp.Diff([]string{"skipped", "succeeded"}, states); diff != "" {
		t.Errorf("how the two ended: %s", diff)
	}
	whole(t, "held")
}

// TestRule lets a rule with a schedule call start, as EventBridge does.
func TestRule(t *testing.T) {
	ctx := within(t)
	rule := stack.Name("every-minute")
	if err := stack.Events(ctx, "PutRule", map[string]any{"Name": rule, "ScheduleExpression": "rate(1 minute)", "State": "ENABLED"}, nil); err != nil {
		t.Fatal(err)
	}
	target := map[string]any{"Id": "start", "Arn": "arn:aws:lambda:us-east-1:" + stack.Account + ":function:" + stack.Name("start"), "Input": `{"job":"ruled","trigger":"schedule"}`}
	if err := stack.Events(ctx, "PutTargets", map[string]any{"Rule": rule, "Targets": []any{target}}, nil); err != nil {
		t.Fatal(err)
	}
	var runs []store.Run
	if err := stacktest.Poll(ctx, often, func() (bool, error) {
		var err error
		runs, _, err = stack.Store.Runs(ctx, store.RunQuery{Job: "ruled", Limit: 10})
		return len(runs) > 0, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := stack.Rule(ctx, rule, false); err != nil {
		t.Fatal(err)
	}
	run := runs[len(runs)-1]
	if run.Trigger != "schedule" {
		t.Errorf("trigger %q", run.Trigger)
	}
	succeeds(t, execution(run.ID))
	whole(t, "ruled")
}

// TestKilled ends the process of load by SIGKILL while it loads, until the machine has seen it die: the run recovers by itself.
func TestKilled(t *testing.T) {
	ctx := within(t)
	arn, err := stack.Start(ctx, "killed", map[string]any{"job": "killed"})
	if err != nil {
		t.Fatal(err)
	}
	if err := stacktest.Poll(ctx, often, func() (bool, error) {
		events, err := stack.History(ctx, arn)
		if err != nil {
			return false, err
		}
		if died(events) > 0 {
			return true, nil
		}
		if slices.ContainsFunc(events, func(e types.HistoryEvent) bool { return e.Type == types.HistoryEventTypeExecutionSucceeded }) {
			return false, errors.New("the run ended before a load was killed")
		}
		// Behind a Load that was entered and not left, the process is at work.
		if open := loading(events); !open {
			return false, nil
		}
		ids, err := stack.Bootstraps("load")
		for _, id := range ids {
			_ = syscall.Kill(id, syscall.SIGKILL) // it may have ended
		}
		return false, err
	}); err != nil {
		t.Fatal(err)
	}
	succeeds(t, arn)
	whole(t, "killed")
	free(t, "killed", store.Succeeded)
}

// loading says whether the last Load was entered and not left.
func loading(events []types.HistoryEvent) bool {
	open := false
	for _, e := range events {
		if d := e.StateEnteredEventDetails; d != nil {
			open = *d.Name == "Load"
		}
		if d := e.StateExitedEventDetails; d != nil && *d.Name == "Load" {
			open = false
		}
	}
	return open
}

// died counts the functions that ended without an answer.
func died(events []types.HistoryEvent) int {
	n := 0
	for _, f := range stacktest.Failures(events) {
		if strings.HasPrefix(f, "Runtime.ExitError") {
			n++
		}
	}
	return n
}

// TestStopped ends an execution in the middle: close frees the job, and the next run moves what is left.
func TestStopped(t *testing.T) {
	stopInTheMiddle(t, "stopped")
	free(t, "stopped", store.Failed)
	goesOn(t, "stopped")
}

// TestThrottled lets DynamoDB refuse every eighth call.
func TestThrottled(t *testing.T) {
	ctx := within(t)
	if err := stack.Setting(ctx, "DYNAMODB_ERROR_PROBABILITY", 0.12); err != nil {
		t.Fatal(err)
	}
	arn, err := stack.Start(ctx, "throttled", map[string]any{"job": "throttled"})
	if err == nil {
		_, err = stack.Wait(ctx, arn)
	}
	if off := stack.Setting(ctx, "DYNAMODB_ERROR_PROBABILITY", 0); off != nil {
		t.Fatal(off)
	}
	if err != nil {
		t.Fatal(err)
	}
	succeeds(t, arn)
	whole(t, "throttled")
}

// execution is the ARN of a run's execution.
func execution(run string) string {
	return strings.Replace(stack.Outputs[infra.OutputMachine], ":stateMachine:", ":execution:", 1) + ":" + run
}

// succeeds waits for an execution's good end.
func succeeds(t *testing.T, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	end, err := stack.Wait(within(t), arn)
	if err != nil {
		t.Fatal(err)
	}
	if end.Status != types.ExecutionStatusSucceeded {
		events, _ := stack.History(within(t), arn)
		t.Fatalf("%s ended %s: %v", arn, end.Status, stacktest.Failures(events))
	}
	return end
}

// stopInTheMiddle starts a run and ends its execution when a batch is committed. LocalStack calls such an end FAILED rather than ABORTED.
func stopInTheMiddle(t *testing.T, job string) {
	t.Helper()
	ctx := within(t)
	arn, err := stack.Start(ctx, job, map[string]any{"job": job})
	if err != nil {
		t.Fatal(err)
	}
	if err := stacktest.Poll(ctx, often, func() (bool, error) {
		run, err := stack.Store.Run(ctx, job, job)
		if err != nil {
			return false, nil // Acquire has not made its row yet
		}
		return run.Counters.Loaded > 0, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := stack.SFN.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &arn, Error: aws.String("Stopped"), Cause: aws.String("by a test")}); err != nil {
		t.Fatal(err)
	}
	end, err := stack.Wait(ctx, arn)
	if err != nil {
		t.Fatal(err)
	}
	if end.Status != types.ExecutionStatusAborted && end.Status != types.ExecutionStatusFailed {
		t.Fatalf("the execution ended %s", end.Status)
	}
}

// free waits until nobody holds the job, and it ended as it should.
func free(t *testing.T, job string, want store.Status) {
	t.Helper()
	ctx := within(t)
	var lock store.Lock
	if err := stacktest.Poll(ctx, often, func() (bool, error) {
		var err error
		lock, err = stack.Store.Lock(ctx, job)
		return lock.Status != store.InProgress, err
	}); err != nil {
		t.Fatalf("job %s is held still: %+v: %v", job, lock, err)
	}
	if lock.Status != want {
		t.Errorf("job %s is %s, want %s", job, lock.Status, want)
	}
}

// goesOn starts runs of the job until one is not held back after the failure, and looks at what arrived.
func goesOn(t *testing.T, job string) {
	t.Helper()
	ctx := within(t)
	n := 0
	if err := stacktest.Poll(ctx, time.Second, func() (bool, error) {
		n++
		arn, err := stack.Start(ctx, job+"-"+string(rune('a'+n%26))+time.Now().UTC().Format("150405.000"), map[string]any{"job": job})
		if err != nil {
			return false, err
		}
		return strings.Contains(*succeeds(t, arn).Output, `"loaded"`), nil
	}); err != nil {
		t.Fatal(err)
	}
	whole(t, job)
}

// whole holds what arrived against an independent reader of the input: each row once, in its order.
func whole(t *testing.T, job string) {
	t.Helper()
	f, err := os.Open(example("data", day, countries))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range all[1:] {
		want = append(want, r[0]+" "+r[1])
	}
	_, data := rows(t, "deployed/"+job)
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		var r struct {
			ID   json.Number `json:"id"`
			Code string      `json:"code"`
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		got = append(got, r.ID.String()+" "+r.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file (-) and what arrived (+):\n%s", diff)
	}
}
