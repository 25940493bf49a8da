package file

import (
	"context"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/window"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// following are the positions in files that grow: incremental streams without a cursor.
type following struct {
	prefix string
	from   *follow // where reading began; nil: at the beginning
	ends   []int64
	end    int64
}

// newFollowing finds where to go on, after it made sure that the file begins as it did.
func (s *Source) newFollowing(ctx context.Context, r *reader, o *opening) (*following, error) {
	stream, err := input.OpenStream(ctx, s.place, o.name, input.Options{Form: s.c.form()})
	if err != nil {
		return nil, err
	}
	defer func() { _ = stream.Close() }()
	head, err := readHead(stream)
	if err != nil {
		return nil, fault.New(fault.Transient, "read %s: %w", o.name, err)
	}
	eol := byte('\n')
	if r.h.cr {
		eol = '\r'
	}
	beginning, ok := beginningOf(head, eol)
	f := &following{prefix: appendPrefix + beginning + ":"}
	if stream.Seekable {
		o.limit = r.part.Size // what came since the plan is for the next run
	}
	o.behind = window.Kept // the check of a position covers the header too when that is near
	if r.start == "" {
		return f, nil
	}
	at, err := parseFollow(r.start)
	if err != nil {
		return nil, err
	}
	switch {
	case stream.Seekable && r.part.Size < at.offset:
		return nil, changed(o.name, fmt.Sprintf("it has %d bytes, and was read up to byte %d", r.part.Size, at.offset))
	case !ok || beginning != at.beginning:
		return nil, changed(o.name, "it begins differently")
	}
	f.from, f.end = &at, at.offset
	o.offset = at.offset
	return f, nil
}

// verify makes sure that the bytes before the position are those that were read.
func (f *following) verify(r *reader) error {
	if f.from != nil && checkOf(r.text.window.Behind()) != f.from.check {
		return changed(r.part.File, fmt.Sprintf("the text before byte %d is another", f.from.offset))
	}
	return nil
}

func (f *following) accept(context.Context, *reader) (*record.Reject, error) { return nil, nil }

func (f *following) skip(bool) bool { return false }

func (f *following) note(r *reader, _ bool) error {
	at := r.text.Offset()
	if at >= maxOffset {
		return fault.New(fault.QuotaExceeded, "file %s is larger than 8 TiB", r.part.File)
	}
	f.end = at<<checkBits | checkOf(r.text.window.Behind())
	f.ends = append(f.ends, f.end)
	return nil
}

func (f *following) take() record.Positions {
	p := record.Offsets{Prefix: f.prefix, Ends: f.ends}
	f.ends = make([]int64, 0, len(f.ends))
	return p
}

func (f *following) seen() string { return fmt.Sprintf("%s%d", f.prefix, f.end) }

// cursors are the positions of incremental streams with a cursor.
type cursors struct {
	resume   cursorAt
	passed   bool  // everything that was read before is behind
	equal    int64 // records with resume's value that were passed over
	rejected int64 // rejects behind the last of them that were passed over
	at       cursorAt
	current  cell.Value
	previous cell.Value // of the record before, in file order
	any      bool       // there was one
	texts    record.Texts
}

func newCursor(ctx context.Context, r *reader, o opening) (*cursors, error) {
	t, ok := r.req.Schema.Type(r.req.Stream.Cursor)
	if !ok {
		return nil, fault.New(fault.ConfigInvalid, "stream %s: there is no column %q to be the cursor", r.req.Stream.Name, r.req.Stream.Cursor)
	}
	c := &cursors{passed: r.start == ""}
	if r.start == "" {
		return c, nil
	}
	at, err := parseCursor(r.start, t)
	if err != nil {
		return nil, err
	}
	if at.n > 0 {
		fresh, err := r.fresh(ctx, o, at.value)
		if err != nil {
			return nil, err
		}
		if fresh != at.fresh { // the rejects that were counted are not of this place
			at.rejects, at.fresh = 0, fresh
		}
	}
	c.resume, c.at = at, at
	return c, nil
}

// fresh says that a file has no good record up to a cursor's value: it came in the place of the one that was read, and the rejects
// at its beginning were never seen.
func (r *reader) fresh(ctx context.Context, o opening, value cell.Value) (bool, error) {
	at := &cursors{}
	probe := &reader{s: r.s, req: r.req, part: r.part, h: r.h, at: at}
	var err error
	if probe.text, err = r.s.open(ctx, o, r.h); err != nil {
		return false, err
	}
	defer func() { _ = probe.text.Close() }()
	if probe.row, err = newRow(probe); err != nil {
		return false, err
	}
	for n := 0; probe.text.Next(); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if probe.row.fill(ctx) != nil {
			continue
		}
		if reject, err := at.accept(ctx, probe); err != nil || reject == nil {
			return err == nil && at.current.Compare(value) > 0, err
		}
	}
	return true, probe.text.err(r.part.File)
}

// accept refuses records without a cursor, and ends reading at one that goes back.
func (c *cursors) accept(ctx context.Context, r *reader) (*record.Reject, error) {
	col := r.row.cols[r.row.cursor]
	name := r.req.Stream.Cursor
	if col.LastNull() {
		return r.row.reject(ctx, fmt.Sprintf("the cursor %s is null", name)), nil
	}
	if len(r.row.cursorText) > maxCursor {
		return r.row.reject(ctx, fmt.Sprintf("the cursor %s is longer than %d bytes", name, maxCursor)), nil
	}
	c.current = col.Last()
	if c.any && c.current.Compare(c.previous) < 0 {
		return nil, fault.New(fault.DataInvalid, "file %s, line %d: the cursor %s goes back", r.part.File, r.line(ctx), name).
			WithHint("sort the file by %s, leave the cursor out to continue behind the last line, or use mode full", name)
	}
	c.previous, c.any = c.current, true
	return nil, nil
}

func (c *cursors) skip(rejected bool) bool {
	switch {
	case c.passed:
		return false
	case rejected && c.equal < c.resume.n && !c.resume.fresh:
		return true
	case rejected && c.rejected < c.resume.rejects:
		c.rejected++
		return true
	case rejected || c.resume.n == 0:
		c.passed = true
		return false
	}
	order := c.current.Compare(c.resume.value)
	if order == 0 && c.equal < c.resume.n {
		c.equal++
		return true
	}
	c.passed = order >= 0
	return !c.passed
}

func (c *cursors) note(r *reader, rejected bool) error {
	switch {
	case rejected:
		c.at.rejects++
	case c.at.n > 0 && c.current.Compare(c.at.value) == 0:
		c.at.n++
		c.at.rejects, c.at.fresh = 0, false
	default:
		c.at = cursorAt{value: c.current, text: string(r.row.cursorText), n: 1}
	}
	c.texts = append(c.texts, c.at.String())
	return nil
}

func (c *cursors) take() record.Positions {
	p := c.texts
	if p == nil {
		p = record.Texts{}
	}
	c.texts = nil
	return p
}

func (c *cursors) seen() string { return c.at.String() }
