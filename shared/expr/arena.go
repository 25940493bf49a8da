package expr

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/lockstep-data/lockstep/shared/record"
)

// arena holds the bytes of many short texts, so that each needs no memory of its own. What was made is never changed.
type arena struct{ chunk []byte }

// arenaChunk is how much memory an arena takes at once, in bytes.
const arenaChunk = 64 << 10

// room makes place for n more bytes.
func (a *arena) room(n int) {
	if cap(a.chunk)-len(a.chunk) < n {
		a.chunk = make([]byte, 0, max(n, arenaChunk))
	}
}

// text gives what was appended since from as a text.
func (a *arena) text(from int) string {
	made := a.chunk[from:]
	return unsafe.String(unsafe.SliceData(made), len(made))
}

// caseKernel is upper or lower: texts that change nothing are kept, ASCII goes through an arena, the rest through full.
func caseKernel(from, to byte, full func(string) string) impl {
	i := pure1(stringType, full)
	i.kernel = func(args []*vec, n int) *vec {
		out, rows := begin(stringType, args, n)
		texts, vals := cells[string](args[0]), make([]string, rows)
		var a arena
		for row, s := range texts[:rows] {
			if out.null == nil || !out.null[row] {
				vals[row] = a.convert(s, from, to, full)
			}
		}
		out.vals = vals
		return out
	}
	return i
}

// convert changes the case of the letters between from and to, eight bytes at a time.
func (a *arena) convert(s string, from, to byte, full func(string) string) string {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	a.room(len(s))
	start := len(a.chunk)
	a.chunk = append(a.chunk, s...)
	b := a.chunk[start:]
	atLeast, above := uint64(0x80-from)*ones, uint64(0x7f-to)*ones // what lifts such a byte to its high bit
	var changed, other uint64
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		other |= w & highs
		letters := (w + atLeast) &^ (w + above) & highs
		changed |= letters
		binary.LittleEndian.PutUint64(b[i:], w^letters>>2) // 0x80 becomes 0x20, in which the cases differ
	}
	for ; i < len(b); i++ {
		c := b[i]
		other |= uint64(c) & 0x80
		if c >= from && c <= to {
			b[i], changed = c^('a'-'A'), 1
		}
	}
	if other == 0 && changed != 0 {
		return a.text(start)
	}
	a.chunk = a.chunk[:start]
	if other != 0 {
		return full(s)
	}
	return s
}

// joinAll is concat: the texts of a row, one behind the other.
func joinAll(t record.Type) impl {
	i := mapN(t, func(args []any) (any, error) {
		var b strings.Builder
		for _, a := range args {
			if b.WriteString(a.(string)); b.Len() > maxText {
				return nil, errLong
			}
		}
		return b.String(), nil
	})
	i.kernel = func(args []*vec, n int) *vec {
		out, rows := begin(t, args, n)
		vals, parts := make([]string, rows), make([][]string, len(args))
		for k, arg := range args {
			parts[k] = cells[string](arg)
		}
		var a arena
		for row := range vals {
			if out.null != nil && out.null[row] {
				continue
			}
			size := 0
			for k, arg := range args {
				size += len(parts[k][row&arg.mask()])
			}
			if size > maxText {
				out.fail(row, rows, errLong)
				continue
			}
			a.room(size)
			start := len(a.chunk)
			for k, arg := range args {
				a.chunk = append(a.chunk, parts[k][row&arg.mask()]...)
			}
			vals[row] = a.text(start)
		}
		out.vals = vals
		return out
	}
	return i
}
