package launch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// machine is executions in memory, which run until a test ends them. It answers as Step Functions does when a name is taken.
type machine struct {
	executions map[string]*launch.Execution
	starts     int
	fail       error // of the next start
}

func (m *machine) ID(name string) string {
	return "arn:aws:states:eu-central-1:1:execution:sync:" + name
}

func (m *machine) Start(_ context.Context, name string, input json.RawMessage) (bool, error) {
	if err := m.fail; err != nil {
		m.fail = nil
		return false, err
	}
	if e := m.executions[name]; e != nil {
		return !e.Running() || !bytes.Equal(e.Input, input), nil
	}
	m.starts++
	m.executions[name] = &launch.Execution{ID: m.ID(name), Name: name, Status: "RUNNING", Input: input}
	return false, nil
}

func (m *machine) Describe(_ context.Context, id string) (launch.Execution, error) {
	e := m.executions[id[strings.LastIndex(id, ":")+1:]]
	if e == nil {
		return launch.Execution{}, fault.New(fault.NotFound, "there is no execution %s", id)
	}
	return *e, nil
}

func (m *machine) Stop(_ context.Context, id, _, _ string) error {
	if e := m.executions[id[strings.LastIndex(id, ":")+1:]]; e != nil {
		e.Status = "ABORTED"
	}
	return nil
}

// deployed are jobs by key.
type deployed map[string]job.Job

func (d deployed) Current(_ context.Context, name string) (job.Job, error) {
	j, ok := d[name]
	if !ok {
		return j, fault.New(fault.NotFound, "there is no job %q", name)
	}
	return j, nil
}

// scene is an installation with one job, orders, that is due each hour.
type scene struct {
	*testing.T
	launch.Launcher
	s    store.Store
	m    *machine
	jobs deployed
	now  time.Time
}

func newScene(t *testing.T) *scene {
	t.Helper()
	c := &scene{T: t, m: &machine{executions: map[string]*launch.Execution{}}, now: time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC), jobs: deployed{}}
	c.plan(job.OverlapSkip, job.CatchUpNone)
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "state.db"), Now: func() time.Time { return c.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	c.s = s
	c.Launcher = launch.Launcher{
		Jobs: c.jobs, Machine: c.m, Log: slog.New(slog.DiscardHandler), Random: func() string { return "00000000" }, Version: "1",
		Protocol: store.Protocol{Store: s, Prover: launch.Prover{Machine: c.m}, Now: func() time.Time { return c.now },
			NewRVN: func() string { return c.now.String() }, Jitter: func(time.Duration) time.Duration { return 0 }},
	}
	return c
}

func (c *scene) plan(o job.Overlap, u job.CatchUp) {
	c.jobs["orders"] = job.Job{Version: 1, ID: "orders", Enabled: true, MaxTries: 3,
		Schedule: &job.Schedule{Cron: "0 * * * *", TimeZone: "UTC", Overlap: o, CatchUp: u, Enabled: true}}
}

func (c *scene) env() *step.Env {
	return &step.Env{Protocol: c.Protocol, Now: c.Protocol.Now, Log: c.Log}
}

// start asks for a run and checks what became of it.
func (c *scene) start(r launch.Request, want string) launch.Answer {
	c.Helper()
	if r.Job == "" {
		r.Job = "orders"
	}
	a, err := c.Start(c.Context(), r)
	if err != nil {
		c.Fatal(err)
	}
	if a.State != want {
		c.Fatalf("%+v: got %+v, want %s", r, a, want)
	}
	return a
}

// begin takes the lock for a run, as its acquire does.
func (c *scene) begin(run string) {
	c.Helper()
	got, err := c.Protocol.Take(c.Context(), store.TakeRequest{Job: "orders", Run: run, Epoch: store.Epoch(0, 1, 0, 0), Holder: c.m.ID(run), LeaseUntil: c.now.Add(time.Hour), MaxTries: 3})
	if err != nil || got.Outcome != store.OutcomeAcquired {
		c.Fatalf("run %s: %+v, %v", run, got, err)
	}
	running := store.RunRunning
	if _, err := c.s.UpdateRun(c.Context(), store.RunChange{Job: "orders", ID: run, Status: &running}); err != nil {
		c.Fatal(err)
	}
}

// finish releases the lock and ends the execution.
func (c *scene) finish(run, status string) {
	c.Helper()
	if status == "SUCCEEDED" {
		l := c.lock()
		if _, _, err := c.Protocol.End(c.Context(), store.EndRequest{Holding: store.Holding{Job: "orders", Run: run, Term: l.Term, Epoch: l.Epoch}}); err != nil {
			c.Fatal(err)
		}
	}
	c.m.executions[run].Status = status
}

func (c *scene) lock() store.Lock {
	c.Helper()
	l, err := c.s.Lock(c.Context(), "orders")
	if err != nil {
		c.Fatal(err)
	}
	return l
}

func (c *scene) row(run string, want store.RunStatus) store.Run {
	c.Helper()
	r, err := c.s.Run(c.Context(), "orders", run)
	if err != nil || r.Status != want {
		c.Fatalf("run %s: %s %s, %v; want %s", run, r.Status, r.ErrorText, err, want)
	}
	return r
}

func (c *scene) close(run string) {
	c.Helper()
	if err := c.Close(c.Context(), c.env(), c.m.ID(run)); err != nil {
		c.Fatal(err)
	}
}

func (c *scene) pause() {
	c.Helper()
	if _, _, err := c.s.Pause(c.Context(), store.Pause{Job: "orders", Since: c.now, By: "anna"}); err != nil {
		c.Fatal(err)
	}
}

const noon = "2026-03-01T12:00:00Z"

func TestStart(t *testing.T) {
	c := newScene(t)
	a := c.start(launch.Request{Scheduled: noon}, launch.Started)
	if a.Run != "orders-20260301T120000Z" || a.Execution != c.m.ID(a.Run) {
		t.Errorf("got %+v", a)
	}
	var in map[string]any
	if err := json.Unmarshal(c.m.executions[a.Run].Input, &in); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, map[string]any{"job": "orders", "run": a.Run, "trigger": "schedule"}); d != "" {
		t.Error(d)
	}
	c.row(a.Run, store.RunPending)
	c.start(launch.Request{Scheduled: noon}, launch.Existing) // delivered twice
	c.begin(a.Run)
	c.start(launch.Request{Scheduled: noon}, launch.Existing) // and late
	c.finish(a.Run, "SUCCEEDED")
	c.close(a.Run)
	if late := c.start(launch.Request{Scheduled: noon}, launch.Existing); late.Status != store.RunSucceeded || c.m.starts != 1 {
		t.Errorf("%d executions, %+v", c.m.starts, late)
	}
	byHand := c.start(launch.Request{Full: true, Streams: []string{"a"}}, launch.Started)
	if byHand.Run != "20260301T120030Z-00000000" {
		t.Errorf("got %+v", byHand)
	}
	if r := c.row(byHand.Run, store.RunPending); r.Trigger != "manual" || !strings.Contains(string(r.Input), `"full":true,"streams":["a"]`) {
		t.Errorf("got %+v", r)
	}
}

func TestStart_Refused(t *testing.T) {
	c := newScene(t)
	c.jobs["other"] = job.Job{Version: 1, ID: "other", Enabled: true}
	for name, want := range map[string]struct {
		r    launch.Request
		code fault.Code
	}{
		"no such job":   {launch.Request{Job: "none"}, fault.NotFound},
		"bad id":        {launch.Request{Job: "orders", Run: "a b"}, fault.ConfigInvalid},
		"long id":       {launch.Request{Job: "orders", Run: strings.Repeat("x", 65)}, fault.ConfigInvalid},
		"bad time":      {launch.Request{Job: "orders", Scheduled: "noon"}, fault.ConfigInvalid},
		"bad parameter": {launch.Request{Job: "orders", Parameters: map[string]any{"x": func() {}}}, fault.ConfigInvalid},
	} {
		if _, err := c.Start(t.Context(), want.r); !fault.Has(err, want.code) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	c.start(launch.Request{Run: "mine"}, launch.Started)
	if _, err := c.Start(t.Context(), launch.Request{Job: "orders", Run: "mine", Full: true}); !fault.Has(err, fault.Conflict) {
		t.Errorf("the same id with another input: %v", err)
	}
	if _, err := c.Start(t.Context(), launch.Request{Job: "other", Run: "mine"}); !fault.Has(err, fault.Conflict) {
		t.Errorf("the same id for another job: %v", err)
	}
	if len(c.m.executions) != 1 {
		t.Errorf("there are %d executions", len(c.m.executions))
	}
}

func TestStart_Token(t *testing.T) {
	c := newScene(t)
	one := c.start(launch.Request{Token: "request-1"}, launch.Started)
	c.now = c.now.Add(time.Minute)
	if again := c.start(launch.Request{Token: "request-1"}, launch.Existing); again.Run != one.Run {
		t.Errorf("a request that is delivered twice gives %s and %s", one.Run, again.Run)
	}
	if other := c.start(launch.Request{Token: "request-2"}, launch.Started); other.Run == one.Run {
		t.Error("two requests are one run")
	}
}

func TestStart_Overlap(t *testing.T) {
	for overlap, want := range map[job.Overlap]struct {
		state string
		row   store.RunStatus
		later store.RunStatus
	}{
		job.OverlapSkip:  {launch.Held, store.RunSkipped, store.RunSkipped},
		job.OverlapFail:  {launch.Held, store.RunFailed, store.RunFailed},
		job.OverlapQueue: {launch.Queued, store.RunPending, store.RunPending},
	} {
		t.Run(string(overlap), func(t *testing.T) {
			c := newScene(t)
			c.plan(overlap, job.CatchUpNone)
			first := c.start(launch.Request{}, launch.Started)
			c.begin(first.Run)
			a := c.start(launch.Request{Scheduled: noon}, want.state)
			if r := c.row(a.Run, want.row); a.HeldBy != first.Run || a.Code != string(fault.Held) || want.row.Ended() && r.ErrorCode != string(fault.Held) {
				t.Errorf("got %+v, row %+v", a, r)
			}
			c.now = c.now.Add(time.Hour)
			if _, swept, err := c.Sweep(t.Context(), c.env()); err != nil || len(swept) != 0 {
				t.Errorf("a run that waits was swept: %+v, %v", swept, err)
			}
			c.finish(first.Run, "SUCCEEDED")
			c.close(first.Run)
			c.close(first.Run) // told twice
			c.row(first.Run, store.RunSucceeded)
			c.row(a.Run, want.later)
			if _, began := c.m.executions[a.Run]; began != (overlap == job.OverlapQueue) {
				t.Errorf("began: %t", began)
			}
			if c.start(launch.Request{Run: "by-hand"}, launch.Started); c.m.starts > 3 {
				t.Errorf("%d executions", c.m.starts)
			}
		})
	}
}

// TestStart_DeadHolder: a run whose execution is dead keeps nobody from starting.
func TestStart_DeadHolder(t *testing.T) {
	c := newScene(t)
	first := c.start(launch.Request{}, launch.Started)
	c.begin(first.Run)
	c.m.executions[first.Run].Status = "ABORTED"
	c.start(launch.Request{Scheduled: noon}, launch.Started)
}

func TestStart_Ignored(t *testing.T) {
	c := newScene(t)
	for i := range 3 {
		a := c.start(launch.Request{Run: string(rune('a' + i))}, launch.Started)
		c.begin(a.Run)
		c.finish(a.Run, "FAILED")
		c.close(a.Run)
	}
	if _, err := c.Protocol.Take(t.Context(), store.TakeRequest{Job: "orders", Run: "x", Epoch: store.Epoch(0, 1, 0, 0), Holder: "x", MaxTries: 3}); err != nil {
		t.Fatal(err)
	}
	a := c.start(launch.Request{}, launch.Ignored)
	if r := c.row(a.Run, store.RunIgnored); a.Code != string(fault.Ignored) || a.Execution != "" || r.ErrorCode != a.Code {
		t.Errorf("got %+v", a)
	}
}

// TestStart_Lost: a start whose answer, or whose StartExecution, was lost is done by the sweeper, once.
func TestStart_Lost(t *testing.T) {
	c := newScene(t)
	c.m.fail = fault.New(fault.Transient, "no answer")
	if _, err := c.Start(t.Context(), launch.Request{Job: "orders", Run: "lost"}); !fault.Has(err, fault.Transient) {
		t.Fatal(err)
	}
	c.row("lost", store.RunPending)
	if started, _, err := c.Sweep(t.Context(), c.env()); err != nil || len(started) != 0 {
		t.Errorf("a young run was swept: %+v, %v", started, err)
	}
	c.now = c.now.Add(3 * time.Minute)
	for range 2 {
		if _, swept, err := c.Sweep(t.Context(), c.env()); err != nil || len(swept) != 0 {
			t.Errorf("swept %+v, %v", swept, err)
		}
	}
	c.row("lost", store.RunPending) // its acquire is on the way
	if c.m.starts != 1 {
		t.Errorf("%d executions", c.m.starts)
	}
}

// TestClose: how an execution ended is in the run's row, and its lock is free.
func TestClose(t *testing.T) {
	for status, want := range map[string]struct {
		row  store.RunStatus
		code fault.Code
	}{"ABORTED": {store.RunAborted, fault.Aborted}, "TIMED_OUT": {store.RunFailed, fault.Timeout}, "FAILED": {store.RunFailed, fault.DataInvalid}} {
		t.Run(status, func(t *testing.T) {
			c := newScene(t)
			a := c.start(launch.Request{}, launch.Started)
			c.begin(a.Run)
			c.close(a.Run)
			c.row(a.Run, store.RunRunning) // a word that comes while it runs
			c.m.executions[a.Run].Error = "Lockstep.DataInvalid"
			c.finish(a.Run, status)
			c.close(a.Run + "-l2-r0-t0") // a child's end is nobody's
			c.row(a.Run, store.RunRunning)
			for range 2 {
				c.close(a.Run)
			}
			if r := c.row(a.Run, want.row); r.ErrorCode != string(want.code) || c.lock().Status != store.Failed {
				t.Errorf("code %s, lock %+v", r.ErrorCode, c.lock())
			}
		})
	}
}

// TestClose_ChildRuns: a lock whose holder, a later leg, still runs is not released by its top's end.
func TestClose_ChildRuns(t *testing.T) {
	c := newScene(t)
	a := c.start(launch.Request{}, launch.Started)
	c.begin(a.Run)
	child := a.Run + "-l2-r0-t0"
	c.m.executions[child] = &launch.Execution{ID: c.m.ID(child), Name: child, Status: "RUNNING"}
	l := c.lock()
	if _, ok, err := c.s.Retake(t.Context(), store.RetakeLock{Holding: store.Holding{Job: "orders", Run: a.Run, Term: l.Term, Epoch: store.Epoch(0, 2, 0, 0)},
		Holder: c.m.ID(child), LeaseUntil: c.now.Add(time.Hour), Now: c.now}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	c.finish(a.Run, "ABORTED")
	c.close(a.Run)
	if c.lock().Status != store.InProgress {
		t.Fatal("released while the child works")
	}
	c.m.executions[child].Status = "ABORTED"
	if _, swept, err := c.Sweep(t.Context(), c.env()); err != nil || len(swept) != 1 || c.lock().Status != store.Failed {
		t.Errorf("swept %+v, %v, lock %+v", swept, err, c.lock())
	}
}

func TestPause(t *testing.T) {
	c := newScene(t)
	c.pause()
	a := c.start(launch.Request{Scheduled: noon}, launch.Paused)
	if r := c.row(a.Run, store.RunSkipped); r.ErrorCode != string(fault.NotReady) || !strings.Contains(a.Message, "by anna") || c.m.starts != 0 {
		t.Errorf("got %+v, row %+v", a, r)
	}
	got, err := c.Resume(t.Context(), "orders")
	if err != nil || len(got.Runs) != 0 {
		t.Errorf("resume: %+v, %v", got, err)
	}
	if _, err := c.Resume(t.Context(), "orders"); !fault.Has(err, fault.NotReady) {
		t.Errorf("resumed twice: %v", err)
	}
	c.start(launch.Request{Scheduled: "2026-03-01T13:00:00Z"}, launch.Started)
}

// TestResume_CatchUp: the hours that passed are caught up as the schedule says, one after the other.
func TestResume_CatchUp(t *testing.T) {
	for catchUp, want := range map[job.CatchUp][]string{
		job.CatchUpNone: nil,
		job.CatchUpLast: {"orders-20260301T150000Z"},
		job.CatchUpAll:  {"orders-20260301T130000Z", "orders-20260301T140000Z", "orders-20260301T150000Z"},
	} {
		t.Run(string(catchUp), func(t *testing.T) {
			c := newScene(t)
			c.plan(job.OverlapSkip, catchUp)
			c.pause()
			for _, due := range []string{"13", "14", "15"} {
				c.now = c.now.Add(time.Hour)
				c.start(launch.Request{Scheduled: "2026-03-01T" + due + ":00:00Z"}, launch.Paused)
			}
			got, err := c.Resume(t.Context(), "orders")
			if err != nil || got.Missed != 3 {
				t.Fatalf("resume: %+v, %v", got, err)
			}
			var began []string
			for range want {
				for name, e := range c.m.executions {
					if e.Running() {
						began = append(began, name)
						c.begin(name)
						c.finish(name, "SUCCEEDED")
						c.close(name)
						break
					}
				}
			}
			if d := cmp.Diff(began, want); d != "" {
				t.Error(d)
			}
			if c.m.starts != len(want) {
				t.Errorf("%d executions, want %d", c.m.starts, len(want))
			}
		})
	}
}

func TestScheduledID(t *testing.T) {
	due := time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600))
	seen := map[string]string{}
	for _, key := range []string{"orders", "shop____orders", "orders!", "orders_", strings.Repeat("x", 100), strings.Repeat("x", 101), "Zürich"} {
		id := launch.ScheduledID(key, due)
		if len(id) > 64 || !strings.HasSuffix(id, "-20260101T000000Z") || seen[id] != "" {
			t.Errorf("%s: %s (also %s)", key, id, seen[id])
		}
		seen[id] = key
	}
	if id := launch.ScheduledID("orders", due); id != "orders-20260101T000000Z" {
		t.Errorf("got %s", id)
	}
}
