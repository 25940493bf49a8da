package simtest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// keyed is a database without transactions: a claim record for a partition, then rows that carry the version of their writer.
type keyed struct {
	id     string
	claims map[string]guard
	rows   map[string]row
}

type row struct {
	v    string // term, fence, seq, index
	id   string // of the record
	gone bool   // a tombstone
}

func newKeyed(id string) *keyed {
	return &keyed{id: id, claims: map[string]guard{}, rows: map[string]row{}}
}

func (d *keyed) name() string { return d.id }

func (d *keyed) steps(w *world, l load) []func() (*receipt, error) {
	out := []func() (*receipt, error){func() (*receipt, error) {
		g := d.claims[l.b.part]
		if w.without != GuardFence && (g.fence > l.c.Fence || g.fence == l.c.Fence && g.owner != l.c.Owner) {
			return nil, fault.New(fault.Superseded, "fence %d", g.fence)
		}
		d.claims[l.b.part] = guard{fence: max(g.fence, l.c.Fence), owner: l.c.Owner}
		return nil, nil
	}}
	return append(out, func() (*receipt, error) {
		for i, r := range l.b.rows {
			v := fmt.Sprintf("%06d %06d %06d %06d", l.c.Term, l.c.Fence, l.c.Seq+1, i)
			if w.without == VersionTerm {
				v = fmt.Sprintf("%06d %06d", l.c.Seq+1, i)
			}
			d.upsert(w, r, v)
		}
		return nil, nil
	})
}

func (d *keyed) upsert(w *world, r record, v string) {
	if old, ok := d.rows[r.key]; ok && old.v >= v && w.without != VersionTest {
		return
	}
	if r.gone && w.without == Tombstones {
		delete(d.rows, r.key)
		return
	}
	d.rows[r.key] = row{v: v, id: r.id(), gone: r.gone}
}

func (d *keyed) has(w *world, _ store.Checkpoint, r record) bool {
	got, ok := d.rows[r.key]
	return ok && rowIndex(got.id) >= r.index || r.gone && w.without == Tombstones
}

func (d *keyed) settled(w *world) string {
	last := map[string]record{}
	for _, rows := range w.source {
		for _, r := range rows {
			last[r.key] = r
		}
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		want, got := last[key], d.rows[key]
		if want.gone && (got.gone || got.id == "") || !want.gone && got.id == want.id() {
			continue
		}
		return fmt.Sprintf("key %s holds %s, want %s (gone: %v)", key, got.id, want.id(), want.gone)
	}
	return ""
}

// files are objects named by partition and seq, created only if absent; readers follow the manifest.
type files struct {
	id       string
	objects  map[string]string // base, partition, seq → batch
	manifest map[string]string // the same → object's batch
}

func newFiles(id string) *files {
	return &files{id: id, objects: map[string]string{}, manifest: map[string]string{}}
}

func (d *files) name() string { return d.id }

func entry(base, part string, seq int64) string { return fmt.Sprintf("%s %s %d", base, part, seq) }

func (d *files) steps(w *world, l load) []func() (*receipt, error) {
	at := entry(l.c.Base, l.b.part, l.c.Seq+1)
	out := []func() (*receipt, error){func() (*receipt, error) {
		_, found := d.objects[at]
		if !found {
			d.objects[at] = l.b.name
		}
		return &receipt{batch: d.objects[at], found: found}, nil
	}}
	if w.without == ManifestFirst {
		return out
	}
	return append(out, func() (*receipt, error) {
		d.publish(l.b.part, l.c.Base, l.c.Seq+1)
		return nil, nil
	})
}

// publish creates the manifest's entry if it is absent.
func (d *files) publish(part, base string, seq int64) {
	at := entry(base, part, seq)
	if d.manifest[at] == "" {
		d.manifest[at] = d.objects[at]
	}
}

func (d *files) has(w *world, c store.Checkpoint, r record) bool {
	b := w.blobs[d.manifest[entry(c.Base, c.Partition, c.Seq)]]
	return b != nil && slices.ContainsFunc(b.rows, func(o record) bool { return o.id() == r.id() })
}

func (d *files) settled(w *world) string {
	for part, c := range w.seen {
		if part == store.CommitPartition {
			continue
		}
		var got, want []string
		for seq := range c.Seq {
			if b := w.blobs[d.manifest[entry(c.Base, part, seq+1)]]; b != nil {
				for _, r := range b.rows {
					got = append(got, r.id())
				}
			}
		}
		for _, r := range w.source[part] {
			want = append(want, r.id())
		}
		if !slices.Equal(got, want) {
			return fmt.Sprintf("the manifest of %s leads to %v, want %v", part, got, want)
		}
	}
	return ""
}

// logged is a plain file or a queue: at least once.
type logged struct {
	id    string
	lines map[string]int
}

func newLogged(id string) *logged { return &logged{id: id, lines: map[string]int{}} }

func (d *logged) name() string { return d.id }

func (d *logged) steps(_ *world, l load) []func() (*receipt, error) {
	return []func() (*receipt, error){func() (*receipt, error) {
		for _, r := range l.b.rows {
			d.lines[r.id()]++
		}
		return nil, nil
	}}
}

func (d *logged) has(_ *world, _ store.Checkpoint, r record) bool { return d.lines[r.id()] > 0 }

func (d *logged) settled(w *world) string {
	for _, rows := range w.source {
		for _, r := range rows {
			if d.lines[r.id()] == 0 {
				return r.id() + " is missing"
			}
		}
	}
	return ""
}
