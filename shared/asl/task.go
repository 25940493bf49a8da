package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// Why a context of a task ended.
var (
	errTaskTimeout   = errors.New("the task timed out")
	errTaskHeartbeat = errors.New("the task missed its heartbeat")
)

// maxTimeout is the longest time-out that a Task may name, in seconds.
const maxTimeout = 99999999

// Call is one call of a task. A Task finds its own with CallOf.
type Call struct {
	Execution   string // the execution's ID
	State       string
	Resource    string
	Arguments   json.RawMessage
	Credentials json.RawMessage // the role to call under; nil: the machine's
	Token       string          // of a call .waitForTaskToken
	RetryCount  int

	visit  *visit
	events taskEvents
	mu     sync.Mutex
	beat   func()
	done   bool
}

// callKey finds the call in a task's context.
type callKey struct{}

// CallOf gives the call that a task works on, nil outside of one.
func CallOf(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// Submitted tells the history what the service answered at once, of a task whose answer comes later (.sync, .waitForTaskToken).
func (c *Call) Submitted(answer json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	e := c.events.of("Submitted")
	e.Output = answer
	c.visit.emit(e)
}

// Heartbeat says that the task is alive: HeartbeatSeconds count anew.
func (c *Call) Heartbeat() {
	if c.beat != nil {
		c.beat()
	}
}

// Wait waits until ready is closed or ctx is done; a nil ready never is. A task that waits for something other than the work of
// this process should do it here, so that a clock of its own (VirtualClock) knows that nothing runs.
func (c *Call) Wait(ctx context.Context, ready <-chan struct{}) {
	pace(c.visit.run.clock).wait(ctx, ready)
}

// task does a Task state (specification, "Task State"): it makes the arguments and calls the resource.
func (v *visit) task(ctx context.Context) (any, error) {
	r := ParseResource(v.state.Resource)
	if r.Kind == KindIntegration && r.Pattern != RequestResponse || r.Pattern == WaitForTaskToken {
		v.token, v.states = v.run.newToken(v.state.Name, v.id, v.retries), nil
	}
	call, timeout, heartbeat, err := v.prepareCall(r)
	if err != nil {
		return nil, err
	}
	ev := call.events
	v.emit(ev.scheduled(call, int(timeout), int(heartbeat)))
	v.emit(ev.of("Started"))
	outer := ctx
	ctx, stop := call.guard(context.WithValue(ctx, callKey{}, call), timeout, heartbeat)
	defer stop()
	answer, err := v.call(ctx, r, call)
	call.mu.Lock()
	call.done = true
	call.mu.Unlock()
	switch {
	case outer.Err() != nil:
		return nil, errStopped
	case ctx.Err() != nil:
		missed := errors.Is(context.Cause(ctx), errTaskHeartbeat)
		return nil, v.taskFailed(ev, "TimedOut", &Error{Name: ErrorTimeout, heartbeat: missed})
	case err != nil:
		return nil, v.taskFailed(ev, "Failed", asError(err))
	}
	return v.answered(ev, answer)
}

// prepareCall evaluates all fields of the call.
func (v *visit) prepareCall(r Resource) (c *Call, timeout, heartbeat float64, err error) {
	arguments, err := v.parameters()
	if err != nil {
		return nil, 0, 0, err
	}
	effective, err := v.effective()
	if err != nil {
		return nil, 0, 0, err
	}
	if timeout, err = v.amount(v.state.TimeoutSeconds, effective, bounds{low: 1, high: maxTimeout}); err != nil {
		return nil, 0, 0, err
	}
	if heartbeat, err = v.amount(v.state.HeartbeatSeconds, effective, bounds{low: 1, high: maxTimeout}); err != nil {
		return nil, 0, 0, err
	}
	text, err := jsonata.Encode(arguments)
	if err != nil {
		return nil, 0, 0, v.broken("%s", err)
	}
	if wrong := r.check(arguments); len(wrong) > 0 {
		field := "Parameters"
		if v.state.QueryLanguage == JSONata {
			field = "Arguments"
		}
		return nil, 0, 0, v.broken("The %s '%s' could not be used to start the Task: [%s]", field, text, strings.Join(wrong, ", "))
	}
	c = &Call{
		Execution: v.run.exec.ID, State: v.state.Name, Resource: v.state.Resource, Arguments: text, Token: v.token, RetryCount: v.retries,
		visit: v, events: r.events(),
	}
	if v.state.Credentials != nil {
		value, err := v.eval(v.state.Credentials, effective)
		if err != nil {
			return nil, 0, 0, err
		}
		if m, ok := value.(map[string]any); ok {
			c.Credentials, _ = jsonata.Encode(map[string]any{"roleArn": m["RoleArn"]})
		}
	}
	return c, timeout, heartbeat, nil
}

// guard ends the context of a call when its time-out passes or its heartbeat stays away.
func (c *Call) guard(ctx context.Context, timeout, heartbeat float64) (context.Context, func()) {
	if timeout <= 0 && heartbeat <= 0 {
		return ctx, func() {}
	}
	clock := c.visit.run.clock
	ctx, cancel := context.WithCancelCause(ctx)
	stopTimeout, stopBeat := func() {}, func() {}
	if timeout > 0 {
		stopTimeout = clock.AfterFunc(seconds(timeout), func() { cancel(errTaskTimeout) })
	}
	var mu sync.Mutex
	if heartbeat > 0 {
		c.beat = func() {
			mu.Lock()
			defer mu.Unlock()
			stopBeat()
			stopBeat = clock.AfterFunc(seconds(heartbeat), func() { cancel(errTaskHeartbeat) })
		}
		c.beat()
	}
	return ctx, func() {
		stopTimeout()
		mu.Lock()
		stopBeat()
		mu.Unlock()
		cancel(nil)
	}
}

// answered reads what the task gave.
func (v *visit) answered(ev taskEvents, answer json.RawMessage) (any, error) {
	if len(answer) > MaxPayload {
		name := v.state.Resource
		if ev.resourceType != "" {
			name = ev.resourceType
		}
		return nil, v.taskFailed(ev, "Failed", tooLarge(name))
	}
	if len(answer) == 0 {
		answer = json.RawMessage("null")
	}
	result, err := jsonata.Decode(answer)
	if err != nil {
		return nil, v.taskFailed(ev, "Failed", &Error{Name: ErrorRuntime, Cause: err.Error()})
	}
	e := ev.of("Succeeded")
	e.Output = answer
	v.emit(e)
	return result, nil
}

// taskFailed tells a task's failure and cuts its cause to what the service keeps.
func (v *visit) taskFailed(ev taskEvents, what string, err *Error) error {
	failed := *err
	failed.ofTask = true
	if failed.Name == ErrorDataLimit && failed.Cause == "" {
		failed.Cause = tooLarge(v.state.Resource).Cause
	}
	failed.Cause = cut(failed.Cause)
	e := ev.of(what)
	e.Error, e.Cause = failed.Name, failed.Cause
	v.emit(e)
	return &failed
}

// call finds the task of the state and calls it.
func (v *visit) call(ctx context.Context, r Resource, c *Call) (json.RawMessage, error) {
	if v.trace != nil && v.trace.test.Mock != nil {
		value, err := v.trace.mocked()
		if err != nil {
			return nil, err
		}
		return jsonata.Encode(value)
	}
	in := v.run.in
	do, ok := in.Tasks[c.Resource]
	if !ok {
		do, ok = in.Tasks[holeName(c.Resource)]
	}
	if !ok && in.Otherwise != nil {
		do, ok = in.Otherwise, true
	}
	switch {
	case ok && r.Pattern == WaitForTaskToken && in.Tokens != nil:
		return in.Tokens.call(ctx, c, do)
	case ok:
		return do(ctx, c.Arguments)
	case r.isChild():
		return v.run.child(ctx, r, c)
	}
	return nil, &Error{Name: errorNoTask, Cause: fmt.Sprintf("no task is registered for %s", c.Resource)}
}

// holeName gives the name inside ${…}, empty when the text is none.
func holeName(resource string) string {
	name, ok := strings.CutPrefix(resource, "${")
	if !ok {
		return ""
	}
	name, ok = strings.CutSuffix(name, "}")
	if !ok {
		return ""
	}
	return name
}
