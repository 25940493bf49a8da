package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// codes says what SQLite's primary result codes mean to a sync; the others are Internal.
var codes = map[int]fault.Code{
	lib.SQLITE_BUSY:       fault.Transient,
	lib.SQLITE_LOCKED:     fault.Transient,
	lib.SQLITE_IOERR:      fault.Transient,
	lib.SQLITE_NOMEM:      fault.Transient,
	lib.SQLITE_SCHEMA:     fault.Transient,
	lib.SQLITE_PROTOCOL:   fault.Transient,
	lib.SQLITE_PERM:       fault.AuthDenied,
	lib.SQLITE_AUTH:       fault.AuthDenied,
	lib.SQLITE_READONLY:   fault.AuthDenied,
	lib.SQLITE_CANTOPEN:   fault.AuthDenied,
	lib.SQLITE_FULL:       fault.QuotaExceeded,
	lib.SQLITE_TOOBIG:     fault.DataInvalid,
	lib.SQLITE_CONSTRAINT: fault.DataInvalid,
	lib.SQLITE_MISMATCH:   fault.DataInvalid,
	lib.SQLITE_NOTADB:     fault.DataInvalid,
	lib.SQLITE_CORRUPT:    fault.DataInvalid,
}

// fault gives an error of the driver its code and says what was done. Errors that have a code stay as they are.
func (d *database) fault(ctx context.Context, action string, err error) error {
	var coded *fault.Error
	if err == nil || errors.As(err, &coded) {
		return err
	}
	if ctx.Err() != nil { // an interrupted statement says so in words of its own
		return fmt.Errorf("%s: %w", action, ctx.Err())
	}
	var e *driver.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s in %s: %w", action, d.shown, err)
	}
	primary := e.Code() & 0xff
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE { // the index of its log finds no room
		primary = lib.SQLITE_FULL
	}
	code, known := codes[primary]
	if !known {
		return fault.New(fault.Internal, "%s in %s: %w", action, d.shown, err)
	}
	switch primary {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fault.New(code, "%s is locked by another connection (%s waited %d ms)", d.shown, action, d.busyMS)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_AUTH:
		return fault.New(code, "%s cannot be written: %w", d.shown, err).WithHint("let the process write the file and its folder")
	case lib.SQLITE_CANTOPEN:
		return fault.New(code, "%s cannot be opened: %w", d.shown, err).WithHint("the folder must be there, and the process must be allowed to use it")
	case lib.SQLITE_FULL:
		return fault.New(code, "the disk of %s is full, or its max_page_count is reached", d.shown)
	case lib.SQLITE_NOTADB:
		return fault.New(code, "%s is not a SQLite database", d.shown)
	case lib.SQLITE_CORRUPT:
		return fault.New(code, "%s is damaged: %w", d.shown, err)
	case lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_TOOBIG:
		return fault.New(code, "%w", err)
	}
	return fault.New(code, "%s in %s: %w", action, d.shown, err)
}
