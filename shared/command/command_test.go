package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/catalog/local"
)

// asMain in the environment makes the test's binary the command itself, so that tests can start processes of it.
const asMain = "LOCKSTEP_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		os.Exit(Main(Options{Catalog: local.Builtin()}))
	}
	os.Exit(m.Run())
}

// called is what a call of the command did.
type called struct {
	exit     int
	out, err string
}

// project is a folder to call the command in.
type project struct {
	dir     string
	now     func() time.Time
	in      string
	tty     bool
	signals chan os.Signal
}

// newProject makes the project of init.
func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{dir: filepath.Join(t.TempDir(), "shop")}
	made := (&project{dir: filepath.Dir(p.dir)}).call("init", "shop")
	if made.exit != ExitOK {
		t.Fatalf("init: exit %d\n%s", made.exit, made.err)
	}
	return p
}

func (p *project) call(args ...string) called {
	var out, err bytes.Buffer
	o := Options{Catalog: local.Builtin(), Args: args, In: strings.NewReader(p.in), Out: &out, Err: &err, Dir: p.dir, Now: p.now}
	if p.signals != nil {
		o.Signals = p.signals
	}
	o.Env = func(string) (string, bool) { return "", false }
	o.Terminal = func(stream any) int {
		if _, in := stream.(*strings.Reader); in && p.tty {
			return 80
		}
		return 0
	}
	return called{Main(o), out.String(), err.String()}
}

// want calls the command and holds its exit code and its output against what they must be.
func (p *project) want(t *testing.T, exit int, parts []string, args ...string) called {
	t.Helper()
	c := p.call(args...)
	if c.exit != exit {
		t.Errorf("lockstep %s: exit %d, want %d\n%s%s", strings.Join(args, " "), c.exit, exit, c.out, c.err)
	}
	for _, part := range parts {
		if !strings.Contains(c.out+c.err, part) {
			t.Errorf("lockstep %s: %q is not in the output\n%s%s", strings.Join(args, " "), part, c.out, c.err)
		}
	}
	return c
}

// file writes a file of the project.
func (p *project) file(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p *project) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decode reads the JSON that a call printed.
func decode[T any](t *testing.T, c called) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(c.out), &v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, c.out)
	}
	return v
}

func TestCommands_AreExplained(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: short, long help and example must be there", c.CommandPath())
		}
		if c.Args == nil {
			t.Errorf("%s: takes any arguments", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newApp(Options{}).root())
}

func TestWrongUse(t *testing.T) {
	p := newProject(t)
	for _, c := range []struct {
		name  string
		args  []string
		parts []string
	}{
		{"a slip in a command", []string{"runn", "sample"}, []string{`there is no command "runn"`, "did you mean lockstep run?"}},
		{"no such command", []string{"xyzzy"}, []string{"commands: apply, asl, check,"}},
		{"a slip in a command below", []string{"failures", "lst"}, []string{"did you mean lockstep failures list?"}},
		{"a slip in a flag", []string{"run", "sample", "--fulll"}, []string{"unknown flag: --fulll", "did you mean --full?"}},
		{"a slip in a global flag", []string{"status", "--projekt", "x"}, []string{"did you mean --project?"}},
		{"no argument", []string{"run"}, []string{"usage: lockstep run JOB|FILE"}},
		{"too many", []string{"run", "a", "b"}, []string{`what to do with "b"`}},
		{"a slip in a job", []string{"run", "sampel"}, []string{"did you mean sample?"}},
		{"a job to reset", []string{"reset", "sampel", "--yes"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to stop", []string{"stop", "sampel"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to list runs of", []string{"runs", "sampel"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to list failures of", []string{"failures", "list", "sampel"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to count failures of", []string{"failures", "list", "sampel", "--count"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to read logs of", []string{"logs", "sampel"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"a job to show", []string{"status", "sampel"}, []string{`there is no job "sampel"`, "did you mean sample?", "NotFound"}},
		{"no such file", []string{"run", "nothing.yaml"}, []string{"there is no file", "nothing.yaml"}},
		{"a level", []string{"status", "--log-level", "loud"}, []string{"debug, info, warn or error"}},
		{"a time-out", []string{"run", "sample", "--step-timeout", "1ms"}, []string{"too short"}},
		{"concurrency", []string{"run", "sample", "--concurrency", "41"}, []string{"1 to 40"}},
		{"a stream", []string{"run", "sample", "--stream", "order"}, []string{`has no stream "order"`, "did you mean orders?"}},
		{"new and run", []string{"run", "sample", "--new", "--run", "x"}, []string{"--new and --run"}},
		{"a limit", []string{"runs", "--limit", "0"}, []string{"1 to 1000"}},
		{"a status", []string{"runs", "--status", "done"}, []string{`there is no status "done"`}},
		{"a time", []string{"runs", "--since", "yesterday"}, []string{`"yesterday" is no time`}},
		{"a phase", []string{"failures", "list", "--phase", "eat"}, []string{`there is no phase "eat"`}},
		{"a run", []string{"runs", "show", "x"}, []string{`there is no run "x"`}},
		{"a failure", []string{"failures", "show", "x"}, []string{`there is no failure "x"`}},
		{"a project", []string{"check", "--project", "nowhere"}, []string{"there is no folder nowhere"}},
		{"a state that is no file", []string{"run", "sample", "--store", "mysql://x"}, []string{"ConfigInvalid", `"mysql://x" is no file`, "write a path"}},
		{"a place of batches", []string{"run", "sample", "--blobs", "ftp://x"}, []string{"ftp://x"}},
	} {
		t.Run(c.name, func(t *testing.T) { p.want(t, ExitWrong, c.parts, c.args...) })
	}
}

func TestUnknownJobs(t *testing.T) {
	p := newProject(t)
	p.file(t, "jobs/gone.yaml", strings.Replace(p.read(t, "jobs/sample.yaml"), "id: sample", "id: gone", 1))
	p.file(t, "jobs/broken.yaml", "id: broken\nsource: {connector: fil}\n")
	p.file(t, "jobs/off.yaml", strings.Replace(p.read(t, "jobs/sample.yaml"), "id: sample", "id: off\nenabled: false", 1))
	p.want(t, ExitOK, nil, "run", "gone")
	if err := os.Remove(filepath.Join(p.dir, "jobs", "gone.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		exit  int
		parts []string
		args  []string
	}{
		{ExitOK, []string{"partial"}, []string{"runs", "gone"}},
		{ExitOK, []string{"required"}, []string{"failures", "list", "gone"}},
		{ExitOK, []string{"run finished"}, []string{"logs", "gone"}},
		{ExitOK, []string{"may start again"}, []string{"reset", "gone", "--yes"}},
		{ExitNotStarted, []string{"is not running"}, []string{"stop", "gone"}},
		{ExitWrong, []string{"did you mean sample?"}, []string{"runs", "sampel"}},
		{ExitWrong, []string{"did you mean sample?"}, []string{"reset", "sampel"}},
		{ExitOK, []string{"no runs"}, []string{"runs", "broken"}},
		{ExitOK, []string{"no runs"}, []string{"runs", "off"}},
		{ExitOK, []string{"never ran"}, []string{"status", "off"}},
	} {
		p.want(t, c.exit, c.parts, c.args...)
	}
}

func TestWrongUse_JSON(t *testing.T) {
	c := newProject(t).call("runs", "--json", "--limit", "0")
	got := decode[explained](t, c)
	if got.Code != "ConfigInvalid" || got.Message == "" || c.err != "" || c.exit != ExitWrong {
		t.Errorf("got %+v, exit %d, on stderr: %q", got, c.exit, c.err)
	}
}

func TestNoCommand(t *testing.T) {
	p := newProject(t)
	for _, args := range [][]string{{"--json"}, {"failures", "--json"}} {
		c := p.want(t, ExitWrong, []string{"wants a command", "commands: "}, args...)
		if got := decode[explained](t, c); got.Code != "ConfigInvalid" || c.err != "" {
			t.Errorf("%v: got %+v, on stderr: %q", args, got, c.err)
		}
	}
	p.want(t, ExitOK, []string{"Usage:"})
}

// TestInit_Names makes projects in folders whose names YAML could take for something else than text.
func TestInit_Names(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"001", "true", "null", "1.5", "no", "2026-01-01"} {
		if made := (&project{dir: dir}).call("init", name); made.exit != ExitOK {
			t.Fatalf("init %s: exit %d\n%s", name, made.exit, made.err)
		}
		(&project{dir: filepath.Join(dir, name)}).want(t, ExitOK, nil, "check")
	}
}

func TestInit_OverwritesNothing(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitWrong, []string{"nothing was written", "lockstep.yaml, jobs/sample.yaml"}, "init")
	q := &project{dir: t.TempDir()}
	q.file(t, "README.md", "mine")
	q.want(t, ExitWrong, []string{"README.md already"}, "init", ".")
	if exists(filepath.Join(q.dir, "lockstep.yaml")) || q.read(t, "README.md") != "mine" {
		t.Error("something was written")
	}
}

func TestProjectDir(t *testing.T) {
	p := newProject(t)
	for _, dir := range []string{".", "jobs", "data"} {
		inside := &project{dir: filepath.Join(p.dir, dir)}
		inside.want(t, ExitOK, []string{"sample"}, "status")
	}
	if err := os.Remove(filepath.Join(p.dir, "lockstep.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "jobs", "data"} {
		inside := &project{dir: filepath.Join(p.dir, dir)}
		inside.want(t, ExitOK, []string{"sample"}, "status")
	}
	bare := &project{dir: t.TempDir()}
	bare.file(t, "one.yaml", "id: one\nsource: {connector: file, config: {path: a.csv}}\ndestination: {connector: sqlite, config: {path: a.db}}\n")
	bare.file(t, "deep/er/note.txt", "")
	inside := &project{dir: filepath.Join(bare.dir, "deep", "er")}
	inside.want(t, ExitOK, []string{"one"}, "status")
}

func TestLooking_MakesNothing(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitOK, []string{"never ran", "next: lockstep run sample"}, "status")
	p.want(t, ExitOK, []string{"never ran"}, "status", "sample")
	p.want(t, ExitOK, []string{"no runs"}, "runs")
	p.want(t, ExitOK, []string{"no failures"}, "failures", "list")
	p.want(t, ExitWrong, []string{"has no runs yet"}, "logs", "sample")
	p.want(t, ExitNotStarted, []string{"never ran"}, "reset", "sample")
	p.want(t, ExitNotStarted, []string{"is not running"}, "stop", "sample")
	if exists(filepath.Join(p.dir, stateFolder)) {
		t.Error("looking made the state")
	}
}

func TestDescribe(t *testing.T) {
	p := newProject(t)
	compiled := decode[map[string]any](t, p.want(t, ExitOK, nil, "compile", "sample"))
	if comment, _ := compiled["Comment"].(string); !strings.Contains(comment, "ExtractFunctionArn") || !strings.Contains(comment, "sample") {
		t.Errorf("comment %q", comment)
	}
	schema := decode[map[string]any](t, p.want(t, ExitOK, nil, "schema"))
	if schema["$schema"] == nil {
		t.Error("no JSON schema")
	}
	docs := filepath.Join(t.TempDir(), "docs")
	p.want(t, ExitOK, []string{"pages in"}, "schema", "--docs", docs, "--out", filepath.Join(docs, "job.schema.json"))
	for _, name := range []string{"README.md", "job.schema.json"} {
		if !exists(filepath.Join(docs, name)) {
			t.Errorf("%s was not written", name)
		}
	}
	v := decode[version](t, p.want(t, ExitOK, nil, "version", "--json"))
	if v.Formats["batch"] == 0 || !strings.HasPrefix(v.Go, "go1.") {
		t.Errorf("got %+v", v)
	}
	p.want(t, ExitOK, []string{"lockstep"}, "completion", "bash")
	p.want(t, ExitOK, []string{"sample"}, "__complete", "run", "")
}
