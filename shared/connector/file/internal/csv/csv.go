// Package csv finds records and fields in delimited text, without copying them: quotes, escapes, comments, every kind of line end,
// and what is wrong with a record. Scanning goes on behind a bad record. It parses no values. Only the connector file imports it.
package csv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
)

// Dialect is how delimited text is written.
type Dialect struct {
	Comma     byte
	Quote     byte // 0: none
	Escape    byte // before a quote inside a quoted field; equal to Quote when quotes are doubled
	Comment   byte // at the start of a line; 0: none
	CR        bool // records end with a carriage return alone
	Trim      bool // blanks around fields do not count
	Lazy      bool // quotes inside fields are text
	Blank     bool // an empty line is a record with one field, not nothing
	MaxRecord int  // bytes
	Partial   bool // what stands behind the last line end is not a record yet
}

// Field is a field's place in the record's bytes.
type Field struct {
	Lo, Hi  int
	Quoted  bool
	Escaped bool // Unescape must be called
}

// Scanner goes through records. Not safe for concurrent use.
type Scanner struct {
	d       Dialect
	w       *window.Window
	record  []byte
	fields  []Field
	problem string
	line    int64
	next    int64 // line of the next record
	quoted  bool  // the record has a quoted field
	opened  int   // in the bytes shown: text of the quoted field that is never closed
	silent  int64 // offset from which on no quote closes a field up to the end; negative while none is known
	comma8  uint64
	quote8  uint64
	eol8    uint64
	eol     byte
}

// New makes a scanner over a window that begins at a record, on the given line.
func New(w *window.Window, d Dialect, line int64) *Scanner {
	s := &Scanner{d: d, w: w, next: line, silent: -1, eol: '\n'}
	if d.CR {
		s.eol = '\r'
	}
	const ones = 0x0101010101010101
	s.comma8, s.eol8, s.quote8 = uint64(d.Comma)*ones, uint64(s.eol)*ones, uint64(d.Comma)*ones
	if d.Quote != 0 {
		s.quote8 = uint64(d.Quote) * ones
	}
	return s
}

// Record gives the bytes of the record without its line end, valid until the next call; a record that is too long gives its
// beginning.
func (s *Scanner) Record() []byte { return s.record }

// Fields gives the fields of the record, valid until the next call.
func (s *Scanner) Fields() []Field { return s.fields }

// Problem says what is wrong with the record, or "".
func (s *Scanner) Problem() string { return s.problem }

// Line is the line on which the record begins, the first being 1.
func (s *Scanner) Line() int64 { return s.line }

// NextLine is the line at Offset.
func (s *Scanner) NextLine() int64 { return s.next }

// Offset is the place in the stream behind the record and its line end.
func (s *Scanner) Offset() int64 { return s.w.Offset() }

// More says whether anything stands behind the record, be it an empty line.
func (s *Scanner) More() bool { return s.w.Ensure(1) }

// Err is the error that ended the stream, nil at its proper end.
func (s *Scanner) Err() error { return s.w.Err() }

// Next goes to the next record and answers false when there is none. Empty lines and comments are passed over.
func (s *Scanner) Next() bool { return s.advance(s.scan) }

// Pass goes to the next record as Next does, without finding its fields.
func (s *Scanner) Pass() bool { return s.advance(s.pass) }

// What a look at the bytes shown found.
type outcome int

const (
	whole  outcome = iota // a record
	cut                   // more bytes are needed
	broken                // a record with a problem: on with the next line
	open                  // a quote that is never closed
)

// found is one record: its length without and with its line end.
type found struct {
	outcome
	size, skip int
}

func (s *Scanner) advance(scan func(b []byte, final bool) found) bool {
	for {
		b := s.w.Bytes()
		if len(b) == 0 && !s.w.Ensure(1) {
			return false
		}
		b = s.w.Bytes()
		if n, ok := s.ignored(b); n > 0 {
			s.w.Skip(n)
			s.next++
			continue
		} else if !ok {
			if s.w.Done() && s.d.Partial {
				return false
			}
			if s.grow(len(b)) {
				continue
			}
		}
		s.fields, s.problem, s.quoted = s.fields[:0], "", false
		f := scan(b, s.w.Done())
		if f.outcome == cut || f.outcome == open && s.d.Partial {
			if len(b) > s.d.MaxRecord {
				return s.tooLong(b)
			}
			if s.grow(len(b)) {
				continue
			}
			return false // Partial: incomplete
		}
		s.take(b, f)
		return true
	}
}

// grow shows about twice as much, so that a long record is not looked at again for every read.
func (s *Scanner) grow(have int) bool {
	s.w.Ensure(max(2*have, window.Size/2))
	return len(s.w.Bytes()) > have || s.w.Done() && !s.d.Partial
}

// take moves over the record that was found.
func (s *Scanner) take(b []byte, f found) {
	s.line = s.next
	if f.outcome == open {
		s.problem = "a quote is opened and never closed"
		if s.silent < 0 {
			s.silent = s.w.Offset() + int64(s.opened)
		}
		f.size, f.skip = s.lineEnd(b)
	}
	s.record = b[:f.size]
	if f.size > s.d.MaxRecord {
		s.problem = fmt.Sprintf("record is longer than %d bytes", s.d.MaxRecord)
	}
	if s.problem != "" {
		s.fields = s.fields[:0]
	}
	s.next++
	if s.quoted {
		s.next += int64(bytes.Count(s.record, []byte{s.eol}))
	}
	s.w.Skip(f.skip)
}

// ignored measures an empty line or a comment at the start of b, its line end included; false when more bytes are needed to tell.
func (s *Scanner) ignored(b []byte) (int, bool) {
	if !s.d.Blank {
		switch {
		case b[0] == s.eol:
			return 1, true
		case b[0] == '\r' && len(b) > 1 && b[1] == '\n' && !s.d.CR:
			return 2, true
		case b[0] == '\r' && len(b) == 1 && !s.d.CR:
			if s.w.Done() {
				return 1, true
			}
			return 0, false
		}
	}
	if s.d.Comment == 0 || b[0] != s.d.Comment {
		return 0, true
	}
	if n := bytes.IndexByte(b, s.eol); n >= 0 {
		return n + 1, true
	}
	if s.w.Done() && !s.d.Partial {
		return len(b), true
	}
	return 0, false
}

// lineEnd measures the first line of b.
func (s *Scanner) lineEnd(b []byte) (size, skip int) {
	n := bytes.IndexByte(b, s.eol)
	if n < 0 {
		return len(b), len(b)
	}
	return s.strip(b[:n]), n + 1
}

// strip measures a line without the carriage return at its end.
func (s *Scanner) strip(line []byte) int {
	if n := len(line); !s.d.CR && n > 0 && line[n-1] == '\r' {
		return n - 1
	}
	return len(line)
}

// tooLong passes over the rest of a record that is longer than allowed; false when it may still grow.
func (s *Scanner) tooLong(b []byte) bool {
	quotes := s.scan(b, true).outcome == open
	plain := s.problem != "" // a broken record ends with its line
	s.line = s.next
	s.problem = fmt.Sprintf("record is longer than %d bytes", s.d.MaxRecord)
	s.record = bytes.Clone(b[:min(len(b), 4096)])
	s.fields = s.fields[:0]
	s.next += int64(bytes.Count(b, []byte{s.eol}))
	s.w.Skip(len(b))
	escaped := false
	for s.w.Ensure(1) {
		b = s.w.Bytes()
		for i, c := range b {
			switch {
			case escaped:
				escaped = false
			case c == s.eol:
				s.next++
				if !quotes {
					s.w.Skip(i + 1)
					return true
				}
			case plain:
			case quotes && c == s.d.Escape && c != s.d.Quote:
				escaped = true
			case c == s.d.Quote && c != 0:
				quotes = !quotes // a doubled quote toggles twice
			}
		}
		s.w.Skip(len(b))
	}
	s.next++
	return !s.d.Partial
}

// pass finds the end of a record; without quotes that is the end of its line.
func (s *Scanner) pass(b []byte, final bool) found {
	n := bytes.IndexByte(b, s.eol)
	if n >= 0 && (s.d.Quote == 0 || bytes.IndexByte(b[:n], s.d.Quote) < 0) {
		return found{whole, s.strip(b[:n]), n + 1}
	}
	return s.scan(b, final)
}

// scan finds the fields of the record at the start of b; final says that nothing comes behind b.
func (s *Scanner) scan(b []byte, final bool) found {
	if !s.d.Trim {
		if f, ok := s.quick(b); ok {
			return f
		}
		s.fields = s.fields[:0]
	}
	return s.slow(b, final)
}

// slow is scan for every record, field by field.
func (s *Scanner) slow(b []byte, final bool) found {
	for i := 0; ; {
		if s.d.Trim {
			i = s.blanks(b, i)
		}
		var at int
		if s.d.Quote != 0 && i < len(b) && b[i] == s.d.Quote {
			var o outcome
			switch o, at = s.quotedField(b, i+1, final); o {
			case cut, open:
				return found{outcome: o}
			case broken:
				return s.bad(b, at, final, "text stands behind a closing quote")
			}
		} else {
			at = s.find(b, i)
			if at < len(b) && b[at] != s.d.Comma && b[at] != s.eol { // a quote
				if !s.d.Lazy {
					return s.bad(b, at, final, "a quote stands inside a field that does not begin with one")
				}
				for at < len(b) && b[at] == s.d.Quote {
					at = s.find(b, at+1)
				}
			}
			s.fields = append(s.fields, s.plain(b, i, at))
		}
		if at < len(b) && b[at] == s.d.Comma {
			i = at + 1
			continue
		}
		return s.endAt(b, at, final)
	}
}

// plain is the field without quotes from lo to at, where a delimiter or the record's end stands.
func (s *Scanner) plain(b []byte, lo, at int) Field {
	hi := at
	if at == len(b) || b[at] == s.eol {
		hi = lo + s.strip(b[lo:at])
	}
	for s.d.Trim && hi > lo && (b[hi-1] == ' ' || b[hi-1] == '\t') {
		hi--
	}
	return Field{Lo: lo, Hi: hi}
}

// quotedField takes a field whose text begins at lo, behind its quote, and answers where its delimiter or line end stands.
func (s *Scanner) quotedField(b []byte, lo int, final bool) (outcome, int) {
	s.quoted = true
	f := Field{Lo: lo, Quoted: true}
	for i := lo; ; {
		at := len(b)
		if !s.isSilent(b, i) {
			at = s.findQuote(b, i)
		}
		if at >= len(b) {
			s.opened = lo
			if final {
				return open, at
			}
			return cut, at
		}
		if b[at] == s.d.Escape && at+1 == len(b) && !final {
			return cut, at // what comes next decides
		}
		if b[at] == s.d.Escape && at+1 < len(b) && (b[at+1] == s.d.Quote || b[at+1] == s.d.Escape) {
			f.Escaped = true
			i = at + 2
			continue
		}
		if b[at] != s.d.Quote { // an escape that escapes nothing
			i = at + 1
			continue
		}
		o, end := s.closed(b, at+1, final)
		if o == broken && s.d.Lazy {
			i = at + 1
			continue
		}
		f.Hi = at
		s.fields = append(s.fields, f)
		return o, end
	}
}

// isSilent says that no quote behind i closes a field, as was found for an earlier field: else a file in which every line opens a
// quote would be read to its end for every line. In front of a quote, which may be the second of a pair, nothing is known.
func (s *Scanner) isSilent(b []byte, i int) bool {
	return s.silent >= 0 && s.w.Offset()+int64(i) >= s.silent && (i >= len(b) || b[i] != s.d.Quote)
}

// findQuote gives the first quote or escape at or behind i.
func (s *Scanner) findQuote(b []byte, i int) int {
	if s.d.Escape == s.d.Quote {
		if n := bytes.IndexByte(b[i:], s.d.Quote); n >= 0 {
			return i + n
		}
		return len(b)
	}
	for i < len(b) && b[i] != s.d.Quote && b[i] != s.d.Escape {
		i++
	}
	return i
}

// closed looks at what stands behind a closing quote.
func (s *Scanner) closed(b []byte, at int, final bool) (outcome, int) {
	if s.d.Trim {
		at = s.blanks(b, at)
	}
	switch {
	case at >= len(b):
		if final {
			return whole, at
		}
		return cut, at
	case b[at] == s.d.Comma || b[at] == s.eol:
		return whole, at
	case b[at] == '\r' && at+1 == len(b):
		if final {
			return whole, at
		}
		return cut, at
	case b[at] == '\r' && b[at+1] == '\n':
		return whole, at
	}
	return broken, at
}

// blanks gives the first place at or behind i without a blank.
func (s *Scanner) blanks(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != s.d.Comma {
		i++
	}
	return i
}

// endAt ends a record at a line end or at the end of the stream.
func (s *Scanner) endAt(b []byte, at int, final bool) found {
	end := at
	if end < len(b) && b[end] != s.eol { // the carriage return of a line end behind a quoted field
		end++
	}
	if end < len(b) {
		return found{whole, s.strip(b[:at]), end + 1}
	}
	if !final || s.d.Partial {
		return found{outcome: cut}
	}
	return found{whole, s.strip(b[:at]), len(b)}
}

// bad ends a broken record with the line on which it broke.
func (s *Scanner) bad(b []byte, at int, final bool, problem string) found {
	s.problem = problem
	n := bytes.IndexByte(b[at:], s.eol)
	if n >= 0 {
		return found{broken, s.strip(b[:at+n]), at + n + 1}
	}
	if !final || s.d.Partial {
		return found{outcome: cut}
	}
	return found{broken, s.strip(b), len(b)}
}

// find gives the first delimiter, quote or line end at or behind i.
func (s *Scanner) find(b []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		x, y, z := w^s.comma8, w^s.eol8, w^s.quote8
		// The lowest high bit set marks the first byte that is zero in x, y or z.
		if hit := ((x-ones)&^x | (y-ones)&^y | (z-ones)&^z) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == s.d.Comma || c == s.eol || c == s.d.Quote && c != 0 {
			break
		}
	}
	return i
}

// Unescape appends the text of a field that is Escaped.
func (s *Scanner) Unescape(dst, field []byte) []byte {
	for i := 0; i < len(field); i++ {
		if field[i] == s.d.Escape && i+1 < len(field) && (field[i+1] == s.d.Quote || field[i+1] == s.d.Escape) {
			i++
		}
		dst = append(dst, field[i])
	}
	return dst
}

// EndsWithCR says whether lines of the text end, outside quotes, with a carriage return alone.
func EndsWithCR(text []byte, quote byte) bool {
	quoted, alone := false, false
	for i, c := range text {
		switch {
		case c == quote && quote != 0:
			quoted = !quoted
		case quoted:
		case c == '\n':
			return false
		case c == '\r' && i+1 < len(text):
			alone = true
		}
	}
	return alone
}
