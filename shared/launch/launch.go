// Package launch starts and watches runs that are executions of Step Functions: it puts the run's row, minds pauses and overlap, names the
// execution by the run, and ends what a dead execution left. It knows Step Functions by an interface only; package aws below it has AWS's
// client. The functions start, close and sweep, and the command, wire it. No record passes through it.
package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step/acquire"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Machine is the state machine sync, as far as runs need it. Safe for concurrent use. Errors carry codes of package fault.
type Machine interface {
	// ID names the execution of a name, whether there is one or not.
	ID(name string) string
	// Start starts an execution. One of the name that has the same input, or ended, is no error: existing then says so, as far as
	// the machine can tell.
	Start(ctx context.Context, name string, input json.RawMessage) (existing bool, err error)
	// Describe tells how an execution is; NotFound when there is none.
	Describe(ctx context.Context, id string) (Execution, error)
	// Stop ends an execution at once; one that ended is no error.
	Stop(ctx context.Context, id, code, cause string) error
}

// Execution is how an execution is.
type Execution struct {
	ID, Name string
	Status   string // as Step Functions says it: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, PENDING_REDRIVE
	Redrives int
	Input    json.RawMessage
	Error    string
	Cause    string
}

// Running says whether the execution may still do something.
func (e Execution) Running() bool { return e.Status == "RUNNING" || e.Status == "PENDING_REDRIVE" }

// Jobs gives the jobs that are deployed. Package bundle's Bundle is one version of them.
type Jobs interface {
	// Current gives a job, as written, by its key or, where only one has it, its id. NotFound when there is none, or it is disabled.
	Current(ctx context.Context, name string) (job.Job, error)
}

// Launcher starts runs. Safe for concurrent use when its parts are.
type Launcher struct {
	Protocol store.Protocol // its Prover is best the one that Prover gives
	Jobs     Jobs
	Machine  Machine
	Log      *slog.Logger
	Random   func() string // 8 hexadecimal digits
	Version  string
}

// Request asks for a run, as the function start gets it.
type Request struct {
	Job        string         `json:"job"`
	Trigger    string         `json:"trigger,omitempty"` // manual when empty; schedule when Scheduled is set
	Run        string         `json:"run,omitempty"`     // id; the same id runs once
	Full       bool           `json:"full,omitempty"`
	Streams    []string       `json:"streams,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"`
	Scheduled  string         `json:"scheduled,omitempty"` // the time at which the job was due, RFC 3339
	// Token names the request, for a run without an id: a request that is delivered twice is one run. "" draws an id.
	Token string `json:"-"`
}

// The states of an Answer.
const (
	Started  = "started"
	Existing = "existing" // the run was started before; Status says how it is
	Held     = "held"     // another run holds the job
	Queued   = "queued"   // another run holds the job; this one starts when that ends
	Paused   = "paused"
	Ignored  = "ignored" // the job used up its tries
)

// Answer is what became of a Request.
type Answer struct {
	Job       string          `json:"job"`
	Run       string          `json:"run"`
	Execution string          `json:"execution"` // "" when none was started
	State     string          `json:"state"`
	Status    store.RunStatus `json:"status"` // of the run's row; "" when it has none
	HeldBy    string          `json:"held_by,omitempty"`
	Code      string          `json:"code,omitempty"`
	Message   string          `json:"message,omitempty"`
}

// Start is START: it puts the run's row and starts its execution, unless the job is paused, held or closed. Sent again with the same id or token
// it changes nothing more. Errors: ConfigInvalid (the request), NotFound (no such job), Conflict (the id belongs to a run with another input,
// or to another job's), and those of the store and the machine; after one of the last two the row stays, and the sweeper starts the run.
func (l *Launcher) Start(ctx context.Context, r Request) (Answer, error) {
	j, err := l.Jobs.Current(ctx, r.Job)
	if err != nil {
		return Answer{}, err
	}
	due, err := dueAt(r)
	if err != nil {
		return Answer{}, err
	}
	id, err := l.runID(j, r, due)
	if err != nil {
		return Answer{}, err
	}
	pause, err := l.Protocol.Store.Paused(ctx, j.Key())
	if err != nil {
		return Answer{}, fmt.Errorf("start job %s: %w", j.Key(), err)
	}
	if pause.On() && !due.IsZero() && j.Schedule != nil && j.Schedule.CatchUp != job.CatchUpNone {
		return refused(Answer{Job: j.Key(), Run: id, State: Paused}, pause.Refusal()), nil // without a row: resume makes it
	}
	row, existing, err := l.record(ctx, j, id, r)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Job: j.Key(), Run: id, Status: row.Status}
	if existing && row.Status != store.RunPending {
		a.State, a.Execution, a.Code, a.Message = Existing, l.Machine.ID(id), row.ErrorCode, row.ErrorText
		return a, nil
	}
	a, err = l.decide(ctx, j, row, pause)
	if err == nil && existing && a.State == Started {
		a.State = Existing
	}
	return a, err
}

// dueAt gives the time at which the job was due; zero for a run that no schedule asked for.
func dueAt(r Request) (time.Time, error) {
	if r.Scheduled == "" {
		return time.Time{}, nil
	}
	due, err := time.Parse(time.RFC3339, r.Scheduled)
	if err != nil {
		return due, fault.New(fault.ConfigInvalid, "scheduled %q is no time", r.Scheduled).WithHint("write it as 2026-01-01T00:00:00Z")
	}
	return due.UTC(), nil
}

// record puts the run's row, and answers the one that is there.
func (l *Launcher) record(ctx context.Context, j job.Job, id string, r Request) (store.Run, bool, error) {
	in := stage.Input{Job: j.Key(), Run: id, Trigger: r.Trigger, Full: r.Full, Streams: r.Streams, Parameters: r.Parameters}
	switch {
	case in.Trigger == "" && r.Scheduled != "":
		in.Trigger = "schedule"
	case in.Trigger == "":
		in.Trigger = "manual"
	}
	input, err := json.Marshal(in)
	if err != nil {
		return store.Run{}, false, fault.New(fault.ConfigInvalid, "the parameters of the run cannot be written as JSON: %w", err)
	}
	snapshot, err := json.Marshal(j)
	if err != nil {
		return store.Run{}, false, fmt.Errorf("encode job %s: %w", j.Key(), err)
	}
	digest := acquire.InputDigest(in)
	row, fresh, err := l.Protocol.Store.StartRun(ctx, store.Run{
		Job: j.Key(), ID: id, Status: store.RunPending, Trigger: in.Trigger, Digest: j.Digest(), InputSHA256: digest, Input: input, Snapshot: snapshot,
		Version: l.Version, CreatedAt: l.Protocol.Now(),
	})
	if err != nil {
		return row, false, fmt.Errorf("record run %s: %w", id, err)
	}
	if row.InputSHA256 != digest {
		return row, false, fault.New(fault.Conflict, "run %s of job %s exists already with another input", id, j.Key()).WithHint("choose another run id")
	}
	return row, !fresh, nil
}

// decide starts the execution of a pending run, or says why not.
func (l *Launcher) decide(ctx context.Context, j job.Job, row store.Run, pause store.Pause) (Answer, error) {
	a := Answer{Job: row.Job, Run: row.ID, Status: row.Status}
	if pause.On() {
		a.State = Paused
		return l.end(ctx, a, store.RunSkipped, pause.Refusal())
	}
	lock, held, err := l.held(ctx, row, max(1, j.MaxInstances))
	if err != nil {
		return a, err
	}
	switch {
	case lock.Status == store.Ignored:
		a.State = Ignored
		return l.end(ctx, a, store.RunIgnored, fault.New(fault.Ignored, "job %s used up its tries (last error: %s)", row.Job, lock.ErrorCode).WithHint("lockstep reset %s", row.Job))
	case !held:
		return l.execute(ctx, row)
	}
	a.HeldBy = lock.Run
	refusal := fault.New(fault.Held, "job %s is held by run %s", row.Job, lock.Run)
	switch overlap(j, row) {
	case job.OverlapQueue:
		a.State = Queued
		return refused(a, refusal), l.mark(ctx, row)
	case job.OverlapFail:
		a.State = Held
		return l.end(ctx, a, store.RunFailed, refusal)
	}
	a.State = Held
	return l.end(ctx, a, store.RunSkipped, refusal)
}

// overlap is what a run does while another one holds the job; only those of a schedule can do else than end.
func overlap(j job.Job, row store.Run) job.Overlap {
	if j.Schedule == nil || row.Trigger != "schedule" {
		return job.OverlapSkip
	}
	return j.Schedule.Overlap
}

// held says whether other runs hold every lock of the job and are not dead; a dead one is left to the run that begins, which takes its lock.
func (l *Launcher) held(ctx context.Context, row store.Run, slots int) (store.Lock, bool, error) {
	locks, err := l.Protocol.Store.Slots(ctx, row.Job)
	if err != nil {
		return store.Lock{}, false, fmt.Errorf("start run %s: %w", row.ID, err)
	}
	var living []store.Lock
	for _, lock := range locks {
		_, slot := store.SlotOf(lock.Job)
		switch {
		case lock.Status == store.Ignored || lock.Run == row.ID:
			return lock, false, nil
		case lock.Status != store.InProgress || slot >= slots:
			continue
		}
		gone, err := l.Protocol.Gone(ctx, lock)
		if err != nil {
			return lock, false, err
		}
		if !gone {
			living = append(living, lock)
		}
	}
	if len(living) < slots {
		return store.Lock{}, false, nil
	}
	return living[0], true, nil
}

// execute starts the execution.
func (l *Launcher) execute(ctx context.Context, row store.Run) (Answer, error) {
	a := Answer{Job: row.Job, Run: row.ID, Status: row.Status, Execution: l.Machine.ID(row.ID), State: Started}
	existing, err := l.Machine.Start(ctx, row.ID, row.Input)
	if err != nil {
		return a, fmt.Errorf("start run %s: %w", row.ID, err)
	}
	if existing {
		a.State = Existing
		if err := l.same(ctx, row); err != nil {
			return a, err
		}
	}
	l.Log.InfoContext(ctx, "run started", "run_id", row.ID, "job", row.Job, "state", a.State)
	return a, nil
}

// same makes sure that the execution of the run's name is the run's: all jobs share one machine, and so its names.
func (l *Launcher) same(ctx context.Context, row store.Run) error {
	e, err := l.Machine.Describe(ctx, l.Machine.ID(row.ID))
	if err != nil {
		return fmt.Errorf("look at the execution of run %s: %w", row.ID, err)
	}
	if in, err := inputOf(e); err != nil || in.Job != row.Job {
		_, err := l.end(ctx, Answer{Job: row.Job, Run: row.ID}, store.RunFailed, fault.New(fault.Conflict, "there is an execution %s of another job", row.ID))
		if err != nil {
			return err
		}
		return fault.New(fault.Conflict, "there is an execution %s of another job", row.ID).WithHint("choose another run id")
	}
	return nil
}

// end ends a run that did not begin.
func (l *Launcher) end(ctx context.Context, a Answer, status store.RunStatus, why error) (Answer, error) {
	a = refused(a, why)
	now := l.Protocol.Now()
	row, err := l.Protocol.Store.UpdateRun(ctx, store.RunChange{
		Job: a.Job, ID: a.Run, Status: &status, Only: []store.RunStatus{store.RunPending}, EndedAt: &now, ErrorCode: &a.Code, ErrorText: &a.Message,
	})
	if err != nil {
		return a, fmt.Errorf("record run %s: %w", a.Run, err)
	}
	a.Status = row.Status
	return a, nil
}

// refused fills in why a run did not begin.
func refused(a Answer, why error) Answer {
	a.Code, a.Message = string(fault.CodeOf(why)), why.Error()
	return a
}
