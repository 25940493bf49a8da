package corpus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// StateCase is one recorded call of TestState.
type StateCase struct {
	ID              string                 `json:"id"`
	Definition      json.RawMessage        `json:"definition"`
	Input           json.RawMessage        `json:"input"`
	InspectionLevel string                 `json:"inspectionLevel"`
	Mock            *asl.StateMock         `json:"mock"`
	Context         json.RawMessage        `json:"context"`
	Variables       json.RawMessage        `json:"variables"`
	StateName       string                 `json:"stateName"`
	RoleArn         string                 `json:"roleArn"`
	Configuration   asl.StateConfiguration `json:"stateConfiguration"`
	Answers         []Answer               `json:"answers"`
	Recorded        StateOutcome           `json:"recorded"`
}

// StateOutcome is the answer of TestState, or its refusal.
type StateOutcome struct {
	ID             string                     `json:"id,omitempty"`
	Status         string                     `json:"status,omitempty"`
	Output         json.RawMessage            `json:"output,omitempty"`
	Error          string                     `json:"error,omitempty"`
	Cause          string                     `json:"cause,omitempty"`
	NextState      string                     `json:"nextState,omitempty"`
	InspectionData map[string]json.RawMessage `json:"inspectionData,omitempty"`
	Exception      *Exception                 `json:"exception,omitempty"`
}

// Exception is a call that the API refused.
type Exception struct {
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

// ParseStates reads cases of TestState: a JSON array, or one object after the other.
func ParseStates(text []byte) ([]StateCase, error) {
	raw, err := split(text)
	if err != nil {
		return nil, err
	}
	cases := make([]StateCase, len(raw))
	for i, r := range raw {
		if err := json.Unmarshal(r, &cases[i]); err != nil {
			return nil, fmt.Errorf("read case %d: %w", i+1, err)
		}
	}
	return cases, nil
}

// RunState runs a call of TestState within limit.
func RunState(ctx context.Context, c *StateCase, limit time.Duration) StateOutcome {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	script := NewScript(map[string][]Answer{"StateName": c.Answers, c.StateName: c.Answers})
	t := asl.StateTest{
		Definition: c.Definition, StateName: c.StateName, Input: c.Input, Context: c.Context, Variables: c.Variables, InspectionLevel: c.InspectionLevel,
		RoleArn: c.RoleArn, Mock: c.Mock, Configuration: c.Configuration, Task: script.Task, Clock: asl.NewVirtualClock(defaultStart),
	}
	if t.RoleArn == "" && len(c.Answers) > 0 { // a state that called a task had one
		t.RoleArn = defaultRole
	}
	out := StateOutcome{ID: c.ID}
	res, err := t.Run(ctx)
	var refused *asl.Error
	if errors.As(err, &refused) {
		out.Exception = &Exception{Code: refused.Name, Message: refused.Cause}
		return out
	}
	out.Status, out.Output, out.Error, out.Cause, out.NextState = res.Status, res.Output, res.Error, res.Cause, res.NextState
	for name, v := range res.InspectionData {
		if out.InspectionData == nil {
			out.InspectionData = make(map[string]json.RawMessage)
		}
		if text, ok := v.(string); ok && len(text) > 0 && text[0] == '{' { // the recordings hold objects as values, all else as texts
			out.InspectionData[name] = json.RawMessage(text)
			continue
		}
		b, err := json.Marshal(v)
		if err == nil {
			out.InspectionData[name] = b
		}
	}
	return out
}

// CompareState gives the differences between a recorded answer of TestState and one from here.
func CompareState(c *StateCase, got StateOutcome) []string {
	var out []string
	add := func(name string, same bool, got, want any) {
		if !same {
			out = append(out, fmt.Sprintf("%s %v, recorded %v", name, got, want))
		}
	}
	want := c.Recorded
	if want.Exception != nil || got.Exception != nil {
		add("exception", want.Exception != nil && got.Exception != nil && *want.Exception == *got.Exception, got.Exception, want.Exception)
		return out
	}
	add("status", want.Status == got.Status, got.Status, want.Status)
	add("error", want.Error == got.Error, got.Error, want.Error)
	add("cause", sameCause(want.Cause, got.Cause), got.Cause, want.Cause)
	add("nextState", want.NextState == got.NextState, got.NextState, want.NextState)
	add("output", len(want.Output) == 0 || Matches(want.Output, got.Output), string(got.Output), string(want.Output))
	for name, w := range want.InspectionData {
		g, ok := got.InspectionData[name]
		add("inspection of "+name, ok && sameInspection(w, g), string(g), string(w))
	}
	for name, g := range got.InspectionData {
		_, ok := want.InspectionData[name]
		add("inspection of "+name, ok, string(g), "none")
	}
	return out
}

// sameInspection compares values; two texts that hold JSON by what they hold.
func sameInspection(want, got json.RawMessage) bool {
	var w, g string
	if json.Unmarshal(want, &w) == nil && json.Unmarshal(got, &g) == nil {
		return w == g || Matches(json.RawMessage(w), json.RawMessage(g))
	}
	return Matches(want, got)
}
