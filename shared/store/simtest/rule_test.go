package simtest_test

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/store/simtest"
)

// caught is the first seed that notices that a rule is left out, and the invariant that it breaks there.
type caught struct {
	seed      uint64
	invariant int
}

// TestRules_Caught plays the first seed of each rule without it, where it breaks its invariant, and with it, where everything holds.
// docs/protocol.md has the table.
func TestRules_Caught(t *testing.T) {
	table := firstSeeds()
	for _, r := range simtest.Rules() {
		want, ok := table[r]
		if !ok {
			continue // rare: docs/protocol.md says so
		}
		t.Run(string(r), func(t *testing.T) {
			v, err := simtest.Play(t.Context(), simtest.InMemory(r), want.seed)
			if err != nil {
				t.Fatal(err)
			}
			if v == nil || v.Invariant != want.invariant {
				t.Fatalf("seed %d without the rule: %v, want a breach of invariant %d", want.seed, v, want.invariant)
			}
			if v, err = simtest.Play(t.Context(), simtest.InMemory(""), want.seed); err != nil || v != nil {
				t.Errorf("seed %d with the rule: %v, %v", want.seed, v, err)
			}
		})
	}
}
