// Package closing is what happens on every end of a run's top-level execution, whatever ended it: the run's row gets its end, and a lock
// that the run still holds is released. The runner calls it in process; on AWS the function close does, on the status event.
package closing

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// End describes how an execution ended.
type End struct {
	Job       string
	Run       string
	Epoch     string // of the execution that ended, as high as it can have come
	Succeeded bool
	Code      fault.Code // when it did not succeed
	Message   string
}

// The waits of a job whose run failed, before it may start again by itself.
const (
	BackoffBase = time.Second
	BackoffCap  = 10 * time.Minute
)

// Run closes the run. Doing it twice changes nothing. Errors: those of the store.
func Run(ctx context.Context, env *step.Env, end End) error {
	row, err := env.Protocol.Store.Run(ctx, end.Job, end.Run)
	if fault.Has(err, fault.NotFound) {
		return nil // it ended before it had a row
	}
	if err != nil {
		return fmt.Errorf("close run %s: %w", end.Run, err)
	}
	lock, err := env.Protocol.Store.Lock(ctx, end.Job)
	if err != nil {
		return fmt.Errorf("close run %s: %w", end.Run, err)
	}
	status, code, text := outcome(end, lock)
	if !row.Status.Ended() {
		now := env.Now()
		codeText := string(code)
		change := store.RunChange{Job: end.Job, ID: end.Run, Status: &status, EndedAt: &now, ErrorCode: &codeText, ErrorText: &text}
		if _, err := env.Protocol.Store.UpdateRun(ctx, change); err != nil {
			return fmt.Errorf("close run %s: %w", end.Run, err)
		}
	}
	if lock.Run != end.Run || lock.Status != store.InProgress {
		return nil
	}
	_, _, err = env.Protocol.End(ctx, store.EndRequest{
		Holding: store.Holding{Job: end.Job, Run: end.Run, Term: lock.Term, Epoch: max(end.Epoch, lock.Epoch)},
		Code:    string(code), Message: text, Closing: true,
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
	case end.Succeeded, mine && lock.Status == store.Succeeded:
		return store.RunSucceeded, "", ""
	case mine && lock.Status == store.Failed && lock.ErrorCode != "":
		code := fault.Code(lock.ErrorCode)
		return statusOf(code), code, lock.ErrorText
	}
	code := fault.Code(strings.TrimPrefix(string(end.Code), "Lockstep."))
	if code == "" {
		code = fault.Internal
	}
	return statusOf(code), code, end.Message
}

func statusOf(code fault.Code) store.RunStatus {
	if code == fault.Aborted || code == fault.Stopped {
		return store.RunAborted
	}
	return store.RunFailed
}
