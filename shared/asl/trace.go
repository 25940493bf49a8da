package asl

import (
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// trace is what TestState notes of a state while it runs. A nil trace notes nothing.
type trace struct {
	test       *StateTest
	data       map[string]any
	numbers    map[string]float64
	variables  map[string]any
	failure    *Error // that was caught
	catchIndex *int
	retryIndex *int
	retryDelay time.Duration
}

func (t *trace) note(name string, value any) {
	if t != nil {
		t.data[name] = value
	}
}

func (t *trace) number(name string, n float64) {
	if t == nil {
		return
	}
	if t.numbers == nil {
		t.numbers = make(map[string]float64)
	}
	t.numbers[name] = n
}

func (t *trace) assigned(vars map[string]any) {
	if t != nil {
		t.variables = vars
	}
}

func (t *trace) caught(i int, failed *Error) {
	if t != nil {
		t.catchIndex, t.failure = &i, failed
	}
}

func (t *trace) retry(i int, delay time.Duration) {
	t.retryIndex, t.retryDelay = &i, delay
}

// shown lists what the API tells of each type of state under JSONPath.
var shown = map[Type][]string{
	TypeTask:     {"afterInputPath", "afterParameters", "result", "afterResultSelector", "afterResultPath"},
	TypePass:     {"afterInputPath", "afterParameters", "afterResultSelector", "afterResultPath"},
	TypeParallel: {"afterResultSelector", "afterResultPath"},
	TypeMap:      {"afterInputPath", "afterItemsPath", "afterResultSelector", "afterResultPath"},
	TypeChoice:   {"afterInputPath"},
	TypeWait:     {"afterInputPath"},
	TypeSucceed:  {"afterInputPath"},
	TypeFail:     {"afterInputPath"},
}

// inspection gives the inspection data: values as JSON texts, as the API does.
func (t *trace) inspection(v *visit) map[string]any {
	names := shown[v.state.Type]
	switch {
	case v.state.QueryLanguage == JSONata && v.state.Type == TypeTask:
		names = []string{"afterArguments", "result"}
	case v.state.QueryLanguage == JSONata:
		names = nil
	case v.state.Result != nil: // nothing else of the input is looked at
		names = []string{"result", "afterResultSelector", "afterResultPath"}
	}
	out := make(map[string]any)
	add := func(name string, value any) {
		if text, err := jsonata.Encode(value); err == nil {
			out[name] = string(text)
		}
	}
	add("input", v.input)
	for name, value := range t.data {
		if slices.Contains(names, name) {
			add(name, value)
		}
	}
	for name, n := range t.numbers {
		out[name] = n
	}
	if len(t.variables) > 0 {
		add("variables", t.variables)
	}
	switch {
	case t.catchIndex != nil:
		out["errorDetails"] = map[string]any{"catchIndex": *t.catchIndex}
	case t.retryIndex != nil:
		out["errorDetails"] = map[string]any{"retryIndex": *t.retryIndex, "retryBackoffIntervalSeconds": int(t.retryDelay / time.Second)}
	}
	return out
}
