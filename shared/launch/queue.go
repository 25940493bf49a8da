package launch

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/store"
)

// unstarted is how long a run may stay pending before the sweeper starts it: whoever put its row counts as dead then.
const unstarted = 2 * time.Minute

// mark notes in the run's row that it waits for its turn, so that nobody takes it for one whose start was lost.
func (l *Launcher) mark(ctx context.Context, row store.Run) error {
	_, err := l.Protocol.Store.UpdateRun(ctx, store.RunChange{
		Job: row.Job, ID: row.ID, Only: []store.RunStatus{store.RunPending}, Steps: map[string]string{store.QueueStep: store.QueueWaits},
	})
	if err != nil {
		return fmt.Errorf("queue run %s: %w", row.ID, err)
	}
	return nil
}

// Next starts the run of the job that waits longest, if the job is free. It is for whoever has ended a run. No run waiting is no error.
func (l *Launcher) Next(ctx context.Context, key string) ([]Answer, error) {
	return l.pending(ctx, key, 0)
}

// pending starts runs that are pending for so long, oldest first, one of each job, which then holds it.
func (l *Launcher) pending(ctx context.Context, key string, since time.Duration) ([]Answer, error) {
	var out []Answer
	began := map[string]bool{}
	q := store.RunQuery{Job: key, Statuses: []store.RunStatus{store.RunPending}, OldestFirst: true, Limit: 100}
	for {
		rows, token, err := l.Protocol.Store.Runs(ctx, q)
		if err != nil {
			return out, fmt.Errorf("list pending runs: %w", err)
		}
		for _, r := range rows {
			if began[r.Job] || l.Protocol.Now().Sub(r.CreatedAt) < since {
				continue
			}
			a, err := l.revive(ctx, r)
			if err != nil {
				return out, err
			}
			began[r.Job] = a.State == Started || a.State == Existing || a.State == Queued
			if a.State != "" {
				out = append(out, a)
			}
		}
		if q.Token = token; token == "" {
			return out, nil
		}
	}
}

// revive decides anew about a pending run. One of a job that is gone ends, one of a job that is paused waits, if it was to wait.
func (l *Launcher) revive(ctx context.Context, listed store.Run) (Answer, error) {
	row, err := l.Protocol.Store.Run(ctx, listed.Job, listed.ID) // the list may leave out what it began with
	if fault.Has(err, fault.NotFound) || err == nil && row.Status != store.RunPending {
		return Answer{}, nil
	}
	if err != nil {
		return Answer{}, fmt.Errorf("start run %s: %w", listed.ID, err)
	}
	j, err := l.Jobs.Current(ctx, row.Job)
	if fault.Has(err, fault.NotFound) {
		return l.end(ctx, Answer{Job: row.Job, Run: row.ID}, store.RunSkipped, err)
	}
	if err != nil {
		return Answer{}, err
	}
	pause, err := l.Protocol.Store.Paused(ctx, row.Job)
	if err != nil {
		return Answer{}, fmt.Errorf("start run %s: %w", row.ID, err)
	}
	waits := row.Steps[store.QueueStep] == store.QueueWaits
	if pause.On() && waits {
		return refused(Answer{Job: row.Job, Run: row.ID, State: Paused, Status: row.Status}, pause.Refusal()), nil
	}
	if waits {
		if lock, held, err := l.held(ctx, row, max(1, j.MaxInstances)); err != nil || held {
			return Answer{Job: row.Job, Run: row.ID, State: Queued, Status: row.Status, HeldBy: lock.Run}, err
		}
	}
	return l.decide(ctx, j, row, pause)
}

// Sweep is what is done every few minutes: runs whose start was lost are started, those whose execution is dead are ended, and whoever waited
// for them begins. Doing it twice changes nothing. Errors: those of the store and the machine; what was done stays done.
func (l *Launcher) Sweep(ctx context.Context, env *step.Env) (started []Answer, swept []closing.Swept, err error) {
	if started, err = l.pending(ctx, "", unstarted); err != nil {
		return started, nil, err
	}
	leave := func(ctx context.Context, r store.Run) (bool, error) {
		if r.Status != store.RunPending {
			return false, nil
		}
		if r.Steps[store.QueueStep] == store.QueueWaits {
			return true, nil
		}
		e, err := l.Machine.Describe(ctx, l.Machine.ID(r.ID))
		if fault.Has(err, fault.NotFound) {
			return false, nil
		}
		return e.Running(), err
	}
	if swept, err = closing.SweepBut(ctx, env, leave); err != nil {
		return started, swept, err
	}
	for _, s := range swept {
		more, err := l.Next(ctx, s.Job)
		if started = append(started, more...); err != nil {
			return started, swept, err
		}
	}
	return started, swept, nil
}

// Close does what has to be done when an execution has ended, whatever ended it: the run's row gets its end, a lock that it still holds is
// released, and the next run that waits begins. It minds top executions only; a word that comes late or twice changes nothing. Errors: those of
// the store and the machine.
func (l *Launcher) Close(ctx context.Context, env *step.Env, id string) error {
	if childName.MatchString(nameOf(id)) {
		return nil
	}
	e, err := l.Machine.Describe(ctx, id)
	if err != nil {
		return fmt.Errorf("close execution %s: %w", nameOf(id), err)
	}
	if e.Running() {
		return nil // it was redriven meanwhile
	}
	in, err := inputOf(e)
	if err != nil {
		return nil //nolint:nilerr // an execution that is no run has nothing to close
	}
	key := in.Job
	if j, err := l.Jobs.Current(ctx, in.Job); err == nil {
		key = j.Key() // a bare start may name the job by its id
	}
	lock, err := store.LockOf(ctx, l.Protocol.Store, key, in.Run)
	if err != nil {
		return fmt.Errorf("close run %s: %w", in.Run, err)
	}
	if lock.Run == in.Run && lock.Status == store.InProgress {
		life, err := Prover{l.Machine}.Life(ctx, lock)
		if err != nil || life != store.Dead {
			return err // the sweeper looks again
		}
	}
	end := closing.End{Job: key, Run: in.Run, Epoch: store.Epoch(e.Redrives, 1, 0, 0), Succeeded: e.Status == "SUCCEEDED"}
	if !end.Succeeded {
		end.Code, end.Message = codeOf(e), e.Cause
	}
	if err := closing.Run(ctx, env, end); err != nil {
		return err
	}
	_, err = l.Next(ctx, key)
	return err
}

// codeOf gives the code for how an execution ended.
func codeOf(e Execution) fault.Code {
	switch e.Status {
	case "ABORTED":
		return fault.Aborted
	case "TIMED_OUT":
		return fault.Timeout
	}
	return step.CodeOf(e.Error)
}

// Resumed is what a resume did.
type Resumed struct {
	Job    string      `json:"job"`
	Was    store.Pause `json:"-"`
	Missed int         `json:"missed"` // times at which the job was due while it was paused
	Runs   []Answer    `json:"runs"`   // that catch up
}

// maxCaughtUp bounds the runs that one resume makes; what is older is left out.
const maxCaughtUp = 100

// Resume takes the job's pause away. The times at which it was due meanwhile are caught up as its schedule says: the rows of those runs come
// first, so that a resume that is cut off and made again loses none. Errors: NotReady (it is not paused), and those of Start.
func (l *Launcher) Resume(ctx context.Context, name string) (Resumed, error) {
	out := Resumed{Job: name, Runs: []Answer{}}
	j, err := l.Jobs.Current(ctx, name)
	if err != nil && !fault.Has(err, fault.NotFound) {
		return out, err
	}
	if err == nil {
		out.Job = j.Key()
	}
	if out.Was, err = l.Protocol.Store.Paused(ctx, out.Job); err != nil {
		return out, fmt.Errorf("resume job %s: %w", out.Job, err)
	}
	if !out.Was.On() {
		return out, fault.New(fault.NotReady, "job %s is not paused", out.Job)
	}
	var due []time.Time
	if j.Schedule != nil {
		if due, out.Missed, err = missed(*j.Schedule, out.Was.Since, l.Protocol.Now()); err != nil {
			return out, err
		}
	}
	for _, t := range due {
		row, _, err := l.record(ctx, j, ScheduledID(j.Key(), t), Request{Trigger: "schedule"})
		if err == nil && row.Status == store.RunPending {
			err = l.mark(ctx, row)
		}
		if err != nil {
			return out, err
		}
	}
	if _, _, err := l.Protocol.Store.Resume(ctx, out.Was); err != nil {
		return out, fmt.Errorf("resume job %s: %w", out.Job, err)
	}
	if len(due) > 0 {
		out.Runs, err = l.Next(ctx, out.Job)
	}
	return out, err
}

// missed gives the times to catch up, oldest first, and how many the job was due in all.
func missed(s job.Schedule, from, to time.Time) ([]time.Time, int, error) {
	var all []time.Time
	n := 0
	for t := from; ; n++ {
		next, err := s.Next(t)
		if err != nil {
			return nil, 0, err
		}
		if next.IsZero() || next.After(to) {
			break
		}
		t = next
		if all = append(all, t); len(all) > maxCaughtUp {
			all = all[1:]
		}
	}
	switch {
	case s.CatchUp == job.CatchUpAll:
		return all, n, nil
	case s.CatchUp == job.CatchUpLast && n > 0:
		return all[len(all)-1:], n, nil
	}
	return nil, n, nil
}
