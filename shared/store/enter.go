package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// EnterRequest is the first act of every step but the one that takes the lock.
type EnterRequest struct {
	Holding
	Holder        string
	LeaseUntil    time.Time // this invocation's deadline, the state's longest retry delay, and Skew
	MaxTries      int       // 0: DefaultMaxTries
	Progress      int64     // the run's committed batches as far as the caller knows; the store's count is used when it is higher
	ChildRedriven bool      // the leg's execution was redriven; the epoch says it too
}

// Enter is LEASE, or RETAKE when the run comes with a later epoch. It writes nothing when the lease is long enough. The caller looks
// at Lock.Stop. Errors: Superseded (final), AlreadyDone (a twin ended the run: end without error), Ignored (the run used up its
// tries), Held (a local run that another living process works on), and those of the store.
func (p Protocol) Enter(ctx context.Context, r EnterRequest) (Lock, error) {
	r.LeaseUntil = r.LeaseUntil.Truncate(time.Millisecond)
	seen, err := p.Store.Lock(ctx, r.Job)
	if err != nil {
		return Lock{}, fmt.Errorf("read lock of job %s: %w", r.Job, err)
	}
	for range maxRounds {
		got, done, err := p.enter(ctx, r, seen)
		if err != nil {
			return got, fmt.Errorf("enter with run %s of job %s: %w", r.Run, r.Job, err)
		}
		if done {
			return got, nil
		}
		seen = got
	}
	return seen, fault.New(fault.Transient, "lock of job %s changed %d times while a step entered", r.Job, maxRounds)
}

// enter decides by the lock as it was seen. Not done: decide again by the lock answered.
func (p Protocol) enter(ctx context.Context, r EnterRequest, seen Lock) (Lock, bool, error) {
	switch {
	case seen.Run != r.Run || seen.Term != r.Term:
		return seen, false, superseded("the lock is %s by run %s in term %d, this is term %d", seen.Status, seen.Run, seen.Term, r.Term)
	case seen.Status == Succeeded:
		return seen, false, fault.New(fault.AlreadyDone, "run %s succeeded before", r.Run)
	case seen.Status == InProgress && seen.Epoch == r.Epoch:
		if otherProcess(seen.Holder, r.Holder) {
			return seen, false, superseded("another process works on the run in this epoch")
		}
		if !seen.LeaseUntil.Before(r.LeaseUntil) {
			return seen, true, nil
		}
		return p.Store.Lease(ctx, r.Holding, r.LeaseUntil)
	case (seen.Status == InProgress || seen.Status == Failed) && seen.Epoch < r.Epoch:
		return p.reenter(ctx, r, seen)
	}
	return seen, false, superseded("the run is %s in epoch %s, this is epoch %s", seen.Status, seen.Epoch, r.Epoch)
}

// reenter is the RETAKE of a step.
func (p Protocol) reenter(ctx context.Context, r EnterRequest, seen Lock) (Lock, bool, error) {
	got, outcome, err := p.retake(ctx, seen, retaking{
		Holding: r.Holding, holder: r.Holder, lease: r.LeaseUntil, maxTries: maxTries(r.MaxTries), progress: r.Progress, counts: r.ChildRedriven,
	})
	switch {
	case err != nil:
		return got, false, err
	case outcome == OutcomeIgnored:
		return got, false, fault.New(fault.Ignored, "the job used up its %d tries", maxTries(r.MaxTries)).WithHint("find the cause, then reset the job")
	case outcome == OutcomeHeld:
		return got, false, fault.New(fault.Held, "another process works on the run")
	}
	return got, outcome == OutcomeAcquired, nil
}

// retaking is what RETAKE needs beside the lock.
type retaking struct {
	Holding
	holder   string
	lease    time.Time
	maxTries int
	progress int64
	counts   bool // whatever the epochs say
}

// retake lets the run go on under a later epoch, with the same term. Outcomes: acquired, ignored, held, or "" when the lock changed.
func (p Protocol) retake(ctx context.Context, seen Lock, r retaking) (Lock, Outcome, error) {
	w := RetakeLock{Holding: r.Holding, Holder: r.holder, LeaseUntil: r.lease, MaxTries: r.maxTries}
	if seen.Status == InProgress && otherProcess(seen.Holder, r.holder) && isLocal(seen.Holder) {
		ok, expired, err := p.proof(ctx, seen) // no state machine sees to it that one process ended before the next begins
		if err != nil || !ok {
			return seen, OutcomeHeld, err
		}
		w.Expired = expired
	}
	epoch, err := ParseEpoch(r.Epoch)
	if err != nil {
		return seen, "", err
	}
	// From an epoch below "<my top redrive>#" it is a redrive of the whole run.
	w.ClearStop = seen.Epoch < r.Epoch[:len("0000#")]
	w.CountTry = w.ClearStop || epoch.ChildRedrive > 0 || r.counts
	if w.CountTry {
		if w.Progress, err = p.progress(ctx, r); err != nil {
			return seen, "", err
		}
		w.Forgive = w.Progress > seen.Progress
	}
	w.Now = p.now()
	if w.CountTry && !w.Forgive && seen.Tries >= r.maxTries {
		// A later epoch of the same run is itself the proof that the seen one ended.
		got, applied, err := p.Store.Ignore(ctx, IgnoreLock{
			Job: r.Job, Seen: seen, MaxTries: r.maxTries, Dead: true, Expired: w.Expired, Now: w.Now,
		})
		return got, when(applied, OutcomeIgnored), err
	}
	got, applied, err := p.Store.Retake(ctx, w)
	return got, when(applied, OutcomeAcquired), err
}

// when gives the outcome of a write that was applied.
func when(applied bool, o Outcome) Outcome {
	if applied {
		return o
	}
	return ""
}

// progress counts the run's committed batches.
func (p Protocol) progress(ctx context.Context, r retaking) (int64, error) {
	job, _ := SlotOf(r.Job)
	run, err := p.Store.Run(ctx, job, r.Run)
	if fault.Has(err, fault.NotFound) {
		return r.progress, nil
	}
	if err != nil {
		return 0, fmt.Errorf("count the batches of run %s: %w", r.Run, err)
	}
	return max(run.Counters.Batches, r.progress), nil
}
