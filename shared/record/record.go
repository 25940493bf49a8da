// Package record holds a batch of records as Apache Arrow columns: the column types and their lossless text, JSON and Go forms,
// what became of each original record (active, filtered, rejected), and the Arrow file that a batch is stored as. It moves
// nothing and decides nothing. Every package may import it.
package record

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// Batch is the records of one turn: the rows that are still active, and what became of the original records. Each original is
// exactly one of: active (it has rows), rejected, or filtered (neither). A Batch is immutable; its methods answer new ones. The
// zero value is a batch of nothing.
type Batch struct {
	Schema Schema
	Rows   arrow.RecordBatch // the active rows; nil when Schema is empty
	// Origin[i] is the index of the original record that row i came from, ascending; nil means i itself.
	Origin []int32
	// Read counts the original records, indices 0 … Read-1.
	Read int
	// Rejects are the originals that failed, by ascending index, each once.
	Rejects []Reject
	// Warned counts records that broke a rule of severity warn.
	Warned int
	// Start and End are the positions before the first and behind the last original; opaque text of the source, at most 512 bytes.
	Start, End string
	// Positions gives the position behind each original; only a batch as extracted has them, else nil.
	Positions Positions
	// Last says that the source has nothing behind this batch.
	Last bool
}

// Positions gives the position behind each original record of a batch.
type Positions interface {
	Len() int
	At(i int) string
}

// Offsets are positions that share a prefix and differ in a number.
type Offsets struct {
	Prefix string
	Ends   []int64
}

// Len counts the positions.
func (o Offsets) Len() int { return len(o.Ends) }

// At gives the position behind record i.
func (o Offsets) At(i int) string { return fmt.Sprintf("%s%d", o.Prefix, o.Ends[i]) }

// Texts are positions kept one by one.
type Texts []string

// Len counts the positions.
func (t Texts) Len() int { return len(t) }

// At gives the position behind record i.
func (t Texts) At(i int) string { return t[i] }

// Reject is an original record that failed, with its reason.
type Reject struct {
	Index    int             `json:"index"` // of the original in its batch
	Phase    string          `json:"phase"` // extract | transform | validate | load
	Code     string          `json:"code"`
	Rule     string          `json:"rule,omitempty"` // name of the transform or rule
	Message  string          `json:"message"`
	Tries    int             `json:"tries,omitempty"`
	Key      string          `json:"key,omitempty"`      // compact JSON array of the key's values
	Snapshot json.RawMessage `json:"snapshot,omitempty"` // the record before the failing step
	Raw      string          `json:"raw,omitempty"`      // text that could not be parsed
}

// Refusal says why a row of a batch cannot go on.
type Refusal struct {
	Row     int // in Rows
	Code    string
	Rule    string
	Message string
	Tries   int
}

// New makes a batch of originals, all active.
func New(schema Schema, rows arrow.RecordBatch) Batch {
	b := Batch{Schema: schema, Rows: rows}
	b.Read = b.Len()
	return b
}

// Len counts the active rows.
func (b Batch) Len() int {
	if b.Rows == nil {
		return 0
	}
	return int(b.Rows.NumRows())
}

// Size is how many bytes the rows take in memory.
func (b Batch) Size() int {
	if b.Rows == nil {
		return 0
	}
	return sizeOf(b.Rows.Columns())
}

// OriginOf gives the index of the original that row i came from.
func (b Batch) OriginOf(row int) int {
	if b.Origin == nil {
		return row
	}
	return int(b.Origin[row])
}

// RowOf gives the first row of an original, or -1 when it has none.
func (b Batch) RowOf(original int) int {
	if b.Origin == nil {
		if original < b.Len() {
			return original
		}
		return -1
	}
	if i, ok := slices.BinarySearch(b.Origin, int32(original)); ok {
		return i
	}
	return -1
}

// Active counts the originals that still have rows.
func (b Batch) Active() int {
	if b.Origin == nil {
		return b.Len()
	}
	n, last := 0, int32(-1)
	for _, o := range b.Origin {
		if o != last {
			n, last = n+1, o
		}
	}
	return n
}

// Filtered counts the originals that are neither active nor rejected.
func (b Batch) Filtered() int { return b.Read - b.Active() - len(b.Rejects) }

// Column gives a column and its type by name.
func (b Batch) Column(name string) (arrow.Array, Type, bool) {
	i := b.Schema.Index(name)
	if i < 0 || b.Rows == nil {
		return nil, Type{}, false
	}
	return b.Rows.Column(i), b.Schema.Columns[i].Type, true
}

// Keep answers the batch with the rows at the given indices only, ascending; originals that lose all their rows are filtered.
func (b Batch) Keep(rows []int32) Batch {
	if len(rows) == b.Len() {
		return b
	}
	origin := make([]int32, len(rows))
	for i, r := range rows {
		origin[i] = int32(b.OriginOf(int(r)))
	}
	b.Rows, b.Origin = TakeRows(b.Rows, rows), origin
	return b
}

// With answers the batch with other columns for the same rows.
func (b Batch) With(schema Schema, rows arrow.RecordBatch) Batch {
	b.Schema, b.Rows = schema, rows
	return b
}

// Split answers the batch with new rows, parents[i] being the row of b that new row i came from, ascending.
func (b Batch) Split(schema Schema, rows arrow.RecordBatch, parents []int32) Batch {
	origin := make([]int32, len(parents))
	for i, p := range parents {
		origin[i] = int32(b.OriginOf(int(p)))
	}
	b.Schema, b.Rows, b.Origin = schema, rows, origin
	return b
}

// Refuse answers the batch without the originals of the refused rows, which become rejects of the phase. All rows of an original go
// together; the first refusal of an original is its reason. The snapshot is the row as it is in b, or, when whole is given, the
// original's first row in whole: the batch as it was before any split.
func (b Batch) Refuse(phase string, refusals []Refusal, key []string, whole *Batch) Batch {
	if len(refusals) == 0 {
		return b
	}
	refusals = slices.Clone(refusals)
	slices.SortStableFunc(refusals, func(x, y Refusal) int { return x.Row - y.Row })
	gone := make(map[int]bool, len(refusals))
	rejects := slices.Clone(b.Rejects)
	for _, r := range refusals {
		origin := b.OriginOf(r.Row)
		if gone[origin] {
			continue
		}
		gone[origin] = true
		from, row := &b, r.Row
		if whole != nil && whole.RowOf(origin) >= 0 {
			from, row = whole, whole.RowOf(origin)
		}
		rejects = append(rejects, Reject{
			Index: origin, Phase: phase, Code: r.Code, Rule: r.Rule, Message: r.Message, Tries: r.Tries,
			Key: from.Key(row, key), Snapshot: from.JSON(row),
		})
	}
	slices.SortFunc(rejects, func(x, y Reject) int { return x.Index - y.Index })
	keep := make([]int32, 0, b.Len())
	for row := range b.Len() {
		if !gone[b.OriginOf(row)] {
			keep = append(keep, int32(row))
		}
	}
	out := b.Keep(keep)
	out.Rejects = rejects
	return out
}

// IsSplit says whether some original has more than one row.
func (b Batch) IsSplit() bool {
	for i := 1; i < len(b.Origin); i++ {
		if b.Origin[i] == b.Origin[i-1] {
			return true
		}
	}
	return false
}

// Key gives the row's values of the key's columns as a compact JSON array, or "" when there is no key or a column is missing.
func (b Batch) Key(row int, key []string) string {
	if len(key) == 0 {
		return ""
	}
	out := []byte{'['}
	for i, name := range key {
		col, typ, ok := b.Column(name)
		if !ok {
			return ""
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendJSON(out, col, typ, row)
	}
	return string(append(out, ']'))
}

// JSON gives a row as a compact JSON object, columns in order.
func (b Batch) JSON(row int) json.RawMessage {
	out := []byte{'{'}
	for i, c := range b.Schema.Columns {
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendQuoted(out, c.Name)
		out = append(out, ':')
		out = AppendJSON(out, b.Rows.Column(i), c.Type, row)
	}
	return append(out, '}')
}
