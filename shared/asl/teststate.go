package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// The inspection levels of TestState. Here DEBUG and TRACE tell the same; on AWS, TRACE adds what HTTP tasks sent and got.
const (
	LevelInfo  = "INFO"
	LevelDebug = "DEBUG"
	LevelTrace = "TRACE"
)

// StateTest is one state with an input, as the API's TestState takes it.
type StateTest struct {
	Definition      json.RawMessage // of the state; with StateName of a whole machine
	StateName       string
	Input           json.RawMessage // empty: {}
	Context         json.RawMessage // the context object; empty: one is made
	Variables       json.RawMessage // by name
	InspectionLevel string          // empty: INFO
	RoleArn         string
	Mock            *StateMock
	Configuration   StateConfiguration
	Task            Task // does the Task when there is no mock; nil: a Task fails
	Clock           Clock
}

// StateMock is what the work of a Task, Map or Parallel gives in a test.
type StateMock struct {
	Result              *string    `json:"result"` // a JSON text
	ErrorOutput         *MockError `json:"errorOutput"`
	FieldValidationMode string     `json:"fieldValidationMode"` // STRICT (the default), PRESENT or NONE
}

// MockError is the error of a mock.
type MockError struct {
	Error string `json:"error"`
	Cause string `json:"cause"`
}

// StateConfiguration says in which situation a state is tested.
type StateConfiguration struct {
	RetrierRetryCount        int    `json:"retrierRetryCount"`        // how often it was tried again already
	ErrorCausedByState       string `json:"errorCausedByState"`       // the state inside a Map or Parallel that fails
	MapIterationFailureCount int    `json:"mapIterationFailureCount"` // items that fail
	MapItemReaderData        string `json:"mapItemReaderData"`        // what the ItemReader finds, a JSON text
}

// StateResult is what TestState answers.
type StateResult struct {
	Status         string          `json:"status"` // SUCCEEDED, FAILED, RETRIABLE or CAUGHT_ERROR
	Output         json.RawMessage `json:"output,omitempty"`
	Error          string          `json:"error,omitempty"`
	Cause          string          `json:"cause,omitempty"`
	NextState      string          `json:"nextState,omitempty"`
	InspectionData map[string]any  `json:"inspectionData,omitempty"` // values are JSON texts, numbers or objects, as in the API
}

// refused is an error of the API itself.
func refused(code, format string, args ...any) error {
	return &Error{Name: code, Cause: fmt.Sprintf(format, args...)}
}

// Run tests the state. Its error is an *Error under the name of the API's exception: ValidationException or InvalidDefinition.
func (t StateTest) Run(ctx context.Context) (StateResult, error) {
	s, err := t.state()
	if err == nil {
		err = t.check(s)
	}
	if err != nil {
		return StateResult{}, err
	}
	v, err := t.visit(s)
	if err != nil {
		return StateResult{}, err
	}
	if s.Type == TypeFail {
		v.trace.note("afterInputPath", v.input)
	}
	out, err := v.do(ctx)
	var invalid *Error
	if errors.As(err, &invalid) && invalid.Name == "ValidationException" {
		return StateResult{}, err
	}
	return t.result(v, out, err), nil
}

// state finds the state in the definition.
func (t StateTest) state() (*State, error) {
	l := &loader{names: make(map[string]string), machineLanguage: JSONPath}
	root, err := parse(t.Definition, &l.problems)
	if err != nil {
		return nil, refused("InvalidDefinition", "Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION: %s'", err)
	}
	var s *State
	if t.StateName == "" {
		s = l.state(member{"StateName", root}, nil)
	} else {
		m := l.machine(root)
		if m != nil {
			m.Walk(func(one *State) {
				if one.Name == t.StateName {
					s = one
				}
			})
		}
	}
	for _, p := range l.problems {
		if p.Code != "unknown_state" && (!slices.Contains(tolerable, p.Code) || strings.HasSuffix(p.Path, "/Type")) {
			return nil, invalidDefinition(p)
		}
	}
	if s == nil {
		return nil, refused("ValidationException", "State '%s' not found in the state machine definition", t.StateName)
	}
	return s, nil
}

func invalidDefinition(p fault.Problem) error {
	message := p.Message
	if strings.HasSuffix(p.Path, "/Type") {
		message = "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"
	}
	return refused("InvalidDefinition", "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: %s at %s'", message, p.Path)
}

// check refuses what the API refuses before it runs a state.
func (t StateTest) check(s *State) error {
	composite := s.Type == TypeMap || s.Type == TypeParallel
	switch {
	case t.Mock == nil && composite:
		return refused("InvalidDefinition", "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]")
	case t.Mock == nil && s.Type == TypeTask && t.RoleArn == "":
		return refused("ValidationException", "RoleArn must be specified when testing a Task state")
	case t.Mock == nil:
		return nil
	case !composite && s.Type != TypeTask:
		return refused("ValidationException", "State type '%s' is not supported when a mock is specified", s.Type)
	case t.Mock.Result == nil:
		return nil
	}
	value, err := jsonata.Decode([]byte(*t.Mock.Result))
	if err != nil {
		return refused("ValidationException", "Mocked result must be valid JSON")
	}
	if _, isArray := value.([]any); composite && !isArray && (s.Iterate == nil || s.Iterate.ResultWriter == nil) {
		return refused("ValidationException", "Mocked result must be an array.")
	}
	if s.Type == TypeTask && t.Mock.FieldValidationMode != "NONE" {
		if wrong := ParseResource(s.Resource).checkAnswer(value, t.Mock.FieldValidationMode == "PRESENT"); wrong != "" {
			return refused("ValidationException", "Mock result schema validation error: %s", wrong)
		}
	}
	return nil
}

// visit makes the stay in the state, with an execution around it that has no history.
func (t StateTest) visit(s *State) (*visit, error) {
	const account = "us-east-1:111111111111"
	if len(t.Input) == 0 {
		t.Input = json.RawMessage("{}")
	}
	input, err := jsonata.Decode(t.Input)
	if err != nil {
		return nil, refused("ValidationException", "Invalid JSON provided for input: %s", err)
	}
	r := &run{
		in: &Interpreter{Otherwise: t.Task}, machine: &Machine{}, input: input, clock: t.Clock, random: rand.Float64, silent: true,
		exec: Execution{ID: "arn:aws:states:" + account + ":express:test:test", Name: "test", RoleArn: t.RoleArn, Express: true,
			StateMachine: StateMachine{ID: "arn:aws:states:" + account + ":stateMachine:test", Name: "test"}},
	}
	if r.clock == nil {
		r.clock = systemClock{}
	}
	if r.exec.RoleArn == "" {
		r.exec.RoleArn = "arn:aws:iam::111111111111:role/test"
	}
	r.exec.StartTime = r.clock.Now()
	r.cancel = func(error) {}
	r.describe()
	if r.context, err = object(t.Context, "context"); err != nil {
		return nil, err
	}
	w := &walker{run: r, vars: &variables{}}
	vars, err := object(t.Variables, "variables")
	if err != nil {
		return nil, err
	}
	w.vars.assign(vars)
	v := w.enter(s, input)
	v.trace = &trace{data: make(map[string]any), test: &t}
	v.attempted = t.Configuration.RetrierRetryCount
	return v, nil
}

// object reads a JSON object of the request; nothing is nil.
func object(text json.RawMessage, name string) (map[string]any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	v, err := jsonata.Decode(text)
	if err != nil {
		return nil, refused("ValidationException", "Invalid JSON provided for %s: %s", name, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, refused("ValidationException", "The %s must be an object", name)
	}
	return m, nil
}

// result makes the answer of the API.
func (t StateTest) result(v *visit, out outcome, err error) StateResult {
	r := StateResult{Status: "SUCCEEDED"}
	var failed *Error
	if err != nil && !errors.As(err, &failed) {
		failed = &Error{Name: ErrorRuntime, Cause: err.Error()}
	}
	if v.trace.failure != nil && failed == nil {
		r.Status, failed = "CAUGHT_ERROR", v.trace.failure
	} else if failed != nil {
		r.Status = "FAILED"
		if v.trace.retryIndex != nil {
			r.Status = "RETRIABLE"
		}
	}
	if failed != nil {
		r.Error, r.Cause = failed.Name, strings.TrimPrefix(failed.Cause, v.prefix())
	}
	if err == nil {
		r.NextState = out.next
		if text, err := jsonata.Encode(out.output); err == nil {
			r.Output = text
		}
	}
	if t.InspectionLevel == LevelDebug || t.InspectionLevel == LevelTrace {
		r.InspectionData = v.trace.inspection(v)
	}
	return r
}

// mocked gives what the mock says of the state's work.
func (t *trace) mocked() (any, error) {
	m := t.test.Mock
	switch {
	case m == nil:
		return nil, refused("ValidationException", "the state has neither a mock nor a task")
	case m.ErrorOutput != nil:
		return nil, &Error{Name: m.ErrorOutput.Error, Cause: m.ErrorOutput.Cause, ofTask: true}
	case m.Result == nil:
		return nil, nil
	}
	return jsonata.Decode([]byte(*m.Result))
}

// mockedMap is mocked for a Map, of which some items may fail.
func (t *trace) mockedMap(m *Iterate, allowed tolerance) (any, error) {
	value, err := t.mocked()
	results, _ := value.([]any)
	failures := t.test.Configuration.MapIterationFailureCount
	switch {
	case err != nil:
		return nil, err
	case results != nil && failures > len(results):
		return nil, refused("ValidationException", "Map iteration failure count must be less than or equal to the number of Map iterations")
	case (m.ToleratedFailureCount != nil || m.ToleratedFailurePercentage != nil) && allowed.exceeded(failures, len(results)):
		return nil, errTolerance
	}
	return value, nil
}
