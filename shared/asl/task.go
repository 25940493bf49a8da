package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// errTaskTimeout is the cause of a context that a state's TimeoutSeconds ended.
var errTaskTimeout = errors.New("the task timed out")

// task evaluates the arguments and calls the task.
func (v *visit) task(ctx context.Context) (any, error) {
	timeout := 0.0
	if v.state.TimeoutSeconds != nil {
		var err error
		if timeout, err = v.count(v.state.TimeoutSeconds, 1); err != nil {
			return nil, err
		}
	}
	arguments := v.input
	if v.state.Arguments != nil {
		var err error
		if arguments, err = v.eval(v.state.Arguments); err != nil {
			return nil, err
		}
	}
	text, err := jsonata.Encode(arguments)
	if err != nil {
		return nil, &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	ev := eventsOf(v.state.Resource)
	v.emit(ev.scheduled(text, int(timeout)))
	v.emit(ev.of("Started"))
	outer := ctx
	if timeout > 0 {
		var stop func()
		ctx, stop = withTimeout(ctx, v.run.clock, seconds(timeout), errTaskTimeout)
		defer stop()
	}
	answer, err := v.call(ctx, text)
	switch {
	case outer.Err() != nil:
		return nil, errStopped
	case ctx.Err() != nil:
		return nil, v.taskFailed(ev, "TimedOut", &Error{Name: ErrorTimeout})
	case err != nil:
		return nil, v.taskFailed(ev, "Failed", asError(err))
	}
	return v.answered(ev, answer)
}

// answered reads what the task gave.
func (v *visit) answered(ev taskEvents, answer json.RawMessage) (any, error) {
	if len(answer) > MaxPayload {
		return nil, v.taskFailed(ev, "Failed", &Error{Name: ErrorDataLimit, Cause: fmt.Sprintf(
			"The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", v.state.Resource)})
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
	if len(err.Cause) > maxCause {
		err = &Error{Name: err.Name, Cause: strings.ToValidUTF8(err.Cause[:maxCause], "")}
	}
	e := ev.of(what)
	e.Error, e.Cause = err.Name, err.Cause
	v.emit(e)
	return err
}

// call finds the task of the state and calls it.
func (v *visit) call(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	resource := v.state.Resource
	do, ok := v.run.in.Tasks[resource]
	if !ok {
		do, ok = v.run.in.Tasks[holeName(resource)]
	}
	switch {
	case ok:
		return do(ctx, arguments)
	case resource == startExecutionSync2:
		return v.run.child(ctx, arguments)
	}
	return nil, &Error{Name: errorNoTask, Cause: "no task is registered for " + resource}
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
