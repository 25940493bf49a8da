package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// restarts is the policy by which a job that fails is started again.
type restarts struct {
	on      bool
	limit   int           // restarts within the window, 1–1,000
	window  time.Duration // what is longer ago does not count
	first   time.Duration // the wait before the first restart; it doubles
	longest time.Duration // the wait never grows beyond it
}

func (r *restarts) addFlags(c *cobra.Command) {
	fs := c.Flags()
	fs.BoolVar(&r.on, "supervise", false, "when the run fails with a code that can pass, start the job again")
	fs.IntVar(&r.limit, "restarts", 10, "with --supervise: give up after so many restarts within the window, 1 to 1000")
	fs.DurationVar(&r.window, "restart-window", time.Hour, "with --supervise: restarts longer ago than this do not count")
	fs.DurationVar(&r.first, "restart-wait", time.Second, "with --supervise: the wait before the first restart; it doubles each time")
	fs.DurationVar(&r.longest, "restart-wait-max", 10*time.Minute, "with --supervise: the longest wait")
}

func (r restarts) check() error {
	switch {
	case r.limit < 1 || r.limit > 1000:
		return wrong("write 1 to 1000", "--restarts %d is out of range", r.limit)
	case r.window <= 0:
		return wrong("as in --restart-window 1h", "a window of %s holds no restart", r.window)
	case r.first <= 0 || r.longest < r.first:
		return wrong("as in --restart-wait 1s --restart-wait-max 10m", "waits from %s to %s cannot grow", r.first, r.longest)
	}
	return nil
}

// supervisor starts a job until it is well, until its code cannot pass by itself, or until it was started too often.
type supervisor struct {
	restarts
	now     func() time.Time
	pause   func(ctx context.Context, d time.Duration) error // an error: somebody ends the supervisor
	jitter  func(limit time.Duration) time.Duration          // uniform in 0…limit
	attempt func(ctx context.Context, n int) (report, error) // a run, to its end; the first is 0
	mark    func(ctx context.Context, run string, state store.Restart, at time.Time)
	note    func(format string, args ...any)

	past    []time.Time // restarts within the window
	doubled int         // waits since the job moved records the last time
	ill     string      // the run that failed last; "" when the job is well
}

// run gives the report of the last run, or why there was none.
func (s *supervisor) run(ctx context.Context) (report, error) {
	for n := 0; ; n++ {
		r, err := s.attempt(ctx, n)
		r.Restarts = n
		if s.ill != "" && s.ill != r.Run {
			s.mark(ctx, s.ill, store.Restarted, time.Time{})
		}
		if !s.failed(r, err) {
			s.well(ctx, r)
			return r, err
		}
		if r.Run != "" {
			s.ill = r.Run
		}
		wait, again := s.wait(r, err)
		if !again {
			s.give(ctx, store.Degraded)
			return r, err
		}
		s.mark(ctx, s.ill, store.Recovering, s.now().Add(wait))
		s.note("failed with %s; restart %d of %d within %s in %s", codeOf(r, err), len(s.past), s.limit, s.window, span(wait))
		if s.pause(ctx, wait) != nil {
			s.give(ctx, store.Unwatched)
			return r, err
		}
	}
}

// well notes how a run ended that did not fail, when an earlier one did.
func (s *supervisor) well(ctx context.Context, r report) {
	switch {
	case s.ill == "":
	case r.Status == string(store.RunSucceeded), r.Status == string(store.RunPartial):
		s.mark(ctx, r.Run, store.Recovered, time.Time{})
	default: // somebody ended it
		s.mark(ctx, r.Run, store.Unwatched, time.Time{})
	}
}

// failed says whether a run failed. One that somebody ended, or that did not start since another has the job, did not.
func (s *supervisor) failed(r report, err error) bool {
	return err != nil || r.Status == string(store.RunFailed)
}

// codeOf is the code with which an attempt ended.
func codeOf(r report, err error) fault.Code {
	if err != nil {
		return fault.CodeOf(err)
	}
	return fault.Code(r.Code)
}

// wait decides whether to start the job again, and when: the wait doubles, and half of it is chance, so that what failed together
// does not come back together. A run that moved records begins with the first wait again.
func (s *supervisor) wait(r report, err error) (time.Duration, bool) {
	code := codeOf(r, err)
	if !code.Retryable() {
		return 0, false
	}
	now := s.now()
	for len(s.past) > 0 && now.Sub(s.past[0]) >= s.window {
		s.past = s.past[1:]
	}
	if len(s.past) >= s.limit {
		s.note("was restarted %d times within %s: it is not restarted any more", len(s.past), s.window)
		return 0, false
	}
	s.past = append(s.past, now)
	if r.moved > 0 {
		s.doubled = 0
	}
	d := store.Backoff(s.first, s.longest, s.doubled)
	s.doubled++
	return d/2 + s.jitter(d-d/2), true
}

// give ends with a state that stays.
func (s *supervisor) give(ctx context.Context, state store.Restart) {
	if s.ill != "" {
		s.mark(context.WithoutCancel(ctx), s.ill, state, time.Time{})
	}
}

// supervise runs a job under the policy.
func (a *app) supervise(ctx context.Context, rt *runtime, job found, c runCall) (report, error) {
	s := &supervisor{
		restarts: c.flags.restarts, now: a.o.Now, pause: a.pause, jitter: jitter, note: c.progress.note,
		attempt: func(ctx context.Context, n int) (report, error) {
			if err := a.anew(ctx, rt, job, n); err != nil {
				return report{}, err
			}
			if n > 0 {
				c.flags.fresh = false
				c.progress = a.progress(c.progress.job, c.flags)
				a.logTo = c.progress
				rt.env = rt.again(a, job)
			}
			return a.walk(ctx, rt, job, c)
		},
		mark: func(ctx context.Context, run string, state store.Restart, at time.Time) {
			if err := rt.state.markRestart(ctx, store.Run{Job: c.progress.job, ID: run}, state, at); err != nil {
				c.progress.note("run %s is not noted as %s: %s", run, state, err)
			}
		},
	}
	return s.run(ctx)
}

// anew opens the job for one more try: while it is supervised, the window bounds its restarts in the place of max_tries. A job that had used
// up its tries before stays closed.
func (a *app) anew(ctx context.Context, rt *runtime, job found, n int) error {
	lock, err := rt.state.Lock(ctx, job.doc.Job.Key())
	if err != nil {
		return err
	}
	if n > 0 || lock.Tries < job.doc.Job.MaxTries {
		job.doc.Job.MaxTries = max(job.doc.Job.MaxTries, lock.Tries+1) // not part of the job's digest
	}
	return nil
}

// markRestart notes a supervisor's state with a run that has ended.
func (st *state) markRestart(ctx context.Context, run store.Run, state store.Restart, at time.Time) error {
	steps := map[string]string{store.RestartStep: string(state), store.RestartAtStep: ""}
	if !at.IsZero() {
		steps[store.RestartAtStep] = at.UTC().Format(time.RFC3339)
	}
	_, err := st.UpdateRun(ctx, store.RunChange{
		Job: run.Job, ID: run.ID, Steps: steps,
		Only: []store.RunStatus{store.RunSucceeded, store.RunPartial, store.RunFailed, store.RunAborted},
	})
	if err != nil {
		return fmt.Errorf("note the restart: %w", err)
	}
	return nil
}

// pause waits between two runs; an interrupt ends it.
func (a *app) pause(ctx context.Context, d time.Duration) error {
	signals := a.o.Signals
	if signals == nil {
		c := make(chan os.Signal, 1)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM)
		defer signal.Stop(c)
		signals = c
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-signals:
		return fault.New(fault.Aborted, "interrupted between two runs")
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// restartOf is what a supervisor says of a run, as people see it. One whose process is dead starts nothing again.
func (a *app) restartOf(ctx context.Context, st *state, r store.Run) (store.Restart, time.Time) {
	state, at := store.RestartOf(r)
	if state == store.Recovering && a.life(ctx, st, store.Lock{Holder: r.Holder}) == "dead" {
		return store.Unwatched, time.Time{}
	}
	return state, at
}
