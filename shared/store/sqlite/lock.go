package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

const lockColumns = `job, status, term, epoch, holder, stop, run_id, rvn, lease_until, not_before, tries, progress, gen,
	error_code, error_text, prev_run, updated_at`

func scanLock(r row) (store.Lock, error) {
	var l store.Lock
	err := r.Scan(&l.Job, &l.Status, &l.Term, &l.Epoch, &l.Holder, &l.Stop, &l.Run, &l.RVN, instant{&l.LeaseUntil}, instant{&l.NotBefore},
		&l.Tries, &l.Progress, &l.Gen, &l.ErrorCode, &l.ErrorText, &l.PrevRun, instant{&l.UpdatedAt})
	return l, err
}

// readLock reads a lock; an absent one is pending in term 0.
func readLock(ctx context.Context, q queryer, job string) (store.Lock, error) {
	l, err := scanLock(q.QueryRowContext(ctx, "SELECT "+lockColumns+" FROM lock WHERE job=?", job))
	if errors.Is(err, sql.ErrNoRows) {
		return store.Lock{Job: job, Status: store.Pending}, nil
	}
	return l, err
}

// Lock implements store.LockStore.
func (s *Store) Lock(ctx context.Context, job string) (store.Lock, error) {
	l, err := readLock(ctx, s.reader, job)
	return l, s.failed("read lock in", err)
}

// Slots implements store.LockStore. Names of further slots sort behind the first's, and before any other job's whose name begins alike.
func (s *Store) Slots(ctx context.Context, job string) ([]store.Lock, error) {
	var out []store.Lock
	q := query{args: named("job", job), sql: "SELECT " + lockColumns + " FROM lock WHERE job=@job OR (job>@job||'#' AND job<@job||'$') ORDER BY job"}
	err := s.each(ctx, "read locks in", q, func(r row) error {
		l, err := scanLock(r)
		if of, _ := store.SlotOf(l.Job); err == nil && of == job {
			out = append(out, l)
		}
		return err
	})
	return out, err
}

// lockWrite is one conditional write on a lock: a statement that answers no row when its condition is refused.
type lockWrite struct {
	action string
	job    string
	query
	then func(*sql.Tx, store.Lock) error // in the same transaction, when applied; may be nil
}

// change makes the write and answers the lock as it is then.
func (s *Store) change(ctx context.Context, w lockWrite) (l store.Lock, applied bool, err error) {
	err = s.write(ctx, w.action+" in", func(tx *sql.Tx) error {
		l, err = scanLock(tx.QueryRowContext(ctx, w.sql+" RETURNING "+lockColumns, w.args...))
		applied = err == nil
		switch {
		case errors.Is(err, sql.ErrNoRows):
			l, err = readLock(ctx, tx, w.job)
		case err == nil && w.then != nil:
			err = w.then(tx, l)
		}
		return err
	})
	return l, applied && err == nil, err
}

// takeArgs are the arguments of ACQUIRE and STEAL.
func takeArgs(w store.TakeLock) []any {
	return named("job", w.Job, "run", w.Run, "rvn", w.RVN, "e", w.Epoch, "holder", w.Holder, "lease_until", w.LeaseUntil, "now", w.Now,
		"max", w.MaxTries, "unfenced", w.Unfenced, "skewed", w.Now.Add(-store.Skew), "expired", w.Expired,
		"seen", w.Seen.Term, "seen_rvn", w.Seen.RVN, "seen_epoch", w.Seen.Epoch)
}

// Acquire implements store.LockStore.
func (s *Store) Acquire(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return s.change(ctx, lockWrite{action: "acquire lock", job: w.Job, query: query{args: takeArgs(w), sql: `
		INSERT INTO lock (` + lockColumns + `)
		VALUES (@job, 'IN_PROGRESS', 1, @e, @holder, '', @run, @rvn, @lease_until, 0, 1, 0, 0, '', '', '', @now)
		ON CONFLICT (job) DO UPDATE
		SET status='IN_PROGRESS', run_id=@run, rvn=@rvn, epoch=@e, holder=@holder, lease_until=@lease_until, not_before=0, stop='',
			term=term+1, tries=tries+1, progress=0, prev_run='', updated_at=@now
		WHERE term=@seen AND status IN ('PENDING', 'FAILED', 'SUCCEEDED') AND not_before<=@now AND tries<@max
			AND (run_id<>@run OR (status='PENDING' AND epoch<@e))
			AND (@unfenced=0 OR lease_until<@skewed)`}})
}

// Steal implements store.LockStore.
func (s *Store) Steal(ctx context.Context, w store.TakeLock) (store.Lock, bool, error) {
	return s.change(ctx, lockWrite{action: "steal lock", job: w.Job, query: query{args: takeArgs(w), sql: `
		UPDATE lock
		SET status='IN_PROGRESS', prev_run=run_id, run_id=@run, rvn=@rvn, epoch=@e, holder=@holder, lease_until=@lease_until, not_before=0,
			stop='', term=term+1, tries=tries+1, progress=0, updated_at=@now
		WHERE job=@job AND term=@seen AND rvn=@seen_rvn AND epoch=@seen_epoch AND status='IN_PROGRESS' AND run_id<>@run AND tries<@max
			AND (@expired=0 OR lease_until<@expired)`}})
}

// Retake implements store.LockStore.
func (s *Store) Retake(ctx context.Context, w store.RetakeLock) (store.Lock, bool, error) {
	args := append(holdingArgs(w.Holding), named("holder", w.Holder, "lease_until", w.LeaseUntil, "now", w.Now, "counts", w.CountTry,
		"forgives", w.Forgive, "progress", w.Progress, "clears", w.ClearStop, "max", w.MaxTries, "expired", w.Expired)...)
	return s.change(ctx, lockWrite{action: "retake lock", job: w.Job, query: query{args: args, sql: `
		UPDATE lock
		SET status='IN_PROGRESS', epoch=@e, holder=@holder, lease_until=max(lease_until, @lease_until),
			tries=CASE WHEN NOT @counts THEN tries WHEN @forgives THEN 1 ELSE tries+1 END,
			progress=CASE WHEN @counts THEN max(progress, @progress) ELSE progress END,
			stop=CASE WHEN @clears THEN '' ELSE stop END, updated_at=@now
		WHERE job=@job AND run_id=@run AND term=@term AND status IN ('IN_PROGRESS', 'FAILED') AND epoch<@e
			AND (NOT @counts OR @forgives OR tries<@max)
			AND (@expired=0 OR lease_until<@expired OR status='FAILED')`}})
}

func holdingArgs(h store.Holding) []any {
	return named("job", h.Job, "run", h.Run, "term", h.Term, "e", h.Epoch)
}

// Lease implements store.LockStore.
func (s *Store) Lease(ctx context.Context, h store.Holding, until time.Time) (store.Lock, bool, error) {
	args := append(holdingArgs(h), named("lease_until", until, "now", s.now())...)
	return s.change(ctx, lockWrite{action: "lease lock", job: h.Job, query: query{args: args, sql: `
		UPDATE lock SET lease_until=@lease_until, updated_at=@now
		WHERE job=@job AND run_id=@run AND term=@term AND status='IN_PROGRESS' AND epoch=@e AND lease_until<@lease_until`}})
}

// Stop implements store.LockStore.
func (s *Store) Stop(ctx context.Context, job string, term int64, code string) (store.Lock, bool, error) {
	args := named("job", job, "term", term, "code", code, "now", s.now())
	return s.change(ctx, lockWrite{action: "stop", job: job, query: query{args: args, sql: `
		UPDATE lock SET stop=@code, updated_at=@now
		WHERE job=@job AND term=@term AND status='IN_PROGRESS'`}})
}

// Release implements store.LockStore.
func (s *Store) Release(ctx context.Context, w store.ReleaseLock) (store.Lock, bool, error) {
	args := append(holdingArgs(w.Holding), named("now", w.Now, "code", w.Code, "text", w.Message, "not_before", w.NotBefore)...)
	stmt := `
		UPDATE lock SET status='FAILED', not_before=@not_before, error_code=@code, error_text=@text, epoch=@e, updated_at=@now
		WHERE job=@job AND run_id=@run AND term=@term AND status='IN_PROGRESS' AND epoch=@e`
	switch {
	case w.Code == "":
		stmt = `
		UPDATE lock SET status='SUCCEEDED', tries=0, not_before=0, error_code='', error_text='', updated_at=@now
		WHERE job=@job AND run_id=@run AND term=@term AND status='IN_PROGRESS' AND epoch=@e`
	case w.Closing:
		stmt = `
		UPDATE lock SET status='FAILED', not_before=@not_before, error_code=@code, error_text=@text, epoch=@e, updated_at=@now
		WHERE job=@job AND run_id=@run AND term=@term AND status IN ('IN_PROGRESS', 'FAILED') AND epoch<=@e`
	}
	return s.change(ctx, lockWrite{action: "release lock", job: w.Job, query: query{args: args, sql: stmt}})
}
