package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/job"
)

// statements write the rows that the feed shows. Of an upsert each counts its rows exactly; the others are nil in other modes.
type statements struct {
	insert  *sql.Stmt // rows whose key is new
	absent  *sql.Stmt // the same, reading no more than the key of a row that is there
	update  *sql.Stmt // rows that differ; nil when there is nothing beside the key
	mostOld bool      // most rows of the last chunk were there
}

func (s *statements) close() {
	for _, st := range []*sql.Stmt{s.insert, s.absent, s.update} {
		if st != nil {
			_ = st.Close() // of a read or a failed write: nothing is lost
		}
	}
}

// prepare makes the statements of the load's mode.
func (w *writer) prepare(ctx context.Context) (*statements, error) {
	from := make([]string, len(w.names))
	var set, differs, same []string
	for i, n := range w.names {
		from[i] = feedColumn(i)
		if slices.Contains(w.r.Target.Key, n) {
			same = append(same, fmt.Sprintf("_old.%s = _new.%s", quote(n), feedColumn(i)))
			continue
		}
		set = append(set, fmt.Sprintf("%[1]s = excluded.%[1]s", quote(n)))
		// BINARY: a column that is compared without case must still get the other case.
		differs = append(differs, fmt.Sprintf("_t.%[1]s IS NOT excluded.%[1]s COLLATE BINARY", quote(n)))
	}
	text := fmt.Sprintf("INSERT OR ABORT INTO %s AS _t (%s) SELECT %s FROM %s AS _new", quote(w.table), quoteAll(w.names), strings.Join(from, ", "), feedTable)
	if w.r.Target.Write.Mode != job.Upsert {
		insert, err := w.c.PrepareContext(ctx, text)
		return &statements{insert: insert}, err
	}
	absent := fmt.Sprintf(" WHERE NOT EXISTS (SELECT 1 FROM %s AS _old WHERE %s)", quote(w.table), strings.Join(same, " AND "))
	conflict := fmt.Sprintf(" ON CONFLICT (%s) DO ", quoteAll(w.r.Target.Key))
	texts := []string{text + " WHERE true" + conflict + "NOTHING", text + absent + conflict + "NOTHING"}
	if len(set) > 0 {
		texts = append(texts, text+" WHERE true"+conflict+"UPDATE SET "+strings.Join(set, ", ")+" WHERE "+strings.Join(differs, " OR "))
	}
	s := &statements{}
	for i, place := range []**sql.Stmt{&s.insert, &s.absent, &s.update}[:len(texts)] {
		var err error
		if *place, err = w.c.PrepareContext(ctx, texts[i]); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// chunk writes the rows that the feed shows, all or none, and counts them.
func (w *writer) chunk(ctx context.Context, s *statements) error {
	n := int64(w.feed.hi - w.feed.lo)
	if w.r.Target.Write.Mode != job.Upsert {
		if _, err := s.insert.ExecContext(ctx); err != nil {
			return err
		}
		w.receipt.Inserted += n
		return nil
	}
	if _, err := w.c.ExecContext(ctx, "SAVEPOINT chunk"); err != nil {
		return err
	}
	inserted, updated, err := s.upsert(ctx, n)
	if err != nil {
		_, _ = w.c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK TO chunk") // when this does not work the next statement says so
		_, _ = w.c.ExecContext(context.WithoutCancel(ctx), "RELEASE chunk")
		return err
	}
	w.receipt.Inserted += inserted
	w.receipt.Updated += updated
	w.receipt.Unchanged += n - inserted - updated
	_, err = w.c.ExecContext(ctx, "RELEASE chunk")
	return err
}

// upsert inserts the rows whose key is new; only when some key was there it looks at what differs. A first load is one pass, and the
// first pass over rows that are there reads their keys only.
func (s *statements) upsert(ctx context.Context, n int64) (inserted, updated int64, err error) {
	first := s.insert
	if s.mostOld {
		first = s.absent
	}
	if inserted, err = changes(first.ExecContext(ctx)); err != nil {
		return 0, 0, err
	}
	s.mostOld = inserted*2 < n
	if inserted < n && s.update != nil {
		updated, err = changes(s.update.ExecContext(ctx))
	}
	return inserted, updated, err
}

func changes(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
