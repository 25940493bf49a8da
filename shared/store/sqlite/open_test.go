package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
	return s
}

// exec changes a state file behind the store's back.
func exec(t *testing.T, path string, stmt string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, time.Second, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), stmt); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_MakesFolderAndKeepsState(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "a b", "c?d#e%41", "state.db") // signs that a file: URI must escape
	s := openAt(t, path)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Acquire(t.Context(), store.TakeLock{Job: "j", Run: "r", MaxTries: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state file: %v, %v", info, err)
	}
	s = openAt(t, path)
	l, err := s.Lock(t.Context(), "j")
	if err != nil || l.Run != "r" {
		t.Errorf("got %+v, %v", l, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_Settings(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "state.db"))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "user_version": fmt.Sprint(len(migrations()))} {
		for name, db := range map[string]*sql.DB{"writer": s.writer, "reader": s.reader} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s of %s = %s, %v, want %s", pragma, name, got, err, want)
			}
		}
	}
}

func TestOpen_VersionTooNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, path, "PRAGMA user_version=99")
	before := read(t, path)
	_, err := Open(t.Context(), Options{Path: path})
	if !fault.Has(err, fault.VersionTooNew) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want VersionTooNew with the path", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file was changed")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpen_Invalid(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := filepath.Join(dir, "good.db")
	s := openAt(t, good)
	for i := range 200 { // so that the file has pages to damage
		if _, _, err := s.Acquire(t.Context(), store.TakeLock{Job: fmt.Sprint(i), Run: "r", MaxTries: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	damaged := read(t, good)
	copy(damaged[100:], bytes.Repeat([]byte{0xff}, 4000)) // the page of the schema
	foreign := filepath.Join(dir, "foreign.db")
	exec(t, foreign, "CREATE TABLE customers (id)")
	for name, c := range map[string]struct {
		path string
		want fault.Code
		hint string
	}{
		"no database":            {file("text.db", bytes.Repeat([]byte("not a database. "), 100)), fault.DataInvalid, "put back a copy"},
		"damaged":                {file("damaged.db", damaged), fault.DataInvalid, "put back a copy"},
		"somebody else's tables": {foreign, fault.DataInvalid, "path of its own"},
		"no path":                {"", fault.ConfigInvalid, ""},
		"a folder":               {dir, fault.AuthDenied, "check"},
		"below a file":           {filepath.Join(good, "x", "state.db"), fault.AuthDenied, "check the path"},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			_, err := Open(t.Context(), Options{Path: c.path})
			if !fault.Has(err, c.want) || !strings.Contains(err.Error(), c.path) || !strings.Contains(fault.Hint(err), c.hint) {
				t.Errorf("error %v, want %s with the path and a hint %q", err, c.want, c.hint)
			}
		})
	}
}

func TestOpen_OlderVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path)
	if _, _, err := s.Acquire(t.Context(), store.TakeLock{Job: "j", Run: "r", MaxTries: 1}); err != nil {
		t.Fatal(err)
	}
	next := append(migrations(), "ALTER TABLE lock ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue'")
	if err := s.begin(t.Context(), next); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	var colour, run string
	if err := s.reader.QueryRowContext(t.Context(), "SELECT colour, run_id FROM lock").Scan(&colour, &run); err != nil || colour != "blue" || run != "r" {
		t.Errorf("got %s %s, %v", colour, run, err)
	}
	if _, err := Open(t.Context(), Options{Path: path}); !fault.Has(err, fault.VersionTooNew) {
		t.Errorf("the older program: %v, want VersionTooNew", err)
	}
	broken := append(next, "CREATE TABLE half (id)", "no statement")
	if err := s.begin(t.Context(), broken); err == nil {
		t.Error("a broken step gave no error")
	}
	if version, err := s.inspect(t.Context(), s.reader, len(next)); err != nil || version != len(next) {
		t.Errorf("after a broken step: version %d, %v", version, err)
	}
}

func TestStore_BusyFullReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path)
	acquire := func(job string) error {
		_, _, err := s.Acquire(t.Context(), store.TakeLock{Job: job, Run: strings.Repeat("r", 3000), MaxTries: 1})
		return err
	}
	pragma := func(text string) {
		t.Helper()
		if _, err := s.writer.ExecContext(t.Context(), "PRAGMA "+text); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("busy is Transient", func(t *testing.T) {
		other, err := sql.Open("sqlite", dsn(path, time.Second, "_txlock=immediate"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		tx, err := other.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		pragma("busy_timeout=1")
		if err := acquire("busy"); !fault.Has(err, fault.Transient) {
			t.Errorf("error %v, want Transient", err)
		}
		pragma("busy_timeout=100")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if _, _, err := s.Acquire(ctx, store.TakeLock{Job: "busy", Run: "r", MaxTries: 1}); !fault.Has(err, fault.Timeout) {
			t.Errorf("error %v, want Timeout", err)
		}
		if _, err := s.Lock(t.Context(), "busy"); err != nil {
			t.Errorf("reading waits for nobody: %v", err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if err := acquire("busy"); err != nil {
			t.Error(err)
		}
	})
	t.Run("full is QuotaExceeded", func(t *testing.T) {
		pragma("max_page_count=1")
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			err = acquire(fmt.Sprint("full-", i))
		}
		if !fault.Has(err, fault.QuotaExceeded) || !strings.Contains(err.Error(), "free some space") {
			t.Errorf("error %v, want QuotaExceeded", err)
		}
		pragma("max_page_count=1000000")
		if err := acquire("after"); err != nil {
			t.Error(err)
		}
	})
	t.Run("read-only is AuthDenied", func(t *testing.T) {
		pragma("query_only=1")
		if err := acquire("read-only"); !fault.Has(err, fault.AuthDenied) {
			t.Errorf("error %v, want AuthDenied", err)
		}
		pragma("query_only=0")
	})
}

func TestStore_CheckpointIsOneTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := openAt(t, path)
	k := store.CheckpointKey{Job: "j", Stream: "s", Partition: "p"}
	c, _, err := s.Bind(t.Context(), store.BindCheckpoint{CheckpointKey: k, Run: "r", Term: 1, Attempt: "a", Owner: "o"})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, path, "CREATE TRIGGER broken BEFORE INSERT ON step BEGIN SELECT RAISE(ABORT, 'the last write of a checkpoint'); END")
	w := store.MoveCheckpoint{
		CheckpointKey: k, Run: "r", Fence: c.Fence, Owner: "o", Seq: 1, Position: "x", Counters: store.Counters{Read: 1, Failed: 1, Batches: 1},
		Failures: []store.Failure{{}}, Steps: []store.StepExecution{{ID: "1", Job: "j", Run: "r"}},
	}
	if _, applied, err := s.Checkpoint(t.Context(), w); applied || err == nil {
		t.Fatalf("applied %v, error %v", applied, err)
	}
	got, err := s.ReadCheckpoint(t.Context(), k)
	if err != nil || got.Seq != 0 {
		t.Errorf("checkpoint %+v, %v", got, err)
	}
	failures, _, ferr := s.Failures(t.Context(), store.FailureQuery{})
	parts, perr := s.Partitions(t.Context(), "j", "r")
	if err := errors.Join(ferr, perr); err != nil || len(failures)+len(parts) != 0 {
		t.Errorf("%d failures, %d partitions, %v", len(failures), len(parts), err)
	}
	exec(t, path, "DROP TRIGGER broken")
	if _, applied, err := s.Checkpoint(t.Context(), w); !applied || err != nil {
		t.Errorf("applied %v, error %v", applied, err)
	}
}
