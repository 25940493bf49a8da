package file_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

// values checks settings and fills in the defaults.
func values(t testing.TB, m map[string]any) setting.Values {
	t.Helper()
	v, problems := setting.Check(file.Spec(blob.Local()).Body, "config", m)
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	return setting.Of(v)
}

func config(t testing.TB, dir string, m map[string]any) connector.Config {
	t.Helper()
	return connector.Config{Values: values(t, m), Dir: dir, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(1e9, 0) }}
}

func openSource(t testing.TB, dir string, m map[string]any) connector.Source {
	t.Helper()
	return openSourceAt(t, blob.Local(), dir, m)
}

func openSourceAt(t testing.TB, openers blob.Openers, dir string, m map[string]any) connector.Source {
	t.Helper()
	s, err := file.Spec(openers).Source(t.Context(), config(t, dir, m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pack(t, name, data), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pack compresses as the name says.
func pack(t testing.TB, name string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch filepath.Ext(name) {
	case ".gz":
		w := gzip.NewWriter(&b)
		_, _ = w.Write(data)
		_ = w.Close()
	case ".zst":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(data)
		_ = w.Close()
	default:
		return data
	}
	return b.Bytes()
}

// asText gives a value of a table as text; false is null.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case []byte:
		return base64.StdEncoding.EncodeToString(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	}
	return fmt.Sprint(v), true
}

func csvOf(tb conntest.Table) []byte {
	var b strings.Builder
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	var head []string
	for _, c := range tb.Schema.Columns {
		head = append(head, quote(c.Name))
	}
	b.WriteString(strings.Join(head, ",") + "\n")
	for _, row := range tb.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			if s, ok := asText(v); ok {
				cells[i] = quote(s)
			}
		}
		b.WriteString(strings.Join(cells, ",") + "\n")
	}
	return []byte(b.String())
}

func ndjsonOf(tb conntest.Table) []byte {
	var b []byte
	for _, row := range tb.Rows {
		b = append(b, '{')
		for i, v := range row {
			if v == nil && i%2 == 0 {
				continue // not there is null too
			}
			if len(b) > 0 && b[len(b)-1] != '{' {
				b = append(b, ", "...)
			}
			b = record.AppendQuoted(b, tb.Schema.Columns[i].Name)
			b = append(b, ": "...)
			s, ok := asText(v)
			kind := tb.Schema.Columns[i].Type
			switch {
			case !ok:
				b = append(b, "null"...)
			case kind.Numeric() && s != "" && s[0] <= '9' && !strings.HasSuffix(s, "a"), kind.Kind == record.JSON, kind.Kind == record.Bool:
				b = append(b, s...)
			default:
				b = record.AppendQuoted(b, s)
			}
		}
		b = append(b, "}\n"...)
	}
	return b
}

func arrayOf(tb conntest.Table) []byte {
	lines := bytes.TrimSpace(ndjsonOf(tb))
	return append(append([]byte("[\n"), bytes.ReplaceAll(lines, []byte("}\n{"), []byte("},\n{"))...), "\n]\n"...)
}

func sourceCase(ending string, encode func(conntest.Table) []byte, more map[string]any) conntest.SourceCase {
	return conntest.SourceCase{
		New: func(t *testing.T) conntest.Place {
			dir := t.TempDir()
			return conntest.Place{
				Put: func(t *testing.T, tb conntest.Table) { write(t, dir, "in/"+tb.Name+ending, encode(tb)) },
				Open: func(t *testing.T) connector.Source {
					m := map[string]any{"path": "in/{stream}" + ending}
					for k, v := range more {
						m[k] = v
					}
					return openSource(t, dir, m)
				},
			}
		},
	}
}

// urlCase reads by URL: a bucket in memory, or the file system.
func urlCase(scheme, ending string, encode func(conntest.Table) []byte) conntest.SourceCase {
	return conntest.SourceCase{
		New: func(t *testing.T) conntest.Place {
			openers, dir := blob.Local(), t.TempDir()
			lead := map[string]string{"mem": "mem://place/in/", "file": "file://" + filepath.ToSlash(dir) + "/in/"}[scheme]
			return conntest.Place{
				Put: func(t *testing.T, tb conntest.Table) {
					if scheme == "file" {
						write(t, dir, "in/"+tb.Name+ending, encode(tb))
						return
					}
					b := openBucket(t, openers, "mem://place")
					must(t, b.Delete(t.Context(), "in/"+tb.Name+ending))
					_, err := b.Create(t.Context(), "in/"+tb.Name+ending, pack(t, ending, encode(tb)))
					must(t, err)
				},
				Open: func(t *testing.T) connector.Source {
					return openSourceAt(t, openers, t.TempDir(), map[string]any{"path": lead + "{stream}" + ending, "split": "64B"})
				},
			}
		},
	}
}

func openBucket(t testing.TB, openers blob.Openers, place string) blob.Bucket {
	t.Helper()
	b, err := openers.Open(t.Context(), place)
	must(t, err)
	return b
}

func TestSource_Contract(t *testing.T) {
	for name, c := range map[string]conntest.SourceCase{
		"csv":         sourceCase(".csv", csvOf, nil),
		"csv split":   sourceCase(".csv", csvOf, map[string]any{"split": "64B"}),
		"csv.gz":      sourceCase(".csv.gz", csvOf, nil),
		"ndjson":      sourceCase(".ndjson", ndjsonOf, nil),
		"ndjson.zst":  sourceCase(".ndjson.zst", ndjsonOf, nil),
		"ndjson, cut": sourceCase(".jsonl", ndjsonOf, map[string]any{"split": "100B"}),
		"json":        sourceCase(".json", arrayOf, nil),
		"mem:// csv":  urlCase("mem", ".csv", csvOf),
		"mem:// json": urlCase("mem", ".ndjson.gz", ndjsonOf),
		"file:// csv": urlCase("file", ".csv", csvOf),
	} {
		t.Run(name, func(t *testing.T) { conntest.Source(t, c) })
	}
}
