package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

const failureColumns = `job, id, run_id, stream, partition, seq, position, record_key, phase, code, rule, message, tries, snapshot, raw,
	batch, status, created_at, expires_at`

// putFailure writes a failure; only CHECKPOINT does.
func putFailure(ctx context.Context, tx *sql.Tx, f store.Failure) error {
	_, err := tx.ExecContext(ctx, `
		INSERT OR REPLACE INTO failure (`+failureColumns+`)
		VALUES (@job, @id, @run, @stream, @partition, @seq, @position, @record_key, @phase, @code, @rule, @message, @tries, @snapshot, @raw,
			@batch, @status, @created_at, @expires_at)`,
		named("job", f.Job, "id", f.ID, "run", f.Run, "stream", f.Stream, "partition", f.Partition, "seq", f.Seq, "position", f.Index,
			"record_key", f.Key, "phase", f.Phase, "code", f.Code, "rule", f.Rule, "message", f.Message, "tries", f.Tries,
			"snapshot", string(f.Snapshot), "raw", f.Raw, "batch", f.Batch, "status", f.Status, "created_at", f.CreatedAt, "expires_at", f.ExpiresAt)...)
	return err
}

func scanFailure(r row) (store.Failure, error) {
	var f store.Failure
	var snapshot string
	err := r.Scan(&f.Job, &f.ID, &f.Run, &f.Stream, &f.Partition, &f.Seq, &f.Index, &f.Key, &f.Phase, &f.Code, &f.Rule, &f.Message, &f.Tries,
		&snapshot, &f.Raw, &f.Batch, &f.Status, instant{&f.CreatedAt}, instant{&f.ExpiresAt})
	f.Snapshot = raw(snapshot)
	return f, err
}

// Failures implements store.FailureStore.
func (s *Store) Failures(ctx context.Context, q store.FailureQuery) ([]store.Failure, string, error) {
	sel := newSelection("failures", q.Limit)
	sel.equal("job", q.Job)
	sel.equal("run_id", q.Run)
	sel.equal("stream", q.Stream)
	sel.equal("phase", q.Phase)
	sel.equal("code", q.Code)
	sel.equal("status", q.Status)
	sel.between("created_at", q.Since, q.Until)
	sel.after(q.Token, "id", "job")
	page, err := sel.query("SELECT " + failureColumns + " FROM failure")
	if err != nil {
		return nil, "", s.failed("list failures in", err)
	}
	var out []store.Failure
	err = s.each(ctx, "list failures in", page, func(r row) error {
		f, err := scanFailure(r)
		out = append(out, f)
		return err
	})
	out, token := cut(sel, out, func(f store.Failure) []any { return []any{f.ID, f.Job} })
	return out, token, err
}

// Failure implements store.FailureStore.
func (s *Store) Failure(ctx context.Context, job, id string) (store.Failure, error) {
	f, err := scanFailure(s.reader.QueryRowContext(ctx, "SELECT "+failureColumns+" FROM failure WHERE job=? AND id=?", job, id))
	if errors.Is(err, sql.ErrNoRows) {
		return f, fault.New(fault.NotFound, "job %s has no failure %s", job, id)
	}
	return f, s.failed("read failure in", err)
}
