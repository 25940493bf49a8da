// Package job is the model of a job: one source, some streams, a chain of transforms, some rules, one or more destinations. It
// knows neither YAML (package spec reads that) nor how anything is run.
package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Version is the version of the model's stored form.
const Version = 1

// Job is a named sync. Settings hold references to variables and secrets as the user wrote them, never their values.
type Job struct {
	Version      int               `json:"version"`
	ID           string            `json:"id"`
	UseCase      string            `json:"use_case,omitempty"` // the job's key in the store is <use case>____<id> when set
	Description  string            `json:"description,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Enabled      bool              `json:"enabled"`
	Schedule     *Schedule         `json:"schedule,omitempty"` // nil: only by hand
	Source       Source            `json:"source"`
	Transforms   []Component       `json:"transforms,omitempty"`
	Rules        []Rule            `json:"rules,omitempty"`
	Destinations []Destination     `json:"destinations"` // in the order in which they are written: those that keep receipts first, by name
	OnFailure    OnFailure         `json:"on_failure"`
	Batch        Batch             `json:"batch"`
	Concurrency  int               `json:"concurrency"`             // partitions at once, 1–40
	MaxTries     int               `json:"max_tries"`               // takes without progress before the job is ignored, 1–100
	MaxInstances int               `json:"max_instances,omitempty"` // runs that may be under way at once, 1–40; 0 is 1
	Parameters   Parameters        `json:"parameters,omitempty"`
}

// Parameters are values of the user that are stored with each run, references as written. Whole numbers are int64.
type Parameters map[string]any

// UnmarshalJSON reads them back as they were, whole numbers beyond 2^53 included.
func (p *Parameters) UnmarshalJSON(data []byte) error {
	var v setting.Values
	if err := v.UnmarshalJSON(data); err != nil {
		return err
	}
	m, ok := v.Raw().(map[string]any)
	if !ok && v.Raw() != nil {
		return fmt.Errorf("parameters are %T, not a map", v.Raw())
	}
	*p = m
	return nil
}

// Source is where records come from.
type Source struct {
	Connector  string         `json:"connector"`
	Config     setting.Values `json:"config"`
	Streams    []Stream       `json:"streams,omitempty"`    // empty: every stream that the connector discovers
	Defaults   Stream         `json:"defaults"`             // of streams that are discovered
	Transforms []Component    `json:"transforms,omitempty"` // before the job's
}

// Mode says what of a stream a run reads.
type Mode string

// The modes of a stream.
const (
	Full        Mode = "full"        // everything, whatever the checkpoint says
	Incremental Mode = "incremental" // what is behind the checkpoint
)

// Stream is one table, collection, file set or endpoint.
type Stream struct {
	Name    string                 `json:"name"`
	Key     []string               `json:"key,omitempty"` // columns that identify a record
	Mode    Mode                   `json:"mode"`
	Cursor  string                 `json:"cursor,omitempty"`  // column that grows; incremental only
	Filter  string                 `json:"filter,omitempty"`  // expression; what it refuses is not read at all
	Columns map[string]record.Type `json:"columns,omitempty"` // types that the user gives; the others are found
	Target  string                 `json:"target,omitempty"`  // name at the destination; the stream's name when empty
}

// TargetName is the stream's name at the destination.
func (s Stream) TargetName() string {
	if s.Target != "" {
		return s.Target
	}
	return s.Name
}

// Component is a transform with its settings; rules embed it.
type Component struct {
	Name    string         `json:"name"` // of the transform or rule
	Config  setting.Values `json:"config"`
	Streams []string       `json:"streams,omitempty"` // only these; empty: all
}

// AppliesTo says whether the component works on the stream.
func (c Component) AppliesTo(stream string) bool {
	return len(c.Streams) == 0 || slices.Contains(c.Streams, stream)
}

// Severity says what a broken rule does.
type Severity string

// The severities of a rule.
const (
	Reject Severity = "reject" // the record fails
	Warn   Severity = "warn"   // the record goes on and is counted
	Abort  Severity = "abort"  // the run stops at this batch
)

// Rule is a validation rule.
type Rule struct {
	Component
	Severity Severity `json:"severity"`
	Label    string   `json:"label,omitempty"` // shown with failures; the rule's name when empty
}

// WriteMode says how records get into the target.
type WriteMode string

// The write modes.
const (
	Append         WriteMode = "append"
	Upsert         WriteMode = "upsert"
	Replace        WriteMode = "replace"
	TruncateInsert WriteMode = "truncate_insert"
)

// Write is how a destination is written.
type Write struct {
	Mode          WriteMode `json:"mode"`
	Key           []string  `json:"key,omitempty"` // the stream's key when empty
	DeleteMissing bool      `json:"delete_missing,omitempty"`
	Backup        bool      `json:"backup,omitempty"` // of replace and truncate_insert: keep the old target until the next run
}

// Drift says what happens when the schema changed.
type Drift string

// The drift policies.
const (
	Halt       Drift = "halt"        // stop with SchemaDrift
	Evolve     Drift = "evolve"      // add columns, widen types
	DeadLetter Drift = "dead_letter" // records that do not fit become failures
	Ignore     Drift = "ignore"      // columns that the target does not have are left out
)

// Destination is where records go.
type Destination struct {
	Name       string           `json:"name"` // unique in the job
	Connector  string           `json:"connector"`
	Config     setting.Values   `json:"config"`
	Write      Write            `json:"write"`
	Drift      Drift            `json:"drift"`
	Columns    map[string]Drift `json:"columns,omitempty"`    // policy of single columns
	Transforms []Component      `json:"transforms,omitempty"` // before this destination is written
}

// Action is what happens to a record that fails.
type Action string

// The actions.
const (
	Skip  Action = "skip"  // into the failure ledger; go on
	Retry Action = "retry" // try again, then into the ledger
	Stop  Action = "abort" // stop the run at this batch
)

// OnFailure says what happens to bad records.
type OnFailure struct {
	Action     Action   `json:"action"`
	MaxRetries int      `json:"max_retries"` // of retry, 0–10
	DelayMS    int64    `json:"delay_ms"`    // before the first retry; doubles, with jitter
	Window     Window   `json:"window"`
	Mask       []string `json:"mask,omitempty"` // columns whose values are *** in the failure ledger
}

// Window bounds the failures among a partition's last records.
type Window struct {
	Size      int `json:"size"`      // records; 0 never stops; at most 4,000
	Threshold int `json:"threshold"` // failures tolerated among them; 0 stops at the first
}

// Batch bounds a batch; zero values are automatic (at most 50,000 records and 16 MiB).
type Batch struct {
	Records int   `json:"records,omitempty"` // 1–100,000
	Bytes   int64 `json:"bytes,omitempty"`
}

// The automatic bounds of a batch.
const (
	AutoRecords       = 50_000
	AutoBytes   int64 = 16 << 20
)

// Limits gives the bounds in force.
func (b Batch) Limits() (records int, bytes int64) {
	records, bytes = b.Records, b.Bytes
	if records == 0 {
		records = AutoRecords
	}
	if bytes == 0 {
		bytes = AutoBytes
	}
	return records, bytes
}

// Delay is the wait before the first retry of a failed record.
func (o OnFailure) Delay() time.Duration { return time.Duration(o.DelayMS) * time.Millisecond }

// Key is the job's name in the store.
func (j Job) Key() string {
	if j.UseCase == "" {
		return j.ID
	}
	return j.UseCase + "____" + j.ID
}

// Stream gives the settings of a stream: those the user wrote, or the defaults for one that was discovered.
func (j Job) Stream(name string) (Stream, bool) {
	for _, s := range j.Source.Streams {
		if s.Name == name {
			return s, true
		}
	}
	s := j.Source.Defaults
	s.Name = name
	return s, len(j.Source.Streams) == 0
}

// Chain lists the transforms of a stream: the source's, then the job's.
func (j Job) Chain(stream string) []Component {
	var chain []Component
	for _, c := range slices.Concat(j.Source.Transforms, j.Transforms) {
		if c.AppliesTo(stream) {
			chain = append(chain, c)
		}
	}
	return chain
}

// RulesOf lists the rules of a stream.
func (j Job) RulesOf(stream string) []Rule {
	var rules []Rule
	for _, r := range j.Rules {
		if r.AppliesTo(stream) {
			rules = append(rules, r)
		}
	}
	return rules
}

// Digest names what decides which records are moved and how they come out: everything but description, tags, schedule and parameters.
// References count as written, so a secret that is rotated changes nothing.
func (j Job) Digest() string {
	j.Description, j.Tags, j.Parameters, j.Enabled, j.Schedule = "", nil, nil, false, nil
	j.MaxTries, j.Concurrency, j.MaxInstances = 0, 0, 0
	data, err := json.Marshal(j)
	if err != nil {
		panic("job: model cannot be encoded: " + err.Error())
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
