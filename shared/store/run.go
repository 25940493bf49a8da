package store

import (
	"encoding/json"
	"time"
)

// How long stores keep what is not state, when the item does not say it itself.
const (
	RunRetention    = 180 * 24 * time.Hour // runs and their partitions; never under 91 days
	DetailRetention = 30 * 24 * time.Hour  // step executions, log events and failures
)

// RunStatus is the state of a run.
type RunStatus string

// The states of a run.
const (
	RunPending   RunStatus = "pending"
	RunRunning   RunStatus = "running"
	RunSucceeded RunStatus = "succeeded"
	RunPartial   RunStatus = "partial" // every partition finished, with failures in the ledger
	RunFailed    RunStatus = "failed"
	RunAborted   RunStatus = "aborted"
	RunSkipped   RunStatus = "skipped"
	RunIgnored   RunStatus = "ignored"
)

// RunStatuses lists every status.
func RunStatuses() []RunStatus {
	return []RunStatus{RunPending, RunRunning, RunSucceeded, RunPartial, RunFailed, RunAborted, RunSkipped, RunIgnored}
}

// Ended says whether a run in this status will never change again by itself.
func (s RunStatus) Ended() bool { return s != RunPending && s != RunRunning }

// Run is one execution of a job.
type Run struct {
	Job         string
	ID          string // [A-Za-z0-9._-], at most 64
	Status      RunStatus
	Trigger     string // manual | schedule | api | hook:<id>
	Digest      string // of the job's configuration
	InputSHA256 string
	Input       json.RawMessage // the run's parameters; no secrets
	Snapshot    json.RawMessage // the job as it was, secrets by reference
	Version     string          // of Lockstep
	Holder      string
	Epoch       string
	Steps       map[string]string // step → pending | running | completed | failed; see also RestartStep
	Counters    Counters          // sums over the partitions, and what finish added
	Percent     int               // 0–100
	ErrorCode   string
	ErrorText   string
	Notices     []string // what a person should know although nothing failed
	CreatedAt   time.Time
	StartedAt   time.Time
	EndedAt     time.Time // zero while it runs
	ExpiresAt   time.Time // zero: RunRetention after CreatedAt
	Units       Units     // what the store's service billed for the run
}

// RunChange changes a run; nil fields stay as they are. When the run's status is none of Only, nothing changes. A change with Add is
// not to be sent again by itself: give it together with a Status that Only leaves out.
type RunChange struct {
	Job       string
	ID        string
	Status    *RunStatus
	Only      []RunStatus // change only when the status is one of these; none means any that has not ended
	Holder    *string
	Epoch     *string
	Steps     map[string]string // merged
	Add       Counters          // added to the run's own counters
	Percent   *int
	ErrorCode *string
	ErrorText *string
	Notices   []string // appended, each once
	StartedAt *time.Time
	EndedAt   *time.Time
	Units     Units // added
}

// RunPartition is what a run did in a partition.
type RunPartition struct {
	Job       string
	Run       string
	Stream    string
	Partition string
	LastSeq   int64
	Counters  Counters
	Attempt   string // that ended it last with an error, or cleared one
	ErrorCode string
	ErrorText string
	UpdatedAt time.Time
}

// RunQuery selects runs.
type RunQuery struct {
	Job         string // "" all jobs
	Statuses    []RunStatus
	Since       time.Time // created at or after; zero = any
	Until       time.Time // created before; zero = any
	OldestFirst bool
	Limit       int // 1–1,000
	Token       string
}

// StepExecution is one turn of a step, or one attempt of it that failed.
type StepExecution struct {
	ID        string // {job}_step_{step}_exec_{attempt}…, unique
	Job       string
	Run       string
	Step      string
	Stream    string
	Partition string
	Seq       int64
	Attempt   string
	Status    string // completed | failed
	Records   int64
	ErrorCode string
	ErrorText string
	StartedAt time.Time
	EndedAt   time.Time
}

// StepQuery selects step executions of a run.
type StepQuery struct {
	Job   string
	Run   string
	Step  string // "" all
	Limit int    // 1–1,000
	Token string
}

// LogEvent is one structured event of a run.
type LogEvent struct {
	ID    string // unique in the run, in the order of time
	Job   string
	Run   string
	Time  time.Time
	Level string // debug | info | warn | error
	Step  string
	Text  string
	Attrs json.RawMessage // object; never records, never secrets
}

// LogQuery selects log events.
type LogQuery struct {
	Job     string
	Run     string
	Level   string // this level and above; "" all
	Step    string
	Keyword string
	Since   time.Time
	Until   time.Time
	Limit   int // 1–1,000
	Token   string
}
