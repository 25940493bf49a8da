package asl

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

var runs = []struct{ name, states, input, want string }{
	{"pass gives its input", `"A": {"Type": "Pass", "End": true}`, `{"a": 1}`, `SUCCEEDED {"a":1}`},
	{"pass keeps a large integer", `"A": {"Type": "Pass", "End": true}`, `{"a":9007199254740993}`, `SUCCEEDED {"a":9007199254740993}`},
	{"output of mixed parts", `"A": {"Type": "Pass", "End": true, "Output": {"a": "{% $states.input.a + 1 %}", "b": ["x", "{% 2 %}"]}}`, `{"a": 1}`,
		`SUCCEEDED {"a":2,"b":["x",2]}`},
	{"output null", `"A": {"Type": "Pass", "End": true, "Output": null}`, `{}`, `SUCCEEDED null`},
	{"no input is an empty object", `"A": {"Type": "Pass", "End": true}`, ``, `SUCCEEDED {}`},
	{"output of nothing", `"A": {"Type": "Pass", "End": true, "Output": "{% $states.input.no %}"}`, `{}`, `FAILED States.QueryEvaluationError`},
	{"output of a function", `"A": {"Type": "Pass", "End": true, "Output": "{% function() { 1 } %}"}`, `{}`, `FAILED States.Runtime`},
	{"input that is no JSON", `"A": {"Type": "Pass", "End": true}`, `{`, `FAILED States.Runtime`},
	{"assign is seen in the next state", `"A": {"Type": "Pass", "Assign": {"x": "{% $states.input.a %}"}, "Next": "B"},
		"B": {"Type": "Pass", "Output": "{% $x + 1 %}", "End": true}`, `{"a": 1}`, `SUCCEEDED 2`},
	{"assign is not seen in the same state", `"A": {"Type": "Pass", "Assign": {"x": 1}, "Output": "{% $exists($x) %}", "End": true}`, `{}`, `SUCCEEDED false`},
	{"assign reads old values", `"A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "B"},
		"B": {"Type": "Pass", "Assign": {"x": "{% $x + 1 %}"}, "Output": "{% $x %}", "Next": "C"},
		"C": {"Type": "Pass", "Output": "{% [$states.input, $x] %}", "End": true}`, `{}`, `SUCCEEDED [1,2]`},
	{"context object", `"A": {"Type": "Pass", "End": true, "Output": "{% [$states.context.Execution.Id, $states.context.Execution.Name, $states.context.Execution.StartTime, $string($states.context.Execution.RedriveCount), $states.context.State.Name, $states.context.State.EnteredTime, $states.context.StateMachine.Id, $states.context.Execution.Input.a] %}"}`, `{"a": "i"}`,
		`SUCCEEDED ["x","x","2026-11-22T17:31:06.028Z","0","A","2026-11-22T17:31:06.028Z","m","i"]`},
	{"choice takes the first", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "B"}, {"Condition": "{% true %}", "Next": "C"}], "Default": "B"},
		"B": {"Type": "Fail"}, "C": {"Type": "Succeed"}`, `{}`, `SUCCEEDED {}`},
	{"choice by default", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "B"}], "Default": "C", "Output": "d"},
		"B": {"Type": "Fail"}, "C": {"Type": "Succeed"}`, `{}`, `SUCCEEDED "d"`},
	{"choice's rule has its own output and assign", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "C", "Output": "r", "Assign": {"v": 1}}], "Output": "d", "Assign": {"v": 2}},
		"C": {"Type": "Succeed", "Output": "{% [$states.input, $v] %}"}`, `{}`, `SUCCEEDED ["r",1]`},
	{"choice without match", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% false %}", "Next": "C"}]}, "C": {"Type": "Succeed"}`, `{}`, `FAILED States.Runtime`},
	{"condition that is no boolean", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "C"}]}, "C": {"Type": "Succeed"}`, `{}`, `FAILED States.QueryEvaluationError`},
	{"condition of nothing", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.no %}", "Next": "C"}]}, "C": {"Type": "Succeed"}`, `{}`, `FAILED States.QueryEvaluationError`},
	{"wait seconds", `"A": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "End": true}`, `{"s": 7}`, `SUCCEEDED {"s":7}`},
	{"wait for a time", `"A": {"Type": "Wait", "Timestamp": "2026-11-22T17:31:16.028Z", "End": true}`, `{}`, `SUCCEEDED {}`},
	{"wait for a bad time", `"A": {"Type": "Wait", "Timestamp": "{% 'soon' %}", "End": true}`, `{}`, `FAILED States.QueryEvaluationError`},
	{"wait for half a second", `"A": {"Type": "Wait", "Seconds": "{% 0.5 %}", "End": true}`, `{}`, `FAILED States.QueryEvaluationError`},
	{"succeed with output", `"A": {"Type": "Succeed", "Output": "{% 1 %}"}`, `{}`, `SUCCEEDED 1`},
	{"fail", `"A": {"Type": "Fail", "Error": "{% 'My' & $states.input.e %}", "Cause": "c"}`, `{"e": "Error"}`, `FAILED MyError`},
	{"fail with nothing", `"A": {"Type": "Fail"}`, `{}`, `FAILED`},
	{"parallel", `"A": {"Type": "Parallel", "Arguments": {"a": 1}, "Output": "{% $states.result[1] %}", "End": true, "Branches": [
		{"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}, {"StartAt": "C", "States": {"C": {"Type": "Pass", "Output": "{% $states.input.a %}", "End": true}}}]}`,
		`{}`, `SUCCEEDED 1`},
	{"parallel fails with its branch", `"A": {"Type": "Parallel", "End": true, "Branches": [
		{"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "E"}}}, {"StartAt": "C", "States": {"C": {"Type": "Wait", "Seconds": 999, "End": true}}}]}`,
		`{}`, `FAILED E`},
	{"parallel's failure is caught", `"A": {"Type": "Parallel", "End": true, "Catch": [{"ErrorEquals": ["E"], "Next": "Z", "Output": "{% $states.errorOutput %}"}],
		"Branches": [{"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "E", "Cause": "c"}}}]}, "Z": {"Type": "Succeed"}`,
		`{}`, `SUCCEEDED {"Cause":"c","Error":"E"}`},
	{"too large a payload", `"A": {"Type": "Pass", "End": true, "Output": "{% $pad('', 300000, 'x') %}"}`, `{}`, `FAILED States.DataLimitExceeded`},
}

func TestInterpreter_Run(t *testing.T) {
	for _, c := range runs {
		t.Run(c.name, func(t *testing.T) {
			check(t, newRig(t, jsonataStates(c.states)).run(t, c.input), c.want)
		})
	}
}

func TestInterpreter_Run_UnknownMachine(t *testing.T) {
	in := &Interpreter{}
	check(t, in.Run(t.Context(), Execution{StateMachine: StateMachine{ID: "no"}}), "FAILED StepFunctions.StateMachineDoesNotExistException")
}

func TestInterpreter_Run_QueryErrorNamesTheField(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "End": true, "Output": {"result": "{% $no %}"}}`))
	got := r.run(t, `{}`)
	want := "An error occurred while executing the state 'B' (entered at the event id #4). The JSONata expression '$no' specified for the field 'Output/result' returned nothing (undefined)."
	if got.Cause != want {
		t.Errorf("cause is %s", got.Cause)
	}
	last := r.rec.events[len(r.rec.events)-2]
	if last.Type != "EvaluationFailed" || last.Location != "Output/result" || last.PreviousID != 3 {
		t.Errorf("event is %+v", last)
	}
}

func TestInterpreter_Run_Waits(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Wait", "Seconds": 7, "Next": "B"}, "B": {"Type": "Wait", "Timestamp": "2026-11-22T17:31:16.028Z", "End": true}`))
	check(t, r.run(t, `{}`), "SUCCEEDED {}")
	if w := r.clock.waited(); len(w) != 2 || w[0] != 7 || w[1] != 3 {
		t.Errorf("waited %v", w)
	}
}

func TestTask_ArgumentsAndResult(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "${Double}", "Arguments": {"n": "{% $states.input.n %}"},
		"Assign": {"was": "{% $states.result.n %}"}, "Output": "{% $states.result.n * 2 %}", "Next": "B"},
		"B": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:111111111111:function:f", "Arguments": "{% [$states.input, $was] %}", "End": true}`))
	r.Tasks["Double"] = echo
	r.Tasks["arn:aws:lambda:eu-west-1:111111111111:function:f"] = echo
	check(t, r.run(t, `{"n": 3}`), "SUCCEEDED [6,3]")
	want := "ExecutionStarted TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded TaskStateExited " +
		"TaskStateEntered LambdaFunctionScheduled LambdaFunctionStarted LambdaFunctionSucceeded TaskStateExited ExecutionSucceeded"
	if got := r.rec.types(); got != want {
		t.Errorf("events are %s", got)
	}
	for i, e := range r.rec.events {
		if prev := int64(max(i, 0)); e.ID != int64(i)+1 || i > 1 && e.PreviousID != prev || i <= 1 && e.PreviousID != 0 {
			t.Errorf("event %d is %+v", i, e)
		}
	}
}

func TestTask_ServiceEvents(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Arguments": {"a": 1}, "TimeoutSeconds": 600, "End": true}`))
	r.Tasks["arn:aws:states:::sqs:sendMessage"] = answer(`{}`)
	check(t, r.run(t, `{}`), "SUCCEEDED {}")
	e := r.rec.events[2]
	if e.Type != "TaskScheduled" || e.Resource != "sendMessage" || e.ResourceType != "sqs" || string(e.Parameters) != `{"a":1}` || e.TimeoutInSeconds != 600 {
		t.Errorf("event is %+v", e)
	}
}

func TestTask_Failures(t *testing.T) {
	for _, c := range []struct {
		name string
		task Task
		want string
	}{
		{"none registered", nil, "FAILED Lambda.ResourceNotFoundException"},
		{"no JSON", answer(`{`), "FAILED States.Runtime"},
		{"nothing is null", answer(``), "SUCCEEDED null"},
		{"too large", answer(`"` + strings.Repeat("x", MaxPayload) + `"`), "FAILED States.DataLimitExceeded"},
		{"an error without name", failing(context.DeadlineExceeded), "FAILED Lambda.Unknown"},
		{"an error with a name", failing(&Error{Name: "E"}), "FAILED E"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "f", "End": true}`))
			if c.task != nil {
				r.Tasks["f"] = c.task
			}
			check(t, r.run(t, `{}`), c.want)
		})
	}
}

func TestChild(t *testing.T) {
	const states = `"A": {"Type": "Choice", "Choices": [{"Condition": "{% $exists($states.input.leg) %}", "Next": "Leg"}], "Default": "Child"},
		"Leg": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.leg > 2 %}", "Next": "Bad"}], "Default": "Good"},
		"Good": {"Type": "Succeed", "Output": {"leg": "{% $states.input.leg %}", "id": "{% $states.context.Execution.Id %}"}},
		"Bad": {"Type": "Fail", "Error": "E", "Cause": "c"},
		"Child": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": true,
			"Arguments": {"StateMachineArn": "{% $states.context.StateMachine.Id %}", "Name": "kid", "Input": {"leg": "{% $states.input.n %}"}},
			"Output": "{% $states.result.Output %}"}`
	t.Run("its output is JSON", func(t *testing.T) {
		check(t, newRig(t, jsonataStates(states)).run(t, `{"n": 2}`), `SUCCEEDED {"id":"m:kid","leg":2}`)
	})
	t.Run("its failure is the task's", func(t *testing.T) {
		got := newRig(t, jsonataStates(states)).run(t, `{"n": 3}`)
		check(t, got, "FAILED States.TaskFailed")
		var a struct{ Status, Error, Cause, Name string }
		if err := json.Unmarshal([]byte(got.Cause), &a); err != nil || a.Status != "FAILED" || a.Error != "E" || a.Name != "kid" {
			t.Errorf("cause is %s", got.Cause)
		}
	})
}

func TestChild_Patterns(t *testing.T) {
	for _, c := range []struct{ pattern, output string }{
		{"", `["undefined","string"]`}, {".sync", `["string","string"]`}, {".sync:2", `["object","string"]`},
	} {
		t.Run("startExecution"+c.pattern, func(t *testing.T) {
			r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution`+c.pattern+`", "End": true,
				"Arguments": {"StateMachineArn": "kid", "Input": {"a": 1}},
				"Output": "{% [$exists($states.result.Output) ? $type($states.result.Output) : 'undefined', $type($states.result.ExecutionArn)] %}"}`))
			kid, err := Load([]byte(jsonataStates(`"A": {"Type": "Pass", "End": true}`)))
			if err != nil {
				t.Fatal(err)
			}
			r.Machines["kid"] = kid
			check(t, r.run(t, `{}`), "SUCCEEDED "+c.output)
			if submitted := strings.Contains(r.rec.types(), "TaskSubmitted"); submitted != (c.pattern != "") {
				t.Errorf("submitted: %v", submitted)
			}
		})
	}
}

func TestChild_Endless(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": true,
		"Arguments": {"StateMachineArn": "m", "Name": "kid"}}`))
	r.Observer = nil
	check(t, r.run(t, `{}`), "FAILED States.TaskFailed")
}
