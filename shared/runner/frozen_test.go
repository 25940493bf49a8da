//go:build unix

package runner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// frozenAt are the points at which a run is frozen. The lock of the operating system that it holds there, if any, keeps others waiting
// until it goes on: a transaction of SQLite, or the file beside a target.
var frozenAt = []struct {
	point  string // the first crossing whose name contains it
	within bool   // a lock is held
	only   string // only cases whose name contains it
}{
	{point: "plan: after store.Bind a.csv"},
	{point: "load: after store.Bind b.csv #2"},
	{point: "load: before destination.Load a.csv #2"},
	{point: "load: inside the transaction, a row of things #5", within: true, only: "sqlite"},
	{point: "load: inside the commit of out.db #4", within: true, only: "sqlite"},
	{point: "load: before destination.Load confirmed a.csv #2", within: true},
	{point: "load: before store.Checkpoint c.csv #2"},
	{point: "finish: before store.Bind"},
	{point: "finish: before destination.Commit"},
	{point: "finish: inside the commit of out.db", within: true, only: "sqlite"},
	{point: "before fsync of things.csv.lockstep.json.tmp #14", within: true, only: "csv-replace"},
	{point: "finish: after destination.Commit"},
	{point: "finish: before store.Release"},
}

// TestFrozen stops a process in the middle of a run for longer than its lease. Another run takes over; when the first goes on, it changes
// nothing any more (invariant 4).
func TestFrozen(t *testing.T) {
	for _, c := range tortureCases {
		if os.Getenv(envTorture) == "" && c.name != "sqlite-upsert" && strings.HasPrefix(c.name, "sqlite-") {
			continue // much as the others
		}
		t.Run(c.name, func(t *testing.T) {
			r := newRack(t, c, 1)
			for _, f := range frozenAt {
				if !strings.Contains(c.name, f.only) {
					continue
				}
				t.Run(f.point, func(t *testing.T) {
					t.Parallel()
					at := r.find(f.point)
					if at[0].Took > 0 && at[0].Name == f.point {
						if strings.Contains(f.point, "fsync") && len(r.find("before fsync of state.db-wal")) < 10 {
							t.Logf("there are no points around fsync here")
							return
						}
						for _, c := range r.seen {
							t.Log(c.Name)
						}
						t.Fatalf("no crossing of %q", f.point)
					}
					fr := &frozen{T: t, rack: r, dir: r.copy()}
					fr.freeze(at[0].Name, f.within)
					fr.takeOver(f.within)
				})
			}
		})
	}
}

// TestFrozenLease is TestFrozen with the clock that everybody has: the other run waits until the lease of the frozen one is over, which
// takes two minutes. Only make torture does.
func TestFrozenLease(t *testing.T) {
	if which, _, _ := strings.Cut(os.Getenv(envTorture), "/"); which != "all" && which != "seventh" {
		t.Logf("it takes two minutes; %s=seventh runs it", envTorture)
		return
	}
	at := map[string][]string{
		"sqlite-append": {"load: inside the transaction, a row of things #5", "load: before store.Checkpoint c.csv #2"},
		"csv-replace":   {"load: before destination.Load a.csv #2", "finish: before destination.Commit"},
	}
	for _, c := range tortureCases {
		if at[c.name] == nil {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRack(t, c, 1)
			for _, f := range frozenAt {
				if !slices.Contains(at[c.name], f.point) {
					continue
				}
				t.Run(f.point, func(t *testing.T) {
					t.Parallel()
					fr := &frozen{T: t, rack: r, dir: r.copy(), step: 10 * time.Second}
					fr.freeze(r.find(f.point)[0].Name, f.within)
					fr.waitForLease()
					fr.takeOver(f.within)
				})
			}
		})
	}
}

// frozen is a process that is stopped, and the project that it works on.
type frozen struct {
	*testing.T
	rack  *rack
	dir   string
	cmd   *exec.Cmd
	in    io.Writer
	out   *json.Decoder
	run   string        // of the stopped process
	still bool          // it is stopped while it makes no object
	step  time.Duration // not 0: the lease is that of such a step, and the clocks are the real ones
}

// waitForLease waits until the lease of the stopped process has been over for as long as clocks may differ. Before that it is held.
func (f *frozen) waitForLease() {
	f.Helper()
	s := f.session()
	defer s.close()
	lock, err := s.store.Lock(f.Context(), "things")
	f.ok(err)
	over := time.Until(lock.LeaseUntil.Add(store.Skew))
	if over < time.Minute || over > 3*time.Minute {
		f.Fatalf("the lease is over in %s", over)
	}
	held, err := s.Run(f.Context(), runner.Request{Job: "things"})
	f.ok(err)
	if !held.Held && held.Run.Status != store.RunSkipped {
		f.Fatalf("a run beside the stopped one is %s: %+v", held.Run.Status, held.Lock)
	}
	f.Logf("the lease is over in %s", over.Round(time.Second))
	select {
	case <-f.Context().Done():
	case <-time.After(over + time.Second):
	}
}

// freeze starts a run and waits until it has stopped itself at the crossing.
func (f *frozen) freeze(at string, within bool) {
	f.Helper()
	exe, err := os.Executable()
	f.ok(err)
	f.cmd = exec.CommandContext(f.Context(), exe, "-test.run=^TestTorture$")
	f.cmd.Env = append(os.Environ(), envTortureChild+"=1", "GOGC=off")
	in, err := f.cmd.StdinPipe()
	f.ok(err)
	out, err := f.cmd.StdoutPipe()
	f.ok(err)
	f.ok(f.cmd.Start())
	f.Cleanup(func() { _ = f.cmd.Process.Kill(); _ = f.cmd.Wait() })
	f.in, f.out = in, json.NewDecoder(out)
	f.ok(json.NewEncoder(in).Encode(killOrder{Dir: f.dir, At: at, Freeze: true, Within: within, Still: f.still, Step: f.step}))
	var said killed
	f.ok(f.out.Decode(&said))
	if said.At != at {
		f.Fatalf("it was to stop at %q: %+v", at, said)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(f.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		f.Fatalf("it did not stop: %v, %v", status, err)
	}
}

func (f *frozen) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// thaw lets the process go on, and waits for its end.
func (f *frozen) thaw() killed {
	f.Helper()
	f.ok(f.cmd.Process.Signal(syscall.SIGCONT))
	f.ok(json.NewEncoder(f.in).Encode("go on"))
	var end killed
	f.ok(f.out.Decode(&end))
	return end
}

// session opens the project with a clock that says that every lease is over, unless the test has waited for that.
func (f *frozen) session() *session {
	f.Helper()
	p := projectIn(f.dir)
	if p.stepTimeout = f.step; f.step == 0 {
		p.now = func() time.Time { return time.Now().Add(time.Hour) }
	}
	s, err := openOnce(f.Context(), p)
	f.ok(err)
	return s
}

// takeOver runs the job beside the frozen process and looks at the end of both.
func (f *frozen) takeOver(within bool) {
	f.Helper()
	s := f.session()
	defer s.close()
	lock, err := s.store.Lock(f.Context(), "things")
	f.ok(err)
	f.run = lock.Run
	ended := make(chan error, 1)
	go func() {
		r, err := s.Run(f.Context(), runner.Request{Job: "things"})
		if err == nil && (r.Run.Status != store.RunPartial && r.Run.Status != store.RunSucceeded || r.Run.ID == f.run || r.Lock.PrevRun != f.run) {
			err = fmt.Errorf("run %s is %s: %s, after %q", r.Run.ID, r.Run.Status, r.Run.ErrorText, r.Lock.PrevRun)
		}
		ended <- err
	}()
	var before string
	if within {
		f.until(func() bool {
			lock, err := s.store.Lock(f.Context(), "things")
			f.ok(err)
			return lock.Run != f.run
		})
	} else {
		f.ok(<-ended)
		f.right(s)
		before = f.everything(s)
	}
	end := f.thaw()
	if end.Run != f.run || end.Status != string(store.RunFailed) || end.Code != string(fault.Zombie) {
		f.Errorf("the frozen run is %s: %s, %s", end.Status, end.Code, end.Err)
	}
	if within {
		f.ok(<-ended)
	} else if d := gocmp.Diff(before, f.everything(s)); d != "" {
		f.Errorf("the frozen process changed something (-before, +after):\n%s", d)
	}
	f.right(s)
	again, err := s.Run(f.Context(), runner.Request{Job: "things"})
	f.ok(err)
	if again.Run.Counters.Read != 0 {
		f.Errorf("a further run reads %d", again.Run.Counters.Read)
	}
	f.right(s)
}

// right compares with a run that nobody disturbed. A whole stream is read again by the run that took over, unless the frozen one had
// committed it; what it finds there already is unchanged.
func (f *frozen) right(s *session) {
	f.Helper()
	want := f.rack.want
	got, err := f.rack.outcome(f.Context(), s, f.run)
	f.ok(err)
	if got.Counters.Read == 0 {
		if got, err = f.rack.outcome(f.Context(), s, ""); err == nil {
			got.Open = nil // the frozen run, which everything tells
		}
		f.ok(err)
	}
	want.Counters, got.Counters = f.sums(want.Counters), f.sums(got.Counters)
	if d := gocmp.Diff(want, got); d != "" {
		f.Errorf("(-undisturbed, +now): %s", d)
	}
}

// sums leaves out what depends on who came first: what was new to the destination, and the batches, of which a run has an empty one
// where there is nothing left to read.
func (f *frozen) sums(c store.Counters) store.Counters {
	c.Batches = 0
	if !f.rack.grows {
		c.Inserted, c.Updated, c.Unchanged, c.Deleted = 0, 0, 0, 0
	}
	return c
}

// everything tells what a late writer could change: the destination, the lock, checkpoints, runs with their counters, and failures.
func (f *frozen) everything(s *session) string {
	f.Helper()
	ctx := f.Context()
	got, err := f.rack.outcome(ctx, s, f.run)
	f.ok(err)
	lock, err := s.store.Lock(ctx, "things")
	f.ok(err)
	checkpoints, err := s.store.Checkpoints(ctx, "things", "")
	f.ok(err)
	run, err := s.store.Run(ctx, "things", f.run)
	f.ok(err)
	failures, _, err := s.store.Failures(ctx, store.FailureQuery{Job: "things", Run: f.run, Limit: 1000})
	f.ok(err)
	text, err := json.MarshalIndent([]any{got, lock, checkpoints, run.Status, run.ErrorCode, run.Counters, run.EndedAt, failures}, "", " ")
	f.ok(err)
	return string(text)
}

// until asks again and again until the answer is yes.
func (f *frozen) until(is func() bool) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			f.Fatal("not within 20 s")
		case <-tick.C:
		}
	}
}
