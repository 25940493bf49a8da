package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// runFlags are those of run.
type runFlags struct {
	full, fresh, failOnPartial, keepBatches, noProgress bool
	streams                                             []string
	id, history                                         string
	detach                                              bool
	stepTimeout                                         time.Duration
	concurrency                                         int
	restarts                                            restarts
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run JOB|FILE",
		Short: "Run a job",
		Long: `Run moves what is new at the job's source to its destinations, and prints counts that close: read = loaded + filtered + failed.

A run whose process died goes on where it was; run says so. --new starts over instead.

With --supervise a run that fails with a code that can pass (Transient, RateLimited, Timeout, Duplicate) is started again after a wait that
doubles from 1 s to 10 min, up to 10 times within an hour; max_tries does not count then. lockstep status shows such a job as recovering, and as
degraded when it was given up.

With --aws the run is one of the installation: functions do the work, and run follows it. Ctrl-C once asks it to end, twice leaves it alone.

Ctrl-C once: the batches under way are finished, then the run ends and can be continued. Twice: it ends at once; nothing is lost.

Exit codes: 0 ok (also with failures in the ledger, unless --fail-on-partial), 1 the run failed, 2 wrong configuration,
3 something could not be reached, 4 it did not start: another run holds the job, or the job used up its tries.`,
		Example: `  lockstep run runways
  lockstep run jobs/runways.yaml --full
  lockstep run runways --supervise --restarts 20
  lockstep run runways --aws
  lockstep run runways --json | jq .failed`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), args[0], f) },
	}
	fs := c.Flags()
	fs.BoolVar(&f.full, "full", false, "read everything, whatever the checkpoints say")
	fs.StringArrayVar(&f.streams, "stream", nil, "only this stream (again for more)")
	fs.BoolVar(&f.fresh, "new", false, "start a new run, never continue one")
	fs.StringVar(&f.id, "run", "", "id of the run: [A-Za-z0-9._-], at most 64; the same id runs once")
	fs.BoolVar(&f.failOnPartial, "fail-on-partial", false, "exit with 1 when records failed")
	fs.DurationVar(&f.stepTimeout, "step-timeout", stepTimeout, "how long one turn of a step may take")
	fs.IntVar(&f.concurrency, "concurrency", 0, "partitions at once, 1 to 40 (default: the job's)")
	fs.BoolVar(&f.keepBatches, "keep-batches", false, "keep the objects of batches that are loaded")
	fs.BoolVar(&f.detach, "detach", false, "with --aws: start the run and do not follow it")
	fs.BoolVar(&f.noProgress, "no-progress", false, "print no progress")
	f.restarts.addFlags(c)
	fs.StringVar(&f.history, "history", "", "write the events of the state machine to this file, one JSON object a line")
	return c
}

func (f runFlags) check() error {
	switch {
	case f.stepTimeout < time.Second:
		return wrong("as in --step-timeout 15m", "a step time-out of %s is too short", f.stepTimeout)
	case f.concurrency < 0 || f.concurrency > 40:
		return wrong("write 1 to 40", "--concurrency %d is out of range", f.concurrency)
	case f.fresh && f.id != "":
		return wrong("leave one of them out", "--new and --run cannot both be there: a run with an id is never another one's continuation")
	case f.restarts.on && f.id != "":
		return wrong("leave one of them out", "--supervise and --run cannot both be there: the same id runs once")
	}
	return f.restarts.check()
}

// run runs a job to its end and prints how it ended.
func (a *app) run(ctx context.Context, arg string, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	if a.flags.aws.on {
		return a.runOnAWS(ctx, arg, f)
	}
	if f.detach {
		return wrong("add --aws, or leave it out", "--detach is about runs on AWS: a run on this machine ends with its process")
	}
	job, err := a.find(ctx, arg)
	if err != nil {
		return a.notRun(arg, err)
	}
	if !job.doc.Job.Enabled {
		return a.notRun(arg, wrong("write enabled: true in "+job.doc.File, "there is no job %q: it is disabled", job.doc.Job.ID))
	}
	if err := checkStreams(job, f.streams); err != nil {
		return a.notRun(arg, err)
	}
	if f.concurrency > 0 {
		job.doc.Job.Concurrency = f.concurrency // not part of the job's digest
	}
	g := a.progress(job.doc.Job.Key(), f)
	a.logTo = g
	rt, err := a.open(ctx, job)
	if err != nil {
		return a.notRun(arg, err)
	}
	var report report
	if err = a.preflight(ctx, rt, job, f.streams); err == nil {
		walk := a.walk
		if f.restarts.on {
			walk = a.supervise
		}
		report, err = walk(ctx, rt, job, runCall{arg: arg, flags: f, progress: g})
	}
	if cerr := rt.close(); err == nil {
		err = cerr
	}
	if err != nil {
		return a.notRun(arg, err)
	}
	return a.ended(report, f)
}

// preflight does what check does for a job that has not run as it is written now, so that a slip in it costs no try. A source that
// cannot be reached is left to the run, which says so.
func (a *app) preflight(ctx context.Context, rt *runtime, f found, streams []string) error {
	j := f.doc.Job
	runs, _, err := rt.state.Runs(ctx, store.RunQuery{Job: j.Key(), Limit: 1})
	if err != nil {
		return unreachable(err)
	}
	if len(runs) > 0 && runs[0].Digest == j.Digest() && runs[0].ErrorCode != string(fault.ConfigInvalid) {
		return nil
	}
	_, resolved, err := rt.env.Jobs.Job(ctx, j.Key())
	if err != nil {
		return err
	}
	c := checker{env: rt.env, doc: f.doc, job: resolved, out: &jobCheck{}, streams: streams, running: true}
	c.keep = func(src connector.Source) { rt.env.UseSource(j, src) } // what it has read to find types serves the run
	_ = c.source(ctx)                                                // it could not be reached
	return f.doc.Annotate(c.problems).Err()
}

// checkStreams refuses a stream that the job does not name before it costs a try. When the job names none, the source decides.
func checkStreams(f found, wanted []string) error {
	var known []string
	for _, s := range f.doc.Job.Source.Streams {
		known = append(known, s.Name)
	}
	for _, name := range wanted {
		if len(known) == 0 || slices.Contains(known, name) {
			continue
		}
		hint := "streams: " + strings.Join(known, ", ")
		if near := fault.Nearest(name, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return wrong(hint, "job %s has no stream %q", f.doc.Job.ID, name)
	}
	return nil
}

// runCall is what walk needs beside the job.
type runCall struct {
	arg      string
	flags    runFlags
	progress *progress
}

// walk walks the state machine, with progress and interrupts.
func (a *app) walk(ctx context.Context, rt *runtime, job found, c runCall) (_ report, err error) {
	g, f := c.progress, c.flags
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rt.env.StepTimeout, rt.env.KeepBatches, rt.env.Progress = f.stepTimeout, f.keepBatches, g.batch
	if _, here := rt.blobs.(*blob.Folder); here && !f.keepBatches {
		rt.env.Compression = record.None // a disk takes what is soon deleted faster than it can be compressed
	}
	g.plan = func(run string) int64 {
		p, err := rt.env.Plan(ctx, g.job, run)
		if err != nil {
			return 0 // progress can do without
		}
		return p.InputBytes()
	}
	h, err := openHistory(f.history)
	if err != nil {
		return report{}, err
	}
	defer func() {
		if cerr := h.close(); err == nil {
			err = cerr
		}
	}()
	drain, release := a.interrupts(g, cancel)
	defer release()
	r := &runner.Runner{Env: rt.env, Observer: observer(g, h)}
	g.start()
	began := a.o.Now()
	result, err := r.Run(ctx, runner.Request{
		Job: g.job, Run: f.id, Full: f.full, Streams: f.streams, New: f.fresh, Drain: drain,
	})
	ended := a.o.Now()
	g.stop()
	switch {
	case err != nil && ctx.Err() != nil: // whatever the error is, it comes from the second interrupt
		return report{}, fault.New(fault.Aborted, "ended before the run had begun")
	case err != nil:
		return report{}, err
	}
	p := newReport(result, began, ended, a.lineFor(c.arg))
	p.moved = g.counters.Read
	return p, nil
}

// observer hands the machine's events to whoever looks; nil when nobody does, which saves their making.
func observer(g *progress, h *history) func(asl.Event) {
	if g.quiet && h == nil {
		return nil
	}
	return func(e asl.Event) {
		g.event(e)
		h.event(e)
	}
}

// progress decides how progress is shown: not at all with --json and --no-progress.
func (a *app) progress(job string, f runFlags) *progress {
	g := &progress{w: a.o.Err, job: job, now: a.o.Now, quiet: f.noProgress || a.flags.json, p: a.p}
	if !g.quiet {
		g.width = a.o.Terminal(a.o.Err)
	}
	return g
}

// interrupts closes drain at the first interrupt and cancels at the second; a third one ends the process as if nobody listened.
func (a *app) interrupts(g *progress, cancel func()) (drain chan struct{}, release func()) {
	drain = make(chan struct{})
	signals := a.o.Signals
	stop := func() {}
	if signals == nil {
		c := make(chan os.Signal, 2)
		signal.Notify(c, os.Interrupt, syscall.SIGTERM)
		signals, stop = c, func() { signal.Stop(c) }
	}
	done := make(chan struct{})
	go func() {
		for n := 0; n < 2; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			if n == 0 {
				g.note("stopping: the batches under way are finished first; interrupt again to end at once")
				close(drain)
			} else {
				g.note("ending at once; what is checkpointed stays")
				stop()
				cancel()
			}
		}
	}()
	var once sync.Once
	return drain, func() { once.Do(func() { close(done); stop() }) }
}

// notRun prints an error instead of a report.
func (a *app) notRun(arg string, err error) error {
	if !a.flags.json {
		return err
	}
	e := explain(err)
	exit := exitOf(err)
	status := string(store.RunFailed)
	if exit == ExitNotStarted {
		status = string(store.RunSkipped)
	}
	a.json(report{Job: arg, Status: status, Code: e.Code, Message: e.Message, Hint: e.Hint, Notices: []string{}, Problems: problemsIn(err)})
	return end(exit)
}

// ended prints the report and gives its exit code.
func (a *app) ended(p report, f runFlags) error {
	if a.flags.json {
		a.json(p)
	} else {
		if p.Continued {
			a.printf("continued run %s, which had %s\n", p.Run, hadEnded(p.Was))
		}
		p.write(a.o.Out, a.p, a.width())
	}
	if p.exit == ExitOK && p.Failed > 0 && f.failOnPartial {
		return end(ExitFailed)
	}
	return end(p.exit)
}

func hadEnded(was string) string {
	switch was {
	case "died":
		return "died in the middle"
	case string(store.RunAborted):
		return "been stopped"
	}
	return was
}

// history writes events to a file; nil writes nothing.
type history struct {
	mu    sync.Mutex
	file  io.WriteCloser
	first error
}

func openHistory(path string) (*history, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, unreachable(fmt.Errorf("write the history: %w", err))
	}
	return &history{file: file}, nil
}

func (h *history) event(e asl.Event) {
	if h == nil {
		return
	}
	text, err := json.Marshal(e)
	if err == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, err = h.file.Write(append(text, '\n'))
	}
	if h.first == nil {
		h.first = err
	}
}

func (h *history) close() error {
	if h == nil {
		return nil
	}
	err := h.file.Close()
	if h.first != nil {
		err = h.first
	}
	if err != nil {
		return fault.New(fault.Internal, "write the history: %w", err)
	}
	return nil
}

// lineFor makes command lines for the job as the user named it, with the flags that led to its state.
func (a *app) lineFor(arg string) line {
	return func(args ...string) string {
		words := append([]string{"lockstep"}, args...)
		at := len(words)
		for i, w := range words {
			if len(w) > 2 && w[:2] == "--" {
				at = i
				break
			}
		}
		out := append(append([]string{}, words[:at]...), arg)
		out = append(out, words[at:]...)
		if a.flags.aws.on {
			out = append(out, "--aws")
		}
		w := a.flags.aws.place
		if w.Stack == defaultStack {
			w.Stack = ""
		}
		for _, f := range []struct{ name, value string }{{"--project", a.flags.project}, {"--store", a.flags.store}, {"--blobs", a.flags.blobs},
			{"--stack", w.Stack}, {"--region", w.Region}, {"--endpoint", w.Endpoint}, {"--profile", w.Profile}} {
			if f.value != "" {
				out = append(out, f.name, f.value)
			}
		}
		return shellLine(out)
	}
}
