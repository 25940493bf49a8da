package cost

import (
	"encoding/json"
	"slices"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
)

// Prices are list prices in US dollars. Free tiers are left out.
type Prices struct {
	Region      string  `json:"region"`
	Date        string  `json:"date"`        // of the list
	Transitions float64 `json:"transitions"` // Step Functions Standard, for 1,000
	Requests    float64 `json:"requests"`    // Lambda, for 1,000,000
	GBSeconds   float64 `json:"gb_seconds"`  // Lambda on arm64, for one
	WriteUnits  float64 `json:"write_units"` // DynamoDB on demand, for 1,000,000
	ReadUnits   float64 `json:"read_units"`  // DynamoDB on demand, for 1,000,000
	S3Writes    float64 `json:"s3_writes"`   // S3 Standard, PUT and LIST, for 1,000
	S3Reads     float64 `json:"s3_reads"`    // S3 Standard, GET and HEAD, for 1,000
}

// ListPrices are those of us-east-1.
func ListPrices() Prices {
	return Prices{Region: "us-east-1", Date: "2025-05", Transitions: 0.025, Requests: 0.20, GBSeconds: 0.0000133334, WriteUnits: 0.625, ReadUnits: 0.125,
		S3Writes: 0.005, S3Reads: 0.0004}
}

// ReadPrices reads prices of another Region or date as JSON; every one must be there. Errors: ConfigInvalid.
func ReadPrices(data []byte) (Prices, error) {
	var p Prices
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fault.New(fault.ConfigInvalid, "the prices cannot be read: %w", err)
	}
	if p.Region == "" || p.Date == "" || min(p.Transitions, p.Requests, p.GBSeconds, p.WriteUnits, p.ReadUnits, p.S3Writes, p.S3Reads) <= 0 {
		return p, fault.New(fault.ConfigInvalid, "a price is missing or not above 0").WithHint(
			"write region, date, transitions, requests, gb_seconds, write_units, read_units, s3_writes and s3_reads")
	}
	return p, nil
}

// What a run of the state costs beside its turns, in units; measured, docs/dynamodb.md.
const (
	runWrites, runReads   = 30, 13
	turnWrites, turnReads = 12, 5
)

// How long steps take: to begin, and for a record. Assumptions on the careful side; docs/cost.md.
const (
	invocationS = 0.05
	recordS     = 10e-6
)

// Pieces are the amounts that a forecast multiplies by prices.
type Pieces struct {
	Transitions int64   `json:"transitions"`
	Requests    int64   `json:"requests"`
	GBSeconds   float64 `json:"gb_seconds"`
	WriteUnits  int64   `json:"write_units"`
	ReadUnits   int64   `json:"read_units"`
	S3Writes    int64   `json:"s3_writes"`
	S3Reads     int64   `json:"s3_reads"`
}

// Objects says how many places in S3 each turn touches beside the batches.
type Objects struct {
	Source       bool // is in S3
	Destinations int  // in S3: each turn writes a part and the manifest, which is read before
}

// PiecesOf gives the amounts for counts, the records of the run, and the places in S3.
func PiecesOf(c Counts, w Work, records int64, o Objects) Pieces {
	p := Pieces{Transitions: c.Transitions, WriteUnits: runWrites + turnWrites*c.Turns, ReadUnits: runReads + turnReads*c.Turns}
	memory := map[string]float64{}
	for _, f := range infra.Functions() {
		memory[f.Name] = float64(f.MemoryMB) / 1024
	}
	for name, n := range c.Invocations {
		p.Requests += n
		p.GBSeconds += float64(n) * invocationS * memory[name]
		if perRecord(name) {
			p.GBSeconds += float64(records) * recordS * memory[name]
		}
	}
	objects := int64(1) // of a batch: each step but load writes one, and each but extract reads one
	for _, step := range []bool{w.Transform, w.Validate} {
		if step {
			objects++
		}
	}
	p.S3Writes = c.Turns * (objects + 2*int64(o.Destinations))
	p.S3Reads = c.Turns * (objects + int64(o.Destinations))
	if o.Source {
		p.S3Reads += c.Turns
	}
	return p
}

// perRecord says whether a step looks at records.
func perRecord(name string) bool { return slices.Contains(step.Loop, name) }

// Bill is amounts in US dollars, by service.
type Bill struct {
	StepFunctions float64 `json:"step_functions"`
	Lambda        float64 `json:"lambda"`
	DynamoDB      float64 `json:"dynamodb"`
	S3            float64 `json:"s3"`
	Total         float64 `json:"total"`
}

// Price multiplies amounts by prices.
func Price(p Pieces, l Prices) Bill {
	const thousand, million = 1e3, 1e6
	b := Bill{
		StepFunctions: float64(p.Transitions) / thousand * l.Transitions,
		Lambda:        float64(p.Requests)/million*l.Requests + p.GBSeconds*l.GBSeconds,
		DynamoDB:      float64(p.WriteUnits)/million*l.WriteUnits + float64(p.ReadUnits)/million*l.ReadUnits,
		S3:            float64(p.S3Writes)/thousand*l.S3Writes + float64(p.S3Reads)/thousand*l.S3Reads,
	}
	b.Total = b.StepFunctions + b.Lambda + b.DynamoDB + b.S3
	return b
}
