package asl

import "time"

// trace is what TestState notes of a state while it runs. A nil trace notes nothing.
type trace struct {
	data       map[string]any
	variables  map[string]any
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
	if t != nil {
		t.data[name] = n
	}
}

func (t *trace) assigned(vars map[string]any) {
	if t != nil {
		t.variables = vars
	}
}

func (t *trace) caught(i int) {
	if t != nil {
		t.catchIndex = &i
	}
}

func (t *trace) retry(i int, delay time.Duration) {
	if t != nil {
		t.retryIndex, t.retryDelay = &i, delay
	}
}
