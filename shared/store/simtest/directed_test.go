package simtest

import (
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// directed is a schedule that is written down, for rules whose absence random schedules hardly ever notice: two full runs, the first of which
// loses the job to the second while a request of it is under way.
type directed struct {
	*testing.T
	w *world
	d *fenced
	p store.Protocol
}

// newDirected makes a world with one fenced destination and two records, one in each partition, that it takes.
func newDirected(t *testing.T, without Rule) *directed {
	t.Helper()
	w := newWorld(t.Context(), Options{Without: without}, 3)
	w.source, w.poison, w.calm = map[string][]record{}, false, true
	d := newFenced("a")
	w.targets = []target{d}
	for _, part := range []string{"p0", "p1"} {
		w.source[part] = []record{{part: part, key: part + "-k0"}}
	}
	var err error
	if w.backend, err = InMemory(without).Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	w.plain = w.backend.Plain()
	return &directed{T: t, w: w, d: d, p: store.Protocol{Store: w.plain, Prover: w, Now: start, NewRVN: func() string { return "rvn" }, Jitter: noJitter}}
}

func (x *directed) ok(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// begin lets a run take the job, from one whose execution ended, and claim its once-per-run work as plan does.
func (x *directed) begin(run string) *actor {
	x.Helper()
	for _, e := range x.w.executions {
		e.running = false
	}
	e := &execution{run: run, running: true, leg: 1}
	x.w.executions = append(x.w.executions, e)
	a := x.w.newActor(&task{x: e, kind: "plan", epoch: store.Epoch(0, 1, 0, 0), cause: store.Epoch(0, 1, 0, 0), entered: start()})
	a.p = x.p
	taken, err := x.p.Take(x.Context(), store.TakeRequest{
		Job: x.w.job, Run: run, Epoch: a.t.epoch, Holder: holder(e), LeaseUntil: start().Add(lease), MaxTries: 9,
	})
	x.ok(err)
	if taken.Outcome != store.OutcomeAcquired {
		x.Fatalf("run %s: %s", run, taken.Outcome)
	}
	e.term = taken.Lock.Term
	c := x.bind(a, store.CommitPartition)
	if x.w.without == CommitClaim {
		x.d.claimant = run
		return a
	}
	x.ok(x.d.claim(x.w, c, run))
	return a
}

func (x *directed) bind(a *actor, part string) store.Checkpoint {
	x.Helper()
	a.t.retry++ // each bind is an attempt of its own
	c, err := a.bind(x.Context(), part)
	x.ok(err)
	x.w.observe(a.t.x.run + " binds " + part)
	return c
}

// cut makes the batch of all that a partition holds now.
func (x *directed) cut(part string) *batch {
	rows := x.w.source[part]
	return &batch{name: part, part: part, seq: 1, end: position(len(rows)), rows: rows[:len(rows):len(rows)], last: true}
}

// load writes a batch and moves the checkpoint to the partition's end.
func (x *directed) load(a *actor, c store.Checkpoint, b *batch) {
	x.Helper()
	_, err := x.d.write(x.w, load{c: c, b: b, run: a.t.x.run})
	x.ok(err)
	a.t.part = b.part
	_, err = x.p.Commit(x.Context(), a.move(c, b, nil))
	x.ok(err)
	x.w.observe(a.t.x.run + " commits " + b.part)
}

// breaks checks which invariant the schedule has broken; 0 none.
func (x *directed) breaks(want int) {
	x.Helper()
	x.ok(x.w.broken)
	got := 0
	if v := x.w.violation; v != nil {
		got = v.Invariant
		x.Log(v)
	}
	if got != want {
		x.Errorf("broken invariant: %d, want %d", got, want)
	}
}

// TestDirected_Claim freezes the first run before its swap; the second takes the job and plans. The claim of its plan is what refuses the
// first run's swap.
func TestDirected_Claim(t *testing.T) {
	for rule, invariant := range map[Rule]int{CommitClaim: 4, "": 0} {
		t.Run("without "+string(rule), func(t *testing.T) {
			x := newDirected(t, rule)
			first := x.begin("r1")
			for _, part := range []string{"p0", "p1"} {
				x.load(first, x.bind(first, part), x.cut(part))
			}
			frozen := x.bind(first, store.CommitPartition) // finish: everything is drained
			x.begin("r2")
			err := x.d.swap(x.w, frozen, "r1")
			if rule == "" && !fault.Has(err, fault.Superseded) {
				t.Errorf("the late swap: %v", err)
			}
			x.breaks(invariant)
		})
	}
}

// TestDirected_Staging lets a batch of the first run arrive when the second has planned and not yet written that partition. The source has
// grown since the second run cut its batch: with one staging for all runs, its swap brings in a record that it never committed.
func TestDirected_Staging(t *testing.T) {
	for rule, invariant := range map[Rule]int{CommitStaging: 1, "": 0} {
		t.Run("without "+string(rule), func(t *testing.T) {
			x := newDirected(t, rule)
			first := x.begin("r1")
			late := x.bind(first, "p1")
			second := x.begin("r2")
			c0, c1 := x.bind(second, "p0"), x.bind(second, "p1")
			b0, b1 := x.cut("p0"), x.cut("p1")
			x.w.source["p1"] = append(x.w.source["p1"], record{part: "p1", index: 1, key: "p1-k1"})
			_, err := x.d.write(x.w, load{c: late, b: x.cut("p1"), run: "r1"})
			x.ok(err)
			x.load(second, c0, b0)
			x.load(second, c1, b1)
			x.ok(x.d.swap(x.w, x.bind(second, store.CommitPartition), "r2"))
			x.breaks(invariant)
		})
	}
}
