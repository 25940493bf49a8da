package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

// report is how a run ended, as run prints it.
type report struct {
	Run       string         `json:"run"`
	Job       string         `json:"job"`
	Status    string         `json:"status"`
	Read      int64          `json:"read"`
	Loaded    int64          `json:"loaded"`
	Inserted  int64          `json:"inserted"`
	Updated   int64          `json:"updated"`
	Unchanged int64          `json:"unchanged"`
	Deleted   int64          `json:"deleted"`
	Filtered  int64          `json:"filtered"`
	Failed    int64          `json:"failed"`
	Warned    int64          `json:"warned"`
	Batches   int64          `json:"batches"`
	Seconds   float64        `json:"seconds"`
	Billed    *store.Units   `json:"billed,omitempty"`   // by the service of the state, in its units; of all processes of the run
	Restarts  int            `json:"restarts,omitempty"` // by --supervise
	Continued bool           `json:"continued"`
	Was       string         `json:"was,omitempty"` // how the continued run had ended
	HeldBy    string         `json:"held_by,omitempty"`
	Code      string         `json:"code"`
	Message   string         `json:"message"`
	Hint      string         `json:"hint"`
	Notices   []string       `json:"notices"`
	Problems  fault.Problems `json:"problems,omitempty"` // of the job's file, when it did not start

	took     time.Duration
	moved    int64 // records that this process read
	failures string
	exit     int
}

// line makes the command line of another command for the same job.
type line func(args ...string) string

// newReport reads a run's result. Began is when this process started it.
func newReport(r runner.Result, began, ended time.Time, l line) report {
	row, c := r.Run, r.Run.Counters
	p := report{
		Run: row.ID, Job: row.Job, Status: string(row.Status), Read: c.Read, Loaded: c.Loaded, Inserted: c.Inserted, Updated: c.Updated,
		Unchanged: c.Unchanged, Deleted: c.Deleted, Filtered: c.Filtered, Failed: c.Failed, Warned: c.Warned, Batches: c.Batches,
		Continued: r.Continued, Was: r.Was, Code: row.ErrorCode, Message: row.ErrorText, Notices: row.Notices, took: ended.Sub(began),
	}
	if p.Notices == nil {
		p.Notices = []string{}
	}
	if row.Units != (store.Units{}) {
		p.Billed = &row.Units
	}
	p.Seconds = float64(p.took.Milliseconds()) / 1000
	p.failures = l("failures", "list", "--run", row.ID)
	p.settle(r, began, l)
	return p
}

// settle finds the exit code, the hint, and what a status alone does not say.
func (p *report) settle(r runner.Result, began time.Time, l line) {
	row := r.Run
	switch {
	case !row.Status.Ended(): // another process goes on with this very run; its counts are not of this call
		p.Read, p.Loaded, p.Inserted, p.Updated, p.Unchanged, p.Deleted, p.Filtered, p.Failed, p.Warned, p.Batches = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
		p.Continued, p.Was = false, ""
		p.Status, p.Code, p.HeldBy = string(store.RunSkipped), string(fault.Held), row.ID
		p.Message = fmt.Sprintf("another process goes on with run %s", row.ID)
	case row.Status == store.RunSkipped && row.ErrorCode == string(fault.Held):
		p.HeldBy = r.Lock.Run
	case !r.Continued && row.EndedAt.Before(began.Truncate(time.Millisecond)) && !row.EndedAt.IsZero(): // rows keep ms
		p.Code, p.Message = string(fault.AlreadyDone), fmt.Sprintf("run %s ended before, as %s: nothing was done", row.ID, row.Status)
	}
	p.exit = p.exitCode(row)
	if at := strings.LastIndex(p.Message, " ("); at > 0 && strings.HasSuffix(p.Message, ")") && p.Code != string(fault.Ignored) {
		p.Message, p.Hint = p.Message[:at], p.Message[at+2:len(p.Message)-1]
	}
	if hint, ok := hints[fault.Code(p.Code)]; ok && (p.Code != string(fault.NotReady) || p.Hint == "") { // a pause says what to do by itself
		p.Hint = hint(l)
	} else if p.Code != "" && lastTry(r.Lock, row) {
		p.Hint = "that was the last try: mend the cause, then " + l("reset")
	}
}

// exitCode gives 1 to whatever moved records before it failed.
func (p *report) exitCode(row store.Run) int {
	if p.Code == "" {
		return ExitOK
	}
	exit := exitOfCode(fault.Code(p.Code))
	if p.HeldBy == "" && p.Code != string(fault.AlreadyDone) && (row.Counters.Batches > 0 || exit == ExitNotStarted && !row.StartedAt.IsZero()) {
		return ExitFailed
	}
	return exit
}

// hints say which command to give after a run that ended with the code.
var hints = map[fault.Code]func(line) string{
	fault.Held:    func(l line) string { return "wait for it, or ask it to end: " + l("stop", "--wait") },
	fault.Ignored: func(l line) string { return "mend the cause, then open the job again: " + l("reset") },
	fault.NotReady: func(line) string {
		return "a destination cannot refuse a late writer, so the last holder's lease must pass first: try again then"
	},
	fault.AlreadyDone:           func(l line) string { return "leave out --run to start a new run: " + l("run") },
	fault.FailureBudgetExceeded: func(l line) string { return "mend the cause, then " + l("reset") + ", or raise on_failure.window" },
	fault.StateBehind: func(line) string {
		return "if an older copy of the state was put back: lockstep doctor --after-restore"
	},
	fault.Aborted: func(l line) string { return "go on where it ended: " + l("run") },
	fault.Stopped: func(l line) string { return "go on where it ended: " + l("run") },
}

// write prints the end screen.
func (p report) write(w io.Writer, c palette, width int) {
	head := fmt.Sprintf("%s  %s  run %s", c.bold(p.Job), c.status(p.Status), p.Run)
	fmt.Fprintln(w, head)
	if p.ran() {
		p.writeCounts(w, c)
	}
	for _, n := range p.Notices {
		fmt.Fprintln(w, c.yellow("  note     ")+hang(n, 11, width))
	}
	if p.Message != "" {
		fmt.Fprintln(w, c.red("  error    ")+hang(fmt.Sprintf("%s [%s]", p.Message, p.Code), 11, width))
	}
	if p.Hint != "" {
		fmt.Fprintln(w, "  do       "+hang(p.Hint, 11, width))
	}
	if p.Failed > 0 {
		fmt.Fprintf(w, "  look     %s\n", p.failures)
	}
}

// ran says whether the run has counts to show.
func (p report) ran() bool { return p.exit != ExitNotStarted && p.HeldBy == "" }

func (p report) writeCounts(w io.Writer, c palette) {
	n := len(count(max(p.Read, p.Loaded, p.Deleted)))
	row := func(name string, value int64, parts string) {
		fmt.Fprintf(w, "  %-8s %*s%s\n", name, n, count(value), parts)
	}
	row("read", p.Read, fmt.Sprintf(" = %s loaded + %s filtered + %s failed", count(p.Loaded), count(p.Filtered), count(p.Failed)))
	switch {
	case p.Loaded == 0:
	case p.Inserted+p.Updated+p.Unchanged == p.Loaded:
		row("loaded", p.Loaded, fmt.Sprintf(" = %s inserted + %s updated + %s unchanged", count(p.Inserted), count(p.Updated), count(p.Unchanged)))
	default:
		row("loaded", p.Loaded, "")
	}
	if p.Deleted > 0 {
		row("deleted", p.Deleted, " that the source no longer gives")
	}
	if p.Warned > 0 {
		row("warned", p.Warned, " loaded all the same")
	}
	took := span(p.took)
	if r := rate(p.moved, p.took); r != "" {
		took += ", " + r
	}
	if p.Read == 0 && p.Status == string(store.RunSucceeded) {
		took += c.dim(", nothing new at the source")
	}
	fmt.Fprintf(w, "  %-8s %s\n", "took", took)
	if p.Billed != nil {
		fmt.Fprintf(w, "  %-8s %s for the state\n", "billed", billed(*p.Billed))
	}
}

// hang wraps a text whose first line stands behind a label, so that the other lines stand below it.
func hang(s string, indent, width int) string {
	if width <= 0 {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimLeft(wrap(s, indent, width), " ")
}

// lastTry says whether the job that failed will be ignored from now on.
func lastTry(l store.Lock, r store.Run) bool {
	var j struct {
		MaxTries int `json:"max_tries"`
	}
	if l.Status != store.Failed || json.Unmarshal(r.Snapshot, &j) != nil || j.MaxTries == 0 {
		return false
	}
	return l.Tries >= j.MaxTries
}
