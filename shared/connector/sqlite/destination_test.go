package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/conntest"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// rowsOf makes a batch of rows of a schema given as "name type, …".
func rowsOf(t *testing.T, columns string, rows ...[]any) record.Batch {
	t.Helper()
	tb := conntest.Table{Rows: rows}
	for _, c := range strings.Split(columns, ", ") {
		name, kind, _ := strings.Cut(c, " ")
		typ, err := record.ParseType(kind)
		if err != nil {
			t.Fatal(err)
		}
		tb.Schema.Columns = append(tb.Schema.Columns, record.Column{Name: name, Type: typ})
	}
	b, _ := tb.Batch(t)
	return b
}

// loads prepares a run and loads one batch of partition p as seq 1 of it.
func loads(t *testing.T, d *destination, b record.Batch, mode job.WriteMode, run int64) (connector.Target, connector.Claim, connector.Receipt, error) {
	t.Helper()
	target, claim := benchTarget(b, mode), connector.Claim{Term: run, Fence: run, Owner: fmt.Sprint("owner ", run)}
	target.Run, target.Full = fmt.Sprint("run-", run), true
	if err := d.Prepare(t.Context(), target, claim); err != nil {
		return target, claim, connector.Receipt{}, err
	}
	r, err := d.Load(t.Context(), connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Batch: b, Name: "b1", End: "1"})
	return target, claim, r, err
}

func TestDestination_ExistingTable(t *testing.T) {
	two := func(t *testing.T) record.Batch {
		return rowsOf(t, "id int, name string, price decimal(12,2)", []any{1, "One", "1.50"}, []any{2, nil, "2.00"})
	}
	for name, c := range map[string]struct {
		make    []string
		mode    job.WriteMode
		refused []int
		counts  [3]int64
		err     fault.Code
		says    string
	}{
		"no unique index":                {[]string{"CREATE TABLE t(id INT, name TEXT, price DECIMAL(12,2))"}, job.Upsert, nil, [3]int64{}, fault.ConfigInvalid, "CREATE UNIQUE INDEX"},
		"partial index is none":          {[]string{"CREATE TABLE t(id INT, name TEXT, price DECIMAL(12,2))", "CREATE UNIQUE INDEX i ON t(id) WHERE id > 5"}, job.Upsert, nil, [3]int64{}, fault.ConfigInvalid, "unique"},
		"unique index":                   {[]string{"CREATE TABLE t(id INT, name TEXT, price DECIMAL(12,2))", "CREATE UNIQUE INDEX i ON t(id)", "INSERT INTO t VALUES (1, 'One', 1.5)"}, job.Upsert, nil, [3]int64{1, 0, 1}, "", ""},
		"case counts":                    {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, price DECIMAL(12,2))", "INSERT INTO t VALUES (1, 'ONE', 1.5)"}, job.Upsert, nil, [3]int64{1, 1, 0}, "", ""},
		"names of another case":          {[]string{"CREATE TABLE T(ID INTEGER PRIMARY KEY, NAME TEXT, PRICE DECIMAL(12,2))"}, job.Upsert, nil, [3]int64{2, 0, 0}, "", ""},
		"not null":                       {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(12,2))"}, job.Upsert, []int{1}, [3]int64{1, 0, 0}, "", ""},
		"not null of an update":          {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(12,2))", "INSERT INTO t VALUES (1, 'x', 0), (2, 'y', 0)"}, job.Upsert, []int{1}, [3]int64{0, 1, 0}, "", ""},
		"unique, appended":               {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(12,2))", "INSERT INTO t VALUES (2, 'y', 0)"}, job.Append, []int{1}, [3]int64{1, 0, 0}, "", ""},
		"trigger":                        {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(12,2))", "CREATE TRIGGER tr BEFORE INSERT ON t WHEN NEW.id = 1 BEGIN SELECT RAISE(ABORT, 'no ones'); END"}, job.Append, []int{0}, [3]int64{1, 0, 0}, "", ""},
		"strict":                         {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price ANY) STRICT"}, job.Append, nil, [3]int64{}, fault.SchemaDrift, "price"},
		"a column more":                  {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(12,2), more TEXT DEFAULT 'x')"}, job.Append, nil, [3]int64{2, 0, 0}, "", ""},
		"a view":                         {[]string{"CREATE VIEW t AS SELECT 1 AS id"}, job.Append, nil, [3]int64{}, fault.ConfigInvalid, "view"},
		"a computed column":              {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(12,2) AS (id))"}, job.Append, nil, [3]int64{}, fault.SchemaDrift, "computed"},
		"replace keeps the constraints":  {[]string{"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price DECIMAL(12,2))"}, job.Replace, []int{1}, [3]int64{1, 0, 0}, "", ""},
		"the staging table's name taken": {[]string{"CREATE TABLE t__run_1(id)", `CREATE TABLE "t__run-1"(id)`}, job.Replace, nil, [3]int64{}, fault.Conflict, "t__run-1"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "t.db")
			mustExec(t, plain(t, file), c.make...)
			_, _, r, err := loads(t, openDestination(t, file), two(t), c.mode, 1)
			if fault.CodeOf(err) != c.err || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q with %q", err, c.err, c.says)
			}
			if got := [3]int64{r.Inserted, r.Updated, r.Unchanged}; got != c.counts {
				t.Errorf("inserted, updated, unchanged: got %v, want %v", got, c.counts)
			}
			var refused []int
			for _, f := range r.Refused {
				refused = append(refused, f.Row)
			}
			if d := cmp.Diff(c.refused, refused); d != "" {
				t.Errorf("refused (-want +got):\n%s", d)
			}
		})
	}
}

// A swap must leave what belongs to the table, and what refers to it, as it was.
func TestDestination_SwapKeepsIndexes(t *testing.T) {
	for _, backup := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "t.db")
		db := plain(t, file)
		mustExec(t, db, "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE)", "CREATE INDEX by_name ON t(name)", "CREATE TABLE log(x)",
			"CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO log VALUES (NEW.id); END", "CREATE VIEW v AS SELECT name FROM t",
			"CREATE TABLE child(t_id INT REFERENCES t(id))", "INSERT INTO t VALUES (7, 'old')")
		dump := func() []string {
			got, err := collect(t.Context(), db, scanText, "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || replace(coalesce(sql, ''), '\"t\"', 't') FROM sqlite_schema WHERE name NOT LIKE '%\\_\\_%' ESCAPE '\\' AND name NOT LIKE '\\_lock%' ESCAPE '\\' ORDER BY 1")
			if err != nil {
				t.Fatal(err)
			}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "t (id", "t(id")
			}
			return got
		}
		want := dump()
		d := openDestination(t, file)
		b := rowsOf(t, "id int, name string", []any{1, "new"})
		target, claim, _, err := loads(t, d, b, job.Replace, 1)
		if err != nil {
			t.Fatal(err)
		}
		target.Write.Backup = backup
		if _, err := d.Commit(t.Context(), target, claim); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, dump()); diff != "" {
			t.Errorf("backup %v (-before +after):\n%s", backup, diff)
		}
		names, err := collect(t.Context(), db, scanText, "SELECT name FROM v")
		if err != nil || !cmp.Equal(names, []string{"new"}) {
			t.Errorf("the view shows %v, %v", names, err)
		}
	}
}

// A process that is killed leaves the files as they are at that moment.
func TestDestination_Killed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "t.db")
	b := rowsOf(t, "id int, name string", []any{1, "one"}, []any{2, "two"})
	d := openDestination(t, file)
	target, claim := benchTarget(b, job.Append), connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(t.Context(), target, claim); err != nil {
		t.Fatal(err)
	}
	request := connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Batch: b, Name: "b1", End: "1"}
	copyTo := func(name string) string {
		to := filepath.Join(dir, name, "t.db")
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(file + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to+suffix, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return to
	}
	var before string
	request.Confirm = func([]record.Refusal) error { before = copyTo("before the commit"); return nil }
	if _, err := d.Load(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	after := copyTo("after the commit")
	request.Confirm = nil
	request.Claim = connector.Claim{Fence: 2, Owner: "the next"}
	for killed, existing := range map[string]bool{before: false, after: true} { // Invariant 7
		again := openDestination(t, killed)
		r, err := again.Load(t.Context(), request)
		if err != nil || r.Existing != existing || r.Inserted != 2 {
			t.Errorf("%s: %+v, %v; want existing %v", killed, r, err, existing)
		}
		if got := readTable(t, killed, "t", b.Schema).Len(); got != 2 {
			t.Errorf("%s: %d rows, want 2", killed, got)
		}
	}
}

// Two processes that believe they hold the same fence of a partition: one of them writes.
func TestDestination_Twins(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	b := rowsOf(t, "id int, name string", []any{1, "one"})
	first, second := openDestination(t, file), openDestination(t, file)
	target := benchTarget(b, job.Append)
	if err := first.Prepare(t.Context(), target, connector.Claim{Fence: 1, Owner: "o"}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, d := range []*destination{first, second} {
		wg.Go(func() {
			_, errs[i] = d.Load(t.Context(), connector.LoadRequest{
				Target: target, Partition: "p", Claim: connector.Claim{Fence: 5, Owner: fmt.Sprint("twin ", i)}, Seq: 1, Batch: b, End: "1",
			})
		})
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !fault.Has(errors.Join(errs...), fault.Superseded) {
		t.Errorf("got %v and %v, want one Superseded", errs[0], errs[1])
	}
	if got := readTable(t, file, "t", b.Schema).Len(); got != 1 {
		t.Errorf("%d rows, want 1", got)
	}
}

func TestGuard_VersionTooNew(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	b := rowsOf(t, "id int", []any{1})
	d := openDestination(t, file)
	target, claim, _, err := loads(t, d, b, job.Append, 1)
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, plain(t, file), "UPDATE "+guardTable+" SET format = 2")
	_, err = d.Load(t.Context(), connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 2, Batch: b, Start: "1", End: "2"})
	if !fault.Has(err, fault.VersionTooNew) { // Invariant 13
		t.Errorf("load: got %v, want VersionTooNew", err)
	}
	if err := d.Prepare(t.Context(), target, claim); !fault.Has(err, fault.VersionTooNew) {
		t.Errorf("prepare: got %v, want VersionTooNew", err)
	}
}

func TestDestination_ForeignTexts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	b := rowsOf(t, "id int, s string, j json", []any{1, "a\x00b", "1.50"}, []any{2, "12", `"x"`}, []any{3, "1e5", "null"})
	if _, _, _, err := loads(t, openDestination(t, file), b, job.Upsert, 1); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(conntest.Lines(b), conntest.Lines(readTable(t, file, "t", b.Schema))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	kinds, err := collect(t.Context(), plain(t, file), scanText, "SELECT DISTINCT typeof(s) || ' ' || typeof(j) FROM t")
	if err != nil || !cmp.Equal(kinds, []string{"text text"}) {
		t.Errorf("stored as %v, %v", kinds, err)
	}
}

// TestDestination_FileGone removes the database while it is open.
func TestDestination_FileGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db")
	d := openDestination(t, file)
	b := benchBatch(3, 4)
	target, claim := benchTarget(b, job.Append), connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(t.Context(), target, claim); err != nil {
		t.Fatal(err)
	}
	for _, ending := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(file + ending)
	}
	_, err := d.Load(t.Context(), connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Name: "b1", Batch: b, End: "1"})
	if !fault.Has(err, fault.DestinationBehind) {
		t.Errorf("a load into a removed file: %v", err)
	}
}
