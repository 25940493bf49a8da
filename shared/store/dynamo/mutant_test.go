package dynamo_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
	"github.com/lockstep-data/lockstep/shared/store/simtest"
)

// mutant is a rule of the protocol that is left out: in the steps, or in what DynamoDB is asked.
type mutant struct {
	name      string
	step      simtest.Rule
	write     func(modeltest.Mutation)
	forget    bool
	seed      uint64 // the first that finds it
	invariant int    // the one that it breaks there
}

// isLock and isCheckpoint tell the items that rules are about.
func isLock(m modeltest.Mutation) bool       { return strings.HasPrefix(m.Key(), "LOCK#") }
func isCheckpoint(m modeltest.Mutation) bool { return strings.HasPrefix(m.Key(), "CKPT#") }

// What a write on a lock is, by what it sets.
func isAcquire(m modeltest.Mutation) bool { return isLock(m) && m.Touches("rvn") && !m.Tests("rvn") }
func isSteal(m modeltest.Mutation) bool   { return isLock(m) && m.Touches("rvn") && m.Tests("rvn") }
func isRetake(m modeltest.Mutation) bool {
	return isLock(m) && m.Touches("epoch") && m.Touches("holder") && !m.Touches("rvn")
}
func isRelease(m modeltest.Mutation) bool {
	to, _ := m.Sets("status")
	return isLock(m) && (to == "SUCCEEDED" || to == "FAILED")
}
func isLease(m modeltest.Mutation) bool {
	return isLock(m) && m.Touches("lease_until") && !m.Touches("status")
}
func isBind(m modeltest.Mutation) bool { return isCheckpoint(m) && m.Touches("attempt") }
func isMove(m modeltest.Mutation) bool { return isCheckpoint(m) && m.Touches("total") }

// when makes a mutant's change where a write is one of its kind.
func when(is func(modeltest.Mutation) bool, do func(modeltest.Mutation)) func(modeltest.Mutation) {
	return func(m modeltest.Mutation) {
		if is(m) {
			do(m)
		}
	}
}

// ignore leaves comparisons out of a condition.
func ignore(names ...string) func(modeltest.Mutation) {
	return func(m modeltest.Mutation) { m.Ignore(names...) }
}

// keep leaves acts out of an update.
func keep(names ...string) func(modeltest.Mutation) {
	return func(m modeltest.Mutation) { m.Keep(names...) }
}

// mutants are the rules of docs/protocol.md that a schedule can leave out.
func mutants() []mutant {
	return []mutant{
		{name: "BIND without term", seed: 1, invariant: 7, write: when(isBind, ignore("term"))},
		{name: "BIND without attempt", seed: 1, invariant: 4, write: when(isBind, ignore("attempt"))},
		{name: "CHECKPOINT without fence and owner", seed: 12, invariant: 3, write: when(isMove, ignore("fence", "owner"))},
		{name: "CHECKPOINT without seq, position and token", seed: 5, invariant: 3, write: when(isMove, ignore("seq", "position")), forget: true},
		{name: "lock row deleted on release", seed: 1, invariant: 8, write: when(isRelease, modeltest.Mutation.Delete)},
		{name: "RELEASE without conditions", seed: 1, invariant: 8, write: when(isRelease, modeltest.Mutation.Always)},
		{name: "LEASE may shorten", seed: 1, invariant: 8, write: when(func(m modeltest.Mutation) bool { return isLease(m) || isRetake(m) }, ignore("lease_until"))},
		{name: "RETAKE counts no try", seed: 20, invariant: 9, write: when(isRetake, keep("tries"))},
		{name: "tries only where an exception is caught", seed: 6, invariant: 9, write: when(func(m modeltest.Mutation) bool { return isAcquire(m) || isSteal(m) || isRetake(m) }, func(m modeltest.Mutation) { m.Zero("tries") })},
		{name: "stop kept by ACQUIRE", seed: 5, invariant: 9, write: when(isAcquire, keep("stop"))},
		{name: "stop kept by redrive", seed: 15, invariant: 9, write: when(isRetake, keep("stop"))},
		{name: "RELEASE that clears the lease", seed: 1, invariant: 8, write: when(isRelease, func(m modeltest.Mutation) { m.Zero("lease_until") })},
	}
}

// TestMutants plays the first seed that notices each rule that is left out of the store's conditions: it breaks the invariant, and the same
// seed holds with the rule. SIM_MUTANTS=n looks for the first seeds among n, for the table of docs/protocol.md.
func TestMutants(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if n := os.Getenv("SIM_MUTANTS"); n != "" {
				search(t, m, n)
				return
			}
			v, err := simtest.Play(t.Context(), simulated(m, true), m.seed)
			if err != nil {
				t.Fatal(err)
			}
			if v == nil || v.Invariant != m.invariant {
				t.Fatalf("seed %d: got %v, want a breach of invariant %d", m.seed, v, m.invariant)
			}
			if v, err = simtest.Play(t.Context(), simulated(mutant{}, true), m.seed); err != nil || v != nil {
				t.Errorf("with the rule: %v, %v", v, err)
			}
		})
	}
}

// raced is a Prover that says Dead of the epoch that it was asked about, and lets the run be redriven before it does: its execution had ended, and
// begins again while the answer is under way.
type raced struct{ redrive func() }

// Life implements store.Prover.
func (r *raced) Life(_ context.Context, l store.Lock) (store.Life, error) {
	if l.Epoch != store.Epoch(0, 1, 0, 0) {
		return store.Alive, nil
	}
	r.redrive()
	return store.Dead, nil
}

// TestMutants_Directed is the schedule for STEAL's epoch, which random ones hardly ever need: the redrive keeps term and rvn, so only the epoch
// tells the thief that its proof is of the time before (invariant 8).
func TestMutants_Directed(t *testing.T) {
	for name, mutate := range map[string]func(modeltest.Mutation){"with the rule": nil, "STEAL without seen epoch": when(isSteal, ignore("epoch"))} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			m := modeltest.New(modeltest.Options{Mutate: mutate})
			def := infra.StateTable()
			def.PointInTime = false
			if _, err := dynamo.Create(t.Context(), simClient(m), simTable, def); err != nil {
				t.Fatal(err)
			}
			s, err := dynamo.Open(t.Context(), dynamo.Options{Client: simClient(m), Table: simTable, Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			take := func(p store.Prover, run string, redrive int) store.Outcome {
				got, err := store.Protocol{Store: s, Prover: p, Now: func() time.Time { return now }, NewRVN: func() string { return run }}.Take(t.Context(), store.TakeRequest{
					Job: "j", Run: run, Epoch: store.Epoch(redrive, 1, 0, 0), Holder: "exec:" + run, LeaseUntil: now.Add(time.Minute), MaxTries: 9,
				})
				if err != nil {
					t.Fatal(err)
				}
				return got.Outcome
			}
			take(nil, "a", 0)
			thief := take(&raced{func() { take(nil, "a", 1) }}, "b", 0)
			l, err := s.Lock(t.Context(), "j")
			if err != nil {
				t.Fatal(err)
			}
			robbed := thief == store.OutcomeAcquired && l.Run == "b" // while the execution of a, redriven, lives
			if robbed != (mutate != nil) || !robbed && (thief != store.OutcomeHeld || l.Epoch != store.Epoch(1, 1, 0, 0)) {
				t.Errorf("b is %s, the lock is of run %s in epoch %s", thief, l.Run, l.Epoch)
			}
		})
	}
}

// search prints how many of n schedules notice the mutant, and the first that does.
func search(t *testing.T, m mutant, n string) {
	t.Helper()
	limit, err := strconv.ParseUint(n, 10, 64)
	if err != nil {
		t.Fatalf("SIM_MUTANTS=%q: %v", n, err)
	}
	count, first := 0, &simtest.Violation{}
	from, _ := seeds(t, 0)
	for seed := from; seed < from+limit; seed++ {
		v, err := simtest.Play(t.Context(), simulated(m, true), seed)
		if err != nil {
			t.Fatal(err)
		}
		if v != nil && count == 0 {
			first = v
		}
		if v != nil {
			count++
		}
	}
	t.Logf("| %s | %d of %d | %d | %d | %s", m.name, count, limit, first.Seed, first.Invariant, first.Text)
}
