// Package exampletest runs the examples of the folders beside it in their tests: it copies an example, calls the command in the copy, and
// reads what arrived with database/sql. It compares nothing itself: each test works out what to expect with a reader of its own. Only
// those tests import it.
package exampletest

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // reads what arrived

	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/command"
)

var update = flag.Bool("update", false, "write the expected figures of the examples again")

// Project is a copy of an example that a test may write to.
type Project struct {
	Dir string
	Env map[string]string // variables that its jobs refer to
	// Main is the command that is called; nil: the one of cmd/lockstep.
	Main func(command.Options) int

	t testing.TB
}

// Report is what run prints with --json.
type Report struct {
	Run, Status                  string
	Read, Loaded                 int64
	Inserted, Updated, Unchanged int64
	Deleted                      int64
	Filtered, Failed, Warned     int64
	Code, Message                string
}

// Figures are the counts of a report, without how the run ended.
type Figures struct {
	Read      int64 `json:"read"`
	Loaded    int64 `json:"loaded"`
	Inserted  int64 `json:"inserted"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Deleted   int64 `json:"deleted"`
	Filtered  int64 `json:"filtered"`
	Failed    int64 `json:"failed"`
	Warned    int64 `json:"warned"`
}

// Figures gives the counts.
func (r Report) Figures() Figures {
	return Figures{r.Read, r.Loaded, r.Inserted, r.Updated, r.Unchanged, r.Deleted, r.Filtered, r.Failed, r.Warned}
}

// Failure is one record of the failure ledger, as failures list prints it with --json.
type Failure struct {
	Stream, Key, Phase, Code, Rule, Message, Raw string
	Index                                        int
	Snapshot                                     json.RawMessage
}

// Copy copies the example in the working directory, without what a run would leave there.
func Copy(t testing.TB) *Project {
	t.Helper()
	dir := t.TempDir()
	for _, left := range []string{"out", ".lockstep"} {
		if _, err := os.Stat(left); err == nil {
			t.Logf("%s is left from a run by hand and is not copied", left)
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == "out" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".go"):
		case e.IsDir():
			if err := os.CopyFS(filepath.Join(dir, name), os.DirFS(name)); err != nil {
				t.Fatal(err)
			}
		default:
			write(t, filepath.Join(dir, name), read(t, name))
		}
	}
	return &Project{Dir: dir, Env: map[string]string{}, t: t}
}

// Lockstep calls the command in the copy.
func (p *Project) Lockstep(args ...string) (exit int, out, errs string) {
	p.t.Helper()
	var o, e bytes.Buffer
	run := p.Main
	if run == nil {
		run = func(o command.Options) int {
			o.Catalog = local.Builtin()
			return command.Main(o)
		}
	}
	exit = run(command.Options{
		Args: args, In: strings.NewReader(""), Out: &o, Err: &e, Dir: p.Dir,
		Env: func(name string) (string, bool) {
			v, ok := p.Env[name]
			return v, ok
		},
	})
	return exit, o.String(), e.String()
}

// Run runs a job to a good end and checks that its counts close.
func (p *Project) Run(job string, flags ...string) Report {
	p.t.Helper()
	args := append([]string{"run", job, "--json"}, flags...)
	exit, out, errs := p.Lockstep(args...)
	var r Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		p.t.Fatalf("%v: %v\n%s%s", args, err, out, errs)
	}
	if exit != 0 {
		p.t.Fatalf("%v: exit code %d\n%s%s", args, exit, out, errs)
	}
	if r.Read != r.Loaded+r.Filtered+r.Failed {
		p.t.Errorf("%v: read %d, loaded %d, filtered %d, failed %d", args, r.Read, r.Loaded, r.Filtered, r.Failed)
	}
	if r.Loaded != r.Inserted+r.Updated+r.Unchanged {
		p.t.Errorf("%v: loaded %d, inserted %d, updated %d, unchanged %d", args, r.Loaded, r.Inserted, r.Updated, r.Unchanged)
	}
	want := "succeeded"
	if r.Failed > 0 {
		want = "partial"
	}
	if r.Status != want {
		p.t.Errorf("%v: status %s, want %s", args, r.Status, want)
	}
	return r
}

// RunsNothing runs a job that has nothing to do.
func (p *Project) RunsNothing(job, why string) {
	p.t.Helper()
	if r := p.Run(job); r.Figures() != (Figures{}) {
		p.t.Errorf("%s, %s: got %+v, want nothing", job, why, r)
	}
}

// Failures lists what a run left in the failure ledger, at most 1,000.
func (p *Project) Failures(r Report) []Failure {
	p.t.Helper()
	exit, out, errs := p.Lockstep("failures", "list", "--run", r.Run, "--json", "--limit", "1000")
	var list []Failure
	if err := json.Unmarshal([]byte(out), &list); err != nil || exit != 0 {
		p.t.Fatalf("failures of %s: exit code %d, %v\n%s%s", r.Run, exit, err, out, errs)
	}
	return list
}

// Query reads rows of a database of the copy: int64, float64, string, []byte or nil.
func (p *Project) Query(file, query string) [][]any {
	p.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.Dir, file))
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(p.t.Context(), query)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		p.t.Fatal(err)
	}
	var out [][]any
	for rows.Next() {
		row, places := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return out
}

// Touch gives a file of the copy a new time.
func (p *Project) Touch(file string) {
	p.t.Helper()
	now := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(p.Dir, file), now, now); err != nil {
		p.t.Fatal(err)
	}
}

// Recompress writes a gzip file of the copy with the same content and other bytes.
func (p *Project) Recompress(file string) {
	p.t.Helper()
	file = filepath.Join(p.Dir, file)
	old := read(p.t, file)
	r, err := gzip.NewReader(bytes.NewReader(old))
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, level := range []int{gzip.BestSpeed, gzip.BestCompression} {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			p.t.Fatal(err)
		}
		_, _ = w.Write(text)
		_ = w.Close()
		if !slices.Equal(b.Bytes(), old) {
			write(p.t, file, b.Bytes())
			return
		}
	}
	p.t.Fatalf("%s compresses to the same bytes at every level", file)
}

// Expect compares what a test worked out with a file in the folder expected, and writes the file with -update.
func Expect(t testing.TB, file string, got any) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	file = filepath.Join("expected", file)
	if *update {
		write(t, file, text)
	}
	if want := read(t, file); !bytes.Equal(want, text) {
		t.Errorf("%s: got\n%swant\n%s", file, text, want)
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
