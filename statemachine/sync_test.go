package statemachine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// world is a job whose steps are faked: so many batches in each partition, handed out in legs.
type world struct {
	state   string         // what acquire answers; empty means acquired
	batches map[string]int // by partition, still to move
	budget  int            // turns a leg
	steps   string         // of "transform validate", those that the job configures
	errs    map[string]int // how often "step partition" fails first, with errName
	errName string
	forGood string // the partition whose load always fails

	mu      sync.Mutex
	paths   map[string][]string
	calls   map[string][]map[string]any // arguments by step
	history map[string]int64
}

// partitions gives the names in order.
func (w *world) partitions() []string {
	var out []string
	for i := range len(w.batches) {
		out = append(out, fmt.Sprintf("p%d", i))
	}
	return out
}

func (w *world) has(step string) bool { return strings.Contains(w.steps, step) }

// fail gives the error that is due, if any.
func (w *world) fail(step, partition string) error {
	key := step + " " + partition
	if w.errs[key] > 0 {
		w.errs[key]--
		return &asl.Error{Name: w.errName, Cause: "as planned"}
	}
	if step == "Load" && w.forGood == partition {
		return &asl.Error{Name: "Lockstep.DataInvalid", Cause: "always"}
	}
	return nil
}

// task makes the task of a step: it records its arguments and gives the step's answer.
func (w *world) task(step string, answer func(item, all map[string]any) map[string]any) asl.Task {
	return func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		var all map[string]any
		if err := json.Unmarshal(arguments, &all); err != nil {
			return nil, fmt.Errorf("read arguments: %w", err)
		}
		w.calls[step] = append(w.calls[step], all)
		item, _ := all["item"].(map[string]any)
		partition, _ := item["partition"].(string)
		if err := w.fail(step, partition); err != nil {
			return nil, err
		}
		return json.Marshal(answer(item, all))
	}
}

func (w *world) tasks() map[string]asl.Task {
	return map[string]asl.Task{
		"AcquireFunctionArn":   w.task("Acquire", w.acquire),
		"PlanFunctionArn":      w.task("Plan", w.plan),
		"ExtractFunctionArn":   w.task("Extract", w.extract),
		"TransformFunctionArn": w.task("Transform", w.transform),
		"ValidateFunctionArn":  w.task("Validate", func(_, _ map[string]any) map[string]any { return map[string]any{"next": "load", "batch": "v"} }),
		"LoadFunctionArn":      w.task("Load", w.load),
		"FinishFunctionArn":    w.finish(),
	}
}

func (w *world) acquire(_, _ map[string]any) map[string]any {
	state := w.state
	if state == "" {
		state = "acquired"
	}
	return map[string]any{"state": state, "call": map[string]any{"run": "r1", "job": "j", "term": 7, "digest": "d", "bundle": "b", "concurrency": 2}}
}

func (w *world) plan(_, _ map[string]any) map[string]any {
	out := []any{}
	for _, p := range w.partitions() {
		if w.batches[p] > 0 {
			out = append(out, map[string]any{"stream": "s", "partition": p, "seq": 0, "position": "", "budget": w.budget})
		}
	}
	return map[string]any{"partitions": out}
}

func (w *world) extract(item, _ map[string]any) map[string]any {
	left := w.batches[item["partition"].(string)]
	next, more := "load", true
	switch {
	case left == 0:
		next, more = "done", false
	case item["turns"].(float64) >= item["budget"].(float64):
		next = "done"
	case w.has("transform"):
		next = "transform"
	case w.has("validate"):
		next = "validate"
	}
	return map[string]any{"next": next, "more": more, "seq": item["seq"].(float64) + 1, "start": "a", "end": "b", "batch": "e", "read": 10}
}

func (w *world) transform(_, _ map[string]any) map[string]any {
	next := "load"
	if w.has("validate") {
		next = "validate"
	}
	return map[string]any{"next": next, "batch": "t"}
}

func (w *world) load(item, _ map[string]any) map[string]any {
	w.batches[item["partition"].(string)]--
	return map[string]any{"next": "extract", "seq": item["seq"], "position": "b", "read": 10, "loaded": 7, "filtered": 2, "failed": 1}
}

func (w *world) finish() asl.Task {
	end := w.task("Finish", func(_, _ map[string]any) map[string]any { return map[string]any{"status": "succeeded", "more": false} })
	return func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		answer, err := end(ctx, arguments)
		if err == nil && w.forGood != "" {
			err = &asl.Error{Name: "Lockstep.PartitionsFailed", Cause: "DataInvalid: " + w.forGood}
		}
		return answer, err
	}
}

// observe keeps the path of states: one for each execution, and one for each item of its map.
func (w *world) observe(e asl.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history[e.Execution]++
	if strings.HasSuffix(e.Type, "StateEntered") {
		w.paths[e.Execution] = append(w.paths[e.Execution], e.State)
	}
}

// run walks the machine and gives the result.
func (w *world) run(t testing.TB, input string) asl.Result {
	t.Helper()
	w.paths, w.calls, w.history = make(map[string][]string), make(map[string][]map[string]any), make(map[string]int64)
	in := &asl.Interpreter{Machines: map[string]*asl.Machine{"sync": load(t)}, Tasks: w.tasks(), Observer: w.observe}
	return in.Run(t.Context(), asl.Execution{ID: "sync:r1", Name: "r1", StateMachine: asl.StateMachine{ID: "sync", Name: "sync"}, Input: json.RawMessage(input)})
}

const begin, end = "Leg Acquire Acquired Plan Partitions ", "LegEnded Finish Finished Succeeded"

// walk is one case: a world, and how the machine goes through it.
type walk struct {
	name   string
	world  *world
	status asl.Status
	output string // or the error
	path   string // of the first leg, when one partition or none makes it certain
	calls  map[string]int
}

// walks gives the cases anew, since walking changes their worlds.
func walks() []walk {
	return []walk{
		{name: "no partition", world: &world{}, status: asl.StatusSucceeded, path: begin + end,
			output: `{"errors":0,"failed":0,"filtered":0,"first_error":"","loaded":0,"more":false,"partitions":0,"read":0,"status":"succeeded"}`,
			calls:  map[string]int{"Acquire": 1, "Plan": 1, "Finish": 1}},
		{name: "one partition, load only", world: &world{batches: map[string]int{"p0": 2}, budget: 9}, status: asl.StatusSucceeded,
			path:   begin + "Extract Extracted Load Extract Extracted Load Extract Extracted PartitionDone " + end,
			output: `{"errors":0,"failed":2,"filtered":4,"first_error":"","loaded":14,"more":false,"partitions":1,"read":20,"status":"succeeded"}`,
			calls:  map[string]int{"Acquire": 1, "Plan": 1, "Extract": 3, "Load": 2, "Finish": 1}},
		{name: "one partition, every step", world: &world{batches: map[string]int{"p0": 1}, budget: 9, steps: "transform validate"}, status: asl.StatusSucceeded,
			path:   begin + "Extract Extracted Transform Transformed Validate Load Extract Extracted PartitionDone " + end,
			output: `{"errors":0,"failed":1,"filtered":2,"first_error":"","loaded":7,"more":false,"partitions":1,"read":10,"status":"succeeded"}`},
		{name: "transform only", world: &world{batches: map[string]int{"p0": 1}, budget: 9, steps: "transform"}, status: asl.StatusSucceeded,
			path: begin + "Extract Extracted Transform Transformed Load Extract Extracted PartitionDone " + end},
		{name: "validate only", world: &world{batches: map[string]int{"p0": 1}, budget: 9, steps: "validate"}, status: asl.StatusSucceeded,
			path: begin + "Extract Extracted Validate Load Extract Extracted PartitionDone " + end},
		{name: "three partitions", world: &world{batches: map[string]int{"p0": 1, "p1": 2, "p2": 3}, budget: 9}, status: asl.StatusSucceeded,
			output: `{"errors":0,"failed":6,"filtered":12,"first_error":"","loaded":42,"more":false,"partitions":3,"read":60,"status":"succeeded"}`,
			calls:  map[string]int{"Acquire": 1, "Plan": 1, "Extract": 9, "Load": 6, "Finish": 1}},
		{name: "two legs", world: &world{batches: map[string]int{"p0": 3}, budget: 2}, status: asl.StatusSucceeded,
			path:   begin + "Extract Extracted Load Extract Extracted Load Extract Extracted PartitionDone LegEnded NextLeg MoreLegs Finish Finished Succeeded",
			output: `{"errors":0,"failed":3,"filtered":6,"first_error":"","loaded":21,"more":false,"partitions":1,"read":30,"status":"succeeded"}`,
			calls:  map[string]int{"Acquire": 1, "Plan": 2, "Extract": 5, "Load": 3, "Finish": 1}},
		{name: "held", world: &world{state: "skipped"}, status: asl.StatusSucceeded, path: "Leg Acquire Acquired Skipped",
			output: `{"run":"r1","state":"skipped"}`, calls: map[string]int{"Acquire": 1}},
		{name: "done before", world: &world{state: "done"}, status: asl.StatusSucceeded, path: "Leg Acquire Acquired Skipped",
			output: `{"run":"r1","state":"done"}`},
		{name: "one of three fails for good", world: &world{batches: map[string]int{"p0": 1, "p1": 1, "p2": 2}, budget: 9, forGood: "p1"},
			status: asl.StatusFailed, output: "Lockstep.PartitionsFailed",
			calls: map[string]int{"Acquire": 1, "Plan": 1, "Extract": 6, "Load": 4, "Finish": 1}},
		{name: "a passing fault is retried", world: &world{batches: map[string]int{"p0": 1}, budget: 9, errs: map[string]int{"Load p0": 2, "Acquire ": 1}, errName: "Lockstep.Transient"},
			status: asl.StatusSucceeded, path: begin + "Extract Extracted Load Extract Extracted PartitionDone " + end,
			calls: map[string]int{"Acquire": 2, "Plan": 1, "Extract": 2, "Load": 3, "Finish": 1}},
		{name: "a passing fault that stays", world: &world{batches: map[string]int{"p0": 1}, budget: 9, errs: map[string]int{"Extract p0": 99}, errName: "Lockstep.Transient"},
			status: asl.StatusSucceeded, path: begin + "Extract PartitionFailed " + end,
			output: `{"errors":1,"failed":0,"filtered":0,"first_error":"Lockstep.Transient","loaded":0,"more":false,"partitions":1,"read":0,"status":"succeeded"}`,
			calls:  map[string]int{"Acquire": 1, "Plan": 1, "Extract": 6, "Finish": 1}},
		{name: "throttling is retried longer", world: &world{batches: map[string]int{"p0": 1}, budget: 9, errs: map[string]int{"Load p0": 10}, errName: "Lambda.TooManyRequestsException"},
			status: asl.StatusSucceeded, calls: map[string]int{"Acquire": 1, "Plan": 1, "Extract": 2, "Load": 11, "Finish": 1}},
		{name: "a fault of plan fails the run", world: &world{errs: map[string]int{"Plan ": 1}, errName: "Lockstep.Internal"}, status: asl.StatusFailed,
			path: "Leg Acquire Acquired Plan", output: "Lockstep.Internal"},
	}
}

func TestSync_Walk(t *testing.T) {
	for _, c := range walks() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := c.world
				got := w.run(t, `{"job": "j"}`)
				output := string(got.Output)
				if got.Status != asl.StatusSucceeded {
					output = got.Error
				}
				if got.Status != c.status || c.output != "" && output != c.output {
					t.Errorf("got %s %s (%s); want %s %s", got.Status, output, got.Cause, c.status, c.output)
				}
				if path := strings.Join(w.paths["sync:r1"], " "); c.path != "" && path != c.path {
					t.Errorf("path is %s\nwant    %s", path, c.path)
				}
				if c.calls != nil {
					calls := make(map[string]int)
					for step, all := range w.calls {
						calls[step] = len(all)
					}
					if d := cmp.Diff(calls, c.calls); d != "" {
						t.Error(d)
					}
				}
			})
		})
	}
}

func TestSync_Walk_LaterLeg(t *testing.T) {
	w := &world{batches: map[string]int{"p0": 3}, budget: 2}
	w.run(t, `{"job": "j"}`)
	want := "Leg Plan Partitions Extract Extracted Load Extract Extracted PartitionDone LegEnded LegSucceeded"
	if got := strings.Join(w.paths["sync:r1-l2-r0-t0"], " "); got != want {
		t.Errorf("the second leg went %s in %v", got, w.paths)
	}
	for i, leg := range []float64{1, 2} {
		if got := w.calls["Plan"][i]["leg"]; got != leg {
			t.Errorf("plan %d got leg %v", i, got)
		}
	}
	if got := w.calls["Finish"][0]["leg"]; got != 2.0 {
		t.Errorf("finish got leg %v", got)
	}
}

func TestSync_Walk_Arguments(t *testing.T) {
	w := &world{batches: map[string]int{"p0": 1}, budget: 9, steps: "transform validate"}
	w.run(t, `{"job": "j", "trigger": "cli"}`)
	call := map[string]any{"run": "r1", "job": "j", "term": 7.0, "digest": "d", "bundle": "b", "concurrency": 2.0, "leg": 1.0, "redrive": 0.0, "retry": 0.0, "execution": "sync:r1"}
	item := map[string]any{"stream": "s", "partition": "p0", "seq": 0.0, "position": "", "budget": 9.0, "turns": 0.0, "read": 0.0, "loaded": 0.0,
		"filtered": 0.0, "failed": 0.0, "more": true, "next": "", "start": "", "end": "", "batch": ""}
	with := func(m map[string]any, more ...any) map[string]any {
		out := make(map[string]any)
		for k, v := range m {
			out[k] = v
		}
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	cut := with(item, "seq", 1.0, "start", "a", "end", "b", "batch", "e", "next", "transform")
	loaded := with(cut, "batch", "v", "next", "load", "position", "b", "turns", 1.0, "read", 10.0, "loaded", 7.0, "filtered", 2.0, "failed", 1.0)
	for _, c := range []struct {
		step string
		n    int
		want map[string]any
	}{
		{"Acquire", 0, map[string]any{"redrive": 0.0, "retry": 0.0, "execution": "sync:r1", "name": "r1", "input": map[string]any{"job": "j", "trigger": "cli"}}},
		{"Plan", 0, call},
		{"Extract", 0, with(call, "item", item)},
		{"Transform", 0, with(call, "item", cut)},
		{"Validate", 0, with(call, "item", with(cut, "batch", "t", "next", "validate"))},
		{"Load", 0, with(call, "item", with(cut, "batch", "v", "next", "load"))},
		{"Extract", 1, with(call, "item", loaded)},
		{"Finish", 0, with(call, "sums", map[string]any{"partitions": 1.0, "read": 10.0, "loaded": 7.0, "filtered": 2.0, "failed": 1.0, "more": false, "errors": 0.0, "first_error": ""})},
	} {
		got := w.calls[c.step][c.n]
		if entered, _ := got["entered"].(string); len(entered) != len("2026-11-22T17:31:06.028Z") {
			t.Errorf("%s was entered at %v", c.step, got["entered"])
		}
		delete(got, "entered")
		if d := cmp.Diff(got, c.want); d != "" {
			t.Errorf("%s %d: %s", c.step, c.n, d)
		}
	}
}

// TestSync_Walk_History holds the count of events from which Plan makes a leg's budget.
func TestSync_Walk_History(t *testing.T) {
	for steps, turn := range map[string]int64{"": 12, "transform": 19, "validate": 17, "transform validate": 24} {
		w := &world{batches: map[string]int{"p0": 2, "p1": 1, "p2": 0}, budget: 9, steps: steps}
		got := w.run(t, `{"job": "j"}`)
		const base, perPartition, partitions, turns = 31, 11, 2, 3
		if want := base + perPartition*partitions + turn*turns; got.Events != want {
			t.Errorf("with steps %q the history has %d events, want %d", steps, got.Events, want)
		}
	}
}

func TestSync_Walk_Abort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{batches: map[string]int{"p0": 1, "p1": 1}, budget: 9}
		ctx, cancel := context.WithCancel(t.Context())
		tasks := w.tasks()
		waiting := make(chan struct{}, 2)
		tasks["LoadFunctionArn"] = func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
			waiting <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		w.paths, w.calls, w.history = make(map[string][]string), make(map[string][]map[string]any), make(map[string]int64)
		in := &asl.Interpreter{Machines: map[string]*asl.Machine{"sync": load(t)}, Tasks: tasks}
		go func() {
			<-waiting
			<-waiting
			cancel()
		}()
		got := in.Run(ctx, asl.Execution{ID: "x", StateMachine: asl.StateMachine{ID: "sync"}})
		if got.Status != asl.StatusAborted || len(w.calls["Finish"]) != 0 {
			t.Errorf("got %s, finish called %d times", got.Status, len(w.calls["Finish"]))
		}
	})
}

// BenchmarkSync_Turn is one turn of the loop with all four steps, their work being nothing.
func BenchmarkSync_Turn(b *testing.B) {
	m := load(b)
	say := func(text string) asl.Task {
		return func(context.Context, json.RawMessage) (json.RawMessage, error) { return json.RawMessage(text), nil }
	}
	left := b.N
	in := &asl.Interpreter{Machines: map[string]*asl.Machine{"sync": m}, Tasks: map[string]asl.Task{
		"AcquireFunctionArn": say(`{"state": "acquired", "call": {"run": "r1", "job": "j", "term": 7, "digest": "d", "bundle": "b", "concurrency": 2}}`),
		"PlanFunctionArn":    say(`{"partitions": [{"stream": "s", "partition": "p", "seq": 0, "position": "", "budget": 100}]}`),
		"ExtractFunctionArn": func(context.Context, json.RawMessage) (json.RawMessage, error) {
			if left--; left < 0 {
				return json.RawMessage(`{"next": "done", "more": false, "seq": 1, "start": "a", "end": "b", "batch": "k", "read": 10}`), nil
			}
			return json.RawMessage(`{"next": "transform", "more": true, "seq": 1, "start": "a", "end": "b", "batch": "k", "read": 10}`), nil
		},
		"TransformFunctionArn": say(`{"next": "validate", "batch": "t"}`),
		"ValidateFunctionArn":  say(`{"next": "load", "batch": "v"}`),
		"LoadFunctionArn":      say(`{"next": "extract", "seq": 1, "position": "b", "read": 10, "loaded": 7, "filtered": 2, "failed": 1}`),
		"FinishFunctionArn":    say(`{"status": "succeeded", "more": false}`),
	}}
	b.ReportAllocs()
	b.ResetTimer()
	if got := in.Run(b.Context(), asl.Execution{ID: "x", StateMachine: asl.StateMachine{ID: "sync"}}); got.Status != asl.StatusSucceeded {
		b.Fatal(got)
	}
}

// BenchmarkSync_Load is what a start-up pays.
func BenchmarkSync_Load(b *testing.B) {
	for b.Loop() {
		load(b)
	}
}
