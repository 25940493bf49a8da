package asl

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// author writes random definitions: valid ones, most of which do something, some of which fail.
type author struct {
	r     *rand.Rand
	names int
	depth int
}

func (a *author) pick(of ...string) string { return of[a.r.IntN(len(of))] }

// flow writes StartAt and States of n states in a row, the last of which ends.
func (a *author) flow(language QueryLanguage) string {
	n := 1 + a.r.IntN(4)
	names := make([]string, n)
	for i := range names {
		a.names++
		names[i] = fmt.Sprintf("S%d", a.names)
	}
	states := make([]string, n)
	for i := range names {
		next := `"End": true`
		if i+1 < n {
			next = fmt.Sprintf(`"Next": %q`, names[i+1])
		}
		states[i] = fmt.Sprintf("%q: {%s}", names[i], a.state(language, next, names[a.r.IntN(n)]))
	}
	return fmt.Sprintf(`"StartAt": %q, "States": {%s}`, names[0], strings.Join(states, ", "))
}

func (a *author) state(language QueryLanguage, next, any string) string {
	kinds := []string{"Pass", "Task", "Wait", "Choice", "Fail", "Pass", "Task"}
	if a.depth < 3 {
		kinds = append(kinds, "Map", "Parallel")
	}
	kind := a.pick(kinds...)
	fields := []string{fmt.Sprintf(`"Type": %q`, kind)}
	if kind != "Choice" && kind != "Fail" {
		fields = append(fields, next, a.data(language))
	}
	switch kind {
	case "Task":
		fields = append(fields, `"Resource": "f"`, a.handlers(any))
		if a.r.IntN(2) == 0 {
			fields = append(fields, `"TimeoutSeconds": 5, "HeartbeatSeconds": 2`)
		}
	case "Wait":
		fields = append(fields, a.pick(`"Seconds": 3`, `"Timestamp": "2030-01-01T00:00:00Z"`))
	case "Choice":
		fields = append(fields, a.choice(language, next, any))
	case "Map", "Parallel":
		a.depth++
		if kind == "Map" {
			fields = append(fields, fmt.Sprintf(`"MaxConcurrency": %d, "ItemProcessor": {"ProcessorConfig": {"Mode": %q, "ExecutionType": "STANDARD"}, %s}`,
				a.r.IntN(4), a.pick("INLINE", "DISTRIBUTED"), a.flow(language)))
			if language == JSONPath {
				fields = append(fields, `"ItemsPath": "$.items"`)
			} else {
				fields = append(fields, `"Items": "{% $states.input.items %}"`)
			}
		} else {
			fields = append(fields, fmt.Sprintf(`"Branches": [{%s}, {%s}]`, a.flow(language), a.flow(language)))
		}
		a.depth--
		fields = append(fields, a.handlers(any))
	}
	var out []string
	for _, f := range fields {
		if f != "" {
			out = append(out, f)
		}
	}
	return strings.Join(out, ", ")
}

// data writes fields that change data, sometimes in a way that fails.
func (a *author) data(language QueryLanguage) string {
	if language == JSONata {
		return a.pick("", `"Output": "{% $states.input %}"`, `"Output": {"items": "{% [1..3] %}", "n": "{% $states.input.n + 1 %}"}`, `"Output": "{% $no %}"`,
			`"Assign": {"v": "{% $states.input.n %}"}`)
	}
	return a.pick("", `"InputPath": "$"`, `"OutputPath": "$"`, `"OutputPath": "$.n"`, `"InputPath": null`, `"Assign": {"v.$": "$"}`)
}

func (a *author) handlers(any string) string {
	return a.pick("", `"Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 2}]`, `"Retry": [{"ErrorEquals": ["States.ALL"], "JitterStrategy": "FULL"}]`,
		fmt.Sprintf(`"Catch": [{"ErrorEquals": ["States.ALL"], "Next": %q}]`, any))
}

func (a *author) choice(language QueryLanguage, next, any string) string {
	to := any
	if name, ok := strings.CutPrefix(next, `"Next": "`); ok {
		to = strings.TrimSuffix(name, `"`)
	}
	if language == JSONata {
		return fmt.Sprintf(`"Choices": [{"Condition": "{%% $states.input.n > %d %%}", "Next": %q}], "Default": %q`, a.r.IntN(5), any, to)
	}
	return fmt.Sprintf(`"Choices": [{"Variable": "$.n", "NumericGreaterThan": %d, "Next": %q}], "Default": %q`, a.r.IntN(5), any, to)
}

// chance is a task that answers, fails, hangs or says nothing of use. It draws by itself so that runs side by side share nothing.
func chance(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	switch rand.IntN(8) {
	case 0:
		return nil, &Error{Name: "E", Cause: "by chance"}
	case 1:
		CallOf(ctx).Wait(ctx, nil)
		return nil, ctx.Err()
	case 2:
		return json.RawMessage(`{"n": 9, "items": [{"n": 1, "items": []}, 2]}`), nil
	}
	return arguments, nil
}

// runRandom writes a definition and runs it: whatever it is, it comes to an end that the history agrees with.
func runRandom(t *testing.T, seed uint64) {
	a := &author{r: rand.New(rand.NewPCG(seed, 1))}
	language := JSONPath
	if a.r.IntN(2) == 0 {
		language = JSONata
	}
	text := fmt.Sprintf(`{"QueryLanguage": %q, "TimeoutSeconds": 100000000, %s}`, language, a.flow(language))
	text = strings.Replace(text, "100000000", "99999999", 1)
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	rec := &recorder{}
	in := &Interpreter{
		Machines: map[string]*Machine{"m": m}, Otherwise: chance, Clock: NewVirtualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		Observer: rec.observe, MaxEvents: 500,
	}
	e := Execution{ID: "x", Name: "x", StateMachine: StateMachine{ID: "m", Name: "m"}, Input: json.RawMessage(`{"n": 1, "items": [{"n": 2, "items": [1]}, 3]}`)}
	got := in.Run(ctx, e)
	ends := map[Status]string{StatusSucceeded: "ExecutionSucceeded", StatusFailed: "ExecutionFailed", StatusTimedOut: "ExecutionTimedOut"}
	if len(rec.events) == 0 || rec.events[len(rec.events)-1].Type != ends[got.Status] || got.Events != int64(len(rec.events)) || got.Events > 500 {
		t.Fatalf("%s (%s: %s) after %d events of %d in %s", got.Status, got.Error, got.Cause, len(rec.events), got.Events, text)
	}
	for i, ev := range rec.events {
		if ev.ID != int64(i)+1 || ev.PreviousID >= ev.ID {
			t.Fatalf("event %d is %+v in %s", i, ev, text)
		}
	}
	recalls(t, m, rec.events, got, text)
	if got.Status == StatusFailed {
		if again := in.Redrive(ctx, e, got); again.Events < got.Events && again.Error != "ExecutionNotRedrivable" {
			t.Fatalf("the redrive lost events: %+v after %+v in %s", again, got, text)
		} else if again.Error != "ExecutionNotRedrivable" {
			recalls(t, m, rec.events, again, text)
		}
	}
}

// recalls holds that the history of an execution tells where it stopped: exactly where the process knows that it did.
func recalls(t *testing.T, m *Machine, events []Event, res Result, text string) {
	t.Helper()
	if res.stopped == nil || res.Events >= 499 { // what came too late is not in the history
		return
	}
	_, got := Recall(m, events, time.Time{})
	if why := differs(&m.Flow, got.stopped, res.stopped); why != "" || got.redrive != res.redrive || got.Events != res.Events || got.Status != res.Status {
		for _, e := range events {
			t.Logf("%d ← %d %s %s %d %s", e.ID, e.PreviousID, e.Type, e.State, e.Index, e.Input)
		}
		t.Fatalf("%s: recalled %+v, stopped %+v in %s", why, got, res, text)
	}
}

// differs says in what two points of a flow differ. The items of a Distributed Map stand in no history.
func differs(f *Flow, got, want *point) string {
	switch {
	case want != nil && want.waiting: // between two states the history tells the one behind a Choice or a catcher only by what comes next
		return ""
	case got == nil || want == nil:
		if got == want {
			return ""
		}
		return fmt.Sprintf("there is one point only: %+v, %+v", got, want)
	case got.state != want.state:
		return fmt.Sprintf("state %s, not %s", got.state, want.state)
	}
	for _, pair := range [][2]any{{got.input, want.input}, {got.vars, want.vars}} {
		a, _ := json.Marshal(pair[0])
		b, _ := json.Marshal(pair[1])
		if strings.Replace(string(a), "{}", "null", 1) != strings.Replace(string(b), "{}", "null", 1) { // no variables either way
			return fmt.Sprintf("at %s: %s, not %s", got.state, a, b)
		}
	}
	s := f.byName[got.state]
	if s == nil || s.Iterate != nil && s.Iterate.Distributed {
		return ""
	}
	for i := range max(len(got.saved), len(want.saved)) {
		if i >= len(got.saved) || i >= len(want.saved) || got.done[i] != want.done[i] {
			return fmt.Sprintf("path %d of %s: %v, not %v", i, got.state, got.done, want.done)
		}
		inner := s.Iterate
		flow := (*Flow)(nil)
		if inner != nil {
			flow = inner.Processor
		} else {
			flow = s.Branches[i]
		}
		if a, b := fmt.Sprint(got.results[i]), fmt.Sprint(want.results[i]); a != b {
			return fmt.Sprintf("result %d of %s: %s, not %s", i, got.state, a, b)
		}
		if why := differs(flow, got.saved[i], want.saved[i]); why != "" {
			return why
		}
	}
	return ""
}

func TestRandomDefinitions(t *testing.T) {
	for seed := range uint64(300) {
		runRandom(t, seed)
	}
}

func FuzzDefinitions(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(runRandom)
}
