// Package asl holds the Amazon States Language: it loads a definition strictly, so that every mistake is found at once and before
// anything runs, and walks it in this process with tasks that are Go functions. The same definition runs on Step Functions;
// where the two could differ, the service's behaviour is the rule. It knows nothing of jobs, steps or AWS clients.
//
// It reads as the specification (states-language.net) does: one file for each type of state, and the names of its fields. Both
// query languages are there, JSONPath and JSONata, for a machine or for one of its states; a Map runs inline or distributed, with
// objects that the caller gives it. What a task does is the caller's (Interpreter.Tasks, Interpreter.Otherwise).
package asl

import (
	"errors"
	"strings"
)

// Type is the type of a state.
type Type string

// The types of states.
const (
	TypeTask     Type = "Task"
	TypeChoice   Type = "Choice"
	TypeMap      Type = "Map"
	TypeParallel Type = "Parallel"
	TypePass     Type = "Pass"
	TypeWait     Type = "Wait"
	TypeSucceed  Type = "Succeed"
	TypeFail     Type = "Fail"
)

// QueryLanguage is the language in which a state's fields select and build data.
type QueryLanguage string

// The query languages; JSONPath is the default of a machine.
const (
	JSONPath QueryLanguage = "JSONPath"
	JSONata  QueryLanguage = "JSONata"
)

// The error names that the language reserves (specification, appendix A).
const (
	ErrorAll            = "States.ALL"                  // in ErrorEquals: every error but those that end the execution anyway
	ErrorTaskFailed     = "States.TaskFailed"           // in ErrorEquals: every error of a task but States.Timeout
	ErrorTimeout        = "States.Timeout"              // a task or the machine ran longer than its TimeoutSeconds
	ErrorHeartbeat      = "States.HeartbeatTimeout"     // a task was silent for longer than its HeartbeatSeconds
	ErrorPermissions    = "States.Permissions"          // the task may not be called
	ErrorNoChoice       = "States.NoChoiceMatched"      // reserved for a Choice without match; the service says States.Runtime then
	ErrorQuery          = "States.QueryEvaluationError" // an expression failed, or gave nothing or the wrong type
	ErrorRuntime        = "States.Runtime"              // the definition cannot go on; neither Retry nor Catch sees it
	ErrorDataLimit      = "States.DataLimitExceeded"    // a payload is over 256 KiB; States.ALL matches it only when a task gave it
	ErrorItemReader     = "States.ItemReaderFailed"     // of Distributed Map
	ErrorResultWriter   = "States.ResultWriterFailed"   // of Distributed Map
	ErrorTolerance      = "States.ExceedToleratedFailureThreshold"
	ErrorIntrinsic      = "States.IntrinsicFailure"       // of JSONPath
	ErrorParameterPath  = "States.ParameterPathFailure"   // of JSONPath
	ErrorResultPath     = "States.ResultPathMatchFailure" // of JSONPath
	ErrorBranchFailed   = "States.BranchFailed"           // a branch of a Parallel failed
	ErrorUnknownTask    = "Lambda.Unknown"                // a task's error that names none
	errorNoTask         = "Lambda.ResourceNotFoundException"
	errorNoMachine      = "StepFunctions.StateMachineDoesNotExistException"
	startExecutionSync2 = "arn:aws:states:::states:startExecution.sync:2"
)

// The limits of Step Functions that a local run keeps too.
const (
	MaxPayload     = 256 << 10 // bytes of a state's input, arguments, result and output, and of one Assign
	MaxConcurrency = 40        // items of an inline Map at once
	MaxEvents      = 25000     // of a Standard execution's history
	maxVariables   = 10 << 20  // bytes of all variables of an execution
	maxNameLength  = 80        // characters of a state's or variable's name
	maxChildDepth  = 100       // executions inside each other
	maxCause       = 32 << 10  // bytes of an error's cause
)

// Error is a failure under the name that Retry and Catch match. A task may return one; any error with a method
// ErrorName() string does the same.
type Error struct {
	Name  string
	Cause string // for people

	heartbeat bool // a missed heartbeat, which the history calls States.Timeout
	ofTask    bool // the task itself failed with it
}

// Error gives the cause, or the name when there is none.
func (e *Error) Error() string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Cause
}

// ErrorName gives the name that Retry and Catch match.
func (e *Error) ErrorName() string { return e.Name }

// cut shortens a cause to what the service keeps.
func cut(cause string) string {
	if len(cause) <= maxCause {
		return cause
	}
	return strings.ToValidUTF8(cause[:maxCause], "")
}

// asError gives a task's error its name.
func asError(err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return &Error{Name: named.ErrorName(), Cause: err.Error()}
	}
	return &Error{Name: ErrorUnknownTask, Cause: err.Error()}
}
