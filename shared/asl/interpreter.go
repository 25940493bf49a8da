package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
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
	// Otherwise does the tasks that Tasks does not hold; CallOf tells it which. nil: only startExecution of Machines works, others
	// fail.
	Otherwise Task
	// Tokens holds the tasks .waitForTaskToken, whose Task then gives only the service's answer. nil: the Task waits itself.
	Tokens *Tokens
	// NewToken gives the token of a call of a state; "" or nil: the interpreter makes one.
	NewToken func(state string) string
	// Objects is where a Distributed Map reads items and writes results. nil: it has none.
	Objects Objects
	// Clock times waits, retries and time-outs. nil: the system's.
	Clock Clock
	// Rand draws the jitter of retries from [0, 1) and must be safe for concurrent use. nil: a random one.
	Rand func() float64
	// MaxEvents is how long a history may be, its last event included. 0: as on the service, 25,000; negative: no limit.
	MaxEvents int64
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
	RedriveCount int             // told to the states; Redrive counts it itself
	RoleArn      string          // told to the states; empty: they see none
	Express      bool            // an Express execution: no limit of events, no redrive
	AsOf         time.Time       // the day whose history is wanted; zero: today's. See changed
}

// The days on which what the service writes changed.
var (
	redriveDay = time.Date(2023, 11, 15, 0, 0, 0, 0, time.UTC) // the context object tells RedriveCount
	mapRunDay  = time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC)  // the exit of a Distributed Map follows on MapRunStarted
)

// changed says whether the service had changed by the day whose history is wanted.
func (e *Execution) changed(day time.Time) bool { return e.AsOf.IsZero() || !e.AsOf.Before(day) }

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

	stopped *point // where it stopped, for a redrive
	redrive int
}

// StoppedIn names the state in which a redrive would go on; empty when there is none.
func (r Result) StoppedIn() string {
	if r.stopped == nil {
		return ""
	}
	return r.stopped.state
}

// Run walks a machine from its beginning to its end and returns when every task and every item of a Map has ended. Cancelling
// ctx aborts the execution.
func (in *Interpreter) Run(ctx context.Context, e Execution) Result {
	r, failed := in.prepare(e)
	if r == nil {
		return failed
	}
	return r.walk(ctx, nil)
}

// prepare makes the run of an execution, nil with a result when there can be none.
func (in *Interpreter) prepare(e Execution) (*run, Result) {
	m := in.Machines[e.StateMachine.ID]
	if m == nil {
		return nil, Result{Status: StatusFailed, Error: errorNoMachine, Cause: "no machine " + e.StateMachine.ID + " is registered"}
	}
	r := &run{in: in, machine: m, exec: e, clock: in.Clock, random: in.Rand, limit: in.MaxEvents}
	if r.clock == nil {
		r.clock = systemClock{}
	}
	if r.random == nil {
		r.random = rand.Float64
	}
	if r.limit == 0 && !e.Express {
		r.limit = MaxEvents
	}
	if r.exec.StartTime.IsZero() {
		r.exec.StartTime = r.clock.Now()
	}
	if len(r.exec.Input) == 0 {
		r.exec.Input = json.RawMessage("{}")
	}
	input, err := jsonata.Decode(r.exec.Input)
	if err != nil {
		return nil, Result{Status: StatusFailed, Error: ErrorRuntime, Cause: "the input is not JSON: " + err.Error()}
	}
	r.input = input
	r.describe()
	return r, Result{}
}

// run is one execution.
type run struct {
	in      *Interpreter
	machine *Machine
	exec    Execution
	input   any
	clock   Clock
	random  func() float64
	limit   int64 // of events; 0 or less: none
	silent  bool  // the child of a Distributed Map, whose events nobody sees
	cancel  context.CancelCauseFunc

	execution, stateMachine map[string]any // of the context object
	context                 map[string]any // the whole of it, given to TestState; nil: it is made

	variables atomic.Int64 // bytes of all that are assigned

	mu     sync.Mutex
	events int64
}

// errStopped ends a path whose context is done; what that means is decided where the context was made.
var errStopped = errors.New("the execution was stopped")

// Why the context of an execution ended, other than by an abort.
var (
	errRunTimeout  = errors.New("the execution timed out")
	errHistoryFull = errors.New("the history is full")
)

// describe makes the parts of the context object that stay.
func (r *run) describe() {
	e := r.exec
	r.execution = map[string]any{"Id": e.ID, "Name": e.Name, "Input": r.input, "StartTime": stamp(e.StartTime)}
	if !e.Express && e.changed(redriveDay) {
		r.execution["RedriveCount"] = float64(e.RedriveCount)
	}
	if e.RoleArn != "" {
		r.execution["RoleArn"] = e.RoleArn
	}
	r.stateMachine = map[string]any{"Id": e.StateMachine.ID, "Name": e.StateMachine.Name}
}

// walk runs the machine, from a point when it is a redrive.
func (r *run) walk(ctx context.Context, from *point) Result {
	pace(r.clock).start()
	defer pace(r.clock).stop()
	ctx, r.cancel = context.WithCancelCause(ctx)
	defer r.cancel(nil)
	if t := r.machine.TimeoutSeconds; t > 0 {
		var stop func()
		ctx, stop = withTimeout(ctx, r.clock, seconds(float64(t)), errRunTimeout)
		defer stop()
	}
	w := &walker{run: r, vars: &variables{}}
	if from == nil {
		w.note(Event{Type: "ExecutionStarted", Input: r.json(r.input)})
	} else {
		w.prev = r.events
		w.emit(Event{Type: "ExecutionRedriven", RedriveCount: r.exec.RedriveCount})
	}
	var output any
	err := limited(r.input)
	if err == nil {
		output, err = w.flow(ctx, &r.machine.Flow, r.input, from)
	}
	if errors.Is(context.Cause(ctx), errHistoryFull) {
		err = errStopped
	}
	res := r.end(ctx, w, output, err)
	res.Events, res.redrive = r.events, r.exec.RedriveCount
	if res.Status != StatusSucceeded && w.at.state != "" {
		res.stopped = w.save()
	}
	return res
}

// end turns what the top path came to into the result and the last event.
func (r *run) end(ctx context.Context, w *walker, output any, err error) Result {
	if err == nil {
		b, err := jsonata.Encode(output)
		if err != nil {
			return Result{Status: StatusFailed, Error: ErrorRuntime, Cause: err.Error()}
		}
		r.close(Event{Type: "ExecutionSucceeded", PreviousID: w.prev, Output: b})
		return Result{Status: StatusSucceeded, Output: b}
	}
	if errors.Is(err, errStopped) {
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, errRunTimeout):
			r.close(Event{Type: "ExecutionTimedOut", Error: ErrorTimeout})
			return Result{Status: StatusTimedOut, Error: ErrorTimeout}
		case errors.Is(cause, errHistoryFull):
			err = &Error{Name: ErrorRuntime, Cause: fmt.Sprintf("The execution reached the maximum number of history events (%d).", r.limit)}
		default:
			r.close(Event{Type: "ExecutionAborted"})
			return Result{Status: StatusAborted}
		}
	}
	var own *Error
	if !errors.As(err, &own) {
		own = &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	r.close(Event{Type: "ExecutionFailed", PreviousID: w.prev, Error: own.Name, Cause: own.Cause})
	return Result{Status: StatusFailed, Error: own.Name, Cause: own.Cause}
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
