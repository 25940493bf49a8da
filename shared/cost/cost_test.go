package cost_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/cost"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/step"
)

// TestCount: what is put together from parts is what a walk of the whole counts, however many partitions and legs there are.
func TestCount(t *testing.T) {
	for name, w := range map[string]cost.Work{
		"one batch":         {Partitions: []int64{1}},
		"nothing":           {},
		"all steps":         {Transform: true, Validate: true, Partitions: []int64{3, 1, 7}},
		"transform":         {Transform: true, Partitions: []int64{2, 2}},
		"validate":          {Validate: true, Partitions: []int64{5}},
		"three legs":        {Partitions: []int64{int64(step.Budget(1))*2 + 5}},
		"later legs differ": {Transform: true, Partitions: []int64{1, int64(step.Budget(2)) + 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := cost.Count(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			budget := max(step.Budget(len(w.Partitions)), 1)
			want, err := cost.Walk(t.Context(), w, budget)
			if err != nil {
				t.Fatal(err)
			}
			if got.Transitions != want.Transitions {
				t.Errorf("%d transitions, walked %d", got.Transitions, want.Transitions)
			}
			for step, n := range want.Invocations {
				if got.Invocations[step] != n {
					t.Errorf("%s: %d invocations, walked %d", step, got.Invocations[step], n)
				}
			}
			var turns int64
			for _, n := range w.Partitions {
				turns += n
			}
			if got.Turns != turns || got.Invocations["load"] != turns {
				t.Errorf("%+v, want %d turns", got, turns)
			}
		})
	}
}

// TestCount_Turn: a turn costs what the design says: three transitions without the optional steps, six with both.
func TestCount_Turn(t *testing.T) {
	for _, c := range []struct {
		optional bool
		want     int64
	}{{false, 3}, {true, 6}} {
		count := func(n int64) int64 {
			got, err := cost.Count(t.Context(), cost.Work{Transform: c.optional, Validate: c.optional, Partitions: []int64{n}})
			if err != nil {
				t.Fatal(err)
			}
			return got.Transitions
		}
		if got := count(5) - count(4); got != c.want {
			t.Errorf("optional steps %t: a turn takes %d transitions, want %d", c.optional, got, c.want)
		}
	}
}

func TestPrice(t *testing.T) {
	p := cost.Pieces{Transitions: 4000, Requests: 1_000_000, GBSeconds: 1000, WriteUnits: 2_000_000, ReadUnits: 1_000_000, S3Writes: 1000, S3Reads: 10_000}
	l := cost.Prices{Region: "r", Date: "d", Transitions: 0.025, Requests: 0.2, GBSeconds: 0.00001, WriteUnits: 0.625, ReadUnits: 0.125, S3Writes: 0.005, S3Reads: 0.0004}
	want := cost.Bill{StepFunctions: 0.1, Lambda: 0.21, DynamoDB: 1.375, S3: 0.009, Total: 1.694}
	near := cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })
	if d := cmp.Diff(cost.Price(p, l), want, near); d != "" {
		t.Error(d)
	}
}

func TestPieces(t *testing.T) {
	w := cost.Work{Transform: true, Partitions: []int64{10}}
	c, err := cost.Count(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	here, there := cost.PiecesOf(c, w, 1000, cost.Objects{}), cost.PiecesOf(c, w, 1000, cost.Objects{Source: true, Destinations: 1})
	if here.S3Writes != 20 || here.S3Reads != 20 || there.S3Writes != 40 || there.S3Reads != 40 {
		t.Errorf("got %+v and %+v", here, there)
	}
	if more := cost.PiecesOf(c, w, 2_000_000, cost.Objects{}); more.GBSeconds <= here.GBSeconds || more.Transitions != here.Transitions {
		t.Errorf("more records take %+v, fewer %+v", more, here)
	}
}

func TestReadPrices(t *testing.T) {
	const all = `{"region":"eu-central-1","date":"2025-05","transitions":1,"requests":1,"gb_seconds":1,"write_units":1,"read_units":1,"s3_writes":1,"s3_reads":1}`
	if p, err := cost.ReadPrices([]byte(all)); err != nil || p.Region != "eu-central-1" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, bad := range []string{"", "{}", `{"region":"x","date":"y","transitions":1}`} {
		if _, err := cost.ReadPrices([]byte(bad)); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
