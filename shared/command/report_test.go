package command

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
)

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// row is a run that began and ended in this process.
func row(status store.RunStatus, change func(*store.Run)) runner.Result {
	r := store.Run{
		Job: "runways", ID: "20261122T120000Z-1a2b3c4d", Status: status, CreatedAt: began, StartedAt: began, EndedAt: began.Add(2 * time.Second),
	}
	if change != nil {
		change(&r)
	}
	return runner.Result{Run: r}
}

func TestReport(t *testing.T) {
	moved := store.Counters{Read: 47000, Loaded: 46000, Inserted: 53, Updated: 68, Unchanged: 45879, Filtered: 997, Failed: 3, Deleted: 2, Warned: 1, Batches: 3}
	for _, c := range []struct {
		name   string
		result runner.Result
		exit   int
		want   string
	}{
		{"partial", row(store.RunPartial, func(r *store.Run) {
			r.Counters, r.Notices = moved, []string{"stream runways: nothing was deleted, since records failed whose key could not be read"}
		}), ExitOK, `
runways  partial  run 20261122T120000Z-1a2b3c4d
  read     47,000 = 46,000 loaded + 997 filtered + 3 failed
  loaded   46,000 = 53 inserted + 68 updated + 45,879 unchanged
  deleted       2 that the source no longer gives
  warned        1 loaded all the same
  took     2.0 s, 23,500/s
  note     stream runways: nothing was deleted, since records failed whose key
           could not be read
  look     lockstep failures list runways --run 20261122T120000Z-1a2b3c4d
`},
		{"nothing new", row(store.RunSucceeded, nil), ExitOK, `
runways  succeeded  run 20261122T120000Z-1a2b3c4d
  read     0 = 0 loaded + 0 filtered + 0 failed
  took     2.0 s, nothing new at the source
`},
		{"out of reach", row(store.RunFailed, func(r *store.Run) {
			r.ErrorCode, r.ErrorText = "NotFound", "plan: there is no file data/x.csv (did you mean data/y.csv?)"
		}), ExitUnreachable, `
runways  failed  run 20261122T120000Z-1a2b3c4d
  read     0 = 0 loaded + 0 filtered + 0 failed
  took     2.0 s
  error    plan: there is no file data/x.csv [NotFound]
  do       did you mean data/y.csv?
`},
		{"out of reach in the middle", row(store.RunFailed, func(r *store.Run) {
			r.Counters = store.Counters{Read: 10, Loaded: 10, Batches: 1}
			r.ErrorCode, r.ErrorText = "Transient", "load: the disk is gone"
		}), ExitFailed, `
runways  failed  run 20261122T120000Z-1a2b3c4d
  read     10 = 10 loaded + 0 filtered + 0 failed
  loaded   10
  took     2.0 s, 5/s
  error    load: the disk is gone [Transient]
`},
		{"held", runner.Result{Run: row(store.RunSkipped, func(r *store.Run) {
			r.ErrorCode, r.ErrorText, r.StartedAt = "Held", "job runways is held by run r1", time.Time{}
		}).Run, Lock: store.Lock{Run: "r1"}}, ExitNotStarted, `
runways  skipped  run 20261122T120000Z-1a2b3c4d
  error    job runways is held by run r1 [Held]
  do       wait for it, or ask it to end: lockstep stop runways --wait
`},
		{"ignored", row(store.RunIgnored, func(r *store.Run) {
			r.ErrorCode, r.ErrorText, r.StartedAt = "Ignored", "job runways used up its tries (last error: NotFound)", time.Time{}
		}), ExitNotStarted, `
runways  ignored  run 20261122T120000Z-1a2b3c4d
  error    job runways used up its tries (last error: NotFound) [Ignored]
  do       mend the cause, then open the job again: lockstep reset runways
`},
		{"done before", row(store.RunSucceeded, func(r *store.Run) { r.EndedAt = began.Add(-time.Hour) }), ExitNotStarted, `
runways  succeeded  run 20261122T120000Z-1a2b3c4d
  error    run 20261122T120000Z-1a2b3c4d ended before, as succeeded: nothing was
           done [AlreadyDone]
  do       leave out --run to start a new run: lockstep run runways
`},
		{"another process goes on with it", row(store.RunRunning, func(r *store.Run) { r.EndedAt = time.Time{} }), ExitNotStarted, `
runways  skipped  run 20261122T120000Z-1a2b3c4d
  error    another process goes on with run 20261122T120000Z-1a2b3c4d [Held]
  do       wait for it, or ask it to end: lockstep stop runways --wait
`},
		{"the last try", runner.Result{Run: row(store.RunFailed, func(r *store.Run) {
			r.ErrorCode, r.ErrorText, r.Snapshot = "DataInvalid", "extract: line 3 has 2 fields", []byte(`{"max_tries":3}`)
		}).Run, Lock: store.Lock{Status: store.Failed, Tries: 3}}, ExitFailed, `
runways  failed  run 20261122T120000Z-1a2b3c4d
  read     0 = 0 loaded + 0 filtered + 0 failed
  took     2.0 s
  error    extract: line 3 has 2 fields [DataInvalid]
  do       that was the last try: mend the cause, then lockstep reset runways
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(Options{})
			p := newReport(c.result, began, began.Add(2*time.Second), a.lineFor("runways"))
			p.moved = p.Read
			var b strings.Builder
			p.write(&b, false, 80)
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
			if p.exit != c.exit {
				t.Errorf("exit %d, want %d", p.exit, c.exit)
			}
		})
	}
}

func TestLineFor_KeepsThePlaces(t *testing.T) {
	a := newApp(Options{})
	a.flags.project, a.flags.store = "my project", "s.db"
	got := a.lineFor("jobs/a.yaml")("failures", "list", "--run", "r1")
	if want := "lockstep failures list jobs/a.yaml --run r1 --project 'my project' --store s.db"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
