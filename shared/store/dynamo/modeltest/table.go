package modeltest

import (
	"maps"
	"slices"
	"strings"
)

// Sizes that DynamoDB bounds, in bytes.
const (
	maxItem     = 400 << 10
	maxHashKey  = 2048
	maxSortKey  = 1024
	maxPage     = 1 << 20
	maxTransact = 4 << 20
	maxBatch    = 16 << 20
)

// keyPart is an attribute of a key; the zero one stands for a sort key that a schema does not have.
type keyPart struct{ name, kind string }

// schema is the key of a table or of an index.
type schema struct{ hash, sort keyPart }

// index is a global secondary index. It is worked out from the items when it is asked.
type index struct {
	schema
	name       string
	projection string   // ALL, KEYS_ONLY, INCLUDE
	include    []string // of INCLUDE
}

// key is the text of an item's primary key, unique in its table.
type key string

// table holds the items of a table.
type table struct {
	schema
	name        string
	indexes     map[string]*index
	rows        map[key]item
	sorted      map[string][]item // of each hash key, by sort key
	undo        []change          // the last writes, newest last
	changes     map[string]int    // writes by hash key and the sort key's part before its first '#'
	version     int               // writes in all
	description map[string]any
	protected   bool
	ttl         string // the attribute of TTL; "" when it is off
}

// change is a write as it can be taken back: what was there before.
type change struct {
	key key
	old item // nil: nothing
}

// keep is how many writes an eventually consistent read may be behind.
const keep = 64

// parts are the key's attributes.
func (s schema) parts() []keyPart {
	if s.sort.name == "" {
		return []keyPart{s.hash}
	}
	return []keyPart{s.hash, s.sort}
}

// has says whether the attribute is part of the key.
func (s schema) has(name string) bool {
	return name != "" && (s.hash.name == name || s.sort.name == name)
}

// compare orders items of one hash key.
func (s schema) compare(a, b item) int {
	if s.sort.name == "" {
		return 0
	}
	return a[s.sort.name].compare(b[s.sort.name])
}

// keyOf gives the text of an item's key.
func (s schema) keyOf(it item) key {
	var b strings.Builder
	for _, p := range s.parts() {
		v := it[p.name]
		b.WriteString(v.text)
		b.WriteString("\x00|")
	}
	return key(b.String())
}

// keyItem gives only the attributes of the keys.
func keyItem(it item, schemas ...schema) item {
	out := item{}
	for _, s := range schemas {
		for _, p := range s.parts() {
			out[p.name] = it[p.name]
		}
	}
	return out
}

// checkKey checks the key attributes of an item that is to be written, or a key.
func (s schema) checkKey(it item) error {
	for i, p := range s.parts() {
		v, ok := it[p.name]
		if !ok {
			return refuse("One or more parameter values were invalid: Missing the key %s in the item", p.name)
		}
		if err := p.check(v, i == 0); err != nil {
			return err
		}
	}
	return nil
}

func (p keyPart) check(v value, hash bool) error {
	limit := maxSortKey
	if hash {
		limit = maxHashKey
	}
	switch {
	case v.kind != p.kind:
		return refuse("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", p.name, p.kind, v.kind)
	case v.text == "":
		return refuse("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty value. Key: %s", p.name)
	case v.kind != "N" && len(v.text) > limit:
		return refuse("One or more parameter values were invalid: Size of key %s has exceeded the maximum size limit of %d bytes", p.name, limit)
	}
	return nil
}

// checkExact checks a key that must have no other attributes.
func (s schema) checkExact(it item) error {
	if len(it) != len(s.parts()) {
		return refuse("The provided key element does not match the schema")
	}
	return s.checkKey(it)
}

// checkItem checks an item that is to be stored.
func (t *table) checkItem(it item) error {
	if err := t.checkKey(it); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(t.indexes)) {
		for i, p := range t.indexes[name].parts() {
			if v, ok := it[p.name]; ok {
				if err := p.check(v, i == 0); err != nil {
					return err
				}
			}
		}
	}
	for name := range it {
		if name == "" || len(name) > 65535 {
			return refuse("One or more parameter values were invalid: an attribute name may not be empty nor longer than 64 KB")
		}
	}
	if it.bytes() > maxItem {
		return refuse("Item size has exceeded the maximum allowed size")
	}
	return nil
}

// put stores an item, or deletes the one of the key when it is nil.
func (t *table) put(k key, it item) {
	old := t.rows[k]
	t.count(old)
	if old == nil {
		t.count(it)
	}
	t.undo = append(t.undo, change{k, old})
	if len(t.undo) > 2*keep {
		t.undo = slices.Clone(t.undo[keep:])
	}
	t.set(k, old, it)
}

// count counts a write of an item.
func (t *table) count(it item) {
	if it == nil {
		return
	}
	if t.changes == nil {
		t.changes = map[string]int{}
	}
	t.version++
	t.changes[area(it[t.hash.name].text, it[t.sort.name].text)]++
}

// area names the items of a hash key that share their sort key's first part.
func area(hash, sort string) string {
	first, _, _ := strings.Cut(sort, "#")
	return hash + "\x00" + first
}

func (t *table) set(k key, old, it item) {
	some := old
	if some == nil {
		some = it
	}
	if some == nil {
		return
	}
	hash := some[t.hash.name].text
	list := t.sorted[hash]
	at, found := slices.BinarySearchFunc(list, some, t.compare)
	switch {
	case it == nil:
		delete(t.rows, k)
		if list = slices.Delete(list, at, at+1); len(list) == 0 {
			delete(t.sorted, hash)
			return
		}
	case found:
		t.rows[k] = it
		list[at] = it
	default:
		t.rows[k] = it
		list = slices.Insert(list, at, it)
	}
	t.sorted[hash] = list
}

// before gives the table as it was n writes ago; for reads only.
func (t *table) before(n int) *table {
	n = min(n, len(t.undo), keep)
	if n <= 0 {
		return t
	}
	old := *t
	old.rows = maps.Clone(t.rows)
	old.sorted = make(map[string][]item, len(t.sorted))
	for hash, list := range t.sorted {
		old.sorted[hash] = slices.Clone(list)
	}
	for _, c := range slices.Backward(t.undo[len(t.undo)-n:]) {
		old.set(c.key, old.rows[c.key], c.old)
	}
	return &old
}

// indexed gives what an index keeps of an item; nil when the item lacks one of its keys.
func (t *table) indexed(x *index, it item) item {
	for _, p := range x.parts() {
		if v, ok := it[p.name]; !ok || v.kind != p.kind {
			return nil
		}
	}
	if x.projection == "ALL" {
		return it
	}
	out := keyItem(it, t.schema, x.schema)
	for _, name := range x.include {
		if v, ok := it[name]; ok {
			out[name] = v
		}
	}
	return out
}

// entries gives the entries of an index under one hash key, in order; entries of equal keys in the order of the table's keys.
func (t *table) entries(x *index, hash value) []item {
	var out []item
	for _, it := range t.rows {
		if v, ok := it[x.hash.name]; ok && v.equal(hash) {
			if e := t.indexed(x, it); e != nil {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b item) int {
		if c := x.compare(a, b); c != 0 {
			return c
		}
		return strings.Compare(string(t.keyOf(a)), string(t.keyOf(b)))
	})
	return out
}

// indexUnits is what a write costs in an index: one entry that appears, changes or goes; two when its key changes.
func (t *table) indexUnits(x *index, old, now item) float64 {
	var a, b item
	if old != nil {
		a = t.indexed(x, old)
	}
	if now != nil {
		b = t.indexed(x, now)
	}
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return units(b.bytes(), 1<<10)
	case b == nil:
		return units(a.bytes(), 1<<10)
	case a.equal(b):
		return 0
	case x.keyOf(a) != x.keyOf(b):
		return units(a.bytes(), 1<<10) + units(b.bytes(), 1<<10)
	}
	return units(max(a.bytes(), b.bytes()), 1<<10)
}

// units is how many begun units of a size there are, at least one.
func units(bytes, size int) float64 { return float64(max(1, (bytes+size-1)/size)) }
