package jsonl

import (
	"bytes"
	"encoding/json"
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
				return s.tooLong(b)
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

// tooLong passes over the rest of a line; false when it may still grow.
func (s *Lines) tooLong(b []byte) bool {
	s.line = s.next
	s.next++
	s.problem = longer(s.MaxRecord)
	s.record = bytes.Clone(b[:min(len(b), 4096)])
	for s.w.Skip(len(b)); s.w.Ensure(1); s.w.Skip(len(b)) {
		b = s.w.Bytes()
		if n := bytes.IndexByte(b, '\n'); n >= 0 {
			s.w.Skip(n + 1)
			return true
		}
	}
	return !s.Partial
}

// Elements goes through the objects of an array, or through objects that follow each other. Not safe for concurrent use.
type Elements struct {
	max     int      // bytes of a record
	path    []string // the names under which the array stands
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

// ResumeElements makes a scanner that goes on with a window behind an element; the rest is as for NewElements.
func ResumeElements(w *window.Window, line int64, path string, max int) *Elements {
	s := &Elements{max: max, path: names(path), w: w, next: line}
	c, ok := s.peek()
	s.inside = ok && (c == ',' || c == ']') || path != ""
	s.over = !ok && !s.inside
	return s
}

// NewElements makes a scanner of objects with at most max bytes. The window, at the beginning of a text, is opened at the array that path
// names, as in data.items; "" is the outermost value.
func NewElements(w *window.Window, line int64, path string, max int) *Elements {
	s := &Elements{max: max, path: names(path), w: w, next: line}
	s.first = true
	for _, name := range s.path {
		if s.err = s.descend(name); s.err != nil {
			return s
		}
	}
	switch c, ok := s.peek(); {
	case !ok:
		s.over = true
	case c == '[':
		s.skip(1)
		s.inside = true
	case c != '{' || path != "":
		s.err = s.shape("%q stands where an array of objects must begin", c)
	}
	return s
}

// names takes a path apart; "" has none.
func names(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(strings.TrimPrefix(path, "$."), ".")
}

// shape is the error for a text that is not an array of objects.
func (s *Elements) shape(format string, args ...any) error {
	return fault.New(fault.DataInvalid, "line %d: %s", s.next, fmt.Sprintf(format, args...)).
		WithHint("the file must be one array of objects; objects on lines of their own are format: ndjson, and records names an array inside an object")
}

// cutOff is the error for a text that ends too early.
func (s *Elements) cutOff(inside string) error {
	return fault.New(fault.DataInvalid, "line %d: the file ends inside %s: it was cut off", s.next, inside).WithHint("fetch or write the file again")
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
	if s.inside && c == ']' {
		s.close()
		return false
	}
	return true
}

// close reads behind the array: nothing may stand there but the rest of the objects that the array is in, else it would be lost.
func (s *Elements) close() {
	s.over = true
	s.skip(1)
	for level := len(s.path) - 1; level >= 0 && s.err == nil; level-- {
		for {
			c, ok := s.peek()
			switch {
			case !ok:
				s.err = s.cutOff("an object")
			case c == '}':
				s.skip(1)
			case c != ',':
				s.err = s.shape("%q stands where a comma or the object's end must be", c)
			default:
				s.skip(1)
				s.other(s.path[level])
				if s.err == nil {
					continue
				}
			}
			break
		}
	}
	what := "array"
	if len(s.path) > 0 {
		what = "object"
	}
	if c, ok := s.peek(); ok && s.err == nil {
		s.err = s.shape("%q stands behind the %s's end", c, what)
	}
}

// other passes over a member of an object, which must not be the one that was read.
func (s *Elements) other(read string) {
	name, err := s.name()
	if s.err = err; err == nil && name == read {
		s.err = s.shape("the name %q comes twice", name)
	}
	if s.err == nil {
		s.passLong()
	}
}

// name reads the name of a member up to its value.
func (s *Elements) name() (string, error) {
	if c, ok := s.peek(); !ok {
		return "", s.cutOff("an object")
	} else if c != '"' {
		return "", s.shape("%q stands where a name must be", c)
	}
	n, fits := s.valueEnd()
	if s.err != nil || !fits {
		return "", s.shape("a name is not closed")
	}
	var name string
	if err := json.Unmarshal(s.w.Bytes()[:n], &name); err != nil {
		return "", s.shape("a name is not text as JSON writes it")
	}
	s.skip(n)
	if c, ok := s.peek(); !ok || c != ':' {
		return "", s.shape("a colon is missing behind a name")
	}
	s.skip(1)
	s.peek()
	return name, nil
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
		s.err = s.cutOff("an array")
		return false
	case !ok:
		s.over = true
		return false
	case c == ']' && s.inside:
		s.close()
		return false
	case s.inside && !s.first:
		if c != ',' {
			s.err = s.shape("%q stands where a comma or the array's end must be", c)
			return false
		}
		s.skip(1)
		if c, ok = s.peek(); !ok || c == ']' {
			s.err = s.shape("nothing follows a comma of the array")
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
				s.err = s.shape("%q stands where an object must be", b[0])
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
			s.err = s.cutOff("a value")
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
	s.err = s.cutOff("a value")
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
	const hint = "set records to the names that lead to the array, as in data.items"
	if c, ok := s.peek(); !ok || c != '{' {
		return fault.New(fault.NotFound, "line %d: there is no object with the name %q", s.next, name).WithHint(hint)
	}
	s.skip(1)
	for {
		c, ok := s.peek()
		if ok && c == ',' {
			s.skip(1)
			c, ok = s.peek()
		}
		if !ok || c != '"' {
			return fault.New(fault.NotFound, "line %d: the object has no name %q", s.next, name).WithHint(hint)
		}
		found, err := s.name()
		if err != nil || found == name {
			return err
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
