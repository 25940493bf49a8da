package file

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/cell"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/csv"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/jsonl"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// maxRaw bounds the text of a rejected record that is kept, in bytes.
const maxRaw = 4096

// unknown is what a decoder writes for bytes that its encoding does not know.
var unknown = []byte("\ufffd")

// noFields is what is wrong with a record when the stream has no column.
const noFields = "no record of the stream has a field"

// row puts the values of records into columns.
type row struct {
	r          *reader
	schema     record.Schema
	cols       []*cell.Column
	given      []bool // columns whose type the user gives
	fields     []int  // CSV: column of each field
	absent     []int  // CSV: columns that this file does not have
	dec        *jsonl.Decoder
	emptyNull  bool // CSV: the empty text is the only null, as by default
	n          int  // rows
	scratch    []byte
	sizes      []int  // bytes of texts in the last batch, by column
	cursor     int    // column, or -1
	cursorText []byte // of the record
}

func newRow(r *reader) (*row, error) {
	w := &row{r: r, schema: r.req.Schema, cursor: -1}
	for _, c := range w.schema.Columns {
		_, given := r.req.Stream.Columns[c.Name]
		w.cols, w.given = append(w.cols, cell.NewColumn(c.Type, !given)), append(w.given, given)
	}
	w.sizes = make([]int, len(w.cols))
	if _, ok := r.at.(*cursors); ok {
		w.cursor = w.schema.Index(r.req.Stream.Cursor)
	}
	if r.text.csv == nil {
		w.dec = jsonl.NewDecoder(w.schema.Names())
		return w, nil
	}
	null := r.s.c.Null
	w.emptyNull = len(null) == 1 && null[0] == "" && !r.s.c.QuotedNull
	has := make([]bool, len(w.cols))
	for _, name := range r.h.names {
		i := w.schema.Index(name)
		if i < 0 && len(w.cols) > 0 {
			return nil, changed(r.part.File, fmt.Sprintf("its header has the new name %q", name))
		}
		if i >= 0 {
			has[i] = true
		}
		w.fields = append(w.fields, i)
	}
	for i := range has {
		if !has[i] {
			w.absent = append(w.absent, i)
		}
	}
	return w, nil
}

// reserve makes room for as much as the last batch had.
func (w *row) reserve(rows int) {
	for i, c := range w.cols {
		if rows > 0 {
			c.Reserve(rows, w.sizes[i]+w.sizes[i]/16)
		}
	}
}

// batch gives the rows and empties the columns.
func (w *row) batch() arrow.RecordBatch {
	if len(w.cols) == 0 {
		return nil
	}
	cols := make([]arrow.Array, len(w.cols))
	for i, c := range w.cols {
		w.sizes[i] = c.Bytes()
		cols[i] = c.Array()
	}
	n := w.n
	w.n = 0
	return record.MakeRows(w.schema, cols, n)
}

// drop takes the cells of the current record back.
func (w *row) drop() {
	for _, c := range w.cols {
		c.Truncate(w.n)
	}
}

// fill adds the values of the current record to the columns, or answers why not.
func (w *row) fill(ctx context.Context) *record.Reject {
	t := w.r.text
	if p := t.Problem(); p != "" {
		return w.reject(ctx, p)
	}
	if ok, nul := cell.CleanText(t.Record()); nul {
		return w.reject(ctx, "the record holds a NUL byte")
	} else if !ok {
		return w.reject(ctx, "the record is not valid UTF-8 (set encoding, for example to windows-1252)")
	}
	if t.stream.Decoded && bytes.Contains(t.Record(), unknown) {
		return w.reject(ctx, "the record holds bytes that its encoding does not know (set another encoding)")
	}
	switch {
	case w.dec != nil:
		return w.fillJSON(ctx)
	case len(w.cols) == 0:
		return w.reject(ctx, noFields)
	}
	return w.fillCSV(ctx)
}

func (w *row) fillCSV(ctx context.Context) *record.Reject {
	b, fields := w.r.text.Record(), w.r.text.csv.Fields()
	if len(fields) != len(w.fields) {
		return w.reject(ctx, fmt.Sprintf("the record has %d fields instead of %d", len(fields), len(w.fields)))
	}
	for i, f := range fields {
		col := w.cols[w.fields[i]]
		v := b[f.Lo:f.Hi]
		if f.Escaped {
			w.scratch = w.r.text.csv.Unescape(w.scratch[:0], v)
			v = w.scratch
		}
		if w.emptyNull && len(v) == 0 && !f.Quoted || !w.emptyNull && w.r.s.c.isNull(v, f.Quoted) {
			col.Null()
			continue
		}
		if w.fields[i] == w.cursor {
			w.cursorText = append(w.cursorText[:0], v...)
		}
		if !col.Text(v) {
			return w.misfit(ctx, w.fields[i], v)
		}
	}
	for _, i := range w.absent {
		w.cols[i].Null()
	}
	return nil
}

func (w *row) fillJSON(ctx context.Context) *record.Reject {
	fields, err := w.dec.Decode(w.r.text.Record())
	if err != nil {
		return w.reject(ctx, err.Error())
	}
	if len(w.cols) == 0 {
		return w.reject(ctx, noFields)
	}
	for i := range fields {
		f := &fields[i]
		if f.Column < 0 {
			if f.Kind == jsonl.Null {
				continue
			}
			return w.reject(ctx, fmt.Sprintf("the field %q is not among the columns that were found (look at more records with sample, or set columns: {%s: string})", excerpt(f.Name), excerpt(f.Name)))
		}
		if f.Kind == jsonl.Null {
			w.cols[f.Column].Null()
			continue
		}
		if f.Column == w.cursor {
			w.cursorText = append(w.cursorText[:0], f.Value...)
		}
		if !w.add(f) {
			return w.misfit(ctx, f.Column, f.Value)
		}
	}
	for _, c := range w.cols {
		if c.Len() == w.n {
			c.Null()
		}
	}
	return nil
}

// add puts a JSON value into its column. Only a column whose type the user gives takes texts for numbers and bools.
func (w *row) add(f *jsonl.Field) bool {
	col := w.cols[f.Column]
	given := w.given[f.Column]
	switch col.Type().Kind {
	case record.String:
		col.Raw(f.Value)
		return true
	case record.JSON:
		if f.Kind == jsonl.String {
			w.scratch = record.AppendQuoted(w.scratch[:0], string(f.Value))
			col.Raw(w.scratch)
		} else {
			col.Raw(f.Value)
		}
		return true
	case record.Int, record.Float, record.Decimal:
		return (f.Kind == jsonl.Number || given && f.Kind == jsonl.String) && col.Text(f.Value)
	case record.Bool:
		return (f.Kind == jsonl.Bool || given) && col.Text(f.Value)
	}
	return f.Kind == jsonl.String && col.Text(f.Value)
}

// reject makes a reject of the current record, whose cells are taken back.
func (w *row) reject(ctx context.Context, problem string) *record.Reject {
	w.drop()
	raw := w.r.text.Record()
	return &record.Reject{
		Phase: "extract", Code: string(fault.DataInvalid), Tries: 1,
		Message: fmt.Sprintf("line %d: %s", w.r.line(ctx), problem),
		Key:     w.key(),
		Raw:     strings.ToValidUTF8(string(raw[:min(len(raw), maxRaw)]), "\ufffd"),
	}
}

// misfit rejects the current record for a value that is not of its column's type.
func (w *row) misfit(ctx context.Context, col int, value []byte) *record.Reject {
	c := w.schema.Columns[col]
	reason := fmt.Sprintf("%q does not fit", excerpt(value))
	if err := record.ParseText(record.NewColumnBuilder(c.Type), c.Type, string(value)); err != nil {
		reason = err.Error()
	}
	return w.reject(ctx, fmt.Sprintf("column %s: %s; its type is %s (set columns: {%s: string} to keep such values)", c.Name, reason, c.Type, c.Name))
}

// key gives the values of the stream's key in the current record, "" when they cannot be told.
func (w *row) key() string {
	names := w.r.req.Stream.Key
	if len(names) == 0 || w.r.text.Problem() != "" || w.dec == nil && len(w.r.text.csv.Fields()) != len(w.fields) {
		return ""
	}
	var fields []jsonl.Field
	if w.dec != nil {
		var err error
		if fields, err = w.dec.Decode(w.r.text.Record()); err != nil {
			return ""
		}
	}
	out := []byte{'['}
	for i, name := range names {
		col := w.schema.Index(name)
		if col < 0 {
			return ""
		}
		value, ok := w.value(col, fields)
		c := cell.NewColumn(w.schema.Columns[col].Type, false)
		if !ok || !c.Text(value) {
			return ""
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = record.AppendJSON(out, c.Array(), c.Type(), 0)
	}
	return string(append(out, ']'))
}

// value gives the text of a column in the current record; false when it is null or not there.
func (w *row) value(col int, fields []jsonl.Field) ([]byte, bool) {
	for _, f := range fields {
		if f.Column == col {
			return f.Value, f.Kind != jsonl.Null
		}
	}
	if w.dec != nil {
		return nil, false
	}
	for i, c := range w.fields {
		if c != col {
			continue
		}
		var f csv.Field = w.r.text.csv.Fields()[i]
		v := w.r.text.Record()[f.Lo:f.Hi]
		if f.Escaped {
			v = w.r.text.csv.Unescape(nil, v)
		}
		return v, !w.r.s.c.isNull(v, f.Quoted)
	}
	return nil, false
}

// excerpt shows at most 40 bytes of a value.
func excerpt(v []byte) string {
	if len(v) > 40 {
		return strings.ToValidUTF8(string(v[:40]), "") + "…"
	}
	return string(v)
}
