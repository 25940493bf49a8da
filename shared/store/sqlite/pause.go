package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lockstep-data/lockstep/shared/store"
)

// versionPause keeps which jobs are paused.
const versionPause = `
CREATE TABLE pause (
	job    TEXT PRIMARY KEY,
	since  INTEGER NOT NULL,
	who    TEXT    NOT NULL,
	reason TEXT    NOT NULL
) STRICT`

// readPause reads a pause; the zero one when the job is not paused.
func readPause(ctx context.Context, q queryer, job string) (store.Pause, error) {
	p := store.Pause{Job: job}
	err := q.QueryRowContext(ctx, "SELECT since, who, reason FROM pause WHERE job=?", job).Scan(instant{&p.Since}, &p.By, &p.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Pause{}, nil
	}
	return p, err
}

// Pause implements store.PauseStore.
func (s *Store) Pause(ctx context.Context, p store.Pause) (store.Pause, bool, error) {
	if err := p.Check(); err != nil {
		return store.Pause{}, false, s.failed("pause job in", err)
	}
	return s.changePause(ctx, "pause job in", p.Job, query{args: named("job", p.Job, "since", p.Since, "who", p.By, "reason", p.Reason),
		sql: `INSERT INTO pause (job, since, who, reason) VALUES (@job, @since, @who, @reason) ON CONFLICT DO NOTHING`})
}

// Resume implements store.PauseStore.
func (s *Store) Resume(ctx context.Context, seen store.Pause) (store.Pause, bool, error) {
	return s.changePause(ctx, "resume job in", seen.Job, query{args: named("job", seen.Job, "since", seen.Since),
		sql: `DELETE FROM pause WHERE job=@job AND since=@since`})
}

// changePause makes a conditional write and answers the pause as it is then.
func (s *Store) changePause(ctx context.Context, action, job string, q query) (p store.Pause, applied bool, err error) {
	err = s.write(ctx, action, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, q.sql, q.args...)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		applied = n > 0
		p, err = readPause(ctx, tx, job)
		return err
	})
	return p, applied && err == nil, err
}

// Paused implements store.PauseStore.
func (s *Store) Paused(ctx context.Context, job string) (store.Pause, error) {
	p, err := readPause(ctx, s.reader, job)
	return p, s.failed("read pause in", err)
}
