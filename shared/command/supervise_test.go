package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// watched is a supervisor of runs that a test makes up, with the default policy.
type watched struct {
	supervisor
	waits []time.Duration
	marks []string
}

// watch makes a supervisor that waits as long as it can. Runs end with the codes, "" is well; the last one comes again and again.
func watch(codes ...fault.Code) *watched {
	w := &watched{}
	w.restarts = restarts{on: true, limit: 10, window: time.Hour, first: time.Second, longest: 10 * time.Minute}
	w.now, w.jitter, w.note = time.Now, func(limit time.Duration) time.Duration { return limit }, func(string, ...any) {}
	w.pause = func(ctx context.Context, d time.Duration) error {
		w.waits = append(w.waits, d)
		return sleep(ctx, d)
	}
	w.mark = func(_ context.Context, run string, state store.Restart, _ time.Time) {
		w.marks = append(w.marks, run+" "+string(state))
	}
	w.attempt = func(_ context.Context, n int) (report, error) {
		r := report{Run: fmt.Sprintf("r%d", n), Code: string(codes[min(n, len(codes)-1)]), Status: string(store.RunFailed)}
		if r.Code == "" {
			r.Status = string(store.RunSucceeded)
		}
		return r, nil
	}
	return w
}

func TestSupervisor_WaitsLongerEachTimeAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(fault.Transient)
		began := time.Now()
		r, err := w.run(t.Context())
		if err != nil || r.Code != "Transient" || r.Restarts != 10 {
			t.Errorf("it ended with %+v, %v", r, err)
		}
		var want []time.Duration
		for _, s := range []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if d := cmp.Diff(want, w.waits); d != "" {
			t.Errorf("waits (-want +got): %s", d)
		}
		if took := time.Since(began); took != 1023*time.Second {
			t.Errorf("it took %s", took)
		}
		if last := w.marks[len(w.marks)-1]; last != "r10 degraded" || w.marks[0] != "r0 recovering" || w.marks[1] != "r0 restarted" {
			t.Errorf("marks: %v", w.marks)
		}
	})
}

func TestSupervisor_LongestWaitAndSlidingWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(fault.Timeout)
		w.limit, w.window = 7, time.Hour // a wait of 10 min allows 6 restarts an hour, so that it never gives up
		ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
		defer cancel()
		w.first = 5 * time.Minute
		if _, err := w.run(ctx); err != nil {
			t.Error(err)
		}
		if n := len(w.waits); n < 280 || w.waits[0] != 5*time.Minute || w.waits[1] != 10*time.Minute || w.waits[n-1] != 10*time.Minute {
			t.Errorf("%d waits: %v …", n, w.waits[:min(n, 5)])
		}
		if last := w.marks[len(w.marks)-1]; !strings.HasSuffix(last, " stopped") {
			t.Errorf("the last mark: %s", last)
		}
	})
}

func TestSupervisor_OnlyCodesThatCanPass(t *testing.T) {
	for _, code := range fault.Codes {
		synctest.Test(t, func(t *testing.T) {
			w := watch(code, "")
			r, _ := w.run(t.Context())
			want, restarts := []string{"r0 degraded"}, 0
			switch code {
			case fault.Transient, fault.RateLimited, fault.Timeout, fault.Duplicate:
				want, restarts = []string{"r0 recovering", "r0 restarted", "r1 recovered"}, 1
			}
			if d := cmp.Diff(want, w.marks); d != "" || r.Restarts != restarts {
				t.Errorf("%s: %d restarts (-want +got): %s", code, r.Restarts, d)
			}
		})
	}
}

func TestSupervisor_ProgressBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(fault.Transient)
		failing := w.attempt
		w.attempt = func(ctx context.Context, n int) (report, error) {
			r, err := failing(ctx, n)
			r.Run = "same" // a run that is continued
			if n == 3 {
				r.moved = 5
			}
			if n == 6 {
				r.Code, r.Status = "", string(store.RunPartial)
			}
			return r, err
		}
		if _, err := w.run(t.Context()); err != nil {
			t.Error(err)
		}
		want := []time.Duration{1, 2, 4, 1, 2, 4}
		for i := range want {
			want[i] *= time.Second
		}
		if d := cmp.Diff(want, w.waits); d != "" {
			t.Errorf("waits (-want +got): %s", d)
		}
		if w.marks[len(w.marks)-1] != "same recovered" {
			t.Errorf("marks: %v", w.marks)
		}
	})
}

func TestSupervisor_HalfOfTheWaitIsChance(t *testing.T) {
	w := watch(fault.Transient)
	for _, c := range []struct{ share, want time.Duration }{{0, 500 * time.Millisecond}, {2, time.Second}} {
		w.doubled = 0
		w.jitter = func(limit time.Duration) time.Duration { return limit * c.share / 2 }
		if d, again := w.wait(report{Code: "Transient"}, nil); d != c.want || !again {
			t.Errorf("waits %s, want %s", d, c.want)
		}
	}
}

// shaky is the project's files, whose source is out of reach for so many calls.
func shaky(calls int) catalog.Catalog {
	c := local.Builtin()
	spec := c.Connectors["file"]
	open := spec.Source
	spec.Source = func(ctx context.Context, cc connector.Config) (connector.Source, error) {
		if calls > 0 {
			calls--
			return nil, fault.New(fault.Transient, "the source is out of reach")
		}
		return open(ctx, cc)
	}
	return c.WithConnector(spec)
}

// callIn calls the command with a catalog of its own, on the clock of the bubble.
func (p *project) callIn(c catalog.Catalog, args ...string) called {
	var out, err bytes.Buffer
	signals := p.signals
	if signals == nil {
		signals = make(chan os.Signal)
	}
	exit := Main(Options{
		Catalog: c, Args: args, In: strings.NewReader(""), Out: &out, Err: &err, Dir: p.dir, Signals: signals,
		Env: func(string) (string, bool) { return "", false }, Terminal: func(any) int { return 0 },
	})
	return called{exit, out.String(), err.String()}
}

func TestSupervise_Recovers(t *testing.T) {
	p := newProject(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := p.callIn(shaky(40), "run", "sample", "--supervise", "--json")
		got := decode[report](t, c)
		if c.exit != ExitOK || got.Status != "partial" || got.Loaded != 6 || got.Restarts < 4 || got.Code != "" {
			t.Errorf("exit %d\n%s%s", c.exit, c.out, c.err)
		}
		if !strings.Contains(c.err, "failed with Transient; restart 1 of 10 within 1h0m0s") {
			t.Errorf("notes: %s", c.err)
		}
		t.Logf("%d restarts in %s", got.Restarts, time.Since(began))
		runs := decode[[]runRow](t, p.callIn(local.Builtin(), "runs", "sample", "--json"))
		for i, r := range runs {
			if want := map[bool]string{true: "recovered", false: "restarted"}[i == 0]; r.Restart != want {
				t.Errorf("run %d of %d is %q, want %q", i, len(runs), r.Restart, want)
			}
		}
	})
}

func TestSupervise_Degraded(t *testing.T) {
	p := newProject(t)
	synctest.Test(t, func(t *testing.T) {
		c := p.callIn(shaky(1000), "run", "sample", "--supervise", "--restarts", "4", "--log-level", "error")
		if c.exit != ExitUnreachable || !strings.Contains(c.err, "it is not restarted any more") || !strings.Contains(c.out, "lockstep reset sample") {
			t.Errorf("exit %d\n%s%s", c.exit, c.out, c.err)
		}
		if c := p.callIn(local.Builtin(), "status"); !strings.Contains(c.out, "degraded") {
			t.Errorf("status:\n%s", c.out)
		}
		if c := p.callIn(local.Builtin(), "runs"); strings.Count(c.out, "degraded") != 1 {
			t.Errorf("runs:\n%s", c.out)
		}
		again := p.callIn(local.Builtin(), "run", "sample", "--supervise")
		if again.exit != ExitNotStarted || !strings.Contains(again.out, "used up its tries") {
			t.Errorf("invariant 9: a job that was given up starts again: exit %d\n%s%s", again.exit, again.out, again.err)
		}
	})
}

func TestSupervise_FatalCode(t *testing.T) {
	p := newProject(t)
	if err := os.Remove(filepath.Join(p.dir, "data", "orders.csv")); err != nil {
		t.Fatal(err)
	}
	c := p.want(t, ExitUnreachable, []string{"[NotFound]"}, "run", "sample", "--supervise")
	if strings.Contains(c.err, "restart") {
		t.Errorf("restarted:\n%s", c.err)
	}
	p.want(t, ExitOK, []string{"degraded"}, "status", "sample")
}

// TestSupervise_Interrupted ends a supervisor that waits, and looks at what is shown of one that died.
func TestSupervise_Interrupted(t *testing.T) {
	p := newProject(t)
	synctest.Test(t, func(t *testing.T) {
		p.signals = make(chan os.Signal)
		done := make(chan called)
		go func() {
			done <- p.callIn(shaky(1000), "run", "sample", "--supervise", "--restart-wait", "10m", "--restart-wait-max", "10m")
		}()
		time.Sleep(5 * time.Minute) // the first run has used up its own retries by then
		synctest.Wait()
		look := &project{dir: p.dir}
		if c := look.callIn(local.Builtin(), "status"); !strings.Contains(c.out, "recovering") || !strings.Contains(c.out, "it starts again by itself at ") {
			t.Errorf("while it waits:\n%s", c.out)
		}
		p.signals <- os.Interrupt
		if c := <-done; c.exit != ExitUnreachable || !strings.Contains(c.err, "restart 1 of 10") {
			t.Errorf("exit %d\n%s%s", c.exit, c.out, c.err)
		}
		row := decode[[]runRow](t, look.callIn(local.Builtin(), "runs", "--json"))[0]
		if row.Restart != "stopped" || row.Status != "failed" {
			t.Errorf("the run: %+v", row)
		}
		a := newApp(Options{Dir: p.dir})
		st, err := a.viewState(t.Context(), a.site(p.dir))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := st.markRestart(t.Context(), store.Run{Job: "sample", ID: row.Run}, store.Recovering, time.Now()); err != nil {
			t.Fatal(err)
		}
		if c := look.callIn(local.Builtin(), "status"); strings.Contains(c.out, "recovering") || !strings.Contains(c.out, "lockstep run sample") {
			t.Errorf("the supervisor is dead:\n%s", c.out)
		}
	})
}

func TestSupervise_WrongUse(t *testing.T) {
	p := newProject(t)
	for _, args := range [][]string{
		{"--restarts", "0"}, {"--restart-window", "0s"}, {"--restart-wait", "0s"}, {"--restart-wait", "2s", "--restart-wait-max", "1s"}, {"--run", "x"},
	} {
		p.want(t, ExitWrong, nil, append([]string{"run", "sample", "--supervise"}, args...)...)
	}
}
