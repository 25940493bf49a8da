package file

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// records goes through a file's records, whatever the format.
type records interface {
	Next() bool      // to the next record
	Pass() bool      // the same, without taking it apart
	Record() []byte  // its bytes
	Problem() string // what is wrong with it
	Line() int64     // where it begins
	Offset() int64   // of the text, behind it
	NextLine() int64 // the line there
	More() bool      // whether anything follows
	Err() error      // that ended the stream
}

// opening says where and how a file is opened.
type opening struct {
	name    string
	offset  int64          // of the text; 0: the beginning
	line    int64          // there
	limit   int64          // of the text, from its beginning; 0: all
	partial bool           // a last line without an end is not a record yet
	blank   bool           // empty CSV lines are records
	raw     func(p []byte) // gets the decompressed bytes
	behind  int64          // bytes before offset to have in the window
}

// text is an open file.
type text struct {
	records
	stream *input.Stream
	window *window.Window
	csv    *csv.Scanner // nil for other formats
}

func (t *text) Close() error { return t.stream.Close() }

// Err is the error that ended the file, with its name.
func (t *text) err(name string) error {
	err := t.records.Err()
	if err == nil || fault.CodeOf(err) != fault.Internal {
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		return nil
	}
	return fault.New(fault.Transient, "read %s: %w", name, err)
}

// header is what is known from the beginning of a CSV file.
type header struct {
	names []string
	cr    bool
	data  int64 // offset of the first record behind it
	line  int64 // there
}

// maxMark is longer than any byte order mark.
const maxMark = 8

// open opens a file at its records.
func (s *Source) open(ctx context.Context, o opening, h header) (*text, error) {
	at := max(o.offset, h.data)
	back := min(at, o.behind)
	if at-back < maxMark || o.raw != nil {
		back = at // a byte order mark is never cut, and a hash is of everything
	}
	stream, err := input.OpenStream(ctx, s.place, o.name, input.Options{Form: s.c.form(), Offset: at - back, Raw: o.raw, Limit: o.limit})
	if err != nil {
		return nil, err
	}
	w := window.New(stream, stream.Start)
	if n := int(at - stream.Start); n > 0 {
		if !w.Ensure(n) {
			_ = stream.Close()
			return nil, s.shorter(o.name, w, at)
		}
		w.Skip(n)
	}
	t := &text{stream: stream, window: w}
	line := max(o.line, 1)
	if o.offset < h.data {
		line = h.line
	}
	switch s.c.Format {
	case formatCSV:
		d := s.c.dialect()
		d.CR, d.Partial, d.Blank = h.cr, o.partial, o.blank
		t.csv = csv.New(w, d, line)
		t.records = t.csv
	case formatNDJSON:
		l := jsonl.NewLines(w, line)
		l.MaxRecord, l.Partial = s.c.maxRecord, o.partial
		t.records = l
	default:
		if o.offset > 0 {
			t.records = jsonl.ResumeElements(w, line, s.c.Records, s.c.maxRecord)
		} else {
			t.records = jsonl.NewElements(w, line, s.c.Records, s.c.maxRecord)
		}
	}
	return t, nil
}

func (s *Source) shorter(name string, w *window.Window, at int64) error {
	if err := w.Err(); err != nil {
		return fault.New(fault.Transient, "read %s: %w", name, err)
	}
	return changed(name, fmt.Sprintf("it ends before byte %d, up to which it was read", at))
}

// headBytes is how much of a file is looked at to find how lines end.
const headBytes = 64 << 10

// header reads the beginning of a CSV file: how lines end, and the names of the columns. A file without a header line has no names.
func (s *Source) header(ctx context.Context, name string, partial bool) (header, error) {
	h := header{line: 1}
	if s.c.Format != formatCSV {
		return h, nil
	}
	stream, err := input.OpenStream(ctx, s.place, name, input.Options{Form: s.c.form()})
	if err != nil {
		return h, err
	}
	defer func() { _ = stream.Close() }()
	w := window.New(stream, stream.Start)
	w.Ensure(headBytes)
	d := s.c.dialect()
	h.cr = csv.EndsWithCR(w.Bytes()[:min(len(w.Bytes()), headBytes)], d.Quote)
	h.data = stream.Start
	if !s.c.Header {
		h.names = s.c.Columns
		return h, w.Err()
	}
	d.CR, d.Partial = h.cr, partial
	sc := csv.New(w, d, 1)
	if !sc.Next() {
		if err := sc.Err(); err != nil {
			return h, fmt.Errorf("read %s: %w", name, err)
		}
		return h, nil
	}
	if p := sc.Problem(); p != "" {
		return h, fault.New(fault.DataInvalid, "file %s: the header, line %d, cannot be read: %s", name, sc.Line(), p).
			WithHint("set quote, escape, lazy_quotes, delimiter, comment or max_record as the file is written")
	}
	if n := len(sc.Fields()); n > maxColumns {
		return h, fault.New(fault.DataInvalid, "file %s: the header has %d columns, %d are allowed", name, n, maxColumns).
			WithHint("is the delimiter the right one?")
	}
	for _, f := range sc.Fields() {
		cell := sc.Record()[f.Lo:f.Hi]
		if f.Escaped {
			cell = sc.Unescape(nil, cell)
		}
		h.names = append(h.names, string(bytes.TrimSpace(cell)))
	}
	h.data, h.line = sc.Offset(), sc.Line()+1+int64(bytes.Count(sc.Record(), []byte{'\n'}))
	return h, checkNames(name, h.names, stream.Decoded)
}

// checkNames says which names of a header cannot be columns.
func checkNames(file string, names []string, decoded bool) error {
	seen := map[string]int{}
	for i, n := range names {
		before, twice := seen[n]
		var err *fault.Error
		switch {
		case n == "":
			err = fault.New(fault.DataInvalid, "file %s: column %d of the header has no name", file, i+1)
		case twice:
			err = fault.New(fault.DataInvalid, "file %s: the header has the name %q twice, at columns %d and %d", file, n, before, i+1)
		case record.Reserved(n):
			err = fault.New(fault.DataInvalid, "file %s: the name %q of the header is kept for Lockstep's own use", file, n)
		case strings.ToValidUTF8(n, "") != n || strings.ContainsRune(n, 0):
			err = fault.New(fault.DataInvalid, "file %s: the name of column %d is not valid UTF-8", file, i+1).WithHint("set encoding, for example to windows-1252")
			return err
		case decoded && strings.ContainsRune(n, '\ufffd'):
			err = fault.New(fault.DataInvalid, "file %s: the name of column %d holds bytes that its encoding does not know", file, i+1).WithHint("set another encoding")
			return err
		}
		if err != nil {
			return err.WithHint("name the columns in the file, or with header: false, columns_in_order and comment")
		}
		seen[n] = i + 1
	}
	return nil
}

// countLines counts the line ends up to the end of a stream.
func countLines(w *window.Window, cr bool) int64 {
	eol := []byte{'\n'}
	if cr {
		eol[0] = '\r'
	}
	var n int64
	for w.Ensure(1) {
		b := w.Bytes()
		n += int64(bytes.Count(b, eol))
		w.Skip(len(b))
	}
	return n
}
