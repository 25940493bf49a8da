// Package connector defines what a source and a destination are, how they are registered, and what a destination guarantees.
// Contract suite: package conntest. One folder per implementation; implementations never import each other.
package connector

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Spec registers a connector.
type Spec struct {
	setting.Spec
	// Source opens a source; nil when the connector is none.
	Source func(ctx context.Context, c Config) (Source, error)
	// Destination opens a destination; nil when the connector is none.
	Destination func(ctx context.Context, c Config) (Destination, error)
	// Modes are the write modes of the destination.
	Modes []job.WriteMode
	// DeleteMissing and Backup say whether the destination can do them.
	DeleteMissing, Backup bool
	// Guarantee is what the destination gives, for a checked configuration.
	Guarantee func(v setting.Values, w job.Write) Guarantee
	// Check finds what the declarations cannot say, such as two settings that contradict each other; may be nil. It opens nothing.
	Check func(v setting.Values) fault.Problems
	// CheckWrite finds what a destination with these settings cannot write in this way; may be nil. It opens nothing.
	CheckWrite func(v setting.Values, w job.Write) fault.Problems
	// Remote says what of the settings cannot work where there is no disk that stays, as in a function on AWS, with what to use instead; may be nil.
	Remote func(v setting.Values) fault.Problems
}

// Config is what a connector is opened with.
type Config struct {
	Values setting.Values // resolved; never to be logged or stored
	Dir    string         // the project's folder; relative paths begin here and must stay inside
	Log    *slog.Logger
	Now    func() time.Time
}

// Guarantee says what a destination gives, and why.
type Guarantee struct {
	Level    Level
	Why      string // one sentence
	Receipts bool   // it stores the receipt with the data
	Fenced   bool   // it refuses writers with an old fence
}

// Level is a delivery guarantee.
type Level string

// The guarantees.
const (
	ExactlyOnce     Level = "exactly once"
	EffectivelyOnce Level = "effectively once per key"
	AtLeastOnce     Level = "at least once"
)

// Source reads streams. Safe for concurrent use; Readers are not. Errors carry codes of package fault: NotFound (no such stream
// or file), AuthDenied, Transient, RateLimited, Timeout, DataInvalid (cannot be decoded as a whole), SchemaDrift, ConfigInvalid.
type Source interface {
	// Streams lists what can be read, sorted by name.
	Streams(ctx context.Context) ([]StreamInfo, error)
	// Plan cuts a stream into partitions. The same source content and request give the same plan.
	Plan(ctx context.Context, r PlanRequest) (Plan, error)
	// Open answers a reader behind the position ("" = from the beginning of the partition). The reader may go on using the context
	// until it is closed.
	Open(ctx context.Context, r OpenRequest) (Reader, error)
	// Committed tells the source that everything up to the position is durable downstream; called after the checkpoint, may be
	// called again, and may never be called.
	Committed(ctx context.Context, p Partition, position string) error
	// Ping says whether the source can be reached and read.
	Ping(ctx context.Context) error
	// Close frees what it holds, readers included; closing twice is no error.
	Close() error
}

// StreamInfo describes a stream that a source offers.
type StreamInfo struct {
	Name   string
	Schema record.Schema // may be empty when finding it would mean reading everything
	Key    []string      // when the source knows it
}

// PlanRequest asks for a plan of a stream.
type PlanRequest struct {
	Stream job.Stream
	// Known is the fingerprint that the last run committed for this stream; "" when there is none.
	Known string
	// Positions are the committed positions of an incremental stream's partitions, by id.
	Positions map[string]string
	Batch     job.Batch
}

// Plan is how a stream will be read. It is stored with the run and stays as it is until the run ends.
type Plan struct {
	Schema record.Schema `json:"schema"`
	Key    []string      `json:"key,omitempty"` // as the source knows it; used when the user names none
	// Fingerprint stands for the stream's content; "" when the source cannot tell. At most 400 bytes.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Unchanged says that the content is what Known stands for: nothing has to be read. Partitions is then empty.
	Unchanged  bool        `json:"unchanged,omitempty"`
	Partitions []Partition `json:"partitions"`
	// Records and Bytes are what is expected to be read, for progress; 0 when unknown. Bytes are of the input.
	Records int64 `json:"records,omitempty"`
	Bytes   int64 `json:"bytes,omitempty"`
}

// Partition is a slice of a stream. The id is unique in the stream, stable over runs for incremental streams, and at most 200
// bytes when encoded by store.EncodeKey. Spec is the source's own, at most 1 KB.
type Partition struct {
	ID    string          `json:"id"`
	Spec  json.RawMessage `json:"spec,omitempty"`
	Bytes int64           `json:"bytes,omitempty"` // of the input; 0 when unknown
}

// OpenRequest asks for a reader.
type OpenRequest struct {
	Stream    job.Stream
	Schema    record.Schema // of the plan; the reader's batches have exactly these columns
	Partition Partition
	Position  string
	Records   int   // at most so many records in a batch
	Bytes     int64 // about so many bytes in a batch, at least one record
}

// Reader reads one partition in order. Borders of batches depend on the content, the position and the two bounds only, never on
// time: the same request gives the same batches.
type Reader interface {
	// Next answers the next batch. A record that cannot be decoded is a Reject of phase extract, counted in Read. The batch that is
	// known to be the last has Last set; when the end is seen only after the last record, an empty batch with Last follows.
	// After Last it answers io.EOF. Positions and End are set, End being the position behind the last original (Start for an
	// empty batch). The rows may be used after the next call.
	Next(ctx context.Context) (record.Batch, error)
	// InputBytes is how much of the partition's input was consumed so far, in the measure of Partition.Bytes.
	InputBytes() int64
	// Close frees the reader; closing twice is no error.
	Close() error
}

// Target is a stream at a destination.
type Target struct {
	Job     string // key
	Stream  string
	Run     string
	Name    string        // of the table or file
	Schema  record.Schema // as it comes out of the transforms
	Key     []string
	Write   job.Write
	Full    bool // the run reads the whole stream
	Drift   job.Drift
	Columns map[string]job.Drift
}

// Claim is the writer's number: the destination refuses a lower fence, and an equal one of another owner.
type Claim struct {
	Term  int64
	Fence int64
	Owner string
	// Base says from which bind seq counts: a receipt of another base counts as seq 0 and an empty position. It changes with each full run
	// and with a reset, so that neither meets what was loaded before.
	Base string
}

// Destination takes records. Safe for concurrent use by several partitions. Errors as for Source, and Superseded (a higher fence
// was there), Stale (the batch does not follow the last one), StateBehind, DestinationBehind, SchemaDrift.
type Destination interface {
	// Prepare makes ready for a run of a stream, in one transaction: claims the guard of ~commit, drops what other runs staged, makes
	// or widens the target by the drift policy, makes the staging. Called again by the same run it changes nothing that was loaded.
	Prepare(ctx context.Context, t Target, c Claim) error
	// Load writes the batch's active rows, and the receipt with them where the destination keeps receipts. A receipt of this seq or
	// a later one answers that receipt with Existing set and writes nothing. Rows that the destination refuses are in Refused; the
	// others are written.
	Load(ctx context.Context, r LoadRequest) (Receipt, error)
	// Commit does the once-per-run work of a full run: swap, delete_missing. Called again by the same run it changes nothing.
	Commit(ctx context.Context, t Target, c Claim) (CommitResult, error)
	// Committed answers the run whose Commit was the target's last, "" when there is none or the target is gone.
	Committed(ctx context.Context, t Target) (string, error)
	// Receipt reads the last receipt of a partition; false when there is none, or for another run of a full stream.
	Receipt(ctx context.Context, t Target, partition string) (Receipt, bool, error)
	// Ping says whether the destination can be reached and written, leaving nothing behind.
	Ping(ctx context.Context) error
	// Close frees what it holds; closing twice is no error.
	Close() error
}

// LoadRequest is one batch for a destination.
type LoadRequest struct {
	Target    Target
	Partition string
	Claim     Claim
	Seq       int64
	Name      string // of the batch object
	Batch     record.Batch
	Start     string // position before the batch
	End       string // position behind it
	// Protect are the keys (compact JSON arrays) of records that failed before the load: delete_missing must leave them.
	Protect []string
	// Confirm is called inside the transaction, before it commits, with the rows that the destination refuses; an error rolls back
	// and is returned as it is. Destinations without transactions call it after writing. May be nil.
	Confirm func(refused []record.Refusal) error
}

// Receipt is what a destination stored with a batch.
type Receipt struct {
	Run       string           `json:"run"`
	Base      string           `json:"base"`
	Fence     int64            `json:"fence"`
	Owner     string           `json:"owner"`
	Seq       int64            `json:"seq"`
	Start     string           `json:"start"`
	End       string           `json:"end"`
	Batch     string           `json:"batch"`
	Inserted  int64            `json:"inserted"`
	Updated   int64            `json:"updated"`
	Unchanged int64            `json:"unchanged"`
	Refused   []record.Refusal `json:"refused,omitempty"`
	Existing  bool             `json:"-"` // it was there before this call
}

// CommitResult is what a commit did.
type CommitResult struct {
	Deleted int64 // rows of the target that the source no longer has
}

// Registry is the connectors by name. It is built once and then only read.
type Registry map[string]Spec

// NewRegistry makes a registry; a name that comes twice is a programming error and panics.
func NewRegistry(specs ...Spec) Registry {
	return setting.ByName("connector", func(s Spec) string { return s.Name }, specs)
}

// Names lists the connectors, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }

// Lookup gives a connector by name; NotFound names the nearest one.
func (r Registry) Lookup(name string) (Spec, error) { return setting.Lookup("connector", r, name) }
