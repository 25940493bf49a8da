package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// started is a process of the command.
type started struct {
	*exec.Cmd
	out, err bytes.Buffer
}

// start starts the command as a process of its own.
func (p *project) start(t *testing.T, args ...string) *started {
	t.Helper()
	s := &started{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	s.Dir, s.Env = p.dir, append(os.Environ(), asMain+"=1")
	s.Stdout, s.Stderr = &s.out, &s.err
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	return s
}

// end waits for the process and gives what it did; the exit code is -1 when a signal ended it.
func (s *started) end() called {
	_ = s.Wait() // the exit code says it
	return called{s.ProcessState.ExitCode(), s.out.String(), s.err.String()}
}

// slow makes the project's job one of many small batches.
func (p *project) slow(t *testing.T) {
	t.Helper()
	p.file(t, "jobs/sample.yaml", strings.Replace(p.read(t, "jobs/sample.yaml"), "on_failure: skip", "on_failure: skip\nbatch: {records: 100}", 1))
	var b strings.Builder
	b.WriteString("id,ordered_at,customer,amount,status\n")
	for i := range 12_000 {
		fmt.Fprintf(&b, "%d,2026-01-03,Ada,19.90,paid\n", i+1)
	}
	p.file(t, "data/orders.csv", b.String())
}

// until asks again and again until the answer is yes.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !is() {
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// moving says whether a run has loaded a batch and still runs.
func (p *project) moving(t *testing.T) (string, bool) {
	s := decode[jobStatus](t, p.call("status", "sample", "--json"))
	if s.Run == nil || s.Run.Batches == 0 || s.Lock != "IN_PROGRESS" {
		return "", false
	}
	return s.Run.Run, true
}

func TestProcess_TwoAtOnce(t *testing.T) {
	p := newProject(t)
	p.slow(t)
	first := p.start(t, "run", "sample", "--json")
	var run string
	until(t, "the first run moves", func() (ok bool) { run, ok = p.moving(t); return ok })

	second := decode[report](t, p.want(t, ExitNotStarted, nil, "run", "sample", "--json"))
	if second.Code != "Held" || second.HeldBy != run || !strings.Contains(second.Message, run) {
		t.Errorf("the second: %+v, want it held by %s", second, run)
	}
	p.want(t, ExitOK, []string{"alive", "IN_PROGRESS"}, "status", "sample")
	p.want(t, ExitNotStarted, []string{"run " + run + " holds job sample", "lockstep stop sample"}, "reset", "sample", "--yes")

	p.want(t, ExitOK, []string{"asked run " + run, "ended: aborted"}, "stop", "sample", "--wait")
	got := decode[report](t, first.end())
	if got.Run != run || got.Status != "aborted" || got.Read == 0 || got.Read != got.Loaded+got.Filtered+got.Failed {
		t.Errorf("the first: %+v", got)
	}
	whole := decode[report](t, p.want(t, ExitOK, nil, "run", "sample", "--json"))
	if !whole.Continued || whole.Run != run || whole.Read != 12_000 || whole.Status != "succeeded" {
		t.Errorf("the continued run: %+v", whole)
	}
}

func TestProcess_ManyAtOnce(t *testing.T) {
	p := newProject(t)
	var all []*started
	for range 4 {
		all = append(all, p.start(t, "run", "sample", "--json", "--full"))
	}
	ran := 0
	for _, s := range all {
		c := s.end()
		switch got := decode[report](t, c); c.exit {
		case ExitOK:
			ran++
		case ExitNotStarted:
			if got.HeldBy == "" {
				t.Errorf("not started, but held by nobody: %+v", got)
			}
		default:
			t.Errorf("exit %d: %s%s", c.exit, c.out, c.err)
		}
	}
	if ran == 0 {
		t.Error("none ran")
	}
}

func TestProcess_KilledAndContinued(t *testing.T) {
	p := newProject(t)
	p.slow(t)
	first := p.start(t, "run", "sample")
	var run string
	until(t, "the run moves", func() (ok bool) { run, ok = p.moving(t); return ok })
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if c := first.end(); c.exit != -1 {
		t.Fatalf("it ended before it was killed: %+v", c)
	}
	p.want(t, ExitOK, []string{"lockstep run sample goes on with it"}, "status")
	c := p.want(t, ExitOK, []string{"continued run " + run + ", which had died in the middle", "read     12,000 = 12,000 loaded"}, "run", "sample")
	if !strings.Contains(c.out, "12,000 inserted") {
		t.Errorf("loaded twice?\n%s", c.out)
	}
}

func TestProcess_InterruptedOnce(t *testing.T) {
	p := newProject(t)
	p.slow(t)
	first := p.start(t, "run", "sample")
	until(t, "the run moves", func() bool { _, ok := p.moving(t); return ok })
	if err := first.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	c := first.end()
	if c.exit != ExitFailed || !strings.Contains(c.err, "the batches under way are finished first") || !strings.Contains(c.out, "aborted") ||
		!strings.Contains(c.out, "go on where it ended: lockstep run sample") {
		t.Errorf("exit %d\n%s%s", c.exit, c.out, c.err)
	}
	p.want(t, ExitOK, []string{"which had been stopped"}, "run", "sample")
}

// TestProcess_Quick holds a run that has nothing to do, from the start of the process to its end, below a second; a machine that
// nobody else uses takes a tenth of that.
func TestProcess_Quick(t *testing.T) {
	p := newProject(t)
	p.want(t, ExitOK, nil, "run", "sample")
	best := time.Hour
	for range 3 {
		at := time.Now()
		if c := p.start(t, "run", "jobs/sample.yaml").end(); c.exit != ExitOK {
			t.Fatalf("exit %d\n%s%s", c.exit, c.out, c.err)
		}
		best = min(best, time.Since(at))
	}
	if best > time.Second {
		t.Errorf("a run with nothing to do takes %s", best)
	}
	t.Logf("a run with nothing to do: %s", best)
}
