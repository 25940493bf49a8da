package dynamo

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func decodeCheckpoint(i item) (store.Checkpoint, error) {
	r := reader{item: i}
	stream, partition, _ := strings.Cut(strings.TrimPrefix(r.str(infra.SortKey), checkpointPrefix), "#")
	c := store.Checkpoint{
		CheckpointKey: store.CheckpointKey{Job: dec(strings.TrimPrefix(r.str(infra.PartitionKey), "JOB#")), Stream: dec(stream), Partition: dec(partition)},
		Seq:           r.num("seq"), Position: r.str("position"), Fence: r.num("fence"), Term: r.num("term"), Attempt: r.str("attempt"),
		Owner: r.str("owner"), Run: r.str("run_id"), Base: r.str("base"), Schema: r.str("schema"), Total: r.num("total"),
		Slot: int(r.num("slot")), Window: r.str("nack_window"), Drained: r.str("drained"), UpdatedAt: r.time("updated_at"),
	}
	return c, r.err
}

// changeCheckpoint makes a write on a checkpoint and answers it as it is then; an absent one is answered empty.
func (s *Store) changeCheckpoint(ctx context.Context, action string, k store.CheckpointKey, c change) (store.Checkpoint, bool, error) {
	c.key = checkpointKey(k)
	i, applied, err := s.update(ctx, action, c)
	if err != nil || i == nil {
		return store.Checkpoint{CheckpointKey: k}, false, err
	}
	out, err := decodeCheckpoint(i)
	return out, applied && err == nil, s.failed(action, err)
}

// Bind implements store.CheckpointStore. Whether seq and position stay or begin anew takes writes of different forms; the first one is
// that of the usual case, and a refusal tells whether the other one fits.
func (s *Store) Bind(ctx context.Context, w store.BindCheckpoint) (store.Checkpoint, bool, error) {
	if err := w.CheckpointKey.Check(); err != nil {
		return store.Checkpoint{}, false, s.failed("bind in", err)
	}
	for fresh := false; ; {
		c, applied, err := s.changeCheckpoint(ctx, "bind in", w.CheckpointKey, binding(w, fresh))
		if err != nil {
			return c, false, err
		}
		if applied {
			s.bound.keep(c)
			return c, true, nil
		}
		if c.Term > 0 && c.Slot != w.Slot {
			return s.takePartition(ctx, w, c)
		}
		begins := c.Run == "" || w.Full && c.Run != w.Run
		if begins == fresh || !later(w, c) {
			return c, false, nil
		}
		fresh = begins // what is there takes the other form; it may be there only since the last call
	}
}

// later is BIND's condition, for an item that is known.
func later(w store.BindCheckpoint, c store.Checkpoint) bool {
	return c.Term < w.Term || c.Term == w.Term && c.Attempt < w.Attempt
}

// binding is BIND, for a partition that goes on where it is or one whose count begins anew.
func binding(w store.BindCheckpoint, fresh bool) change {
	u := bound(w)
	turn := every(inSlot(w.Slot), some(below("term", w.Term), every(is("term", w.Term), below("attempt", w.Attempt))))
	switch {
	case fresh && w.Full:
		return change{set: slotted(from0(u, w), w.Slot), when: some(lacks("term"), every(turn, isNot("run_id", w.Run)))}
	case fresh:
		return change{set: slotted(from0(u, w), w.Slot), when: some(lacks("term"), every(turn, is("run_id", "")))}
	case w.Full:
		return change{set: u, when: every(turn, is("run_id", w.Run))}
	}
	return change{set: u, when: every(turn, isNot("run_id", ""), present())}
}

// from0 begins the count of a partition; whose it is stands in base.
func from0(u expression.UpdateBuilder, w store.BindCheckpoint) expression.UpdateBuilder {
	return more(u, "seq", 0, "position", "", "base", w.Base())
}

// Checkpoint implements store.CheckpointStore. Many failures are written before, where nothing leads to them until the transaction is
// made, which holds the way to them (invariant 3).
func (s *Store) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	const action = "checkpoint in"
	if err := w.Check(); err != nil {
		return store.Checkpoint{}, false, s.failed(action, err)
	}
	if !utf8.ValidString(w.Position) || !utf8.ValidString(w.Window) { // it would come back as another one
		return store.Checkpoint{}, false, s.failed(action, fault.New(fault.DataInvalid, "the position or the failure window is no UTF-8"))
	}
	w.Now = s.at(w.Now)
	t := transaction{token: token(w)}
	u := set("seq", w.Seq, "position", w.Position, "schema", w.Schema, "nack_window", w.Window, "updated_at", w.Now)
	if w.Drained {
		u = more(u, "drained", w.Run)
	}
	t.update(&s.table, change{key: checkpointKey(w.CheckpointKey), set: grow(u, "total", w.Counters.Loaded),
		when: every(is("fence", w.Fence), is("owner", w.Owner), is("seq", w.PrevSeq), is("position", w.PrevPos))})
	t.update(&s.table, counted(w))
	if len(w.Steps) > 0 {
		p, err := packSteps(w)
		if err != nil {
			return store.Checkpoint{}, false, s.failed(action, err)
		}
		t.put(&s.table, p, false)
	}
	if err := s.addFailures(ctx, &t, w); err != nil {
		return store.Checkpoint{}, false, err
	}
	refused, err := s.transact(ctx, action, t)
	switch {
	case err != nil:
		return store.Checkpoint{}, false, err
	case refused.at < 0:
		return s.moved(ctx, w)
	case refused.item == nil:
		return store.Checkpoint{CheckpointKey: w.CheckpointKey}, false, nil
	}
	c, err := decodeCheckpoint(refused.item)
	return c, err == nil && w.Made(c), s.failed(action, err) // made: an answer that was lost
}

// token names a request: two that differ in anything have two tokens, since DynamoDB refuses a token that comes with other content.
func token(w store.MoveCheckpoint) string {
	return digest(w.CheckpointKey, w.Owner, w.Fence, w.Seq, w)[:36]
}

// moved gives the checkpoint after the request. DynamoDB answers a request that it took minutes ago as if it took it now, so that what is
// not known from before is looked at.
func (s *Store) moved(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	c, ok := s.bound.before(w)
	if !ok {
		c, err := s.ReadCheckpoint(ctx, w.CheckpointKey)
		return c, err == nil && w.Made(c), err
	}
	c.Seq, c.Position, c.Schema, c.Window, c.Total = w.Seq, w.Position, w.Schema, w.Window, c.Total+w.Counters.Loaded
	c.UpdatedAt = instant(millis(w.Now))
	if w.Drained {
		c.Drained = w.Run
	}
	s.bound.keep(c)
	return c, true, nil
}

// Drain implements store.CheckpointStore.
func (s *Store) Drain(ctx context.Context, w store.DrainCheckpoint) (store.Checkpoint, bool, error) {
	const action = "drain in"
	c := change{
		key: checkpointKey(w.CheckpointKey), set: set("drained", w.Run, "position", w.Position, "schema", w.Schema, "updated_at", w.Now),
		when: every(is("fence", w.Fence), is("owner", w.Owner)),
	}
	if w.Deleted == 0 {
		return s.changeCheckpoint(ctx, action, w.CheckpointKey, c)
	}
	t := transaction{token: digest("drain", w)[:36]}
	t.update(&s.table, c)
	k := partitionKey(w.Job, w.Run, w.Stream, w.CheckpointKey.Partition)
	t.update(&s.table, change{key: k, set: set("n_deleted", w.Deleted, "updated_at", w.Now, infra.TimeToLive, w.Now.Add(store.RunRetention).Unix())})
	refused, err := s.transact(ctx, action, t)
	switch {
	case err != nil:
		return store.Checkpoint{}, false, err
	case refused.at < 0:
		out, err := s.ReadCheckpoint(ctx, w.CheckpointKey)
		return out, err == nil, err
	case refused.item == nil:
		return store.Checkpoint{CheckpointKey: w.CheckpointKey}, false, nil
	}
	out, err := decodeCheckpoint(refused.item)
	return out, false, s.failed(action, err)
}

// ReadCheckpoint implements store.CheckpointStore.
func (s *Store) ReadCheckpoint(ctx context.Context, k store.CheckpointKey) (store.Checkpoint, error) {
	const action = "read checkpoint in"
	i, err := s.get(ctx, action, checkpointKey(k))
	if err != nil {
		return store.Checkpoint{}, err
	}
	if i == nil {
		return store.Checkpoint{}, fault.New(fault.NotFound, "there is no checkpoint %s", k.Path())
	}
	c, err := decodeCheckpoint(i)
	return c, s.failed(action, err)
}

// Checkpoints implements store.CheckpointStore.
func (s *Store) Checkpoints(ctx context.Context, job, stream string) ([]store.Checkpoint, error) {
	const action = "read checkpoints in"
	prefix := checkpointPrefix
	if stream != "" {
		prefix += enc(stream) + "#"
	}
	found, err := s.all(ctx, action, keyBegins(jobKey(job), prefix))
	if err != nil {
		return nil, err
	}
	var out []store.Checkpoint
	for _, i := range found {
		c, err := decodeCheckpoint(i)
		if err != nil {
			return nil, s.failed(action, err)
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b store.Checkpoint) int {
		if d := strings.Compare(a.Stream, b.Stream); d != 0 {
			return d
		}
		return strings.Compare(a.Partition, b.Partition)
	})
	return out, nil
}
