package asl

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// Task does the work of a Task state: arguments and answer are JSON. The error's name comes from a method ErrorName() string
// anywhere in its chain, else it is Lambda.Unknown; the cause is its text. A task must return soon after its ctx is done: that
// is how a time-out, an abort, or a failed sibling ends it, and the run waits for it. A panic is not recovered.
type Task func(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error)

// Interpreter runs machines in this process. It is safe for concurrent use once its fields are set.
type Interpreter struct {
	// Machines by the ID under which executions and startExecution.sync:2 name them.
	Machines map[string]*Machine
	// Tasks by the Resource of the state; a Resource that is still a ${hole} is found under the name of the hole.
	Tasks map[string]Task
	// Clock times waits, retries and time-outs. nil: the system's.
	Clock Clock
	// Rand draws the jitter of retries from [0, 1) and must be safe for concurrent use. nil: a random one.
	Rand func() float64
	// Observer gets every event of every execution, one at a time and in order per execution. It must be quick, and safe for
	// concurrent use when executions run side by side. nil: events are only counted.
	Observer func(Event)
}

// Execution says what to run.
type Execution struct {
	ID           string // ARN or any unique name; $states.context.Execution.Id
	Name         string
	StateMachine StateMachine
	Input        json.RawMessage // empty means {}
	StartTime    time.Time       // zero: now
	RedriveCount int             // only told to the states: a run here always begins at StartAt
}

// StateMachine names a machine.
type StateMachine struct {
	ID   string // key of Interpreter.Machines
	Name string
}

// Status is how an execution ended.
type Status string

// The statuses of executions that ended.
const (
	StatusSucceeded Status = "SUCCEEDED"
	StatusFailed    Status = "FAILED"
	StatusTimedOut  Status = "TIMED_OUT" // the machine's TimeoutSeconds passed
	StatusAborted   Status = "ABORTED"   // ctx was cancelled
)

// Result is the end of an execution.
type Result struct {
	Status Status
	Output json.RawMessage // of a SUCCEEDED one
	Error  string          // of the others; may be empty when a Fail state names none
	Cause  string
	Events int64 // length of the history, without those of executions that it started
}

// Run walks a machine from its beginning to its end and returns when every task and every item of a Map has ended. Cancelling
// ctx aborts the execution.
func (in *Interpreter) Run(ctx context.Context, e Execution) Result {
	m := in.Machines[e.StateMachine.ID]
	if m == nil {
		return Result{Status: StatusFailed, Error: errorNoMachine, Cause: "no machine " + e.StateMachine.ID + " is registered"}
	}
	r := &run{in: in, machine: m, exec: e, clock: in.Clock, random: in.Rand}
	if r.clock == nil {
		r.clock = systemClock{}
	}
	if r.random == nil {
		r.random = rand.Float64
	}
	if r.exec.StartTime.IsZero() {
		r.exec.StartTime = r.clock.Now()
	}
	if len(r.exec.Input) == 0 {
		r.exec.Input = json.RawMessage("{}")
	}
	return r.walk(ctx)
}

// run is one execution.
type run struct {
	in      *Interpreter
	machine *Machine
	exec    Execution
	clock   Clock
	random  func() float64

	execution, stateMachine map[string]any // of the context object

	mu     sync.Mutex
	events int64
}

// errStopped ends a path whose context is done; what that means is decided where the context was made.
var errStopped = errors.New("the execution was stopped")

// errRunTimeout is the cause of a context that the machine's TimeoutSeconds ended.
var errRunTimeout = errors.New("the execution timed out")

func (r *run) walk(ctx context.Context) Result {
	input, err := jsonata.Decode(r.exec.Input)
	if err != nil {
		return Result{Status: StatusFailed, Error: ErrorRuntime, Cause: "the input is not JSON: " + err.Error()}
	}
	r.execution = map[string]any{
		"Id": r.exec.ID, "Name": r.exec.Name, "Input": input, "StartTime": stamp(r.exec.StartTime),
		"RedriveCount": float64(r.exec.RedriveCount),
	}
	r.stateMachine = map[string]any{"Id": r.exec.StateMachine.ID, "Name": r.exec.StateMachine.Name}
	if t := r.machine.TimeoutSeconds; t > 0 {
		var stop func()
		ctx, stop = withTimeout(ctx, r.clock, seconds(float64(t)), errRunTimeout)
		defer stop()
	}
	w := &walker{run: r, vars: &scope{}}
	w.note(Event{Type: "ExecutionStarted", Input: r.json(input)})
	var output any
	err = limited(input)
	if err == nil {
		output, err = w.flow(ctx, &r.machine.Flow, input)
	}
	res := r.end(ctx, w, output, err)
	res.Events = r.events
	return res
}

// end turns what the top path came to into the result and the last event.
func (r *run) end(ctx context.Context, w *walker, output any, err error) Result {
	var own *Error
	switch {
	case err == nil:
		b, err := jsonata.Encode(output)
		if err != nil {
			return Result{Status: StatusFailed, Error: ErrorRuntime, Cause: err.Error()}
		}
		w.emit(Event{Type: "ExecutionSucceeded", Output: b})
		return Result{Status: StatusSucceeded, Output: b}
	case errors.Is(err, errStopped) && errors.Is(context.Cause(ctx), errRunTimeout):
		w.emit(Event{Type: "ExecutionTimedOut", Error: ErrorTimeout})
		return Result{Status: StatusTimedOut, Error: ErrorTimeout}
	case errors.Is(err, errStopped):
		w.emit(Event{Type: "ExecutionAborted"})
		return Result{Status: StatusAborted}
	case errors.As(err, &own):
		w.emit(Event{Type: "ExecutionFailed", Error: own.Name, Cause: own.Cause})
		return Result{Status: StatusFailed, Error: own.Name, Cause: own.Cause}
	}
	w.emit(Event{Type: "ExecutionFailed", Error: ErrorRuntime, Cause: err.Error()})
	return Result{Status: StatusFailed, Error: ErrorRuntime, Cause: err.Error()}
}

// limited checks the size of a payload, and that it is JSON at all.
func limited(v any) error {
	n, err := jsonata.Size(v)
	if err != nil {
		return &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	if n > MaxPayload {
		return &Error{Name: ErrorDataLimit, Cause: "a payload exceeds the maximum number of bytes service limit"}
	}
	return nil
}
