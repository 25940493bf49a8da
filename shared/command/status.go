package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [JOB]",
		Short: "Show the jobs, or one of them in detail",
		Long: `Status shows each job of the project: the state of its lock, its last run and what to do next. With a job it also shows the
checkpoint of each stream and partition, the lease, and whether the process that holds the lock is alive.`,
		Example: `  lockstep status
  lockstep status runways --json`,
		Args:              between(0, 1),
		ValidArgsFunction: a.completeJobs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.statusOne(cmd.Context(), args[0])
			}
			return a.statusAll(cmd.Context())
		},
	}
}

// jobStatus is what is known of a job.
type jobStatus struct {
	Job         string             `json:"job"`
	Lock        string             `json:"lock"`             // "" when it never ran
	Holder      string             `json:"holder,omitempty"` // alive | dead | unknown, while a run is in progress
	HolderID    string             `json:"holder_id,omitempty"`
	Tries       int                `json:"tries"`
	LeaseUntil  *time.Time         `json:"lease_until,omitempty"`
	NotBefore   *time.Time         `json:"not_before,omitempty"`
	Stopping    string             `json:"stopping,omitempty"` // code with which the run was asked to end
	Code        string             `json:"code,omitempty"`
	Message     string             `json:"message,omitempty"`
	Paused      *pauseReport       `json:"paused,omitempty"`
	Run         *runRow            `json:"run,omitempty"` // the last one
	Next        string             `json:"next,omitempty"`
	Checkpoints []checkpointStatus `json:"checkpoints,omitempty"`

	last bool // its tries are used up
}

// checkpointStatus is how far a partition is.
type checkpointStatus struct {
	Stream    string    `json:"stream"`
	Partition string    `json:"partition"`
	Seq       int64     `json:"seq"`
	Position  string    `json:"position"`
	Total     int64     `json:"total"`
	Fence     int64     `json:"fence"`
	Term      int64     `json:"term"`
	Run       string    `json:"run"`
	UpdatedAt time.Time `json:"updated_at"`
}

// jobStatus reads what is known of a job; st is nil when nothing ran yet.
func (a *app) jobStatus(ctx context.Context, st *state, key string) (jobStatus, error) {
	s := jobStatus{Job: key}
	l := a.lineFor(key)
	if st == nil {
		s.Next = l("run")
		return s, nil
	}
	lock, err := jobLock(ctx, st, key)
	if err != nil {
		return s, unreachable(err)
	}
	if lock.Term > 0 {
		s.Lock, s.Tries, s.Stopping = string(lock.Status), lock.Tries, lock.Stop
		s.LeaseUntil, s.NotBefore = moment(lock.LeaseUntil), moment(lock.NotBefore)
		if lock.Status == store.Failed || lock.Status == store.Ignored {
			s.Code, s.Message = lock.ErrorCode, lock.ErrorText
		}
	}
	if lock.Status == store.InProgress {
		s.HolderID = lock.Holder
		s.Holder = a.life(ctx, st, lock)
	}
	runs, _, err := st.Runs(ctx, store.RunQuery{Job: key, Limit: 10})
	if err != nil {
		return s, unreachable(err)
	}
	if r, ok := lastOf(runs, lock.Run); ok {
		row := a.newRunRow(ctx, st, r)
		s.Run, s.last = &row, lastTry(lock, r)
	}
	s.Next = next(s, l)
	pause, err := st.Paused(ctx, key)
	if err != nil {
		return s, unreachable(err)
	}
	if pause.On() {
		s.Paused = &pauseReport{Job: key, Paused: true, Since: moment(pause.Since), By: pause.By, Reason: pause.Reason}
		s.Next = l("resume")
	}
	return s, nil
}

// lastOf gives the run that held the lock last; one that was refused the lock says nothing of the job.
func lastOf(runs []store.Run, holder string) (store.Run, bool) {
	for _, r := range runs {
		if r.ID == holder {
			return r, true
		}
	}
	if len(runs) == 0 {
		return store.Run{}, false
	}
	return runs[0], true
}

func (a *app) life(ctx context.Context, st *state, lock store.Lock) string {
	life, err := st.protocol.Prover.Life(ctx, lock)
	switch {
	case err == nil && life == store.Alive:
		return "alive"
	case err == nil && life == store.Dead:
		return "dead"
	}
	return "unknown"
}

// next is the command to give next; "" when there is nothing to do.
func next(s jobStatus, l line) string {
	switch store.Status(s.Lock) {
	case "", store.Pending:
		return l("run")
	case store.InProgress:
		if s.Holder == "dead" {
			return l("run") + " goes on with it"
		}
	case store.Failed:
		if s.Run != nil && s.Run.RestartAt != nil {
			return "it starts again by itself at " + stamp(*s.Run.RestartAt)
		}
		if s.last {
			return "mend the cause, then " + l("reset")
		}
		if s.Code == string(fault.FailureBudgetExceeded) {
			return l("failures", "list") + ", then " + l("reset")
		}
		return l("run")
	case store.Ignored:
		return "mend the cause, then " + l("reset")
	case store.Succeeded:
		if s.Run != nil && s.Run.Failed > 0 {
			return l("failures", "list", "--run", s.Run.Run)
		}
	}
	return ""
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// statusAll shows the project's jobs and those that the state knows.
func (a *app) statusAll(ctx context.Context) error {
	if a.flags.aws.on {
		return a.statusOnAWS(ctx)
	}
	p, s, err := a.project(ctx, false)
	if err != nil {
		return err
	}
	st, err := a.viewState(ctx, s)
	if err != nil {
		return err
	}
	if st != nil {
		defer st.Close()
	}
	var keys []string
	for _, d := range p.Documents {
		keys = append(keys, d.Job.Key())
	}
	if keys, err = withLocks(ctx, st, keys); err != nil {
		return unreachable(err)
	}
	all := []jobStatus{}
	for _, key := range keys {
		one, err := a.jobStatus(ctx, st, key)
		if err != nil {
			return err
		}
		all = append(all, one)
	}
	if a.flags.json {
		a.json(struct {
			Jobs     []jobStatus    `json:"jobs"`
			Problems fault.Problems `json:"problems,omitempty"`
		}{all, p.Problems})
		return nil
	}
	if len(all) == 0 && len(p.Problems) == 0 {
		a.printf("no jobs in %s yet; lockstep init writes one to begin with\n", s.dir)
		return nil
	}
	if len(all) > 0 {
		a.writeStatus(all)
	}
	if n := len(p.Problems); n > 0 {
		a.printf("%s in job files: lockstep check\n", a.p.red(plural(int64(n), "problem")))
	}
	return nil
}

// jobLock gives the lock that says most about a job: one that is closed, else one in progress, else the one that changed last.
func jobLock(ctx context.Context, st *state, key string) (store.Lock, error) {
	locks, err := st.Slots(ctx, key)
	out := store.Lock{Job: key, Status: store.Pending}
	rank := func(l store.Lock) int {
		return slices.Index([]store.Status{store.InProgress, store.Ignored}, l.Status)
	}
	for i, l := range locks {
		if i == 0 || rank(l) > rank(out) || rank(l) == rank(out) && l.UpdatedAt.After(out.UpdatedAt) {
			out = l
		}
	}
	return out, err
}

// withLocks adds the jobs that have a lock and no file.
func withLocks(ctx context.Context, st *state, keys []string) ([]string, error) {
	if st == nil {
		return keys, nil
	}
	for token := ""; ; {
		locks, more, err := st.Locks(ctx, store.LockQuery{Limit: 1000, Token: token})
		if err != nil {
			return nil, err
		}
		for _, l := range locks {
			if key, _ := store.SlotOf(l.Job); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		if token = more; token == "" {
			slices.Sort(keys)
			return keys, nil
		}
	}
}

func (a *app) writeStatus(all []jobStatus) {
	t := table{head: []string{"JOB", "LOCK", "LAST RUN", "WHEN", "READ", "LOADED", "FAILED", "TRIES"}, right: []int{4, 5, 6, 7}}
	t.paint = func(column int, cell string) string {
		if column == 1 || column == 2 {
			return a.p.status(cell)
		}
		return cell
	}
	for _, s := range all {
		lock, run, when, counts := "never ran", "-", "-", []string{"-", "-", "-"}
		if s.Lock != "" {
			lock = s.Lock
		}
		if s.Run != nil {
			run, when = s.Run.shown(), ago(s.Run.Created, a.o.Now())
			counts = []string{count(s.Run.Read), count(s.Run.Loaded), count(s.Run.Failed)}
		}
		t.add(append([]string{s.Job, lock, run, when}, append(counts, fmt.Sprint(s.Tries))...)...)
		switch {
		case s.Paused != nil:
			t.under(a.p.yellow(s.Paused.String()) + a.p.dim("; next: ") + s.Next)
		case s.Next != "":
			t.under(a.p.dim("next: ") + s.Next)
		}
	}
	t.write(a.o.Out, a.p, 0)
}

// statusOne shows one job with its checkpoints.
func (a *app) statusOne(ctx context.Context, arg string) error {
	key, s, err := a.jobKey(ctx, arg)
	if err != nil {
		return err
	}
	st, err := a.viewState(ctx, s)
	if err != nil {
		return err
	}
	if st != nil {
		defer st.Close()
	}
	one, err := a.jobStatus(ctx, st, key)
	if err != nil {
		return err
	}
	if one.Lock == "" && one.Run == nil {
		if err := a.known(ctx, st, key, arg); err != nil {
			return err
		}
	}
	if st != nil {
		checkpoints, err := st.Checkpoints(ctx, key, "")
		if err != nil {
			return unreachable(err)
		}
		for _, c := range checkpoints {
			one.Checkpoints = append(one.Checkpoints, checkpointStatus{
				Stream: c.Stream, Partition: c.Partition, Seq: c.Seq, Position: c.Position, Total: c.Total, Fence: c.Fence, Term: c.Term, Run: c.Run, UpdatedAt: c.UpdatedAt,
			})
		}
	}
	if a.flags.json {
		a.json(one)
		return nil
	}
	a.writeDetail(one)
	return nil
}

func (a *app) writeDetail(s jobStatus) {
	now := a.o.Now()
	row := func(name, format string, args ...any) { a.printf("  %-12s %s\n", name, fmt.Sprintf(format, args...)) }
	lock := s.Lock
	if lock == "" {
		lock = "never ran"
	}
	a.printf("%s  %s\n", a.p.bold(s.Job), a.p.status(lock))
	if s.Run != nil {
		row("last run", "%s  %s, %s", s.Run.Run, a.p.status(s.Run.shown()), ago(s.Run.Created, now))
		row("counts", "%s read = %s loaded + %s filtered + %s failed", count(s.Run.Read), count(s.Run.Loaded), count(s.Run.Filtered), count(s.Run.Failed))
	}
	if s.Holder != "" {
		row("holder", "%s (%s)", a.p.status(s.Holder), s.HolderID)
	}
	if s.LeaseUntil != nil && s.Holder != "" {
		row("lease", "until %s", stamp(*s.LeaseUntil))
	}
	if s.NotBefore != nil && s.NotBefore.After(now) {
		row("not before", "%s", stamp(*s.NotBefore))
	}
	if s.Stopping != "" && s.Holder != "" {
		row("stopping", "asked to end with %s", s.Stopping)
	}
	if s.Paused != nil {
		row("pause", "%s", s.Paused.String())
	}
	if s.Lock != "" {
		row("tries", "%d", s.Tries)
	}
	if s.Message != "" {
		row("error", "%s [%s]", s.Message, s.Code)
	}
	if s.Next != "" {
		row("next", "%s", s.Next)
	}
	if len(s.Checkpoints) == 0 {
		return
	}
	a.printf("\n")
	t := table{head: []string{"STREAM", "PARTITION", "SEQ", "TOTAL", "FENCE", "MOVED", "POSITION"}, right: []int{2, 3, 4}}
	for _, c := range s.Checkpoints {
		partition := c.Partition
		if partition == store.CommitPartition {
			partition, c.Position = "(commit)", "" // a fingerprint, not a place
		}
		t.add(c.Stream, partition, count(c.Seq), count(c.Total), count(c.Fence), ago(c.UpdatedAt, now), printable(c.Position))
	}
	t.write(a.o.Out, a.p, max(a.width(), 80))
}

// printable keeps control characters of positions and records off the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}
