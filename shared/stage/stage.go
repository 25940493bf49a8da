// Package stage is the payload between the states of the sync state machine: what each step gets and answers, as small JSON. No
// record and no secret is ever in it. Field names are those of statemachine/sync.asl.json; no field is left out when empty, since
// JSONata treats a missing field as an error.
package stage

import (
	"encoding/json"
	"time"
)

// Call is what every step but acquire gets: the run's constants and where the machine stands.
type Call struct {
	Run         string    `json:"run"`
	Job         string    `json:"job"` // the job's key
	Term        int64     `json:"term"`
	Digest      string    `json:"digest"` // of the job's configuration
	Bundle      string    `json:"bundle"` // where the run's jobs are; "" where jobs have no bundles
	Concurrency int       `json:"concurrency"`
	Leg         int       `json:"leg"`
	Redrive     int       `json:"redrive"`
	Entered     time.Time `json:"entered"` // the state, by the machine's clock
	Retry       int       `json:"retry"`
	Execution   string    `json:"execution"`
	Item        Item      `json:"item"` // inside the map
	Sums        Sums      `json:"sums"` // of finish
}

// Item is a partition on its way through the loop.
type Item struct {
	Stream    string `json:"stream"`
	Partition string `json:"partition"`
	Seq       int64  `json:"seq"`      // committed
	Position  string `json:"position"` // committed
	Budget    int    `json:"budget"`   // turns that this leg gives the partition
	Turns     int    `json:"turns"`    // taken in this leg
	Read      int64  `json:"read"`
	Loaded    int64  `json:"loaded"`
	Filtered  int64  `json:"filtered"`
	Failed    int64  `json:"failed"`
	More      bool   `json:"more"`
	Next      string `json:"next"`
	Start     string `json:"start"` // of the batch
	End       string `json:"end"`   // of the batch
	Batch     string `json:"batch"` // object's key
}

// AcquireCall is what acquire gets.
type AcquireCall struct {
	Redrive   int             `json:"redrive"`
	Entered   time.Time       `json:"entered"`
	Retry     int             `json:"retry"`
	Execution string          `json:"execution"`
	Name      string          `json:"name"` // of the execution
	Input     json.RawMessage `json:"input"`
}

// Input is a run's input: {"job": "…"} is enough.
type Input struct {
	Job        string         `json:"job"`
	Run        string         `json:"run,omitempty"`
	Trigger    string         `json:"trigger,omitempty"`
	Full       bool           `json:"full,omitempty"`    // read everything, whatever the checkpoints say
	Streams    []string       `json:"streams,omitempty"` // only these
	Parameters map[string]any `json:"parameters,omitempty"`
}

// What acquire answers in State.
const (
	Acquired = "acquired"
	Skipped  = "skipped" // held by another run
	Ignored  = "ignored" // the job used up its tries
	Done     = "done"    // this run succeeded before
)

// AcquireResult is what acquire answers; every field of Call is always there.
type AcquireResult struct {
	State string     `json:"state"`
	Call  CallFields `json:"call"`
}

// CallFields are the variables of the state machine.
type CallFields struct {
	Run         string `json:"run"`
	Job         string `json:"job"`
	Term        int64  `json:"term"`
	Digest      string `json:"digest"`
	Bundle      string `json:"bundle"`
	Concurrency int    `json:"concurrency"`
}

// PlanResult is what plan answers: the partitions of this leg.
type PlanResult struct {
	Partitions []PlanItem `json:"partitions"`
}

// PlanItem begins an Item.
type PlanItem struct {
	Stream    string `json:"stream"`
	Partition string `json:"partition"`
	Seq       int64  `json:"seq"`
	Position  string `json:"position"`
	Budget    int    `json:"budget"`
}

// The states that a step can name as the next.
const (
	NextTransform = "transform"
	NextValidate  = "validate"
	NextLoad      = "load"
	NextExtract   = "extract"
	NextDone      = "done"
)

// ExtractResult is what extract answers. More with NextDone says that the leg's budget is used and another leg must go on.
type ExtractResult struct {
	Next  string `json:"next"`
	More  bool   `json:"more"`
	Seq   int64  `json:"seq"` // committed, as bound
	Start string `json:"start"`
	End   string `json:"end"`
	Batch string `json:"batch"`
}

// BatchResult is what transform and validate answer.
type BatchResult struct {
	Next  string `json:"next"`
	Batch string `json:"batch"`
}

// LoadResult is what load answers; the counts are of this turn.
type LoadResult struct {
	Next     string `json:"next"`
	Seq      int64  `json:"seq"`
	Position string `json:"position"`
	Read     int64  `json:"read"`
	Loaded   int64  `json:"loaded"`
	Filtered int64  `json:"filtered"`
	Failed   int64  `json:"failed"`
}

// Sums is what the map's results add up to.
type Sums struct {
	Partitions int    `json:"partitions"`
	Read       int64  `json:"read"`
	Loaded     int64  `json:"loaded"`
	Filtered   int64  `json:"filtered"`
	Failed     int64  `json:"failed"`
	More       bool   `json:"more"`
	Errors     int    `json:"errors"` // partitions that failed for good
	FirstError string `json:"first_error"`
}

// FinishResult is what finish answers.
type FinishResult struct {
	Status string `json:"status"` // succeeded | partial
	More   bool   `json:"more"`   // another leg must go on
}
