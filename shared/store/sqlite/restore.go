package sqlite

import (
	"context"
	"database/sql"

	"github.com/lockstep-data/lockstep/shared/store"
)

var _ store.Restorer = (*Store)(nil)

// Restore implements store.Restorer.
func (s *Store) Restore(ctx context.Context, w store.RestoreJob) (store.Lock, bool, error) {
	job, slot := store.SlotOf(w.Job)
	then := func(tx *sql.Tx, l store.Lock) error {
		if w.Lone {
			return nil
		}
		for _, m := range w.Moves {
			args := append(keyArgs(m.CheckpointKey), named("seq", m.Seq, "position", m.Position, "run", m.Run, "base", m.Base, "now", w.Now)...)
			_, err := tx.ExecContext(ctx, `
			INSERT INTO checkpoint (`+checkpointColumns+`)
			VALUES (@job, @stream, @partition, @seq, @position, 0, 0, '', '', @run, @base, '', 0, '', '', @now, 0)
			ON CONFLICT (job, stream, partition) DO UPDATE SET seq=@seq, position=@position, run_id=@run, base=@base, updated_at=@now`, args...)
			if err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			UPDATE checkpoint SET slot=@slot, term=@term, attempt='', owner='restore', fence=max(fence, @fence)+@lift, updated_at=@now WHERE job=@job`,
			named("job", job, "slot", slot, "term", l.Term, "fence", w.Fence, "lift", store.Lift, "now", w.Now)...)
		return err
	}
	args := named("job", w.Job, "seen", w.Seen.Term, "dead", w.Dead, "lift", store.Lift, "now", w.Now)
	return s.change(ctx, lockWrite{action: "restore job", job: w.Job, then: then, query: query{args: args, sql: `
		UPDATE lock
		SET status='PENDING', tries=0, not_before=0, stop='', error_code='', error_text='', gen=gen+1, term=term+@lift, updated_at=@now
		WHERE job=@job AND term=@seen AND (status<>'IN_PROGRESS' OR @dead)`}})
}
