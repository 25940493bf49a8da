// Package cell parses bytes straight into Arrow columns, without a string or an interface value per cell, and finds out which type
// holds a column's values. It accepts exactly what package record parses. Only the connector file imports it.
package cell

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Column collects the cells of one column. A cell that was added last can be taken back. Not safe for concurrent use.
type Column struct {
	typ    record.Type
	strict bool
	n      int
	nulls  int
	valid  []byte // bitmap; nil while nothing is null
	ints   []int64
	days   []int32
	floats []float64
	decs   []decimal128.Num
	bools  []byte // bitmap
	ends   []int32
	data   []byte // texts, bytes, UUIDs
}

// NewColumn makes an empty column. strict refuses floats that do not come out as they went in.
func NewColumn(t record.Type, strict bool) *Column {
	return &Column{typ: t, strict: strict}
}

// Type is the type of the column's cells.
func (c *Column) Type() record.Type { return c.typ }

// Len counts the cells.
func (c *Column) Len() int { return c.n }

// Bytes counts the bytes of texts, binary values and UUIDs.
func (c *Column) Bytes() int { return len(c.data) }

// Reserve makes room for rows cells with size bytes of text in all.
func (c *Column) Reserve(rows, size int) {
	switch c.typ.Kind {
	case record.Int, record.Time, record.Timestamp, record.TimestampTZ:
		c.ints = make([]int64, 0, rows)
	case record.Date:
		c.days = make([]int32, 0, rows)
	case record.Float:
		c.floats = make([]float64, 0, rows)
	case record.Decimal:
		c.decs = make([]decimal128.Num, 0, rows)
	case record.String, record.JSON, record.Bytes:
		c.ends, c.data = make([]int32, 0, rows), make([]byte, 0, size)
	case record.UUID:
		c.data = make([]byte, 0, rows*uuidSize)
	case record.Bool:
		c.bools = make([]byte, 0, (rows+7)/8)
	}
}

// Null adds a null.
func (c *Column) Null() {
	switch c.typ.Kind {
	case record.Int, record.Time, record.Timestamp, record.TimestampTZ:
		c.ints = append(c.ints, 0)
	case record.Date:
		c.days = append(c.days, 0)
	case record.Float:
		c.floats = append(c.floats, 0)
	case record.Decimal:
		c.decs = append(c.decs, decimal128.Num{})
	case record.String, record.JSON, record.Bytes:
		c.ends = append(c.ends, int32(len(c.data)))
	case record.Bool:
		c.bools = setBit(c.bools, c.n, false)
	case record.UUID:
		c.data = append(c.data, make([]byte, uuidSize)...)
	}
	if c.nulls == 0 {
		c.valid = allValid(c.n, cap(c.ints)+cap(c.days)+cap(c.floats)+cap(c.decs)+cap(c.ends))
	}
	c.valid = setBit(c.valid, c.n, false)
	c.nulls++
	c.n++
}

func allValid(n, room int) []byte {
	bits := make([]byte, 0, max(room, n+1)/8+1)
	for range n / 8 {
		bits = append(bits, 0xff)
	}
	if rest := n % 8; rest > 0 {
		bits = append(bits, byte(1<<rest)-1)
	}
	return bits
}

func setBit(bits []byte, i int, v bool) []byte {
	if i/8 >= len(bits) {
		bits = append(bits, 0)
	}
	if v {
		bits[i/8] |= 1 << (i % 8)
	} else {
		bits[i/8] &^= 1 << (i % 8)
	}
	return bits
}

// added notes that a value was appended.
func (c *Column) added() {
	if c.nulls > 0 {
		c.valid = setBit(c.valid, c.n, true)
	}
	c.n++
}

// Text adds the value whose text form is b, and answers false, nothing added, when b is not of the type. The text of a String or
// JSON column is taken as it is: the caller has checked its UTF-8.
func (c *Column) Text(b []byte) bool {
	switch c.typ.Kind {
	case record.Int:
		n, ok := ParseInt(b)
		if !ok {
			return false
		}
		c.ints = append(c.ints, n)
	case record.Float:
		f, ok := ParseFloat(b)
		if !ok || c.strict && !RoundTrips(b) {
			return false
		}
		c.floats = append(c.floats, f)
	case record.Decimal:
		d, ok := parseDecimal(b, c.typ)
		if !ok {
			return false
		}
		c.decs = append(c.decs, d)
	case record.String:
		c.data = append(c.data, b...)
		c.ends = append(c.ends, int32(len(c.data)))
	case record.JSON:
		if !validJSON(b) {
			return false
		}
		c.data = append(c.data, b...)
		c.ends = append(c.ends, int32(len(c.data)))
	case record.Bool:
		v, err := record.ParseBool(view(b))
		if err != nil {
			return false
		}
		c.bools = setBit(c.bools, c.n, v)
	default:
		return c.textTime(b)
	}
	c.added()
	return true
}

func (c *Column) textTime(b []byte) bool {
	switch c.typ.Kind {
	case record.Date:
		d, ok := ParseDate(b)
		if !ok {
			return false
		}
		c.days = append(c.days, d)
	case record.Timestamp, record.TimestampTZ:
		ts, ok := ParseTimestamp(b, c.typ.Kind == record.TimestampTZ)
		if !ok {
			return false
		}
		c.ints = append(c.ints, ts)
	case record.Time:
		ts, ok := parseTime(b)
		if !ok {
			return false
		}
		c.ints = append(c.ints, ts)
	default:
		return c.binary(b)
	}
	c.added()
	return true
}

// binary adds the value of a Bytes or UUID column.
func (c *Column) binary(b []byte) bool {
	if c.typ.Kind == record.UUID {
		data, ok := appendUUID(c.data, b)
		if !ok {
			return false
		}
		c.data = data
		c.added()
		return true
	}
	data, err := base64.StdEncoding.AppendDecode(c.data, b)
	if err != nil {
		return false
	}
	c.data = data
	c.ends = append(c.ends, int32(len(c.data)))
	c.added()
	return true
}

// Raw adds a text to a String or JSON column as it is; a JSON text must be valid and compact already.
func (c *Column) Raw(b []byte) {
	c.data = append(c.data, b...)
	c.ends = append(c.ends, int32(len(c.data)))
	c.added()
}

// Truncate takes back the last cell when there are more than n. It can take back only one.
func (c *Column) Truncate(n int) {
	if c.n <= n {
		return
	}
	if c.nulls > 0 && c.valid[n/8]&(1<<(n%8)) == 0 {
		c.nulls--
	}
	c.n = n
	c.valid = c.valid[:min(len(c.valid), (n+7)/8)]
	switch c.typ.Kind {
	case record.Int, record.Time, record.Timestamp, record.TimestampTZ:
		c.ints = c.ints[:n]
	case record.Date:
		c.days = c.days[:n]
	case record.Float:
		c.floats = c.floats[:n]
	case record.Decimal:
		c.decs = c.decs[:n]
	case record.Bool:
		c.bools = c.bools[:(n+7)/8]
	case record.UUID:
		c.data = c.data[:n*uuidSize]
	default:
		c.ends = c.ends[:n]
		size := int32(0)
		if n > 0 {
			size = c.ends[n-1]
		}
		c.data = c.data[:size]
	}
}

// Array gives the cells and empties the column. Equal cells give equal buffers.
func (c *Column) Array() arrow.Array {
	defer c.reset()
	var valid *memory.Buffer
	if c.nulls > 0 {
		clearTail(c.valid, c.n)
		valid = memory.NewBufferBytes(c.valid)
	}
	buffers := []*memory.Buffer{valid, nil}
	switch c.typ.Kind {
	case record.Int, record.Time, record.Timestamp, record.TimestampTZ:
		buffers[1] = memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(c.ints))
	case record.Date:
		buffers[1] = memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.days))
	case record.Float:
		buffers[1] = memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(c.floats))
	case record.Decimal:
		buffers[1] = memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes(c.decs))
	case record.Bool:
		clearTail(c.bools, c.n)
		buffers[1] = memory.NewBufferBytes(c.bools)
	case record.UUID:
		buffers[1] = memory.NewBufferBytes(c.data)
	default:
		starts := make([]int32, c.n+1)
		copy(starts[1:], c.ends)
		buffers[1] = memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(starts))
		buffers = append(buffers, memory.NewBufferBytes(c.data))
	}
	data := array.NewData(c.typ.Arrow(), c.n, buffers, nil, c.nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

func clearTail(bits []byte, n int) {
	if rest := n % 8; rest > 0 && n/8 < len(bits) {
		bits[n/8] &= bitutil.BitMask[rest] - 1
	}
}

func (c *Column) reset() {
	*c = Column{typ: c.typ, strict: c.strict}
}

// view shows bytes as a string that must not outlive them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// CleanText says whether text is valid UTF-8 without NUL; nul tells the two apart.
func CleanText(b []byte) (ok, nul bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// A byte is over 127 or, less one, borrows from its own high bit: zero.
		if w := binary.LittleEndian.Uint64(b[i:]); (w|(w-ones))&highs != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if b[i] == 0 || b[i] >= utf8.RuneSelf {
			nul = bytes.IndexByte(b[i:], 0) >= 0
			return !nul && utf8.Valid(b[i:]), nul
		}
	}
	return true, false
}
