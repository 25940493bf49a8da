package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// EndRequest ends a run's holding.
type EndRequest struct {
	Holding
	Code        string // "" succeeded, else the code of the failure
	Message     string // for people
	Closing     bool   // by close or sweep, which have proof that the run is dead: from any epoch up to the holding's
	BackoffBase time.Duration
	BackoffCap  time.Duration
}

// End is RELEASE. A failed release keeps others away for a random part of min(cap, base·2^tries). It answers the lock and whether
// the run's holding is ended as asked; a Closing that found nothing to close is false without error. Errors: Superseded, and those
// of the store.
func (p Protocol) End(ctx context.Context, r EndRequest) (Lock, bool, error) {
	w := ReleaseLock{Holding: r.Holding, Code: r.Code, Message: r.Message, Closing: r.Closing, Now: p.now()}
	if r.Code != "" && r.BackoffBase > 0 {
		seen, err := p.Store.Lock(ctx, r.Job)
		if err != nil {
			return Lock{}, false, fmt.Errorf("read lock of job %s: %w", r.Job, err)
		}
		w.NotBefore = w.Now.Add(p.Jitter(Backoff(r.BackoffBase, r.BackoffCap, seen.Tries)))
	}
	var got Lock
	var applied bool
	err := p.send(ctx, func() (err error) {
		got, applied, err = p.Store.Release(ctx, w)
		return err
	})
	if err != nil {
		return got, false, fmt.Errorf("release lock of job %s: %w", r.Job, err)
	}
	switch {
	case applied, ended(r, got):
		return got, true, nil
	case r.Closing:
		return got, false, nil
	}
	return got, false, superseded("release by run %s in term %d, epoch %s: the lock is %s by run %s in term %d, epoch %s",
		r.Run, r.Term, r.Epoch, got.Status, got.Run, got.Term, got.Epoch)
}

// ended recognises a release that happened before, by this call or by a twin of it.
func ended(r EndRequest, l Lock) bool {
	if l.Run != r.Run || l.Term != r.Term {
		return false
	}
	if r.Code == "" {
		return l.Status == Succeeded
	}
	return l.Status == Failed && l.Epoch == r.Epoch && l.ErrorCode == r.Code
}

// Shut closes the job of a run that may not go on and that no later run may continue, as StateBehind. The run's holding ends with
// it. Only a repair opens the job again. Errors: Superseded, and those of the store.
func (p Protocol) Shut(ctx context.Context, h Holding, code, message string) (Lock, error) {
	seen, err := p.Store.Lock(ctx, h.Job)
	if err != nil {
		return Lock{}, fmt.Errorf("read lock of job %s: %w", h.Job, err)
	}
	if seen.Status == Ignored && seen.Run == h.Run && seen.Term == h.Term+1 && seen.ErrorCode == code {
		return seen, nil
	}
	if seen.Status == InProgress && seen.Run == h.Run && seen.Term == h.Term && seen.Epoch == h.Epoch {
		got, applied, err := p.Store.Ignore(ctx, IgnoreLock{Job: h.Job, Seen: seen, Dead: true, Now: p.now(), Code: code, Message: message})
		if err != nil {
			return got, fmt.Errorf("shut job %s: %w", h.Job, err)
		}
		if applied {
			return got, nil
		}
		seen = got
	}
	return seen, superseded("shut job %s: the lock is %s by run %s in term %d", h.Job, seen.Status, seen.Run, seen.Term)
}

// Halt is an operator's STOP: asks the runs that hold the job to end with the code, and answers the lock of one of them. Errors: NotReady
// (nothing is in progress), and those of the store.
func (p Protocol) Halt(ctx context.Context, job, code string) (Lock, error) {
	locks, err := p.slots(ctx, job)
	if err != nil {
		return Lock{}, err
	}
	var out Lock
	for i, l := range locks {
		got, stopped, err := p.halt(ctx, l, code)
		if err != nil {
			return got, err
		}
		if stopped || i == 0 {
			out = got
		}
	}
	if out.Status != InProgress {
		return out, fault.New(fault.NotReady, "job %s is not running", job)
	}
	return out, nil
}

// halt stops the run that holds a lock; false when none does.
func (p Protocol) halt(ctx context.Context, seen Lock, code string) (Lock, bool, error) {
	for range maxRounds {
		if seen.Status != InProgress {
			return seen, false, nil
		}
		got, applied, err := p.Store.Stop(ctx, seen.Job, seen.Term, code)
		if err != nil {
			return got, false, fmt.Errorf("stop job %s: %w", seen.Job, err)
		}
		if applied {
			return got, true, nil
		}
		seen = got
	}
	return seen, false, fault.New(fault.Transient, "lock of job %s changed %d times while it was stopped", seen.Job, maxRounds)
}

// slots gives the locks of a job, that of the first slot always.
func (p Protocol) slots(ctx context.Context, job string) ([]Lock, error) {
	locks, err := p.Store.Slots(ctx, job)
	if err != nil {
		return nil, fmt.Errorf("read the locks of job %s: %w", job, err)
	}
	if len(locks) == 0 || locks[0].Job != job {
		locks = append([]Lock{{Job: job, Status: Pending}}, locks...)
	}
	return locks, nil
}

// ReopenRequest is an operator's reset.
type ReopenRequest struct {
	Job      string
	Force    bool     // also when a run holds it: that one is fenced
	Streams  []string // whose checkpoints start over; "" in the list: all
	Repaired bool     // state and destinations were compared: also opens what StateBehind shut
}

// Reopen is RESET, of every slot. It answers the first slot that ever ran. Errors: Held (a run holds it and Force is not set), NotReady (it
// never ran), StateBehind (shut, and not Repaired), Conflict (it changed meanwhile), and those of the store.
func (p Protocol) Reopen(ctx context.Context, r ReopenRequest) (Lock, error) {
	locks, err := p.slots(ctx, r.Job)
	if err != nil {
		return Lock{}, err
	}
	used := slices.DeleteFunc(slices.Clone(locks), func(l Lock) bool { return l.Term == 0 })
	if len(used) == 0 {
		return locks[0], fault.New(fault.NotReady, "job %s never ran: there is nothing to reset", r.Job)
	}
	for _, l := range used {
		switch {
		case l.Status == Ignored && l.ErrorCode == string(fault.StateBehind) && !r.Repaired:
			return l, fault.New(fault.StateBehind, "a destination of job %s is ahead of its checkpoint", r.Job).WithHint("run lockstep doctor --after-restore")
		case l.Status == InProgress && !r.Force:
			return l, fault.New(fault.Held, "run %s holds job %s", l.Run, r.Job).WithHint("stop it first, or reset with force")
		}
	}
	var out Lock
	for i, l := range used {
		got, err := p.reopen(ctx, r, l, len(used) > 1)
		if err != nil {
			return got, err
		}
		if i == 0 {
			out = got
		}
	}
	return out, nil
}

// reopen resets one slot. One that is pending beside others is reset too, since checkpoints are its.
func (p Protocol) reopen(ctx context.Context, r ReopenRequest, seen Lock, several bool) (Lock, error) {
	force := r.Force || several && seen.Status == Pending
	got, applied, err := p.Store.Reset(ctx, ResetLock{Job: seen.Job, Seen: seen, Force: force, Now: p.now(), Streams: r.Streams})
	if err != nil {
		return got, fmt.Errorf("reset job %s: %w", r.Job, err)
	}
	if !applied {
		return got, fault.New(fault.Conflict, "job %s changed while it was reset: it is %s", r.Job, got.Status).WithHint("look at it and try again")
	}
	if err := p.Store.AddLogs(ctx, []LogEvent{resetEvent(r, seen, got, p.now())}); err != nil {
		return got, fmt.Errorf("job %s is reset, but that is not in its log: %w", r.Job, err)
	}
	return got, nil
}

// resetEvent is what a reset leaves in the log of the job's last run, for whoever asks later why the job may run again.
func resetEvent(r ReopenRequest, was, is Lock, now time.Time) LogEvent {
	attrs, err := json.Marshal(map[string]any{
		"was": was.Status, "code": was.ErrorCode, "tries": was.Tries, "term": is.Term, "force": r.Force, "streams": append([]string{}, r.Streams...),
	})
	if err != nil {
		attrs = nil // texts and numbers always marshal
	}
	return LogEvent{
		ID: fmt.Sprintf("%013d-reset-%d", now.UnixMilli(), is.Term), Job: r.Job, Run: was.Run, Time: now, Level: "warn", Step: "reset", Text: "job reset", Attrs: attrs,
	}
}
