package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// ReadHistory reads the history of an execution, for a redrive: events as Lockstep keeps them (one object a line), what `asl run --json` prints,
// or the answer of GetExecutionHistory. Several of them in a row are one history, as those of an execution and its redrives are.
func ReadHistory(text []byte) ([]asl.Event, error) {
	var out []asl.Event
	raw, err := split(text)
	for _, r := range raw {
		if err != nil {
			break
		}
		var events []asl.Event
		events, err = historyPart(r)
		out = append(out, events...)
	}
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "read history: %w", err)
	}
	return out, nil
}

// historyPart reads one value of a history's file: an event, or an object that holds several.
func historyPart(text json.RawMessage) ([]asl.Event, error) {
	var many struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(text, &many); err != nil {
		return nil, err
	}
	if many.Events == nil {
		many.Events = []json.RawMessage{text}
	}
	out := make([]asl.Event, len(many.Events))
	for i, e := range many.Events {
		var err error
		switch {
		case bytes.Contains(e, []byte(`"previousEventId"`)) || bytes.Contains(e, []byte(`EventDetails"`)):
			out[i], err = serviceEvent(e)
		case bytes.Contains(e, []byte(`"prev"`)):
			out[i], err = recordedEvent(e)
		default:
			err = json.Unmarshal(e, &out[i])
		}
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
	}
	return out, nil
}

// recordedEvent reads an event in the form of the recordings.
func recordedEvent(text json.RawMessage) (asl.Event, error) {
	var e Event
	if err := json.Unmarshal(text, &e); err != nil {
		return asl.Event{}, err
	}
	out := asl.Event{Type: e.Type, State: e.State, Input: e.Input, Output: e.Output, Assigned: e.Assigned}
	for to, from := range map[*int64]*int64{&out.ID: e.ID, &out.PreviousID: e.Prev} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*int]*int{&out.Index: e.Index, &out.Length: e.Length} {
		if from != nil {
			*to = *from
		}
	}
	for to, from := range map[*string]*string{&out.Error: e.Error, &out.Cause: e.Cause} {
		if from != nil {
			*to = *from
		}
	}
	return out, nil
}

// details are what a redrive reads of the details of an event of GetExecutionHistory, whatever they are called there.
type details struct {
	Name              string            `json:"name"`
	Index             int               `json:"index"`
	Length            int               `json:"length"`
	Input             string            `json:"input"`
	Output            string            `json:"output"`
	AssignedVariables map[string]string `json:"assignedVariables"`
	Error             string            `json:"error"`
	Cause             string            `json:"cause"`
}

// serviceEvent reads an event of GetExecutionHistory, whose payloads are texts of JSON.
func serviceEvent(text json.RawMessage) (asl.Event, error) {
	var head struct {
		ID        int64           `json:"id"`
		Previous  int64           `json:"previousEventId"`
		Type      string          `json:"type"`
		Timestamp json.RawMessage `json:"timestamp"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return asl.Event{}, err
	}
	out := asl.Event{ID: head.ID, PreviousID: head.Previous, Type: head.Type, Time: serviceTime(head.Timestamp)}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return out, err
	}
	for name, value := range fields {
		if !bytes.HasSuffix([]byte(name), []byte("EventDetails")) {
			continue
		}
		var d details
		if err := json.Unmarshal(value, &d); err != nil {
			return out, err
		}
		out.State, out.Index, out.Length, out.Error, out.Cause = d.Name, d.Index, d.Length, d.Error, d.Cause
		if d.Input != "" {
			out.Input = json.RawMessage(d.Input)
		}
		if d.Output != "" {
			out.Output = json.RawMessage(d.Output)
		}
		if len(d.AssignedVariables) > 0 {
			vars := make(map[string]json.RawMessage, len(d.AssignedVariables))
			for k, v := range d.AssignedVariables {
				vars[k] = json.RawMessage(v)
			}
			assigned, err := json.Marshal(vars)
			if err != nil {
				return out, err
			}
			out.Assigned = assigned
		}
	}
	return out, nil
}

// serviceTime reads a time as the API sends it, in seconds, or as the command line of AWS prints it.
func serviceTime(text json.RawMessage) time.Time {
	var seconds float64
	if json.Unmarshal(text, &seconds) == nil {
		return time.UnixMilli(int64(seconds * 1000)).UTC()
	}
	var t time.Time
	_ = json.Unmarshal(text, &t) // without a time the limits on it are not held
	return t
}
