package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

const checkpointColumns = `job, stream, partition, seq, position, fence, term, attempt, owner, run_id, base, schema, total, nack_window,
	drained, updated_at, slot`

func scanCheckpoint(r row) (store.Checkpoint, error) {
	var c store.Checkpoint
	err := r.Scan(&c.Job, &c.Stream, &c.Partition, &c.Seq, &c.Position, &c.Fence, &c.Term, &c.Attempt, &c.Owner, &c.Run, &c.Base, &c.Schema,
		&c.Total, &c.Window, &c.Drained, instant{&c.UpdatedAt}, &c.Slot)
	return c, err
}

func keyArgs(k store.CheckpointKey) []any {
	return named("job", k.Job, "stream", k.Stream, "partition", k.Partition)
}

func readCheckpoint(ctx context.Context, q queryer, k store.CheckpointKey) (store.Checkpoint, error) {
	return scanCheckpoint(q.QueryRowContext(ctx, "SELECT "+checkpointColumns+` FROM checkpoint
		WHERE job=@job AND stream=@stream AND partition=@partition`, keyArgs(k)...))
}

// move runs a conditional statement on a checkpoint inside a transaction and answers the item as it is then; an absent one is
// answered empty.
func move(ctx context.Context, tx *sql.Tx, k store.CheckpointKey, q query) (store.Checkpoint, bool, error) {
	c, err := scanCheckpoint(tx.QueryRowContext(ctx, q.sql+" RETURNING "+checkpointColumns, q.args...))
	if !errors.Is(err, sql.ErrNoRows) {
		return c, err == nil, err
	}
	c, err = readCheckpoint(ctx, tx, k)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Checkpoint{CheckpointKey: k}, false, nil
	}
	return c, false, err
}

// Bind implements store.CheckpointStore.
func (s *Store) Bind(ctx context.Context, w store.BindCheckpoint) (c store.Checkpoint, applied bool, err error) {
	if err := w.CheckpointKey.Check(); err != nil {
		return c, false, s.failed("bind in", err)
	}
	args := append(keyArgs(w.CheckpointKey), named("run", w.Run, "slot", w.Slot, "term", w.Term, "att", w.Attempt, "owner", w.Owner, "full", w.Full,
		"now", w.Now)...)
	err = s.write(ctx, "bind in", func(tx *sql.Tx) error {
		turn := "slot=@slot AND (term<@term OR (term=@term AND attempt<@att))"
		takes, err := s.takes(ctx, tx, w)
		if err != nil {
			return err
		}
		if takes {
			turn = "slot<>@slot"
		}
		c, applied, err = move(ctx, tx, w.CheckpointKey, query{args: args, sql: `
		INSERT INTO checkpoint (` + checkpointColumns + `)
		VALUES (@job, @stream, @partition, 0, '', 1, @term, @att, @owner, @run, @run||'#'||@term, '', 0, '', '', @now, @slot)
		ON CONFLICT (job, stream, partition) DO UPDATE
		SET seq=CASE WHEN run_id='' OR (@full AND run_id<>@run) THEN 0 ELSE seq END,
			position=CASE WHEN run_id='' OR (@full AND run_id<>@run) THEN '' ELSE position END,
			base=CASE WHEN run_id='' OR (@full AND run_id<>@run) THEN @run||'#'||@term ELSE base END,
			fence=fence+1, slot=@slot, term=@term, attempt=@att, owner=@owner, run_id=@run, updated_at=@now
		WHERE ` + turn})
		return err
	})
	return c, applied && err == nil, err
}

// takes says whether the run may take a partition that was bound under another slot: whoever bound it holds that slot's lock no more, and
// this run holds its own.
func (s *Store) takes(ctx context.Context, tx *sql.Tx, w store.BindCheckpoint) (bool, error) {
	c, err := readCheckpoint(ctx, tx, w.CheckpointKey)
	if errors.Is(err, sql.ErrNoRows) || err == nil && c.Slot == w.Slot {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	theirs, err := readLock(ctx, tx, store.LockName(w.Job, c.Slot))
	if err != nil {
		return false, err
	}
	own, err := readLock(ctx, tx, store.LockName(w.Job, w.Slot))
	return !c.Claims(theirs) && own.Run == w.Run && own.Term == w.Term && own.Status == store.InProgress, err
}

// Checkpoint implements store.CheckpointStore.
func (s *Store) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (c store.Checkpoint, applied bool, err error) {
	if err := w.Check(); err != nil {
		return c, false, s.failed("checkpoint in", err)
	}
	w.Now = s.at(w.Now)
	args := append(keyArgs(w.CheckpointKey), named("f", w.Fence, "owner", w.Owner, "prev", w.PrevSeq, "prev_pos", w.PrevPos, "seq", w.Seq,
		"position", w.Position, "schema", w.Schema, "nack_window", w.Window, "drained", w.Drained, "run", w.Run, "loaded", w.Counters.Loaded, "now", w.Now)...)
	err = s.write(ctx, "checkpoint in", func(tx *sql.Tx) error {
		c, applied, err = move(ctx, tx, w.CheckpointKey, query{args: args, sql: `
		UPDATE checkpoint
		SET seq=@seq, position=@position, schema=@schema, nack_window=@nack_window, total=total+@loaded,
			drained=CASE WHEN @drained THEN @run ELSE drained END, updated_at=@now
		WHERE job=@job AND stream=@stream AND partition=@partition
			AND fence=@f AND owner=@owner AND seq=@prev AND position=@prev_pos`})
		if err != nil || !applied {
			applied = err == nil && w.Made(c) // an answer that was lost
			return err
		}
		return record(ctx, tx, w) // invariant 3: together or not at all
	})
	return c, applied && err == nil, err
}

// record adds what the batch did to the run's partition, the failures and the step execution.
func record(ctx context.Context, tx *sql.Tx, w store.MoveCheckpoint) error {
	args := append(keyArgs(w.CheckpointKey), named("run", w.Run, "seq", w.Seq, "now", w.Now, "expires_at", w.Now.Add(store.RunRetention))...)
	_, err := tx.ExecContext(ctx, `
		INSERT INTO run_partition (job, run_id, stream, partition, last_seq, attempt, error_code, error_text, updated_at, expires_at, `+counterColumns+`)
		VALUES (@job, @run, @stream, @partition, @seq, '', '', '', @now, @expires_at, `+counterValues+`)
		ON CONFLICT (job, run_id, stream, partition) DO UPDATE
		SET last_seq=@seq, error_code='', error_text='', updated_at=@now, expires_at=@expires_at, `+counterAdds, append(args, counterArgs(w.Counters)...)...)
	if err != nil {
		return err
	}
	for _, f := range w.Completed() {
		if err := putFailure(ctx, tx, f); err != nil {
			return err
		}
	}
	for _, step := range w.Steps {
		if step.StartedAt.IsZero() {
			step.StartedAt = w.Now
		}
		if err := putStep(ctx, tx, step); err != nil {
			return err
		}
	}
	return nil
}

// Drain implements store.CheckpointStore.
func (s *Store) Drain(ctx context.Context, w store.DrainCheckpoint) (c store.Checkpoint, applied bool, err error) {
	args := append(keyArgs(w.CheckpointKey), named("run", w.Run, "f", w.Fence, "owner", w.Owner, "position", w.Position, "schema", w.Schema, "now", w.Now)...)
	err = s.write(ctx, "drain in", func(tx *sql.Tx) error {
		c, applied, err = move(ctx, tx, w.CheckpointKey, query{args: args, sql: `
		UPDATE checkpoint SET drained=@run, position=@position, schema=@schema, updated_at=@now
		WHERE job=@job AND stream=@stream AND partition=@partition AND fence=@f AND owner=@owner`})
		if err != nil || !applied || w.Deleted == 0 {
			return err
		}
		args := append(keyArgs(w.CheckpointKey), named("run", w.Run, "now", w.Now, "expires_at", w.Now.Add(store.RunRetention))...)
		_, err := tx.ExecContext(ctx, `
		INSERT INTO run_partition (`+partitionColumns+`, expires_at, `+counterColumns+`)
		VALUES (@job, @run, @stream, @partition, 0, '', '', '', @now, @expires_at, `+counterValues+`)
		ON CONFLICT (job, run_id, stream, partition) DO UPDATE SET n_deleted=@n_deleted, updated_at=@now`,
			append(args, counterArgs(store.Counters{Deleted: w.Deleted})...)...)
		return err
	})
	return c, applied && err == nil, err
}

// ReadCheckpoint implements store.CheckpointStore.
func (s *Store) ReadCheckpoint(ctx context.Context, k store.CheckpointKey) (store.Checkpoint, error) {
	c, err := readCheckpoint(ctx, s.reader, k)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fault.New(fault.NotFound, "there is no checkpoint %s", k.Path())
	}
	return c, s.failed("read checkpoint in", err)
}

// Checkpoints implements store.CheckpointStore.
func (s *Store) Checkpoints(ctx context.Context, job, stream string) ([]store.Checkpoint, error) {
	var out []store.Checkpoint
	q := query{args: named("job", job, "stream", stream), sql: "SELECT " + checkpointColumns + ` FROM checkpoint
		WHERE job=@job AND (@stream='' OR stream=@stream) ORDER BY stream, partition`}
	err := s.each(ctx, "read checkpoints in", q, func(r row) error {
		c, err := scanCheckpoint(r)
		out = append(out, c)
		return err
	})
	return out, err
}
