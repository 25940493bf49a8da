package corpus

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

const redriven = `{"QueryLanguage": "JSONata", "StartAt": "First", "States": {
	"First": {"Type": "Pass", "Assign": {"x": 5}, "Next": "Each"},
	"Each": {"Type": "Map", "Items": [1, 2, 3], "MaxConcurrency": 1, "Next": "Last", "ItemProcessor": {"StartAt": "Work", "States": {
		"Work": {"Type": "Task", "Resource": "f", "Arguments": "{% $states.input * $x %}", "End": true}}}},
	"Last": {"Type": "Succeed"}}}`

// failedOnce is how a run of redriven went whose second item failed.
func failedOnce(t *testing.T) (Case, Outcome) {
	t.Helper()
	c := Case{ID: "c", Type: "STANDARD", Definition: json.RawMessage(redriven), Answers: map[string][]Answer{"Work": {
		{Match: json.RawMessage(`5`), Output: json.RawMessage(`"a"`)}, {Match: json.RawMessage(`10`), Error: &AnswerError{}}}}}
	out := Run(t.Context(), &c, 10*time.Second)
	if out.Status != "FAILED" || out.Problem != "" {
		t.Fatalf("got %s %s", out.Status, out.Problem)
	}
	c.Answers = map[string][]Answer{"Work": {{Match: json.RawMessage(`10`), Output: json.RawMessage(`"b"`)}, {Match: json.RawMessage(`15`), Output: json.RawMessage(`"c"`)}}}
	return c, out
}

// TestRedrive_History: a redrive from a printed history does only what did not succeed, and its own history goes on behind.
func TestRedrive_History(t *testing.T) {
	c, failed := failedOnce(t)
	text, err := json.Marshal(failed)
	if err != nil {
		t.Fatal(err)
	}
	if c.History, err = ReadHistory(text); err != nil {
		t.Fatal(err)
	}
	out := Run(t.Context(), &c, 10*time.Second)
	if out.Status != "SUCCEEDED" || string(out.Output) != `["a","b","c"]` || out.Problem != "" {
		t.Fatalf("got %s %s %s", out.Status, out.Output, out.Problem)
	}
	first := out.Events[0]
	if first.Type != "ExecutionRedriven" || *first.ID != int64(len(failed.Events))+1 || slices.ContainsFunc(out.Events, func(e Event) bool { return e.State == "First" }) {
		t.Errorf("the history goes on with %+v", first)
	}
	both, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	if c.History, err = ReadHistory(append(append(text, '\n'), both...)); err != nil {
		t.Fatal(err)
	}
	if out = Run(t.Context(), &c, 10*time.Second); out.Status != "ERROR" || out.Problem != "ExecutionNotRedrivable: the execution succeeded" {
		t.Errorf("after success: %s %s", out.Status, out.Problem)
	}
}

// serviceHistory is an execution of redriven as GetExecutionHistory tells it; the times are those of the API.
const serviceHistory = `{"events": [
	{"id": 1, "previousEventId": 0, "type": "ExecutionStarted", "timestamp": 1795348800.5, "executionStartedEventDetails": {"input": "{}", "inputDetails": {"truncated": false}}},
	{"id": 2, "previousEventId": 0, "type": "PassStateEntered", "timestamp": 1795348801, "stateEnteredEventDetails": {"name": "First", "input": "{}"}},
	{"id": 3, "previousEventId": 2, "type": "PassStateExited", "timestamp": 1795348801, "stateExitedEventDetails": {"name": "First", "output": "{}", "assignedVariables": {"x": "5"}}},
	{"id": 4, "previousEventId": 3, "type": "MapStateEntered", "timestamp": 1795348801, "stateEnteredEventDetails": {"name": "Each", "input": "{}"}},
	{"id": 5, "previousEventId": 4, "type": "MapStateStarted", "timestamp": 1795348801, "mapStateStartedEventDetails": {"length": 3}},
	{"id": 6, "previousEventId": 5, "type": "MapIterationStarted", "timestamp": 1795348801, "mapIterationStartedEventDetails": {"name": "Each", "index": 0}},
	{"id": 7, "previousEventId": 6, "type": "TaskStateEntered", "timestamp": 1795348801, "stateEnteredEventDetails": {"name": "Work", "input": "1"}},
	{"id": 8, "previousEventId": 7, "type": "LambdaFunctionScheduled", "timestamp": 1795348801, "lambdaFunctionScheduledEventDetails": {"resource": "f", "input": "5"}},
	{"id": 9, "previousEventId": 8, "type": "LambdaFunctionStarted", "timestamp": 1795348801},
	{"id": 10, "previousEventId": 9, "type": "LambdaFunctionSucceeded", "timestamp": 1795348801, "lambdaFunctionSucceededEventDetails": {"output": "\"a\""}},
	{"id": 11, "previousEventId": 10, "type": "TaskStateExited", "timestamp": 1795348801, "stateExitedEventDetails": {"name": "Work", "output": "\"a\""}},
	{"id": 12, "previousEventId": 11, "type": "MapIterationSucceeded", "timestamp": 1795348801, "mapIterationSucceededEventDetails": {"name": "Each", "index": 0}},
	{"id": 13, "previousEventId": 11, "type": "MapIterationStarted", "timestamp": 1795348801, "mapIterationStartedEventDetails": {"name": "Each", "index": 1}},
	{"id": 14, "previousEventId": 13, "type": "TaskStateEntered", "timestamp": 1795348801, "stateEnteredEventDetails": {"name": "Work", "input": "2"}},
	{"id": 15, "previousEventId": 14, "type": "LambdaFunctionScheduled", "timestamp": 1795348801, "lambdaFunctionScheduledEventDetails": {"resource": "f", "input": "10"}},
	{"id": 16, "previousEventId": 15, "type": "ExecutionAborted", "timestamp": "2026-11-22T12:05:00.5Z", "executionAbortedEventDetails": {}}]}`

// TestRedrive_Service: the history of an execution on AWS says where to go on; its times bound when.
func TestRedrive_Service(t *testing.T) {
	c, _ := failedOnce(t)
	events, err := ReadHistory([]byte(serviceHistory))
	if err != nil {
		t.Fatal(err)
	}
	c.History, c.Clock = events, "2026-12-01T00:00:00Z"
	if out := Run(t.Context(), &c, 10*time.Second); out.Status != "SUCCEEDED" || string(out.Output) != `["a","b","c"]` || out.Problem != "" {
		t.Errorf("got %s %s %s", out.Status, out.Output, out.Problem)
	}
	for want, change := range map[string]func(){
		"more than 14 days ago": func() { c.Clock = "2026-12-06T12:05:01Z" },
		"a year ago":            func() { c.Clock = ""; c.History[0].Time = c.History[0].Time.AddDate(-2, 0, 0) },
		"no room": func() {
			many := slices.Repeat([]asl.Event{{Type: "LambdaFunctionStarted", PreviousID: 8}}, 24_999-len(c.History))
			c.History = slices.Concat(c.History[:9], many, c.History[9:])
			for i := range c.History {
				c.History[i].ID = int64(i) + 1
			}
		},
		"not whole":        func() { c.History = slices.Delete(c.History, 3, 4) },
		"does not come to": func() { c.History = c.History[:10] },
	} {
		c.Clock, c.History = "2026-12-01T00:00:00Z", slices.Clone(events)
		change()
		if out := Run(t.Context(), &c, 10*time.Second); out.Status != "ERROR" || !strings.Contains(out.Problem, "ExecutionNotRedrivable: ") || !strings.Contains(out.Problem, want) {
			t.Errorf("%s: got %s %s", want, out.Status, out.Problem)
		}
	}
}

// TestRedrive_Recorded: the histories that the service recorded of executions that failed tell where they stopped, as ours do.
func TestRedrive_Recorded(t *testing.T) {
	files, err := filepath.Glob("testdata/case/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	for _, file := range files {
		some, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, some...)
	}
	n := 0
	for _, c := range cases {
		if c.Recorded.Status != "FAILED" || c.Type == "EXPRESS" || len(c.Recorded.Events) == 0 || c.OrderScrubbed {
			continue
		}
		m, err := asl.Parse(c.definition())
		if err != nil {
			continue
		}
		stopped := func(events []Event) (string, string) {
			text, err := json.Marshal(Outcome{Events: events})
			if err != nil {
				t.Fatal(err)
			}
			history, err := ReadHistory(text)
			if err != nil {
				t.Fatalf("%s: %v", c.ID, err)
			}
			_, res := asl.Recall(m, history, time.Time{})
			return res.StoppedIn(), res.Error + " " + res.Cause
		}
		theirs, why := stopped(c.Recorded.Events)
		ours, _ := stopped(Run(context.WithoutCancel(t.Context()), &c, 10*time.Second).Events)
		if theirs == "" || theirs != ours {
			t.Errorf("%s: the recorded execution stopped in %q (%s), ours in %q", c.ID, theirs, why, ours)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d recorded executions failed", n)
	}
	t.Logf("%d recorded executions that failed can be redriven from where they stopped", n)
}
