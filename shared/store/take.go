package store

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// TakeRequest asks for a job's lock, as the first step of a run does.
type TakeRequest struct {
	Job        string
	Run        string
	Epoch      string
	Holder     string // execution, or local:<host>:<token>
	LeaseUntil time.Time
	MaxTries   int  // 0: DefaultMaxTries
	Unfenced   bool // a destination cannot check fences
	Slots      int  // runs of the job that may be under way at once, at most MaxSlots; 0 and 1: one
}

// Outcome is what became of a TakeRequest.
type Outcome string

// The outcomes of Take; none of them is an error.
const (
	OutcomeAcquired Outcome = "acquired"  // the run holds the lock under Lock.Term
	OutcomeHeld     Outcome = "held"      // another run, or another process of this run, holds it: the overlap policy decides
	OutcomeIgnored  Outcome = "ignored"   // the job used up its tries; only a reset opens it
	OutcomeDone     Outcome = "done"      // this run succeeded before
	OutcomeNotReady Outcome = "not_ready" // not before Lock.NotBefore, or, unfenced, before Lock.LeaseUntil and Skew have passed
)

// Taken is the answer to a TakeRequest.
type Taken struct {
	Outcome Outcome
	Lock    Lock // as it is now
	Stolen  bool // taken from a run that died: Lock.PrevRun
	Retaken bool // the run goes on under a later epoch
}

// Take is ACQUIRE, and where the lock asks for it STEAL, RETAKE or IGNORE. Sent again, it finds its own lock. Errors: Superseded when
// a later epoch of the run took over or the run ended, and those of the store.
func (p Protocol) Take(ctx context.Context, r TakeRequest) (Taken, error) {
	if r.Slots > 1 {
		return p.takeSlot(ctx, r)
	}
	t := taker{p: p, r: r, rvn: p.NewRVN()}
	t.r.MaxTries, t.r.LeaseUntil = maxTries(r.MaxTries), r.LeaseUntil.Truncate(time.Millisecond)
	seen, err := p.Store.Lock(ctx, r.Job)
	if err != nil {
		return Taken{}, fmt.Errorf("read lock of job %s: %w", r.Job, err)
	}
	for range maxRounds {
		taken, done, err := t.round(ctx, seen)
		if err != nil {
			return Taken{Lock: seen}, fmt.Errorf("take lock of job %s: %w", r.Job, err)
		}
		if done {
			return taken, nil
		}
		seen = taken.Lock
	}
	return Taken{}, fault.New(fault.Transient, "lock of job %s changed %d times while it was taken", r.Job, maxRounds)
}

// taker is one Take.
type taker struct {
	p   Protocol
	r   TakeRequest
	rvn string
}

// round decides by the lock as it was seen. Not done: the lock changed meanwhile, decide again by the one answered.
func (t taker) round(ctx context.Context, seen Lock) (Taken, bool, error) {
	switch {
	case seen.Status == Ignored:
		return Taken{Outcome: OutcomeIgnored, Lock: seen}, true, nil
	case seen.Term > 0 && seen.Run == t.r.Run:
		return t.own(ctx, seen)
	case seen.Status == InProgress:
		return t.held(ctx, seen)
	}
	return t.free(ctx, seen)
}

// free takes a lock that nobody holds.
func (t taker) free(ctx context.Context, seen Lock) (Taken, bool, error) {
	now := t.p.now()
	if seen.Tries >= t.r.MaxTries {
		return t.ignore(ctx, IgnoreLock{Job: t.r.Job, Seen: seen, MaxTries: t.r.MaxTries, Now: now})
	}
	unfenced, err := t.waits(ctx, seen)
	if err != nil {
		return Taken{}, false, err
	}
	if seen.NotBefore.After(now) || unfenced && !seen.LeaseUntil.Before(now.Add(-Skew)) {
		return Taken{Outcome: OutcomeNotReady, Lock: seen}, true, nil
	}
	w := t.write(seen, now)
	w.Unfenced = unfenced
	got, applied, err := t.p.Store.Acquire(ctx, w)
	return Taken{Outcome: OutcomeAcquired, Lock: got}, applied, err
}

// waits says whether ACQUIRE must wait for the lease when a destination cannot check fences. Two kinds of last holder write nothing
// more: a process that is proven dead, and this process itself, which releases a run only after its last step returned.
func (t taker) waits(ctx context.Context, seen Lock) (bool, error) {
	if !t.r.Unfenced || seen.Term == 0 {
		return false, nil
	}
	if isLocal(seen.Holder) && seen.Holder == t.r.Holder {
		return false, nil
	}
	if !isLocal(seen.Holder) || t.p.Prover == nil {
		return true, nil
	}
	life, err := t.p.Prover.Life(ctx, seen)
	if err != nil && ctx.Err() != nil {
		return true, err
	}
	return err != nil || life != Dead, nil
}

// held takes a lock that another run holds, if that one is dead.
func (t taker) held(ctx context.Context, seen Lock) (Taken, bool, error) {
	ok, expired, err := t.p.proof(ctx, seen)
	if err != nil {
		return Taken{}, false, err
	}
	if !ok {
		return Taken{Outcome: OutcomeHeld, Lock: seen}, true, nil
	}
	now := t.p.now()
	if seen.Tries >= t.r.MaxTries {
		return t.ignore(ctx, IgnoreLock{Job: t.r.Job, Seen: seen, MaxTries: t.r.MaxTries, Dead: true, Expired: expired, Now: now})
	}
	w := t.write(seen, now)
	w.Expired = expired
	got, applied, err := t.p.Store.Steal(ctx, w)
	return Taken{Outcome: OutcomeAcquired, Lock: got, Stolen: true}, applied, err
}

// own decides about a lock that names this run.
func (t taker) own(ctx context.Context, seen Lock) (Taken, bool, error) {
	r := t.r
	switch {
	case seen.Status == Succeeded:
		return Taken{Outcome: OutcomeDone, Lock: seen}, true, nil
	case seen.Status == Pending && seen.Epoch < r.Epoch: // reset, then redriven: a new term
		return t.free(ctx, seen)
	case seen.Status == InProgress && seen.Epoch == r.Epoch:
		return t.mine(ctx, seen)
	case (seen.Status == InProgress || seen.Status == Failed) && seen.Epoch < r.Epoch:
		got, outcome, err := t.p.retake(ctx, seen, retaking{
			Holding: Holding{Job: r.Job, Run: r.Run, Term: seen.Term, Epoch: r.Epoch}, holder: r.Holder, lease: r.LeaseUntil, maxTries: r.MaxTries,
		})
		return Taken{Outcome: outcome, Lock: got, Retaken: outcome == OutcomeAcquired}, outcome != "", err
	}
	return Taken{}, false, superseded("run %s is %s in epoch %s, this is epoch %s", seen.Run, seen.Status, seen.Epoch, r.Epoch)
}

// mine recognises the lock that an earlier call took, and prolongs its lease. Two processes that continue one run at once share its
// epoch, so that a local holder is compared too.
func (t taker) mine(ctx context.Context, seen Lock) (Taken, bool, error) {
	if otherProcess(seen.Holder, t.r.Holder) {
		return Taken{Outcome: OutcomeHeld, Lock: seen}, true, nil
	}
	taken := Taken{Outcome: OutcomeAcquired, Lock: seen, Stolen: seen.RVN == t.rvn && seen.PrevRun != ""}
	if !seen.LeaseUntil.Before(t.r.LeaseUntil) {
		return taken, true, nil
	}
	h := Holding{Job: t.r.Job, Run: t.r.Run, Term: seen.Term, Epoch: t.r.Epoch}
	got, applied, err := t.p.Store.Lease(ctx, h, t.r.LeaseUntil)
	taken.Lock = got
	return taken, applied, err
}

// ignore closes the job.
func (t taker) ignore(ctx context.Context, w IgnoreLock) (Taken, bool, error) {
	got, applied, err := t.p.Store.Ignore(ctx, w)
	return Taken{Outcome: OutcomeIgnored, Lock: got}, applied, err
}

func (t taker) write(seen Lock, now time.Time) TakeLock {
	r := t.r
	return TakeLock{
		Job: r.Job, Run: r.Run, RVN: t.rvn, Epoch: r.Epoch, Holder: r.Holder, Seen: seen, Now: now, LeaseUntil: r.LeaseUntil, MaxTries: r.MaxTries,
	}
}

// otherProcess says whether two holders are two processes, or a process and an execution.
func otherProcess(a, b string) bool { return a != b && (isLocal(a) || isLocal(b)) }
