package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/encode"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// Destination writes files. See connector.Destination.
//
// A file that is appended to: a batch is written behind the length that the state names and made durable; then the state with the
// longer length and the receipt replaces the old one. What stands behind the length was never acknowledged and is cut off first.
//
// A file that is replaced: each partition writes a staged file in the same way; the commit puts them together and in the target's
// place by a rename.
//
// A folder: a batch is a file of its own, and counts when the manifest names it. In a bucket there are only folders; see shelf.
type Destination struct {
	c     config
	kind  string // of the compression
	write encode.Format
	root  *os.Root    // nil in a bucket
	shelf *shelf      // nil in the file system
	rel   string      // path in root, or key in the bucket, with streamMark
	spare chan []byte // the buffer of the last batch, to write the next one into
	close sync.Once
}

var _ connector.Destination = (*Destination)(nil)

func openDestination(ctx context.Context, openers blob.Openers, cc connector.Config) (connector.Destination, error) {
	c, err := decode(cc.Values)
	if err != nil {
		return nil, err
	}
	if c.Format == formatJSON {
		return nil, fault.New(fault.ConfigInvalid, "a JSON array cannot be written").WithHint("set format: ndjson")
	}
	d := &Destination{c: c, kind: c.form().CompressionOf(c.Path), spare: make(chan []byte, 1)}
	d.write = encode.Format{JSON: c.Format == formatNDJSON, Comma: one(c.Delimiter), Null: c.NullText, LineEnd: "\n"}
	if c.LineEnd == "crlf" {
		d.write.LineEnd = "\r\n"
	}
	p, local, err := input.Local(c.Path)
	switch {
	case err != nil:
		return nil, err
	case local:
		d.root, d.rel, err = openRoot(cc.Dir, p)
	default:
		d.shelf, d.rel, err = openShelf(ctx, openers, p)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// guarantee says what the destination gives.
func guarantee(v setting.Values, w job.Write) connector.Guarantee {
	m, _ := v.Raw().(map[string]any)
	p, _ := m[keyPath].(string)
	g := connector.Guarantee{Level: connector.ExactlyOnce, Receipts: true, Fenced: true}
	switch {
	case strings.HasSuffix(p, "/"):
		g.Why = "a batch is a file of its own and counts from when the manifest names it, together with its receipt; readers must use the manifest"
	case w.Mode == job.Replace || w.Mode == job.TruncateInsert:
		g.Why = "batches are staged beside the file with their receipts, and the whole is put in its place by one rename"
	default:
		g.Why = "the receipt beside the file names the length that counts, and what a crash left behind it is cut off before the next write; a reader may see that rest until then"
	}
	return g
}

// replaces says whether a target is made anew by each run.
func replaces(t connector.Target) bool {
	return t.Write.Mode == job.Replace || t.Write.Mode == job.TruncateInsert
}

// Prepare claims the target, drops what other runs staged, and holds the columns of a CSV file against the target's.
func (d *Destination) Prepare(ctx context.Context, t connector.Target, c connector.Claim) error {
	if err := checkTarget(t); err != nil {
		return err
	}
	f, err := d.targetOf(t.Name)
	if err != nil {
		return err
	}
	if f.shelf == nil {
		if err := f.root.MkdirAll(path.Dir(f.data), 0o755); err != nil {
			return f.classify(err, "make", path.Dir(f.data))
		}
	}
	var left []string
	err = f.change(ctx, func(s state) (err error) {
		if f.shelf != nil && replaces(t) {
			if left, err = f.leftovers(ctx, s, t.Run); err != nil {
				return err
			}
		}
		return d.prepare(ctx, f, &s, claimed{t, c})
	})
	if err != nil {
		return err
	}
	for _, name := range left {
		f.removePart(ctx, name)
	}
	return nil
}

func (d *Destination) prepare(ctx context.Context, f *target, s *state, c claimed) error {
	t := c.Target
	if s.Stream != "" && s.Stream != t.Stream {
		return fault.New(fault.Conflict, "%s is the target of stream %s", f.shown, s.Stream).WithHint("put {stream} into the path")
	}
	if s.Job != "" && s.Job != t.Job { // two jobs number their fences and batches each for itself
		return fault.New(fault.Conflict, "%s is the target of job %s", f.shown, s.Job).WithHint("give each job a path of its own")
	}
	prepared := s.Stream != ""
	s.Job, s.Stream = t.Job, t.Stream
	if err := s.claim(t.Run, c.claim); err != nil {
		return err
	}
	if err := d.makeReady(ctx, f, s, readying{t, prepared}); err != nil {
		return err
	}
	return f.save(ctx, *s)
}

// checkTarget refuses what files cannot do.
func checkTarget(t connector.Target) error {
	switch {
	case t.Write.Mode == job.Upsert:
		return fault.New(fault.ConfigInvalid, "files cannot be written by key").WithHint("use mode append or replace, or a database")
	case t.Write.DeleteMissing:
		return fault.New(fault.ConfigInvalid, "delete_missing needs a destination with keys").WithHint("use mode replace")
	case replaces(t) && !t.Full:
		return fault.New(fault.ConfigInvalid, "mode %s needs a stream of mode full", t.Write.Mode).WithHint("use write mode append")
	}
	return nil
}

// readying is a target that is made ready; prepared says that it was before.
type readying struct {
	connector.Target
	prepared bool
}

// makeReady brings the target into the state in which batches can be loaded.
func (d *Destination) makeReady(ctx context.Context, f *target, s *state, r readying) error {
	t := r.Target
	if replaces(t) {
		if err := f.finishSwap(s); err != nil {
			return err
		}
		return d.dropStaged(ctx, f, s, t)
	}
	// What stands in a file that was prepared before and has no length that counts is of a batch that a crash cut off.
	if !f.folder && !(r.prepared && s.Length == 0) {
		if err := d.adopt(ctx, f, s, t); err != nil {
			return err
		}
	}
	if d.write.JSON {
		return nil
	}
	if s.Columns == nil || f.folder {
		s.Columns = t.Schema.Names()
		return nil
	}
	return checkDrift(f, s.Columns, t)
}

// adopt takes a file over that is there without a state, or whose state is there without the file.
func (d *Destination) adopt(ctx context.Context, f *target, s *state, t connector.Target) error {
	size, err := f.size(f.data)
	if err != nil {
		return err
	}
	switch {
	case size < 0 && !t.Full: // removed: Load knows whether it may begin anew
		return nil
	case size < s.Length && t.Full: // removed, and everything is read again
		s.Length, s.Columns = 0, nil
		return nil
	case size < s.Length:
		return f.gone(size, s.Length)
	case size <= 0 || s.Length > 0 || len(s.Partitions) > 0:
		return nil
	}
	if s.Columns, err = d.columnsOf(ctx, f); err != nil {
		return err
	}
	s.Length = size
	if d.kind == "none" {
		return f.endLine(s, d.write.LineEnd)
	}
	return nil
}

func (f *target) gone(size, length int64) error {
	return fault.New(fault.DestinationBehind, "%s has %d bytes, but %d were written", f.shown, max(size, 0), length).
		WithHint("was it removed or cut? lockstep reset starts over")
}

// endLine ends the last line of a file that was taken over.
func (f *target) endLine(s *state, end string) error {
	file, err := f.root.Open(f.data)
	if err != nil {
		return f.classify(err, "read", f.data)
	}
	defer func() { _ = file.Close() }()
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, s.Length-1); err != nil {
		return f.classify(err, "read", f.data)
	}
	if last[0] == '\n' {
		return nil
	}
	if err := f.appendTo(f.data, s.Length, []byte(end)); err != nil {
		return err
	}
	s.Length += int64(len(end))
	return nil
}

// columnsOf reads the header of a CSV file that Lockstep has not written.
func (d *Destination) columnsOf(ctx context.Context, f *target) ([]string, error) {
	if d.write.JSON || !d.c.Header {
		return nil, nil
	}
	c := d.c
	c.Quote, c.Encoding, c.Compression = `"`, "utf-8", d.kind
	src := &Source{c: c, place: &rootPlace{f}, glob: f.data}
	h, err := src.header(ctx, f.data, false)
	return h.names, err
}

// checkDrift holds the schema against the columns of the file.
func checkDrift(f *target, columns []string, t connector.Target) error {
	for _, c := range t.Schema.Columns {
		if slices.Contains(columns, c.Name) {
			continue
		}
		switch policy(t, c.Name) {
		case job.Ignore, job.DeadLetter:
		default:
			return fault.New(fault.SchemaDrift, "%s has no column %s, of type %s, and a CSV file cannot be given one", f.shown, c.Name, c.Type).
				WithHint("use mode replace, another path, or drift: ignore or dead_letter")
		}
	}
	return nil
}

func policy(t connector.Target, column string) job.Drift {
	if p, ok := t.Columns[column]; ok {
		return p
	}
	return t.Drift
}

// Committed answers the run whose commit was the last.
func (d *Destination) Committed(ctx context.Context, t connector.Target) (string, error) {
	f, err := d.targetOf(t.Name)
	if err != nil {
		return "", err
	}
	s, err := f.read(ctx)
	if err != nil || s.Stream != t.Stream {
		return "", err
	}
	if !f.folder {
		if size, err := f.size(f.data); err != nil || size < 0 {
			return "", err
		}
	}
	return s.Committed, nil
}

// Receipt reads a partition's last receipt.
func (d *Destination) Receipt(ctx context.Context, t connector.Target, partition string) (connector.Receipt, bool, error) {
	f, err := d.targetOf(t.Name)
	if err != nil {
		return connector.Receipt{}, false, err
	}
	s, err := f.read(ctx)
	if err != nil || s.Stream != t.Stream {
		return connector.Receipt{}, false, err
	}
	p := s.Partitions[partition]
	if p == nil || t.Full && p.Receipt.Run != t.Run {
		return connector.Receipt{}, false, nil
	}
	return p.Receipt, true, nil
}

// Ping says whether the folder of the target can be written, with a file that it removes again.
func (d *Destination) Ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.shelf != nil {
		return d.shelf.ping(ctx, d.rel)
	}
	t := &target{root: d.root, shown: d.c.Path}
	lead := d.rel
	if i := strings.Index(lead, streamMark); i >= 0 {
		lead = lead[:i] + "x"
	}
	for dir := path.Dir(lead); ; dir = path.Dir(dir) {
		st, err := d.root.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) && dir != "." {
			continue
		}
		if err != nil {
			return t.classify(err, "look at", dir)
		}
		if !st.IsDir() {
			return fault.New(fault.ConfigInvalid, "%s is not a folder", dir)
		}
		name := path.Join(dir, ".lockstep-ping")
		f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return t.classify(err, "write", dir)
		}
		_ = f.Close()
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return t.classify(err, "write", dir)
		}
		return nil
	}
}

// Close frees the folder or bucket.
func (d *Destination) Close() error {
	var err error
	d.close.Do(func() {
		if d.shelf != nil {
			err = d.shelf.b.Close()
			return
		}
		err = d.root.Close()
	})
	return err
}

// schemaNames are the columns in which a batch is written.
func (d *Destination) schemaNames(f *target, s state, t connector.Target) []string {
	if d.write.JSON || f.folder || replaces(t) || s.Columns == nil {
		return t.Schema.Names()
	}
	return s.Columns
}

// deadLetters gives the refusals of a batch, and which rows they are: rows that have a value in a column which the file does not have, by policy.
func deadLetters(t connector.Target, b record.Batch, columns []string) ([]record.Refusal, []bool) {
	var refused []record.Refusal
	var skip []bool
	for i, c := range b.Schema.Columns {
		if slices.Contains(columns, c.Name) || policy(t, c.Name) != job.DeadLetter {
			continue
		}
		for row := range b.Len() {
			if b.Rows.Column(i).IsNull(row) || skip != nil && skip[row] {
				continue
			}
			if skip == nil {
				skip = make([]bool, b.Len())
			}
			skip[row] = true
			refused = append(refused, record.Refusal{Row: row, Code: string(fault.SchemaDrift), Message: "the file has no column " + c.Name})
		}
	}
	slices.SortFunc(refused, func(a, b record.Refusal) int { return a.Row - b.Row })
	return refused, skip
}
