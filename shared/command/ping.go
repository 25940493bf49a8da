package command

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step"
)

func (a *app) pingCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ping [JOB|FILE]",
		Short: "Say whether sources and destinations can be reached",
		Long: `Ping opens each connector of a job, or of all jobs, and says ok, fail with the reason, or not implemented. Nothing is left behind.
The exit code is 3 when one fails.`,
		Example:           "  lockstep ping runways",
		Args:              between(0, 1),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.ping(cmd.Context(), slices.Concat(args, []string{""})[0])
		},
	}
}

// pingRow is what one connector answered.
type pingRow struct {
	Job       string `json:"job"`
	Role      string `json:"role"` // source, or destination and its name
	Connector string `json:"connector"`
	Answer    string `json:"answer"` // ok | fail | not implemented
	Code      string `json:"code,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

func (a *app) ping(ctx context.Context, arg string) error {
	all, err := a.chosen(ctx, arg)
	if err != nil {
		return err
	}
	rows := []pingRow{}
	exit := ExitOK
	for _, f := range all {
		for _, r := range a.pingJob(ctx, f) {
			if r.Answer == "fail" {
				exit = ExitUnreachable
			}
			rows = append(rows, r)
		}
	}
	if a.flags.json {
		a.json(rows)
		return end(exit)
	}
	t := table{head: []string{"JOB", "WHAT", "CONNECTOR", "ANSWER", "REASON"}}
	t.paint = func(column int, cell string) string {
		if column == 3 {
			return a.p.status(cell)
		}
		return cell
	}
	for _, r := range rows {
		t.add(r.Job, r.Role, r.Connector, r.Answer, r.Reason)
	}
	t.write(a.o.Out, a.p, 0)
	return end(exit)
}

// chosen gives one job, or all of the project that have no mistake; a mistake in any is an error.
func (a *app) chosen(ctx context.Context, arg string) ([]found, error) {
	if arg != "" {
		f, err := a.find(ctx, arg)
		return []found{f}, err
	}
	p, s, err := a.project(ctx, true)
	if err != nil {
		return nil, err
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	var all []found
	for _, d := range p.Documents {
		if d.Job.Enabled {
			all = append(all, found{doc: d, site: s, resolver: a.resolver(s.dir)})
		}
	}
	if len(all) == 0 {
		return nil, p.NoJobs()
	}
	return all, nil
}

// pinger is what a connector can be asked.
type pinger interface {
	Ping(ctx context.Context) error
	Close() error
}

func (a *app) pingJob(ctx context.Context, f found) []pingRow {
	env := a.env(f)
	_, j, err := env.Jobs.Job(ctx, f.doc.Job.Key())
	if err != nil {
		return []pingRow{answer(pingRow{Job: f.doc.Job.Key(), Role: "job"}, err)}
	}
	rows := []pingRow{ask(ctx, pingRow{Job: j.Key(), Role: "source", Connector: j.Source.Connector}, func() (pinger, error) { return env.OpenSource(ctx, j) })}
	for _, d := range j.Destinations {
		rows = append(rows, ask(ctx, pingRow{Job: j.Key(), Role: "destination " + d.Name, Connector: d.Connector}, opener(ctx, env, d)))
	}
	return rows
}

func opener(ctx context.Context, env *step.Env, d job.Destination) func() (pinger, error) {
	return func() (pinger, error) { return env.OpenDestination(ctx, d) }
}

// ask opens a connector and pings it.
func ask(ctx context.Context, r pingRow, open func() (pinger, error)) pingRow {
	c, err := open()
	if err != nil {
		return answer(r, err)
	}
	err = c.Ping(ctx)
	if cerr := c.Close(); err == nil {
		err = cerr
	}
	return answer(r, err)
}

func answer(r pingRow, err error) pingRow {
	switch {
	case err == nil:
		r.Answer = "ok"
	case errors.Is(err, errors.ErrUnsupported):
		r.Answer = "not implemented"
	default:
		e := explain(err)
		r.Answer, r.Code, r.Reason = "fail", e.Code, err.Error()
	}
	return r
}
