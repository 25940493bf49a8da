package dynamo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Ignore implements store.LockStore.
func (s *Store) Ignore(ctx context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	when := is("term", w.Seen.Term)
	if w.Code == "" {
		when = when.And(atLeast("tries", w.MaxTries))
	}
	closable := oneOf("status", store.Pending, store.Failed)
	if w.Dead {
		dying := every(is("status", store.InProgress), is("epoch", w.Seen.Epoch))
		if !w.Expired.IsZero() {
			dying = dying.And(below("lease_until", w.Expired))
		}
		closable = closable.Or(dying)
	}
	u := grow(status(expression.UpdateBuilder{}, w.Job, store.Ignored, w.Now), "term", 1)
	if w.Code != "" {
		u = more(u, "error_code", w.Code, "error_text", w.Message)
	}
	return s.changeLock(ctx, "ignore job in", w.Job, change{set: u, when: when.And(closable)})
}

// resetting is what a reset still has to do to the job's checkpoints. It stands in the lock from the first write of the reset to its last,
// so that nobody takes the lock of a half-made reset: whoever tries finishes it first.
type resetting struct {
	ID      string   `json:"id"`
	Term    int64    `json:"term"`
	Force   bool     `json:"force,omitempty"`
	Streams []string `json:"streams,omitempty"`
}

// Reset implements store.LockStore. The lock is first, then each checkpoint under its own condition, then the lock's mark goes.
func (s *Store) Reset(ctx context.Context, w store.ResetLock) (store.Lock, bool, error) {
	work := resetting{Term: w.Seen.Term + 1, Force: w.Force, Streams: w.Streams}
	work.ID = digest(w.Job, work, millis(w.Now))[:16]
	text, err := json.Marshal(work)
	if err != nil {
		return store.Lock{}, false, s.failed("reset job in", err)
	}
	when := every(is("term", w.Seen.Term), lacks("resetting"))
	if !w.Force {
		when = when.And(oneOf("status", store.Failed, store.Ignored, store.Succeeded))
	}
	u := status(set("tries", 0, "not_before", 0, "resetting", string(text)), w.Job, store.Pending, w.Now)
	c := change{key: lockKey(w.Job), set: grow(grow(u, "gen", 1), "term", 1), when: when}
	i, applied, err := s.update(ctx, "reset job in", c)
	if err != nil {
		return store.Lock{}, false, err
	}
	l, err := decodeLock(w.Job, i)
	if err != nil {
		return l, false, s.failed("reset job in", err)
	}
	found := reader{item: i}
	mark := found.str("resetting")
	if mark == string(text) { // applied, now or before its answer was lost
		return s.finishReset(ctx, l, mark)
	}
	if mark != "" { // an earlier one was cut off
		l, _, err = s.finishReset(ctx, l, mark)
	}
	return l, applied, err
}

// afterReset finishes a reset that was cut off; it answers not applied, so that the caller decides anew by the lock.
func (s *Store) afterReset(ctx context.Context, l store.Lock) (store.Lock, bool, error) {
	i, err := s.get(ctx, "read lock in", lockKey(l.Job))
	if err != nil {
		return l, false, err
	}
	r := reader{item: i}
	if mark := r.str("resetting"); mark != "" {
		l, _, err = s.finishReset(ctx, l, mark)
		return l, false, err
	}
	l, err = decodeLock(l.Job, i)
	return l, false, s.failed("read lock in", err)
}

// finishReset does what the mark says to every checkpoint of the job, and takes the mark away. Doing it twice changes nothing.
func (s *Store) finishReset(ctx context.Context, l store.Lock, mark string) (store.Lock, bool, error) {
	var work resetting
	if err := json.Unmarshal([]byte(mark), &work); err != nil {
		return l, false, s.failed("reset job in", fault.New(fault.DataInvalid, "what the reset has to do: %w", err))
	}
	job, slot := store.SlotOf(l.Job)
	checkpoints, err := s.Checkpoints(ctx, job, "")
	if err != nil {
		return l, false, err
	}
	for _, c := range checkpoints {
		if c.Slot != slot {
			continue // that slot's reset sees to it
		}
		if err := s.resetCheckpoint(ctx, c, work); err != nil {
			return l, false, err
		}
	}
	return s.changeLock(ctx, "reset job in", l.Job, change{set: drop(expression.UpdateBuilder{}, "resetting"), when: is("term", work.Term)})
}

// resetCheckpoint opens the failure window of a checkpoint; it fences it when the reset is forced or begins its stream anew, which also
// empties it. Term, fence and total only ever grow.
func (s *Store) resetCheckpoint(ctx context.Context, c store.Checkpoint, work resetting) error {
	change := change{key: checkpointKey(c.CheckpointKey), set: set("nack_window", ""), when: present()}
	fresh := slices.Contains(work.Streams, "") || slices.Contains(work.Streams, c.Stream)
	if fresh || work.Force {
		u := more(change.set, "term", work.Term, "attempt", "", "owner", "reset", "updated_at", s.now())
		change.set, change.when = grow(u, "fence", 1), below("term", work.Term)
	}
	if fresh {
		change.set = more(change.set, "seq", 0, "position", "", "run_id", "", "schema", "", "drained", "")
	}
	_, _, err := s.update(ctx, "reset checkpoint in", change) // a refusal means that it was done before
	return err
}

// digest names content: the same for the same, and for nothing else.
func digest(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		text, err := json.Marshal(p)
		if err != nil {
			panic(fmt.Sprintf("dynamo: %T cannot be encoded: %v", p, err)) // structs of texts, numbers and times always can
		}
		_, _ = h.Write(append(text, 0)) // never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Locks implements store.LockStore. The index may be a moment behind; the locks themselves are read consistently.
func (s *Store) Locks(ctx context.Context, q store.LockQuery) ([]store.Lock, string, error) {
	wanted := q.Statuses
	if len(wanted) == 0 {
		wanted = []store.Status{store.Pending, store.InProgress, store.Succeeded, store.Failed, store.Ignored}
	}
	var names []string
	for _, w := range wanted {
		names = append(names, string(w))
	}
	list := indexed[store.Lock]{
		list: "locks", action: "list locks in", limit: q.Limit, token: q.Token, sources: statusSources(kindLock, names),
		fetch: func(ctx context.Context, key item) (store.Lock, bool, error) {
			i, err := s.get(ctx, "list locks in", keyOf(key))
			if err != nil {
				return store.Lock{}, false, err
			}
			l, err := decodeLock("", i)
			return l, slices.Contains(wanted, l.Status), s.failed("list locks in", err)
		},
	}
	return page(ctx, s, list)
}

// keyOf gives an item's key.
func keyOf(i item) key {
	r := reader{item: i}
	return key{r.str(infra.PartitionKey), r.str(infra.SortKey)}
}
