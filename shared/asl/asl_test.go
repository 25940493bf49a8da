package asl

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeClock jumps to the next timer whenever everything waits, which it is told by the waits themselves: a timer fires as soon as
// it is set, except those longer than patience, which stand for time-outs that are not to pass.
type fakeClock struct {
	mu       sync.Mutex
	now      time.Time
	waits    []time.Duration
	patience time.Duration
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 22, 17, 31, 6, 28e6, time.UTC), patience: 500 * time.Second}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) AfterFunc(d time.Duration, f func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > c.patience {
		return func() {}
	}
	c.now = c.now.Add(d)
	c.waits = append(c.waits, d)
	go f()
	return func() {}
}

func (c *fakeClock) waited() []float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []float64
	for _, d := range c.waits {
		out = append(out, d.Seconds())
	}
	return out
}

// recorder keeps events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) observe(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// types gives the events' types.
func (r *recorder) types() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		out = append(out, e.Type)
	}
	return strings.Join(out, " ")
}

// rig is an interpreter with one machine "m" for tests.
type rig struct {
	*Interpreter
	clock *fakeClock
	rec   *recorder
}

func newRig(t testing.TB, definition string) *rig {
	t.Helper()
	m, err := Load([]byte(definition))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	r := &rig{clock: newFakeClock(), rec: &recorder{}}
	r.Interpreter = &Interpreter{
		Machines: map[string]*Machine{"m": m}, Tasks: map[string]Task{}, Clock: r.clock, Observer: r.rec.observe,
		Rand: func() float64 { return 0.5 },
	}
	return r
}

func (r *rig) run(t testing.TB, input string) Result {
	t.Helper()
	return r.Run(t.Context(), Execution{ID: "x", Name: "x", StateMachine: StateMachine{ID: "m", Name: "m"}, Input: json.RawMessage(input)})
}

// jsonata makes a definition out of its states, beginning at A.
func jsonataStates(states string) string {
	return `{"QueryLanguage": "JSONata", "StartAt": "A", "States": {` + states + `}}`
}

// answer is a task that always gives the same.
func answer(text string) Task {
	return func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage(text), nil }
}

// echo is a task that gives its arguments.
func echo(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	return arguments, nil
}

// failing is a task that fails with each error in turn and then gives "ok".
func failing(errs ...error) Task {
	n := 0
	return func(context.Context, json.RawMessage) (json.RawMessage, error) {
		if n < len(errs) {
			n++
			return nil, errs[n-1]
		}
		return json.RawMessage(`"ok"`), nil
	}
}

// hang is a task that ends when it is told to.
func hang(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// check compares a result with "STATUS output" or "STATUS error".
func check(t *testing.T, got Result, want string) {
	t.Helper()
	text := string(got.Status) + " " + string(got.Output)
	if got.Status != StatusSucceeded {
		text = strings.TrimSpace(string(got.Status) + " " + got.Error)
	}
	if text != want {
		t.Errorf("got %s (%s); want %s", text, got.Cause, want)
	}
}
