// Package closing is what happens on every end of a run's top-level execution, whatever ended it: the run's row gets its end, and a lock
// that the run still holds is released. The runner calls it in process; on AWS the function close does, on the status event.
package closing

import (
	"context"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// End describes how an execution ended.
type End struct {
	Job       string
	Run       string
	Epoch     string // of the execution that ended, as high as it can have come
	Holder    string // of a run in a process: that process; "" for an execution
	Succeeded bool
	Code      fault.Code // when it did not succeed
	Message   string
}

// Run closes the run. Doing it twice changes nothing. Errors: those of the store.
func Run(ctx context.Context, env *step.Env, end End) error {
	row, err := env.Protocol.Store.Run(ctx, end.Job, end.Run)
	if fault.Has(err, fault.NotFound) {
		return nil // it ended before it had a row
	}
	if err != nil {
		return fmt.Errorf("close run %s: %w", end.Run, err)
	}
	lock, err := store.LockOf(ctx, env.Protocol.Store, end.Job, end.Run)
	if err != nil {
		return fmt.Errorf("close run %s: %w", end.Run, err)
	}
	mine := lock.Run == end.Run
	switch {
	case end.Succeeded && !(mine && lock.Status == store.Succeeded):
		return nil // it was skipped: another run, or another process of this one, holds the lock
	case mine && lock.Status == store.InProgress && end.Holder != "" && lock.Holder != end.Holder:
		return nil // another process goes on with the run
	case mine && lock.Status == store.InProgress && redrive(lock.Epoch) > redrive(end.Epoch):
		return nil // it was redriven meanwhile; this is a late word about the time before
	}
	status, code, text := outcome(end, lock)
	if status == store.RunSucceeded && row.Counters.Failed > 0 {
		status = store.RunPartial
	}
	if !row.Status.Ended() {
		now := env.Now()
		codeText := string(code)
		change := store.RunChange{Job: end.Job, ID: end.Run, Status: &status, EndedAt: &now, ErrorCode: &codeText, ErrorText: &text}
		if _, err := env.Protocol.Store.UpdateRun(ctx, change); err != nil {
			return fmt.Errorf("close run %s: %w", end.Run, err)
		}
	}
	if !mine || lock.Status != store.InProgress {
		return nil
	}
	_, _, err = env.Protocol.End(ctx, store.EndRequest{
		Holding: store.Holding{Job: lock.Job, Run: end.Run, Term: lock.Term, Epoch: max(end.Epoch, lock.Epoch)},
		Code:    string(code), Message: text, Closing: true, BackoffBase: env.BackoffBase, BackoffCap: env.BackoffCap,
	})
	if err != nil {
		return fmt.Errorf("close run %s: %w", end.Run, err)
	}
	return nil
}

// outcome gives the run's status. The lock knows best: finish released it with the code that counts.
func outcome(end End, lock store.Lock) (store.RunStatus, fault.Code, string) {
	mine := lock.Run == end.Run
	switch {
	case mine && lock.Status == store.Succeeded:
		return store.RunSucceeded, "", ""
	case mine && lock.Status == store.Failed && lock.ErrorCode != "":
		code := fault.Code(lock.ErrorCode)
		return statusOf(code), code, lock.ErrorText
	}
	code := step.CodeOf(string(end.Code))
	return statusOf(code), code, end.Message
}

// redrive is an epoch's first part.
func redrive(epoch string) string {
	top, _, _ := strings.Cut(epoch, "#")
	return top
}

func statusOf(code fault.Code) store.RunStatus {
	if code == fault.Aborted || code == fault.Stopped {
		return store.RunAborted
	}
	return store.RunFailed
}
