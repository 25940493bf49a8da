package command

import (
	"context"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// How a run on AWS is followed.
const (
	lookEvery = time.Second
	askEvery  = 10 // looks, between two questions whether the execution still runs
	// unclosed is how long the row of a run may stay open after its execution has ended: the event comes within seconds, the sweeper within minutes.
	unclosed = 6 * time.Minute
)

// checkAWS refuses flags that mean nothing where functions do the work.
func (f runFlags) checkAWS() error {
	for name, set := range map[string]bool{
		"--new": f.fresh, "--supervise": f.restarts.on, "--history": f.history != "", "--keep-batches": f.keepBatches, "--concurrency": f.concurrency != 0,
		"--step-timeout": f.stepTimeout != stepTimeout,
	} {
		if set {
			return wrong("leave it out", "%s is about runs on this machine and cannot be there with --aws", name)
		}
	}
	return nil
}

// runOnAWS starts a run of an installation and follows it to its end.
func (a *app) runOnAWS(ctx context.Context, arg string, f runFlags) error {
	if err := f.checkAWS(); err != nil {
		return err
	}
	i, err := a.installation(ctx)
	if err != nil {
		return a.notRun(arg, err)
	}
	key, err := a.deployedKey(ctx, arg)
	if err != nil {
		return a.notRun(arg, err)
	}
	began := a.o.Now()
	answer, err := i.Start(ctx, launch.Request{Job: key, Run: f.id, Full: f.full, Streams: f.streams})
	if err != nil {
		return a.notRun(arg, err)
	}
	if f.detach || answer.State == launch.Queued {
		return a.detached(answer)
	}
	st, err := a.awsState(ctx)
	if err != nil {
		return a.notRun(arg, err)
	}
	w := watcher{app: a, st: st, machine: i.Machine(), answer: answer, progress: a.progress(answer.Job, f)}
	result, err := w.follow(ctx, arg)
	if err != nil {
		return a.notRun(arg, err)
	}
	p := newReport(result, began, a.o.Now(), a.lineFor(arg))
	p.moved = p.Read
	return a.ended(p, f)
}

// detached prints what became of the request, and leaves the run alone.
func (a *app) detached(w launch.Answer) error {
	exit := ExitOK
	if w.State != launch.Started && w.State != launch.Existing && w.State != launch.Queued {
		exit = ExitNotStarted
	}
	if a.flags.json {
		a.json(w)
		return end(exit)
	}
	a.printf("%s  %s  run %s\n", a.p.bold(w.Job), a.p.status(w.State), w.Run)
	if w.Message != "" {
		a.printf("  %s [%s]\n", w.Message, w.Code)
	}
	if w.Execution != "" {
		a.printf("  execution %s\n", w.Execution)
	}
	return end(exit)
}

// watcher follows a run by its row.
type watcher struct {
	*app
	st       *state
	machine  launch.Machine
	answer   launch.Answer
	progress *progress
	ended    time.Time // when the execution was seen to have ended
}

// follow shows the run's progress until its row has ended. The first interrupt asks the run to end, the second leaves it alone.
func (w *watcher) follow(ctx context.Context, arg string) (runner.Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g := w.progress
	drain, release := w.interrupts(g, cancel)
	defer release()
	g.start()
	g.run, g.doing = w.answer.Run, "running on AWS"
	row, err := w.watch(ctx, drain)
	g.stop()
	if err != nil {
		if ctx.Err() != nil {
			err = fault.New(fault.Aborted, "no longer followed: run %s goes on by itself", w.answer.Run).WithHint("%s shows how it is", w.lineFor(arg)("status"))
		}
		return runner.Result{}, err
	}
	out := runner.Result{Run: row}
	if out.Lock, err = w.st.Lock(ctx, row.Job); err != nil {
		return out, err
	}
	out.Partition, err = w.st.Partitions(ctx, row.Job, row.ID)
	return out, err
}

// watch looks at the row again and again.
func (w *watcher) watch(ctx context.Context, drain <-chan struct{}) (store.Run, error) {
	t := time.NewTicker(w.pace())
	defer t.Stop()
	for n := 1; ; n++ {
		row, err := w.st.Run(ctx, w.answer.Job, w.answer.Run)
		if err != nil && !fault.CodeOf(err).Retryable() {
			return row, err
		}
		if err == nil {
			w.take(row)
			if row.Status.Ended() {
				return row, nil
			}
			if n%askEvery == 0 {
				if err := w.alive(ctx); err != nil {
					return row, err
				}
			}
		}
		select {
		case <-ctx.Done():
			return row, ctx.Err()
		case <-drain:
			drain = nil
			if _, err := w.st.protocol.Halt(ctx, w.answer.Job, string(fault.Aborted)); err != nil {
				w.progress.note("it could not be asked to end: %v", err)
			}
		case <-t.C:
		}
	}
}

// pace is how often the row is read.
func (a *app) pace() time.Duration {
	if a.o.Pace > 0 {
		return a.o.Pace
	}
	return lookEvery
}

// take shows what the row says.
func (w *watcher) take(row store.Run) {
	all := step.Progress{Stream: "all", Counters: row.Counters}
	if row.Percent > 0 {
		all.InputBytes, all.PlannedBytes = int64(row.Percent), 100
	}
	w.progress.total(all)
}

// alive says when the execution has ended and nobody ended the run's row.
func (w *watcher) alive(ctx context.Context) error {
	if w.answer.Execution == "" {
		return nil
	}
	e, err := w.machine.Describe(ctx, w.answer.Execution)
	if err != nil || e.Running() {
		w.ended = time.Time{}
		return nil //nolint:nilerr // it is asked again
	}
	if w.ended.IsZero() {
		w.ended = w.o.Now()
		return nil
	}
	if w.o.Now().Sub(w.ended) < unclosed {
		return nil
	}
	return fault.New(fault.Zombie, "%s", fmt.Sprintf("the execution of run %s has ended as %s, but nobody closed the run", w.answer.Run, e.Status)).WithHint("lockstep sweep --aws closes it")
}
