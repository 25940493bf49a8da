package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// readAll plans and reads a stream and answers its lines, its rejects and where each partition ended.
func readAll(t *testing.T, s *source, st job.Stream, positions map[string]string, records int) ([]string, []record.Reject, map[string]string) {
	t.Helper()
	plan, err := s.Plan(t.Context(), connector.PlanRequest{Stream: st, Positions: positions})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var rejects []record.Reject
	ends := map[string]string{}
	for _, p := range plan.Partitions {
		rd, err := s.Open(t.Context(), connector.OpenRequest{Stream: st, Schema: plan.Schema, Partition: p, Position: positions[p.ID], Records: records, Bytes: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := rd.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			lines, rejects = append(lines, conntest.Lines(b)...), append(rejects, b.Rejects...)
			ends[p.ID] = b.End
			if b.Last {
				break
			}
		}
	}
	return lines, rejects, ends
}

func TestSource_Views(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	mustExec(t, plain(t, file), "CREATE TABLE a(id INTEGER PRIMARY KEY, n INT, d DATE)", "INSERT INTO a VALUES (1,5,'2026-01-01'),(2,5,NULL),(3,7,'2026-01-03')",
		"CREATE VIEW v AS SELECT n, d, n * 1.5 AS more, 'x' || id AS label FROM a", "CREATE TABLE _lockstep_guard(x)", "CREATE TABLE empty(a, b TEXT)")
	s := openSource(t, file)
	infos, err := s.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range infos {
		text := i.Name + ":"
		for _, c := range i.Schema.Columns {
			text += fmt.Sprintf(" %s %s", c.Name, c.Type)
		}
		got = append(got, text)
	}
	want := []string{"a: id int n int d date", "empty: a string b string", "v: n int d date more float label string"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("streams (-want +got):\n%s", d)
	}
	wantLines := []string{`{"n":5,"d":null,"more":7.5,"label":"x2"}`, `{"n":5,"d":"2026-01-01","more":7.5,"label":"x1"}`, `{"n":7,"d":"2026-01-03","more":10.5,"label":"x3"}`}
	for _, n := range []int{1, 2, 9} {
		if lines, _, _ := readAll(t, s, job.Stream{Name: "v", Mode: job.Full}, nil, n); cmp.Diff(wantLines, lines) != "" {
			t.Errorf("view without a key, batches of %d: %s", n, cmp.Diff(wantLines, lines))
		}
	}
	rd, err := s.Open(t.Context(), connector.OpenRequest{Stream: job.Stream{Name: "v", Key: []string{"n"}}, Schema: infos[2].Schema, Partition: connector.Partition{ID: allRows}, Records: 1, Bytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rd.Next(t.Context()); !fault.Has(err, fault.DuplicatePosition) {
		t.Errorf("a key that is not unique: got %v, want DuplicatePosition", err)
	}
}

func TestSource_NullCursor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	db := plain(t, file)
	mustExec(t, db, "CREATE TABLE a(k TEXT PRIMARY KEY, seen TIMESTAMP)", "INSERT INTO a VALUES ('x','2026-01-02 00:00:00'),('y',NULL),(NULL,'2026-01-02 00:00:00'),('z','2026-01-01 00:00:00')")
	st := job.Stream{Name: "a", Mode: job.Incremental, Cursor: "seen"}
	for _, n := range []int{1, 10} {
		lines, rejects, _ := readAll(t, openSource(t, file), st, nil, n)
		want := []string{`{"k":"z","seen":"2026-01-01T00:00:00"}`, `{"k":null,"seen":"2026-01-02T00:00:00"}`, `{"k":"x","seen":"2026-01-02T00:00:00"}`}
		if d := cmp.Diff(want, lines); d != "" {
			t.Errorf("batches of %d (-want +got):\n%s", n, d)
		}
		if len(rejects) != 1 || rejects[0].Key != `["y"]` || string(rejects[0].Snapshot) != `{"k":"y","seen":null}` || !strings.Contains(rejects[0].Message, "null") {
			t.Errorf("rejects: %+v", rejects)
		}
	}
	_, _, ends := readAll(t, openSource(t, file), st, nil, 10)
	if lines, rejects, _ := readAll(t, openSource(t, file), st, ends, 10); len(lines)+len(rejects) != 0 {
		t.Errorf("nothing is new: %v, %+v", lines, rejects)
	}
	mustExec(t, db, "INSERT INTO a VALUES ('zz',NULL),('zzz','2026-01-02 00:00:00')")
	lines, rejects, _ := readAll(t, openSource(t, file), st, ends, 10)
	if len(lines) != 1 || !strings.Contains(lines[0], "zzz") || len(rejects) != 1 || rejects[0].Key != `["zz"]` {
		t.Errorf("two rows are new: %v, %+v", lines, rejects)
	}
}

func TestSource_StoredClasses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	mustExec(t, plain(t, file), "CREATE TABLE a(i INT, f REAL, d DECIMAL(5,2), b BOOLEAN, s TEXT, y BLOB, u UUID, any)",
		"INSERT INTO a VALUES (1, 2, 1.5, 1, 'a', x'00ff', x'6ba7b8109dad11d180b400c04fd430c8', 1)",
		"INSERT INTO a(i) VALUES (1.5)", "INSERT INTO a(i) VALUES ('1x')", "INSERT INTO a(f) VALUES (9e999)", "INSERT INTO a(f) VALUES ('x')",
		"INSERT INTO a(d) VALUES (1.555)", "INSERT INTO a(d) VALUES (1000)", "INSERT INTO a(b) VALUES (2)", "INSERT INTO a(s) VALUES (x'61')",
		"INSERT INTO a(s) VALUES (CAST(x'ff' AS TEXT))", "INSERT INTO a(y) VALUES ('YQ==')", "INSERT INTO a(u) VALUES (x'00')", "INSERT INTO a(any) VALUES ('x')")
	s := openSource(t, file)
	lines, rejects, _ := readAll(t, s, job.Stream{Name: "a", Mode: job.Full, Columns: map[string]record.Type{"any": {Kind: record.Int}}}, nil, 5)
	want := []string{`{"i":1,"f":2,"d":1.50,"b":true,"s":"a","y":"AP8=","u":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","any":1}`}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("lines (-want +got):\n%s", d)
	}
	if len(rejects) != 12 { // Invariant 10: each of them would change if it were taken
		t.Errorf("%d rejects, want 12: %+v", len(rejects), rejects)
	}
	lines, rejects, _ = readAll(t, s, job.Stream{Name: "a", Mode: job.Full, Columns: map[string]record.Type{"i": {Kind: record.String}, "any": {Kind: record.String}}}, nil, 50)
	if len(rejects) != 9 || !strings.Contains(lines[0], `"i":"1"`) || !strings.Contains(lines[1], `"i":"1.5"`) {
		t.Errorf("read as text where asked: %d rejects, %v", len(rejects), lines)
	}
	if _, err := s.Plan(t.Context(), connector.PlanRequest{Stream: job.Stream{Name: "a", Columns: map[string]record.Type{"ii": {Kind: record.Int}}}}); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("a type for no column: got %v, want ConfigInvalid", err)
	}
	if _, err := s.Plan(t.Context(), connector.PlanRequest{Stream: job.Stream{Name: "aa"}}); !fault.Has(err, fault.NotFound) || !strings.Contains(err.Error(), "did you mean a?") {
		t.Errorf("an unknown table: got %v, want NotFound with a hint", err)
	}
}

func TestFingerprint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	db := plain(t, file)
	mustExec(t, db, "CREATE TABLE a(id INTEGER PRIMARY KEY, v TEXT)", "CREATE TABLE b(id INTEGER PRIMARY KEY, v TEXT)", "CREATE VIEW v AS SELECT * FROM a",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 600) INSERT INTO a SELECT i, printf('%.*c', i * 10, 'x') FROM n")
	of := func(name string) string {
		plan, err := openSource(t, file).Plan(t.Context(), connector.PlanRequest{Stream: job.Stream{Name: name, Mode: job.Full}})
		if err != nil {
			t.Fatal(err)
		}
		if name == "a" && plan.Records != 600 {
			t.Errorf("%d records are expected, want 600", plan.Records)
		}
		return plan.Fingerprint
	}
	table, view := of("a"), of("v")
	mustExec(t, db, "PRAGMA journal_mode=wal")
	if of("a") != table {
		t.Error("another journal is no change of the table")
	}
	mustExec(t, db, "INSERT INTO b VALUES (1, 'x')")
	if of("a") != table || of("v") == view {
		t.Error("a change of another table: the table must stay, the view must not")
	}
	mustExec(t, db, "UPDATE a SET v = 'y' WHERE id = 400") // in the journal only
	changed := of("a")
	if changed == table {
		t.Error("an update was not seen")
	}
	mustExec(t, db, "PRAGMA wal_checkpoint(truncate)")
	if of("a") != changed {
		t.Error("a checkpoint is no change")
	}
	mustExec(t, db, "ALTER TABLE a ADD COLUMN w INT")
	if of("a") == changed {
		t.Error("a new column was not seen")
	}
}
