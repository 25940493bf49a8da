package runner

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// spent reads the meter of a store whose service bills calls.
func (r *Runner) spent() store.Units {
	if m, ok := r.Env.Protocol.Store.(store.Metered); ok {
		return m.Spent()
	}
	return store.Units{}
}

// bill adds what this process spent on a run to its row; the few calls that do so are left out. The run does not fail with it.
func (r *Runner) bill(ctx context.Context, n next, before store.Units) {
	r.logs.flush(ctx)
	units := r.spent().Since(before)
	if units == (store.Units{}) {
		return
	}
	_, err := r.Env.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: n.job, ID: n.run, Only: store.RunStatuses(), Units: units})
	if err != nil && !fault.Has(err, fault.NotFound) {
		r.Env.Log.WarnContext(ctx, "units not recorded", "run_id", n.run, "err", err)
	}
}
