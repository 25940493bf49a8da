package asl

import (
	"strings"
	"testing"
)

// jsonPathStates makes a definition out of its states, beginning at A.
func jsonPathStates(states string) string { return `{"StartAt": "A", "States": {` + states + `}}` }

var jsonPathRuns = []struct{ name, states, input, want string }{
	{"all fields in their order", `"A": {"Type": "Task", "Resource": "f", "InputPath": "$.in", "Parameters": {"x.$": "$.v", "fixed": 1}, "ResultSelector": {"y.$": "$.x"},
		"ResultPath": "$.out", "OutputPath": "$.out", "End": true}`, `{"in": {"v": 7}}`, `SUCCEEDED {"y":7}`},
	{"null paths", `"A": {"Type": "Task", "Resource": "f", "InputPath": null, "ResultPath": null, "End": true}`, `{"a": 1}`, `SUCCEEDED {"a":1}`},
	{"null OutputPath", `"A": {"Type": "Pass", "OutputPath": null, "End": true}`, `{"a": 1}`, `SUCCEEDED {}`},
	{"templates in arrays", `"A": {"Type": "Pass", "Parameters": {"l": [{"a.$": "$.v"}, 2]}, "End": true}`, `{"v": 1}`, `SUCCEEDED {"l":[{"a":1},2]}`},
	{"a result is taken as it is", `"A": {"Type": "Pass", "Result": {"a.$": "$.v"}, "End": true}`, `{}`, `SUCCEEDED {"a.$":"$.v"}`},
	{"a missing path in a template", `"A": {"Type": "Pass", "Parameters": {"a.$": "$.no"}, "End": true}`, `{}`, `FAILED States.Runtime`},
	{"a missing InputPath", `"A": {"Type": "Pass", "InputPath": "$.no", "End": true}`, `{}`, `FAILED States.Runtime`},
	{"a ResultPath with no place", `"A": {"Type": "Pass", "Result": 1, "ResultPath": "$.a.b", "End": true}`, `{"a": 1}`, `FAILED States.ResultPathMatchFailure`},
	{"variables", `"A": {"Type": "Pass", "Assign": {"x.$": "$.v", "k": "$.v"}, "Next": "B"}, "B": {"Type": "Pass", "Parameters": {"x.$": "$x", "k.$": "$k"}, "End": true}`,
		`{"v": [1]}`, `SUCCEEDED {"k":"$.v","x":[1]}`},
	{"an undefined variable", `"A": {"Type": "Pass", "Parameters": {"x.$": "$no"}, "End": true}`, `{}`, `FAILED States.Runtime`},
	{"the result is what Assign sees", `"A": {"Type": "Task", "Resource": "f", "Parameters": {"a": 1}, "ResultSelector": {"b.$": "$.a"}, "Assign": {"x.$": "$.b"}, "ResultPath": null, "Next": "B"},
		"B": {"Type": "Pass", "Parameters": {"x.$": "$x"}, "End": true}`, `{}`, `SUCCEEDED {"x":1}`},
	{"choice by path", `"A": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "C"}], "Default": "B"}, "B": {"Type": "Fail"}, "C": {"Type": "Succeed"}`,
		`{"n": 4}`, `SUCCEEDED {"n":4}`},
	{"wait by path", `"A": {"Type": "Wait", "SecondsPath": "$.s", "End": true}`, `{"s": 3}`, `SUCCEEDED {"s":3}`},
	{"wait for less than nothing", `"A": {"Type": "Wait", "SecondsPath": "$.s", "End": true}`, `{"s": -3}`, `FAILED States.Runtime`},
	{"wait for no time", `"A": {"Type": "Wait", "TimestampPath": "$.s", "End": true}`, `{"s": "soon"}`, `FAILED States.Runtime`},
	{"fail by path", `"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('because {}', $.e)"}`, `{"e": "Bad"}`, `FAILED Bad`},
	{"fail by a path to no text", `"A": {"Type": "Fail", "ErrorPath": "$.e"}`, `{"e": 1}`, `FAILED States.Runtime`},
	{"map", `"A": {"Type": "Map", "InputPath": "$.m", "ItemsPath": "$.items", "ItemSelector": {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "o.$": "$.o"}, "ResultPath": "$.r", "OutputPath": "$.r", "End": true,
		"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`, `{"m": {"items": ["a"], "o": 1}}`, `SUCCEEDED [{"i":0,"o":1,"v":"a"}]`},
	{"map over no array", `"A": {"Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`,
		`{"items": 1}`, `FAILED States.Runtime`},
	{"map with a bad concurrency", `"A": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrencyPath": "$.n", "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`,
		`{"items": [], "n": "many"}`, `FAILED States.Runtime`},
	{"parallel", `"A": {"Type": "Parallel", "Parameters": {"x.$": "$.v"}, "ResultSelector": {"first.$": "$[0].x"}, "ResultPath": "$.r", "End": true,
		"Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}]}`, `{"v": 1}`, `SUCCEEDED {"r":{"first":1},"v":1}`},
	{"catch places the error", `"A": {"Type": "Task", "Resource": "bad", "Catch": [{"ErrorEquals": ["E"], "ResultPath": "$.err", "Next": "Z"}], "End": true}, "Z": {"Type": "Succeed"}`,
		`{"a": 1}`, `SUCCEEDED {"a":1,"err":{"Cause":"because","Error":"E"}}`},
	{"nothing catches a bad path", `"A": {"Type": "Task", "Resource": "f", "OutputPath": "$.no", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}], "End": true}, "Z": {"Type": "Succeed"}`,
		`{}`, `FAILED States.Runtime`},
	{"one state of the other language", `"A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.v + 1 %}", "Next": "B"}, "B": {"Type": "Pass", "Parameters": {"v.$": "$"}, "End": true}`,
		`{"v": 1}`, `SUCCEEDED {"v":2}`},
	{"a missing argument of a service", `"A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"Payload": 1}, "End": true}`, `{}`, `FAILED States.Runtime`},
}

func TestInterpreter_Run_JSONPath(t *testing.T) {
	for _, c := range jsonPathRuns {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, jsonPathStates(c.states))
			r.Tasks["f"] = echo
			r.Tasks["bad"] = failing(errs("E")...)
			check(t, r.run(t, c.input), c.want)
		})
	}
}

func TestParse_WhatIsBadFailsWhenItIsUsed(t *testing.T) {
	for _, states := range []string{
		`"A": {"Type": "Pass", "InputPath": "nowhere", "End": true}`, `"A": {"Type": "Pass", "Result": 1, "ResultPath": "$.*", "End": true}`,
		`"A": {"Type": "Pass", "Parameters": {"a.$": "States.No()"}, "End": true}`, `"A": {"Type": "Pass", "Parameters": {"a.$": "$.["}, "End": true}`,
		`"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEqual": 1, "Next": "B"}], "Default": "B"}, "B": {"Type": "Succeed"}`,
		`"A": {"Type": "Wait", "SecondsPath": "no", "End": true}`, `"A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% ( %}", "End": true}`,
	} {
		m, err := Parse([]byte(jsonPathStates(states)))
		if err != nil {
			t.Errorf("%s: %v", states, err)
			continue
		}
		in := &Interpreter{Machines: map[string]*Machine{"m": m}}
		if got := in.Run(t.Context(), Execution{ID: "x", StateMachine: StateMachine{ID: "m"}}); got.Status != StatusFailed || got.Cause == "" {
			t.Errorf("%s: %s %s", states, got.Status, got.Output)
		}
	}
	for _, states := range []string{`"A": {"Type": "Wait", "SecondsPath": null, "End": true}`, `"A": {"Type": "Wait", "TimestampPath": null, "End": true}`} {
		if _, err := Parse([]byte(jsonPathStates(states))); err == nil {
			t.Errorf("%s is read", states)
		}
	}
}

func TestLimits_Payload(t *testing.T) {
	// The edge: a text of n letters is n+2 bytes of JSON.
	for _, c := range []struct {
		letters int
		want    string
	}{{MaxPayload - 2, "SUCCEEDED"}, {MaxPayload - 1, "FAILED States.DataLimitExceeded"}} {
		for name, states := range map[string]string{
			"input":  `"A": {"Type": "Pass", "End": true}`,
			"answer": `"A": {"Type": "Task", "Resource": "f", "End": true}`,
		} {
			text := `"` + strings.Repeat("x", c.letters) + `"`
			input := text
			r := newRig(t, jsonPathStates(states))
			if name == "answer" {
				r.Tasks["f"], input = answer(text), `{}`
			}
			got := r.run(t, input)
			if status := strings.TrimSpace(string(got.Status) + " " + got.Error); status != c.want {
				t.Errorf("%s of %d letters: %s, want %s", name, c.letters, status, c.want)
			}
		}
	}
}

func TestLimits_Variables(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Pass", "Assign": {"x": "{% $pad('', 262150, 'x') %}"}, "End": true}`))
	check(t, r.run(t, `{}`), "FAILED States.DataLimitExceeded")
	states := []string{}
	for i := range 42 { // 42 × 256,000 bytes are over 10 MiB
		name := string(rune('A'+i%26)) + strings.Repeat("a", i/26)
		next := `"Next": "` + string(rune('A'+(i+1)%26)) + strings.Repeat("a", (i+1)/26) + `"`
		if i == 41 {
			next = `"End": true`
		}
		states = append(states, `"`+name+`": {"Type": "Pass", "Assign": {"v`+name+`": "{% $pad('', 256000, 'x') %}"}, `+next+`}`)
	}
	r = newRig(t, jsonataStates(strings.Join(states, ",")))
	check(t, r.run(t, `{}`), "FAILED States.DataLimitExceeded")
}

func TestLimits_History(t *testing.T) {
	r := newRig(t, jsonPathStates(`"A": {"Type": "Pass", "Next": "B"},
		"B": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}`))
	got := r.run(t, `{}`)
	check(t, got, "FAILED States.Runtime")
	if got.Events != MaxEvents || !strings.Contains(got.Cause, "maximum number of history events (25000)") {
		t.Errorf("%d events: %s", got.Events, got.Cause)
	}
	if last := r.rec.events[len(r.rec.events)-1]; last.Type != "ExecutionFailed" || last.ID != MaxEvents {
		t.Errorf("the last event is %s, number %d", last.Type, last.ID)
	}
}
