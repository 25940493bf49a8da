package runner

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// worthContinuing says whether a run can go on where it was. A run that is over is worth it only when it read a whole stream, for an
// incremental one goes on behind its checkpoints in any new run. In both cases the source must be as it was.
func (r *Runner) worthContinuing(ctx context.Context, row store.Run, died bool) (bool, error) {
	plan, err := r.Env.Plan(ctx, row.Job, row.ID)
	if fault.Has(err, fault.NotFound) { // it ended before it had a plan, or the plan has vanished
		moved, err := r.Env.Moved(ctx, row.Job, row.ID)
		return died && !moved, err
	}
	if err != nil {
		return false, err
	}
	full := false
	for _, s := range plan.Streams {
		full = full || (s.Full() && !s.Plan.Unchanged)
	}
	if !full {
		return died, nil
	}
	_, resolved, err := r.Env.Jobs.Job(ctx, row.Job)
	if err != nil {
		return false, err
	}
	src, err := r.Env.OpenSource(ctx, resolved)
	if err != nil {
		return false, nil //nolint:nilerr // the new run will say what is wrong with the source
	}
	same := sameSource(ctx, src, plan)
	if err := src.Close(); err != nil {
		return false, err
	}
	return same, nil
}

// sameSource compares the source with what the plan saw.
func sameSource(ctx context.Context, src connector.Source, plan *step.Plan) bool {
	for _, s := range plan.Streams {
		if !s.Full() || s.Plan.Unchanged || s.Plan.Fingerprint == "" {
			continue
		}
		now, err := src.Plan(ctx, connector.PlanRequest{Stream: s.Stream, Known: s.Plan.Fingerprint})
		if err != nil || !now.Unchanged {
			return false
		}
	}
	return true
}
