package step_test

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
)

func TestEpochOf(t *testing.T) {
	last := ""
	for _, c := range []struct {
		name string
		call stage.Call
		want string
	}{
		{"leg 1", stage.Call{Execution: "sync:r", Leg: 1}, "0000#0001#0000#0000"},
		{"leg 2 is a child", stage.Call{Execution: "sync:r-l2-r0-t0", Leg: 2}, "0000#0002#0000#0000"},
		{"leg 2 redriven", stage.Call{Execution: "sync:r-l2-r0-t0", Leg: 2, Redrive: 1}, "0000#0002#0000#0001"},
		{"leg 2 started again", stage.Call{Execution: "sync:r-l2-r0-t1", Leg: 2}, "0000#0002#0001#0000"},
		{"the top behind leg 2", stage.Call{Execution: "sync:r", Leg: 2}, "0000#0003#0000#0000"},
		{"the top redriven", stage.Call{Execution: "sync:r", Leg: 1, Redrive: 1}, "0001#0001#0000#0000"},
		{"its leg 2", stage.Call{Execution: "sync:r-l2-r1-t0", Leg: 2}, "0001#0002#0000#0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := step.EpochOf(c.call)
			if got != c.want {
				t.Errorf("EpochOf = %s, want %s", got, c.want)
			}
			if got <= last {
				t.Errorf("%s does not come after %s", got, last)
			}
			last = got
		})
	}
}

func TestBudget(t *testing.T) {
	if got := step.Budget(0); got != 0 {
		t.Errorf("no partitions get %d turns", got)
	}
	for n := 1; n <= step.MaxPartitions; n++ {
		turns := step.Budget(n)
		// A run of the definition makes 31 + 11 a partition + 24 a turn, and 3 a retry.
		if events := 31 + n*11 + n*turns*(24+3); turns < 1 || events > 12_500 {
			t.Fatalf("%d partitions get %d turns each: %d events", n, turns, events)
		}
	}
}
