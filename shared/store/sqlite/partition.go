package sqlite

import (
	"context"
	"database/sql"

	"github.com/lockstep-data/lockstep/shared/store"
)

const partitionColumns = `job, run_id, stream, partition, last_seq, attempt, error_code, error_text, updated_at`

// Partitions implements store.RunStore.
func (s *Store) Partitions(ctx context.Context, job, run string) ([]store.RunPartition, error) {
	var out []store.RunPartition
	q := query{args: []any{job, run}, sql: "SELECT " + partitionColumns + ", " + counterColumns + ` FROM run_partition
		WHERE job=? AND run_id=? ORDER BY stream, partition`}
	err := s.each(ctx, "read partitions in", q, func(r row) error {
		var p store.RunPartition
		err := r.Scan(append([]any{&p.Job, &p.Run, &p.Stream, &p.Partition, &p.LastSeq, &p.Attempt, &p.ErrorCode, &p.ErrorText, instant{&p.UpdatedAt}},
			counterTargets(&p.Counters)...)...)
		out = append(out, p)
		return err
	})
	return out, err
}

// EndPartition implements store.RunStore.
func (s *Store) EndPartition(ctx context.Context, p store.RunPartition) error {
	p.UpdatedAt = s.at(p.UpdatedAt)
	args := named("job", p.Job, "run", p.Run, "stream", p.Stream, "partition", p.Partition, "attempt", p.Attempt, "code", p.ErrorCode, "text", p.ErrorText,
		"now", p.UpdatedAt, "expires_at", p.UpdatedAt.Add(store.RunRetention))
	return s.write(ctx, "end partition in", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
		INSERT INTO run_partition (`+partitionColumns+`, expires_at, `+counterColumns+`)
		VALUES (@job, @run, @stream, @partition, 0, @attempt, @code, @text, @now, @expires_at, `+counterValues+`)
		ON CONFLICT (job, run_id, stream, partition) DO UPDATE
		SET attempt=@attempt, error_code=@code, error_text=@text, updated_at=@now, expires_at=@expires_at
		WHERE attempt<=@attempt`, append(args, counterArgs(store.Counters{})...)...)
		return err
	})
}
