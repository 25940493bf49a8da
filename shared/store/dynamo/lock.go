package dynamo

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// decodeLock takes a LOCK item apart; an absent one is pending in term 0.
func decodeLock(job string, i item) (store.Lock, error) {
	if i == nil {
		return store.Lock{Job: job, Status: store.Pending}, nil
	}
	r := reader{item: i}
	slot, err := strconv.Atoi(strings.TrimPrefix(r.str(infra.SortKey), lockPrefix))
	if err != nil {
		r.bad(infra.SortKey, "that of a lock")
	}
	l := store.Lock{
		Job: store.LockName(dec(strings.TrimPrefix(r.str(infra.PartitionKey), "JOB#")), slot), Status: store.Status(r.str("status")), Term: r.num("term"), Epoch: r.str("epoch"),
		Holder: r.str("holder"), Stop: r.str("stop"), Run: r.str("run_id"), RVN: r.str("rvn"), LeaseUntil: r.time("lease_until"),
		NotBefore: r.time("not_before"), Tries: int(r.num("tries")), Progress: r.num("progress"), Gen: r.num("gen"),
		ErrorCode: r.str("error_code"), ErrorText: r.str("error_text"), PrevRun: r.str("prev_run"), UpdatedAt: r.time("updated_at"),
	}
	return l, r.err
}

// Lock implements store.LockStore.
func (s *Store) Lock(ctx context.Context, job string) (store.Lock, error) {
	i, err := s.get(ctx, "read lock in", lockKey(job))
	if err != nil {
		return store.Lock{}, err
	}
	l, err := decodeLock(job, i)
	return l, s.failed("read lock in", err)
}

// Slots implements store.LockStore.
func (s *Store) Slots(ctx context.Context, job string) ([]store.Lock, error) {
	const action = "read locks in"
	found, err := s.all(ctx, action, keyBegins(jobKey(job), lockPrefix))
	if err != nil {
		return nil, err
	}
	var out []store.Lock
	for _, i := range found {
		l, err := decodeLock(job, i)
		if err != nil {
			return nil, s.failed(action, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// changeLock makes a write on a lock and answers the lock as it is then.
func (s *Store) changeLock(ctx context.Context, action, job string, c change) (store.Lock, bool, error) {
	c.key = lockKey(job)
	i, applied, err := s.update(ctx, action, c)
	if err != nil {
		return store.Lock{}, false, err
	}
	l, err := decodeLock(job, i)
	return l, applied && err == nil, s.failed(action, err)
}

// status sets the status, and the place in the index by status that goes with it.
func status(u expression.UpdateBuilder, job string, to store.Status, now time.Time) expression.UpdateBuilder {
	return more(u, "status", to, "updated_at", now, infra.StatusKey, statusKey(kindLock, string(to), shard(job)), infra.StatusSort, stamp(now)+"#"+enc(job))
}

// taken is what ACQUIRE and STEAL set.
func taken(w store.TakeLock) expression.UpdateBuilder {
	u := set("run_id", w.Run, "rvn", w.RVN, "epoch", w.Epoch, "holder", w.Holder, "lease_until", w.LeaseUntil, "not_before", 0, "progress", 0)
	u = status(u, w.Job, store.InProgress, w.Now)
	return drop(grow(grow(u, "term", 1), "tries", 1), "stop")
}

// Acquire implements store.LockStore.
func (s *Store) Acquire(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	free := every(is("term", w.Seen.Term), oneOf("status", store.Pending, store.Failed, store.Succeeded), atMost("not_before", w.Now),
		below("tries", w.MaxTries), some(isNot("run_id", w.Run), every(is("status", store.Pending), below("epoch", w.Epoch))), lacks("resetting"))
	if w.Unfenced { // an aborted invocation writes on
		free = free.And(below("lease_until", w.Now.Add(-store.Skew)))
	}
	c := change{set: drop(taken(w), "prev_run"), when: absent().Or(free)}
	l, applied, err := s.changeLock(ctx, "acquire lock in", w.Job, c)
	if err != nil || applied || l.Status != store.Pending {
		return l, applied, err
	}
	return s.afterReset(ctx, l) // which may have been cut off
}

// Steal implements store.LockStore.
func (s *Store) Steal(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	when := every(is("term", w.Seen.Term), is("rvn", w.Seen.RVN), is("epoch", w.Seen.Epoch), is("status", store.InProgress), isNot("run_id", w.Run),
		below("tries", w.MaxTries))
	if !w.Expired.IsZero() {
		when = when.And(below("lease_until", w.Expired))
	}
	return s.changeLock(ctx, "steal lock in", w.Job, change{set: taken(w).Set(name("prev_run"), name("run_id")), when: when})
}

// Retake implements store.LockStore. Lease and progress only grow, which takes writes of different forms; the first one is that of the
// usual case, and a refusal tells which one fits.
func (s *Store) Retake(ctx context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	form := retaking{prolong: true, advance: w.CountTry}
	for {
		l, applied, err := s.retake(ctx, w, form)
		if err != nil || applied {
			return l, applied, err
		}
		fits := retaking{prolong: !l.LeaseUntil.After(w.LeaseUntil), advance: w.CountTry && l.Progress <= w.Progress}
		if fits == form || l.Run != w.Run || l.Term != w.Term {
			return l, false, nil
		}
		form = fits
	}
}

// retaking says what a RETAKE writes beside the epoch.
type retaking struct{ prolong, advance bool }

func (s *Store) retake(ctx context.Context, w store.RetakeLock, form retaking) (store.Lock, bool, error) {
	u := status(set("epoch", w.Epoch, "holder", w.Holder), w.Job, store.InProgress, w.Now)
	when := every(is("run_id", w.Run), is("term", w.Term), oneOf("status", store.InProgress, store.Failed), below("epoch", w.Epoch))
	switch {
	case w.CountTry && w.Forgive:
		u = more(u, "tries", 1)
	case w.CountTry:
		u, when = grow(u, "tries", 1), when.And(below("tries", w.MaxTries))
	}
	switch {
	case form.advance:
		u, when = more(u, "progress", w.Progress), when.And(atMost("progress", w.Progress))
	case w.CountTry:
		when = when.And(above("progress", w.Progress))
	}
	if w.ClearStop {
		u = drop(u, "stop")
	}
	if form.prolong {
		u, when = more(u, "lease_until", w.LeaseUntil), when.And(atMost("lease_until", w.LeaseUntil))
	} else {
		when = when.And(above("lease_until", w.LeaseUntil))
	}
	if !w.Expired.IsZero() {
		when = when.And(some(below("lease_until", w.Expired), is("status", store.Failed)))
	}
	return s.changeLock(ctx, "retake lock in", w.Job, change{set: u, when: when})
}

// held is the condition that a holding is the lock's.
func held(h store.Holding) expression.ConditionBuilder {
	return every(is("run_id", h.Run), is("term", h.Term), is("status", store.InProgress), is("epoch", h.Epoch))
}

// Lease implements store.LockStore. It leaves the place in the index: a lease is prolonged often.
func (s *Store) Lease(ctx context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	c := change{set: set("lease_until", until, "updated_at", s.now()), when: held(h).And(below("lease_until", until))}
	return s.changeLock(ctx, "lease lock in", h.Job, c)
}

// Stop implements store.LockStore.
func (s *Store) Stop(ctx context.Context, job string, term int64, code string) (store.Lock, bool, error) {
	c := change{set: set("stop", code, "updated_at", s.now()), when: every(is("term", term), is("status", store.InProgress))}
	return s.changeLock(ctx, "stop in", job, c)
}

// Release implements store.LockStore.
func (s *Store) Release(ctx context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	c := change{when: held(w.Holding)}
	if w.Code == "" {
		c.set = drop(status(set("tries", 0, "not_before", 0), w.Job, store.Succeeded, w.Now), "error_code", "error_text")
	} else {
		u := set("not_before", w.NotBefore, "error_code", w.Code, "error_text", w.Message, "epoch", w.Epoch)
		c.set = status(u, w.Job, store.Failed, w.Now)
	}
	if w.Code != "" && w.Closing {
		c.when = every(is("run_id", w.Run), is("term", w.Term), oneOf("status", store.InProgress, store.Failed), atMost("epoch", w.Epoch))
	}
	return s.changeLock(ctx, "release lock in", w.Job, c)
}
