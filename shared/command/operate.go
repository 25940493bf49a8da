package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func (a *app) stopCommand() *cobra.Command {
	var wait bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "stop JOB",
		Short: "Ask a running job to end",
		Long: `Stop asks the run that holds the job, in whichever process, to finish the batches under way and to end. The run can be continued
later. --wait waits until it has ended.`,
		Example:           "  lockstep stop runways --wait",
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.stop(cmd.Context(), args[0], wait, timeout)
		},
	}
	c.Flags().BoolVar(&wait, "wait", false, "wait until the run has ended")
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "wait at most so long")
	return c
}

// stopped is what stop prints as JSON.
type stopped struct {
	Job    string `json:"job"`
	Run    string `json:"run"`
	Asked  bool   `json:"asked"`
	Status string `json:"status"`
}

func (a *app) stop(ctx context.Context, arg string, wait bool, timeout time.Duration) error {
	key, st, err := a.jobState(ctx, arg)
	if err != nil {
		return err
	}
	if st == nil {
		return fault.New(fault.NotReady, "job %s is not running", arg)
	}
	defer st.Close()
	lock, err := st.protocol.Halt(ctx, key, string(fault.Aborted))
	if fault.Has(err, fault.NotReady) {
		return fault.New(fault.NotReady, "job %s is not running", arg)
	}
	if err != nil {
		return unreachable(err)
	}
	out := stopped{Job: key, Run: lock.Run, Asked: true, Status: string(store.RunRunning)}
	if a.life(ctx, st, lock) == "dead" {
		out.Status = "dead"
		if !a.flags.json {
			a.printf("run %s of job %s is dead: its process has ended. %s goes on with it\n", lock.Run, key, a.lineFor(arg)("run"))
		}
		wait = false
	} else if !a.flags.json {
		a.printf("asked run %s of job %s to finish its batches and end\n", lock.Run, key)
	}
	if wait {
		row, err := a.awaitEnd(ctx, st, lock, timeout)
		if err != nil {
			return err
		}
		out.Status = string(row.Status)
		if !a.flags.json {
			a.printf("run %s ended: %s\n", row.ID, row.Status)
		}
	}
	if a.flags.json {
		a.json(out)
	}
	return nil
}

// awaitEnd waits until the run has ended or its process has.
func (a *app) awaitEnd(ctx context.Context, st *state, lock store.Lock, timeout time.Duration) (store.Run, error) {
	until := a.o.Now().Add(timeout)
	for {
		row, err := st.Run(ctx, lock.Job, lock.Run)
		if err != nil {
			return row, unreachable(err)
		}
		if row.Status.Ended() {
			return row, nil
		}
		if a.life(ctx, st, lock) == "dead" {
			return row, fault.New(fault.Zombie, "the process of run %s ended without closing it", lock.Run).WithHint("the next run goes on with it")
		}
		if a.o.Now().After(until) {
			return row, fault.New(fault.Timeout, "run %s has not ended within %s", lock.Run, timeout).WithHint("it is still asked to end")
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return row, err
		}
	}
}

// resetFlags are those of reset.
type resetFlags struct {
	streams          []string
	full, force, yes bool
}

func (a *app) resetCommand() *cobra.Command {
	var f resetFlags
	c := &cobra.Command{
		Use:   "reset JOB",
		Short: "Open a job again that failed or is ignored",
		Long: `Reset sets a job's tries back so that it may start again; its checkpoints stay, and the next run goes on behind them.

With --stream or --full the checkpoints are emptied too: the next run reads those streams, or all, from the beginning. Nothing is
deleted at a destination. With --force a run that holds the job is shut out: it can write nothing more.`,
		Example: `  lockstep reset runways
  lockstep reset runways --stream runways --yes
  lockstep reset runways --full`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.reset(cmd.Context(), args[0], f) },
	}
	c.Flags().StringArrayVar(&f.streams, "stream", nil, "empty the checkpoints of this stream (again for more)")
	c.Flags().BoolVar(&f.full, "full", false, "empty the checkpoints of all streams")
	c.Flags().BoolVar(&f.force, "force", false, "also while a run holds the job: that run is shut out")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return c
}

func (a *app) reset(ctx context.Context, arg string, f resetFlags) error {
	key, st, err := a.jobState(ctx, arg)
	if err != nil {
		return err
	}
	if st == nil {
		return fault.New(fault.NotReady, "job %s never ran: there is nothing to reset", arg)
	}
	defer st.Close()
	streams, err := a.resetStreams(ctx, st, key, f)
	if err != nil {
		return err
	}
	if ok, err := a.confirm(resetQuestion(key, f), f.yes); err != nil || !ok {
		return err
	}
	before, err := jobLock(ctx, st, key)
	if err != nil {
		return unreachable(err)
	}
	lock, err := st.protocol.Reopen(ctx, store.ReopenRequest{Job: key, Force: f.force, Streams: streams})
	if err != nil {
		return a.notReset(arg, err)
	}
	if a.flags.json {
		a.json(struct {
			Job     string   `json:"job"`
			Was     string   `json:"was"`
			Lock    string   `json:"lock"`
			Streams []string `json:"streams"` // whose checkpoints are empty now; "" all
		}{key, string(before.Status), string(lock.Status), append([]string{}, streams...)})
		return nil
	}
	a.printf("job %s was %s and may start again%s\n", key, before.Status, resetEffect(f))
	a.printf("  next: %s\n", a.lineFor(arg)("run"))
	return nil
}

// notReset adds what the command can do about the error.
func (a *app) notReset(arg string, err error) error {
	var coded *fault.Error
	if fault.Has(err, fault.Held) && errors.As(err, &coded) {
		return coded.WithHint("%s, or add --force", a.lineFor(arg)("stop", "--wait"))
	}
	return err
}

// resetStreams checks the names against the checkpoints that there are.
func (a *app) resetStreams(ctx context.Context, st *state, key string, f resetFlags) ([]string, error) {
	if f.full {
		return []string{""}, nil
	}
	checkpoints, err := st.Checkpoints(ctx, key, "")
	if err != nil {
		return nil, unreachable(err)
	}
	var known []string
	for _, c := range checkpoints {
		if !slices.Contains(known, c.Stream) {
			known = append(known, c.Stream)
		}
	}
	for _, name := range f.streams {
		if slices.Contains(known, name) {
			continue
		}
		hint := "streams with a checkpoint: " + strings.Join(known, ", ")
		if near := fault.Nearest(name, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return nil, wrong(hint, "job %s has no checkpoint of a stream %q", key, name)
	}
	return f.streams, nil
}

func resetQuestion(key string, f resetFlags) string {
	return fmt.Sprintf("reset job %s%s?", key, resetEffect(f))
}

func resetEffect(f resetFlags) string {
	var out string
	switch {
	case f.full:
		out = "; the next run reads everything from the beginning"
	case len(f.streams) > 0:
		out = "; the next run reads " + strings.Join(f.streams, ", ") + " from the beginning"
	default:
		out = "; its checkpoints stay"
	}
	if f.force {
		out += "; a run that holds it is shut out"
	}
	return out
}

// confirm asks on a terminal; elsewhere, and with --yes, the answer is yes.
func (a *app) confirm(question string, yes bool) (bool, error) {
	if yes || a.flags.json || a.o.Terminal(a.o.In) == 0 {
		return true, nil
	}
	a.errorf("%s [y/N] ", question)
	answer, err := bufio.NewReader(a.o.In).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, unreachable(fmt.Errorf("read the answer: %w", err))
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	a.errorf("nothing was changed\n")
	return false, nil
}
