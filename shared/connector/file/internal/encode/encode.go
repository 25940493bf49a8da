// Package encode writes batches as CSV or NDJSON text, into one buffer for each batch, and compresses it. What it writes the source of
// the connector file reads back without loss. Only that connector imports it.
package encode

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Format is how text is written.
type Format struct {
	JSON    bool   // NDJSON, one object a line; else CSV
	Comma   byte   // CSV
	Null    string // CSV: what a null is, without quotes
	LineEnd string // "\n" or "\r\n"
}

// Header gives the line of the column names of a CSV file.
func (f Format) Header(names []string) []byte {
	var out []byte
	special := f.specials()
	for i, n := range names {
		if i > 0 {
			out = append(out, f.Comma)
		}
		out = f.text(out, n, &special)
	}
	return append(out, f.LineEnd...)
}

// Rows gives the text of the rows: columns[i] is the column of the batch that is written at place i, -1 for one that the batch does
// not have. Rows for which skip is true are left out; skip may be nil. The text is written over into, which may be nil, as far as there
// is room in it.
func (f Format) Rows(into []byte, b record.Batch, columns []int, skip []bool) []byte {
	if f.JSON {
		return f.objects(into, b, skip)
	}
	cols := make([]column, len(columns))
	for i, c := range columns {
		if c >= 0 {
			cols[i] = f.column(b.Rows.Column(c), b.Schema.Columns[c].Type)
		}
	}
	special := f.specials()
	out := room(into, b.Len()*(len(columns)*8+8))
	for row := range b.Len() {
		if skip != nil && skip[row] {
			continue
		}
		for i := range cols {
			if i > 0 {
				out = append(out, f.Comma)
			}
			c := &cols[i]
			switch {
			case c.cells == nil, c.nulls && c.cells.IsNull(row):
				out = append(out, f.Null...)
			case c.texts != nil:
				out = f.text(out, c.texts.Value(row), &special)
			case c.ints != nil:
				out = strconv.AppendInt(out, c.ints[row], 10)
			case c.days != nil:
				out = record.AppendDate(out, int64(c.days[row]))
			case c.decimals != nil:
				out = record.AppendDecimal(out, c.decimals[row], int(c.typ.Scale))
			default:
				out = f.plain(out, record.AppendText(out, c.cells, c.typ, row), &special)
			}
		}
		out = append(out, f.LineEnd...)
	}
	return out
}

// room gives the buffer that a batch before this one was written into, or a new one.
func room(into []byte, size int) []byte {
	if cap(into) > 0 {
		return into[:0]
	}
	return make([]byte, 0, size)
}

// column is a column on its way into text. Of ints, days and decimals one is set for such columns whose values never need quotes.
type column struct {
	cells    arrow.Array
	typ      record.Type
	nulls    bool
	texts    *array.String
	ints     []int64
	days     []arrow.Date32
	decimals []decimal128.Num
}

func (f Format) column(cells arrow.Array, t record.Type) column {
	c := column{cells: cells, typ: t, nulls: cells.NullN() > 0}
	bare := (f.Comma == ',' || f.Comma == '\t') && strings.Trim(f.Null, "0123456789.-") == f.Null // no number reads as null
	switch col := cells.(type) {
	case *array.String:
		c.texts = col
	case *array.Int64:
		if bare {
			c.ints = col.Int64Values()
		}
	case *array.Date32:
		if bare {
			c.days = col.Date32Values()
		}
	case *array.Decimal128:
		if bare {
			c.decimals = col.Values()
		}
	}
	return c
}

// plain quotes what was appended to before when it needs quotes: an empty text, one that reads as null, or one that holds the
// delimiter, which may be a digit's neighbour such as '-' or '.'.
func (f Format) plain(before, after []byte, special *[256]bool) []byte {
	added := after[len(before):]
	if len(added) > 0 && (f.Comma == ',' || f.Comma == '\t' || bytes.IndexByte(added, f.Comma) < 0) && string(added) != f.Null {
		return after
	}
	return f.text(before, string(added), special)
}

// text appends a text, in quotes where it would be read as something else without.
func (f Format) text(out []byte, s string, special *[256]bool) []byte {
	if s != "" && s != f.Null && !needsQuotes(s, special) {
		return append(out, s...)
	}
	out = append(out, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		out = append(append(out, s[:i+1]...), '"')
		s = s[i+1:]
	}
	return append(append(out, s...), '"')
}

// specials marks the bytes that stand in quotes only.
func (f Format) specials() (special [256]bool) {
	for _, c := range []byte{f.Comma, '"', '\n', '\r', '\t'} {
		special[c] = true
	}
	return special
}

// needsQuotes says whether a text needs quotes; blanks at its ends may be trimmed by readers, and '#' may begin a comment.
func needsQuotes(s string, special *[256]bool) bool {
	if s[0] == ' ' || s[0] == '#' || s[len(s)-1] == ' ' {
		return true
	}
	for i := range len(s) {
		if special[s[i]] {
			return true
		}
	}
	return false
}

// objects writes NDJSON.
func (f Format) objects(into []byte, b record.Batch, skip []bool) []byte {
	keys := make([][]byte, len(b.Schema.Columns))
	for i, c := range b.Schema.Columns {
		if i > 0 {
			keys[i] = append(keys[i], ',')
		}
		keys[i] = append(record.AppendQuoted(keys[i], c.Name), ':')
	}
	out := room(into, b.Len()*(len(keys)*20+8))
	for row := range b.Len() {
		if skip != nil && skip[row] {
			continue
		}
		out = append(out, '{')
		for i, c := range b.Schema.Columns {
			out = append(out, keys[i]...)
			col := b.Rows.Column(i)
			if d, ok := col.(*array.Date32); ok && !d.IsNull(row) {
				out = append(record.AppendDate(append(out, '"'), int64(d.Value(row))), '"')
				continue
			}
			out = record.AppendJSON(out, col, c.Type, row)
		}
		out = append(append(out, '}'), f.LineEnd...)
	}
	return out
}

// Compress gives the text as a member of a file that is compressed so: none, gzip or zstd. Members behind each other are one file. The
// same text gives the same bytes.
func Compress(text []byte, kind string) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	switch kind {
	case "gzip":
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		if _, err := w.Write(text); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		return out.Bytes(), nil
	case "zstd":
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		defer func() { _ = w.Close() }()
		return w.EncodeAll(text, nil), nil
	}
	return text, nil
}
