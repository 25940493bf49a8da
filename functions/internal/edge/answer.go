package edge

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// errorPrefix begins every errorType of ours.
const errorPrefix = "Lockstep."

// maxAnswer is how many bytes a state may answer: Step Functions fails the execution beyond it, and no Retry or Catch matches that.
const maxAnswer = 256 << 10

// panicError is a panic of an act.
type panicError struct {
	value any
	stack []byte
}

// Error says what is safe to say: a value of our own making could hold a record.
func (p *panicError) Error() string {
	if e, ok := p.value.(runtime.Error); ok {
		return fmt.Sprintf("the function panicked: %v", e)
	}
	return fmt.Sprintf("the function panicked with a %T", p.value)
}

// codeOf gives the code under which an error is answered: always one of the closed list. What failed because the time was over is a time-out,
// whatever the failing call made of it.
func codeOf(ctx context.Context, err error) fault.Code {
	var p *panicError
	if errors.As(err, &p) {
		return fault.Internal
	}
	code := fault.CodeOf(err)
	if !slices.Contains(fault.Codes, code) {
		code = fault.Internal
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		switch code {
		case fault.Aborted, fault.Transient, fault.Internal:
			return fault.Timeout
		}
	}
	return code
}

// hidden are the codes whose messages may quote records. The state table has the message; the history of an execution and the log do not.
var hidden = []fault.Code{fault.DataInvalid, fault.FailureBudgetExceeded, fault.DuplicatePosition}

// say gives the text of an error for the history and the log (invariant 11).
func say(code fault.Code, err error) string {
	if slices.Contains(hidden, code) {
		text := "the run's page tells the record and the reason"
		if hint := fault.Hint(err); hint != "" {
			text += " (" + hint + ")"
		}
		return text
	}
	return err.Error()
}

// answer is the error that Lambda's library sends on unchanged. A process that panicked ends behind it: nobody knows what it left half done.
func answer(code fault.Code, text string, err error) messages.InvokeResponse_Error {
	var p *panicError
	return messages.InvokeResponse_Error{Type: errorPrefix + string(code), Message: text, ShouldExit: errors.As(err, &p)}
}
