package load

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// SnapshotBytes is how much of a failed record is kept with the failure; the batch's object holds the whole.
const SnapshotBytes = 4096

// count closes the batch's counters: each original is loaded, filtered or failed (invariant 5).
func (d *delivery) count() {
	c := &d.counts
	c.Read, c.Failed, c.Warned, c.Batches = int64(d.batch.Read), int64(len(d.batch.Rejects)), int64(d.batch.Warned), 1
	if d.tripped && d.batch.Read == 0 { // it only keeps the window shut, and is no progress that forgives a try
		c.Batches = 0
	}
	failed := make(map[int]bool, len(d.batch.Rejects))
	for _, r := range d.batch.Rejects {
		failed[r.Index] = true
	}
	for o := range d.loaded {
		if !failed[o] && o < d.batch.Read {
			c.Loaded++
		}
	}
	c.Filtered = c.Read - c.Failed - c.Loaded
}

// failures makes ledger entries of the batch's rejects.
func (d *delivery) failures() ([]store.Failure, error) {
	out := make([]store.Failure, len(d.batch.Rejects))
	for i, r := range d.batch.Rejects {
		snapshot, whole, err := Snapshot(r.Snapshot, d.plan.Key(), d.compiled.Mask)
		if err != nil {
			return nil, err
		}
		f := store.Failure{
			Index: r.Index, Key: r.Key, Phase: r.Phase, Code: r.Code, Rule: r.Rule, Message: d.Public(r.Message), Tries: max(r.Tries, 1),
			Snapshot: snapshot, Raw: cutText(r.Raw, SnapshotBytes),
		}
		if len(d.Job.OnFailure.Mask) > 0 {
			f.Raw = "" // what could not be parsed cannot be masked either
		}
		if !whole || len(f.Raw) < len(r.Raw) {
			f.Batch = step.Sibling(d.name, step.Extracted)
		}
		if slices.ContainsFunc(d.plan.Key(), func(k string) bool { return slices.Contains(d.Job.OnFailure.Mask, k) }) {
			f.Key = ""
		}
		out[i] = f
	}
	return out, nil
}

// field is one member of a record's JSON object.
type field struct {
	name  string
	value json.RawMessage
}

// Snapshot bounds a record's JSON object to SnapshotBytes: fields stay in order while they fit, the key's first, and __truncated__ is
// added. The values of masked fields are "***". It also says whether the record is whole.
func Snapshot(object json.RawMessage, key, mask []string) (json.RawMessage, bool, error) {
	if len(object) == 0 || (len(object) <= SnapshotBytes && len(mask) == 0) {
		return object, true, nil
	}
	fields, err := members(object)
	if err != nil {
		return nil, false, err
	}
	for i := range fields {
		if slices.Contains(mask, fields[i].name) {
			fields[i].value = json.RawMessage(`"***"`)
		}
	}
	if out := encode(fields, false); len(out) <= SnapshotBytes {
		return out, true, nil
	}
	const reserve = len(`,"__truncated__":true`)
	var kept []field
	size := 2 + reserve
	fits := func(f field) bool { return size+len(f.name)*6+len(f.value)+4 <= SnapshotBytes }
	for _, wanted := range []bool{true, false} {
		for _, f := range fields {
			if slices.Contains(key, f.name) == wanted && fits(f) {
				kept = append(kept, f)
				size += len(record.AppendQuoted(nil, f.name)) + len(f.value) + 2
			} else if !wanted && !slices.Contains(key, f.name) {
				return encode(kept, true), false, nil
			}
		}
	}
	return encode(kept, true), false, nil
}

func members(object json.RawMessage) ([]field, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var fields []field
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, field{name.(string), value})
	}
	return fields, nil
}

func encode(fields []field, truncated bool) json.RawMessage {
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(record.AppendQuoted(out, f.name), ':'), f.value...)
	}
	if truncated {
		if len(fields) > 0 {
			out = append(out, ',')
		}
		out = append(out, `"__truncated__":true`...)
	}
	return append(out, '}')
}

// cutText cuts a text to at most n bytes at a character's border.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
