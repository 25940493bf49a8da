package asl

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// problems gives "path code" of everything that Load finds.
func problems(t *testing.T, definition string) []string {
	t.Helper()
	_, err := Load([]byte(definition))
	if err == nil {
		return nil
	}
	var ps fault.Problems
	if !errors.As(err, &ps) {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	var out []string
	for _, p := range ps {
		if p.Message == "" {
			t.Errorf("no message at %s", p.Path)
		}
		out = append(out, p.Path+" "+p.Code)
	}
	return out
}

func TestLoad_Problems(t *testing.T) {
	const task = `"Type": "Task", "Resource": "f", "End": true`
	for _, c := range []struct {
		name, states string
		want         []string
	}{
		{"good", `"A": {` + task + `}`, nil},
		{"unknown field", `"A": {` + task + `, "Timeout": 1}`, []string{"/States/A/Timeout unknown_field"}},
		{"unknown field of a retrier", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["E"], "Max": 1}]}`, []string{"/States/A/Retry/0/Max unknown_field"}},
		{"field of another type", `"A": {"Type": "Pass", "End": true, "Retry": []}`, []string{"/States/A/Retry unknown_field"}},
		{"missing next", `"A": {"Type": "Pass"}`, []string{"/States no_end", "/States/A missing_field"}},
		{"both next and end", `"A": {"Type": "Pass", "Next": "B", "End": true}, "B": {"Type": "Succeed"}`, []string{"/States/A wrong_value"}},
		{"end that is no boolean", `"A": {"Type": "Pass", "End": "yes"}`, []string{"/States no_end", "/States/A missing_field", "/States/A/End wrong_type"}},
		{"next to no state", `"A": {"Type": "Pass", "Next": "C"}, "B": {"Type": "Succeed"}`, []string{"/States/A/Next unknown_state", "/States/B unreachable"}},
		{"default to no state", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}], "Default": "C"}, "B": {"Type": "Succeed"}`,
			[]string{"/States/A/Default unknown_state"}},
		{"rule to no state", `"A": {"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "C"}], "Default": "B"}, "B": {"Type": "Succeed"}`,
			[]string{"/States/A/Choices/0/Next unknown_state"}},
		{"catch to no state", `"A": {` + task + `, "Catch": [{"ErrorEquals": ["E"], "Next": "C"}]}`, []string{"/States/A/Catch/0/Next unknown_state"}},
		{"catch into the map from outside", `"A": {"Type": "Map", "Next": "C", "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}, "Catch": [{"ErrorEquals": ["E"], "Next": "B"}]}, "C": {"Type": "Succeed"}`,
			[]string{"/States/A/Catch/0/Next unknown_state"}},
		{"unreachable", `"A": {"Type": "Succeed"}, "B": {"Type": "Succeed"}`, []string{"/States/B unreachable"}},
		{"no end", `"A": {"Type": "Pass", "Next": "A"}`, []string{"/States no_end"}},
		{"one name twice", `"A": {"Type": "Succeed"}, "A": {"Type": "Succeed"}`, []string{"/States/A duplicate_key"}},
		{"one name in two flows", `"A": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}}`,
			[]string{"/States/A/ItemProcessor/States/A duplicate_name"}},
		{"unparseable expressions", `"A": {"Type": "Pass", "End": true, "Output": {"a": "{% 1 + %}", "b": ["{% ( %}"], "c": "{% 1"}}`,
			[]string{"/States/A/Output/a bad_expression", "/States/A/Output/b/0 bad_expression", "/States/A/Output/c bad_expression"}},
		{"fields of JSONPath", `"A": {` + task + `, "InputPath": "$", "Parameters": {}, "ResultPath": "$.a"}`,
			[]string{"/States/A/InputPath wrong_query_language", "/States/A/Parameters wrong_query_language", "/States/A/ResultPath wrong_query_language"}},
		{"a JSONPath state", `"A": {"Type": "Pass", "QueryLanguage": "JSONPath", "End": true}`, []string{"/States/A/QueryLanguage wrong_query_language"}},
		{"heartbeat and credentials", `"A": {` + task + `, "TimeoutSeconds": 2, "HeartbeatSeconds": 1, "Credentials": {"RoleArn": "r"}}`, nil},
		{"distributed map", `"A": {"Type": "Map", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}`, nil},
		{"fields of a distributed map in an inline one", `"A": {"Type": "Map", "End": true, "Label": "l", "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}`,
			[]string{"/States/A/Label wrong_value"}},
		{"unknown mode", `"A": {"Type": "Map", "End": true, "ItemProcessor": {"ProcessorConfig": {"Mode": "SOMEHOW"}, "StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}`,
			[]string{"/States/A/ItemProcessor/ProcessorConfig/Mode wrong_value"}},
		{"no type", `"A": {"End": true}`, []string{"/States/A missing_field"}},
		{"wrong type of state", `"A": {"Type": "Loop"}`, []string{"/States/A/Type wrong_value"}},
		{"state that is no object", `"A": 1`, []string{"/States/A wrong_type"}},
		{"no resource", `"A": {"Type": "Task", "End": true}`, []string{"/States/A missing_field"}},
		{"zero time-out", `"A": {` + task + `, "TimeoutSeconds": 0}`, []string{"/States/A/TimeoutSeconds wrong_value"}},
		{"all beside others", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["States.ALL", "E"]}]}`, []string{"/States/A/Retry/0/ErrorEquals wrong_value"}},
		{"all not last", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}]}`, []string{"/States/A/Retry/0/ErrorEquals wrong_value"}},
		{"unknown reserved error", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["States.Nope"]}]}`, []string{"/States/A/Retry/0/ErrorEquals/0 wrong_value"}},
		{"no errors", `"A": {` + task + `, "Retry": [{"ErrorEquals": []}, {}]}`, []string{"/States/A/Retry/0/ErrorEquals wrong_type", "/States/A/Retry/1 missing_field"}},
		{"numbers of a retrier", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 0, "BackoffRate": 0.5, "MaxAttempts": -1, "JitterStrategy": "SOME"}]}`,
			[]string{"/States/A/Retry/0/BackoffRate wrong_value", "/States/A/Retry/0/IntervalSeconds wrong_value", "/States/A/Retry/0/JitterStrategy wrong_value", "/States/A/Retry/0/MaxAttempts wrong_value"}},
		{"delay below the interval", `"A": {` + task + `, "Retry": [{"ErrorEquals": ["E"], "IntervalSeconds": 5, "MaxDelaySeconds": 5}]}`, []string{"/States/A/Retry/0/MaxDelaySeconds wrong_value"}},
		{"wait for nothing", `"A": {"Type": "Wait", "End": true}`, []string{"/States/A missing_field"}},
		{"wait for both", `"A": {"Type": "Wait", "Seconds": 1, "Timestamp": "t", "End": true}`, []string{"/States/A missing_field"}},
		{"no rules", `"A": {"Type": "Choice", "Choices": [], "Default": "B"}, "B": {"Type": "Succeed"}`, []string{"/States/A/Choices wrong_type"}},
		{"condition that is no expression", `"A": {"Type": "Choice", "Choices": [{"Condition": "true", "Next": "B"}, {"Next": "B"}]}, "B": {"Type": "Succeed"}`,
			[]string{"/States/A/Choices/0/Condition wrong_type", "/States/A/Choices/1 missing_field"}},
		{"items that are none", `"A": {"Type": "Map", "Items": 1, "MaxConcurrency": 1.5, "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}`,
			[]string{"/States/A/Items wrong_type", "/States/A/MaxConcurrency wrong_value"}},
		{"no processor", `"A": {"Type": "Map", "End": true}`, []string{"/States/A missing_field"}},
		{"no branches", `"A": {"Type": "Parallel", "End": true}`, []string{"/States/A missing_field"}},
		{"bad variables", `"A": {"Type": "Pass", "End": true, "Assign": {"states": 1, "1a": 2, "a-b": 3}}`,
			[]string{"/States/A/Assign/1a wrong_value", "/States/A/Assign/a-b wrong_value", "/States/A/Assign/states wrong_value"}},
		{"a variable of the flow around it", `"A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "M"}, "M": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "B",
			"States": {"B": {"Type": "Pass", "Assign": {"x": 2, "y": 1}, "End": true}}}}`, []string{"/States/M/ItemProcessor/States/B/Assign/x wrong_value"}},
		{"several at once", `"A": {"Type": "Pass", "Next": "Z", "Output": "{% ( %}"}, "B": {"Type": "Wait", "Seconds": -1, "End": true}`,
			[]string{"/States/A/Next unknown_state", "/States/A/Output bad_expression", "/States/B unreachable", "/States/B/Seconds wrong_value"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(problems(t, jsonataStates(c.states)), c.want); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoad_Top(t *testing.T) {
	for _, c := range []struct {
		name, definition string
		want             []string
	}{
		{"not JSON", "{\n  x", []string{"/ invalid_json"}},
		{"two values", "{} {}", []string{"/ invalid_json"}},
		{"values inside each other without end", strings.Repeat("[", 1_000_000), []string{"/ invalid_json"}},
		{"an array", "[]", []string{"/ wrong_type"}},
		{"empty", `{"QueryLanguage": "JSONata"}`, []string{"/ missing_field", "/ missing_field"}},
		{"unknown start", `{"QueryLanguage": "JSONata", "StartAt": "B", "States": {"A": {"Type": "Succeed"}}}`, []string{"/StartAt unknown_state"}},
		{"wrong time-out", `{"QueryLanguage": "JSONata", "TimeoutSeconds": "1", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`, []string{"/TimeoutSeconds wrong_value"}},
		{"unknown language", `{"QueryLanguage": "SQL", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`, []string{"/QueryLanguage wrong_value"}},
		{"JSONPath by default", `{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed", "QueryLanguage": "JSONata"}}}`, nil},
		{"fields of JSONata in a JSONPath state", `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "f", "Arguments": {}, "Output": 1, "End": true}}}`,
			[]string{"/States/A/Arguments wrong_query_language", "/States/A/Output wrong_query_language"}},
		{"bad paths", `{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "f", "InputPath": "a", "ResultPath": "$.*", "Parameters": {"a.$": "$.[", "b.$": "States.No()"}, "End": true}}}`,
			[]string{"/States/A/InputPath bad_expression", "/States/A/Parameters/a.$ bad_expression", "/States/A/Parameters/b.$ bad_expression", "/States/A/ResultPath bad_expression"}},
		{"a bad comparison", `{"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEqual": 1, "Next": "B"}]}, "B": {"Type": "Succeed"}}}`,
			[]string{"/States/A/Choices/0 bad_expression"}},
		{"each state JSONata", `{"StartAt": "B", "States": {"B": {"Type": "Succeed", "QueryLanguage": "JSONata"}}}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(problems(t, c.definition), c.want); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLoad_HintsAtSlips(t *testing.T) {
	_, err := Load([]byte(jsonataStates(`"A": {"Type": "Pass", "Nxt": "Stop", "Next": "Stopp"}, "Stop": {"Type": "Succeed"}`)))
	for _, want := range []string{"did you mean Next?", "did you mean Stop?"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestFlow_Walk(t *testing.T) {
	m, err := Load([]byte(jsonataStates(`"A": {"Type": "Map", "Next": "C", "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}, "C": {"Type": "Succeed"}`)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	m.Walk(func(s *State) { names = append(names, s.Name) })
	if got := fmt.Sprint(names); got != "[A B C]" || m.State("B") != nil || m.State("C").Path != "/States/C" {
		t.Errorf("walked %s", got)
	}
}

func FuzzLoad(f *testing.F) {
	for _, c := range runs {
		f.Add(jsonataStates(c.states))
	}
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Load([]byte(text)) })
}
