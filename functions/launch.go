package functions

import (
	"context"
	"encoding/json"

	"github.com/lockstep-data/lockstep/functions/internal/edge"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/launch"
)

// launcher starts and ends runs with what a function has.
func launcher(w *edge.World) (*launch.Launcher, error) {
	if w.Parts.Machine == nil {
		return nil, fault.New(fault.ConfigInvalid, "the function is not told the state machine").WithHint("deploy the stack again")
	}
	return &launch.Launcher{
		Protocol: w.Protocol, Jobs: current{w.Parts.Jobs}, Machine: w.Parts.Machine, Log: w.Log, Random: func() string { return token()[:8] }, Version: w.Version,
	}, nil
}

// current gives jobs to launch.
type current struct{ edge.Jobs }

// Current implements launch.Jobs.
func (c current) Current(ctx context.Context, name string) (job.Job, error) { return c.Find(ctx, name) }

// start puts a run and starts its execution. An event that Lambda delivers twice has one request id, and is one run.
func start(ctx context.Context, w *edge.World, payload json.RawMessage) (any, error) {
	request, err := edge.Decode[launch.Request](payload)
	if err != nil {
		return nil, err
	}
	l, err := launcher(w)
	if err != nil {
		return nil, err
	}
	request.Token = w.Request()
	return l.Start(ctx, request)
}

// end closes what an execution has left open, by the event that tells of its end.
func end(ctx context.Context, w *edge.World, payload json.RawMessage) (any, error) {
	event, err := edge.Decode[struct {
		Detail struct {
			Execution string `json:"executionArn"`
		} `json:"detail"`
	}](payload)
	if err != nil {
		return nil, err
	}
	if event.Detail.Execution == "" {
		return nil, fault.New(fault.ConfigInvalid, "the event names no execution").WithHint("only the rule on the executions of the state machine calls this function")
	}
	l, err := launcher(w)
	if err != nil {
		return nil, err
	}
	return struct{}{}, l.Close(ctx, w.Env, event.Detail.Execution)
}

// sweep looks after runs whose events were lost.
func sweep(ctx context.Context, w *edge.World, _ json.RawMessage) (any, error) {
	l, err := launcher(w)
	if err != nil {
		return nil, err
	}
	started, swept, err := l.Sweep(ctx, w.Env)
	for _, s := range swept {
		w.Log.WarnContext(ctx, "dead run ended", "job", s.Job, "run_id", s.Run, "why", s.Why)
	}
	return struct {
		Started int `json:"started"`
		Swept   int `json:"swept"`
	}{len(started), len(swept)}, err
}
