package storetest

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep-data/lockstep/shared/store"
)

// TestLinearModel shows the checker two acquires of one free lock: both applied is no history of any store, one refused by the other is one.
func TestLinearModel(t *testing.T) {
	take := func(run string) question {
		return question{kind: "acquire", take: store.TakeLock{Run: run, RVN: run, Epoch: epoch1, Seen: store.Lock{Status: store.Pending}}}
	}
	held := func(run string) store.Lock {
		return store.Lock{Status: store.InProgress, Term: 1, Run: run, RVN: run, Epoch: epoch1}
	}
	first := porcupine.Operation{ClientId: 0, Input: take("a"), Output: answer{applied: true, lock: held("a")}, Call: 1, Return: 4}
	for name, c := range map[string]struct {
		second answer
		want   bool
	}{
		"both applied": {answer{applied: true, lock: held("b")}, false},
		"refused, and shown nothing of the first": {answer{lock: store.Lock{Status: store.Pending}}, false},
		"refused by the first":                    {answer{lock: held("a")}, true},
	} {
		ops := []porcupine.Operation{first, {ClientId: 1, Input: take("b"), Output: c.second, Call: 2, Return: 3}}
		if got := porcupine.CheckOperations(linearModel(), ops); got != c.want {
			t.Errorf("%s: linearizable %v, want %v", name, got, c.want)
		}
	}
}
