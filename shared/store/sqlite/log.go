package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/store"
)

// levels gives the names of log levels in their order; a level is stored as its place in it.
func levels() []string { return []string{"debug", "info", "warn", "error"} }

// AddLogs implements store.RunStore.
func (s *Store) AddLogs(ctx context.Context, events []store.LogEvent) error {
	if len(events) == 0 {
		return nil
	}
	return s.write(ctx, "add log events to", func(tx *sql.Tx) error {
		insert, err := tx.PrepareContext(ctx, `
		INSERT INTO log (job, run_id, id, time, level, step, text, attrs, expires_at)
		VALUES (@job, @run, @id, @time, @level, @step, @text, @attrs, @expires_at) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		for _, e := range events {
			e.Time = s.at(e.Time)
			_, err := insert.ExecContext(ctx, named("job", e.Job, "run", e.Run, "id", e.ID, "time", e.Time, "level", max(0, slices.Index(levels(), e.Level)),
				"step", e.Step, "text", e.Text, "attrs", string(e.Attrs), "expires_at", e.Time.Add(store.DetailRetention))...)
			if err != nil {
				_ = insert.Close() // the first error says more
				return err
			}
		}
		return insert.Close()
	})
}

// Logs implements store.RunStore.
func (s *Store) Logs(ctx context.Context, q store.LogQuery) ([]store.LogEvent, string, error) {
	sel := newSelection("logs", q.Limit)
	sel.equal("job", q.Job)
	sel.equal("run_id", q.Run)
	sel.equal("step", q.Step)
	if at := slices.Index(levels(), q.Level); at > 0 {
		sel.and("level>=?", int64(at))
	}
	if q.Keyword != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q.Keyword) + "%"
		sel.and(`(text LIKE ? ESCAPE '\' OR attrs LIKE ? ESCAPE '\')`, like, like)
	}
	sel.between("time", q.Since, q.Until)
	sel.after(q.Token, "time", "id", "job", "run_id")
	page, err := sel.query("SELECT job, run_id, id, time, level, step, text, attrs FROM log")
	if err != nil {
		return nil, "", s.failed("list log events in", err)
	}
	var out []store.LogEvent
	err = s.each(ctx, "list log events in", page, func(r row) error {
		var e store.LogEvent
		var level int
		var attrs string
		err := r.Scan(&e.Job, &e.Run, &e.ID, instant{&e.Time}, &level, &e.Step, &e.Text, &attrs)
		e.Level, e.Attrs = levels()[min(max(level, 0), len(levels())-1)], raw(attrs)
		out = append(out, e)
		return err
	})
	out, token := cut(sel, out, func(e store.LogEvent) []any { return []any{millis(e.Time), e.ID, e.Job, e.Run} })
	return out, token, err
}
