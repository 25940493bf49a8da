// Package cost forecasts what a run costs on AWS before it runs: it walks the state machine's own definition with steps that only count, and
// multiplies what it has counted by list prices. It opens nothing and calls nobody. The command prints it.
package cost

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/statemachine"
)

// Work is what a run has to do.
type Work struct {
	Transform, Validate bool    // the job has transforms, rules
	Partitions          []int64 // batches of each partition, at least 1: one without records has an empty one
}

// Counts are what is billed by the piece.
type Counts struct {
	Transitions int64            `json:"transitions"` // of the state machine, those of later legs among them
	Invocations map[string]int64 `json:"invocations"` // of functions, by the name of the state
	Legs        int64            `json:"legs"`
	Turns       int64            `json:"turns"` // batches
}

// add adds n times what o says.
func (c *Counts) add(o Counts, n int64) {
	c.Transitions += n * o.Transitions
	for name, v := range o.Invocations {
		if c.Invocations == nil {
			c.Invocations = map[string]int64{}
		}
		c.Invocations[name] += n * v
	}
}

// Count forecasts a run without failures and retries. The price of each part, of a run, a leg, a partition and a turn, comes from walks of the
// definition with few of them; a run of any size is made up of these parts.
func Count(ctx context.Context, w Work) (Counts, error) {
	walk := func(budget int, partitions ...int64) (Counts, error) {
		return Walk(ctx, Work{Transform: w.Transform, Validate: w.Validate, Partitions: partitions}, budget)
	}
	const many = 10
	run, err1 := walk(many)
	one, err2 := walk(many, 1)
	two, err3 := walk(many, 2)
	legs, err4 := walk(1, 2) // the second batch in a second leg
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return Counts{}, err
		}
	}
	turn, partition, leg := minus(two, one), minus(one, run), Counts{}
	partition = minus(partition, turn)
	leg.add(legs, 1)
	leg.add(run, -1)
	leg.add(partition, -2)
	leg.add(turn, -2)

	out := Counts{Invocations: map[string]int64{}, Legs: 1}
	out.add(run, 1)
	left := append([]int64{}, w.Partitions...)
	for n := int64(0); len(left) > 0; n++ {
		if n > 0 {
			out.add(leg, 1)
			out.Legs++
		}
		handed := left[:min(len(left), step.MaxPartitions)]
		budget := int64(step.Budget(len(handed)))
		var rest []int64
		for _, batches := range handed {
			out.add(partition, 1)
			taken := min(batches, budget)
			out.add(turn, taken)
			out.Turns += taken
			if batches > taken {
				rest = append(rest, batches-taken)
			}
		}
		left = append(rest, left[len(handed):]...)
	}
	return out, nil
}

func minus(a, b Counts) Counts {
	out := Counts{Transitions: a.Transitions, Invocations: map[string]int64{}}
	for name, n := range a.Invocations {
		out.Invocations[name] = n
	}
	out.add(b, -1)
	return out
}

// machineID is what the machine calls itself by in a walk.
const machineID = "local:sync"

// Walk walks the definition for the work, with so many turns for each partition of a leg, and counts.
func Walk(ctx context.Context, w Work, budget int) (Counts, error) {
	text, err := statemachine.Sync(nil)
	if err != nil {
		return Counts{}, err
	}
	machine, err := asl.Load(text)
	if err != nil {
		return Counts{}, fmt.Errorf("read the state machine: %w", err)
	}
	s := &steps{work: w, budget: budget, done: make([]int64, len(w.Partitions))}
	in := &asl.Interpreter{
		Machines: map[string]*asl.Machine{machineID: machine}, Tasks: s.tasks(), Observer: s.event, MaxEvents: -1,
	}
	result := in.Run(ctx, asl.Execution{ID: "local:sync:cost", Name: "cost", StateMachine: asl.StateMachine{ID: machineID, Name: "sync"},
		Input: json.RawMessage(`{"job":"cost"}`), StartTime: time.Unix(0, 0)})
	if result.Status != asl.StatusSucceeded {
		return Counts{}, fmt.Errorf("walk the state machine: it ended as %s with %s: %s", result.Status, result.Error, result.Cause)
	}
	return s.counts, nil
}

// steps answer as the real ones do, and count. Safe for concurrent use.
type steps struct {
	work   Work
	budget int

	mu     sync.Mutex
	done   []int64 // batches of each partition
	counts Counts
}

// event counts what Step Functions bills: each state that is entered.
func (s *steps) event(e asl.Event) {
	if !strings.HasSuffix(e.Type, "StateEntered") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Transitions++
	if e.Type == "TaskStateEntered" && e.State != "NextLeg" {
		if s.counts.Invocations == nil {
			s.counts.Invocations = map[string]int64{}
		}
		s.counts.Invocations[strings.ToLower(e.State)]++
	}
}

// tasks binds the holes of the definition.
func (s *steps) tasks() map[string]asl.Task {
	batch := func(next string) asl.Task {
		return answer(func(stage.Call) stage.BatchResult { return stage.BatchResult{Next: next} })
	}
	afterTransform := stage.NextLoad
	if s.work.Validate {
		afterTransform = stage.NextValidate
	}
	return map[string]asl.Task{
		"AcquireFunctionArn": answer(func(stage.AcquireCall) stage.AcquireResult {
			return stage.AcquireResult{State: stage.Acquired, Call: stage.CallFields{Run: "cost", Job: "cost", Term: 1, Concurrency: 1}}
		}),
		"PlanFunctionArn":      answer(s.plan),
		"ExtractFunctionArn":   answer(s.extract),
		"TransformFunctionArn": batch(afterTransform),
		"ValidateFunctionArn":  batch(stage.NextLoad),
		"LoadFunctionArn":      answer(s.load),
		"FinishFunctionArn":    answer(func(stage.Call) stage.FinishResult { return stage.FinishResult{Status: "succeeded"} }),
	}
}

// answer makes a task of what a step would answer.
func answer[In, Out any](do func(In) Out) asl.Task {
	return func(_ context.Context, arguments json.RawMessage) (json.RawMessage, error) {
		var in In
		if err := json.Unmarshal(arguments, &in); err != nil {
			return nil, fmt.Errorf("read the arguments of a step: %w", err)
		}
		return json.Marshal(do(in))
	}
}

func (s *steps) plan(stage.Call) stage.PlanResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := stage.PlanResult{Partitions: []stage.PlanItem{}}
	for i, batches := range s.work.Partitions {
		if s.done[i] < batches {
			out.Partitions = append(out.Partitions, stage.PlanItem{Stream: "s", Partition: fmt.Sprint(i), Seq: s.done[i], Budget: s.budget})
		}
	}
	return out
}

// of gives the index of the call's partition.
func (s *steps) of(c stage.Call) int {
	var i int
	_, _ = fmt.Sscan(c.Item.Partition, &i) // plan wrote it
	return i
}

func (s *steps) extract(c stage.Call) stage.ExtractResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := stage.ExtractResult{Next: stage.NextDone, Seq: c.Item.Seq}
	switch left := s.work.Partitions[s.of(c)] - s.done[s.of(c)]; {
	case left == 0:
	case c.Item.Turns >= c.Item.Budget:
		out.More = true
	case s.work.Transform:
		out.Next = stage.NextTransform
	case s.work.Validate:
		out.Next = stage.NextValidate
	default:
		out.Next = stage.NextLoad
	}
	return out
}

func (s *steps) load(c stage.Call) stage.LoadResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.of(c)
	s.done[i]++
	return stage.LoadResult{Next: stage.NextExtract, Seq: s.done[i]}
}
