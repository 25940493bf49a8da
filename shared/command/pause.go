package command

import (
	"context"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/store"
)

func (a *app) pauseCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:   "pause JOB",
		Short: "Let no run of a job begin",
		Long: `Pause keeps runs of the job from beginning, by a schedule and by hand, until lockstep resume. A run that is under way goes on; lockstep stop
ends it. The pause is kept with the job's state: it outlives restarts, resets and deployments.`,
		Example: `  lockstep pause runways --reason "the source moves"
  lockstep pause runways --aws`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.pauseJob(cmd.Context(), args[0], reason) },
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for those who look")
	return c
}

func (a *app) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume JOB",
		Short: "Let runs of a paused job begin again",
		Long: `Resume takes a pause away. With --aws, the times at which the job was due meanwhile are made up for as catch_up of its schedule says: none, the last
one, or all, one after the other.`,
		Example: `  lockstep resume runways
  lockstep resume runways --aws`,
		Args:              between(1, 1),
		ValidArgsFunction: a.completeJobs,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.resumeJob(cmd.Context(), args[0]) },
	}
}

// pauseReport is what pause and resume print as JSON.
type pauseReport struct {
	Job    string          `json:"job"`
	Paused bool            `json:"paused"`
	Since  *time.Time      `json:"since,omitempty"` // of a resume: since when it was
	By     string          `json:"by,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Runs   []launch.Answer `json:"runs,omitempty"` // that make up for missed times
}

// String is the pause for people.
func (p pauseReport) String() string {
	out := "paused since " + stamp(*p.Since)
	if p.By != "" {
		out += " by " + p.By
	}
	if p.Reason != "" {
		out += ": " + p.Reason
	}
	return out
}

// pausing opens the state of a job that may never have run.
func (a *app) pausing(ctx context.Context, arg string) (string, *state, error) {
	key, s, err := a.jobKey(ctx, arg)
	if err != nil {
		return "", nil, err
	}
	st, err := a.openState(ctx, s)
	if err != nil {
		return "", nil, err
	}
	if err := a.known(ctx, st, key, arg); err != nil && !isProblems(err) {
		_ = st.Close() // the first error says more
		return "", nil, err
	}
	return key, st, nil
}

func (a *app) pauseJob(ctx context.Context, arg, reason string) error {
	key, st, err := a.pausing(ctx, arg)
	if err != nil {
		return err
	}
	defer st.Close()
	p, applied, err := st.Pause(ctx, store.Pause{Job: key, Since: a.o.Now().Truncate(time.Millisecond), By: whoAmI(), Reason: reason})
	if err != nil {
		return unreachable(err)
	}
	if a.flags.json {
		a.json(pauseReport{Job: key, Paused: true, Since: moment(p.Since), By: p.By, Reason: p.Reason})
		return nil
	}
	how := "is paused"
	if !applied {
		how = "was paused before, at " + stamp(p.Since)
	}
	a.printf("job %s %s; a run that is under way goes on\n  next: %s\n", key, how, a.lineFor(arg)("resume"))
	return nil
}

// whoAmI is the user's name on this machine, "" when nobody knows it.
func whoAmI() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(u.Username)
}

func (a *app) resumeJob(ctx context.Context, arg string) error {
	key, st, err := a.pausing(ctx, arg)
	if err != nil {
		return err
	}
	defer st.Close()
	out := launch.Resumed{Job: key}
	if a.flags.aws.on {
		l, err := a.launcher(ctx)
		if err != nil {
			return err
		}
		if out, err = l.Resume(ctx, key); err != nil {
			return a.notResumed(arg, err)
		}
	} else {
		if out.Was, err = st.Paused(ctx, key); err == nil && !out.Was.On() {
			err = fault.New(fault.NotReady, "job %s is not paused", key)
		}
		if err == nil {
			_, _, err = st.Resume(ctx, out.Was)
		}
		if err != nil {
			return a.notResumed(arg, err)
		}
	}
	if a.flags.json {
		a.json(pauseReport{Job: key, Since: moment(out.Was.Since), By: out.Was.By, Reason: out.Was.Reason, Runs: out.Runs})
		return nil
	}
	a.printf("job %s may run again; it was paused since %s\n", key, stamp(out.Was.Since))
	for _, r := range out.Runs {
		a.printf("  run %s %s\n", r.Run, r.State)
	}
	if out.Missed > 0 && len(out.Runs) == 0 {
		a.printf("  it was due %s meanwhile; catch_up: none lets that pass\n", plural(int64(out.Missed), "time"))
	}
	return nil
}

// notResumed keeps the code of a job that is not paused; everything else was out of reach.
func (a *app) notResumed(_ string, err error) error {
	if fault.Has(err, fault.NotReady) {
		return err
	}
	return unreachable(err)
}
