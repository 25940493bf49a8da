package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/store"
)

// Benchmarks measures what a run does most, over a store that is empty.
func Benchmarks(b *testing.B, s store.Store) {
	b.Run("AcquireRelease", func(b *testing.B) { acquireRelease(b, s) })
	b.Run("BindCheckpoint", func(b *testing.B) { bindCheckpoint(b, s) })
}

// acquireRelease takes a job's lock and gives it back.
func acquireRelease(b *testing.B, s store.Store) {
	seen, err := s.Lock(b.Context(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		run := fmt.Sprintf("r%d", n)
		w := store.TakeLock{Job: "bench", Run: run, RVN: run, Epoch: epoch1, Holder: "exec", Seen: seen, Now: Start(), LeaseUntil: Start().Add(time.Minute), MaxTries: 3}
		l, applied, err := s.Acquire(b.Context(), w)
		if err != nil || !applied {
			b.Fatalf("acquire: %v, %v", applied, err)
		}
		if seen, applied, err = s.Release(b.Context(), store.ReleaseLock{Holding: holding(l), Now: Start()}); err != nil || !applied {
			b.Fatalf("release: %v, %v", applied, err)
		}
	}
}

// bindCheckpoint is the state's part of one turn: bind a partition and move its checkpoint, with the four step executions of a turn.
func bindCheckpoint(b *testing.B, s store.Store) {
	term := time.Now().UnixNano() // later than that of an earlier round
	for n := 0; b.Loop(); n++ {
		if err := turn(b, s, term, n); err != nil {
			b.Fatal(err)
		}
	}
}

// turn binds and moves a checkpoint once.
func turn(t testing.TB, s store.Store, term int64, n int) error {
	t.Helper()
	att := store.Attempt(epoch1, Start().Add(time.Duration(n)*time.Second), 0)
	k := store.CheckpointKey{Job: "bench", Stream: "orders", Partition: "2026-03"}
	c, applied, err := s.Bind(t.Context(), store.BindCheckpoint{
		CheckpointKey: k, Run: "20260301T120000Z-0a1b2c3d", Term: term, Attempt: att, Owner: store.Owner("20260301T120000Z-0a1b2c3d", att, "5f0a7e52c1d94a5e"), Now: Start(),
	})
	if err != nil || !applied {
		return fmt.Errorf("bind: applied %v: %w", applied, err)
	}
	w := store.MoveCheckpoint{
		CheckpointKey: k, Run: c.Run, Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: c.Seq + 1, PrevPos: c.Position,
		Position: fmt.Sprintf(`{"cursor":"2026-03-01T12:00:00Z","key":%d}`, c.Seq), Schema: "sha256:0123456789abcdef", Window: "AAAAAAAAAAAA", Now: Start(),
		Counters: store.Counters{Read: 1000, Loaded: 1000, Inserted: 900, Updated: 100, Batches: 1, Bytes: 123456},
	}
	for _, step := range []string{"extract", "transform", "validate", "load"} {
		w.Steps = append(w.Steps, store.StepExecution{
			ID: "bench_step_" + step + "_exec_" + c.Run + "#" + att + "#orders#2026-03", Job: k.Job, Run: c.Run, Step: step, Stream: k.Stream,
			Partition: k.Partition, Seq: w.Seq, Attempt: att, Status: "completed", Records: 1000, StartedAt: Start(), EndedAt: Start().Add(time.Second),
		})
	}
	if _, applied, err = s.Checkpoint(t.Context(), w); err != nil || !applied {
		return fmt.Errorf("checkpoint: applied %v: %w", applied, err)
	}
	return nil
}

// Turn makes all calls of one turn of a partition whose job uses every step: four steps that look at the lock, one of which makes the lease
// longer, the checkpoint that extract reads, bind and checkpoint. It answers what the store says that it cost.
func Turn(t *testing.T, s store.Store) store.Units {
	t.Helper()
	l, applied, err := s.Acquire(t.Context(), store.TakeLock{
		Job: "bench", Run: "20260301T120000Z-0a1b2c3d", RVN: "5f0a7e52c1d94a5e5f0a7e52c1d94a5e", Epoch: epoch1, MaxTries: 3, Now: Start(), LeaseUntil: Start().Add(time.Minute),
		Holder: "arn:aws:states:eu-central-1:123456789012:execution:sync:20260301T120000Z-0a1b2c3d",
	})
	if err != nil || !applied {
		t.Fatalf("acquire: %v, %v", applied, err)
	}
	if err := turn(t, s, l.Term, 0); err != nil { // the partition and the run's item are there then, as in most turns
		t.Fatal(err)
	}
	meter := s.(store.Metered)
	before := meter.Spent()
	for range 4 {
		if _, err := s.Lock(t.Context(), "bench"); err != nil {
			t.Fatal(err)
		}
	}
	if _, applied, err = s.Lease(t.Context(), holding(l), Start().Add(2*time.Minute)); err != nil || !applied {
		t.Fatalf("lease: %v, %v", applied, err)
	}
	if _, err := s.ReadCheckpoint(t.Context(), store.CheckpointKey{Job: "bench", Stream: "orders", Partition: "2026-03"}); err != nil {
		t.Fatal(err)
	}
	if err := turn(t, s, l.Term, 1); err != nil {
		t.Fatal(err)
	}
	return meter.Spent().Since(before)
}
