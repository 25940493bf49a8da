package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Failure is a record that could not be moved, kept with its reason and its snapshot.
type Failure struct {
	ID        string // <run>#<stream>#<partition>#<seq>#<index>, parts percent-encoded; "": built by the checkpoint
	Job       string
	Run       string
	Stream    string
	Partition string
	Seq       int64
	Index     int    // of the original record in its batch
	Key       string // of the record, as compact JSON array; "" when unknown
	Phase     string // extract | transform | validate | load
	Code      string
	Rule      string // name of the transform or rule
	Message   string
	Tries     int
	Snapshot  json.RawMessage // the record before the failing step, at most 4,096 bytes; truncated ones have __truncated__
	Raw       string          // what could not even be parsed, at most 4,096 bytes
	Batch     string          // object that holds the whole record when the snapshot is truncated; "" else
	Status    string          // open | replayed | discarded
	CreatedAt time.Time       // zero: the checkpoint's Now
	ExpiresAt time.Time       // zero: DetailRetention after CreatedAt
}

// FailureID builds the id, unique over batches and runs.
func FailureID(run string, key CheckpointKey, seq int64, index int) string {
	return fmt.Sprintf("%s#%s#%s#%08d#%06d", EncodeKey(run), EncodeKey(key.Stream), EncodeKey(key.Partition), seq, index)
}

// FailureQuery selects failures of a job.
type FailureQuery struct {
	Job    string // "" all jobs
	Run    string
	Stream string
	Phase  string
	Code   string
	Status string
	Since  time.Time
	Until  time.Time
	Limit  int // 1–1,000
	Token  string
}
