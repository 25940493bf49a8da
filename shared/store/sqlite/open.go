package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// applicationID marks a SQLite file as Lockstep's state ("LkSt").
const applicationID = 0x4c6b5374

// prepare makes the folder and an empty file when they are missing; records that failed are in it, so only its owner may read it.
func prepare(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fault.New(fault.ConfigInvalid, "find state file %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o700); err != nil {
		return "", notOpened("make the folder of", abs, err)
	}
	f, err := os.OpenFile(abs, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return abs, nil // never open and close an existing file: that drops the locks this process has on it
	}
	if err != nil {
		return "", notOpened("make", abs, err)
	}
	if err := f.Close(); err != nil {
		return "", notOpened("make", abs, err)
	}
	return abs, nil
}

func notOpened(action, path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.New(fault.QuotaExceeded, "%s state file %s: %w", action, path, err).WithHint("the disk is full: free some space and run again; nothing is lost")
	}
	return fault.New(fault.AuthDenied, "%s state file %s: %w", action, path, err).WithHint("check the path and its permissions, or choose another with the state's path")
}

// dsn names the file for the driver, with the settings that every connection has and how long one waits for another process.
func dsn(path string, wait time.Duration, more string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p // C:/…
	}
	pragmas := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=synchronous(full)&_pragma=fullfsync(1)", wait.Milliseconds())
	return "file:" + (&url.URL{Path: p}).EscapedPath() + "?" + pragmas + "&" + more
}

// begin looks at what is in the file before it changes anything, then brings it to the version of the last step.
func (s *Store) begin(ctx context.Context, steps []string) error {
	version, err := s.inspect(ctx, s.writer, len(steps))
	for n := 1; n < busyTries && ctx.Err() == nil && fault.Has(err, fault.Transient); n++ { // another process makes the file just now
		version, err = s.inspect(ctx, s.writer, len(steps))
	}
	if err != nil {
		return err
	}
	if version == len(steps) {
		return nil
	}
	if err := s.useLog(ctx); err != nil {
		return err
	}
	return s.write(ctx, "bring up to date", func(tx *sql.Tx) error {
		version, err := s.inspect(ctx, tx, len(steps)) // another process may have been quicker
		if err != nil {
			return err
		}
		for i := version; i < len(steps); i++ {
			if _, err := tx.ExecContext(ctx, steps[i]); err != nil {
				return fmt.Errorf("version %d: %w", i+1, err)
			}
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(steps)))
		return err
	})
}

// queryer is a connection or a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// inspect gives the version of the file, 0 when it is new. It reads and changes nothing (invariant 13).
func (s *Store) inspect(ctx context.Context, q queryer, newest int) (int, error) {
	var version, application, tables int
	const what = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id"
	if err := q.QueryRowContext(ctx, what).Scan(&version, &application, &tables); err != nil {
		return 0, s.failed("open", err)
	}
	switch {
	case tables == 0 && version == 0:
		return 0, nil
	case application != applicationID:
		return 0, fault.New(fault.DataInvalid, "%s is a SQLite file, but not Lockstep's state", s.path).WithHint("give the state a path of its own")
	case version > newest:
		return 0, fault.New(fault.VersionTooNew, "state file %s has version %d, this program knows versions up to %d", s.path, version, newest).
			WithHint("install the newer Lockstep that wrote it; nothing was changed")
	}
	return version, nil
}

// useLog turns on the write-ahead log, once in the life of a file. SQLite does not wait for others here.
func (s *Store) useLog(ctx context.Context) error {
	deadline := time.NewTimer(busyTries * busyWait)
	defer deadline.Stop()
	for {
		var mode string
		err := s.failed("open", s.writer.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode))
		if err == nil && mode != "wal" {
			return fault.New(fault.AuthDenied, "state file %s cannot have a write-ahead log: its journal is %s", s.path, mode).
				WithHint("put it on a local file system that can be written")
		}
		if !fault.Has(err, fault.Transient) {
			return err
		}
		pause := time.NewTimer(20 * time.Millisecond)
		select {
		case <-pause.C:
		case <-deadline.C:
			pause.Stop()
			return err
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		}
	}
}
