// Package sqlite keeps the state of jobs in one SQLite file, for runs on one machine. Several processes may use the file at once;
// a file system without locks and shared memory (NFS) will not do. Every conditional write is one transaction whose WHERE clause
// is the condition of docs/protocol.md, word for word. Runners and commands import it.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

var _ store.Store = (*Store)(nil)

// Options say where the state is.
type Options struct {
	Path string           // of the file; it and its folder are made when missing
	Now  func() time.Time // for updated_at and retention where a write brings no time; nil: the machine's clock
}

// Store is a store.Store in one file. Open makes it; Close must be called.
type Store struct {
	path   string
	now    func() time.Time
	writer *sql.DB // one connection; its transactions begin IMMEDIATE
	reader *sql.DB // sees what is committed, waits for nobody
}

// Open opens the file, makes it when it is missing, and brings one of an older version up to date. Errors: VersionTooNew (nothing
// was changed), DataInvalid (damaged, or no state file), AuthDenied, QuotaExceeded, Transient, ConfigInvalid (no path).
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Path == "" {
		return nil, fault.New(fault.ConfigInvalid, "the state file has no path")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	path, err := prepare(o.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, now: o.Now}
	if s.writer, err = sql.Open("sqlite", dsn(path, busyWait, "_txlock=immediate")); err != nil {
		return nil, s.failed("open", err)
	}
	s.writer.SetMaxOpenConns(1)
	if s.reader, err = sql.Open("sqlite", dsn(path, busyTries*busyWait, "_pragma=query_only(1)")); err != nil {
		return nil, s.failed("open", err)
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if err := s.begin(ctx, migrations()); err != nil {
		_ = s.Close() // the first error says more
		return nil, err
	}
	return s, nil
}

// readers is how many reads may run at once.
const readers = 4

// Ping takes the right to write and gives it back.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(tx *sql.Tx) error {
		var n int
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM lock LIMIT 1)").Scan(&n)
	})
}

// Close closes the file. The last process to close it leaves one file without a log beside it.
func (s *Store) Close() error {
	rerr := s.reader.Close()
	if err := s.writer.Close(); err != nil {
		return s.failed("close", err)
	}
	if rerr != nil {
		return s.failed("close", rerr)
	}
	return nil
}

// A write waits for other processes' writes in SQLite, which cannot be interrupted there: so it waits a short time, often.
const (
	busyWait  = 100 * time.Millisecond
	busyTries = 50
)

// write runs do in one transaction that nobody else's write can come between.
func (s *Store) write(ctx context.Context, action string, do func(*sql.Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	for n := 1; n < busyTries && ctx.Err() == nil && isBusy(err); n++ {
		tx, err = s.writer.BeginTx(ctx, nil)
	}
	if err != nil {
		return s.failed(action, ended(ctx, err))
	}
	if err := do(tx); err != nil {
		_ = tx.Rollback() // the first error says more
		return s.failed(action, ended(ctx, err))
	}
	return s.failed(action, ended(ctx, tx.Commit()))
}

// ended gives the context's error for one that comes from its end: SQLite only says that it was interrupted.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// at gives the time that an item brings, or the store's when it brings none.
func (s *Store) at(t time.Time) time.Time {
	if t.IsZero() {
		return s.now()
	}
	return t
}

// each calls scan for every row of a query.
func (s *Store) each(ctx context.Context, action string, q query, scan func(row) error) (err error) {
	rows, err := s.reader.QueryContext(ctx, q.sql, q.args...)
	if err != nil {
		return s.failed(action, ended(ctx, err))
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = s.failed(action, cerr)
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return s.failed(action, ended(ctx, err))
		}
	}
	return s.failed(action, ended(ctx, rows.Err()))
}

// row is a row to scan.
type row interface{ Scan(to ...any) error }

// query is a statement with its arguments.
type query struct {
	sql  string
	args []any
}

// named gives the arguments of a statement that names them: name, value, name, value …
func named(pairs ...any) []any {
	out := make([]any, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, sql.Named(fmt.Sprint(pairs[i]), value(pairs[i+1])))
	}
	return out
}

// value turns what the items hold into what columns hold: times are ms UTC, zero times 0, flags 0 and 1.
func value(v any) any {
	switch v := v.(type) {
	case time.Time:
		return millis(v)
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case store.Status:
		return string(v)
	case store.RunStatus:
		return string(v)
	}
	return v
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant scans ms UTC into a time.
type instant struct{ t *time.Time }

// Scan reads the column.
func (i instant) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fault.New(fault.DataInvalid, "a time is stored as %T", v)
	}
	*i.t = time.Time{}
	if n != 0 {
		*i.t = time.UnixMilli(n).UTC()
	}
	return nil
}
