package store

import "time"

// Status is the state of a job's lock.
type Status string

// The five states of a lock.
const (
	Pending    Status = "PENDING"
	InProgress Status = "IN_PROGRESS"
	Succeeded  Status = "SUCCEEDED"
	Failed     Status = "FAILED"
	Ignored    Status = "IGNORED"
)

// Lock is a LOCK item of a job. It is never deleted.
type Lock struct {
	Job        string // its name, as LockName gives it
	Status     Status
	Term       int64     // +1 at every acquire, steal, ignore and reset; only ever grows
	Epoch      string    // <top redrive>#<leg>#<retry>#<child redrive>, 4 digits each; string order is causal order
	Holder     string    // execution ARN, or local:<process>
	Stop       string    // code with which the run must end; "" when nobody asked
	Run        string    // the run that holds it, or held it last
	RVN        string    // random, new at acquire and steal
	LeaseUntil time.Time // until when others wait; zero when never taken
	NotBefore  time.Time // no acquire before it; zero when at once
	Tries      int       // takes without progress
	Progress   int64     // the run's committed batches at its last take
	Gen        int64     // +1 at every reset
	ErrorCode  string    // of the last failure
	ErrorText  string    // of the last failure, for people
	PrevRun    string    // the run it was stolen from
	UpdatedAt  time.Time
}

// TakeLock asks for a lock. Seen is the lock as the caller read it.
type TakeLock struct {
	Job        string
	Run        string
	RVN        string
	Epoch      string
	Holder     string
	Seen       Lock
	Now        time.Time
	LeaseUntil time.Time
	MaxTries   int
	Unfenced   bool      // a destination cannot check fences: ACQUIRE also waits for the lease and 30 s
	Expired    time.Time // STEAL without proof of death: only while lease_until is before it; zero with proof
}

// RetakeLock asks that the same run goes on under a later epoch.
type RetakeLock struct {
	Holding
	Holder     string
	LeaseUntil time.Time
	Now        time.Time
	CountTry   bool      // ADD tries 1, and refuse when MaxTries is reached
	Forgive    bool      // the run made progress since its last take: a counted try is SET tries = 1, whatever MaxTries
	Progress   int64     // the run's committed batches now; kept when the try counts
	ClearStop  bool      // a redrive of the top: whoever asked for the stop got it
	Expired    time.Time // from a local holder that is not proven dead: only while lease_until is before it; else zero
	MaxTries   int
}

// Holding names a holding of a lock: the lock's name, run, the term that the run got, and the epoch of the caller.
type Holding struct {
	Job   string
	Run   string
	Term  int64
	Epoch string
}

// ReleaseLock ends a holding. Code "" releases as succeeded, else as failed.
type ReleaseLock struct {
	Holding
	Code      string
	Message   string
	NotBefore time.Time // of a failed release
	Closing   bool      // by close or sweep: also from FAILED, and from any epoch up to the holding's
	Now       time.Time
}

// IgnoreLock closes a job. Dead says that the caller has STEAL's proof for a lock in progress; Expired is part of that proof.
type IgnoreLock struct {
	Job      string
	Seen     Lock
	MaxTries int
	Dead     bool
	Expired  time.Time // as in TakeLock
	Now      time.Time
	// Code and Message replace the lock's error when set (StateBehind closes a job whatever its tries).
	Code    string
	Message string
}

// ResetLock opens a job again, and with it every failure window of its checkpoints.
type ResetLock struct {
	Job   string
	Seen  Lock
	Force bool
	Now   time.Time
	// Streams whose checkpoints start over ("" in the list: all of them): they are fenced, seq, position, window, schema and drained
	// are emptied, and the next bind begins a new Base. Empty keeps the checkpoints.
	Streams []string
}

// LockQuery selects locks.
type LockQuery struct {
	Statuses []Status
	Limit    int
	Token    string
}
