package step

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Plan is what a run reads, as the source was when the run began. It is an object of its own, made once: whatever crashes or is
// redriven, the run keeps its streams, schemas and partitions.
type Plan struct {
	Version int          `json:"version"`
	Run     string       `json:"run"`
	Digest  string       `json:"digest"`
	Streams []StreamPlan `json:"streams"`
}

// StreamPlan is the plan of one stream.
type StreamPlan struct {
	Stream  job.Stream `json:"stream"`
	Restart bool       `json:"restart,omitempty"` // the run reads an incremental stream from its beginning
	// Positions are the checkpoints that an incremental stream went on from, by partition, as they were when the run began.
	Positions map[string]string `json:"positions,omitempty"`
	Plan      connector.Plan    `json:"plan"`
}

// PlanVersion is the version of a stored plan.
const PlanVersion = 1

// Full says whether the run reads the whole stream.
func (s StreamPlan) Full() bool { return s.Stream.Mode == job.Full || s.Restart }

// Key lists the columns that identify a record: the user's, or those that the source knows.
func (s StreamPlan) Key() []string {
	if len(s.Stream.Key) > 0 {
		return s.Stream.Key
	}
	return s.Plan.Key
}

// Partition finds a partition by id.
func (s StreamPlan) Partition(id string) (connector.Partition, bool) {
	for _, p := range s.Plan.Partitions {
		if p.ID == id {
			return p, true
		}
	}
	return connector.Partition{}, false
}

// Stream finds a stream by name.
func (p *Plan) Stream(name string) (StreamPlan, bool) {
	for _, s := range p.Streams {
		if s.Stream.Name == name {
			return s, true
		}
	}
	return StreamPlan{}, false
}

// InputBytes adds up what is expected to be read; 0 when any stream does not know.
func (p *Plan) InputBytes() int64 {
	var n int64
	for _, s := range p.Streams {
		if !s.Plan.Unchanged && s.Plan.Bytes == 0 && len(s.Plan.Partitions) > 0 {
			return 0
		}
		n += s.Plan.Bytes
	}
	return n
}

// JobPrefix is where the objects of a job's runs lie.
func JobPrefix(jobKey string) string { return "runs/" + store.EncodeKey(jobKey) + "/" }

// RunPrefix is where a run's objects lie.
func RunPrefix(jobKey, run string) string { return JobPrefix(jobKey) + store.EncodeKey(run) + "/" }

func planKey(jobKey, run string) string { return RunPrefix(jobKey, run) + "plan.json" }

// Plan reads the run's plan; NotFound when it was not made yet.
func (e *Env) Plan(ctx context.Context, jobKey, run string) (*Plan, error) {
	key := planKey(jobKey, run)
	e.mu.Lock()
	p := e.plans[key]
	e.mu.Unlock()
	if p != nil {
		return p, nil
	}
	data, err := e.Blobs.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	p = &Plan{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fault.New(fault.DataInvalid, "the plan %s is damaged: %w", key, err).WithHint("start a new run with --new")
	}
	if p.Version > PlanVersion {
		return nil, fault.New(fault.VersionTooNew, "the plan %s has version %d, this program reads up to %d", key, p.Version, PlanVersion)
	}
	return e.remember(key, p), nil
}

// Moved says whether a run has committed a batch.
func (e *Env) Moved(ctx context.Context, jobKey, run string) (bool, error) {
	checkpoints, err := e.Protocol.Store.Checkpoints(ctx, jobKey, "")
	if err != nil {
		return false, err
	}
	parts, err := e.Protocol.Store.Partitions(ctx, jobKey, run)
	if err != nil {
		return false, err
	}
	for _, p := range parts {
		for _, c := range checkpoints {
			if p.Counters.Batches > 0 && c.Stream == p.Stream && c.Partition == p.Partition && c.Run == run {
				return true, nil
			}
		}
	}
	return false, nil
}

// MakePlan stores the plan unless the run has one already, and answers the one that counts.
func (e *Env) MakePlan(ctx context.Context, jobKey string, p *Plan) (*Plan, error) {
	p.Version = PlanVersion
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	key := planKey(jobKey, p.Run)
	created, err := e.Blobs.Create(ctx, key, data)
	if err != nil {
		return nil, err
	}
	if !created {
		return e.Plan(ctx, jobKey, p.Run)
	}
	return e.remember(key, p), nil
}

func (e *Env) remember(key string, p *Plan) *Plan {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.plans == nil {
		e.plans = map[string]*Plan{}
	}
	e.plans[key] = p
	return p
}

// Stream finds the plan of the call's stream and partition.
func (t *Turn) Stream(ctx context.Context) (StreamPlan, connector.Partition, error) {
	p, err := t.Env.Plan(ctx, t.Call.Job, t.Call.Run)
	if err != nil {
		return StreamPlan{}, connector.Partition{}, err
	}
	s, ok := p.Stream(t.Call.Item.Stream)
	if !ok {
		return StreamPlan{}, connector.Partition{}, fault.New(fault.Internal, "the plan of run %s has no stream %q", t.Call.Run, t.Call.Item.Stream)
	}
	part, ok := s.Partition(t.Call.Item.Partition)
	if !ok {
		return StreamPlan{}, connector.Partition{}, fault.New(fault.Internal, "the plan of stream %q has no partition %q", s.Stream.Name, t.Call.Item.Partition)
	}
	return s, part, nil
}
