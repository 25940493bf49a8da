package asl

import (
	"encoding/json"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// Event is one entry of an execution's history, in the shape of GetExecutionHistory. Fields that a type does not have are zero.
type Event struct {
	ID         int64     // 1, 2, 3 … in one execution
	PreviousID int64     // the event that led here; 0 for the first state
	Type       string    // as in TaskStateEntered, LambdaFunctionFailed, MapIterationStarted
	Time       time.Time `json:",omitzero"`
	Execution  string    `json:",omitempty"` // the execution's ID
	State      string    `json:",omitempty"` // name of the state, or of the Map whose iteration it is
	Index      int       `json:",omitempty"` // of a Map's iteration
	Length     int       `json:",omitempty"` // number of a Map's items

	Input      json.RawMessage `json:",omitempty"` // of an execution, a state, or a Lambda function
	Parameters json.RawMessage `json:",omitempty"` // of any other task
	Output     json.RawMessage `json:",omitempty"`
	Assigned   json.RawMessage `json:",omitempty"` // variables by name
	Error      string          `json:",omitempty"`
	Cause      string          `json:",omitempty"`
	Location   string          `json:",omitempty"` // the field whose expression failed, as in Output/result

	Resource           string          `json:",omitempty"`
	ResourceType       string          `json:",omitempty"` // as in states; empty for a Lambda function
	TimeoutInSeconds   int             `json:",omitempty"`
	HeartbeatInSeconds int             `json:",omitempty"`
	Credentials        json.RawMessage `json:",omitempty"` // {"roleArn": …}
	MapRun             string          `json:",omitempty"` // of MapRunStarted
	RedriveCount       int             `json:",omitempty"` // of ExecutionRedriven
}

// emit records an event behind the last one of its path and makes it the last one.
func (w *walker) emit(e Event) int64 {
	e.PreviousID = w.prev
	w.prev = w.run.record(e)
	return w.prev
}

// note records an event that the next one does not follow on.
func (w *walker) note(e Event) int64 {
	e.PreviousID = w.prev
	return w.run.record(e)
}

// record gives the event its number and time and hands it to the observer, one at a time and in order. The history keeps its last
// place for the event that ends the execution: who comes too late ends it.
func (r *run) record(e Event) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit > 0 && r.events >= r.limit-1 {
		r.cancel(errHistoryFull)
		return r.events
	}
	return r.add(e)
}

// add is record for the last event.
func (r *run) add(e Event) int64 {
	r.events++
	if r.in.Observer == nil || r.silent {
		return r.events
	}
	e.ID, e.Execution, e.Time = r.events, r.exec.ID, r.clock.Now()
	r.in.Observer(e)
	return e.ID
}

// close records the event that ends the execution.
func (r *run) close(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(e)
}

// json writes a value for an event; nil when nobody looks.
func (r *run) json(v any) json.RawMessage {
	if r.in.Observer == nil || r.silent {
		return nil
	}
	b, err := jsonata.Encode(v)
	if err != nil {
		return nil
	}
	return b
}

// taskEvents knows under which names the events of a resource go.
type taskEvents struct {
	prefix       string // LambdaFunction, Activity or Task
	resource     string
	resourceType string
}

// scheduled is the event that a call was asked for.
func (t taskEvents) scheduled(c *Call, timeout, heartbeat int) Event {
	e := Event{
		Type: t.prefix + "Scheduled", Resource: t.resource, ResourceType: t.resourceType,
		TimeoutInSeconds: timeout, HeartbeatInSeconds: heartbeat, Credentials: c.Credentials,
	}
	if t.resourceType == "" {
		e.Input = c.Arguments
	} else {
		e.Parameters = c.Arguments
	}
	return e
}

// of is any later event of the call.
func (t taskEvents) of(what string) Event {
	e := Event{Type: t.prefix + what, ResourceType: t.resourceType}
	if t.resourceType != "" {
		e.Resource = t.resource
	}
	return e
}
