package command

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/store"
)

// followEvery is how often a log that is followed is read again.
const followEvery = 500 * time.Millisecond

// logsFlags are those of logs.
type logsFlags struct {
	level, step, grep, since string
	follow                   bool
}

func (a *app) logsCommand() *cobra.Command {
	var f logsFlags
	c := &cobra.Command{
		Use:   "logs JOB [RUN]",
		Short: "Print the log of a run",
		Long: `Logs prints the events of a job's run, the last one when none is named. An event never holds records or secrets.
With --follow it goes on until the run ends.`,
		Example: `  lockstep logs runways
  lockstep logs runways --level warn
  lockstep logs runways 20261122T194348Z-1a2b3c4d --step load --grep slow`,
		Args:              between(1, 2),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.logs(cmd.Context(), args[0], slices.Concat(args[1:], []string{""})[0], f)
		},
	}
	c.Flags().StringVar(&f.level, "level", "", "this level and above: debug, info, warn, error")
	c.Flags().StringVar(&f.step, "step", "", "only of this step")
	c.Flags().StringVar(&f.grep, "grep", "", "only events whose text or data holds this")
	c.Flags().StringVar(&f.since, "since", "", "not older than this: 90m, 24h, or a time")
	c.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on until the run ends")
	return c
}

// logLine is an event as --json prints it, one a line.
type logLine struct {
	Time  time.Time       `json:"time"`
	Level string          `json:"level"`
	Run   string          `json:"run"`
	Step  string          `json:"step,omitempty"`
	Text  string          `json:"text"`
	Attrs json.RawMessage `json:"attrs,omitempty"`
}

func (a *app) logs(ctx context.Context, job, run string, f logsFlags) error {
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, f.level) {
		return wrong("levels: debug, info, warn, error", "there is no level %q", f.level)
	}
	since, err := a.since(f.since)
	if err != nil {
		return err
	}
	key, st, err := a.jobState(ctx, job)
	if err != nil {
		return err
	}
	if st == nil {
		return wrong("start it with "+a.lineFor(job)("run"), "job %s has no runs yet", job)
	}
	defer st.Close()
	if run, err = a.chosenRun(ctx, st, key, run); err != nil {
		return err
	}
	q := store.LogQuery{Job: key, Run: run, Level: f.level, Step: f.step, Keyword: f.grep, Since: since, Limit: 1000}
	seen := map[string]bool{}
	for {
		row, err := st.Run(ctx, key, run) // before the events, so that none of an ended run is missed
		if err != nil {
			return unreachable(err)
		}
		if err := a.writeLogs(ctx, st, q, seen); err != nil {
			return unreachable(err)
		}
		if !f.follow || row.Status.Ended() {
			return nil
		}
		if err := sleep(ctx, followEvery); err != nil {
			return err
		}
	}
}

// chosenRun is the run that was named, or the job's last one.
func (a *app) chosenRun(ctx context.Context, st *state, key, run string) (string, error) {
	if run != "" {
		if _, err := st.Run(ctx, key, run); err != nil {
			return "", wrongly(err)
		}
		return run, nil
	}
	lock, err := jobLock(ctx, st, key)
	if err != nil {
		return "", unreachable(err)
	}
	runs, _, err := st.Runs(ctx, store.RunQuery{Job: key, Limit: 10})
	if err != nil {
		return "", unreachable(err)
	}
	r, ok := lastOf(runs, lock.Run)
	if !ok {
		return "", wrong("lockstep status lists the jobs", "job %s has no runs yet", key)
	}
	return r.ID, nil
}

// writeLogs prints the events that were not seen yet.
func (a *app) writeLogs(ctx context.Context, st *state, q store.LogQuery, seen map[string]bool) error {
	for {
		events, more, err := st.Logs(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range events {
			if seen[e.ID] {
				continue
			}
			seen[e.ID] = true
			a.writeEvent(e)
		}
		if q.Token = more; more == "" {
			return nil
		}
	}
}

func (a *app) writeEvent(e store.LogEvent) {
	if a.flags.json {
		text, err := json.Marshal(logLine{e.Time, e.Level, e.Run, e.Step, e.Text, e.Attrs})
		if err == nil {
			a.printf("%s\n", text)
		}
		return
	}
	level := fmt.Sprintf("%-5s", e.Level)
	if e.Level == "warn" || e.Level == "error" {
		level = a.p.status(level)
	}
	text := e.Text
	if e.Step != "" {
		text = e.Step + ": " + text
	}
	a.printf("%s  %s  %s%s\n", e.Time.UTC().Format("15:04:05.000"), level, text, a.p.dim(attrText(e.Attrs)))
}

// attrText writes an event's data as key=value.
func attrText(text json.RawMessage) string {
	var attrs map[string]json.RawMessage
	if json.Unmarshal(text, &attrs) != nil {
		return ""
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(attrs)) {
		fmt.Fprintf(&b, " %s=%s", k, printable(string(attrs[k])))
	}
	if b.Len() == 0 {
		return ""
	}
	return " " + b.String()
}
