package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// reader reads a partition; each batch is one query behind the position, and one state of the database.
type reader struct {
	src      *source
	table    *table
	request  connector.OpenRequest
	order    order
	columns  []string // expressions; the + hides declared types from the driver, which would turn texts of a DATE into times
	cursor   int      // place of the cursor's column in the schema when its nulls are rejected; -1
	key      []int    // places of the key's columns, for rejects
	position string
	bytes    int64
	ended    bool
	closed   bool
}

func newReader(s *source, t *table, r connector.OpenRequest) (*reader, error) {
	o, err := orderOf(t, r.Stream, r.Partition.ID)
	if err != nil {
		return nil, err
	}
	if r.Partition.ID != allRows && r.Partition.ID != nullCursor {
		return nil, fault.New(fault.NotFound, "stream %s has no partition %q", r.Stream.Name, r.Partition.ID)
	}
	if _, err := o.decode(r.Position); err != nil {
		return nil, err
	}
	rd := &reader{src: s, table: t, request: r, order: o, position: r.Position, cursor: -1}
	for _, c := range r.Schema.Columns {
		col, ok := t.column(c.Name)
		if !ok {
			return nil, fault.New(fault.SchemaDrift, "column %s of %s is gone", c.Name, t.name)
		}
		rd.columns = append(rd.columns, "+"+quote(col.name))
	}
	key := r.Stream.Key
	if len(key) == 0 {
		key = t.primaryKey()
	}
	for _, k := range key {
		if i := r.Schema.Index(k); i >= 0 {
			rd.key = append(rd.key, i)
		}
	}
	if r.Partition.ID == nullCursor {
		rd.cursor = slices.IndexFunc(r.Schema.Columns, func(c record.Column) bool { return fold(c.Name) == fold(r.Stream.Cursor) })
	}
	return rd, nil
}

// Next reads a batch.
func (rd *reader) Next(ctx context.Context) (record.Batch, error) {
	switch {
	case rd.closed:
		return record.Batch{}, fmt.Errorf("read %s: %w", rd.request.Stream.Name, fs.ErrClosed)
	case rd.ended:
		return record.Batch{}, io.EOF
	}
	if err := ctx.Err(); err != nil {
		return record.Batch{}, err
	}
	text, args, err := rd.order.query(rd.table, rd.columns, rd.position, rd.request.Records+1)
	if err != nil {
		return record.Batch{}, err
	}
	c, err := rd.src.conn(ctx)
	if err != nil {
		return record.Batch{}, err
	}
	defer func() { _ = c.Close() }()
	cut := newCutting(rd)
	err = c.Raw(func(raw any) error {
		named := make([]driver.NamedValue, len(args))
		for i, a := range args {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
		}
		rows, err := raw.(driver.QueryerContext).QueryContext(ctx, text, named)
		if err != nil {
			return err
		}
		return errorsFirst(cut.take(ctx, rows), rows.Close())
	})
	if err != nil {
		return record.Batch{}, rd.src.fault(ctx, "read "+rd.request.Stream.Name, err)
	}
	b := cut.batch()
	rd.position, rd.ended, rd.bytes = b.End, b.Last, rd.bytes+cut.bytes
	return b, nil
}

// InputBytes is what was read so far, as batches measure it; the partition's size is not known.
func (rd *reader) InputBytes() int64 { return rd.bytes }

func (rd *reader) Close() error {
	rd.closed = true
	return nil
}

// cutting is a batch in the making.
type cutting struct {
	*reader
	builder  *record.Builder
	decoders []decoder
	ends     []int64  // positions that are numbers
	texts    []string // other positions
	at       string   // position behind the last row
	read     int
	keep     []int32 // rows that are of their types
	rejects  []record.Reject
	bytes    int64
	last     bool
}

func newCutting(rd *reader) *cutting {
	c := &cutting{reader: rd, builder: record.NewBuilder(rd.request.Schema), at: rd.position}
	for i, col := range rd.request.Schema.Columns {
		_, asked := rd.request.Stream.Columns[col.Name]
		c.decoders = append(c.decoders, newDecoder(c.builder.Column(i), col.Type, asked))
	}
	return c
}

// take adds rows until the batch is full or the rows end.
func (c *cutting) take(ctx context.Context, rows driver.Rows) error {
	row := make([]driver.Value, len(rows.Columns()))
	n := len(c.columns)
	for {
		err := rows.Next(row)
		if err == io.EOF {
			c.last = true
			return nil
		}
		if err != nil {
			return err
		}
		at, err := c.order.position(row[n:], c.at)
		if err != nil {
			return err
		}
		if at == c.at {
			return fault.New(fault.DuplicatePosition, "two rows of %s have the same key", c.table.name).WithHint("name more columns in key of the stream")
		}
		var bytes int64
		for _, v := range row[:n] {
			bytes += size(v)
		}
		if c.read == c.request.Records || c.read > 0 && c.bytes+bytes > c.request.Bytes {
			return nil
		}
		c.add(row[:n])
		c.bytes += bytes
		c.advance(at, row[n:])
		if c.read%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (c *cutting) advance(at string, values []driver.Value) {
	c.at = at
	c.read++
	switch {
	case c.order.counted:
		n, _ := strconv.ParseInt(at, 10, 64) // position wrote it
		c.ends = append(c.ends, n)
	case c.order.plain():
		c.ends = append(c.ends, values[0].(int64))
	default:
		c.texts = append(c.texts, at)
	}
}

// add decodes a row. What does not fit makes it a reject: its other values are taken out again when the batch is made.
func (c *cutting) add(row []driver.Value) {
	var bad error
	var column string
	for i, v := range row {
		var err error
		switch {
		case bad != nil || v == nil:
			err = nil
			c.builder.Column(i).AppendNull()
		default:
			if err = c.decoders[i](v); err != nil {
				c.builder.Column(i).AppendNull()
			}
		}
		if err == nil && i == c.cursor && v == nil {
			err = fault.New(fault.DataInvalid, "the cursor is null")
		}
		if err != nil && bad == nil {
			bad, column = err, c.request.Schema.Columns[i].Name
		}
	}
	if bad == nil {
		c.keep = append(c.keep, int32(c.read))
		return
	}
	c.rejects = append(c.rejects, record.Reject{
		Index: c.read, Phase: "extract", Code: string(fault.DataInvalid), Message: fmt.Sprintf("column %s: %v", column, bad),
		Key: c.keyOf(row), Snapshot: c.snapshot(row),
	})
}

func (c *cutting) keyOf(row []driver.Value) string {
	if len(c.key) == 0 {
		return ""
	}
	out := []byte{'['}
	for n, i := range c.key {
		if n > 0 {
			out = append(out, ',')
		}
		if _, raw := row[i].([]byte); raw {
			return "" // the form that a target knows it by cannot be told from the bytes; an unknown key keeps delete_missing from deleting
		}
		out = appendRaw(out, row[i])
	}
	return string(append(out, ']'))
}

func (c *cutting) snapshot(row []driver.Value) []byte {
	out := []byte{'{'}
	for i, v := range row {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(record.AppendQuoted(out, c.request.Schema.Columns[i].Name), ':')
		out = appendRaw(out, v)
	}
	return append(out, '}')
}

func (c *cutting) batch() record.Batch {
	rows := c.builder.Rows()
	b := record.New(c.request.Schema, rows)
	b.Read, b.Rejects, b.Start, b.End, b.Last = c.read, c.rejects, c.position, c.at, c.last
	if len(c.rejects) > 0 {
		b.Rows, b.Origin = record.TakeRows(rows, c.keep), c.keep
	}
	if c.texts != nil {
		b.Positions = record.Texts(c.texts)
	} else if c.ends != nil {
		b.Positions = record.Offsets{Ends: c.ends}
	}
	return b
}
