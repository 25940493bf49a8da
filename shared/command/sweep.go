package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/closing"
)

func (a *app) sweepCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sweep",
		Short: "End runs whose process is dead",
		Long: `Sweep looks at every run that has not ended. One whose process is dead, or whose lock went to another run, ends as failed with code
Zombie, and a lock that it still holds is released. Its checkpoints stay: the next run goes on behind them. Each run does the same for the
other jobs when it begins.`,
		Example: "  lockstep sweep",
		Args:    between(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.sweep(cmd.Context()) },
	}
}

// sweptRun is what sweep prints of a run as JSON.
type sweptRun struct {
	Job string `json:"job"`
	Run string `json:"run"`
	Why string `json:"why"`
}

func (a *app) sweep(ctx context.Context) error {
	if a.flags.aws.on {
		return a.sweepOnAWS(ctx)
	}
	st, err := a.viewState(ctx, a.site(a.projectDir()))
	if err != nil {
		return err
	}
	out := []sweptRun{}
	if st != nil {
		defer st.Close()
		swept, err := closing.Sweep(ctx, &step.Env{Protocol: st.protocol, Now: a.o.Now}, "")
		if err != nil {
			return unreachable(err)
		}
		for _, s := range swept {
			out = append(out, sweptRun(s))
		}
	}
	a.writeSwept(out)
	return nil
}

func (a *app) writeSwept(out []sweptRun) {
	switch {
	case a.flags.json:
		a.json(out)
	case len(out) == 0:
		a.printf("no dead runs\n")
	}
	for _, s := range out {
		if !a.flags.json {
			a.printf("%s  run %s ended: %s\n", s.Job, s.Run, s.Why)
		}
	}
}

// sweepOnAWS does what the function sweep does every few minutes.
func (a *app) sweepOnAWS(ctx context.Context) error {
	l, err := a.launcher(ctx)
	if err != nil {
		return err
	}
	_, swept, err := l.Sweep(ctx, &step.Env{Protocol: l.Protocol, Now: a.o.Now, Log: a.log()})
	if err != nil {
		return unreachable(err)
	}
	out := []sweptRun{}
	for _, s := range swept {
		out = append(out, sweptRun(s))
	}
	a.writeSwept(out)
	return nil
}
