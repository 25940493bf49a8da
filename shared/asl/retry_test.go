package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func errs(names ...string) []error {
	var out []error
	for _, n := range names {
		out = append(out, &Error{Name: n, Cause: "because"})
	}
	return out
}

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		name, retry string
		errs        []error
		want        string
		waits       []float64
	}{
		{"no retrier takes it", `{"ErrorEquals": ["E"]}`, errs("F"), "FAILED F", nil},
		{"defaults", `{"ErrorEquals": ["E"]}`, errs("E", "E", "E"), `SUCCEEDED "ok"`, []float64{1, 2, 4}},
		{"attempts used up", `{"ErrorEquals": ["E"], "MaxAttempts": 1}`, errs("E", "E"), "FAILED E", []float64{1}},
		{"no attempts", `{"ErrorEquals": ["E"], "MaxAttempts": 0}`, errs("E"), "FAILED E", nil},
		{"delay is bounded", `{"ErrorEquals": ["E"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxDelaySeconds": 5, "MaxAttempts": 4}`, errs("E", "E", "E", "E"),
			`SUCCEEDED "ok"`, []float64{2, 5, 5, 5}},
		{"full jitter", `{"ErrorEquals": ["E"], "IntervalSeconds": 4, "JitterStrategy": "FULL"}`, errs("E", "E"), `SUCCEEDED "ok"`, []float64{2, 4}},
		{"each retrier counts its own", `{"ErrorEquals": ["E"], "MaxAttempts": 2}, {"ErrorEquals": ["F"], "IntervalSeconds": 10, "MaxAttempts": 1}`,
			errs("E", "F", "E"), `SUCCEEDED "ok"`, []float64{1, 10, 2}},
		{"each retrier is used up alone", `{"ErrorEquals": ["E"], "MaxAttempts": 1}, {"ErrorEquals": ["F"], "MaxAttempts": 1}`, errs("E", "F", "F"), "FAILED F", []float64{1, 1}},
		{"all", `{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}`, errs("Whatever"), `SUCCEEDED "ok"`, []float64{1}},
		{"all takes a time-out", `{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}`, errs("States.Timeout"), `SUCCEEDED "ok"`, []float64{1}},
		{"all takes the data limit of a task", `{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}`, errs("States.DataLimitExceeded"), `SUCCEEDED "ok"`, []float64{1}},
		{"the data limit by name", `{"ErrorEquals": ["States.DataLimitExceeded"], "MaxAttempts": 1}`, errs("States.DataLimitExceeded"), `SUCCEEDED "ok"`, []float64{1}},
		{"all does not take a runtime error", `{"ErrorEquals": ["States.ALL"]}`, errs("States.Runtime"), "FAILED States.Runtime", nil},
		{"task failed", `{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}`, errs("E"), `SUCCEEDED "ok"`, []float64{1}},
		{"task failed is no time-out", `{"ErrorEquals": ["States.TaskFailed"]}`, errs("States.Timeout"), "FAILED States.Timeout", nil},
		{"a time-out is a missed heartbeat too", `{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1}`, errs("States.HeartbeatTimeout"), `SUCCEEDED "ok"`, []float64{1}},
		{"a name deep in the chain", `{"ErrorEquals": ["E"], "MaxAttempts": 1}`, []error{fmt.Errorf("load batch: %w", &Error{Name: "E"})}, `SUCCEEDED "ok"`, []float64{1}},
		{"an error without a name", `{"ErrorEquals": ["Lambda.Unknown"], "MaxAttempts": 1}`, []error{errors.New("boom")}, `SUCCEEDED "ok"`, []float64{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Retry": [`+c.retry+`], "End": true}`))
			r.Tasks["f"] = failing(c.errs...)
			check(t, r.run(t, `{}`), c.want)
			if d := cmp.Diff(r.clock.waited(), c.waits); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRetry_CountIsInTheContext(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Retry": [{"ErrorEquals": ["E"]}, {"ErrorEquals": ["F"]}], "End": true,
		"Arguments": "{% [$states.context.State.RetryCount, $states.context.State.EnteredTime] %}"}`))
	next := failing(errs("E", "F")...)
	var seen []string
	r.Tasks["f"] = func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		seen = append(seen, string(arguments))
		return next(ctx, arguments)
	}
	check(t, r.run(t, `{}`), `SUCCEEDED "ok"`)
	var want []string
	for i := range 3 {
		want = append(want, fmt.Sprintf(`[%d,"2026-11-22T17:31:06.028Z"]`, i))
	}
	if d := cmp.Diff(seen, want); d != "" {
		t.Error(d)
	}
}

func TestRetry_Map(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Map", "Items": [1], "Retry": [{"ErrorEquals": ["E"]}], "End": true,
		"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "End": true}}}}`))
	r.Tasks["f"] = failing(errs("E")...)
	check(t, r.run(t, `{}`), `SUCCEEDED ["ok"]`)
}

func TestCatch(t *testing.T) {
	for _, c := range []struct{ name, catch, want string }{
		{"error output", `{"ErrorEquals": ["E"], "Next": "Z"}`, `SUCCEEDED {"Cause":"because","Error":"E"}`},
		{"own output", `{"ErrorEquals": ["E"], "Next": "Z", "Output": "{% [$states.input.a, $states.errorOutput.Error, $exists($states.result)] %}"}`, `SUCCEEDED [1,"E",false]`},
		{"assign", `{"ErrorEquals": ["E"], "Next": "Y", "Assign": {"why": "{% $states.errorOutput.Cause %}"}}`, `SUCCEEDED "because"`},
		{"the first that matches", `{"ErrorEquals": ["F"], "Next": "Y"}, {"ErrorEquals": ["States.ALL"], "Next": "Z", "Output": 1}`, `SUCCEEDED 1`},
		{"none that matches", `{"ErrorEquals": ["F"], "Next": "Z"}`, `FAILED E`},
		{"its own output fails", `{"ErrorEquals": ["E"], "Next": "Z", "Output": "{% $no %}"}`, `FAILED States.QueryEvaluationError`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Load([]byte(jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Catch": [` + c.catch + `], "Next": "Y"},
				"Y": {"Type": "Pass", "Output": "{% $why %}", "Next": "Z"}, "Z": {"Type": "Succeed"}`)))
			if err != nil {
				t.Fatal(err)
			}
			in := &Interpreter{Machines: map[string]*Machine{"m": m}, Tasks: map[string]Task{"f": failing(errs("E")...)}}
			check(t, in.Run(t.Context(), Execution{StateMachine: StateMachine{ID: "m"}, Input: json.RawMessage(`{"a": 1}`)}), c.want)
		})
	}
}

func TestCatch_AllDoesNotTakeTheStatesOwnDataLimit(t *testing.T) {
	for _, c := range []struct{ name, want string }{{"States.ALL", "FAILED States.DataLimitExceeded"}, {"States.DataLimitExceeded", "SUCCEEDED 1"}} {
		r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Output": "{% $pad('', 300000, 'x') %}", "End": true,
			"Catch": [{"ErrorEquals": ["`+c.name+`"], "Next": "Z", "Output": 1}]}, "Z": {"Type": "Succeed"}`))
		r.Tasks["f"] = echo
		check(t, r.run(t, `{}`), c.want)
	}
}

func TestCatch_QueryErrorOfArguments(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "Arguments": "{% $no %}", "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Z", "Output": 1}], "End": true}, "Z": {"Type": "Succeed"}`))
	check(t, r.run(t, `{}`), `SUCCEEDED 1`)
}

func TestTimeout_Task(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "TimeoutSeconds": "{% 5 %}", "Catch": [{"ErrorEquals": ["States.Timeout"], "Next": "Z"}], "End": true}, "Z": {"Type": "Succeed", "Output": 1}`))
		r.Clock = nil
		r.Tasks["f"] = hang
		start := time.Now()
		check(t, r.run(t, `{}`), `SUCCEEDED 1`)
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("took %s", d)
		}
	})
}

func TestTimeout_Machine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, `{"QueryLanguage": "JSONata", "TimeoutSeconds": 60, "StartAt": "A", "States": {"A": {"Type": "Map", "Items": [1, 2], "End": true,
			"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
			"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "Retry": [{"ErrorEquals": ["States.ALL"]}], "End": true}}}}, "Z": {"Type": "Succeed"}}}`)
		r.Clock = nil
		r.Tasks["f"] = hang
		start := time.Now()
		check(t, r.run(t, `{}`), "TIMED_OUT States.Timeout")
		if d := time.Since(start); d != time.Minute {
			t.Errorf("took %s", d)
		}
	})
}

func TestAbort(t *testing.T) {
	for _, c := range []struct{ name, states string }{
		{"in a task", `"A": {"Type": "Task", "Resource": "f", "TimeoutSeconds": 900, "Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "End": true}, "Z": {"Type": "Succeed"}`},
		{"in a map", mapOf},
		{"in a parallel", `"A": {"Type": "Parallel", "End": true, "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "End": true}}}, {"StartAt": "C", "States": {"C": {"Type": "Wait", "Seconds": 900, "End": true}}}]}`},
		{"in a wait", `"A": {"Type": "Wait", "Seconds": 900, "End": true}`},
		{"between retries", `"A": {"Type": "Task", "Resource": "bad", "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 900}], "End": true}`},
		{"in a child", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.kid %}", "Next": "T"}], "Default": "K"}, "T": {"Type": "Task", "Resource": "f", "End": true},
			"K": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Arguments": {"StateMachineArn": "m", "Name": "k", "Input": {"kid": true}}, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "End": true}, "Z": {"Type": "Succeed"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, jsonataStates(c.states))
				r.Clock = nil
				r.Tasks["f"] = hang
				r.Tasks["bad"] = func(context.Context, json.RawMessage) (json.RawMessage, error) { return nil, &Error{Name: "E"} }
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(10*time.Second, cancel)
				start := time.Now()
				got := r.Run(ctx, Execution{StateMachine: StateMachine{ID: "m"}, Input: json.RawMessage(`{"items": [1, 2, 3], "n": 2, "kid": false}`)})
				check(t, got, "ABORTED")
				if d := time.Since(start); d != 10*time.Second {
					t.Errorf("took %s", d)
				}
			})
		})
	}
}
