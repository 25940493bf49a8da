package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/setting"
)

func TestLocate(t *testing.T) {
	root := t.TempDir()
	base := filepath.Join(root, "project")
	for _, dir := range []string{base, filepath.Join(base, "data"), filepath.Join(root, "outside")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link-out": "../outside", "link-in": "data", "link-file": "../outside/new.db", "link-abs": "/nowhere/x.db"} {
		if err := os.Symlink(to, filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"shop.db":          base + "/shop.db",
		"data/shop.db":     base + "/data/shop.db",
		"./data/../x.db":   base + "/x.db",
		"link-in/shop.db":  base + "/data/shop.db",
		"/var/lib/shop.db": "/var/lib/shop.db",
		"/a/../b.db":       "/b.db",
	} {
		if got, err := locate(base, path); err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", path, got, err, want)
		}
	}
	for path, code := range map[string]fault.Code{
		"":                 fault.ConfigInvalid,
		"../shop.db":       fault.ConfigInvalid,
		"data/../../x.db":  fault.ConfigInvalid,
		"link-out/shop.db": fault.ConfigInvalid,
		"link-file":        fault.ConfigInvalid,
		"link-abs":         fault.ConfigInvalid,
		"a\x00b":           fault.ConfigInvalid,
		"no-folder/x.db":   fault.NotFound,
	} {
		if got, err := locate(base, path); !fault.Has(err, code) {
			t.Errorf("%q: got %s, %v; want %s", path, got, err, code)
		}
	}
}

func TestSpec_Settings(t *testing.T) {
	body := Spec().Body
	if _, problems := setting.Check(body, "config", map[string]any{"path": "x.db"}); len(problems) > 0 {
		t.Errorf("a path must be enough: %v", problems)
	}
	for name, v := range map[string]map[string]any{"no path": {}, "negative wait": {"path": "x", "busy_timeout": int64(-1)}, "unknown": {"path": "x", "wal": true}} {
		if _, problems := setting.Check(body, "config", v); len(problems) == 0 {
			t.Errorf("%s: no problem was found", name)
		}
	}
}

func TestDatabase_Faults(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database at all\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file         string
		source, sink fault.Code
		says         string
	}{
		"not a database": {text, fault.DataInvalid, fault.DataInvalid, "notes.txt"},
		"a folder":       {dir, fault.ConfigInvalid, fault.ConfigInvalid, "folder"},
		"no file":        {filepath.Join(dir, "none.db"), fault.NotFound, "", "none.db"},
		"no folder":      {filepath.Join(dir, "none", "x.db"), fault.NotFound, fault.NotFound, "x.db"},
	} {
		t.Run(name, func(t *testing.T) {
			err := openSource(t, c.file).Ping(t.Context())
			if !fault.Has(err, c.source) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("source: got %v, want %s", err, c.source)
			}
			if err := openDestination(t, c.file).Ping(t.Context()); fault.CodeOf(err) != c.sink {
				t.Errorf("destination: got %v, want %q", err, c.sink)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("ping made the file")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".lockstep*")); len(left) > 0 {
		t.Errorf("ping left %v", left)
	}
}

func TestDestination_Locked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	other := plain(t, file)
	mustExec(t, other, "PRAGMA journal_mode=wal", "CREATE TABLE x(a)")
	tx, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Close() }()
	if _, err := tx.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	c := configFor(file)
	c.Values = setting.Of(map[string]any{"path": file, "busy_timeout": int64(0)})
	d, err := newDestination(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	err = d.Ping(t.Context())
	if !fault.Has(err, fault.Transient) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("got %v, want Transient that says locked", err)
	}
	if err := openSource(t, file).Ping(t.Context()); err != nil {
		t.Errorf("a source must read beside a writer: %v", err)
	}
	if _, err := tx.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := d.Ping(t.Context()); err != nil {
		t.Errorf("when the lock is gone: %v", err)
	}
}

func TestDestination_ReadOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	mustExec(t, plain(t, file), "PRAGMA journal_mode=wal", "CREATE TABLE x(a)")
	db, err := newDatabase(configFor(file), "ro")
	if err != nil {
		t.Fatal(err)
	}
	d := &destination{database: db}
	defer func() { _ = d.Close() }()
	b := benchBatch(1, 2)
	if err := d.Prepare(t.Context(), benchTarget(b, "append"), connector.Claim{Fence: 1, Owner: "o"}); !fault.Has(err, fault.AuthDenied) {
		t.Errorf("got %v, want AuthDenied", err)
	}
}

func TestDestination_Full(t *testing.T) {
	file := filepath.Join(t.TempDir(), "t.db")
	d := openDestination(t, file)
	b := benchBatch(5000, 4)
	target, claim := benchTarget(b, "upsert"), connector.Claim{Fence: 1, Owner: "o"}
	if err := d.Prepare(t.Context(), target, claim); err != nil {
		t.Fatal(err)
	}
	if _, err := d.db.Exec("PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	r := connector.LoadRequest{Target: target, Partition: "p", Claim: claim, Seq: 1, Batch: b, End: "1"}
	if _, err := d.Load(t.Context(), r); !fault.Has(err, fault.QuotaExceeded) {
		t.Errorf("got %v, want QuotaExceeded", err)
	}
	if _, err := d.db.Exec("PRAGMA max_page_count = 2000000"); err != nil {
		t.Fatal(err)
	}
	if got, err := d.Load(t.Context(), r); err != nil || got.Inserted != 5000 {
		t.Errorf("with room again: %+v, %v", got, err)
	}
}
