package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// destination writes one database over one connection: SQLite has one writer at a time anyway, and who waits here waits in turn.
type destination struct {
	*database
	closing sync.Once
	closed  error

	mu     sync.Mutex
	opened os.FileInfo // the file that the connection writes; nil before the first write
}

var _ connector.Destination = (*destination)(nil)

func newDestination(c connector.Config) (*destination, error) {
	if err := makeFolder(c); err != nil {
		return nil, err
	}
	// FULL: what a commit said is written survives a power cut. A checkpoint, which is in another file, must never be ahead of it
	// (invariant 1). legacy_alter_table: a swap renames tables, and what refers to the target by name must go on doing so.
	d, err := newDatabase(c, "rwc", "journal_mode(wal)", "synchronous(full)", "temp_store(memory)", "cache_size(-16384)", "wal_autocheckpoint(8192)",
		"legacy_alter_table(1)", "trusted_schema(0)")
	if err != nil {
		return nil, err
	}
	d.db.SetMaxOpenConns(1)
	return &destination{database: d}, nil
}

// makeFolder makes the folder that a relative path names. Only the project's own: one that an absolute path names must be there.
func makeFolder(c connector.Config) error {
	var cfg config
	if err := c.Values.Decode(&cfg); err != nil || !filepath.IsLocal(cfg.Path) {
		return nil // newDatabase says what is wrong
	}
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return nil
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(filepath.Dir(cfg.Path), 0o755); errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.AuthDenied, "the folder of %s cannot be made: %w", cfg.Path, err)
	}
	return nil
}

// read runs do on the connection; it is not called when there is no file yet.
func (d *destination) read(ctx context.Context, action string, do func(c *sql.Conn) error) error {
	if there, err := d.exists(); err != nil || !there {
		return err
	}
	c, err := d.conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return d.fault(ctx, action, do(c))
}

// same makes sure that the file is still the one that the connection was opened on: writes to one that was removed or replaced go nowhere.
func (d *destination) same() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, err := os.Stat(d.file)
	switch {
	case err == nil && (d.opened == nil || os.SameFile(now, d.opened)):
		d.opened = now
		return nil
	case err != nil && d.opened == nil:
		return fault.New(fault.NotFound, "%s is not there: %w", d.shown, err)
	}
	d.opened = nil
	d.db.SetMaxIdleConns(0) // the next connection opens what is there now
	d.db.SetMaxIdleConns(1)
	return fault.New(fault.DestinationBehind, "%s was removed or replaced while it was open", d.shown).WithHint("run again with --new, or reset the job")
}

// write runs do in one transaction, which ends with it: committed when it answers no error.
func (d *destination) write(ctx context.Context, action string, do func(c *sql.Conn) error) error {
	if there, err := d.exists(); err != nil {
		return err
	} else if !there {
		if _, err := os.Stat(filepath.Dir(d.file)); err != nil {
			return fault.New(fault.NotFound, "the folder of %s is not there: %w", d.shown, err)
		}
	}
	c, err := d.conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return d.fault(ctx, action, err)
	}
	if err = d.same(); err == nil {
		err = do(c)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = d.same() // Invariant 1: what is not there any more must not be committed to
	}
	if err == nil {
		if _, err = c.ExecContext(ctx, "COMMIT"); err == nil {
			return nil
		}
	}
	// Some errors have ended the transaction already; then there is nothing to roll back, and that is no news.
	_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	var own *callerError
	if errors.As(err, &own) {
		return own.err
	}
	return d.fault(ctx, action, err)
}

// callerError is an error that the caller's own code gave, to be answered as it is.
type callerError struct{ err error }

// Error gives the caller's words.
func (e *callerError) Error() string { return e.err.Error() }

// Receipt reads the last receipt of a partition.
func (d *destination) Receipt(ctx context.Context, t connector.Target, partition string) (r connector.Receipt, ok bool, err error) {
	err = d.read(ctx, "read the receipt", func(c *sql.Conn) error {
		g, err := readGuard(ctx, c, t, partition)
		if err != nil || g == nil || g.Seq == 0 || t.Full && g.Run != t.Run {
			return err
		}
		r, ok = g.Receipt, true
		return nil
	})
	return r, ok, err
}

// Committed answers the run whose Commit was the target's last.
func (d *destination) Committed(ctx context.Context, t connector.Target) (run string, err error) {
	err = d.read(ctx, "read the guard", func(c *sql.Conn) error {
		g, err := readGuard(ctx, c, t, commitPartition)
		if err != nil || g == nil || fold(g.target) != fold(t.Name) {
			return err
		}
		target, err := find(ctx, c, t.Name)
		if target != nil {
			run = g.swapped
		}
		return err
	})
	return run, err
}

// Ping begins a write and takes it back; where there is no file yet, it makes one of another name beside it and removes that.
func (d *destination) Ping(ctx context.Context) error {
	there, err := d.exists()
	if err != nil {
		return err
	}
	if there {
		c, err := d.conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return d.fault(ctx, "ping", err)
		}
		_, err = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return d.fault(ctx, "ping", err)
	}
	f, err := os.CreateTemp(filepath.Dir(d.file), ".lockstep-ping-*")
	if err != nil {
		code := fault.NotFound
		if os.IsPermission(err) {
			code = fault.AuthDenied
		}
		return fault.New(code, "%s cannot be made: %w", d.shown, err)
	}
	if err := errorsFirst(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("remove the file that ping made: %w", err)
	}
	return nil
}

func (d *destination) Close() error {
	d.closing.Do(func() { d.closed = d.db.Close() })
	return d.closed
}
