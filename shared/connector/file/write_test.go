package file_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// pen writes batches of columns a (int) and b (string) to a destination.
type pen struct {
	t      testing.TB
	d      connector.Destination
	target connector.Target
	claim  connector.Claim
	seq    map[string]int64
}

func newPen(t testing.TB, d connector.Destination, mode job.WriteMode) *pen {
	schema := record.Schema{Columns: []record.Column{{Name: "a", Type: record.Type{Kind: record.Int}}, {Name: "b", Type: record.Type{Kind: record.String}}}}
	return &pen{t: t, d: d, claim: connector.Claim{Fence: 1, Owner: "o"}, seq: map[string]int64{},
		target: connector.Target{Job: "j", Stream: "s", Run: "r1", Name: "s", Schema: schema, Write: job.Write{Mode: mode}, Full: mode != job.Append, Drift: job.Halt}}
}

func (p *pen) prepare() error { return p.d.Prepare(p.t.Context(), p.target, p.claim) }

func (p *pen) request(part string, values ...int) connector.LoadRequest {
	b := record.NewBuilder(p.target.Schema)
	for _, v := range values {
		for i, c := range p.target.Schema.Columns {
			if err := record.ParseText(b.Column(i), c.Type, fmt.Sprint(v)); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	n := p.seq[part]
	return connector.LoadRequest{Target: p.target, Partition: part, Claim: p.claim, Seq: n + 1, Name: "n", Batch: record.New(p.target.Schema, b.Rows()),
		Start: position(n), End: position(n + 1)}
}

func position(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func (p *pen) load(part string, values ...int) error {
	_, err := p.d.Load(p.t.Context(), p.request(part, values...))
	if err == nil {
		p.seq[part]++
	}
	return err
}

func (p *pen) commit() error {
	_, err := p.d.Commit(p.t.Context(), p.target, p.claim)
	return err
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func wantText(t testing.TB, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s = %q, %v; want %q", filepath.Base(path), got, err, want)
	}
}

// TestDestination_CutOff leaves half a batch behind the length that counts, as a crash does.
func TestDestination_CutOff(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out", "x.csv")
	p := newPen(t, openDestination(t, dir, map[string]any{"path": "out/x.csv"}), job.Append)
	must(t, p.prepare(), p.load("p", 1))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("2,2\n3,")
	must(t, err, f.Close())
	p.d = openDestination(t, dir, map[string]any{"path": "out/x.csv"})
	must(t, p.prepare(), p.load("p", 2), p.load("q", 3))
	wantText(t, path, "a,b\n1,1\n2,2\n3,3\n")

	must(t, os.Truncate(path, 6))
	wantFault(t, p.load("p", 4), fault.DestinationBehind, "has 6 bytes, but 16 were written (was it removed or cut?")
	must(t, os.Remove(path))
	must(t, p.prepare())
	wantFault(t, p.load("p", 4), fault.DestinationBehind, "has 0 bytes")
	reset := *p
	reset.seq, reset.claim.Base = map[string]int64{}, "reset"
	must(t, reset.prepare(), reset.load("p", 8))
	wantText(t, path, "a,b\n8,8\n")
	must(t, os.Remove(path))
	p.target.Full, p.target.Run, p.seq, p.claim.Fence, p.claim.Base = true, "r2", map[string]int64{}, 2, "r2#2"
	must(t, p.prepare(), p.load("p", 9))
	wantText(t, path, "a,b\n9,9\n")
}

// TestDestination_Adopt appends to a file that Lockstep has not written.
func TestDestination_Adopt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "x.csv", []byte("b,c,a\nold,,7"))
	p := newPen(t, openDestination(t, dir, map[string]any{"path": "x.csv"}), job.Append)
	must(t, p.prepare(), p.load("p", 1))
	wantText(t, filepath.Join(dir, "x.csv"), "b,c,a\nold,,7\n1,,1\n")
}

func TestDestination_Drift(t *testing.T) {
	dir := t.TempDir()
	p := newPen(t, openDestination(t, dir, map[string]any{"path": "x.csv"}), job.Append)
	must(t, p.prepare(), p.load("p", 1))
	p.target.Schema.Columns = append([]record.Column{{Name: "new", Type: record.Type{Kind: record.Int}}}, p.target.Schema.Columns[:1]...)
	wantFault(t, p.prepare(), fault.SchemaDrift, "has no column new, of type int")
	p.target.Drift = job.Ignore
	must(t, p.prepare(), p.load("p", 2))
	p.target.Columns = map[string]job.Drift{"new": job.DeadLetter}
	must(t, p.prepare())
	r, err := p.d.Load(t.Context(), p.request("p", 3))
	if err != nil || len(r.Refused) != 1 || r.Inserted != 0 || r.Refused[0].Code != string(fault.SchemaDrift) {
		t.Errorf("got %+v, %v; want the row refused", r, err)
	}
	wantText(t, filepath.Join(dir, "x.csv"), "a,b\n1,1\n2,\n")
}

// TestDestination_Order loads byte ranges in any order and wants them as they stand in the file.
func TestDestination_Order(t *testing.T) {
	for _, path := range []string{"x.csv", "x.csv.gz"} {
		dir := t.TempDir()
		p := newPen(t, openDestination(t, dir, map[string]any{"path": path}), job.Replace)
		must(t, p.prepare(), p.load("f@1000-2000", 5), p.load("f@200-1000", 3), p.load("f@0-200", 1), p.load("f@200-1000", 4), p.load("f@0-200", 2), p.load("g"))
		must(t, p.commit())
		o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": path})})
		if got := strings.Join(o.lines, ""); got != `{"a":1,"b":1}{"a":2,"b":2}{"a":3,"b":3}{"a":4,"b":4}{"a":5,"b":5}` {
			t.Errorf("%s: %s", path, got)
		}
		left, err := filepath.Glob(filepath.Join(dir, path+".lockstep", "run-*"))
		if err != nil || len(left) > 0 {
			t.Errorf("the commit left %v", left)
		}
	}
}

// TestDestination_SwapCrash stops a commit before and behind its rename.
func TestDestination_SwapCrash(t *testing.T) {
	for _, renamed := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "x.csv")
		write(t, dir, "x.csv", []byte("old\n"))
		p := newPen(t, openDestination(t, dir, map[string]any{"path": "x.csv"}), job.Replace)
		p.target.Write.Backup = true
		must(t, p.prepare(), p.load("p", 1), p.load("q", 2))
		staged := filepath.Join(dir, "x.csv.lockstep", "run-r1")
		before, err := os.ReadFile(path + ".lockstep.json")
		must(t, err)
		parts := map[string][]byte{}
		for _, n := range []string{"part-p", "part-q"} {
			parts[n], err = os.ReadFile(filepath.Join(staged, n))
			must(t, err)
		}
		must(t, p.commit())
		wantText(t, path, "a,b\n1,1\n2,2\n")
		wantText(t, path+".bak", "old\n")
		if renamed { // the state announced the swap, and nothing behind it happened
			text, err := os.ReadFile(path + ".lockstep.json")
			must(t, err)
			swap := strings.Replace(string(text), `"committed":`, `"swap":"x.csv.lockstep/run-r1/part-p","committed":`, 1)
			must(t, os.WriteFile(path+".lockstep.json", []byte(swap), 0o644))
		} else { // the state is as before the commit, the parts are joined already
			must(t, os.WriteFile(path+".lockstep.json", before, 0o644), os.WriteFile(path, []byte("old\n"), 0o644), os.MkdirAll(staged, 0o755),
				os.WriteFile(filepath.Join(staged, "part-p"), append(parts["part-p"], "2,2\n"...), 0o644), os.WriteFile(filepath.Join(staged, "part-q"), parts["part-q"], 0o644))
		}
		p.d, p.claim = openDestination(t, dir, map[string]any{"path": "x.csv"}), connector.Claim{Fence: 2, Owner: "o2"}
		must(t, p.prepare(), p.commit(), p.commit())
		wantText(t, path, "a,b\n1,1\n2,2\n")
		wantText(t, path+".bak", "old\n")
		if run, err := p.d.Committed(t.Context(), p.target); run != "r1" || err != nil {
			t.Errorf("committed %q, %v", run, err)
		}
	}
}

// TestDestination_Parallel lets two destinations, as of two processes, append at once.
func TestDestination_Parallel(t *testing.T) {
	dir := t.TempDir()
	must(t, newPen(t, openDestination(t, dir, map[string]any{"path": "x.ndjson"}), job.Append).prepare())
	var wg sync.WaitGroup
	for n := range 4 {
		d := openDestination(t, dir, map[string]any{"path": "x.ndjson"})
		wg.Go(func() {
			p := newPen(t, d, job.Append)
			for i := range 10 {
				if err := p.load(fmt.Sprint("p", n), n*100+i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	o := mustRun(t, scenario{src: openSource(t, dir, map[string]any{"path": "x.ndjson"})})
	seen := map[string]bool{}
	for _, l := range o.lines {
		seen[l] = true
	}
	if len(o.lines) != 40 || len(seen) != 40 {
		t.Errorf("%d lines, %d different; want 40", len(o.lines), len(seen))
	}
}

func TestDestination_Refused(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	must(t, os.Symlink(outside, filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "folder.csv"), 0o755))
	write(t, dir, "taken", []byte("x"))
	write(t, dir, "new.csv.lockstep.json", []byte(`{"version":2}`))
	write(t, dir, "bad.csv.lockstep.json", []byte(`{"version`))
	write(t, dir, "other.csv.lockstep.json", []byte(`{"version":1,"stream":"z"}`))
	write(t, dir, "theirs.csv.lockstep.json", []byte(`{"version":1,"job":"i","stream":"s"}`))
	for name, c := range map[string]struct {
		path string
		mode job.WriteMode
		code fault.Code
		part string
	}{
		"symlink":             {"link/x.csv", job.Append, fault.ConfigInvalid, "outside of the project's folder"},
		"a file in the way":   {"taken/x.csv", job.Append, fault.ConfigInvalid, "a file and a folder"},
		"a folder":            {"folder.csv", job.Append, fault.ConfigInvalid, "is a folder"},
		"upsert":              {"x.csv", job.Upsert, fault.ConfigInvalid, "files cannot be written by key (use mode append or replace"},
		"later version":       {"new.csv", job.Append, fault.VersionTooNew, "has version 2"},
		"damaged state":       {"bad.csv", job.Append, fault.DataInvalid, "receipts in bad.csv.lockstep.json are damaged"},
		"another stream's":    {"other.csv", job.Append, fault.Conflict, "is the target of stream z (put {stream} into the path)"},
		"another job's":       {"theirs.csv", job.Append, fault.Conflict, "is the target of job i (give each job a path of its own)"},
		"below an absolute":   {filepath.Join(outside, "a/b", "x.csv"), job.Append, "", ""},
		"folders that lack":   {"a/b/c/x.csv", job.Append, "", ""},
		"stream in a folder":  {"a/{stream}/x.csv", job.Replace, "", ""},
		"absolute and stream": {filepath.Join(outside, "{stream}", "x.csv"), job.Append, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPen(t, openDestination(t, dir, map[string]any{"path": c.path}), c.mode)
			err := p.prepare()
			if c.code != "" {
				wantFault(t, err, c.code, c.part)
				return
			}
			must(t, err, p.load("p", 1), p.commit())
			wantText(t, filepath.Join(map[bool]string{true: "/", false: dir}[filepath.IsAbs(c.path)], strings.ReplaceAll(c.path, "{stream}", "s")), "a,b\n1,1\n")
		})
	}
}

func TestDestination_Outside(t *testing.T) {
	if _, err := file.Spec(blob.Local()).Destination(t.Context(), config(t, t.TempDir(), map[string]any{"path": "a/b.csv", "format": "json"})); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("JSON array: got %v, want ConfigInvalid", err)
	}
	if err := openDestination(t, t.TempDir(), map[string]any{"path": "/proc/lockstep/x.csv"}).Ping(t.Context()); err == nil {
		t.Error("ping of a folder that cannot be written is fine")
	}
}

// TestDestination_URL writes to a place that a URL names.
func TestDestination_URL(t *testing.T) {
	dir := t.TempDir()
	p := newPen(t, openDestination(t, t.TempDir(), map[string]any{"path": "file://" + filepath.ToSlash(dir) + "/x.csv"}), job.Append)
	must(t, p.prepare(), p.load("p", 1))
	wantText(t, filepath.Join(dir, "x.csv"), "a,b\n1,1\n")
}
