package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

var _ store.Restorer = (*Store)(nil)

// Restore implements store.Restorer. A job may have more checkpoints than a transaction holds: so the lock is shut first, as StateBehind
// shuts it, then each checkpoint is lifted under its own condition, then the lock is opened. Cut off in between, the job stays shut, and
// doing it again lifts everything once more.
func (s *Store) Restore(ctx context.Context, w store.RestoreJob) (store.Lock, bool, error) {
	job, _ := store.SlotOf(w.Job)
	l, applied, err := s.shut(ctx, w)
	if err != nil || !applied {
		return l, false, err
	}
	if !w.Lone {
		if err := s.liftAll(ctx, job, w, l.Term); err != nil {
			return l, false, err
		}
	}
	u := drop(status(set("tries", 0, "not_before", 0), w.Job, store.Pending, w.Now), "stop", "error_code", "error_text", "resetting")
	c := change{set: grow(u, "gen", 1), when: every(is("term", l.Term), is("status", store.Ignored))}
	got, applied, err := s.changeLock(ctx, "restore job in", w.Job, c)
	return got, applied || got.Status == store.Pending && got.Term == l.Term && got.Gen == l.Gen+1, err
}

// shut closes the lock under a term that no run had.
func (s *Store) shut(ctx context.Context, w store.RestoreJob) (store.Lock, bool, error) {
	when := is("term", w.Seen.Term)
	if !w.Dead {
		when = when.And(isNot("status", store.InProgress))
	}
	u := status(set("error_code", string(fault.StateBehind)), w.Job, store.Ignored, w.Now)
	l, applied, err := s.changeLock(ctx, "restore job in", w.Job, change{set: grow(u, "term", store.Lift), when: when})
	made := l.Term == w.Seen.Term+store.Lift && l.Status == store.Ignored && l.ErrorCode == string(fault.StateBehind) // an answer that was lost
	return l, applied || made, err
}

// liftAll lifts every checkpoint of the job, those that moves make included.
func (s *Store) liftAll(ctx context.Context, job string, w store.RestoreJob, term int64) error {
	known, err := s.Checkpoints(ctx, job, "")
	if err != nil {
		return err
	}
	moves := map[store.CheckpointKey]store.RestoreCheckpoint{}
	for _, m := range w.Moves {
		moves[m.CheckpointKey] = m
	}
	keys := map[store.CheckpointKey]bool{}
	for _, c := range known {
		keys[c.CheckpointKey] = true
		if err := s.lift(ctx, c, w, moves, term); err != nil {
			return err
		}
	}
	for _, m := range w.Moves {
		if !keys[m.CheckpointKey] {
			if err := s.lift(ctx, store.Checkpoint{CheckpointKey: m.CheckpointKey}, w, moves, term); err != nil {
				return err
			}
		}
	}
	return nil
}

// lifts is how often a checkpoint is lifted anew because it changed between reading and writing: a late BIND of a run from before.
const lifts = 8

// lift raises a checkpoint's numbers above all that were given, and moves it to where the destinations are.
func (s *Store) lift(ctx context.Context, c store.Checkpoint, w store.RestoreJob, moves map[store.CheckpointKey]store.RestoreCheckpoint, term int64) error {
	_, slot := store.SlotOf(w.Job)
	for range lifts {
		if c.Term == term && c.Owner == restorer {
			return nil
		}
		u := set("term", term, "attempt", "", "owner", restorer, "fence", max(c.Fence, w.Fence)+store.Lift, "updated_at", w.Now)
		if m, moved := moves[c.CheckpointKey]; moved {
			u = more(u, "seq", m.Seq, "position", m.Position, "run_id", m.Run, "base", m.Base)
		}
		got, applied, err := s.changeCheckpoint(ctx, "restore job in", c.CheckpointKey, change{set: slotted(u, slot), when: unchanged(c)})
		if err != nil || applied {
			return err
		}
		c = got
	}
	return fault.New(fault.Transient, "checkpoint %s changed %d times while it was restored", c.Path(), lifts)
}

// restorer owns the checkpoints that a restore lifted.
const restorer = "restore"

// unchanged is the condition that a checkpoint is as it was seen.
func unchanged(c store.Checkpoint) expression.ConditionBuilder {
	if c.Fence == 0 && c.Term == 0 {
		return absent()
	}
	return every(is("fence", c.Fence), is("term", c.Term))
}
