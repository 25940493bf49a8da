package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const mapOf = `"A": {"Type": "Map", "Items": "{% $states.input.items %}", "MaxConcurrency": "{% $states.input.n %}", "End": true,
	"ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "B", "States": {"B": {"Type": "Task", "Resource": "f", "End": true}}}}`

var mapRuns = []struct{ name, states, input, want string }{
	{"no items", mapOf, `{"items": [], "n": 1}`, `SUCCEEDED []`},
	{"results in order", mapOf, `{"items": [3, 1, 2], "n": 0}`, `SUCCEEDED [3,1,2]`},
	{"items that are none", mapOf, `{"items": {}, "n": 0}`, `FAILED States.QueryEvaluationError`},
	{"negative concurrency", mapOf, `{"items": [1], "n": -1}`, `FAILED States.QueryEvaluationError`},
	{"the input is the items", `"A": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`,
		`[1, {"a": 2}]`, `SUCCEEDED [1,{"a":2}]`},
	{"the input is no items", `"A": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`,
		`{}`, `FAILED States.QueryEvaluationError`},
	{"selector and context", `"A": {"Type": "Map", "Items": ["a", "b"], "ItemSelector": {"i": "{% $states.context.Map.Item.Index %}",
		"v": "{% $states.context.Map.Item.Value %}", "outer": "{% $states.input.o %}"}, "End": true,
		"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "Output": "{% $states.input.outer & $states.input.v & $states.input.i & $states.context.Map.Item.Value %}", "End": true}}}}`,
		`{"o": "o"}`, `SUCCEEDED ["oa0a","ob1b"]`},
	{"variables: outer ones are read, inner ones live per item", `"A": {"Type": "Pass", "Assign": {"outer": 10}, "Next": "M"},
		"M": {"Type": "Map", "Items": [1, 2], "Next": "Z", "ItemProcessor": {"StartAt": "B", "States": {
			"B": {"Type": "Pass", "Assign": {"mine": "{% $states.input + $outer %}"}, "Next": "C"},
			"C": {"Type": "Choice", "Choices": [{"Condition": "{% $mine < 14 %}", "Next": "D"}], "Default": "E"},
			"D": {"Type": "Pass", "Assign": {"mine": "{% $mine + 1 %}"}, "Next": "C"},
			"E": {"Type": "Succeed", "Output": "{% [$mine, $states.context.Map.Item.Index] %}"}}}},
		"Z": {"Type": "Pass", "Output": "{% [$states.input[0], $exists($mine)] %}", "End": true}`, `{}`, `SUCCEEDED [14,0,false]`},
	{"a failed item fails the map", `"A": {"Type": "Map", "Items": [1], "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "E"}}}}`,
		`{}`, `FAILED E`},
	{"a bad selector fails the map", `"A": {"Type": "Map", "Items": [1], "ItemSelector": "{% $no %}", "End": true, "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}}`,
		`{}`, `FAILED States.QueryEvaluationError`},
	{"a map inside a map", `"A": {"Type": "Map", "Items": [[1, 2], [3]], "End": true, "ItemProcessor": {"StartAt": "B", "States": {
		"B": {"Type": "Map", "End": true, "ItemProcessor": {"StartAt": "C", "States": {"C": {"Type": "Pass", "Output": "{% $states.context.Map.Item.Value * 10 %}", "End": true}}}}}}}`,
		`{}`, `SUCCEEDED [[10,20],[30]]`},
}

func TestMap(t *testing.T) {
	for _, c := range mapRuns {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, jsonataStates(c.states))
			r.Tasks["f"] = echo
			check(t, r.run(t, c.input), c.want)
		})
	}
}

func TestMap_ConcurrencyIsBounded(t *testing.T) {
	for _, c := range []struct{ asked, want int }{{1, 1}, {3, 3}, {0, MaxConcurrency}, {500, MaxConcurrency}} {
		t.Run(fmt.Sprint(c.asked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, jsonataStates(mapOf))
				r.Clock = nil
				var now, most atomic.Int64
				r.Tasks["f"] = func(context.Context, json.RawMessage) (json.RawMessage, error) {
					for n := now.Add(1); ; {
						if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
							break
						}
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return nil, nil
				}
				items, _ := json.Marshal(make([]int, 100))
				start := time.Now()
				got := r.run(t, fmt.Sprintf(`{"items": %s, "n": %d}`, items, c.asked))
				if got.Status != StatusSucceeded || most.Load() != int64(c.want) {
					t.Errorf("%s with %d at once, want %d", got.Status, most.Load(), c.want)
				}
				if took, want := time.Since(start), time.Duration((100+c.want-1)/c.want)*time.Second; took != want {
					t.Errorf("took %s, want %s", took, want)
				}
			})
		})
	}
}

func TestMap_FirstFailureStopsTheOthers(t *testing.T) {
	r := newRig(t, jsonataStates(mapOf))
	var stopped atomic.Int64
	var started sync.WaitGroup
	started.Add(2)
	r.Tasks["f"] = func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		if string(arguments) == "0" {
			started.Wait()
			return nil, &Error{Name: "First"}
		}
		started.Done()
		<-ctx.Done()
		stopped.Add(1)
		return nil, ctx.Err()
	}
	check(t, r.run(t, `{"items": [0, 1, 2, 3, 4], "n": 3}`), "FAILED First")
	if stopped.Load() != 2 {
		t.Errorf("%d tasks were stopped and awaited, want 2", stopped.Load())
	}
}

func TestMap_History(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Map", "Items": [1, 2], "MaxConcurrency": 1, "End": true,
		"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}}`))
	check(t, r.run(t, `{}`), "SUCCEEDED [1,2]")
	want := []struct {
		kind string
		prev int64
	}{
		{"ExecutionStarted", 0}, {"MapStateEntered", 0}, {"MapStateStarted", 2},
		{"MapIterationStarted", 3}, {"PassStateEntered", 4}, {"PassStateExited", 5}, {"MapIterationSucceeded", 6},
		{"MapIterationStarted", 6}, {"PassStateEntered", 8}, {"PassStateExited", 9}, {"MapIterationSucceeded", 10},
		{"MapStateSucceeded", 11}, {"MapStateExited", 11}, {"ExecutionSucceeded", 13},
	}
	for i, e := range r.rec.events {
		if i >= len(want) || e.Type != want[i].kind || e.PreviousID != want[i].prev {
			t.Errorf("event %d is %s after %d", e.ID, e.Type, e.PreviousID)
		}
	}
	if e := r.rec.events[2]; e.Length != 2 {
		t.Errorf("length is %d", e.Length)
	}
	if e := r.rec.events[7]; e.Index != 1 || e.State != "A" {
		t.Errorf("iteration is %+v", e)
	}
}

func TestMap_FailureHistory(t *testing.T) {
	r := newRig(t, jsonataStates(`"A": {"Type": "Map", "Items": [1], "End": true, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Z"}],
		"ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "E"}}}}, "Z": {"Type": "Succeed"}`))
	check(t, r.run(t, `{}`), `SUCCEEDED {"Cause":null,"Error":"E"}`)
	want := "ExecutionStarted MapStateEntered MapStateStarted MapIterationStarted FailStateEntered MapIterationFailed MapStateFailed MapStateExited " +
		"SucceedStateEntered SucceedStateExited ExecutionSucceeded"
	if got := r.rec.types(); got != want {
		t.Errorf("events are %s", got)
	}
	if e := r.rec.events[6]; e.PreviousID != 5 {
		t.Errorf("MapStateFailed follows %d, want the failure", e.PreviousID)
	}
}
