package sqlite

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func configFor(file string) connector.Config {
	return connector.Config{
		Values: setting.Of(map[string]any{"path": file, "busy_timeout": int64(5000)}), Dir: filepath.Dir(file),
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

func openSource(t testing.TB, file string) *source {
	t.Helper()
	s, err := newSource(configFor(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openDestination(t testing.TB, file string) *destination {
	t.Helper()
	d, err := newDestination(configFor(file))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// plain opens a database as any other program would.
func plain(t testing.TB, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func mustExec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// put makes a table hold exactly these rows, adding those that it does not have yet.
func put(t *testing.T, db *sql.DB, tb conntest.Table, suffix string) {
	t.Helper()
	var parts, marks []string
	for _, c := range tb.Schema.Columns {
		parts, marks = append(parts, quote(c.Name)+" "+declared(c.Type)), append(marks, "?")
	}
	mustExec(t, db, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (%s, PRIMARY KEY (%s)) %s", quote(tb.Name), strings.Join(parts, ", "), quoteAll(tb.Key), suffix))
	var there int
	if err := db.QueryRow("SELECT count(*) FROM " + quote(tb.Name)).Scan(&there); err != nil {
		t.Fatal(err)
	}
	for _, row := range tb.Rows[there:] {
		values := make([]any, len(row))
		for i, v := range row {
			values[i] = stored(t, tb.Schema.Columns[i].Type, v)
		}
		if _, err := db.Exec(fmt.Sprintf("INSERT INTO %s VALUES (%s)", quote(tb.Name), strings.Join(marks, ", ")), values...); err != nil {
			t.Fatal(err)
		}
	}
}

// stored gives a value as the destination would store it; what is not of the type stays as it is.
func stored(t *testing.T, typ record.Type, v any) any {
	t.Helper()
	b := record.NewColumnBuilder(typ)
	if record.Append(b, typ, v) != nil {
		return v
	}
	return storedCell(b.NewArray(), typ)
}

func TestSource_Contract(t *testing.T) {
	for name, suffix := range map[string]string{"rowid": "", "without rowid": "WITHOUT ROWID"} {
		t.Run(name, func(t *testing.T) {
			conntest.Source(t, conntest.SourceCase{
				New: func(t *testing.T) conntest.Place {
					file := filepath.Join(t.TempDir(), "a b%20#?.db")
					u := "file:" + strings.NewReplacer("%", "%25", "#", "%23", "?", "%3f", " ", "%20").Replace(file)
					db := plain(t, u)
					return conntest.Place{
						Put:  func(t *testing.T, tb conntest.Table) { put(t, db, tb, suffix) },
						Open: func(t *testing.T) connector.Source { return openSource(t, file) },
					}
				},
			})
		})
	}
}

// readTable reads a table as a source does, with the schema's types; missing tables are empty.
func readTable(t *testing.T, file, name string, schema record.Schema) record.Batch {
	t.Helper()
	s := openSource(t, file)
	st := job.Stream{Name: name, Mode: job.Full, Columns: map[string]record.Type{}}
	infos, err := s.Streams(t.Context())
	if err != nil {
		if there, _ := s.exists(); !there {
			return record.Batch{}
		}
		t.Fatal(err)
	}
	found := false
	for _, info := range infos {
		if found = found || info.Name == name; info.Name != name {
			continue
		}
		for _, c := range schema.Columns { // what the destination made must be found again without help
			if got, ok := info.Schema.Type(c.Name); !ok || got != c.Type {
				t.Errorf("table %s, column %s: declared as %s, want %s", name, c.Name, got, c.Type)
			}
		}
	}
	if !found {
		return record.Batch{}
	}
	rd, err := s.Open(t.Context(), connector.OpenRequest{Stream: st, Schema: schema, Partition: connector.Partition{ID: allRows}, Records: 100_000, Bytes: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	b, err := rd.Next(t.Context())
	if err != nil || !b.Last {
		t.Fatalf("read %s: last %v, %v", name, b.Last, err)
	}
	for _, r := range b.Rejects {
		t.Errorf("table %s: row %d cannot be read back: %s", name, r.Index, r.Message)
	}
	return b
}

func TestDestination_Contract(t *testing.T) {
	spec := Spec()
	conntest.Destination(t, conntest.DestinationCase{
		Spec:      spec,
		Guarantee: spec.Guarantee(setting.Values{}, job.Write{Mode: job.Upsert}),
		New: func(t *testing.T) conntest.Sink {
			file := filepath.Join(t.TempDir(), "target.db")
			return conntest.Sink{
				Open: func(t *testing.T) connector.Destination { return openDestination(t, file) },
				Read: func(t *testing.T, tb conntest.Table) record.Batch { return readTable(t, file, tb.Name, tb.Schema) },
				ReadBackup: func(t *testing.T, tb conntest.Table) record.Batch {
					return readTable(t, file, tb.Name+"__backup", tb.Schema)
				},
				Refuse: func(t *testing.T, tb conntest.Table, column string) {
					var parts []string
					for _, c := range tb.Schema.Columns {
						parts = append(parts, quote(c.Name)+" "+declared(c.Type))
					}
					mustExec(t, plain(t, file), fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s), CHECK (%s >= 0))",
						quote(tb.Name), strings.Join(parts, ", "), quoteAll(tb.Key), quote(column)))
				},
				Columns: func(t *testing.T, target string) []string {
					tb, err := find(t.Context(), plain(t, file), target)
					if err != nil || tb == nil {
						t.Fatalf("find %s: %v", target, err)
					}
					return tb.names()
				},
			}
		},
		Without: map[conntest.Capability]string{
			conntest.CaseNames: "SQLite compares the names of columns without case",
		},
	})
}
