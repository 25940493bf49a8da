package file

import (
	"context"
	"crypto/sha256"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// How much of a file is looked at to find types.
const (
	sampleBytes = 64 << 20 // whole up to here
	sampleEvery = 64       // behind it, each so manieth record
	maxColumns  = 10_000
)

// border is a place where a large file can be cut.
type border struct{ offset, line int64 }

// scanned is what one pass over a file finds.
type scanned struct {
	names   []string
	guesses []cell.Guess
	records int64
	sum     []byte // sha256 of the decompressed content; nil when it was not read as a whole
	end     int64  // offset of the text behind the last record
	borders []border
}

// scanner makes one pass over a file: types, content hash, number of records, borders.
type scanner struct {
	s    *Source
	info input.Info
	h    header
	pass
	hash hash.Hash
	dec  *jsonl.Decoder
	out  scanned
	desk *desk // where the values of CSV records are looked at; nil before the first
}

// pass says what a scan looks at.
type pass struct {
	split   int64 // bytes between borders; 0: none
	partial bool  // an incomplete last line is left out
	from    int64 // offset of a record; 0: the beginning
	only    int64 // bytes behind from; 0: all
}

// scan makes the pass. One that does not see all of the file gives no hash.
func (s *Source) scan(ctx context.Context, info input.Info, p pass) (scanned, error) {
	sc := &scanner{s: s, info: info, pass: p, hash: sha256.New(), dec: jsonl.NewDecoder(nil)}
	var err error
	if sc.h, err = s.header(ctx, info.Name, p.partial); err != nil {
		return scanned{}, err
	}
	sc.out.names, sc.out.guesses = sc.h.names, make([]cell.Guess, len(sc.h.names))
	o := opening{name: info.Name, offset: p.from, partial: p.partial, blank: len(sc.h.names) == 1}
	if p.from == 0 && p.only == 0 {
		o.raw = func(b []byte) { _, _ = sc.hash.Write(b) }
	}
	t, err := s.open(ctx, o, sc.h)
	if err != nil {
		return scanned{}, err
	}
	defer func() { _ = t.Close() }()
	if !t.stream.Seekable {
		sc.split = 0
	}
	err = sc.run(ctx, t)
	if sc.desk != nil {
		sc.desk.close(sc.out.guesses)
	}
	if err != nil {
		return scanned{}, err
	}
	sc.out.sum = sc.hash.Sum(nil)
	if s.c.Format != formatCSV {
		sc.out.names = sc.dec.Names()
	}
	return sc.out, nil
}

// headSample is how much of the beginning of a large file that is followed is looked at, in bytes.
const headSample = 4 << 20

// scanFollowed looks at a file that grows: at all of it, or, when it is large, at its beginning and at what came behind the position.
func (s *Source) scanFollowed(ctx context.Context, info input.Info, position string) (scanned, error) {
	at, err := parseFollow(position)
	direct := s.c.form().CompressionOf(info.Name) == "none" && (s.c.Encoding == "" || s.c.Encoding == "utf-8")
	if info.Size <= sampleBytes || !direct || err != nil || at.offset > info.Size {
		return s.scan(ctx, info, pass{partial: true})
	}
	head, err := s.scan(ctx, info, pass{partial: true, only: headSample})
	if err != nil {
		return scanned{}, err
	}
	tail, err := s.scan(ctx, info, pass{partial: true, from: at.offset, only: sampleBytes})
	if err != nil {
		return scanned{}, err
	}
	return head.with(tail), nil
}

// with adds what another pass over the same file found to names and types.
func (s scanned) with(o scanned) scanned {
	for i, n := range o.names {
		at := slices.Index(s.names, n)
		if at < 0 {
			at = len(s.names)
			s.names, s.guesses = append(s.names, n), append(s.guesses, cell.Guess{})
		}
		s.guesses[at].Merge(o.guesses[i])
	}
	return s
}

func (sc *scanner) run(ctx context.Context, t *text) error {
	sc.out.end = t.window.Offset()
	next := sc.split
	begin, line := sc.out.end, t.NextLine()
	for {
		looked := sc.wanted(t.Offset() - begin)
		if sc.only > 0 && t.Offset()-begin > sc.only {
			return nil
		}
		if looked && !t.Next() || !looked && !t.Pass() {
			break
		}
		sc.out.records++
		if sc.out.records%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if sc.split > 0 && sc.out.end > begin && sc.out.end >= next {
			sc.out.borders = append(sc.out.borders, border{sc.out.end, line})
			next = sc.out.end + sc.split
		}
		sc.out.end, line = t.Offset(), t.NextLine()
		if looked && t.Problem() == "" {
			if err := sc.look(t); err != nil {
				return err
			}
		}
	}
	if err := t.err(sc.info.Name); err != nil {
		return err
	}
	return sc.drain(t)
}

// drain reads what stands behind the last record, for the hash.
func (sc *scanner) drain(t *text) error {
	for t.window.Ensure(1) {
		t.window.Skip(len(t.window.Bytes()))
	}
	return t.err(sc.info.Name)
}

// wanted says whether the record at an offset is looked at.
func (sc *scanner) wanted(offset int64) bool {
	n := sc.s.c.Sample
	return n > 0 && sc.out.records < n || n == 0 && offset < sampleBytes || sc.out.records%sampleEvery == 0
}

// look notes the values of a record. One that will be rejected counts for nothing.
func (sc *scanner) look(t *text) error {
	if t.csv == nil {
		if ok, _ := cell.CleanText(t.Record()); !ok {
			return nil
		}
		return sc.lookJSON(t.Record())
	}
	if len(t.csv.Fields()) != len(sc.out.guesses) {
		return nil
	}
	if sc.desk == nil {
		sc.desk = newDesk(&sc.s.c, t.csv, len(sc.out.guesses))
	}
	sc.desk.add(t.Record(), t.csv.Fields())
	return nil
}

func (sc *scanner) lookJSON(b []byte) error {
	fields, err := sc.dec.Decode(b)
	if err != nil {
		return nil // the reader rejects the record
	}
	for _, f := range fields {
		col := f.Column
		if col < 0 {
			if len(sc.out.guesses) >= maxColumns {
				return fault.New(fault.DataInvalid, "file %s: the objects have more than %d different names", sc.info.Name, maxColumns).
					WithHint("names that are data belong into values: an array of objects with a name and a value")
			}
			if col = sc.dec.Add(string(f.Name)); col == len(sc.out.guesses) {
				sc.out.guesses = append(sc.out.guesses, cell.Guess{})
			}
		}
		g := &sc.out.guesses[col]
		switch f.Kind {
		case jsonl.Bool:
			g.Bool()
		case jsonl.Number:
			g.Number(f.Value)
		case jsonl.String:
			g.Quoted(f.Value)
		case jsonl.Nested:
			g.Nested()
		}
	}
	return nil
}

// isNull says whether a CSV field is null.
func (c *config) isNull(v []byte, quoted bool) bool {
	if quoted && !c.QuotedNull {
		return false
	}
	for _, n := range c.Null {
		if string(v) == n {
			return true
		}
	}
	return false
}

// schemaOf puts the columns of all files together: names in order of first appearance, the types that hold all values, and over
// these the types that the user gives. Names that only the user gives stand at the end, sorted; CSV has none of them.
func (s *Source) schemaOf(files []scanned, stream job.Stream) (record.Schema, error) {
	var schema record.Schema
	var guesses []cell.Guess
	at := map[string]int{}
	for _, f := range files {
		for i, n := range f.names {
			if _, known := at[n]; !known {
				if record.Reserved(n) || n == "" || strings.ContainsRune(n, 0) {
					return schema, fault.New(fault.DataInvalid, "a record has a field named %q, which cannot be a column", n).
						WithHint("rename the field in the file")
				}
				at[n] = len(guesses)
				guesses = append(guesses, cell.Guess{})
				schema.Columns = append(schema.Columns, record.Column{Name: n})
			}
			guesses[at[n]].Merge(f.guesses[i])
		}
	}
	for i := range guesses {
		schema.Columns[i].Type = guesses[i].Type()
	}
	for _, n := range slices.Sorted(maps.Keys(stream.Columns)) {
		i, known := at[n]
		switch {
		case known:
			schema.Columns[i].Type = stream.Columns[n]
		case s.c.Format != formatCSV:
			schema.Columns = append(schema.Columns, record.Column{Name: n, Type: stream.Columns[n]})
		case len(at) > 0:
			err := fault.New(fault.ConfigInvalid, "columns of stream %s names %q, which the file does not have", stream.Name, n)
			if near := fault.Nearest(n, schema.Names()); near != "" {
				return schema, err.WithHint("did you mean %s?", near)
			}
			return schema, err
		}
	}
	return schema, nil
}
