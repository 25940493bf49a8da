package step_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/asl/check"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/statemachine"
)

func sync(t *testing.T) []byte {
	t.Helper()
	text, err := statemachine.Sync(nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestQuotas_Leg: with any number of partitions that plan hands out, a leg with the turns that plan gives them stays within the quotas.
func TestQuotas_Leg(t *testing.T) {
	text := sync(t)
	for n := 0; n <= 2*step.MaxPartitions; n += 19 {
		bounds, err := step.Quotas(text, step.Load{Partitions: n})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range bounds {
			if b.Most > b.Limit || b.Most <= 0 {
				t.Errorf("%d partitions: %d %s: %v", n, b.Most, b.Quota, b.Problems())
			}
			if b.Quota == "events" && len(b.Problems()) > 0 {
				t.Errorf("%d partitions: something is not bounded: %v", n, b.Problems())
			}
		}
	}
}

// legs plays what plan does: each leg gets the first partitions that are not at their end, as many as there is room for, and each of these
// the turns of the budget. It gives how many legs there were.
func legs(batches []int64, item stage.PlanItem) int64 {
	for n := int64(1); ; n++ {
		room, leg := step.LegRoom(), []int{}
		for i, left := range batches {
			if left > 0 && !room.Full() {
				room.Take(item)
				leg = append(leg, i)
			}
		}
		if len(leg) == 0 {
			return n - 1
		}
		for _, i := range leg {
			batches[i] -= min(batches[i], int64(step.Budget(len(leg))))
		}
	}
}

// TestLegs: however the batches are spread over the partitions, plan needs no more legs than the checker is told.
func TestLegs(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	long := strings.Repeat("\x01", store.MaxPosition)
	for range 200 {
		item := stage.PlanItem{Stream: "s", Partition: "p"}
		if r.IntN(2) == 0 {
			item.Position = long
		}
		batches := make([]int64, 1+r.IntN(700))
		l := step.Load{Partitions: len(batches)}
		for i := range batches {
			batches[i] = 1
			if r.IntN(1+r.IntN(100)) == 0 {
				batches[i] += int64(r.IntN(1 + r.IntN(5000)))
			}
			l.Batches += batches[i]
		}
		if got, most := legs(batches, item), step.Legs(l); got > most {
			t.Fatalf("%d partitions with %d batches take %d legs, the checker is told %d", l.Partitions, l.Batches, got, most)
		}
	}
}

// TestRoom: what plan hands out is never more than its bytes, whatever the texts are.
func TestRoom(t *testing.T) {
	for _, position := range []string{"", "abc", strings.Repeat("x", store.MaxPosition), strings.Repeat("\x01", store.MaxPosition)} {
		room := step.LegRoom()
		p := stage.PlanResult{}
		for !room.Full() {
			item := stage.PlanItem{Stream: strings.Repeat("s", store.MaxKeyPart), Partition: strings.Repeat("p", store.MaxKeyPart), Seq: 1 << 60, Position: position}
			room.Take(item)
			p.Partitions = append(p.Partitions, item)
		}
		for i := range p.Partitions {
			p.Partitions[i].Budget = step.Budget(len(p.Partitions))
		}
		if n := jsonSize(t, p); n > step.MaxPlanBytes || len(p.Partitions) > step.MaxPartitions || len(p.Partitions) == 0 {
			t.Errorf("%d partitions with a position of %d bytes take %d bytes", len(p.Partitions), len(position), n)
		}
	}
}

// TestQuotas_Refused: a run of more batches than its execution can count is refused with the way there.
func TestQuotas_Refused(t *testing.T) {
	var l step.Load
	s := step.StreamPlan{}
	s.Plan.Records = 10_000_000
	s.Plan.Partitions = append(s.Plan.Partitions, s.Plan.Partitions...)
	l.Add(s, job.Batch{Records: 10})
	l.Partitions = 1
	bounds, err := step.Quotas(sync(t), l)
	if err != nil {
		t.Fatal(err)
	}
	problems := bounds[0].Problems()
	if len(problems) != 1 || problems[0].Severity != check.Error || !strings.Contains(problems[0].Hint, "NextLeg ") {
		t.Errorf("got %v", problems)
	}
	l.Batches /= 1000
	if bounds, err = step.Quotas(sync(t), l); err != nil || bounds[0].Most > bounds[0].Limit {
		t.Errorf("batches of 10,000 records: %v, %v", bounds[0].Problems(), err)
	}
}

func jsonSize(t *testing.T, v any) int {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}
