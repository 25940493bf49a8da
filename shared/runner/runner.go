// Package runner runs a job in this process: it walks the same state machine that AWS would, and calls the same steps as plain
// functions. It also checks jobs against their real source. Commands and tests import it.
package runner

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/acquire"
	"github.com/lockstep-data/lockstep/shared/step/closing"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Runner runs jobs. It serves one run at a time.
type Runner struct {
	Env      *step.Env
	Observer func(asl.Event) // gets the history's events; may be nil
	Clock    asl.Clock       // nil: the system's
	logs     *logSink
}

// Request says what to run.
type Request struct {
	Job        string // key
	Run        string // id; "" for a new one, or the one that is continued
	Trigger    string // "" manual
	Full       bool
	Streams    []string
	Parameters map[string]any
	New        bool            // never continue an earlier run
	Drain      <-chan struct{} `json:"-"` // closed: end after the batches that are under way; may be nil
}

// Result is how a run ended.
type Result struct {
	Run       store.Run
	Lock      store.Lock
	Continued bool   // an earlier run went on
	Was       string // how the continued run had ended: a status, or "died"
	Partition []store.RunPartition
	// Held says that nothing was run, since another run, or another process of this one, holds the job; Lock tells which.
	Held bool
}

// Run runs a job to its end. The error is nil whenever the run has a row that says how it ended, failures included; else it says why
// nothing was run: NotFound, ConfigInvalid, Conflict, AuthDenied, Transient …
func (r *Runner) Run(ctx context.Context, q Request) (Result, error) {
	before := r.spent()
	next, err := r.next(ctx, q)
	if err != nil {
		return Result{}, err
	}
	r.logs = newLogSink(r.Env, next.job, next.run)
	log := r.Env.Log
	r.Env.Log = r.logs.logger(log)
	defer func() {
		r.logs.flush(context.WithoutCancel(ctx))
		r.Env.Log = log
	}()
	r.sweep(ctx, next)
	if next.continued {
		r.Env.Log.InfoContext(ctx, "run continued", "run_id", next.run, "was", next.was, "redrive", next.redrive)
	}
	stopProgress := r.trackPercent(ctx, next)
	history := newHistory(r.Env.Redact)
	ended := r.walk(ctx, q, next, history)
	stopProgress()
	result := Result{Continued: next.continued, Was: next.was}
	ctx = context.WithoutCancel(ctx)
	r.keepHistory(ctx, next, history)
	if err := r.close(ctx, next, ended); err != nil {
		return result, err
	}
	r.prune(ctx, next)
	r.Env.Forget(next.job, next.run)
	r.bill(ctx, next, before)
	return r.result(ctx, next, ended, result)
}

// walk runs the state machine.
func (r *Runner) walk(ctx context.Context, q Request, n next, h *history) asl.Result {
	machine, err := syncMachine()
	if err != nil {
		return asl.Result{Status: asl.StatusFailed, Error: string(fault.Internal), Cause: err.Error()}
	}
	in := &asl.Interpreter{
		Machines: map[string]*asl.Machine{machineID: machine}, Tasks: r.tasks(), Clock: r.Clock, Observer: r.watch(h),
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.drain(ctx, q, n, done)
	}()
	result := in.Run(ctx, asl.Execution{
		ID: executionPrefix + n.run, Name: n.run, StateMachine: asl.StateMachine{ID: machineID, Name: "sync"}, Input: n.input,
		StartTime: r.Env.Now(), RedriveCount: n.redrive,
	})
	close(done)
	<-stopped
	return result
}

// drain asks the run to end when the request says so. It stops no other run: one that does not hold the lock yet is asked when it does.
func (r *Runner) drain(ctx context.Context, q Request, n next, done <-chan struct{}) {
	select {
	case <-q.Drain:
	case <-done:
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		<-done
		cancel()
	}()
	for {
		lock, err := store.LockOf(ctx, r.Env.Protocol.Store, n.job, n.run)
		if err == nil && lock.Run == n.run && lock.Status == store.InProgress {
			var applied bool
			if _, applied, err = r.Env.Protocol.Store.Stop(ctx, lock.Job, lock.Term, string(fault.Aborted)); applied {
				return
			}
		}
		if err != nil && ctx.Err() == nil {
			r.Env.Log.WarnContext(ctx, "run not asked to stop yet", "run_id", n.run, "err", err)
		}
		if r.Env.Sleep(ctx, askAgain) != nil {
			return
		}
	}
}

// askAgain is how long a request to stop waits for the run to hold its lock.
const askAgain = 50 * time.Millisecond

// close ends what the walk left open.
func (r *Runner) close(ctx context.Context, n next, ended asl.Result) error {
	end := closing.End{Job: n.job, Run: n.run, Epoch: store.Epoch(n.redrive, 1, 0, 0), Holder: r.Env.Holder(executionPrefix + n.run), Succeeded: ended.Status == asl.StatusSucceeded}
	if !end.Succeeded {
		end.Code, end.Message = step.CodeOf(ended.Error), ended.Cause
		if ended.Status == asl.StatusAborted {
			end.Code, end.Message = fault.Aborted, "the run was ended from outside"
		}
	}
	return closing.Run(ctx, r.Env, end)
}

func (r *Runner) result(ctx context.Context, n next, ended asl.Result, result Result) (Result, error) {
	var err error
	if result.Run, err = r.Env.Protocol.Store.Run(ctx, n.job, n.run); err != nil {
		if ended.Error != "" {
			return result, fault.New(step.CodeOf(ended.Error), "%s", ended.Cause)
		}
		return result, err
	}
	if result.Lock, err = store.LockOf(ctx, r.Env.Protocol.Store, n.job, n.run); err != nil {
		return result, err
	}
	result.Held = skipped(ended)
	result.Partition, err = r.Env.Protocol.Store.Partitions(ctx, n.job, n.run)
	return result, err
}

// skipped says whether the machine ended in Skipped because somebody else holds the lock.
func skipped(ended asl.Result) bool {
	var out struct {
		State string `json:"state"`
	}
	return ended.Status == asl.StatusSucceeded && json.Unmarshal(ended.Output, &out) == nil && out.State == stage.Skipped
}

// next is the run that a request leads to.
type next struct {
	job, run  string
	input     json.RawMessage
	redrive   int
	continued bool
	was       string
}

// next decides between a new run and the one that is there: a run whose process died goes on from its checkpoints, and so does one that
// failed or was stopped while it read a whole stream, as long as neither the job nor its source has changed.
func (r *Runner) next(ctx context.Context, q Request) (next, error) {
	written, _, err := r.Env.Jobs.Job(ctx, q.Job)
	if err != nil {
		return next{}, err
	}
	n := next{job: written.Key(), run: q.Run}
	if q.Run == "" && !q.New {
		old, ok, err := r.unfinished(ctx, q, written.Digest())
		if err != nil || ok {
			return old, err
		}
	}
	if n.run == "" {
		n.run = NewRunID(r.Env.Now())
	}
	n.input, err = json.Marshal(input(q, n.run))
	if err != nil {
		return next{}, fmt.Errorf("encode input: %w", err)
	}
	return n, nil
}

func input(q Request, run string) stage.Input {
	in := stage.Input{Job: q.Job, Run: run, Trigger: q.Trigger, Full: q.Full, Streams: q.Streams, Parameters: q.Parameters}
	if in.Trigger == "" {
		in.Trigger = "manual"
	}
	return in
}

// unfinished finds the run to continue, if there is one, in any slot of the job.
func (r *Runner) unfinished(ctx context.Context, q Request, digest string) (next, bool, error) {
	locks, err := r.Env.Protocol.Store.Slots(ctx, q.Job)
	if err != nil {
		return next{}, false, err
	}
	for _, l := range locks {
		if n, ok, err := r.unfinishedIn(ctx, q, digest, l); err != nil || ok {
			return n, ok, err
		}
	}
	return next{}, false, nil
}

// unfinishedIn says whether the run that a lock names is to be continued.
func (r *Runner) unfinishedIn(ctx context.Context, q Request, digest string, lock store.Lock) (next, bool, error) {
	s := r.Env.Protocol.Store
	if lock.Term == 0 || (lock.Status != store.InProgress && lock.Status != store.Failed) {
		return next{}, false, nil
	}
	row, err := s.Run(ctx, q.Job, lock.Run)
	if fault.Has(err, fault.NotFound) {
		return next{}, false, nil
	}
	if err != nil {
		return next{}, false, err
	}
	same := row.Digest == digest && row.InputSHA256 == acquire.InputDigest(input(q, ""))
	if !same || row.Status == store.RunSucceeded || row.Status == store.RunPartial {
		return next{}, false, nil
	}
	n := next{job: q.Job, run: row.ID, input: row.Input, continued: true, was: string(row.Status)}
	died := row.ErrorCode == string(fault.Zombie)
	if lock.Status == store.InProgress {
		life, err := r.Env.Protocol.Prover.Life(ctx, lock)
		if err != nil || life != store.Dead {
			return next{}, false, nil // held, or not to be known: the protocol decides
		}
		died = true
	}
	if died {
		n.was = "died"
	}
	worth, err := r.worthContinuing(ctx, row, died)
	if err != nil || !worth {
		return next{}, false, err
	}
	parts, err := store.ParseEpoch(lock.Epoch)
	if err != nil {
		return next{}, false, err
	}
	n.redrive = parts.Redrive + 1
	return n, true, nil
}

// NewRunID names a run by its time, with random bits behind it.
func NewRunID(now time.Time) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return now.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(b[:])
}
