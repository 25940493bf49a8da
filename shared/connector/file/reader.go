package file

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// reader reads one partition.
type reader struct {
	s    *Source
	req  connector.OpenRequest
	part partition
	h    header
	text *text
	row  *row
	at   tracker // of positions

	start    string // position before the next batch
	first    int64  // offset at which reading began
	resumed  bool   // line numbers of text count from first
	lineBase int64  // lines before first, once counted
	rows     int    // of the last batch, to reserve as much
	last     bool
}

// tracker turns records into positions, in the way of the stream's mode.
type tracker interface {
	// accept looks at the record just added to the row; one that cannot have a position becomes a reject.
	accept(ctx context.Context, r *reader) (*record.Reject, error)
	// skip says that the record was read in an earlier batch.
	skip(rejected bool) bool
	// note keeps the position behind the record.
	note(r *reader, rejected bool) error
	// take gives the positions since the last take.
	take() record.Positions
	// seen is the position behind the last record noted.
	seen() string
}

// Open opens a partition behind a position.
func (s *Source) Open(ctx context.Context, req connector.OpenRequest) (connector.Reader, error) {
	r := &reader{s: s, req: req, start: req.Position}
	if err := json.Unmarshal(req.Partition.Spec, &r.part); err != nil {
		return nil, fault.New(fault.Internal, "partition %s of stream %s cannot be decoded: %w", req.Partition.ID, req.Stream.Name, err)
	}
	if err := r.unchanged(ctx); err != nil {
		return nil, err
	}
	growing := req.Stream.Mode == job.Incremental && req.Stream.Cursor == ""
	h, err := s.header(ctx, r.part.File, growing)
	if err != nil {
		return nil, err
	}
	r.h = h
	o := opening{name: r.part.File, offset: r.part.From, line: r.part.Line, limit: r.part.To, blank: len(h.names) == 1}
	o.partial = req.Stream.Mode == job.Incremental // the last line may be half written; the next run finds it whole
	if err := r.locate(ctx, &o, growing); err != nil {
		return nil, err
	}
	r.resumed = o.offset > r.part.From && o.offset > h.data
	if r.text, err = s.open(ctx, o, h); err != nil {
		return nil, err
	}
	r.first = r.text.window.Offset()
	if f, ok := r.at.(*following); ok {
		err = f.verify(r)
	}
	if err == nil {
		r.row, err = newRow(r)
	}
	if err != nil {
		_ = r.text.Close()
		return nil, err
	}
	return r, nil
}

// locate finds where the position is, and how positions are kept.
func (r *reader) locate(ctx context.Context, o *opening, growing bool) error {
	switch {
	case growing:
		f, err := r.s.newFollowing(ctx, r, o)
		r.at = f
		return err
	case r.req.Stream.Mode == job.Incremental && len(r.req.Schema.Columns) > 0:
		c, err := newCursor(ctx, r, *o)
		r.at = c
		return err
	}
	r.at = &offsets{}
	if r.start != "" {
		n, err := parseOffset(r.start)
		if err != nil {
			return err
		}
		if n < r.part.From || r.part.To > 0 && n > r.part.To {
			return badPosition(r.start)
		}
		o.offset = n
	}
	return nil
}

// unchanged says that the file is not the one that was planned. A file that is followed may grow.
func (r *reader) unchanged(ctx context.Context) error {
	now, err := r.s.place.Stat(ctx, r.part.File)
	if err != nil {
		return err
	}
	grows := r.req.Stream.Mode == job.Incremental && r.s.c.form().CompressionOf(r.part.File) == "none"
	if grows && now.Size >= r.part.Size {
		return nil
	}
	if now.Size != r.part.Size || now.ModTime.UnixNano() != r.part.Time {
		return fault.New(fault.Conflict, "file %s was changed during the run", r.part.File).WithHint("start a new run")
	}
	return nil
}

// Next reads the next batch.
func (r *reader) Next(ctx context.Context) (record.Batch, error) {
	if r.last {
		return record.Batch{}, io.EOF
	}
	b := record.Batch{Schema: r.req.Schema, Start: r.start}
	if len(r.req.Schema.Columns) == 0 && r.req.Stream.Mode == job.Incremental { // it was empty at the plan; the next run finds its columns
		r.last, b.Last, b.End = true, true, r.start
		return b, nil
	}
	r.row.reserve(r.rows)
	var size int64
	for b.Read < max(r.req.Records, 1) && size < r.limit() {
		if b.Read%1024 == 0 && ctx.Err() != nil {
			return record.Batch{}, ctx.Err()
		}
		if !r.text.Next() {
			r.last = true
			break
		}
		reject, known, err := r.record(ctx)
		if err != nil {
			return record.Batch{}, err
		}
		if known {
			continue
		}
		size += int64(len(r.text.Record())) + 1
		if reject != nil {
			reject.Index = b.Read
			b.Origin = origins(b.Origin, b.Read, len(b.Rejects))
			b.Rejects = append(b.Rejects, *reject)
		} else if b.Origin != nil {
			b.Origin = append(b.Origin, int32(b.Read))
		}
		b.Read++
	}
	return r.finish(ctx, b)
}

// record adds the current record to the row, or tells why it is rejected, or that it was read before.
func (r *reader) record(ctx context.Context) (reject *record.Reject, known bool, err error) {
	if reject = r.row.fill(ctx); reject == nil {
		if reject, err = r.at.accept(ctx, r); err != nil {
			return nil, false, err
		}
	}
	if r.at.skip(reject != nil) {
		r.row.drop()
		return nil, true, nil
	}
	if reject == nil {
		r.row.n++
	}
	return reject, false, r.at.note(r, reject != nil)
}

// limit bounds the bytes of a batch, also so that texts of a column can be addressed with 32 bits.
func (r *reader) limit() int64 {
	if r.req.Bytes <= 0 || r.req.Bytes > 1<<30 {
		return 1 << 30
	}
	return r.req.Bytes
}

// origins begins to count which original each row came from, at the first reject.
func origins(origin []int32, read, rejects int) []int32 {
	if rejects > 0 || origin != nil {
		return origin
	}
	origin = make([]int32, read, read+64)
	for i := range origin {
		origin[i] = int32(i)
	}
	return origin
}

// finish completes a batch.
func (r *reader) finish(ctx context.Context, b record.Batch) (record.Batch, error) {
	if r.last || !r.text.More() {
		if err := r.text.err(r.part.File); err != nil {
			return record.Batch{}, err
		}
		if left := len(r.text.window.Bytes()); left > 0 && r.req.Stream.Mode == job.Incremental {
			r.s.log.WarnContext(ctx, "the last line has no end yet; it is read when it has one", "file", r.part.File, "bytes", left)
		}
		if err := r.unchanged(ctx); err != nil {
			return record.Batch{}, err
		}
		r.last, b.Last = true, true
	}
	b.Positions, b.End = r.at.take(), b.Start
	if b.Read > 0 {
		b.End = r.at.seen()
	}
	r.start, r.rows = b.End, b.Read
	b.Rows = r.row.batch()
	return b, nil
}

// InputBytes is how much of the partition was read.
func (r *reader) InputBytes() int64 {
	if r.text.stream.Seekable {
		return r.text.Offset() - r.part.From
	}
	return r.text.stream.InputBytes()
}

// Close frees the reader.
func (r *reader) Close() error { return r.text.Close() }

// line is the number of the current record's first line. A reader that was opened in the middle of a file counts the lines before
// it when it is first asked, so that messages are the same as without the interruption.
func (r *reader) line(ctx context.Context) int64 {
	n := r.text.Line()
	if !r.resumed {
		return n
	}
	if r.lineBase == 0 {
		r.lineBase = r.s.linesBefore(ctx, r.part, r.first, r.h.cr)
	}
	return n + r.lineBase - 1
}

func (s *Source) linesBefore(ctx context.Context, p partition, to int64, cr bool) int64 {
	n := max(p.Line, 1)
	h := header{data: p.From, line: n, cr: cr}
	t, err := s.open(ctx, opening{name: p.File, offset: p.From, line: n, limit: to}, h)
	if err != nil {
		return n
	}
	defer func() { _ = t.Close() }()
	return n + countLines(t.window, cr)
}

// offsets are the positions of full streams.
type offsets struct {
	ends []int64
	end  int64
}

func (o *offsets) accept(context.Context, *reader) (*record.Reject, error) { return nil, nil }

func (o *offsets) skip(bool) bool { return false }

func (o *offsets) note(r *reader, _ bool) error {
	o.end = r.text.Offset()
	o.ends = append(o.ends, o.end)
	return nil
}

func (o *offsets) take() record.Positions {
	p := record.Offsets{Prefix: offsetPrefix, Ends: o.ends}
	o.ends = make([]int64, 0, len(o.ends))
	return p
}

func (o *offsets) seen() string { return fmt.Sprintf("%s%d", offsetPrefix, o.end) }
