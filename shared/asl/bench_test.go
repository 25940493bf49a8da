package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
)

// loopOf is a Pass and a Choice in a loop until a counter is used up.
func loopOf(language QueryLanguage, turns int) string {
	if language == JSONata {
		return fmt.Sprintf(`{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Pass", "Output": {"n": "{%% $states.input.n + 1 %%}"}, "Next": "B"},
			"B": {"Type": "Choice", "Choices": [{"Condition": "{%% $states.input.n >= %d %%}", "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}}`, turns)
	}
	return fmt.Sprintf(`{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "B"},
		"B": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericGreaterThanEquals": %d, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}}`, turns)
}

// BenchmarkLoop walks 100,000 transitions of a Pass and a Choice.
func BenchmarkLoop(b *testing.B) {
	for _, language := range []QueryLanguage{JSONPath, JSONata} {
		b.Run(string(language), func(b *testing.B) {
			m, err := Load([]byte(loopOf(language, 50000)))
			if err != nil {
				b.Fatal(err)
			}
			in := &Interpreter{Machines: map[string]*Machine{"m": m}}
			for b.Loop() {
				got := in.Run(b.Context(), Execution{ID: "x", StateMachine: StateMachine{ID: "m"}, Input: json.RawMessage(`{"n": 0}`), Express: true})
				if got.Status != StatusSucceeded {
					b.Fatalf("%s: %s", got.Error, got.Cause)
				}
			}
			b.ReportMetric(100000*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
		})
	}
}

// BenchmarkMap runs 10,000 items through a Pass and a Task, 40 at once.
func BenchmarkMap(b *testing.B) {
	items, err := json.Marshal(make([]int, 10000))
	if err != nil {
		b.Fatal(err)
	}
	for _, mode := range []string{"INLINE", "DISTRIBUTED"} {
		b.Run(mode, func(b *testing.B) {
			m, err := Load([]byte(`{"StartAt": "A", "States": {"A": {"Type": "Map", "MaxConcurrency": 40, "End": true, "ItemProcessor": {
				"ProcessorConfig": {"Mode": "` + mode + `", "ExecutionType": "EXPRESS"}, "StartAt": "B",
				"States": {"B": {"Type": "Pass", "Parameters": {"n.$": "$"}, "Next": "C"}, "C": {"Type": "Task", "Resource": "f", "ResultPath": null, "End": true}}}}}}`))
			if err != nil {
				b.Fatal(err)
			}
			in := &Interpreter{Machines: map[string]*Machine{"m": m}, Tasks: map[string]Task{"f": echo}}
			for b.Loop() {
				got := in.Run(b.Context(), Execution{ID: "x", StateMachine: StateMachine{ID: "m"}, Input: items, Express: true})
				if got.Status != StatusSucceeded {
					b.Fatalf("%s: %s", got.Error, got.Cause)
				}
			}
			b.ReportMetric(20000*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
		})
	}
}

// TestMap_MemoryStaysFlat holds that only so many items as run at once are under way: what waits costs nothing but its place.
func TestMap_MemoryStaysFlat(t *testing.T) {
	used := func(n int) uint64 {
		m, err := Load([]byte(`{"StartAt": "A", "States": {"A": {"Type": "Map", "MaxConcurrency": 4, "ResultSelector": {"done": true}, "End": true, "ItemProcessor": {
			"StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "End": true}}}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		var most uint64
		seen := 0
		in := &Interpreter{Machines: map[string]*Machine{"m": m}, Tasks: map[string]Task{"f": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			return json.RawMessage(`null`), nil
		}}}
		in.Observer = func(Event) {
			if seen++; seen%(n) == 0 {
				var s runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&s)
				most = max(most, s.HeapAlloc)
			}
		}
		items, err := json.Marshal(make([]int, n))
		if err != nil {
			t.Fatal(err)
		}
		got := in.Run(t.Context(), Execution{ID: "x", StateMachine: StateMachine{ID: "m"}, Input: items, Express: true})
		if got.Status != StatusSucceeded {
			t.Fatalf("%s: %s", got.Error, got.Cause)
		}
		return most
	}
	small, large := used(1000), used(20000)
	if per := (float64(large) - float64(small)) / 19000; per > 400 {
		t.Errorf("each waiting item costs %.0f bytes", per)
	}
}
