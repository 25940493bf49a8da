package command

import (
	"errors"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// The exit codes of the command.
const (
	ExitOK          = 0 // also a run that is partial, unless --fail-on-partial
	ExitFailed      = 1 // the run failed
	ExitWrong       = 2 // wrong use or configuration
	ExitUnreachable = 3 // could not reach what it needs
	ExitNotStarted  = 4 // did not start: held, ignored, not before a time, or done before
)

// exits gives each fault code its exit code. It has every code of the closed list.
var exits = map[fault.Code]int{
	fault.Transient:   ExitUnreachable,
	fault.RateLimited: ExitUnreachable,
	fault.Timeout:     ExitUnreachable,
	fault.Duplicate:   ExitFailed,

	fault.ConfigInvalid:         ExitWrong,
	fault.DataInvalid:           ExitFailed,
	fault.SchemaDrift:           ExitFailed,
	fault.NotFound:              ExitUnreachable,
	fault.Conflict:              ExitNotStarted,
	fault.Held:                  ExitNotStarted,
	fault.Ignored:               ExitNotStarted,
	fault.AlreadyDone:           ExitNotStarted,
	fault.NotReady:              ExitNotStarted,
	fault.Superseded:            ExitFailed,
	fault.Stale:                 ExitFailed,
	fault.Stopped:               ExitFailed,
	fault.PartitionsFailed:      ExitFailed,
	fault.Zombie:                ExitFailed,
	fault.VersionTooNew:         ExitUnreachable,
	fault.StateBehind:           ExitFailed,
	fault.DestinationBehind:     ExitFailed,
	fault.FailureBudgetExceeded: ExitFailed,
	fault.RetryNotConverging:    ExitFailed,
	fault.DuplicatePosition:     ExitFailed,
	fault.NoProgress:            ExitFailed,
	fault.QuotaExceeded:         ExitFailed,
	fault.AuthDenied:            ExitUnreachable,
	fault.Aborted:               ExitFailed,
	fault.Internal:              ExitFailed,
}

// exitError is an error whose exit code is not that of its fault code, or one that was shown already.
type exitError struct {
	exit  int
	err   error
	shown bool // nothing more is to be printed
}

// Error is that of the error inside.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap gives the error inside.
func (e *exitError) Unwrap() error { return e.err }

// errShown stands for what a command has printed by itself.
var errShown = errors.New("shown")

// end ends a command with an exit code after everything was printed.
func end(exit int) error {
	if exit == ExitOK {
		return nil
	}
	return &exitError{exit: exit, err: errShown, shown: true}
}

// wrong is a command that was used wrongly, with what to do instead.
func wrong(hint, format string, args ...any) error {
	err := fault.New(fault.ConfigInvalid, format, args...)
	if hint != "" {
		err = err.WithHint("%s", hint)
	}
	return &exitError{exit: ExitWrong, err: err}
}

// wrongly makes any error one of wrong use.
func wrongly(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exit: ExitWrong, err: err}
}

// unreachable makes any error one of something that the command needs.
func unreachable(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exit: ExitUnreachable, err: err}
}

// exitOf gives the exit code of an error.
func exitOf(err error) int {
	var exact *exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &exact):
		return exact.exit
	}
	return exitOfCode(fault.CodeOf(err))
}

// exitOfCode gives the exit code of a fault code; one that nobody knows is a failure.
func exitOfCode(code fault.Code) int {
	if exit, known := exits[code]; known {
		return exit
	}
	return ExitFailed
}

// explained is an error in the three parts that people read.
type explained struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// explain takes an error apart. The hint of the error that carries one is taken off the message's end.
func explain(err error) explained {
	e := explained{Code: string(fault.CodeOf(err)), Message: err.Error(), Hint: fault.Hint(err)}
	if e.Hint != "" {
		e.Message = cutHint(e.Message, e.Hint)
	}
	return e
}

// cutHint takes " (hint)" off the end of a message.
func cutHint(message, hint string) string {
	tail := fmt.Sprintf(" (%s)", hint)
	if n := len(message) - len(tail); n > 0 && message[n:] == tail {
		return message[:n]
	}
	return message
}
