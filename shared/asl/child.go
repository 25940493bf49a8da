package asl

import (
	"context"
	"encoding/json"
	"strings"
)

// childArguments are those of startExecution.sync:2.
type childArguments struct {
	StateMachineArn string
	Name            string
	Input           json.RawMessage
}

// childAnswer is what DescribeExecution says of the child; Input and Output are JSON, not texts.
type childAnswer struct {
	ExecutionArn    string
	Name            string
	StateMachineArn string
	Status          Status
	StartDate       string
	StopDate        string
	RedriveCount    int
	Input           json.RawMessage
	Output          json.RawMessage `json:",omitempty"`
	Error           string          `json:",omitempty"`
	Cause           string          `json:",omitempty"`
}

// depthKey counts in a context how many executions stand inside each other.
type depthKey struct{}

// child runs a registered machine to its end. A child that did not succeed is States.TaskFailed with its description as cause.
func (r *run) child(ctx context.Context, arguments json.RawMessage) (json.RawMessage, error) {
	var a childArguments
	if err := json.Unmarshal(arguments, &a); err != nil {
		return nil, &Error{Name: "StepFunctions.ValidationException", Cause: err.Error()}
	}
	if r.in.Machines[a.StateMachineArn] == nil {
		return nil, &Error{Name: errorNoMachine, Cause: "no machine " + a.StateMachineArn + " is registered"}
	}
	depth, _ := ctx.Value(depthKey{}).(int)
	if depth >= maxChildDepth {
		return nil, &Error{Name: "StepFunctions.ExecutionLimitExceededException", Cause: "too many executions inside each other"}
	}
	if len(a.Input) == 0 {
		a.Input = json.RawMessage("{}")
	}
	e := Execution{
		ID: childID(a.StateMachineArn, a.Name), Name: a.Name, Input: a.Input, StartTime: r.clock.Now(),
		StateMachine: StateMachine{ID: a.StateMachineArn, Name: machineName(a.StateMachineArn)},
	}
	res := r.in.Run(context.WithValue(ctx, depthKey{}, depth+1), e)
	answer, err := json.Marshal(childAnswer{
		ExecutionArn: e.ID, Name: e.Name, StateMachineArn: a.StateMachineArn, Status: res.Status,
		StartDate: stamp(e.StartTime), StopDate: stamp(r.clock.Now()),
		Input: a.Input, Output: res.Output, Error: res.Error, Cause: res.Cause,
	})
	if err != nil {
		return nil, &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	if res.Status != StatusSucceeded {
		return nil, &Error{Name: ErrorTaskFailed, Cause: string(answer)}
	}
	return answer, nil
}

// childID makes an execution's ARN out of a machine's, or joins other IDs with a colon.
func childID(machine, name string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + name
}

// machineName is the last part of an ARN.
func machineName(id string) string { return id[strings.LastIndexByte(id, ':')+1:] }
