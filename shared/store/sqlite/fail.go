package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// failed wraps an error with what was being done to which file, and gives what SQLite says a code. nil stays nil.
func (s *Store) failed(action string, err error) error {
	if err == nil {
		return nil
	}
	var coded *fault.Error
	var lite *driver.Error
	switch {
	case errors.As(err, &coded), !errors.As(err, &lite):
		return fmt.Errorf("%s state file %s: %w", action, s.path, err)
	case lite.Code() == sqlite3.SQLITE_INTERRUPT: // the caller's context ended
		return fault.New(fault.Aborted, "%s state file %s: %w", action, s.path, err)
	}
	code, hint := classify(lite.Code())
	return fault.New(code, "%s state file %s: %w", action, s.path, err).WithHint("%s", hint)
}

// isBusy says whether another process's write is in the way.
func isBusy(err error) bool {
	var lite *driver.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// classify gives the code and the advice for a result code of SQLite.
func classify(result int) (fault.Code, string) {
	const full = "the disk is full: free some space and run again; nothing is lost"
	if result == sqlite3.SQLITE_IOERR_SHMSIZE { // the index of the log finds no room
		return fault.QuotaExceeded, full
	}
	switch result & 0xff { // the rest says where it happened
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fault.Transient, "another process keeps it busy; try again"
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL:
		return fault.Transient, "look at the disk; it must be local, not a network share"
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fault.DataInvalid, "it is damaged or no state file: put back a copy of it, or move it away to start over"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return fault.AuthDenied, "check that the file and its folder can be read and written"
	case sqlite3.SQLITE_FULL:
		return fault.QuotaExceeded, full
	case sqlite3.SQLITE_TOOBIG:
		return fault.DataInvalid, "a value is too long to be stored"
	}
	return fault.Internal, ""
}
