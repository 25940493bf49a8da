package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// load is a batch on its way to a destination, with what BIND answered.
type load struct {
	c   store.Checkpoint
	b   *batch
	run string
}

// receipt is what a destination knows about the seq: its batch and the rows that it refused.
type receipt struct {
	batch   string
	refused []string
	found   bool // it was there before
}

// target is a destination of one class of the protocol's table.
type target interface {
	name() string
	// steps are the requests that apply a batch, one after the other; the receipt is nil where the class keeps none.
	steps(w *world, l load) []func() (*receipt, error)
	// has says whether the record of a committed batch is durable there.
	has(w *world, c store.Checkpoint, r record) bool
	// settled says what is wrong with the content at the end; "" nothing.
	settled(w *world) string
}

// chooseDestinations gives the schedule two destinations; those with receipts come first.
func (w *world) chooseDestinations() {
	if w.full {
		w.targets = []target{newFenced("a"), newFenced("b")}[:1+w.rng.IntN(2)]
		return
	}
	w.targets = [][]target{
		{newFenced("a"), newFenced("b")}, {newFenced("a"), newKeyed("k")}, {newFiles("f"), newKeyed("k")}, {newFenced("a"), newLogged("l")},
		{newFenced("a"), newFiles("f")}, {newKeyed("k")}, {newFiles("f"), newLogged("l")},
	}[w.rng.IntN(7)]
}

// unfenced says whether a destination cannot check fences.
func (w *world) unfenced() bool {
	return slices.ContainsFunc(w.targets, func(t target) bool { _, ok := t.(*logged); return ok })
}

// fenced is a database with transactions: the guard's rule, the rows and the receipt together.
type fenced struct {
	id       string
	guards   map[string]guard
	rows     map[string][]string          // base, partition → ids of records in the order of their writing
	refused  map[string]bool              // base, id
	staging  map[string]map[string]string // run → id → base; of full runs
	target   map[string]bool              // ids after the last swap
	swaps    map[string]int               // run → how often
	swapped  bool
	claimant string // the run that claimed the stream last
}

type guard struct {
	fence    int64
	owner    string
	base     string
	seq      int64
	position string
	kept     receipt
	swapped  string
}

func newFenced(id string) *fenced {
	return &fenced{id: id, guards: map[string]guard{}, rows: map[string][]string{}, refused: map[string]bool{},
		staging: map[string]map[string]string{}, target: map[string]bool{}, swaps: map[string]int{}}
}

func (d *fenced) name() string { return d.id }

func (d *fenced) first() bool { return d.id == "a" }

func (d *fenced) steps(w *world, l load) []func() (*receipt, error) {
	return []func() (*receipt, error){func() (*receipt, error) { return d.write(w, l) }}
}

func (d *fenced) write(w *world, l load) (*receipt, error) {
	part := l.b.part
	g := d.guards[part]
	if g.base != l.c.Base {
		g.seq, g.position = 0, ""
	}
	if w.without != GuardFence && (g.fence > l.c.Fence || g.fence == l.c.Fence && g.owner != l.c.Owner) {
		return nil, fault.New(fault.Superseded, "fence %d", g.fence)
	}
	seq := l.c.Seq + 1
	if w.without != GuardSeq {
		switch {
		case g.seq == seq && g.base == l.c.Base:
			g.kept.found = true
			g.fence, g.owner = l.c.Fence, l.c.Owner
			d.guards[part] = g
			return &g.kept, nil
		case g.seq != l.c.Seq || g.position != l.b.start:
			return nil, fault.New(fault.DestinationBehind, "seq %d position %q", g.seq, g.position)
		}
	}
	w.check(g.fence <= l.c.Fence, 4, "%s: fence %d writes %s behind fence %d", d.id, l.c.Fence, part, g.fence)
	kept := receipt{batch: l.b.name}
	for _, r := range l.b.rows {
		if r.refused && d.first() {
			kept.refused = append(kept.refused, r.id())
			d.refused[l.c.Base+" "+r.id()] = true
			continue
		}
		if w.full {
			d.stage(w, l.run)[r.id()] = l.c.Base
			continue
		}
		at := l.c.Base + " " + part
		d.rows[at] = append(d.rows[at], r.id())
		if n := len(d.rows[at]); n > 1 {
			before := d.rows[at][n-2]
			w.check(rowIndex(before) < r.index, 6, "%s: %s is written after %s", d.id, r.id(), before)
		}
	}
	d.guards[part] = guard{fence: l.c.Fence, owner: l.c.Owner, base: l.c.Base, seq: seq, position: l.b.end, kept: kept}
	return &kept, nil
}

// stage gives the staging target of a run.
func (d *fenced) stage(w *world, run string) map[string]string {
	if w.without == CommitStaging {
		run = "all"
	}
	if d.staging[run] == nil {
		d.staging[run] = map[string]string{}
	}
	return d.staging[run]
}

// claim is plan's transaction: the guard of ~commit, and a staging of this run alone.
func (d *fenced) claim(w *world, c store.Checkpoint, run string) error {
	g := d.guards[store.CommitPartition]
	if g.fence > c.Fence || g.fence == c.Fence && g.owner != c.Owner {
		return fault.New(fault.Superseded, "fence %d", g.fence)
	}
	g.fence, g.owner = c.Fence, c.Owner
	d.guards[store.CommitPartition], d.claimant = g, run
	for other := range d.staging {
		if other != run && w.without != CommitStaging {
			delete(d.staging, other)
		}
	}
	if g.swapped != run {
		d.stage(w, run)
	}
	return nil
}

// swap is finish's transaction.
func (d *fenced) swap(w *world, c store.Checkpoint, run string) error {
	g := d.guards[store.CommitPartition]
	if w.without != CommitGuard && w.without != CommitBind && (g.fence > c.Fence || g.fence == c.Fence && g.owner != c.Owner) {
		return fault.New(fault.Superseded, "fence %d", g.fence)
	}
	if g.swapped == run && w.without != CommitSwapped {
		return nil
	}
	d.swaps[run]++
	w.check(d.swaps[run] == 1, 8, "%s: run %s is swapped in %d times", d.id, run, d.swaps[run])
	w.check(d.claimant == "" || d.claimant == run, 4, "%s: run %s is swapped in, but run %s has claimed the stream", d.id, run, d.claimant)
	d.whole(w, run)
	d.target = map[string]bool{}
	for id := range d.stage(w, run) {
		d.target[id] = true
	}
	delete(d.staging, run)
	d.guards[store.CommitPartition] = guard{fence: max(g.fence, c.Fence), owner: c.Owner, swapped: run}
	d.swapped = true
	return nil
}

// whole checks that what is swapped in is what the run committed.
func (d *fenced) whole(w *world, run string) {
	want := map[string]bool{}
	for i := range partitions {
		part := fmt.Sprint("p", i)
		c, ok := w.drained[run+" "+part]
		w.check(ok, 1, "%s: run %s is swapped in, but it never drained %s", d.id, run, part)
		for _, r := range w.source[part][:index(c.Position)] {
			if !d.refused[c.Base+" "+r.id()] {
				want[r.id()] = true
			}
		}
	}
	got := d.stage(w, run)
	for id := range want {
		w.check(got[id] != "", 1, "%s: run %s is swapped in without %s", d.id, run, id)
	}
	for _, id := range slices.Sorted(maps.Keys(got)) {
		w.check(want[id], 1, "%s: run %s is swapped in with %s, which it did not commit", d.id, run, id)
	}
}

func (d *fenced) has(w *world, c store.Checkpoint, r record) bool {
	if w.full && d.claimant != "" && d.claimant != c.Run {
		return true // a later run has dropped this one's staging: it can commit nothing more
	}
	if d.first() && r.refused {
		return d.refused[c.Base+" "+r.id()]
	}
	if w.full {
		return d.stage(w, c.Run)[r.id()] == c.Base
	}
	return slices.Contains(d.rows[c.Base+" "+c.Partition], r.id())
}

func (d *fenced) settled(w *world) string {
	if w.full {
		if !d.swapped {
			return "nothing was swapped in"
		}
		for _, rows := range w.source {
			for _, r := range rows {
				if d.target[r.id()] == (r.refused && d.first()) {
					return "the target is wrong about " + r.id()
				}
			}
		}
		return ""
	}
	for part, c := range w.seen {
		var want []string
		for _, r := range w.source[part] {
			if !r.refused || !d.first() {
				want = append(want, r.id())
			}
		}
		if got := d.rows[c.Base+" "+part]; part != store.CommitPartition && !slices.Equal(got, want) {
			return fmt.Sprintf("partition %s holds %v, want %v", part, got, want)
		}
	}
	return ""
}

// rowIndex is the place of a record in its partition, from its id.
func rowIndex(id string) int { return index(id[strings.LastIndexByte(id, ':')+1:]) }
