// Package store keeps the state of jobs: locks, checkpoints, runs, step executions, log events and failures. It defines the
// interface that every implementation satisfies by conditional writes alone, and the decisions of the protocol that are the
// same over all of them (docs/protocol.md). It moves no records and calls no step. Steps, runners and commands import it.
package store

import (
	"context"
	"time"
)

// Store is the state of all jobs of one installation. Every method is one atomic act on durable state: when it returns
// without an error the effect survives a crash of the machine, and when it returns an error the effect may or may not have
// happened (the answer may be lost), so each write can be sent again and recognises itself. Methods are safe for concurrent
// use, also by several processes on the same state. Times come from the caller; they decide when somebody may try, never who
// may write. A refused condition is no error: the write answers applied = false and the item as it is.
//
// Errors: NotFound (the named item does not exist), Conflict (it exists already), VersionTooNew (the state was written by a
// newer version; nothing was changed), Transient (the state is busy or out of reach), Timeout, DataInvalid (the stored state is
// corrupt, or the request breaks a rule or names a page token that is none), AuthDenied (the state may not be written),
// QuotaExceeded (it is full), Internal.
type Store interface {
	LockStore
	CheckpointStore
	RunStore
	FailureStore
	PauseStore
	// Ping says whether the state can be read and written, without leaving anything behind.
	Ping(ctx context.Context) error
	// Close frees what the store holds; later calls fail with Internal.
	Close() error
}

// LockStore is the conditional writes on LOCK items, named as in docs/protocol.md.
type LockStore interface {
	// Lock reads a lock consistently. An absent lock is answered as the zero Lock with Status Pending and Term 0.
	Lock(ctx context.Context, job string) (Lock, error)
	// Slots reads all locks of a job consistently, that of the first slot first; none when the job never ran. See LockName.
	Slots(ctx context.Context, job string) ([]Lock, error)
	// Acquire is ACQUIRE: takes a lock that is absent, or not in progress and still as seen.
	Acquire(ctx context.Context, w TakeLock) (Lock, bool, error)
	// Steal is STEAL: takes a lock that is in progress for another run, still as seen; the caller holds the proof of death.
	Steal(ctx context.Context, w TakeLock) (Lock, bool, error)
	// Retake is RETAKE: the same run goes on under a later epoch, with the same term.
	Retake(ctx context.Context, w RetakeLock) (Lock, bool, error)
	// Lease is LEASE: prolongs the lease of a lock that run, term and epoch hold; never shortens it.
	Lease(ctx context.Context, h Holding, until time.Time) (Lock, bool, error)
	// Stop is STOP: asks the run that holds the lock under the term to end with the code.
	Stop(ctx context.Context, job string, term int64, code string) (Lock, bool, error)
	// Release is RELEASE: ends the run's holding as succeeded or failed.
	Release(ctx context.Context, w ReleaseLock) (Lock, bool, error)
	// Ignore is IGNORE: closes a job that used up its tries.
	Ignore(ctx context.Context, w IgnoreLock) (Lock, bool, error)
	// Reset is RESET: opens a job that failed, was ignored or succeeded; with Force also one in progress, fencing its checkpoints.
	Reset(ctx context.Context, w ResetLock) (Lock, bool, error)
	// Locks lists locks of the statuses (all when none is given), the one that changed longest ago first (whether a longer lease or a stop
	// is a change is the store's to say), at most limit
	// (1–1,000), behind the token of the page before ("" at first). The next token is "" behind the last page.
	Locks(ctx context.Context, q LockQuery) ([]Lock, string, error)
}

// CheckpointStore is the conditional writes on CKPT items, and the transaction that moves a checkpoint.
type CheckpointStore interface {
	// Bind is BIND: makes the attempt the partition's one writer and answers its fence, seq and position. A partition that was bound under
	// another slot is taken in one transaction, and only when the run that bound it holds that slot no more and this run holds its own.
	Bind(ctx context.Context, w BindCheckpoint) (Checkpoint, bool, error)
	// Checkpoint is CHECKPOINT: moves seq and position by one, adds the counters to the run's partition, appends the failures
	// and the step execution; all of it or nothing. Sending the same request again changes nothing more and answers applied.
	Checkpoint(ctx context.Context, w MoveCheckpoint) (Checkpoint, bool, error)
	// Drain marks ~commit as done by the run: SET drained, position and schema where fence and owner are mine, and with it what the run
	// deleted. Sent again it changes nothing more.
	Drain(ctx context.Context, w DrainCheckpoint) (Checkpoint, bool, error)
	// ReadCheckpoint reads one item consistently; NotFound when it does not exist.
	ReadCheckpoint(ctx context.Context, k CheckpointKey) (Checkpoint, error)
	// Checkpoints reads all items of a job's stream ("" all streams) consistently, ordered by stream and partition.
	Checkpoints(ctx context.Context, job, stream string) ([]Checkpoint, error)
}

// RunStore keeps runs, their partitions, step executions and log events.
type RunStore interface {
	// StartRun puts the run if it is absent. Applied = false answers the run that is there: its InputSHA256 tells whether it is the same.
	StartRun(ctx context.Context, r Run) (Run, bool, error)
	// UpdateRun changes what is set in the change and answers the run as it is then; NotFound when there is no such run. A status that
	// Only leaves out changes nothing and is no error: look at the answer.
	UpdateRun(ctx context.Context, c RunChange) (Run, error)
	// Run reads one run with the sums over its partitions; NotFound when it does not exist.
	Run(ctx context.Context, job, run string) (Run, error)
	// Runs lists runs, newest first (or oldest first), with paging as Locks.
	Runs(ctx context.Context, q RunQuery) ([]Run, string, error)
	// Partitions lists the run's partitions ordered by stream and partition.
	Partitions(ctx context.Context, job, run string) ([]RunPartition, error)
	// EndPartition records how an attempt ended a partition of the run: its error code and message ("" both when it did not fail). The word
	// of an earlier attempt does not replace that of a later one.
	EndPartition(ctx context.Context, p RunPartition) error
	// AddStep records a step execution that no checkpoint carries: an attempt that failed, or a step that stands alone. An id that is
	// there already is left as it is.
	AddStep(ctx context.Context, s StepExecution) error
	// Steps lists a run's step executions in the order of their start.
	Steps(ctx context.Context, q StepQuery) ([]StepExecution, string, error)
	// AddLogs appends events; ids that are there already are left as they are.
	AddLogs(ctx context.Context, events []LogEvent) error
	// Logs lists events in the order of their time.
	Logs(ctx context.Context, q LogQuery) ([]LogEvent, string, error)
	// Expire deletes runs, steps, logs and failures whose retention has passed; locks and checkpoints never. It answers how many: 0 where
	// the service behind the store does that by itself.
	Expire(ctx context.Context, now time.Time) (int64, error)
}

// FailureStore reads the failure ledger; failures are only ever written by Checkpoint.
type FailureStore interface {
	// Failures lists failures in the order of their ids, with paging as Locks.
	Failures(ctx context.Context, q FailureQuery) ([]Failure, string, error)
	// Failure reads one; NotFound when it does not exist.
	Failure(ctx context.Context, job, id string) (Failure, error)
}
