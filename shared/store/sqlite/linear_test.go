package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// TestStore_Linearizable lets clients of one file work at once, through two handles as two processes have them.
func TestStore_Linearizable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var stores []store.Store
	for range 2 {
		s, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Now: storetest.Start})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores = append(stores, s)
	}
	storetest.Linearizable(t, stores, histories)
}
