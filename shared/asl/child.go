package asl

import (
	"context"
	"encoding/json"
	"strings"
)

// childArguments are those of startExecution.
type childArguments struct {
	StateMachineArn string
	Name            string
	Input           json.RawMessage
}

// childAnswer is what DescribeExecution says of the child. Input and Output are JSON with sync:2 and texts with sync.
type childAnswer struct {
	ExecutionArn    string
	Name            string `json:",omitempty"`
	StateMachineArn string `json:",omitempty"`
	Status          Status `json:",omitempty"`
	StartDate       string `json:",omitempty"`
	StopDate        string `json:",omitempty"`
	RedriveCount    int
	Input           json.RawMessage `json:",omitempty"`
	Output          json.RawMessage `json:",omitempty"`
	Error           string          `json:",omitempty"`
	Cause           string          `json:",omitempty"`
}

// depthKey counts in a context how many executions stand inside each other.
type depthKey struct{}

// child runs a registered machine to its end (developer guide, "Start a new execution from a running execution"). With .sync and
// .sync:2 a child that did not succeed is States.TaskFailed with its description as cause; without, how it ends is not looked at.
func (r *run) child(ctx context.Context, resource Resource, c *Call) (json.RawMessage, error) {
	var a childArguments
	if err := json.Unmarshal(c.Arguments, &a); err != nil {
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
	if a.Name == "" {
		a.Name = strings.NewReplacer("=", "", "/", "_", "+", "-").Replace(r.newToken(c.State, c.visit.id, c.RetryCount))
	}
	e := Execution{
		ID: childID(a.StateMachineArn, a.Name), Name: a.Name, Input: a.Input, StartTime: r.clock.Now(),
		StateMachine: StateMachine{ID: a.StateMachineArn, Name: machineName(a.StateMachineArn)},
	}
	started := childAnswer{ExecutionArn: e.ID, StartDate: stamp(e.StartTime)}
	if resource.Pattern != RequestResponse {
		submitted, err := json.Marshal(started)
		if err != nil {
			return nil, &Error{Name: ErrorRuntime, Cause: err.Error()}
		}
		c.Submitted(submitted)
	}
	res := r.in.Run(context.WithValue(ctx, depthKey{}, depth+1), e)
	if resource.Pattern == RequestResponse {
		return json.Marshal(started)
	}
	return childAnswer{
		ExecutionArn: e.ID, Name: e.Name, StateMachineArn: a.StateMachineArn, Status: res.Status, StartDate: started.StartDate,
		StopDate: stamp(r.clock.Now()), Input: a.Input, Output: res.Output, Error: res.Error, Cause: res.Cause,
	}.answer(resource.Pattern)
}

// answer is the child's description: the answer when it succeeded, else the cause of the error.
func (d childAnswer) answer(p Pattern) (json.RawMessage, error) {
	if p == Sync {
		d.Input = quoted(d.Input)
		if d.Output != nil {
			d.Output = quoted(d.Output)
		}
	}
	answer, err := json.Marshal(d)
	if err != nil {
		return nil, &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	if d.Status != StatusSucceeded {
		return nil, &Error{Name: ErrorTaskFailed, Cause: string(answer)}
	}
	return answer, nil
}

// quoted makes a JSON text of a JSON value.
func quoted(v json.RawMessage) json.RawMessage {
	b, err := json.Marshal(string(v))
	if err != nil {
		return v
	}
	return b
}

// childID makes an execution's ARN out of a machine's, or joins other IDs with a colon.
func childID(machine, name string) string {
	return strings.Replace(machine, ":stateMachine:", ":execution:", 1) + ":" + name
}

// machineName is the last part of an ARN.
func machineName(id string) string { return id[strings.LastIndexByte(id, ':')+1:] }
