package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// partition is a Partition's Spec: the file as it was when the plan was made, and the part of it.
type partition struct {
	File string `json:"file"`
	Size int64  `json:"size"`           // bytes, as stored
	Time int64  `json:"time"`           // of the last change, ns since 1970
	From int64  `json:"from,omitempty"` // offset of the text; 0: the beginning
	To   int64  `json:"to,omitempty"`   // offset of the text; 0: the end
	Line int64  `json:"line,omitempty"` // at From
}

// maxSpec bounds the name of a file, so that a partition's Spec stays below 1 KB.
const maxSpec = 800

// Plan makes a partition for each file of a stream, or several for a large one. Nothing is read when names, sizes and times are
// those of r.Known; else each file is read once, for types, content hash and borders. Incremental streams without a cursor are read
// for types only, and only at the beginning and behind the last position when they are large.
func (s *Source) Plan(ctx context.Context, r connector.PlanRequest) (connector.Plan, error) {
	files, err := s.files(ctx, r.Stream.Name)
	if err != nil {
		return connector.Plan{}, err
	}
	if err := s.plannable(r.Stream, files); err != nil {
		return connector.Plan{}, err
	}
	print := fingerprint{stat: statHash(files)}
	known := parseFingerprint(r.Known)
	if known.stat == print.stat {
		return connector.Plan{Fingerprint: r.Known, Unchanged: true}, nil
	}
	follow := r.Stream.Mode == job.Incremental && r.Stream.Cursor == ""
	var scans []scanned
	for i, id := range s.ids(files) {
		var one scanned
		if follow {
			one, err = s.scanFollowed(ctx, files[i], r.Positions[id])
		} else {
			one, err = s.scanOnce(ctx, files[i], pass{split: s.splitOf(files[i], r.Stream)})
		}
		if err != nil {
			return connector.Plan{}, err
		}
		scans = append(scans, one)
	}
	if !follow {
		print.content = contentHash(files, scans)
		if known.content == print.content {
			return connector.Plan{Fingerprint: print.String(), Unchanged: true}, nil
		}
	}
	return s.plan(r.Stream, files, scans, print)
}

// plan puts the schema and the partitions together.
func (s *Source) plan(stream job.Stream, files []input.Info, scans []scanned, print fingerprint) (connector.Plan, error) {
	schema, err := s.schemaOf(scans, stream)
	if err != nil {
		return connector.Plan{}, err
	}
	if stream.Cursor != "" && stream.Mode == job.Incremental {
		if err := checkCursor(schema, stream); err != nil {
			return connector.Plan{}, err
		}
	}
	p := connector.Plan{Schema: schema, Fingerprint: print.String(), Partitions: []connector.Partition{}}
	for i, id := range s.ids(files) {
		p.Records += scans[i].records
		p.Bytes += files[i].Size
		parts, err := cut(id, files[i], scans[i].borders)
		if err != nil {
			return connector.Plan{}, err
		}
		p.Partitions = append(p.Partitions, parts...)
	}
	if stream.Mode == job.Incremental {
		p.Records, p.Bytes = 0, 0 // of which most may have been read before
	}
	return p, nil
}

// plannable says why a stream cannot be read as it is set up.
func (s *Source) plannable(stream job.Stream, files []input.Info) error {
	if stream.Mode == job.Incremental && stream.Cursor == "" && s.c.Format == formatJSON {
		return fault.New(fault.ConfigInvalid, "stream %s: a JSON array cannot be continued behind its end", stream.Name).
			WithHint("use format ndjson, a cursor, or mode full")
	}
	for _, f := range files {
		if len(f.Name) > maxSpec {
			return fault.New(fault.ConfigInvalid, "the name of file %s… is longer than %d bytes", f.Name[:80], maxSpec)
		}
	}
	return nil
}

// splitOf gives the size of a file's byte ranges, 0 when they cannot be read on their own or the file is small.
func (s *Source) splitOf(f input.Info, stream job.Stream) int64 {
	utf8 := s.c.Encoding == "" || s.c.Encoding == "utf-8"
	if stream.Mode == job.Incremental || s.c.Format == formatJSON || !utf8 || f.Size <= s.c.split || s.c.form().CompressionOf(f.Name) != "none" {
		return 0
	}
	return s.c.split
}

// cut makes the partitions of one file.
func cut(id string, f input.Info, borders []border) ([]connector.Partition, error) {
	spec := partition{File: f.Name, Size: f.Size, Time: f.ModTime.UnixNano()}
	if len(borders) == 0 {
		p, err := pack(id, spec, f.Size)
		return []connector.Partition{p}, err
	}
	var out []connector.Partition
	from := border{0, 1}
	for _, to := range append(borders, border{offset: f.Size}) {
		spec.From, spec.To, spec.Line = from.offset, to.offset, from.line
		p, err := pack(fmt.Sprintf("%s@%d-%d", id, from.offset, to.offset), spec, to.offset-from.offset)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
		from = to
	}
	return out, nil
}

func pack(id string, spec partition, size int64) (connector.Partition, error) {
	data, err := json.Marshal(spec)
	if err != nil {
		return connector.Partition{}, fmt.Errorf("encode partition: %w", err)
	}
	return connector.Partition{ID: id, Spec: data, Bytes: size}, nil
}

// ids names the files of a stream relative to their common folder. The ending of the compression does not count where it makes no
// difference, so that a file that was compressed meanwhile goes on where it was.
func (s *Source) ids(files []input.Info) []string {
	lead := s.folder()
	count := map[string]int{}
	for _, f := range files {
		count[input.Bare(f.Name)]++
	}
	out := make([]string, len(files))
	for i, f := range files {
		name := input.Bare(f.Name)
		if count[name] > 1 {
			name = f.Name
		}
		out[i] = shorten(strings.TrimPrefix(name, lead))
	}
	return out
}

// idBytes bounds an id so that it stays below 200 bytes when all of it must be encoded as three bytes, with room for a range.
const idBytes = 50

// shorten keeps an id that is short, and replaces the beginning of a long one by its hash.
func shorten(id string) string {
	encoded := 0
	for i := range len(id) {
		c := id[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-~=+,@", c) >= 0 {
			encoded++
		} else {
			encoded += 3
		}
	}
	if encoded <= 3*idBytes {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8]) + "~" + strings.ToValidUTF8(id[max(0, len(id)-idBytes+20):], "")
}

// fingerprint stands for a stream's content. stat changes with every touch and move; content only with the content.
type fingerprint struct{ stat, content string }

const fingerprintForm = "v1;stat=%s;content=%s"

func (f fingerprint) String() string { return fmt.Sprintf(fingerprintForm, f.stat, f.content) }

// parseFingerprint reads what String wrote; anything else, such as a later version's, equals nothing.
func parseFingerprint(s string) fingerprint {
	rest, ok := strings.CutPrefix(s, "v1;stat=")
	stat, content, split := strings.Cut(rest, ";content=")
	if !ok || !split {
		return fingerprint{"none", "none"}
	}
	if content == "" {
		content = "none"
	}
	return fingerprint{stat, content}
}

// statHash stands for names, sizes, times, and the versions that buckets give.
func statHash(files []input.Info) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%d:%s %d %d\n", len(f.Name), f.Name, f.Size, f.ModTime.UnixNano())
		if f.Version != "" { // times of buckets are coarse
			fmt.Fprintf(h, "version %s\n", f.Version)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// contentHash stands for the decompressed content and the names without folder and compression, so that a folder that was moved or
// a file that was compressed anew is the same.
func contentHash(files []input.Info, scans []scanned) string {
	h := sha256.New()
	for i, f := range files {
		name := path.Base(input.Bare(f.Name))
		fmt.Fprintf(h, "%d:%s %x\n", len(name), name, scans[i].sum)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// checkCursor says why a column cannot be a cursor.
func checkCursor(schema record.Schema, stream job.Stream) error {
	if len(schema.Columns) == 0 {
		return nil // an empty file
	}
	t, ok := schema.Type(stream.Cursor)
	if !ok {
		err := fault.New(fault.ConfigInvalid, "stream %s: there is no column %q to be the cursor", stream.Name, stream.Cursor)
		if near := fault.Nearest(stream.Cursor, schema.Names()); near != "" {
			return err.WithHint("did you mean %s?", near)
		}
		return err
	}
	switch t.Kind {
	case record.Bool, record.JSON, record.Bytes, record.UUID:
		return fault.New(fault.ConfigInvalid, "stream %s: the cursor %s has the type %s, whose values do not grow", stream.Name, stream.Cursor, t)
	}
	return nil
}
