package corpus

import (
	"encoding/json"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// Event is an entry of a history in the form of the recordings. ID and Prev are null where a recording lost them.
type Event struct {
	ID                 *int64          `json:"id"`
	Prev               *int64          `json:"prev"`
	Type               string          `json:"type"`
	State              string          `json:"state,omitempty"`
	Index              *int            `json:"index,omitempty"`
	Length             *int            `json:"length,omitempty"`
	Input              json.RawMessage `json:"input,omitempty"`
	Parameters         json.RawMessage `json:"parameters,omitempty"`
	Output             json.RawMessage `json:"output,omitempty"`
	Assigned           json.RawMessage `json:"assigned,omitempty"`
	Error              *string         `json:"error,omitempty"`
	Cause              *string         `json:"cause,omitempty"`
	Location           string          `json:"location,omitempty"`
	Resource           string          `json:"resource,omitempty"`
	ResourceType       string          `json:"resourceType,omitempty"`
	TimeoutInSeconds   int             `json:"timeoutInSeconds,omitempty"`
	HeartbeatInSeconds int             `json:"heartbeatInSeconds,omitempty"`
	Credentials        json.RawMessage `json:"credentials,omitempty"`
}

// FromHistory turns an event of the interpreter into the form of the recordings.
func FromHistory(e asl.Event) Event {
	out := Event{
		ID: &e.ID, Prev: &e.PreviousID, Type: e.Type, State: e.State, Input: e.Input, Parameters: e.Parameters, Output: e.Output, Assigned: e.Assigned,
		Location: e.Location, Resource: e.Resource, ResourceType: e.ResourceType, TimeoutInSeconds: e.TimeoutInSeconds,
		HeartbeatInSeconds: e.HeartbeatInSeconds, Credentials: e.Credentials,
	}
	if strings.HasPrefix(e.Type, "MapIteration") {
		out.Index = &e.Index
	}
	if e.Type == "MapStateStarted" {
		out.Length = &e.Length
	}
	if e.Error != "" {
		out.Error = &e.Error
	}
	if e.Cause != "" {
		out.Cause = &e.Cause
	}
	return out
}

// UnmarshalJSON keeps a value that is null apart from one that is missing.
func (e *Event) UnmarshalJSON(text []byte) error {
	type plain Event
	if err := json.Unmarshal(text, (*plain)(e)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	for name, to := range map[string]*json.RawMessage{"input": &e.Input, "parameters": &e.Parameters, "output": &e.Output, "assigned": &e.Assigned} {
		if v, ok := fields[name]; ok {
			*to = v
		}
	}
	return nil
}
