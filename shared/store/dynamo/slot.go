package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/shared/store"
)

// bound is what every BIND sets.
func bound(w store.BindCheckpoint) expression.UpdateBuilder {
	u := set("term", w.Term, "attempt", w.Attempt, "owner", w.Owner, "run_id", w.Run, "updated_at", w.Now)
	return grow(u, "fence", 1)
}

// slotted writes the slot, which a checkpoint of the first one lacks.
func slotted(u expression.UpdateBuilder, slot int) expression.UpdateBuilder {
	if slot == 0 {
		return drop(u, "slot")
	}
	return more(u, "slot", slot)
}

// inSlot holds for a checkpoint that was bound under a slot.
func inSlot(slot int) expression.ConditionBuilder {
	if slot == 0 {
		return lacks("slot")
	}
	return is("slot", slot)
}

// takings is how often a partition is taken anew because its checkpoint changed between reading and writing.
const takings = 8

// takePartition is BIND of a partition that was bound under another slot: one transaction, made on the checkpoint as it was seen, while
// this run holds its lock and whoever bound the partition holds that one no more.
func (s *Store) takePartition(ctx context.Context, w store.BindCheckpoint, c store.Checkpoint) (store.Checkpoint, bool, error) {
	const action = "bind in"
	for range takings {
		if c.Slot == w.Slot { // somebody of this slot was quicker: terms and attempts decide
			return s.Bind(ctx, w)
		}
		u := slotted(bound(w), w.Slot)
		begins := c.Run == "" || w.Full && c.Run != w.Run
		if begins {
			u = from0(u, w)
		}
		t := transaction{token: digest("take", w, c.Fence)[:36]}
		t.update(&s.table, change{key: checkpointKey(w.CheckpointKey), set: u,
			when: every(is("term", c.Term), inSlot(c.Slot), is("run_id", c.Run), is("fence", c.Fence))})
		t.check(&s.table, lockKey(store.LockName(w.Job, w.Slot)), every(is("run_id", w.Run), is("term", w.Term), is("status", store.InProgress)))
		t.check(&s.table, lockKey(store.LockName(w.Job, c.Slot)), some(absent(), isNot("term", c.Term), isNot("status", store.InProgress)))
		refused, err := s.transact(ctx, action, t)
		if err != nil {
			return store.Checkpoint{CheckpointKey: w.CheckpointKey}, false, err
		}
		if refused.at > 0 || refused.at == 0 && refused.item == nil {
			return c, false, nil
		}
		i, err := s.get(ctx, action, checkpointKey(w.CheckpointKey)) // a transaction answers no items
		if err != nil {
			return c, false, err
		}
		if c, err = decodeCheckpoint(i); err != nil {
			return c, false, s.failed(action, err)
		}
		if refused.at < 0 {
			mine := c.Owner == w.Owner
			if mine {
				s.bound.keep(c)
			}
			return c, mine, nil
		}
	}
	return c, false, nil
}
