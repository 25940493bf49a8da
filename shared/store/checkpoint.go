package store

import (
	"fmt"
	"time"
)

// CommitPartition is the pseudo-partition that fences the once-per-run work of a stream: swap and delete_missing.
const CommitPartition = "~commit"

// CheckpointKey names a partition of a stream of a job. Stream and Partition are percent-encoded where they become part of a
// key; at most 200 bytes each.
type CheckpointKey struct {
	Job       string
	Stream    string
	Partition string
}

// Checkpoint is a CKPT item: how far a partition is, and who may write it. It is never deleted.
type Checkpoint struct {
	CheckpointKey
	Seq       int64  // of the last committed batch; 0 at first
	Position  string // behind the last committed batch; "" at first; at most 512 bytes
	Fence     int64  // +1 at every bind; only ever grows; travels with every write to a destination
	Term      int64  // of the lock of Slot
	Slot      int    // of the lock under which it was bound last
	Attempt   string // <epoch>#<state entered, ms>#<retry>; string order is time order
	Owner     string // <run>#<attempt>#<invocation's request id>
	Run       string // who bound it last; in full mode seq and position belong to it; "" after a reset
	Base      string // who seq counts from: <run>#<term> of the first bind, of a full run's, or of the first after a reset
	Schema    string // digest of the schema that was loaded last
	Total     int64  // records loaded over all runs
	Window    string // the failure window, encoded; at most 700 bytes
	Drained   string // the run that reached the end of this partition
	UpdatedAt time.Time
}

// BindCheckpoint makes Owner the one writer of a partition.
type BindCheckpoint struct {
	CheckpointKey
	Run     string
	Slot    int // of the lock that the run holds
	Term    int64
	Attempt string
	Owner   string
	Full    bool // seq and position belong to the run: another run's count as 0 and empty
	Now     time.Time
}

// Base names the count that begins with this bind.
func (w BindCheckpoint) Base() string { return fmt.Sprintf("%s#%d", w.Run, w.Term) }

// MoveCheckpoint is one CHECKPOINT transaction. It is built once and sent again byte for byte.
type MoveCheckpoint struct {
	CheckpointKey
	Run      string
	Fence    int64
	Owner    string
	PrevSeq  int64
	Seq      int64 // PrevSeq + 1
	PrevPos  string
	Position string
	Schema   string
	Window   string
	Drained  bool // this was the partition's last batch
	Counters Counters
	Failures []Failure
	Steps    []StepExecution // of the turn, the load's among them
	Now      time.Time
}

// Completed gives the request's failures with the fields filled in that follow from the request: id, key, times.
func (w MoveCheckpoint) Completed() []Failure {
	out := make([]Failure, len(w.Failures))
	for i, f := range w.Failures {
		f.Job, f.Run, f.Stream, f.Partition, f.Seq = w.Job, w.Run, w.Stream, w.CheckpointKey.Partition, w.Seq
		if f.ID == "" {
			f.ID = FailureID(f.Run, w.CheckpointKey, f.Seq, f.Index)
		}
		if f.Status == "" {
			f.Status = "open"
		}
		if f.CreatedAt.IsZero() {
			f.CreatedAt = w.Now
		}
		if f.ExpiresAt.IsZero() {
			f.ExpiresAt = f.CreatedAt.Add(DetailRetention)
		}
		out[i] = f
	}
	return out
}

// DrainCheckpoint marks ~commit as done by the run.
type DrainCheckpoint struct {
	CheckpointKey
	Run      string
	Fence    int64
	Owner    string
	Position string // fingerprint of the source that this run committed
	Schema   string
	Deleted  int64 // rows of the target that the source no longer had; counted once, under the partition ~commit of the run
	Now      time.Time
}

// Counters counts what became of records. Read = Loaded + Filtered + Failed, and Loaded = Inserted + Updated + Unchanged where
// the destination can tell them apart.
type Counters struct {
	Read      int64 `json:"read"`
	Loaded    int64 `json:"loaded"`
	Inserted  int64 `json:"inserted"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Filtered  int64 `json:"filtered"`
	Failed    int64 `json:"failed"`
	Deleted   int64 `json:"deleted"`
	Warned    int64 `json:"warned"`
	Batches   int64 `json:"batches"`
	Bytes     int64 `json:"bytes"` // of the batches' objects
}

// Add adds the other's counts.
func (c *Counters) Add(o Counters) {
	c.Read += o.Read
	c.Loaded += o.Loaded
	c.Inserted += o.Inserted
	c.Updated += o.Updated
	c.Unchanged += o.Unchanged
	c.Filtered += o.Filtered
	c.Failed += o.Failed
	c.Deleted += o.Deleted
	c.Warned += o.Warned
	c.Batches += o.Batches
	c.Bytes += o.Bytes
}

// Closed says whether each record that was read is accounted for exactly once (invariant 5).
func (c Counters) Closed() bool { return c.Read == c.Loaded+c.Filtered+c.Failed }
