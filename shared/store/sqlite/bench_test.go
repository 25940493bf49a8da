package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	if err := open(b, path).Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := sqlite.Open(b.Context(), sqlite.Options{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStore_Checkpoint(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "state.db"))
	k := store.CheckpointKey{Job: "j", Stream: "s", Partition: "p"}
	c, _, err := s.Bind(b.Context(), store.BindCheckpoint{CheckpointKey: k, Run: "r", Term: 1, Attempt: "a", Owner: "o"})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w := store.MoveCheckpoint{
			CheckpointKey: k, Run: "r", Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: c.Seq + 1, PrevPos: c.Position, Position: fmt.Sprint(c.Seq),
			Counters: store.Counters{Read: 1000, Loaded: 998, Failed: 2, Batches: 1},
			Failures: []store.Failure{{Index: 1, Code: "DataInvalid"}, {Index: 2, Code: "DataInvalid"}},
			Steps:    []store.StepExecution{{ID: fmt.Sprint(c.Seq), Job: "j", Run: "r", Step: "load"}},
		}
		if c, _, err = s.Checkpoint(b.Context(), w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStore_Lock(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "state.db"))
	if _, _, err := s.Acquire(b.Context(), store.TakeLock{Job: "j", Run: "r", MaxTries: 3}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Lock(b.Context(), "j"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmarks(b, open(b, filepath.Join(b.TempDir(), "state.db")))
}
