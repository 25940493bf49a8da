package jsonl

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Lines goes through the lines of a stream; empty ones are nothing. Not safe for concurrent use.
type Lines struct {
	Partial   bool // what stands behind the last line end is not a record yet
	MaxRecord int  // bytes

	w       *window.Window
	record  []byte
	problem string
	line    int64
	next    int64
}

// NewLines makes a scanner over a window that begins at a line, which has the given number.
func NewLines(w *window.Window, line int64) *Lines { return &Lines{w: w, next: line} }

// Record gives the line without its end, valid until the next call; a line that is too long gives its beginning.
func (s *Lines) Record() []byte { return s.record }

// Problem says what is wrong with the line, or "".
func (s *Lines) Problem() string { return s.problem }

// Line is the number of the line, the first being 1.
func (s *Lines) Line() int64 { return s.line }

// NextLine is the number of the line at Offset.
func (s *Lines) NextLine() int64 { return s.next }

// Offset is the place in the stream behind the line and its end.
func (s *Lines) Offset() int64 { return s.w.Offset() }

// More says whether anything stands behind the line.
func (s *Lines) More() bool { return s.w.Ensure(1) }

// Err is the error that ended the stream, nil at its proper end.
func (s *Lines) Err() error { return s.w.Err() }

// Next goes to the next line that is not empty and answers false when there is none.
func (s *Lines) Next() bool {
	for s.w.Ensure(1) {
		b := s.w.Bytes()
		n := bytes.IndexByte(b, '\n')
		skip := n + 1
		if n < 0 {
			if len(b) > s.MaxRecord {
				s.tooLong(b)
				return true
			}
			if s.w.Ensure(max(2*len(b), window.Size/2)); len(s.w.Bytes()) > len(b) || !s.w.Done() {
				continue
			}
			if s.Partial {
				return false
			}
			n, skip = len(b), len(b)
		}
		s.line = s.next
		s.next++
		s.record = b[:n]
		s.w.Skip(skip)
		if len(bytes.TrimSpace(s.record[:min(n, 64)])) == 0 && len(bytes.TrimSpace(s.record)) == 0 {
			continue
		}
		s.problem = ""
		if n > s.MaxRecord {
			s.problem = longer(s.MaxRecord)
		}
		return true
	}
	return false
}

// Pass goes to the next line as Next does.
func (s *Lines) Pass() bool { return s.Next() }

func longer(limit int) string { return fmt.Sprintf("record is longer than %d bytes", limit) }

func (s *Lines) tooLong(b []byte) {
	s.line = s.next
	s.next++
	s.problem = longer(s.MaxRecord)
	s.record = bytes.Clone(b[:min(len(b), 4096)])
	for s.w.Skip(len(b)); s.w.Ensure(1); s.w.Skip(len(b)) {
		b = s.w.Bytes()
		if n := bytes.IndexByte(b, '\n'); n >= 0 {
			s.w.Skip(n + 1)
			return
		}
	}
}

// Elements goes through the objects of an array, or through objects that follow each other. Not safe for concurrent use.
type Elements struct {
	max     int // bytes of a record
	w       *window.Window
	record  []byte
	problem string
	line    int64
	next    int64
	inside  bool // an array is open
	first   bool // no element of it was read
	over    bool // its end was read
	err     error
}

// ResumeElements makes a scanner that goes on with a window behind an element, with objects of at most max bytes.
func ResumeElements(w *window.Window, line int64, max int) *Elements {
	s := &Elements{max: max, w: w, next: line}
	c, ok := s.peek()
	s.inside, s.over = ok && (c == ',' || c == ']'), !ok
	return s
}

// NewElements makes a scanner of objects with at most max bytes. The window, at the beginning of a text, is opened at the array that path
// names, as in data.items; "" is the outermost value.
func NewElements(w *window.Window, line int64, path string, max int) *Elements {
	s := &Elements{max: max, w: w, next: line}
	s.first = true
	if path != "" {
		for _, name := range strings.Split(strings.TrimPrefix(path, "$."), ".") {
			if s.err = s.descend(name); s.err != nil {
				return s
			}
		}
	}
	switch c, ok := s.peek(); {
	case !ok:
		s.over = true
	case c == '[':
		s.skip(1)
		s.inside = true
	case c != '{' || path != "":
		s.err = fault.New(fault.DataInvalid, "line %d: %q stands where an array of objects must begin", s.next, c)
	}
	return s
}

// Record gives the element's text, valid until the next call; one that is too long gives its beginning.
func (s *Elements) Record() []byte { return s.record }

// Problem says what is wrong with the element, or "".
func (s *Elements) Problem() string { return s.problem }

// Line is the line on which the element begins, the first being 1.
func (s *Elements) Line() int64 { return s.line }

// NextLine is the line at Offset.
func (s *Elements) NextLine() int64 { return s.next }

// Offset is the place in the stream behind the element.
func (s *Elements) Offset() int64 { return s.w.Offset() }

// More says whether another element may follow.
func (s *Elements) More() bool {
	if s.over || s.err != nil {
		return false
	}
	c, ok := s.peek()
	if !ok {
		return s.inside // an error follows
	}
	return !s.inside || c != ']'
}

// Err is the error that ended the stream, nil at its proper end.
func (s *Elements) Err() error {
	if err := s.w.Err(); err != nil {
		return err
	}
	return s.err
}

// Pass goes to the next element as Next does.
func (s *Elements) Pass() bool { return s.Next() }

// Next goes to the next element and answers false when there is none.
func (s *Elements) Next() bool {
	if s.over || s.err != nil {
		return false
	}
	c, ok := s.peek()
	switch {
	case !ok && s.inside:
		s.err = fault.New(fault.DataInvalid, "line %d: the file ends inside an array: it was cut off", s.next)
		return false
	case !ok || c == ']' && s.inside:
		s.over = true
		return false
	case s.inside && !s.first:
		if c != ',' {
			s.err = fault.New(fault.DataInvalid, "line %d: %q stands where a comma or the array's end must be", s.next, c)
			return false
		}
		s.skip(1)
		if c, ok = s.peek(); !ok || c == ']' {
			s.err = fault.New(fault.DataInvalid, "line %d: nothing follows a comma of the array", s.next)
			return false
		}
	}
	s.first = false
	return s.element()
}

func (s *Elements) element() bool {
	s.problem, s.line = "", s.next
	n, ok := s.valueEnd()
	if s.err != nil {
		return false
	}
	b := s.w.Bytes()
	if ok {
		s.record = b[:n]
		s.skip(n)
		return true
	}
	s.problem = longer(s.max)
	s.record = bytes.Clone(b[:min(len(b), 4096)])
	s.passLong()
	return s.err == nil
}

// valueEnd measures the value at the window's start; false when it is longer than allowed.
func (s *Elements) valueEnd() (int, bool) {
	for {
		b := s.w.Bytes()
		var e ender
		if n, done := e.feed(b); done {
			if n == 0 {
				s.err = fault.New(fault.DataInvalid, "line %d: %w", s.next, syntax("a value", b, 0))
			}
			return n, n <= s.max
		}
		if len(b) > s.max {
			return 0, false
		}
		if s.w.Ensure(max(2*len(b), window.Size/2)); len(s.w.Bytes()) == len(b) && s.w.Done() {
			if e.scalar {
				return len(b), true
			}
			s.err = fault.New(fault.DataInvalid, "line %d: the file ends inside a value: it was cut off", s.next)
			return 0, true
		}
	}
}

func (s *Elements) passLong() {
	var e ender
	for s.w.Ensure(1) {
		b := s.w.Bytes()
		n, done := e.feed(b)
		s.skip(n)
		if done {
			return
		}
	}
	s.err = fault.New(fault.DataInvalid, "line %d: the file ends inside a value: it was cut off", s.next)
}

// ender finds the end of a value in pieces of it.
type ender struct {
	depth   int
	text    bool
	escaped bool
	scalar  bool
}

// feed looks at the next piece and answers how much of it belongs to the value, and whether the value ends there.
func (e *ender) feed(b []byte) (int, bool) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case e.escaped:
			e.escaped = false
		case e.text:
			if c == '\\' {
				e.escaped = true
			} else if c == '"' {
				if e.text = false; e.depth == 0 {
					return i + 1, true
				}
			}
		case e.scalar:
			if bytes.IndexByte([]byte(",]} \t\r\n"), c) >= 0 {
				return i, true
			}
		case c == '"':
			e.text = true
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			if e.depth--; e.depth < 0 {
				return i, true
			}
			if e.depth == 0 {
				return i + 1, true
			}
		case e.depth == 0:
			if c == ',' || c == ':' {
				return i, true
			}
			e.scalar = true
		}
	}
	return len(b), false
}

// descend enters the object at the window's start and stops before the value of a name.
func (s *Elements) descend(name string) error {
	if c, ok := s.peek(); !ok || c != '{' {
		return fault.New(fault.NotFound, "line %d: there is no object with the name %q", s.next, name)
	}
	s.skip(1)
	for {
		c, ok := s.peek()
		if ok && c == ',' {
			s.skip(1)
			c, ok = s.peek()
		}
		if !ok || c != '"' {
			return fault.New(fault.NotFound, "line %d: the object has no name %q", s.next, name)
		}
		n, fits := s.valueEnd()
		if s.err != nil || !fits {
			return fault.New(fault.DataInvalid, "line %d: a name is not closed", s.next)
		}
		found := string(s.w.Bytes()[1:n-1]) == name
		s.skip(n)
		if c, ok = s.peek(); !ok || c != ':' {
			return fault.New(fault.DataInvalid, "line %d: a colon is missing behind a name", s.next)
		}
		s.skip(1)
		if s.peek(); found {
			return nil
		}
		if s.passLong(); s.err != nil {
			return s.err
		}
	}
}

// peek passes over spaces and gives the byte behind them.
func (s *Elements) peek() (byte, bool) {
	for s.w.Ensure(1) {
		b := s.w.Bytes()
		n := 0
		for n < len(b) && (b[n] == ' ' || b[n] == '\n' || b[n] == '\r' || b[n] == '\t') {
			n++
		}
		s.skip(n)
		if n < len(b) {
			return b[n], true
		}
	}
	return 0, false
}

// skip moves on and counts lines.
func (s *Elements) skip(n int) {
	s.next += int64(bytes.Count(s.w.Bytes()[:n], []byte{'\n'}))
	s.w.Skip(n)
}
