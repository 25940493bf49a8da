package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// dice draws from the bytes that the fuzzer gives, and zeros behind their end.
type dice struct {
	bytes []byte
	made  int // states
}

func (d *dice) n(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % sides
}

func pick[T any](d *dice, list ...T) T { return list[d.n(len(list))] }

// flow makes states that can all be reached: each leads to the next, the last ends, and rules and catchers lead anywhere.
func (d *dice) flow(jsonata bool, deep int) map[string]any {
	count := 1 + d.n(4)
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("S%d", d.made)
		d.made++
	}
	states := make(map[string]any, count)
	for i, name := range names {
		s := d.state(jsonata, deep, names)
		switch {
		case s["Type"] == "Choice" && i == count-1:
			s = map[string]any{"Type": "Pass", "End": true}
		case s["Type"] == "Choice":
			s["Default"] = names[i+1]
		case i == count-1:
			s["End"] = true
		default:
			s["Next"] = names[i+1]
		}
		states[name] = s
	}
	return map[string]any{"StartAt": names[0], "States": states}
}

func (d *dice) state(jsonata bool, deep int, names []string) map[string]any {
	kinds := []string{"Pass", "Task", "Choice", "Wait", "Map", "Parallel"}
	if deep > 1 {
		kinds = kinds[:4]
	}
	s := map[string]any{"Type": pick(d, kinds...)}
	if jsonata {
		d.output(s)
	} else if s["Type"] != "Choice" && s["Type"] != "Wait" && d.n(2) == 0 {
		s["ResultPath"] = pick(d, any("$.x"), any("$.x.y"), any(nil), any("$"))
	}
	switch s["Type"] {
	case "Pass":
		if !jsonata {
			pick(d, func() {}, func() {
				s["Parameters"] = map[string]any{"a.$": pick(d, "$.x", "$", "$.list[0:2]", "States.Format('{}', $)")}
			},
				func() { s["Result"] = map[string]any{"list": []int{1, 2, 3}, "go": true} }, func() { s["InputPath"] = "$.x" })()
		}
	case "Task":
		s["Resource"] = "arn:aws:lambda:us-east-1:111111111111:function:f"
	case "Choice":
		rule := map[string]any{"Next": pick(d, names...)}
		if jsonata {
			rule["Condition"] = pick(d, "{% $exists($states.input.go) %}", "{% $states.input.n > 1 %}", "{% true %}")
		} else {
			rule["Variable"] = pick(d, "$.go", "$.x", "$.list")
			rule[pick(d, "IsPresent", "IsNull")] = true
		}
		s["Choices"] = []any{rule}
	case "Wait":
		s["Seconds"] = 1 + d.n(100)
	case "Map":
		s["ItemProcessor"] = d.flow(jsonata, deep+1)
		s["MaxConcurrency"] = 1 + d.n(2)
		if jsonata {
			s["Items"] = pick(d, any([]int{1, 2, 3}), any("{% [1..4] %}"), any("{% $states.input.list %}"))
		} else {
			s["ItemsPath"] = "$.list"
		}
	case "Parallel":
		s["Branches"] = []any{d.flow(jsonata, deep+1), d.flow(jsonata, deep+1)}[:1+d.n(2)]
	}
	d.errors(s, names)
	return s
}

func (d *dice) output(s map[string]any) {
	switch d.n(4) {
	case 0:
		s["Output"] = map[string]any{"list": "{% $states.input.list %}", "more": "{% $states.input %}"}
	case 1:
		s["Output"] = "{% $merge([$states.input, {'n': 2}]) %}"
	}
}

// errors adds Retry and Catch.
func (d *dice) errors(s map[string]any, names []string) {
	if s["Type"] != "Task" && s["Type"] != "Map" && s["Type"] != "Parallel" {
		return
	}
	if d.n(2) == 0 {
		s["Retry"] = []any{map[string]any{"ErrorEquals": []string{"Boom"}, "MaxAttempts": d.n(3)}, map[string]any{"ErrorEquals": []string{"States.ALL"}, "MaxAttempts": d.n(3)}}
	}
	if d.n(2) == 0 {
		s["Catch"] = []any{map[string]any{"ErrorEquals": []string{"States.ALL"}, "Next": pick(d, names...)}}
	}
}

// jumpingClock fires every timer at once.
type jumpingClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *jumpingClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *jumpingClock) AfterFunc(wait time.Duration, f func()) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(wait)
	go f()
	return func() {}
}

// boom is the error of a task.
type boom string

func (b boom) Error() string     { return "it was to fail" }
func (b boom) ErrorName() string { return string(b) }

const historyLimit = 1500

// walkRandom runs a definition whose tasks answer or fail as a seed says, and gives its result and its events.
func walkRandom(t *testing.T, text []byte, seed uint64) (asl.Result, []asl.Event) {
	t.Helper()
	m, err := asl.Load(text)
	if err != nil {
		t.Fatalf("the checker takes what the interpreter refuses: %v\n%s", err, text)
	}
	var mu sync.Mutex
	var events []asl.Event
	random := rand.New(rand.NewPCG(seed, 1))
	task := func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		mu.Lock()
		defer mu.Unlock()
		switch random.IntN(4) {
		case 0:
			return nil, boom("Boom")
		case 1:
			return arguments, nil
		}
		return json.RawMessage(fmt.Sprintf(`{"list":[1,2],"n":%d}`, random.IntN(3))), nil
	}
	in := &asl.Interpreter{
		Machines: map[string]*asl.Machine{"m": m}, Otherwise: task, Clock: &jumpingClock{now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}, MaxEvents: historyLimit,
		Observer: func(e asl.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := in.Run(ctx, asl.Execution{ID: "x", Name: "x", StateMachine: asl.StateMachine{ID: "m", Name: "m"}, Input: json.RawMessage(`{"list":[1,2,3]}`)})
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("the execution hung\n%s", text)
	}
	return r, events
}

// FuzzBounds makes definitions that are right, and runs them: each ends, and no bound is passed.
func FuzzBounds(f *testing.F) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		seed := make([]byte, 80)
		for i := range seed {
			seed[i] = byte(random.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed []byte) {
		d := &dice{bytes: seed}
		jsonata := d.n(2) == 1
		machine := d.flow(jsonata, 0)
		if jsonata {
			machine["QueryLanguage"] = "JSONata"
		}
		text, err := json.MarshalIndent(machine, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if r := Definition(text, Standard); !r.OK() {
			t.Fatalf("%s\n%+v\n%s", text, r.Own, r.Refusal())
		}
		r, events := walkRandom(t, text, uint64(len(seed)))
		switch r.Status {
		case asl.StatusSucceeded, asl.StatusFailed:
		default:
			t.Fatalf("it ended %q\n%s", r.Status, text)
		}
		limits := Limits{Items: make(map[string]int), Turns: make(map[string]int), Bytes: map[string]int{"": len(`{"list":[1,2,3]}`)}}
		items, result := 0, 0
		for _, e := range events {
			switch {
			case strings.HasSuffix(e.Type, "StateEntered"):
				limits.Turns[e.State]++
			case e.Type == "MapStateStarted":
				items = max(items, e.Length)
			case e.Type == "LambdaFunctionSucceeded":
				result = max(result, len(e.Output))
			}
		}
		for name := range limits.Turns {
			limits.Items[name], limits.Bytes[name] = items, result // the events do not name their Map and Task
		}
		bounds, err := Events(text, Standard, limits)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(events)) > bounds[0].Most {
			t.Fatalf("%d events, over the bound %d\n%s\n%s", len(events), bounds[0].Most, bounds[0].way(), text)
		}
		payloadsWithin(t, text, limits, events)
	})
}

// payloadsWithin sees that no state took or gave more than its bound.
func payloadsWithin(t *testing.T, text []byte, limits Limits, events []asl.Event) {
	t.Helper()
	root, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	c := &checker{states: make(map[string]string), labels: make(map[string]bool)}
	c.jsonata = c.language("", root.(*object), false)
	p := newPayload(limits)
	p.flow(c.flow("", root.(*object)), p.declared(""), "")
	for _, e := range events {
		at, isState := c.states[e.State]
		if !isState || !strings.Contains(e.Type, "State") || p.vague[at] {
			continue
		}
		if n := int64(max(len(e.Input), len(e.Output))); n > p.seen[at] {
			t.Fatalf("%s of %s has %d bytes, over the bound %d\n%s", e.Type, e.State, n, p.seen[at], text)
		}
	}
}
