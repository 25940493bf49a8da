package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// open opens a state that is closed when the test ends.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Now: storetest.Start})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return quick(t) })
}

// quick opens a state that does not wait for the disk.
func quick(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, filepath.Join(t.TempDir(), "state.db"))
	if err := s.Unsafe(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore_Schedules(t *testing.T) {
	storetest.Schedules(t, quick(t), schedules)
}

func TestStore_SlotSchedules(t *testing.T) {
	storetest.SlotSchedules(t, quick(t), schedules)
}
