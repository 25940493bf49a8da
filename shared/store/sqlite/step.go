package sqlite

import (
	"context"
	"database/sql"

	"github.com/lockstep-data/lockstep/shared/store"
)

const stepColumns = `job, run_id, id, step, stream, partition, seq, attempt, status, records, error_code, error_text, started_at, ended_at`

// putStep inserts a step execution; an id that is there already is left as it is.
func putStep(ctx context.Context, tx *sql.Tx, v store.StepExecution) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO step (`+stepColumns+`, expires_at)
		VALUES (@job, @run, @id, @step, @stream, @partition, @seq, @attempt, @status, @records, @error_code, @error_text, @started_at, @ended_at, @expires_at)
		ON CONFLICT DO NOTHING`,
		named("job", v.Job, "run", v.Run, "id", v.ID, "step", v.Step, "stream", v.Stream, "partition", v.Partition, "seq", v.Seq,
			"attempt", v.Attempt, "status", v.Status, "records", v.Records, "error_code", v.ErrorCode, "error_text", v.ErrorText,
			"started_at", v.StartedAt, "ended_at", v.EndedAt, "expires_at", v.StartedAt.Add(store.DetailRetention))...)
	return err
}

// AddStep implements store.RunStore.
func (s *Store) AddStep(ctx context.Context, v store.StepExecution) error {
	v.StartedAt = s.at(v.StartedAt)
	return s.write(ctx, "add step to", func(tx *sql.Tx) error { return putStep(ctx, tx, v) })
}

// Steps implements store.RunStore.
func (s *Store) Steps(ctx context.Context, q store.StepQuery) ([]store.StepExecution, string, error) {
	sel := newSelection("steps", q.Limit)
	sel.and("job=?", q.Job)
	sel.and("run_id=?", q.Run)
	sel.equal("step", q.Step)
	sel.after(q.Token, "started_at", "id")
	page, err := sel.query("SELECT " + stepColumns + " FROM step")
	if err != nil {
		return nil, "", s.failed("list steps in", err)
	}
	var out []store.StepExecution
	err = s.each(ctx, "list steps in", page, func(r row) error {
		var v store.StepExecution
		err := r.Scan(&v.Job, &v.Run, &v.ID, &v.Step, &v.Stream, &v.Partition, &v.Seq, &v.Attempt, &v.Status, &v.Records, &v.ErrorCode,
			&v.ErrorText, instant{&v.StartedAt}, instant{&v.EndedAt})
		out = append(out, v)
		return err
	})
	out, token := cut(sel, out, func(v store.StepExecution) []any { return []any{millis(v.StartedAt), v.ID} })
	return out, token, err
}
