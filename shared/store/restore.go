package store

import (
	"context"
	"time"
)

// Lift is by how much terms and fences grow when an older copy of the state was put back: more than any run since the copy can have used.
const Lift = 1 << 20

// Restorer is a Store whose jobs can be mended after an older copy of it was put back.
type Restorer interface {
	// Restore opens a job that is not in progress, or whose holder is dead: the lock is PENDING without tries, its term and
	// all fences of its checkpoints grow by Lift, so that they are above all that was written since the copy was made, and the checkpoints of
	// Moves go where the destinations are; the job cannot be taken before all of it is done. It is refused, without an error, when the lock is
	// not as seen.
	Restore(ctx context.Context, w RestoreJob) (Lock, bool, error)
}

// RestoreJob mends a job.
type RestoreJob struct {
	Job   string // the lock's name
	Lone  bool   // only the lock: the job's checkpoints go with another of its locks
	Seen  Lock
	Dead  bool  // the holder of a lock in progress is proven dead
	Fence int64 // the highest that a destination has seen; fences begin above it
	Moves []RestoreCheckpoint
	Now   time.Time
}

// RestoreCheckpoint is where the destinations are in a partition.
type RestoreCheckpoint struct {
	CheckpointKey
	Run      string
	Base     string
	Seq      int64
	Position string
}
