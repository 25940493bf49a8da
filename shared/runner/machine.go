package runner

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/acquire"
	"github.com/lockstep-data/lockstep/shared/step/extract"
	"github.com/lockstep-data/lockstep/shared/step/finish"
	"github.com/lockstep-data/lockstep/shared/step/load"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/shared/step/transform"
	"github.com/lockstep-data/lockstep/shared/step/validate"
	"github.com/lockstep-data/lockstep/statemachine"
)

// What the embedded machine and its executions are called.
const (
	machineID       = "local:sync"
	executionPrefix = "local:sync:"
)

// syncMachine loads the definition once per process.
var syncMachine = sync.OnceValues(func() (*asl.Machine, error) {
	text, err := statemachine.Sync(nil)
	if err != nil {
		return nil, err
	}
	return asl.Load(text)
})

// tasks binds the holes of the definition to the steps.
func (r *Runner) tasks() map[string]asl.Task {
	return map[string]asl.Task{
		"AcquireFunctionArn":   bind(r.Env, acquire.Run),
		"PlanFunctionArn":      bind(r.Env, plan.Run),
		"ExtractFunctionArn":   bind(r.Env, extract.Run),
		"TransformFunctionArn": bind(r.Env, transform.Run),
		"ValidateFunctionArn":  bind(r.Env, validate.Run),
		"LoadFunctionArn":      bind(r.Env, load.Run),
		"FinishFunctionArn":    bind(r.Env, finish.Run),
	}
}

// bind makes a task of a step. It ends at the step's deadline, as a Lambda would, and a panic becomes an Internal fault.
func bind[In, Out any](env *step.Env, run func(context.Context, *step.Env, In) (Out, error)) asl.Task {
	return func(ctx context.Context, arguments json.RawMessage) (answer json.RawMessage, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fault.New(fault.Internal, "a step panicked: %v", p)
			}
			if err != nil {
				err = named{err}
			}
		}()
		var in In
		if err := json.Unmarshal(arguments, &in); err != nil {
			return nil, fault.New(fault.Internal, "the step's arguments cannot be read: %w", err)
		}
		ctx, cancel := context.WithTimeout(ctx, env.StepTimeout)
		defer cancel()
		out, err := run(ctx, env, in)
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

// named gives any error the name under which the machine's Retry and Catch know it.
type named struct{ error }

// ErrorName is the fault code, prefixed as on AWS.
func (n named) ErrorName() string { return "Lockstep." + string(fault.CodeOf(n.error)) }

// Unwrap gives the error itself.
func (n named) Unwrap() error { return n.error }
