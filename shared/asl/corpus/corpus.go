// Package corpus runs recorded executions: a definition, an input and the answers of its tasks, beside what Step Functions made of
// them. It scripts the tasks, lets no real time pass, and writes histories in the form of the recordings, so that the two can be
// compared. The command line runs files of such cases with it; nothing here knows a case by its name.
package corpus

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Case is one recorded execution. The README beside the recordings describes the fields.
type Case struct {
	ID             string              `json:"id"`
	Kind           string              `json:"kind"`
	QueryLanguage  string              `json:"query_language"`
	Type           string              `json:"type"` // STANDARD or EXPRESS
	RecordedDate   string              `json:"recorded_date"`
	Definition     json.RawMessage     `json:"definition"`
	DefinitionText string              `json:"definition_text"`
	Input          json.RawMessage     `json:"input"`
	Answers        map[string][]Answer `json:"answers"` // by state, in the order of the calls
	Objects        map[string]string   `json:"objects"` // by bucket/key
	Clock          string              `json:"clock"`   // RFC 3339; empty: any time
	StopAfterEvent int64               `json:"stop_after_event"`
	OrderScrubbed  bool                `json:"order_scrubbed"`
	Recorded       Recorded            `json:"recorded"`
	// History makes the run a redrive of the execution that it is of; see ReadHistory. Input is then the history's.
	History []asl.Event `json:"-"`
}

// Answer is one call of a task that the script expects, and what the task then says.
type Answer struct {
	Match     json.RawMessage `json:"match"`     // the call's arguments; "<any>" stands for anything
	Submitted json.RawMessage `json:"submitted"` // what the service says at once
	Output    json.RawMessage `json:"output"`
	Error     *AnswerError    `json:"error"`
	Never     bool            `json:"never"` // no answer comes
}

// AnswerError is the failure of a task; both parts may be missing.
type AnswerError struct {
	ErrorType    *string `json:"errorType"`
	ErrorMessage *string `json:"errorMessage"`
}

// Recorded is how an execution went.
type Recorded struct {
	Status string          `json:"status"`
	Output json.RawMessage `json:"output"`
	Error  string          `json:"error"`
	Cause  string          `json:"cause"`
	Events []Event         `json:"events"` // nil: only the result was recorded
}

// Outcome is what a case came to here.
type Outcome struct {
	ID     string          `json:"id"`
	Status string          `json:"status"`
	Output json.RawMessage `json:"output,omitempty"`
	Error  string          `json:"error,omitempty"`
	Cause  string          `json:"cause,omitempty"`
	Events []Event         `json:"events"`
	// Problem says what went wrong with the case itself: a definition that cannot be read, a call that the script does not know, an
	// answer that nobody asked for. Empty when all went as the script has it.
	Problem string `json:"problem,omitempty"`
}

// Read reads a file of cases, a JSON array or one object a line.
func Read(path string) ([]Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "read cases: %w", err)
	}
	cases, err := Parse(text)
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "read cases of %s: %w", path, err)
	}
	return cases, nil
}

// Parse reads cases: a JSON array, or one object after the other.
func Parse(text []byte) ([]Case, error) {
	raw, err := split(text)
	if err != nil {
		return nil, err
	}
	cases := make([]Case, len(raw))
	for i, r := range raw {
		cases[i] = one(r)
	}
	return cases, nil
}

// split takes an array, or values in a row, apart.
func split(text []byte) ([]json.RawMessage, error) {
	var out []json.RawMessage
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		if err := json.Unmarshal(text, &out); err != nil {
			return nil, fmt.Errorf("read array: %w", err)
		}
		return out, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for d.More() {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("read case %d: %w", len(out)+1, err)
		}
		out = append(out, raw)
	}
	return out, nil
}

// one reads a case. One that does not have the form keeps its id, so that the others can run.
func one(raw json.RawMessage) Case {
	var c Case
	if err := json.Unmarshal(raw, &c); err != nil {
		var named struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(raw, &named) // the id is all that can still be told
		return Case{ID: named.ID, DefinitionText: fmt.Sprintf("the case cannot be read: %s", err)}
	}
	return c
}

// definition gives the text of the definition, whether the case holds it as a text or as JSON.
func (c *Case) definition() []byte {
	if len(c.Definition) == 0 {
		return []byte(c.DefinitionText)
	}
	var text string
	if json.Unmarshal(c.Definition, &text) == nil {
		return []byte(text)
	}
	return c.Definition
}

// defaultStart is the time at which a case without a clock begins.
var defaultStart = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (c *Case) start() time.Time {
	t, err := time.Parse(time.RFC3339, c.Clock)
	if err != nil {
		return defaultStart
	}
	return t
}

// recorded gives the day of the recording, the zero time when the case has none.
func (c *Case) recorded() time.Time {
	if len(c.RecordedDate) < 10 {
		return time.Time{}
	}
	t, err := time.Parse("02-01-2006", c.RecordedDate[:10])
	if err != nil {
		return time.Time{}
	}
	return t
}
