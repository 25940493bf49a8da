package runner

import (
	"context"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// percentEvery is how often a run's row gets its percent, at most.
const percentEvery = time.Second

// trackPercent writes the share of the input that is loaded into the run's row, for whoever looks at it from another process. It answers what
// ends it.
func (r *Runner) trackPercent(ctx context.Context, n next) func() {
	t := &percent{env: r.Env, next: n, done: map[string]int64{}, last: r.Env.Now()}
	told := r.Env.Progress
	r.Env.Progress = func(p step.Progress) {
		if told != nil {
			told(p)
		}
		t.add(ctx, p)
	}
	return func() { r.Env.Progress = told }
}

// percent adds up the input of the partitions.
type percent struct {
	env  *step.Env
	next next

	mu   sync.Mutex
	done map[string]int64
	last time.Time
}

func (t *percent) add(ctx context.Context, p step.Progress) {
	t.mu.Lock()
	t.done[p.Stream+"\x00"+p.Partition] = p.InputBytes
	now := t.env.Now()
	due := now.Sub(t.last) >= percentEvery
	var sum int64
	for _, n := range t.done {
		sum += n
	}
	if due {
		t.last = now
	}
	t.mu.Unlock()
	if !due {
		return
	}
	plan, err := t.env.Plan(ctx, t.next.job, t.next.run)
	if err != nil || plan.InputBytes() == 0 {
		return
	}
	share := int(min(sum*100/plan.InputBytes(), 99)) // 100 is finish's to say
	if _, err := t.env.Protocol.Store.UpdateRun(ctx, store.RunChange{Job: t.next.job, ID: t.next.run, Percent: &share}); err != nil {
		t.env.Log.DebugContext(ctx, "percent not recorded", "run_id", t.next.run, "err", err)
	}
}
