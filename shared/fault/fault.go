// Package fault holds Lockstep's coded errors: the closed list of codes, an error that carries one of them, and the list of
// problems that a check reports. It knows nothing of what the codes mean to a process, an HTTP client or Step Functions; the
// tables that translate them live at those edges. Every package may import it.
package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code is one name of the closed list. The same word is the errorType of a Lambda's answer, prefixed with "Lockstep.".
type Code string

// The codes that may pass when the same thing is tried again.
const (
	Transient   Code = "Transient"   // a fault of a system outside that is likely to pass
	RateLimited Code = "RateLimited" // the other side asks for fewer calls
	Timeout     Code = "Timeout"     // no answer within the time allowed
	Duplicate   Code = "Duplicate"   // another invocation of the same run works on this partition
)

// The codes that stay what they are however often the same thing is tried.
const (
	ConfigInvalid         Code = "ConfigInvalid"         // the configuration is wrong
	DataInvalid           Code = "DataInvalid"           // a record or an input is not what it must be
	SchemaDrift           Code = "SchemaDrift"           // the schema changed in a way that the policy does not allow
	NotFound              Code = "NotFound"              // what was named does not exist
	Conflict              Code = "Conflict"              // what was to be made exists already, or changed meanwhile
	Held                  Code = "Held"                  // another run holds the job
	Ignored               Code = "Ignored"               // the job used up its tries; only a reset starts it again
	AlreadyDone           Code = "AlreadyDone"           // the run succeeded before
	NotReady              Code = "NotReady"              // the job may not start yet
	Superseded            Code = "Superseded"            // a later run or attempt took over; this one must stop
	Stale                 Code = "Stale"                 // the batch does not continue the checkpoint; extract again
	Stopped               Code = "Stopped"               // somebody asked the run to stop
	PartitionsFailed      Code = "PartitionsFailed"      // at least one partition failed for good
	Zombie                Code = "Zombie"                // the run's process or execution is dead
	VersionTooNew         Code = "VersionTooNew"         // stored state was written by a newer version
	StateBehind           Code = "StateBehind"           // a destination is ahead of the stored checkpoint
	DestinationBehind     Code = "DestinationBehind"     // a destination is behind the stored checkpoint
	FailureBudgetExceeded Code = "FailureBudgetExceeded" // more failures than the window allows
	RetryNotConverging    Code = "RetryNotConverging"    // a transform asks for retries without end
	DuplicatePosition     Code = "DuplicatePosition"     // a source gave a position twice
	NoProgress            Code = "NoProgress"            // the same batch was stale three times in a row
	QuotaExceeded         Code = "QuotaExceeded"         // a hard limit would be passed
	AuthDenied            Code = "AuthDenied"            // credentials are missing, wrong or not allowed
	Aborted               Code = "Aborted"               // the run was ended from outside
	Internal              Code = "Internal"              // a fault of Lockstep itself
)

// Codes lists every code, those that may pass first, each list in the order of the documents.
var Codes = []Code{
	Transient, RateLimited, Timeout, Duplicate,
	ConfigInvalid, DataInvalid, SchemaDrift, NotFound, Conflict, Held, Ignored, AlreadyDone, NotReady, Superseded, Stale, Stopped,
	PartitionsFailed, Zombie, VersionTooNew, StateBehind, DestinationBehind, FailureBudgetExceeded, RetryNotConverging,
	DuplicatePosition, NoProgress, QuotaExceeded, AuthDenied, Aborted, Internal,
}

// Retryable says whether the same call may succeed when it is made again.
func (c Code) Retryable() bool {
	return c == Transient || c == RateLimited || c == Timeout || c == Duplicate
}

// Error is an error with a code, a message for people and, where there is one, what to do about it. It is immutable.
type Error struct {
	Code    Code
	Message string // for people; no record content, no secret
	Hint    string // what to do, a sentence; may be empty
	Err     error  // the cause, kept for the log; may be nil
}

// New makes an error of a code. The format works as in fmt.Errorf, %w included.
func New(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns a copy that says what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Error gives the message and, behind it, the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes two errors of one code equal for errors.Is when the target has neither message nor cause: errors.Is(err, fault.Of(fault.Held)).
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Message == "" && t.Err == nil && t.Code == e.Code
}

// ErrorName is the name under which a state machine sees the error.
func (e *Error) ErrorName() string { return "Lockstep." + string(e.Code) }

// Of is a bare value of a code, to compare with errors.Is.
func Of(code Code) error { return &Error{Code: code} }

// Has says whether err carries the code.
func Has(err error, code Code) bool { return err != nil && CodeOf(err) == code }

// CodeOf gives the code of the outermost coded error in the chain; a cancelled context is Aborted, a passed deadline Timeout,
// problems are ConfigInvalid, everything else Internal. CodeOf(nil) is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var coded *Error
	var problems Problems
	switch {
	case errors.As(err, &coded):
		return coded.Code
	case errors.As(err, &problems):
		return ConfigInvalid
	case errors.Is(err, context.Canceled):
		return Aborted
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	}
	return Internal
}

// Hint gives the hint of the outermost coded error in the chain, or "".
func Hint(err error) string {
	var coded *Error
	if errors.As(err, &coded) {
		return coded.Hint
	}
	return ""
}
