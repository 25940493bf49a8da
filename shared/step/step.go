// Package step holds what the steps of a run share: the environment they work in, the lease and the attempt's names, the plan of a
// run, its batches, opened connectors and compiled chains. One folder below it is one step; steps never import each other, and
// none knows whether it runs in a Lambda or in a process. Runners and functions import it.
package step

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Jobs gives the jobs that may run.
type Jobs interface {
	// Job gives a job by its key, as written and resolved (with the values of variables and secrets). NotFound when it does not exist or
	// is disabled.
	Job(ctx context.Context, key string) (written, resolved job.Job, err error)
}

// Env is what steps work with. One Env serves one process; it is safe for concurrent use by the partitions of a run. Close frees
// what it opened.
type Env struct {
	Protocol    store.Protocol
	Blobs       blob.Bucket
	Catalog     catalog.Catalog
	Jobs        Jobs
	Log         *slog.Logger
	Now         func() time.Time
	Sleep       func(ctx context.Context, d time.Duration) error
	Request     func() string                 // a new id for each invocation
	Holder      func(execution string) string // who holds the lock when this execution does
	Dir         string                        // the project's folder
	Version     string
	StepTimeout time.Duration  // how long one invocation may take; bounds the lease
	Progress    func(Progress) // told after each batch; may be nil
	KeepBatches bool           // keep the objects of batches that are committed and hold no failures
	Compression record.Compression
	// Resident says that the process lives on between the steps of a run: it reads a partition's next batch while the last one is loaded,
	// makes the objects of a batch while the next steps work on it, and keeps step executions until the checkpoint that carries them.
	Resident bool
	// Redact takes the values of secrets out of a text that is stored or shown; nil leaves it as it is.
	Redact func(string) string
	// BackoffBase and BackoffCap bound the wait before a job whose run failed may start again; 0: at once.
	BackoffBase, BackoffCap time.Duration

	mu       sync.Mutex
	plans    map[string]*Plan
	opened   map[string]*opened
	compiled map[string]*Compiled
	batches  batches
	writings map[string]*writing
	buffers  []*bytes.Buffer // of batches' stored form
	room     room
	readers  map[string]*reader
	steps    map[string][]store.StepExecution
	stale    map[string]int
}

// Progress is what a load has just committed.
type Progress struct {
	Stream, Partition string
	Seq               int64
	Counters          store.Counters
	InputBytes        int64          // consumed of the partition's input so far; 0 when unknown
	PlannedBytes      int64          // of all partitions; 0 when unknown
	Failure           *store.Failure // the first of the batch's failures, if any
}

// Loop lists the steps that each batch goes through.
var Loop = []string{"extract", "transform", "validate", "load"}

// The longest wait that the state machine puts between two attempts of a state.
const longestRetry = 60 * time.Second

// Lease is until when the lock is kept for one invocation: its deadline, the longest wait before the next, and a margin, rounded up so that
// the next invocations mostly find it long enough and need no write.
func (e *Env) Lease() time.Time {
	until := e.Now().Add(e.StepTimeout + longestRetry + store.Skew)
	if grid := e.StepTimeout / leaseGrids; grid > 0 {
		return until.Truncate(grid).Add(grid)
	}
	return until
}

// leaseGrids is the part of a step's time-out by which a lease is rounded up: a minute of 15.
const leaseGrids = 15

// Turn is one invocation of a step.
type Turn struct {
	*Env
	Call    stage.Call // its Job is the job, without the slot
	Name    string     // of the step
	Slot    int        // of the lock that the run holds
	Epoch   string
	Attempt string
	Owner   string
	Lock    store.Lock
	Written job.Job
	Job     job.Job // resolved
	Started time.Time
}

// Begin is the first act of every step but acquire: it prolongs the lease, or takes the lock over for a later epoch of the same run, and
// finds the job. Errors: Superseded, AlreadyDone, NotFound, Conflict (the job's configuration is not that of the run).
func (e *Env) Begin(ctx context.Context, name string, c stage.Call) (*Turn, error) {
	t := &Turn{Env: e, Call: c, Name: name, Started: e.Now()}
	c.Job, t.Slot = store.SlotOf(c.Job)
	t.Call.Job = c.Job
	t.Epoch = EpochOf(c)
	t.Attempt = store.Attempt(t.Epoch, c.Entered, c.Retry)
	t.Owner = store.Owner(c.Run, t.Attempt, e.Request())
	var err error
	if t.Written, t.Job, err = e.JobIn(ctx, c.Bundle, c.Job); err != nil {
		return nil, err
	}
	if d := t.Written.Digest(); d != c.Digest {
		return nil, fault.New(fault.Conflict, "job %s was changed while run %s was under way", c.Job, c.Run).WithHint("start a new run")
	}
	t.Lock, err = e.Protocol.Enter(ctx, store.EnterRequest{
		Holding: t.Holding(), Holder: e.Holder(c.Execution), LeaseUntil: e.Lease(), MaxTries: t.Job.MaxTries,
		ChildRedriven: isChild(c.Execution) && c.Redrive > 0,
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Do is one invocation of a step: Begin, the act, and for an act that fails its record.
func Do[R any](ctx context.Context, e *Env, name string, c stage.Call, act func(context.Context, *Turn) (R, error)) (R, error) {
	var none R
	t, err := e.Begin(ctx, name, c)
	if err != nil {
		return none, fmt.Errorf("%s: %w", name, err)
	}
	ended := false
	defer func() { // a batch that is loaded, or will not be for now, leaves room for others
		if t.Call.Item.Partition != "" && (!ended || name == Loop[len(Loop)-1]) {
			t.Leave()
		}
	}()
	result, err := act(ctx, t)
	if fault.Has(err, fault.StateBehind) {
		if _, e := e.Protocol.Shut(context.WithoutCancel(ctx), t.Holding(), string(fault.StateBehind), err.Error()); e != nil {
			t.Log.WarnContext(ctx, "job not closed", "run_id", c.Run, "err", e)
		}
	}
	if err != nil {
		if t.Call.Item.Batch != "" { // a step that failed leaves nothing behind that is still at work
			t.quiet(t.Call.Item.Batch)
		}
		return none, t.Fail(ctx, e.clean(err))
	}
	ended = true
	return result, nil
}

// Public is a text without the values of secrets.
func (e *Env) Public(s string) string {
	if e.Redact == nil {
		return s
	}
	return e.Redact(s)
}

// clean gives an error whose text holds no values of secrets.
func (e *Env) clean(err error) error {
	said := err.Error()
	if clean := e.Public(said); clean != said {
		return fault.New(fault.CodeOf(err), "%s", clean)
	}
	return err
}

// Holding names the run's holding of the lock.
func (t *Turn) Holding() store.Holding {
	return store.Holding{Job: store.LockName(t.Call.Job, t.Slot), Run: t.Call.Run, Term: t.Call.Term, Epoch: t.Epoch}
}

// Stopping says whether somebody asked the run to end.
func (t *Turn) Stopping() bool { return t.Lock.Stop != "" }

// Key names the checkpoint of the call's partition.
func (t *Turn) Key() store.CheckpointKey {
	return store.CheckpointKey{Job: t.Call.Job, Stream: t.Call.Item.Stream, Partition: t.Call.Item.Partition}
}

// Bind makes this attempt the one writer of a partition.
func (t *Turn) Bind(ctx context.Context, k store.CheckpointKey, full bool) (store.Checkpoint, error) {
	return t.Protocol.Bind(ctx, store.BindCheckpoint{
		CheckpointKey: k, Run: t.Call.Run, Slot: t.Slot, Term: t.Call.Term, Attempt: t.Attempt, Owner: t.Owner, Full: full, Now: t.Now(),
	})
}

// Claim is the number under which this attempt writes a partition to destinations.
func (t *Turn) Claim(bound store.Checkpoint) connector.Claim {
	return connector.Claim{Term: t.Call.Term, Fence: bound.Fence, Owner: t.Owner, Base: bound.Base}
}

// Execution describes this turn for the run's history.
func (t *Turn) Execution(records int, err error) store.StepExecution {
	s := store.StepExecution{
		Job: t.Call.Job, Run: t.Call.Run, Step: t.Name, Stream: t.Call.Item.Stream, Partition: t.Call.Item.Partition, Attempt: t.Attempt,
		Status: "completed", Records: int64(records), StartedAt: t.Started, EndedAt: t.Now(),
	}
	if s.Partition != "" {
		s.Seq = t.Call.Item.Seq + 1
	}
	s.ID = StepID(s)
	if err != nil {
		s.Status, s.ErrorCode, s.ErrorText = "failed", string(fault.CodeOf(err)), err.Error()
	}
	return s
}

// StepID is the id of a step execution: unique, since an attempt works on one state of one partition.
func StepID(s store.StepExecution) string {
	id := s.Job + "_step_" + s.Step + "_exec_" + s.Run + "#" + s.Attempt
	if s.Partition != "" {
		id += "#" + store.EncodeKey(s.Stream) + "#" + store.EncodeKey(s.Partition)
	}
	return id
}

// Forget frees what belongs to a run that ended: its readers, batches, plan and compiled chains. Connectors stay open.
func (e *Env) Forget(jobKey, run string) {
	e.calm(RunPrefix(jobKey, run))
	e.calm(BatchPrefix(jobKey))
	e.mu.Lock()
	defer e.mu.Unlock()
	mine := run + "\x00"
	for _, k := range sortedKeys(e.readers) {
		if strings.HasPrefix(k, mine) {
			_ = e.readers[k].close() // what it would tell was of use to the run only
			delete(e.readers, k)
		}
	}
	maps.DeleteFunc(e.compiled, func(k string, _ *Compiled) bool { return strings.HasPrefix(k, mine) })
	maps.DeleteFunc(e.steps, func(k string, _ []store.StepExecution) bool { return strings.HasPrefix(k, mine) })
	maps.DeleteFunc(e.stale, func(k string, _ int) bool { return strings.HasPrefix(k, mine) })
	maps.DeleteFunc(e.room.usual, func(k string, _ int64) bool { return strings.HasPrefix(k, mine) })
	delete(e.plans, planKey(jobKey, run))
}

// Close frees connectors, readers and batches. Closing twice is no error.
func (e *Env) Close() error {
	e.calm("")
	e.mu.Lock()
	defer e.mu.Unlock()
	var first error
	for _, k := range sortedKeys(e.readers) {
		if err := e.readers[k].close(); err != nil && first == nil {
			first = err
		}
	}
	for _, k := range sortedKeys(e.opened) {
		if err := e.opened[k].close(); err != nil && first == nil {
			first = err
		}
	}
	e.buffers = nil
	e.readers, e.opened, e.compiled, e.plans, e.steps, e.stale = nil, nil, nil, nil, nil, nil
	return first
}
