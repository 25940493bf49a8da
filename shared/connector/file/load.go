package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/encode"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// encoded is a batch as it is written.
type encoded struct {
	head    []byte // the header, written where a file begins
	data    []byte
	text    []byte // data before it was compressed
	rows    int64
	refused []record.Refusal
}

// Load writes a batch. It is encoded before the target is locked, so that partitions work side by side.
func (d *Destination) Load(ctx context.Context, r connector.LoadRequest) (connector.Receipt, error) {
	f, err := d.targetOf(r.Target.Name)
	if err != nil {
		return connector.Receipt{}, err
	}
	s, err := f.read(ctx)
	if err != nil {
		return connector.Receipt{}, err
	}
	e, err := d.encode(f, s, r)
	if err != nil {
		return connector.Receipt{}, err
	}
	defer d.give(e.text)
	w := &write{LoadRequest: r, encoded: e}
	w.receipt = connector.Receipt{Run: r.Target.Run, Base: r.Claim.Base, Fence: r.Claim.Fence, Owner: r.Claim.Owner, Seq: r.Seq, Start: r.Start, End: r.End,
		Batch: r.Name, Inserted: e.rows, Refused: e.refused}
	if f.shelf != nil { // an object counts from when the manifest names it, so it is made before this writer's turn
		if there, err := f.admit(&s, r); err != nil || there != nil {
			return answer(there), err
		}
		if w.part, err = d.putPart(ctx, f, w); err != nil {
			return connector.Receipt{}, err
		}
	}
	var there *connector.Receipt
	err = f.change(ctx, func(s state) error {
		var err error
		if there, err = f.admit(&s, r); err != nil || there != nil {
			return err
		}
		return d.put(ctx, f, s, w)
	})
	if there == nil && err == nil {
		there = &w.receipt
	}
	return answer(there), err
}

// give keeps the buffer of a batch that was written for the next one.
func (d *Destination) give(text []byte) {
	if cap(text) == 0 {
		return
	}
	select {
	case d.spare <- text:
	default:
	}
}

func answer(r *connector.Receipt) connector.Receipt {
	if r == nil {
		return connector.Receipt{}
	}
	return *r
}

// admit says whether a batch may be written: a receipt that is there already, or nil to go on.
func (f *target) admit(s *state, r connector.LoadRequest) (*connector.Receipt, error) {
	there, err := s.admit(r)
	if err == nil && there == nil && replaces(r.Target) && s.Guard.Run != r.Target.Run {
		err = fault.New(fault.Superseded, "run %s has prepared %s meanwhile", s.Guard.Run, f.shown)
	}
	return there, err
}

// write is a batch on its way into a target.
type write struct {
	connector.LoadRequest
	encoded
	receipt   connector.Receipt
	part      part // on a shelf: made before
	confirmed bool
}

// put writes the data, then the state that makes it count.
func (d *Destination) put(ctx context.Context, f *target, s state, w *write) error {
	next := s.slotOf(w.Claim, w.Partition)
	next.Receipt = w.receipt
	name, length := f.data, s.Length
	var err error
	switch {
	case f.folder:
		p := w.part
		if f.shelf == nil {
			p, err = d.putPart(ctx, f, w)
		}
		if err == nil && p.Name != "" {
			if replaces(w.Target) {
				s.Staged = append(s.Staged, p)
			} else {
				s.Files = append(s.Files, p)
				sortParts(s.Files)
			}
		}
		name = ""
	case replaces(w.Target):
		name, length = f.stagedName(w.Target.Run, w.Partition), next.Staged
		if err = f.root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return f.classify(err, "make", path.Dir(name))
		}
		if next.Staged, err = f.grow(name, length, w.encoded); length == 0 {
			next.Header = int64(len(w.head))
		}
	default:
		if length, err = f.lengthFor(s, w); err != nil {
			return err
		}
		s.Length, err = f.grow(name, length, w.encoded)
	}
	if err != nil {
		return err
	}
	if err := confirm(ctx, w); err != nil {
		if name != "" {
			_ = f.cut(name, length) // else the next write does it
		}
		return err
	}
	s.put(w.Partition, next)
	return f.save(ctx, s)
}

// lengthFor gives the length behind which a batch goes. A file that was removed is begun anew when the partition is, too.
func (f *target) lengthFor(s state, w *write) (int64, error) {
	size, err := f.size(f.data)
	if err != nil || size >= s.Length || size < 0 && s.Length == 0 {
		return s.Length, err
	}
	if p := s.Partitions[w.Partition]; size < 0 && (p == nil || p.Receipt.Base != w.Claim.Base) {
		return 0, nil
	}
	return 0, f.gone(size, s.Length)
}

// confirm asks the caller, once, whether the batch may count.
func confirm(ctx context.Context, w *write) error {
	if w.Confirm != nil && !w.confirmed {
		if err := w.Confirm(w.refused); err != nil {
			return err
		}
	}
	w.confirmed = true
	return ctx.Err()
}

// grow appends a batch to a file of the given length, and answers the new one.
func (f *target) grow(name string, length int64, e encoded) (int64, error) {
	pieces := [][]byte{e.data}
	if length == 0 {
		pieces = [][]byte{e.head, e.data}
	}
	if err := f.appendTo(name, length, pieces...); err != nil {
		return length, err
	}
	for _, p := range pieces {
		length += int64(len(p))
	}
	return length, nil
}

// encode writes the batch's rows as text.
func (d *Destination) encode(f *target, s state, r connector.LoadRequest) (encoded, error) {
	names := d.schemaNames(f, s, r.Target)
	var e encoded
	var err error
	if !d.write.JSON && d.c.Header {
		if e.head, err = encode.Compress(d.write.Header(names), d.kind); err != nil {
			return e, err
		}
	}
	if r.Batch.Len() == 0 {
		return e, nil
	}
	var skip []bool
	if !d.write.JSON {
		e.refused, skip = deadLetters(r.Target, r.Batch, names)
	}
	columns := make([]int, len(names))
	for i, n := range names {
		columns[i] = r.Batch.Schema.Index(n)
	}
	e.rows = int64(r.Batch.Len() - len(e.refused))
	var into []byte
	select {
	case into = <-d.spare:
	default:
	}
	e.text = d.write.Rows(into, r.Batch, columns, skip)
	e.data, err = encode.Compress(e.text, d.kind)
	return e, err
}

// putPart writes a batch as a file of a folder; a batch without rows has none.
func (d *Destination) putPart(ctx context.Context, f *target, w *write) (part, error) {
	if w.rows == 0 {
		return part{}, nil
	}
	if f.shelf != nil {
		return d.shelvePart(ctx, f, w)
	}
	since := w.Claim.Base // seq counts from there, so that no name comes twice
	if replaces(w.Target) {
		since = w.Target.Run
	}
	lead := "part-" + short(since) + "-"
	p := part{Run: w.Target.Run, Partition: w.Partition, Seq: w.Seq, Rows: w.rows, Bytes: int64(len(w.head) + len(w.data)),
		Name: fmt.Sprintf("%s%s-%06d%s", lead, fileName(w.Partition), w.Seq, d.ending())}
	return p, f.replace(path.Join(f.data, p.Name), append(w.head, w.data...))
}

// ending is what the names of parts end in.
func (d *Destination) ending() string {
	end := "." + d.c.Format
	switch d.kind {
	case "gzip":
		end += ".gz"
	case "zstd":
		end += ".zst"
	}
	return end
}

func (f *target) stagedDir(run string) string { return path.Join(f.side, "run-"+fileName(run)) }

func (f *target) stagedName(run, partition string) string {
	return path.Join(f.stagedDir(run), "part-"+fileName(partition))
}

// fileName makes a name that is safe in every file system; a long one ends in its hash.
func fileName(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("._-=+,@", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if name := b.String(); len(name) <= 150 && filepath.IsLocal(name) {
		return name
	}
	return b.String()[:min(b.Len(), 120)] + "~" + short(s)
}

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:6])
}
