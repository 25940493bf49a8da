package record

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Format is the version of the stored form of a batch.
const Format = 1

// The metadata key and the hidden columns of a stored batch.
const (
	headerKey    = "lockstep"
	sumKey       = "lockstep.sum"
	originColumn = "__lockstep_origin"
	hiddenPrefix = "__lockstep_"
)

// Compression of a stored batch.
type Compression string

// The compressions that Arrow files know.
const (
	LZ4  Compression = "lz4"
	Zstd Compression = "zstd"
	None Compression = "none"
)

type header struct {
	Format  int      `json:"format"`
	Read    int      `json:"read"`
	Start   string   `json:"start"`
	End     string   `json:"end"`
	Last    bool     `json:"last"`
	Warned  int      `json:"warned,omitempty"`
	Rejects []Reject `json:"rejects,omitempty"`
	Prefix  string   `json:"prefix,omitempty"` // of Offsets
	Ends    []byte   `json:"ends,omitempty"`   // of Offsets: differences, as varints
	Texts   []string `json:"texts,omitempty"`
}

// Marshal gives the batch as an Arrow IPC file: the columns, an origin column when rows and originals differ, and two metadata
// entries: one with everything else, one with the file's checksum. The same batch gives the same bytes. Text of rejects that is
// not UTF-8 is stored with U+FFFD; positions that are not are an Internal fault of their source.
func Marshal(b Batch, c Compression) ([]byte, error) {
	var out bytes.Buffer
	err := MarshalTo(&out, b, c)
	return out.Bytes(), err
}

// MarshalTo is Marshal into an empty buffer, which may have room of earlier batches.
func MarshalTo(out *bytes.Buffer, b Batch, c Compression) error {
	h, err := headerOf(b)
	if err != nil {
		return err
	}
	fields, cols := []arrow.Field{}, []arrow.Array{}
	if b.Rows != nil {
		fields = append(fields, b.Schema.Arrow().Fields()...)
		cols = append(cols, b.Rows.Columns()...)
	}
	for _, f := range fields {
		if strings.Contains(f.Name, sumMark) {
			return fault.New(fault.DataInvalid, "column name %s cannot be stored", excerpt(f.Name))
		}
	}
	if b.Origin != nil {
		origin := array.NewInt32Builder(memory.DefaultAllocator)
		origin.AppendValues(b.Origin, nil)
		fields = append(fields, arrow.Field{Name: originColumn, Type: arrow.PrimitiveTypes.Int32})
		cols = append(cols, origin.NewArray())
	}
	room(out, cols, len(h), c)
	md := arrow.NewMetadata([]string{headerKey, sumKey}, []string{h, sumMark + noSum})
	schema := arrow.NewSchema(fields, &md)
	if err := write(out, schema, array.NewRecordBatch(schema, cols, int64(b.Len())), c); err != nil {
		return err
	}
	if !seal(out.Bytes()) {
		return fault.New(fault.Internal, "the Arrow writer did not store the checksum")
	}
	return nil
}

// headerOf gives what a batch holds beside its rows, as JSON.
func headerOf(b Batch) (string, error) {
	h := header{Format: Format, Read: b.Read, Start: b.Start, End: b.End, Last: b.Last, Warned: b.Warned, Rejects: b.Rejects}
	switch p := b.Positions.(type) {
	case nil:
	case Offsets:
		h.Prefix, h.Ends = p.Prefix, deltas(p.Ends)
	case Texts:
		h.Texts = p
	default:
		return "", fault.New(fault.Internal, "positions of type %T cannot be stored", p)
	}
	for _, s := range append([]string{h.Start, h.End, h.Prefix}, h.Texts...) {
		if !utf8.ValidString(s) {
			return "", fault.New(fault.Internal, "position %s is not UTF-8", excerpt(s))
		}
	}
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // else snapshots would come back changed
	if err := enc.Encode(h); err != nil {
		return "", fmt.Errorf("encode batch header: %w", err)
	}
	return out.String(), nil
}

// guessRatio is how much smaller a stored batch usually is; a wrong guess costs a copy.
var guessRatio = map[Compression]int{LZ4: 2, Zstd: 3, None: 1}

// room gives an empty buffer room for a batch, and an eighth more, since the next one may be a little larger. The header is stored twice.
func room(out *bytes.Buffer, cols []arrow.Array, header int, c Compression) {
	need := sizeOf(cols)/max(guessRatio[c], 1) + 2*header + 512*len(cols) + 4096
	if out.Cap() < need {
		*out = *bytes.NewBuffer(make([]byte, 0, need+need/8))
	}
}

// sizeOf adds up the buffers of columns, in bytes.
func sizeOf(cols []arrow.Array) int {
	n := 0
	for _, col := range cols {
		for _, b := range col.Data().Buffers() {
			if b != nil {
				n += b.Len()
			}
		}
	}
	return n
}

func write(out *bytes.Buffer, schema *arrow.Schema, rows arrow.RecordBatch, c Compression) error {
	// Columns are compressed side by side; the bytes are the same as one after the other.
	opts := []ipc.Option{ipc.WithSchema(schema), ipc.WithAllocator(memory.DefaultAllocator), ipc.WithCompressConcurrency(min(runtime.GOMAXPROCS(0), 2))}
	switch c {
	case LZ4:
		opts = append(opts, ipc.WithLZ4())
	case Zstd:
		opts = append(opts, ipc.WithZstd())
	}
	w, err := ipc.NewFileWriter(out, opts...)
	if err != nil {
		return fmt.Errorf("open arrow writer: %w", err)
	}
	if err := w.Write(rows); err != nil {
		return fmt.Errorf("write arrow record: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close arrow writer: %w", err)
	}
	return nil
}

// Unmarshal reads what Marshal wrote. A file that is damaged, or was not written by Marshal, is DataInvalid; one of a later format
// is VersionTooNew. The batch keeps data, which must not be changed.
func Unmarshal(data []byte) (b Batch, err error) {
	defer func() {
		if p := recover(); p != nil { // arrow panics on some damaged files
			err = fault.New(fault.DataInvalid, "batch is damaged: %v", p)
		}
	}()
	switch whole, sealed := verify(data); {
	case !sealed:
		return Batch{}, fault.New(fault.DataInvalid, "file is not a batch, or is damaged: no checksum in it")
	case !whole:
		return Batch{}, fault.New(fault.DataInvalid, "batch is damaged: its checksum does not fit")
	}
	r, err := ipc.NewMappedFileReader(data, ipc.WithAllocator(memory.DefaultAllocator))
	if err != nil {
		return Batch{}, fault.New(fault.DataInvalid, "batch is not a whole Arrow file: %w", err)
	}
	md := r.Schema().Metadata()
	text, ok := md.GetValue(headerKey)
	if !ok {
		return Batch{}, fault.New(fault.DataInvalid, "Arrow file is not a batch: no %q metadata", headerKey)
	}
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return Batch{}, fault.New(fault.DataInvalid, "batch header is damaged: %w", err)
	}
	if h.Format > Format {
		return Batch{}, fault.New(fault.VersionTooNew, "batch has format %d, this version reads up to %d", h.Format, Format)
	}
	if r.NumRecords() != 1 {
		return Batch{}, fault.New(fault.DataInvalid, "batch has %d Arrow records instead of 1", r.NumRecords())
	}
	rows, err := r.RecordBatch(0)
	if err != nil {
		return Batch{}, fault.New(fault.DataInvalid, "batch is damaged: %w", err)
	}
	return h.batch(rows)
}

func (h header) batch(rows arrow.RecordBatch) (Batch, error) {
	b := Batch{Read: h.Read, Start: h.Start, End: h.End, Last: h.Last, Warned: h.Warned, Rejects: h.Rejects}
	fields, cols := rows.Schema().Fields(), rows.Columns()
	if n := len(fields) - 1; n >= 0 && fields[n].Name == originColumn {
		origin, ok := cols[n].(*array.Int32)
		if !ok {
			return Batch{}, fault.New(fault.DataInvalid, "batch is damaged: its origin column is %s", fields[n].Type)
		}
		b.Origin = origin.Int32Values()
		if b.Origin == nil {
			b.Origin = []int32{}
		}
		fields, cols = fields[:n], cols[:n]
	}
	schema, err := schemaOf(fields)
	if err != nil {
		return Batch{}, err
	}
	b.Schema = schema
	if len(fields) > 0 {
		b.Rows = MakeRows(schema, cols, int(rows.NumRows()))
	}
	switch {
	case h.Ends != nil:
		ends, err := undelta(h.Ends)
		if err != nil {
			return Batch{}, err
		}
		b.Positions = Offsets{h.Prefix, ends}
	case h.Texts != nil:
		b.Positions = Texts(h.Texts)
	}
	return b, nil
}

func deltas(ends []int64) []byte {
	out := make([]byte, 0, len(ends)*2)
	var last int64
	for _, e := range ends {
		out = binary.AppendVarint(out, e-last)
		last = e
	}
	return out
}

func undelta(data []byte) ([]int64, error) {
	var ends []int64
	var last int64
	for len(data) > 0 {
		d, n := binary.Varint(data)
		if n <= 0 {
			return nil, fault.New(fault.DataInvalid, "batch is damaged: its positions cannot be read")
		}
		last += d
		ends = append(ends, last)
		data = data[n:]
	}
	return ends, nil
}

// Reserved says whether a column of this name would collide with the hidden columns of a stored batch.
func Reserved(name string) bool { return strings.HasPrefix(name, hiddenPrefix) }
