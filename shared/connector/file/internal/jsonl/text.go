package jsonl

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string behind its quote, up to and with the closing one: a part of the input, or, when it has escapes, of the scratch.
func (d *Decoder) text() ([]byte, error) {
	from := d.i
	d.i = special(d.b, d.i)
	if d.i < len(d.b) && d.b[d.i] == '"' {
		d.i++
		return d.b[from : d.i-1], nil
	}
	mark := len(d.scratch)
	for {
		d.scratch = append(d.scratch, d.b[from:d.i]...)
		switch {
		case d.i >= len(d.b):
			return nil, errEnd
		case d.b[d.i] == '"':
			d.i++
			return d.scratch[mark:], nil
		case d.b[d.i] != '\\':
			return nil, errControl
		}
		if err := d.escape(); err != nil {
			return nil, err
		}
		from = d.i
		d.i = special(d.b, d.i)
	}
}

// special gives the first quote, backslash or control character at or behind i.
func special(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		q, s := w^(ones*'"'), w^(ones*'\\')
		// A byte below ' ' borrows from its high bit when ' ' is taken away; the lowest hit is never a false one.
		if hit := ((q-ones)&^q | (s-ones)&^s | (w-ones*' ')&^w) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

// escape reads an escape, the backslash included, into the scratch.
func (d *Decoder) escape() error {
	if d.i+1 >= len(d.b) {
		return errEnd
	}
	c := d.b[d.i+1]
	d.i += 2
	switch c {
	case '"', '\\', '/':
		d.put(c)
	case 'b':
		d.put('\b')
	case 'f':
		d.put('\f')
	case 'n':
		d.put('\n')
	case 'r':
		d.put('\r')
	case 't':
		d.put('\t')
	case 'u':
		return d.unicode()
	default:
		return errEscape
	}
	return nil
}

func (d *Decoder) unicode() error {
	r, ok := hex4(d.b, d.i)
	if !ok {
		return errEscape
	}
	d.i += 4
	if utf16.IsSurrogate(r) {
		if d.i+1 >= len(d.b) || d.b[d.i] != '\\' || d.b[d.i+1] != 'u' {
			return errSurrogate
		}
		low, ok := hex4(d.b, d.i+2)
		if !ok {
			return errEscape
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return errSurrogate
		}
		d.i += 6
	}
	d.scratch = utf8.AppendRune(d.scratch, r)
	return nil
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, c := range b[i : i+4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
