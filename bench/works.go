package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/bench/lineitem"
)

//go:embed jobs/*.yaml
var jobFiles embed.FS

//go:embed reference/lineitem.sql
var tableSQL string

// seed of the rows.
const seed = 1

// Sizes of the works that take a fraction of a second.
const (
	startRows = 1_000
	noopRows  = 48_000
)

// bench is what works are measured with.
type bench struct {
	options
	self      string // this program
	reference string // bench/reference, built
	sqlite3   string // "": absent
}

func (b *bench) say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// open builds the reference and looks for sqlite3.
func open(o options) (*bench, error) {
	b := &bench{options: o}
	var err error
	for _, p := range []*string{&b.dir, &b.lockstep} {
		if *p, err = filepath.Abs(*p); err != nil {
			return nil, err
		}
	}
	if _, err := os.Stat(b.lockstep); err != nil {
		return nil, fmt.Errorf("%w: make build makes it", err)
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return nil, err
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	b.reference = filepath.Join(b.dir, "reference")
	if out, err := exec.Command("go", "build", "-o", b.reference, "./bench/reference").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the reference: %w\n%s", err, out)
	}
	if b.sqlite3, err = exec.LookPath("sqlite3"); err != nil {
		b.sqlite3 = ""
		b.say("SKIPPED: the reference of CSV -> SQLite, since there is no sqlite3 here (Debian: apt-get install sqlite3)")
	}
	return b, nil
}

// project makes a project folder with a file of so many rows, and answers it. Rows that are there are used again.
func (b *bench) project(name string, rows int) (string, error) {
	dir := filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Join(dir, "jobs"), 0o755); err != nil {
		return "", err
	}
	err := fs.WalkDir(jobFiles, "jobs", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := jobFiles.ReadFile(p)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(p)), text, 0o644)
	})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(dir, "ref"), 0o755); err != nil {
		return "", err
	}
	return dir, b.data(filepath.Join(dir, "lineitem.csv"), rows)
}

// data makes the rows unless a run before this one did; the stamp says that it was whole.
func (b *bench) data(file string, rows int) error {
	stamp, want := file+".rows", fmt.Sprintf("%d rows, seed %d, form 1\n", rows, seed)
	if have, err := os.ReadFile(stamp); err == nil && string(have) == want {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
	}
	b.say("making %s rows: %s", thousands(rows), file)
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := errors.Join(lineitem.Write(f, rows, seed), f.Close()); err != nil {
		return err
	}
	return os.WriteFile(stamp, []byte(want), 0o644)
}

// large measures the works that move all rows.
func (b *bench) large(e *entry, rows, rounds int) error {
	dir, err := b.project("rows-"+strconv.Itoa(rows), rows)
	if err != nil {
		return err
	}
	works := []work{b.toSQLite(dir), b.toText(dir, "ndjson"), b.toText(dir, "csv")}
	works[1].Title, works[1].Target = "CSV → NDJSON: rename, filter, upper; beside a Go loop with encoding/json maps", "≤ 1 ×"
	works[2].Title, works[2].Target = "CSV → CSV: the same; beside the same loop with encoding/csv", "≤ 1.5 ×"
	if rows == largeRows { // to see that memory does not grow; the references would take ten minutes more
		for i := range works {
			works[i].ref, works[i].check, works[i].Target = call{}, nil, "≤ 200 MB"
		}
	}
	b.say("%s rows", thousands(rows))
	results, err := b.rounds(works, rounds)
	e.Works = append(e.Works, results...)
	if err == nil && rows == largeRows { // gigabytes that nobody looks at again
		err = errors.Join(os.RemoveAll(filepath.Join(dir, "out")), os.RemoveAll(filepath.Join(dir, "ref")), os.RemoveAll(filepath.Join(dir, ".lockstep")))
	}
	return err
}

// job is lockstep running one job of a project, from nothing: staging, checkpoints and receipts are as in any run.
func (b *bench) job(dir, job string) work {
	return work{Name: job, ours: call{dir, b.lockstep, []string{"run", job}}, clean: []string{".lockstep", "out"}}
}

func (b *bench) toSQLite(dir string) work {
	w := b.job(dir, "sqlite")
	w.Title, w.Target = "CSV → SQLite, first load; beside `sqlite3 .import` of the same file", "≤ 2.5 ×"
	if b.sqlite3 == "" {
		w.Title = "CSV → SQLite, first load (no reference: sqlite3 is not installed)"
		return w
	}
	w.refClean = []string{"ref/lineitem.db"}
	w.ref = call{dir, b.sqlite3, []string{"-cmd", tableSQL, "ref/lineitem.db", ".import --csv --skip 1 lineitem.csv lineitem"}}
	w.check = func() error { return b.sameTable(dir) }
	return w
}

// sameTable compares both tables row by row.
func (b *bench) sameTable(dir string) error {
	var differs []string
	for _, c := range lineitem.Columns {
		differs = append(differs, fmt.Sprintf("a.%[1]s IS NOT b.%[1]s", c))
	}
	query := fmt.Sprintf(`ATTACH 'ref/lineitem.db' AS ref;
SELECT (SELECT count(*) FROM main.lineitem) - (SELECT count(*) FROM ref.lineitem),
  (SELECT count(*) FROM main.lineitem a JOIN ref.lineitem b ON a.rowid = b.rowid WHERE %s)`, strings.Join(differs, " OR "))
	cmd := exec.Command(b.sqlite3, "out/lineitem.db", query)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("compare the tables: %w\n%s", err, out)
	}
	if got := strings.TrimSpace(string(out)); got != "0|0" {
		return fmt.Errorf("the tables differ: more rows|other rows: %s", got)
	}
	return nil
}

func (b *bench) toText(dir, format string) work {
	w := b.job(dir, format)
	w.ref = call{dir, b.reference, []string{format, "lineitem.csv", "ref/lineitem." + format}}
	w.check = func() error {
		cmd := exec.Command(b.self, "same", format, "out/lineitem."+format, "ref/lineitem."+format)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("compare the outputs: %w\n%s", err, out)
		}
		return nil
	}
	return w
}

// small measures the works that take a fraction of a second. The references of two of them are only there to tell, in the smoke test, a
// slower command from a slower machine.
func (b *bench) small(e *entry) error {
	dir, err := b.project("start", startRows)
	if err != nil {
		return err
	}
	start := b.job(dir, "sqlite")
	start.Name, start.Title, start.Target = "start", "a job of 1,000 rows into SQLite, process start to exit", "≤ 0.2 s"
	if dir, err = b.project("noop", noopRows); err != nil {
		return err
	}
	noop := b.job(dir, "sqlite")
	if _, err := b.side(noop, true); err != nil { // the first run, which loads
		return err
	}
	noop.clean = nil
	touched := noop
	noop.Name, noop.Title, noop.Target = "noop", "the second run over 48,000 rows of a file that did not change", "≤ 0.2 s"
	touched.Name, touched.Title = "touched", "the same, the file's time being new: its hash decides"
	touched.ready = func() error {
		now := time.Now()
		return os.Chtimes(filepath.Join(dir, "lineitem.csv"), now, now)
	}
	works := []work{start, noop, touched}
	if b.smoke {
		for i := range works {
			works[i].ref = call{dir, b.reference, []string{"csv", "lineitem.csv", "ref/lineitem.csv"}}
		}
	}
	b.say("%s and %s rows", thousands(startRows), thousands(noopRows))
	results, err := b.rounds(works, b.starts)
	e.Works = append(e.Works, results...)
	return err
}
