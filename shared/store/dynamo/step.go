package dynamo

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// stepOrder is the order of step executions, and the sort key of an item that begins with one.
func stepOrder(v store.StepExecution) string { return stamp(v.StartedAt) + "#" + v.ID }

// packSteps makes one item of the step executions of a turn.
func packSteps(w store.MoveCheckpoint) (putting, error) {
	steps := make([]store.StepExecution, len(w.Steps))
	first := ""
	for i, v := range w.Steps {
		if v.StartedAt.IsZero() {
			v.StartedAt = w.Now
		}
		steps[i] = bare(v)
		if order := stepOrder(v); first == "" || order < first {
			first = order
		}
	}
	return put(key{stepsKey(w.Job, w.Run), first}).num(infra.TimeToLive, w.Now.Add(store.DetailRetention).Unix()).rows(steps)
}

// bare leaves out what the item's key says, and cuts times to what is kept.
func bare(v store.StepExecution) store.StepExecution {
	v.Job, v.Run = "", ""
	v.StartedAt, v.EndedAt = instant(millis(v.StartedAt)), instant(millis(v.EndedAt))
	return v
}

// AddStep implements store.RunStore. A mark beside the item says that the id is there.
func (s *Store) AddStep(ctx context.Context, v store.StepExecution) error {
	const action = "add step to"
	v.StartedAt = s.at(v.StartedAt)
	pk, expires := stepsKey(v.Job, v.Run), v.StartedAt.Add(store.DetailRetention).Unix()
	p, err := put(key{pk, stepOrder(v)}).num(infra.TimeToLive, expires).rows([]store.StepExecution{bare(v)})
	if err != nil {
		return s.failed(action, err)
	}
	var t transaction
	t.put(&s.table, put(key{pk, stepMark + v.ID}).num(infra.TimeToLive, expires), true)
	t.put(&s.table, p, false)
	_, err = s.transact(ctx, action, t)
	return err
}

// stepMark begins the keys of marks; they sort behind every time.
const stepMark = "id#"

// Steps implements store.RunStore.
func (s *Store) Steps(ctx context.Context, q store.StepQuery) ([]store.StepExecution, string, error) {
	p := packed[store.StepExecution]{
		list: "steps", action: "list steps in", limit: q.Limit, token: q.Token,
		order: func(v store.StepExecution) (string, string) { return stepOrder(v), "-" },
		keep:  func(v store.StepExecution) bool { return same(q.Step, v.Step) },
		unfold: func(_ context.Context, i item) ([]store.StepExecution, error) {
			steps, err := unrows[store.StepExecution](i)
			for n := range steps {
				steps[n].Job, steps[n].Run = q.Job, q.Run
			}
			return steps, err
		},
		sources: []source{{pk: stepsKey(q.Job, q.Run), pkName: infra.PartitionKey, skName: infra.SortKey, end: stamp(time.UnixMilli(9_999_999_999_999)) + "$"}},
	}
	return unpacked(ctx, s, p)
}
