package sqlite

import (
	"context"
	"database/sql"

	"github.com/lockstep-data/lockstep/shared/store"
)

// Ignore implements store.LockStore.
func (s *Store) Ignore(ctx context.Context, w store.IgnoreLock) (store.Lock, bool, error) {
	args := named("job", w.Job, "seen", w.Seen.Term, "seen_epoch", w.Seen.Epoch, "max", w.MaxTries, "dead", w.Dead, "expired", w.Expired,
		"code", w.Code, "text", w.Message, "now", w.Now)
	return s.change(ctx, lockWrite{action: "ignore job", job: w.Job, query: query{args: args, sql: `
		UPDATE lock
		SET status='IGNORED', term=term+1, updated_at=@now, error_code=CASE WHEN @code='' THEN error_code ELSE @code END,
			error_text=CASE WHEN @code='' THEN error_text ELSE @text END
		WHERE job=@job AND term=@seen AND (tries>=@max OR @code<>'')
			AND (status IN ('PENDING', 'FAILED')
				OR (status='IN_PROGRESS' AND epoch=@seen_epoch AND @dead AND (@expired=0 OR lease_until<@expired)))`}})
}

// Reset implements store.LockStore.
func (s *Store) Reset(ctx context.Context, w store.ResetLock) (store.Lock, bool, error) {
	args := named("job", w.Job, "seen", w.Seen.Term, "force", w.Force, "now", w.Now)
	then := func(tx *sql.Tx, l store.Lock) error {
		job, slot := store.SlotOf(l.Job)
		for _, stream := range w.Streams {
			if err := startOver(ctx, tx, l, stream); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE checkpoint SET nack_window='' WHERE job=@job AND slot=@slot`, named("job", job, "slot", slot)...); err != nil {
			return err
		}
		if !w.Force {
			return nil
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE checkpoint SET term=@term, attempt='', owner='reset', fence=fence+1, updated_at=@now
			WHERE job=@job AND slot=@slot AND term<@term`, named("job", job, "slot", slot, "term", l.Term, "now", l.UpdatedAt)...)
		return err
	}
	return s.change(ctx, lockWrite{action: "reset job", job: w.Job, then: then, query: query{args: args, sql: `
		UPDATE lock SET status='PENDING', tries=0, not_before=0, gen=gen+1, term=term+1, updated_at=@now
		WHERE job=@job AND term=@seen AND (@force OR status IN ('FAILED', 'IGNORED', 'SUCCEEDED'))`}})
}

// startOver fences the checkpoints of a stream ("": of all) that are the slot's and empties them; term, fence and total only ever grow.
func startOver(ctx context.Context, tx *sql.Tx, l store.Lock, stream string) error {
	job, slot := store.SlotOf(l.Job)
	_, err := tx.ExecContext(ctx, `
		UPDATE checkpoint
		SET seq=0, position='', run_id='', nack_window='', schema='', drained='',
			term=@term, attempt='', owner='reset', fence=fence+1, updated_at=@now
		WHERE job=@job AND slot=@slot AND (@stream='' OR stream=@stream) AND term<@term`,
		named("job", job, "slot", slot, "stream", stream, "term", l.Term, "now", l.UpdatedAt)...)
	return err
}

// Locks implements store.LockStore.
func (s *Store) Locks(ctx context.Context, q store.LockQuery) ([]store.Lock, string, error) {
	sel := newSelection("locks", q.Limit)
	in(sel, "status", q.Statuses)
	sel.after(q.Token, "updated_at", "job")
	var out []store.Lock
	query, err := sel.query("SELECT " + lockColumns + " FROM lock")
	if err != nil {
		return nil, "", s.failed("list locks in", err)
	}
	err = s.each(ctx, "list locks in", query, func(r row) error {
		l, err := scanLock(r)
		out = append(out, l)
		return err
	})
	out, token := cut(sel, out, func(l store.Lock) []any { return []any{millis(l.UpdatedAt), l.Job} })
	return out, token, err
}
