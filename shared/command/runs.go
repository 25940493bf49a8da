package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/asl/corpus"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// runRow is a run as lists show it.
type runRow struct {
	Run       string       `json:"run"`
	Job       string       `json:"job"`
	Status    string       `json:"status"`
	Restart   string       `json:"restart,omitempty"` // recovering | recovered | restarted | degraded | stopped, under run --supervise
	RestartAt *time.Time   `json:"restart_at,omitempty"`
	Trigger   string       `json:"trigger"`
	Created   time.Time    `json:"created_at"`
	Started   *time.Time   `json:"started_at,omitempty"`
	Ended     *time.Time   `json:"ended_at,omitempty"`
	Seconds   float64      `json:"seconds"`
	Read      int64        `json:"read"`
	Loaded    int64        `json:"loaded"`
	Inserted  int64        `json:"inserted"`
	Updated   int64        `json:"updated"`
	Unchanged int64        `json:"unchanged"`
	Deleted   int64        `json:"deleted"`
	Filtered  int64        `json:"filtered"`
	Failed    int64        `json:"failed"`
	Warned    int64        `json:"warned"`
	Batches   int64        `json:"batches"`
	Percent   int          `json:"percent"`
	Billed    *store.Units `json:"billed,omitempty"`
	Code      string       `json:"code,omitempty"`
	Message   string       `json:"message,omitempty"`
	Notices   []string     `json:"notices,omitempty"`
}

// newRunRow reads a run; one that is under way lasts until now.
func (a *app) newRunRow(ctx context.Context, st *state, r store.Run) runRow {
	c, now := r.Counters, a.o.Now()
	restart, at := a.restartOf(ctx, st, r)
	row := runRow{
		Run: r.ID, Job: r.Job, Status: string(r.Status), Restart: string(restart), RestartAt: moment(at), Trigger: r.Trigger, Created: r.CreatedAt, Started: moment(r.StartedAt), Ended: moment(r.EndedAt),
		Read: c.Read, Loaded: c.Loaded, Inserted: c.Inserted, Updated: c.Updated, Unchanged: c.Unchanged, Deleted: c.Deleted, Filtered: c.Filtered,
		Failed: c.Failed, Warned: c.Warned, Batches: c.Batches, Percent: r.Percent, Code: r.ErrorCode, Message: r.ErrorText, Notices: r.Notices,
	}
	if r.Units != (store.Units{}) {
		row.Billed = &r.Units
	}
	if !r.StartedAt.IsZero() {
		until := r.EndedAt
		if until.IsZero() {
			until = now
		}
		row.Seconds = float64(until.Sub(r.StartedAt).Milliseconds()) / 1000
	}
	return row
}

// shown is the status as people see it: a job that is being restarted, or was given up, says so instead.
func (r runRow) shown() string {
	if r.Restart == string(store.Recovering) || r.Restart == string(store.Degraded) {
		return r.Restart
	}
	return r.Status
}

func (r runRow) took() string {
	if r.Started == nil {
		return "-"
	}
	return span(time.Duration(r.Seconds * float64(time.Second)))
}

// runsFlags are those of runs.
type runsFlags struct {
	statuses []string
	since    string
	limit    int
}

func (a *app) runsCommand() *cobra.Command {
	var f runsFlags
	c := &cobra.Command{
		Use:   "runs [JOB]",
		Short: "List runs, newest first",
		Long:  "Runs lists what ran, newest first. lockstep runs show RUN tells all about one.",
		Example: `  lockstep runs
  lockstep runs runways --status failed --since 24h
  lockstep runs show 20261122T194348Z-1a2b3c4d`,
		Args:              between(0, 1),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runs(cmd.Context(), slices.Concat(args, []string{""})[0], f)
		},
	}
	c.Flags().StringArrayVar(&f.statuses, "status", nil, "only these: pending, running, succeeded, partial, failed, aborted, skipped, ignored")
	c.Flags().StringVar(&f.since, "since", "", "not older than this: 90m, 24h, 7d, or a time such as 2026-11-22T10:00:00Z")
	c.Flags().IntVar(&f.limit, "limit", 20, "at most so many, 1 to 1000")
	c.AddCommand(a.runsShowCommand())
	return c
}

var runStatuses = []store.RunStatus{
	store.RunPending, store.RunRunning, store.RunSucceeded, store.RunPartial, store.RunFailed, store.RunAborted, store.RunSkipped, store.RunIgnored,
}

func (a *app) runs(ctx context.Context, job string, f runsFlags) error {
	q := store.RunQuery{Limit: f.limit}
	var err error
	if q.Since, err = a.since(f.since); err != nil {
		return err
	}
	if err := checkLimit(f.limit); err != nil {
		return err
	}
	for _, s := range f.statuses {
		if !slices.Contains(runStatuses, store.RunStatus(s)) {
			return wrong(fmt.Sprintf("statuses: %v", runStatuses), "there is no status %q of runs", s)
		}
		q.Statuses = append(q.Statuses, store.RunStatus(s))
	}
	key, st, err := a.optionalState(ctx, job)
	if err != nil {
		return err
	}
	q.Job = key
	rows := []runRow{}
	more := ""
	if st != nil {
		defer st.Close()
		var runs []store.Run
		if runs, more, err = st.Runs(ctx, q); err != nil {
			return unreachable(err)
		}
		for _, r := range runs {
			rows = append(rows, a.newRunRow(ctx, st, r))
		}
	}
	a.writeRuns(rows, more != "")
	return nil
}

func (a *app) writeRuns(rows []runRow, more bool) {
	if a.flags.json {
		a.json(rows)
		return
	}
	if len(rows) == 0 {
		a.printf("no runs\n")
		return
	}
	t := table{head: []string{"RUN", "JOB", "STATUS", "WHEN", "TOOK", "READ", "LOADED", "FAILED", "ERROR"}, right: []int{4, 5, 6, 7}}
	t.paint = func(column int, cell string) string {
		if column == 2 {
			return a.p.status(cell)
		}
		return cell
	}
	for _, r := range rows {
		t.add(r.Run, r.Job, r.shown(), ago(r.Created, a.o.Now()), r.took(), count(r.Read), count(r.Loaded), count(r.Failed), r.Code)
	}
	t.write(a.o.Out, a.p, 0)
	if more {
		a.printf("%s\n", a.p.dim("there are more: --limit"))
	}
}

func checkLimit(n int) error {
	if n < 1 || n > 1000 {
		return wrong("write 1 to 1000", "--limit %d is out of range", n)
	}
	return nil
}

// since reads a time or how long ago it was; "" is the zero time.
func (a *app) since(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return a.o.Now().Add(-time.Duration(n) * 24 * time.Hour), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return a.o.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, wrong("as in 90m, 24h, 7d, 2026-11-22 or 2026-11-22T10:00:00Z", "%q is no time", text)
}

func (a *app) runsShowCommand() *cobra.Command {
	var f showFlags
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "Tell all about a run",
		Long: `Show prints a run's counters, partitions, steps, error and notices; with --config also the job as it was when the run began,
secrets by reference; with --history also what the state machine did, event by event, as Step Functions tells it. A process that
was killed leaves no history.`,
		Example: `  lockstep runs show 20261122T194348Z-1a2b3c4d --config
  lockstep runs show 20261122T194348Z-1a2b3c4d --history`,
		Args: between(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runsShow(cmd.Context(), args[0], f) },
	}
	c.Flags().BoolVar(&f.config, "config", false, "print the job as it was, too")
	c.Flags().BoolVar(&f.history, "history", false, "print the history of the state machine, too")
	return c
}

// showFlags are those of runs show.
type showFlags struct{ config, history bool }

// runDetail is all that is known of a run.
type runDetail struct {
	runRow
	Version    string            `json:"version"`
	Digest     string            `json:"digest"`
	Input      json.RawMessage   `json:"input"`
	Steps      map[string]string `json:"steps"`
	Partitions []partitionRow    `json:"partitions"`
	Executions []executionRow    `json:"executions"`
	Config     json.RawMessage   `json:"config,omitempty"`
	History    []asl.Event       `json:"history,omitempty"`
}

// partitionRow is what a run did in a partition.
type partitionRow struct {
	Stream    string         `json:"stream"`
	Partition string         `json:"partition"`
	Seq       int64          `json:"seq"`
	Counters  store.Counters `json:"counters"`
	Code      string         `json:"code,omitempty"`
	Message   string         `json:"message,omitempty"`
}

// executionRow sums up the turns of a step.
type executionRow struct {
	Step    string  `json:"step"`
	Turns   int64   `json:"turns"`
	Failed  int64   `json:"failed"`
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
	Code    string  `json:"code,omitempty"` // of the last attempt that failed
	Message string  `json:"message,omitempty"`
}

func (a *app) runsShow(ctx context.Context, id string, f showFlags) error {
	s := a.site(a.projectDir())
	st, err := a.viewState(ctx, s)
	if err != nil {
		return err
	}
	if st == nil {
		return wrong("", "there is no run %q: nothing ran yet", id)
	}
	defer st.Close()
	r, err := findRun(ctx, st, id)
	if err != nil {
		return err
	}
	d := runDetail{runRow: a.newRunRow(ctx, st, r), Version: r.Version, Digest: r.Digest, Input: r.Input, Steps: r.Steps, Partitions: []partitionRow{}}
	if f.config {
		d.Config = r.Snapshot
	}
	if f.history {
		if d.History, err = a.historyOf(ctx, s, r); err != nil {
			return err
		}
	}
	partitions, err := st.Partitions(ctx, r.Job, r.ID)
	if err != nil {
		return unreachable(err)
	}
	for _, p := range partitions {
		d.Partitions = append(d.Partitions, partitionRow{p.Stream, p.Partition, p.LastSeq, p.Counters, p.ErrorCode, p.ErrorText})
	}
	if d.Executions, err = executions(ctx, st, r); err != nil {
		return unreachable(err)
	}
	if a.flags.json {
		a.json(d)
		return nil
	}
	a.writeRun(d)
	return nil
}

// historyOf reads what the state machine did in a run.
func (a *app) historyOf(ctx context.Context, s site, r store.Run) ([]asl.Event, error) {
	blobs, err := a.openBlobs(ctx, s.blobs)
	if err != nil {
		return nil, err
	}
	defer blobs.Close()
	events, err := runner.History(ctx, blobs, r.Job, r.ID)
	if err != nil {
		return nil, unreachable(err)
	}
	return events, nil
}

// findRun looks through the newest runs of all jobs: ids are unique in a job only, but hardly ever the same in two.
func findRun(ctx context.Context, st *state, id string) (store.Run, error) {
	var ids []string
	for token := ""; ; {
		runs, more, err := st.Runs(ctx, store.RunQuery{Limit: 1000, Token: token})
		if err != nil {
			return store.Run{}, unreachable(err)
		}
		for _, r := range runs {
			if r.ID == id {
				return r, nil
			}
			ids = append(ids, r.ID)
		}
		if token = more; token == "" {
			break
		}
	}
	hint := "lockstep runs lists them"
	if near := fault.Nearest(id, ids); near != "" {
		hint = "did you mean " + near + "?"
	}
	return store.Run{}, wrong(hint, "there is no run %q", id)
}

// executions sums up the run's step executions, in the order of their first start.
func executions(ctx context.Context, st *state, r store.Run) ([]executionRow, error) {
	out := []executionRow{}
	at := map[string]int{}
	for token := ""; ; {
		steps, more, err := st.Steps(ctx, store.StepQuery{Job: r.Job, Run: r.ID, Limit: 1000, Token: token})
		if err != nil {
			return nil, err
		}
		for _, s := range steps {
			i, seen := at[s.Step]
			if !seen {
				i = len(out)
				at[s.Step], out = i, append(out, executionRow{Step: s.Step})
			}
			out[i].Turns++
			out[i].Records += s.Records
			out[i].Seconds += s.EndedAt.Sub(s.StartedAt).Seconds()
			if s.ErrorCode != "" {
				out[i].Failed++
				out[i].Code, out[i].Message = s.ErrorCode, s.ErrorText
			}
		}
		if token = more; token == "" {
			return out, nil
		}
	}
}

func (a *app) writeRun(d runDetail) {
	row := func(name, format string, args ...any) { a.printf("  %-10s %s\n", name, fmt.Sprintf(format, args...)) }
	a.printf("%s  %s  run %s\n", a.p.bold(d.Job), a.p.status(d.Status), d.Run)
	row("created", "%s by %s, Lockstep %s", stamp(d.Created), d.Trigger, d.Version)
	row("took", "%s", d.took())
	row("read", "%s = %s loaded + %s filtered + %s failed", count(d.Read), count(d.Loaded), count(d.Filtered), count(d.Failed))
	row("loaded", "%s = %s inserted + %s updated + %s unchanged", count(d.Loaded), count(d.Inserted), count(d.Updated), count(d.Unchanged))
	row("besides", "%s deleted, %s warned, %s", count(d.Deleted), count(d.Warned), plural(d.Batches, "batch"))
	row("input", "%s", string(d.Input))
	if d.Billed != nil {
		row("billed", "%s for the state", billed(*d.Billed))
	}
	if d.Restart != "" {
		row("restart", "%s", d.Restart)
	}
	if d.Message != "" {
		row("error", "%s [%s]", d.Message, d.Code)
	}
	for _, n := range d.Notices {
		row("note", "%s", n)
	}
	if d.Failed > 0 {
		row("look", "%s", a.lineFor(d.Job)("failures", "list", "--run", d.Run))
	}
	if len(d.Partitions) > 0 {
		a.printf("\n")
		t := table{head: []string{"STREAM", "PARTITION", "SEQ", "READ", "LOADED", "FILTERED", "FAILED", "ERROR"}, right: []int{2, 3, 4, 5, 6}}
		for _, p := range d.Partitions {
			t.add(p.Stream, p.Partition, count(p.Seq), count(p.Counters.Read), count(p.Counters.Loaded), count(p.Counters.Filtered), count(p.Counters.Failed), p.Code)
			if p.Message != "" {
				t.under(p.Message)
			}
		}
		t.write(a.o.Out, a.p, 0)
	}
	if len(d.Executions) > 0 {
		a.printf("\n")
		t := table{head: []string{"STEP", "TURNS", "FAILED", "RECORDS", "TIME", "LAST ERROR"}, right: []int{1, 2, 3, 4}}
		for _, e := range d.Executions {
			t.add(e.Step, count(e.Turns), count(e.Failed), count(e.Records), span(time.Duration(e.Seconds*float64(time.Second))), e.Code)
		}
		t.write(a.o.Out, a.p, 0)
	}
	if len(d.History) > 0 {
		a.printf("\n")
		for _, e := range d.History {
			a.printf("%s ", stamp(e.Time))
			a.writeStep(corpus.FromHistory(e))
		}
	}
	if d.Config != nil {
		a.printf("\n%s\n", pretty(d.Config))
	}
}

// pretty indents JSON; what is none stays as it is.
func pretty(text json.RawMessage) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(text); err != nil {
		return string(text)
	}
	return strings.TrimRight(b.String(), "\n")
}
