package file_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

func openDestination(t testing.TB, dir string, m map[string]any) connector.Destination {
	t.Helper()
	return openDestinationAt(t, blob.Local(), dir, m)
}

func openDestinationAt(t testing.TB, openers blob.Openers, dir string, m map[string]any) connector.Destination {
	t.Helper()
	d, err := file.Spec(openers).Destination(t.Context(), config(t, dir, m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// readFile reads a file with a table's columns by the source; a missing one has no rows.
func readFile(t testing.TB, dir, name string, tb conntest.Table) record.Batch {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
		return record.New(tb.Schema, record.NewBuilder(tb.Schema).Rows())
	}
	return readTable(t, openSource(t, dir, map[string]any{"path": name}), tb)
}

// readTable reads all that a source has.
func readTable(t testing.TB, src connector.Source, tb conntest.Table) record.Batch {
	t.Helper()
	stream := job.Stream{Name: tb.Name, Mode: job.Full, Columns: map[string]record.Type{}}
	for _, c := range tb.Schema.Columns {
		stream.Columns[c.Name] = c.Type
	}
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: stream})
	if err != nil {
		t.Fatal(err)
	}
	r, err := src.Open(t.Context(), connector.OpenRequest{Stream: stream, Schema: tb.Schema, Partition: plan.Partitions[0], Records: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !b.Last || len(b.Rejects) > 0 {
		t.Fatalf("%s: last %v, rejects %v", tb.Name, b.Last, b.Rejects)
	}
	return b
}

func sink(ending string, more map[string]any) func(t *testing.T) conntest.Sink {
	return func(t *testing.T) conntest.Sink {
		dir := t.TempDir()
		return conntest.Sink{
			Open: func(t *testing.T) connector.Destination {
				m := map[string]any{"path": "out/{stream}" + ending}
				for k, v := range more {
					m[k] = v
				}
				return openDestination(t, dir, m)
			},
			Read: func(t *testing.T, tb conntest.Table) record.Batch {
				return readFile(t, dir, "out/"+tb.Name+ending, tb)
			},
			ReadBackup: func(t *testing.T, tb conntest.Table) record.Batch {
				old := filepath.Join(dir, "out", tb.Name+ending+".bak")
				kept := filepath.Join(dir, "backup"+ending)
				if err := os.Rename(old, kept); err != nil {
					t.Fatal(err)
				}
				return readFile(t, dir, "backup"+ending, tb)
			},
		}
	}
}

// folderSink reads folders below a URL or path by their manifests.
func folderSink(where func(t *testing.T) string) func(t *testing.T) conntest.Sink {
	return func(t *testing.T) conntest.Sink { return folderSinkAt(t.TempDir(), where(t)) }
}

func folderSinkAt(dir, lead string) conntest.Sink {
	openers := blob.Local()
	manifest := func(t *testing.T, name string) ([]byte, error) {
		place, key, isURL := strings.Cut(strings.TrimPrefix(lead, "mem://"), "/")
		if isURL && strings.HasPrefix(lead, "mem://") {
			return openBucket(t, openers, "mem://"+place).Read(t.Context(), key+name+"/manifest.json")
		}
		file := filepath.FromSlash(strings.TrimPrefix(lead, "file://") + name + "/manifest.json")
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		return os.ReadFile(file)
	}
	read := func(t *testing.T, tb conntest.Table, list string) record.Batch {
		b := record.NewBuilder(tb.Schema)
		data, err := manifest(t, tb.Name)
		if errors.Is(err, fs.ErrNotExist) || fault.Has(err, fault.NotFound) {
			return record.New(tb.Schema, b.Rows())
		}
		var all map[string]json.RawMessage
		var files []struct{ Name string }
		if err != nil || json.Unmarshal(data, &all) != nil || all[list] != nil && json.Unmarshal(all[list], &files) != nil {
			t.Fatalf("manifest: %v: %s", err, data)
		}
		for _, f := range files {
			part := readTable(t, openSourceAt(t, openers, dir, map[string]any{"path": lead + tb.Name + "/" + f.Name}), tb)
			for row := range part.Len() {
				for i, c := range tb.Schema.Columns {
					if part.Rows.Column(i).IsNull(row) {
						b.Column(i).AppendNull()
					} else if err := record.ParseText(b.Column(i), c.Type, string(record.AppendText(nil, part.Rows.Column(i), c.Type, row))); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		return record.New(tb.Schema, b.Rows())
	}
	return conntest.Sink{
		Open: func(t *testing.T) connector.Destination {
			return openDestinationAt(t, openers, dir, map[string]any{"path": lead + "{stream}/", "format": "csv", "compression": "gzip"})
		},
		Read:       func(t *testing.T, tb conntest.Table) record.Batch { return read(t, tb, "files") },
		ReadBackup: func(t *testing.T, tb conntest.Table) record.Batch { return read(t, tb, "backup") },
	}
}

func TestDestination_Contract(t *testing.T) {
	without := map[conntest.Capability]string{
		conntest.Upsert:        "files have no keys",
		conntest.DeleteMissing: "files have no keys",
		conntest.Counts:        "every row is inserted",
		conntest.Refusals:      "a file takes every row",
		conntest.Drift:         "texts have no types; drift of CSV columns has its own tests",
	}
	for name, c := range map[string]struct {
		place func(t *testing.T) conntest.Sink
		m     map[string]any
	}{
		"csv":        {sink(".csv", nil), map[string]any{"path": "a.csv"}},
		"csv.gz":     {sink(".csv.gz", nil), map[string]any{"path": "a.csv.gz"}},
		"tsv":        {sink(".tsv", map[string]any{"line_end": "crlf"}), map[string]any{"path": "a.tsv"}},
		"ndjson":     {sink(".ndjson", nil), map[string]any{"path": "a.ndjson"}},
		"ndjson.zst": {sink(".ndjson.zst", nil), map[string]any{"path": "a.ndjson.zst"}},
		"folder":     {folderSink(func(*testing.T) string { return "out/" }), map[string]any{"path": "a/", "format": "csv"}},
		"mem://":     {folderSink(func(*testing.T) string { return "mem://place/out/" }), map[string]any{"path": "mem://a/b/", "format": "csv"}},
		"file://":    {folderSink(func(t *testing.T) string { return "file://" + filepath.ToSlash(t.TempDir()) + "/out/" }), map[string]any{"path": "file:///a/", "format": "csv"}},
	} {
		t.Run(name, func(t *testing.T) {
			spec := file.Spec(blob.Local())
			guarantee := spec.Guarantee(values(t, c.m), job.Write{Mode: slices.Clone(spec.Modes)[0]})
			conntest.Destination(t, conntest.DestinationCase{Spec: spec, Guarantee: guarantee, New: c.place, Without: without})
		})
	}
}
