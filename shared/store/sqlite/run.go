package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

const runColumns = `job, id, status, started_by, digest, input_sha256, input, snapshot, version, holder, epoch, steps, percent,
	error_code, error_text, notices, created_at, started_at, ended_at, expires_at, read_units, write_units`

// runFrom reads runs (r, a table or a selection) with the sums over their partitions.
const runFrom = `SELECT r.job, r.id, r.status, r.started_by, r.digest, r.input_sha256, r.input, r.snapshot, r.version, r.holder, r.epoch,
	r.steps, r.percent, r.error_code, r.error_text, r.notices, r.created_at, r.started_at, r.ended_at, r.expires_at,
	r.read_units, r.write_units, ` + counterSums + `
	FROM %s r LEFT JOIN run_partition p ON p.job=r.job AND p.run_id=r.id`

func scanRun(r row) (store.Run, error) {
	var v store.Run
	var input, snapshot, steps, notices string
	err := r.Scan(append([]any{&v.Job, &v.ID, &v.Status, &v.Trigger, &v.Digest, &v.InputSHA256, &input, &snapshot, &v.Version, &v.Holder,
		&v.Epoch, &steps, &v.Percent, &v.ErrorCode, &v.ErrorText, &notices, instant{&v.CreatedAt}, instant{&v.StartedAt}, instant{&v.EndedAt},
		instant{&v.ExpiresAt}, &v.Units.Read, &v.Units.Write}, counterTargets(&v.Counters)...)...)
	if err != nil {
		return v, err
	}
	v.Input, v.Snapshot = raw(input), raw(snapshot)
	if err := unpack(steps, &v.Steps); err != nil {
		return v, fmt.Errorf("steps of run %s: %w", v.ID, err)
	}
	if err := unpack(notices, &v.Notices); err != nil {
		return v, fmt.Errorf("notices of run %s: %w", v.ID, err)
	}
	return v, nil
}

// raw gives stored JSON, nil when there is none.
func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// unpack reads a column that pack wrote.
func unpack(text string, to any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fault.New(fault.DataInvalid, "stored JSON: %w", err)
	}
	return nil
}

// pack gives the column for a map or a list, "" for an empty one.
func pack[T map[string]string | []string](v T) (string, error) {
	if len(v) == 0 {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// StartRun implements store.RunStore.
func (s *Store) StartRun(ctx context.Context, r store.Run) (out store.Run, applied bool, err error) {
	r.CreatedAt = s.at(r.CreatedAt)
	if r.ExpiresAt.IsZero() {
		r.ExpiresAt = r.CreatedAt.Add(store.RunRetention)
	}
	steps, err := pack(r.Steps)
	if err != nil {
		return out, false, s.failed("start run in", err)
	}
	notices, err := pack(r.Notices)
	if err != nil {
		return out, false, s.failed("start run in", err)
	}
	args := named("job", r.Job, "id", r.ID, "status", r.Status, "started_by", r.Trigger, "digest", r.Digest, "input_sha256", r.InputSHA256,
		"input", string(r.Input), "snapshot", string(r.Snapshot), "version", r.Version, "holder", r.Holder, "epoch", r.Epoch, "steps", steps,
		"percent", r.Percent, "error_code", r.ErrorCode, "error_text", r.ErrorText, "notices", notices, "created_at", r.CreatedAt,
		"started_at", r.StartedAt, "ended_at", r.EndedAt, "expires_at", r.ExpiresAt, "read_units", r.Units.Read, "write_units", r.Units.Write)
	err = s.write(ctx, "start run in", func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `
		INSERT INTO run (`+runColumns+`, `+counterColumns+`)
		VALUES (@job, @id, @status, @started_by, @digest, @input_sha256, @input, @snapshot, @version, @holder, @epoch, @steps, @percent,
			@error_code, @error_text, @notices, @created_at, @started_at, @ended_at, @expires_at, @read_units, @write_units, `+counterValues+`)
		ON CONFLICT DO NOTHING`, append(args, counterArgs(r.Counters)...)...)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		if err != nil {
			return err
		}
		applied = n > 0
		out, err = readRun(ctx, tx, r.Job, r.ID)
		return err
	})
	return out, applied && err == nil, err
}

// readRun reads a run with the sums over its partitions; NotFound when it does not exist.
func readRun(ctx context.Context, q queryer, job, id string) (store.Run, error) {
	r, err := scanRun(q.QueryRowContext(ctx, fmt.Sprintf(runFrom, "run")+" WHERE r.job=? AND r.id=? GROUP BY r.job, r.id", job, id))
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.NotFound, "job %s has no run %s", job, id)
	}
	return r, err
}

// Run implements store.RunStore.
func (s *Store) Run(ctx context.Context, job, run string) (store.Run, error) {
	r, err := readRun(ctx, s.reader, job, run)
	return r, s.failed("read run in", err)
}

// UpdateRun implements store.RunStore.
func (s *Store) UpdateRun(ctx context.Context, c store.RunChange) (r store.Run, err error) {
	err = s.write(ctx, "update run in", func(tx *sql.Tx) error {
		if r, err = readRun(ctx, tx, c.Job, c.ID); err != nil {
			return err
		}
		if !c.Applies(r.Status) {
			return nil
		}
		c.Apply(&r)
		return saveRun(ctx, tx, r, c.Add)
	})
	return r, err
}

// saveRun writes what a change may touch; the run's own counters grow by add.
func saveRun(ctx context.Context, tx *sql.Tx, r store.Run, add store.Counters) error {
	steps, err := pack(r.Steps)
	if err != nil {
		return err
	}
	notices, err := pack(r.Notices)
	if err != nil {
		return err
	}
	args := named("job", r.Job, "id", r.ID, "status", r.Status, "holder", r.Holder, "epoch", r.Epoch, "steps", steps, "percent", r.Percent,
		"error_code", r.ErrorCode, "error_text", r.ErrorText, "notices", notices, "started_at", r.StartedAt, "ended_at", r.EndedAt,
		"read_units", r.Units.Read, "write_units", r.Units.Write)
	_, err = tx.ExecContext(ctx, `
		UPDATE run
		SET status=@status, holder=@holder, epoch=@epoch, steps=@steps, percent=@percent, error_code=@error_code, error_text=@error_text,
			notices=@notices, started_at=@started_at, ended_at=@ended_at, read_units=@read_units, write_units=@write_units, `+counterAdds+`
		WHERE job=@job AND id=@id`, append(args, counterArgs(add)...)...)
	return err
}

// Runs implements store.RunStore.
func (s *Store) Runs(ctx context.Context, q store.RunQuery) ([]store.Run, string, error) {
	sel := newSelection("runs", q.Limit)
	sel.desc = !q.OldestFirst
	sel.equal("job", q.Job)
	in(sel, "status", q.Statuses)
	sel.between("created_at", q.Since, q.Until)
	sel.after(q.Token, "created_at", "job", "id")
	page, err := sel.query("SELECT * FROM run")
	if err != nil {
		return nil, "", s.failed("list runs in", err)
	}
	page.sql = fmt.Sprintf(runFrom, "("+page.sql+")") + " GROUP BY r.job, r.id" + sel.order("r.")
	var out []store.Run
	err = s.each(ctx, "list runs in", page, func(r row) error {
		v, err := scanRun(r)
		out = append(out, v)
		return err
	})
	out, token := cut(sel, out, func(r store.Run) []any { return []any{millis(r.CreatedAt), r.Job, r.ID} })
	return out, token, err
}
