package corpus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// What the fake account of the recordings is called.
const (
	account     = "us-east-1:111111111111"
	machineARN  = "arn:aws:states:" + account + ":stateMachine:machine"
	executionID = "arn:aws:states:" + account + ":execution:machine:execution"
	defaultRole = "arn:aws:iam::111111111111:role/test-sfn-role-abc00001"
)

// Run runs a case. It ends within limit even when the case does not: such a case, and one that panics, has the status ERROR.
func Run(ctx context.Context, c *Case, limit time.Duration) Outcome {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan Outcome, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- Outcome{ID: c.ID, Status: "ERROR", Problem: fmt.Sprintf("the case panicked: %v", p)}
			}
		}()
		done <- run(ctx, c)
	}()
	select {
	case out := <-done:
		if ctx.Err() != nil && out.Problem == "" && out.Status == string(asl.StatusAborted) {
			out.Problem = fmt.Sprintf("the case did not end within %s", limit)
		}
		return out
	case <-time.After(limit + limit/2):
		return Outcome{ID: c.ID, Status: "ERROR", Problem: fmt.Sprintf("the case did not end within %s", limit)}
	}
}

func run(ctx context.Context, c *Case) Outcome {
	out := Outcome{ID: c.ID, Events: []Event{}}
	m, err := asl.Parse(c.definition())
	if err != nil {
		out.Status, out.Problem = "ERROR", fmt.Sprintf("the definition cannot be run: %s", err)
		return out
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	script := NewScript(c.Answers)
	clock := asl.NewVirtualClock(c.start())
	stuck := false
	clock.Stuck = func() {
		stuck = true
		stop()
	}
	var mu sync.Mutex
	in := &asl.Interpreter{
		Machines: map[string]*asl.Machine{machineARN: m}, Otherwise: script.Task, NewToken: script.Token, Objects: NewMemory(c.Objects), Clock: clock,
		Observer: func(e asl.Event) {
			if e.Execution != executionID {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out.Events = append(out.Events, FromHistory(e))
			if c.StopAfterEvent > 0 && e.ID == c.StopAfterEvent {
				stop()
			}
		},
	}
	e := asl.Execution{
		ID: executionID, Name: "execution", StateMachine: asl.StateMachine{ID: machineARN, Name: "machine"}, Input: c.Input,
		RoleArn: c.role(), Express: c.Type == "EXPRESS", AsOf: c.recorded(),
	}
	var res asl.Result
	if c.History == nil {
		res = in.Run(ctx, e)
	} else {
		res = redrive(ctx, in, e, c.History)
	}
	if res.Error == asl.ErrorNotRedrivable {
		out.Status, out.Problem = "ERROR", res.Error+": "+res.Cause
		return out
	}
	mu.Lock()
	defer mu.Unlock()
	out.Status, out.Output, out.Error, out.Cause = string(res.Status), res.Output, res.Error, res.Cause
	problems := script.Problems()
	if stuck {
		problems = append([]string{"nothing could happen any more: a task never answers and no time-out ends it"}, problems...)
	}
	out.Problem = strings.Join(problems, "; ")
	return out
}

// redrive goes on where the history of an execution ends.
func redrive(ctx context.Context, in *asl.Interpreter, e asl.Execution, history []asl.Event) asl.Result {
	was, last := asl.Recall(in.Machines[e.StateMachine.ID], history, in.Clock.Now())
	if last.Error == asl.ErrorNotRedrivable {
		return last
	}
	e.Input, e.StartTime = was.Input, was.StartTime
	return in.Redrive(ctx, e, last)
}

// role gives the role of the machine. A call may show it to its task; then the script knows it.
func (c *Case) role() string {
	for _, answers := range c.Answers {
		for _, a := range answers {
			var v any
			if json.Unmarshal(a.Match, &v) == nil {
				if r := findRole(v); r != "" {
					return r
				}
			}
		}
	}
	return defaultRole
}

// findRole looks for the Execution of a context object.
func findRole(v any) string {
	switch v := v.(type) {
	case map[string]any:
		if e, ok := v["Execution"].(map[string]any); ok {
			if r, ok := e["RoleArn"].(string); ok && !strings.Contains(r, wild) {
				return r
			}
		}
		for _, e := range v {
			if r := findRole(e); r != "" {
				return r
			}
		}
	case []any:
		for _, e := range v {
			if r := findRole(e); r != "" {
				return r
			}
		}
	}
	return ""
}
