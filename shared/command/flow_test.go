package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFlow(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitOK, []string{"sample  ok", "exactly once", "1 job checked, no problems"}, "check")
	p.want(t, ExitOK, []string{"ok    state", "ok    format", "ok    clock", "ok    locks", "ok    batches", "ok    project"}, "doctor")
	p.want(t, ExitOK, []string{"ok"}, "ping")

	first := p.want(t, ExitOK, []string{"sample  partial", "read     10 = 6 loaded + 2 filtered + 2 failed", "lockstep failures list sample --run"}, "run", "sample")
	if !strings.Contains(first.err, "orders/orders.csv ended: 10 records in 1 batch, 2 failed") {
		t.Errorf("progress: %s", first.err)
	}
	second := decode[report](t, p.want(t, ExitOK, nil, "run", "sample", "--json"))
	if second.Status != "succeeded" || second.Read != 0 || second.Code != "" {
		t.Errorf("the second run: %+v", second)
	}
	p.file(t, "data/orders.csv", p.read(t, "data/orders.csv")+"11,2026-01-10,Kay,9.50,paid\n")
	third := decode[report](t, p.want(t, ExitFailed, nil, "run", "jobs/sample.yaml", "--json", "--fail-on-partial"))
	if third.Inserted != 1 || third.Loaded != 7 || third.Read != third.Loaded+third.Filtered+third.Failed {
		t.Errorf("the third run: %+v", third)
	}
	if c := p.call("run", "sample", "--json", "--log-level", "info"); strings.Contains(c.out, "level=") || !strings.Contains(c.err, "level=INFO") {
		t.Errorf("the log is to be on stderr only\n%s%s", c.out, c.err)
	}
	looks(t, p, third)
}

// looks is what can be seen after the runs of TestFlow.
func looks(t *testing.T, p *project, last report) {
	t.Helper()
	p.want(t, ExitOK, []string{"sample  SUCCEEDED  succeeded"}, "status")
	detail := decode[jobStatus](t, p.want(t, ExitOK, nil, "status", "sample", "--json"))
	if len(detail.Checkpoints) != 2 || detail.Lock != "SUCCEEDED" || detail.Checkpoints[0].Stream != "orders" {
		t.Errorf("status: %+v", detail)
	}
	runs := decode[[]runRow](t, p.want(t, ExitOK, nil, "runs", "sample", "--json", "--status", "partial"))
	if len(runs) != 2 || runs[0].Run != last.Run {
		t.Errorf("runs: %+v", runs)
	}
	p.want(t, ExitOK, []string{"there are more"}, "runs", "--limit", "1", "--since", "1h")
	p.want(t, ExitOK, []string{"7 loaded", "orders.csv", "transform", `"id": "sample"`}, "runs", "show", last.Run, "--config")
	p.want(t, ExitOK, []string{"ExecutionStarted", "TaskStateExited", "ExecutionSucceeded"}, "runs", "show", last.Run, "--history")
	p.want(t, ExitOK, []string{"batch loaded", "run finished"}, "logs", "sample", last.Run, "--follow")
	if c := p.call("logs", "sample", last.Run, "--level", "error"); c.out != "" {
		t.Errorf("errors in the log: %s", c.out)
	}

	list := decode[[]failureRow](t, p.want(t, ExitOK, nil, "failures", "list", "sample", "--run", last.Run, "--json"))
	if len(list) != 2 || list[0].Key != "[4]" || list[0].Rule != "required" || list[0].Phase != "validate" {
		t.Fatalf("failures: %+v", list)
	}
	p.want(t, ExitOK, []string{"ID ", "required", "[4]"}, "failures", "list")
	p.want(t, ExitOK, []string{"COUNT", "4 failures"}, "failures", "list", "--count")
	p.want(t, ExitOK, []string{`"ordered_at": "2026-01-05"`, "record 4 of batch 1"}, "failures", "show", list[0].Short)
	p.want(t, ExitOK, []string{list[0].ID}, "failures", "show", list[0].ID, "--whole")
}

func TestFlow_IgnoredAndReset(t *testing.T) {
	p := newProject(t)
	if err := os.Remove(filepath.Join(p.dir, "data", "orders.csv")); err != nil {
		t.Fatal(err)
	}
	p.want(t, ExitUnreachable, []string{"not reached", "1 source could not be reached"}, "check")
	p.want(t, ExitOK, []string{"source not asked"}, "check", "--offline")
	p.want(t, ExitUnreachable, []string{"fail"}, "ping", "sample")
	for range 2 {
		p.want(t, ExitUnreachable, []string{"there is no file data/orders.csv [NotFound]"}, "run", "sample", "--new")
	}
	p.want(t, ExitUnreachable, []string{"that was the last try"}, "run", "sample", "--new")
	p.want(t, ExitNotStarted, []string{"used up its tries", "lockstep reset sample"}, "run", "sample", "--new")
	p.want(t, ExitOK, []string{"IGNORED", "mend the cause, then lockstep reset sample"}, "status")
	p.in, p.tty = "n\n", true
	p.want(t, ExitOK, []string{"[y/N]", "nothing was changed"}, "reset", "sample")
	p.in = "y\n"
	p.want(t, ExitOK, []string{"was IGNORED and may start again"}, "reset", "sample")
	p.want(t, ExitUnreachable, nil, "run", "sample", "--new")
	p.want(t, ExitWrong, []string{`no checkpoint of a stream "x"`}, "reset", "sample", "--stream", "x", "--yes")
}

func TestFlow_ResetMakesTheNextRunFull(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitOK, nil, "run", "sample")
	p.want(t, ExitOK, []string{"reads orders from the beginning"}, "reset", "sample", "--stream", "orders", "--yes")
	again := decode[report](t, p.want(t, ExitOK, nil, "run", "sample", "--json"))
	if again.Read != 10 || again.Unchanged != again.Loaded {
		t.Errorf("got %+v", again)
	}
	full := decode[report](t, p.want(t, ExitOK, nil, "run", "sample", "--json", "--full", "--run", "mine", "--history", filepath.Join(p.dir, "h.jsonl")))
	if full.Read != 10 || full.Run != "mine" {
		t.Errorf("got %+v", full)
	}
	if text := p.read(t, "h.jsonl"); !strings.Contains(text, "ExecutionSucceeded") {
		t.Errorf("history: %s", text)
	}
	done := decode[report](t, p.want(t, ExitNotStarted, nil, "run", "sample", "--json", "--full", "--run", "mine"))
	if done.Code != "AlreadyDone" {
		t.Errorf("got %+v", done)
	}
}

func TestCheck_Problems(t *testing.T) {
	p := newProject(t)
	p.file(t, "jobs/bad.yaml", `id: bad
source:
  connector: file
  config: {path: data/orders.csv}
  streams: [{name: orders, key: [id, nr]}]
transforms:
  - set: {total: upper(amout)}
rules:
  - required: [nobody]
destinations:
  - connector: sqlite
    config: {path: out/b.db}
    write: upsert
`)
	c := p.want(t, ExitWrong, []string{"jobs/bad.yaml:", "bad  has problems", "sample  ok"}, "check")
	if !strings.Contains(c.out, "amout") {
		t.Errorf("the expression is not named\n%s", c.out)
	}
	r := decode[checkReport](t, p.want(t, ExitWrong, nil, "check", "bad", "--json"))
	if len(r.Problems) == 0 || r.Problems[0].Line == 0 || len(r.Jobs) != 1 || len(r.Jobs[0].Guarantees) != 1 {
		t.Errorf("got %+v", r)
	}
	p.file(t, "jobs/bad.yaml", "id: bad\nsource: {connector: fil}\n")
	p.want(t, ExitWrong, []string{"did you mean file?", "problems"}, "check")
	p.want(t, ExitWrong, []string{"did you mean file?"}, "run", "bad")
	p.want(t, ExitOK, []string{"problems in job files: lockstep check"}, "status")
	p.want(t, ExitUnreachable, []string{"fail  project"}, "doctor")
}

// TestCheck_Quota: a job whose run would take more batches than the history of an execution has room for is refused with the way there.
func TestCheck_Quota(t *testing.T) {
	p := newProject(t)
	p.file(t, "data/many.csv", "id,name\n"+strings.Repeat("1,one of many\n", 8000))
	text := `id: many
batch: {bytes: %s}
source:
  connector: file
  config: {path: data/many.csv}
destinations:
  - connector: sqlite
    config: {path: out/m.db}
`
	p.file(t, "jobs/many.yaml", strings.Replace(text, "%s", "1B", 1))
	c := p.want(t, ExitWrong, []string{"jobs/many.yaml:2:", "legs", "25000", "make batches larger", "NextLeg "}, "check", "many")
	r := decode[checkReport](t, p.want(t, ExitWrong, nil, "check", "many", "--json"))
	if len(r.Problems) != 1 || r.Problems[0].Code != "quota" || r.Problems[0].Line != 2 {
		t.Errorf("got %+v\n%s", r.Problems, c.out)
	}
	p.file(t, "jobs/many.yaml", strings.Replace(text, "%s", "1MiB", 1))
	p.want(t, ExitOK, []string{"many  ok"}, "check", "many")
}

func TestRun_Preflight(t *testing.T) {
	p := newProject(t)
	good := p.read(t, "jobs/sample.yaml")
	bad := strings.Replace(strings.Replace(good, "trim(customer)", "trim(custmer)", 1), "status != ", "statu != ", 1)
	untouched := func(lock string, rows int) {
		t.Helper()
		if got := decode[jobStatus](t, p.call("status", "sample", "--json")); got.Lock != lock || got.Tries != 0 {
			t.Errorf("the lock is %q after %d tries", got.Lock, got.Tries)
		}
		if got := decode[[]runRow](t, p.call("runs", "sample", "--json")); len(got) != rows {
			t.Errorf("got %d runs, want %d: %+v", len(got), rows, got)
		}
	}
	p.file(t, "jobs/sample.yaml", bad)
	for range 4 { // more often than there are tries
		p.want(t, ExitWrong, []string{"jobs/sample.yaml:11:", "custmer", "1 problem"}, "run", "sample")
	}
	got := decode[report](t, p.want(t, ExitWrong, nil, "run", "jobs/sample.yaml", "--json"))
	if len(got.Problems) != 1 || got.Problems[0].Line != 11 || got.Problems[0].Column == 0 || got.Code != "ConfigInvalid" || got.Run != "" {
		t.Errorf("got %+v", got)
	}
	untouched("", 0)
	p.file(t, "jobs/sample.yaml", good)
	p.want(t, ExitOK, []string{"6 loaded"}, "run", "sample")
	p.file(t, "jobs/sample.yaml", strings.Replace(good, "required: [customer]", "required: [customr, amoun]", 1))
	p.want(t, ExitWrong, []string{"jobs/sample.yaml:14:", "customr", "amoun", "2 problems"}, "run", "sample")
	untouched("SUCCEEDED", 1)
	p.file(t, "jobs/sample.yaml", good)
	p.want(t, ExitOK, nil, "run", "sample")
}

func TestFlow_Disabled(t *testing.T) {
	p := newProject(t)
	p.file(t, "jobs/sample.yaml", p.read(t, "jobs/sample.yaml")+"enabled: false\n")
	p.want(t, ExitWrong, []string{"no job"}, "run", "sample")
	p.want(t, ExitWrong, []string{"it is disabled"}, "run", "jobs/sample.yaml")
	p.want(t, ExitOK, []string{"disabled"}, "check")
}

func TestState_OutOfReach(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, p *project)
		parts  []string
	}{
		{"damaged", func(t *testing.T, p *project) {
			p.file(t, ".lockstep/state.db", strings.Repeat("this is no database. ", 500))
		}, []string{"damaged", "DataInvalid"}},
		{"from the future", func(t *testing.T, p *project) {
			f, err := os.OpenFile(filepath.Join(p.dir, ".lockstep", "state.db"), os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte{0, 0, 3, 0xe7}, 60) // user_version
			}
			if err == nil {
				err = f.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"VersionTooNew", "version 999"}},
		{"a file where the folder must be", func(t *testing.T, p *project) {
			if err := os.RemoveAll(filepath.Join(p.dir, stateFolder)); err != nil {
				t.Fatal(err)
			}
			p.file(t, ".lockstep", "")
		}, []string{"AuthDenied"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t)
			p.want(t, ExitOK, nil, "run", "sample")
			c.damage(t, p)
			p.want(t, ExitUnreachable, c.parts, "run", "sample")
			p.want(t, ExitUnreachable, []string{"fail  state"}, "doctor")
			got := decode[report](t, p.want(t, ExitUnreachable, nil, "run", "sample", "--json"))
			if got.Status != "failed" || got.Code == "" || got.Job != "sample" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestDoctor_ClockSetBack(t *testing.T) {
	p := newProject(t)
	p.now = func() time.Time { return time.Now().Add(3 * time.Hour) }
	p.want(t, ExitOK, nil, "run", "sample")
	p.now = nil
	p.want(t, ExitUnreachable, []string{"fail  clock", "the clock was set back"}, "doctor")
}

func TestFlow_InterruptedTwice(t *testing.T) {
	p := newProject(t)
	p.signals = make(chan os.Signal, 2)
	p.signals <- os.Interrupt
	p.signals <- os.Interrupt
	p.want(t, ExitFailed, []string{"interrupt again to end at once", "ending at once"}, "run", "sample")
	p.signals = nil
	p.want(t, ExitOK, []string{"6 loaded"}, "run", "sample")
}
