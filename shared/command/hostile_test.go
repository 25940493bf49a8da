package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// What one hostile input may cost. The time is generous for machines that are busy; what grows with the square of an input passes it
// by far.
const (
	hostileTime  = 30 * time.Second
	hostileAlloc = 400 << 20 // bytes allocated in all, over what hostileEach gives each byte of the input
	hostileEach  = 60
	hostileSmall = 64 << 10 // bytes; a larger input is measured
)

// hostile is one input of testdata/hostile, and what must come of it. The form of the files is described in their README.md.
type hostile struct {
	file, name string // where the case stands
	path       string // of the input in the project
	config     string // more settings of the source
	stream     string // more settings of the stream
	rules      string // of the job
	in         []byte
	size       int    // of the input before it was packed
	more       []part // other files
	rows       []string
	count      int // rows, when they are not listed; else -1
	rejects    []string
	refused    string // "Code: part of the message", or ""
	problems   []string
	fine       bool // the job file has no problem
}

// part is another file of a case.
type part struct {
	path string
	data []byte
}

// TestHostile runs each input as a user would: lockstep run on a project that holds it, or lockstep check on a job file.
func TestHostile(t *testing.T) {
	files, err := filepath.Glob("testdata/hostile/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	total := 0
	for _, file := range files {
		var large, small []*hostile
		for _, c := range hostileCases(t, file) {
			if total++; c.size > hostileSmall {
				large = append(large, c)
			} else {
				small = append(small, c)
			}
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		// What a large input costs is measured, so nothing may run beside it; small ones of several files run side by side, later.
		t.Run(name+"/large", func(t *testing.T) { hostileRun(t, large) })
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hostileRun(t, small)
		})
	}
	if total < 400 {
		t.Errorf("%d hostile inputs, want at least 400", total)
	}
}

func hostileRun(t *testing.T, cases []*hostile) {
	p := &project{dir: t.TempDir()}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if len(c.problems) > 0 || c.fine {
				c.check(t)
			} else {
				c.run(t, p, fmt.Sprintf("h%d", i))
			}
		})
	}
}

// bounded calls the command and holds what it cost against what the input may cost.
func (c *hostile) bounded(t *testing.T, p *project, args ...string) called {
	t.Helper()
	size := c.size
	var before, after goruntime.MemStats
	goruntime.ReadMemStats(&before)
	began := time.Now()
	out := p.call(args...)
	took := time.Since(began)
	goruntime.ReadMemStats(&after)
	if took > hostileTime {
		t.Errorf("lockstep %s took %v", strings.Join(args, " "), took)
	}
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(hostileAlloc+hostileEach*size); size > hostileSmall && got > most {
		t.Errorf("lockstep %s allocated %d MB for an input of %d bytes", strings.Join(args, " "), got>>20, size)
	}
	if strings.Contains(out.out+out.err, "goroutine ") || strings.Contains(out.out, string(fault.Internal)) {
		t.Errorf("lockstep %s panicked, or blames itself:\n%.2000s", strings.Join(args, " "), out.out+out.err)
	}
	return out
}

func (c *hostile) run(t *testing.T, p *project, id string) {
	in := id + "/" + c.path
	p.file(t, in, string(c.in))
	for _, m := range c.more {
		p.file(t, id+"/"+m.path, string(m.data))
	}
	read := in
	if c.path == "a.csv" && len(c.more) > 0 {
		read = id + "/*.csv"
	}
	p.file(t, "jobs/"+id+".yaml", fmt.Sprintf("id: %s\nsource:\n  connector: file\n  config: {path: %q%s}\n  streams: [{name: s%s}]\n%sdestination: {connector: file, config: {path: %s.out.ndjson}}\n",
		id, read, more(c.config), more(c.stream), c.rules, id))
	r := decode[report](t, c.bounded(t, p, "run", id, "--json"))
	failures := decode[[]struct{ Phase, Code, Message string }](t, p.call("failures", "list", id, "--limit", "1000", "--json"))
	out, err := os.ReadFile(filepath.Join(p.dir, id+".out.ndjson"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if r.Read != r.Loaded+r.Filtered+r.Failed || int64(len(failures)) != min(r.Failed, 1000) || int64(bytes.Count(out, []byte{'\n'})) != r.Loaded { // Invariant 5
		t.Errorf("read %d, loaded %d, filtered %d, failed %d; %d failures and %d lines are there", r.Read, r.Loaded, r.Filtered, r.Failed, len(failures), bytes.Count(out, []byte{'\n'}))
	}
	if c.refused != "" {
		c.isRefused(t, p, id, r)
		return
	}
	status := "succeeded"
	if len(c.rejects) > 0 {
		status = "partial"
	}
	if r.Status != status {
		t.Fatalf("the run is %s, want %s: %s: %s", r.Status, status, r.Code, r.Message)
	}
	c.sameRows(t, string(out))
	if len(failures) != len(c.rejects) {
		t.Fatalf("rejects %+v, want %q", failures, c.rejects)
	}
	for i, f := range failures { // the newest batch is listed first, records within it in order; here is one batch
		if got := f.Phase + " " + f.Code + ": " + f.Message; !strings.Contains(got, c.rejects[i]) || f.Code == "" {
			t.Errorf("reject %q, want %q", got, c.rejects[i])
		}
	}
}

func (c *hostile) sameRows(t *testing.T, out string) {
	t.Helper()
	var got []string
	if out != "" {
		got = strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	}
	if c.count >= 0 {
		if len(got) != c.count {
			t.Errorf("%d rows, want %d", len(got), c.count)
		}
		return
	}
	if len(c.more) > 0 { // files are read side by side
		slices.Sort(got)
	}
	if diff := cmp.Diff(c.rows, got, cmp.Comparer(sameLine)); diff != "" {
		t.Errorf("rows (-want +got):\n%.3000s", diff)
	}
}

// sameLine says whether two lines are the same, or the same but for escapes.
func sameLine(a, b string) bool {
	if a == b || !strings.Contains(a+b, `\u`) {
		return a == b
	}
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}

// isRefused holds a refusal against what was expected: a code, the file's name, what to do; and lockstep check must find it too.
func (c *hostile) isRefused(t *testing.T, p *project, id string, r report) {
	t.Helper()
	code, part, _ := strings.Cut(c.refused, ": ")
	if r.Status != "failed" || r.Code != code || !strings.Contains(r.Message+" ("+r.Hint+")", part) {
		t.Errorf("the run is %s %s: %s (%s), want %s", r.Status, r.Code, r.Message, r.Hint, c.refused)
	}
	if r.Hint == "" && !strings.Contains(r.Message, "\n    ") {
		t.Errorf("%q does not say what to do", r.Message)
	}
	if named := r.Message + r.Hint; !strings.Contains(named, filepath.Base(c.path)) && !strings.Contains(named, "stream s") && !strings.Contains(named, id+".yaml:") {
		t.Errorf("%q names neither file nor stream", r.Message)
	}
	if code == string(fault.FailureBudgetExceeded) {
		return // only a run can tell
	}
	checked := c.bounded(t, p, "check", id, "--json")
	var found strings.Builder
	for _, f := range decode[checkReport](t, checked).Problems {
		fmt.Fprintf(&found, "%s (%s)\n", f.Message, f.Hint)
	}
	for _, j := range decode[checkReport](t, checked).Jobs {
		if j.Error != nil {
			fmt.Fprintf(&found, "%s (%s)\n", j.Error.Message, j.Error.Hint)
		}
	}
	if checked.exit == ExitOK || !strings.Contains(found.String(), part) {
		t.Errorf("check ends with %d, and finds:\n%s", checked.exit, found.String())
	}
}

// check holds the problems that lockstep check finds in a job file against those expected, each "file:line [code] part of the message".
func (c *hostile) check(t *testing.T) {
	p := &project{dir: t.TempDir()}
	p.file(t, c.path, string(c.in))
	for _, m := range c.more {
		p.file(t, m.path, string(m.data))
	}
	out := c.bounded(t, p, "check", c.path, "--offline", "--json")
	r := decode[checkReport](t, out)
	if want := len(c.problems) > 0; (out.exit == ExitWrong) != want || !want && out.exit != ExitOK {
		t.Errorf("exit %d: %s", out.exit, out.err)
	}
	left := append([]string(nil), c.problems...)
	for _, f := range r.Problems {
		found, file := false, f.File
		if rel, err := filepath.Rel(p.dir, f.File); err == nil {
			file = filepath.ToSlash(rel)
		}
		for i, want := range left {
			place, text, _ := strings.Cut(want, " ")
			code, message, _ := strings.Cut(text, " ")
			if place == fmt.Sprintf("%s:%d", file, f.Line) && code == "["+f.Code+"]" && strings.Contains(f.Message, message) {
				left = append(left[:i], left[i+1:]...)
				found = true
				break
			}
		}
		if !found {
			t.Errorf("not expected: %s:%d [%s] %s", file, f.Line, f.Code, f.Message)
		}
	}
	if len(left) > 0 {
		t.Errorf("expected and not found: %q", left)
	}
}

func more(settings string) string {
	if settings == "" {
		return ""
	}
	return ", " + settings
}
