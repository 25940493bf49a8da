package store

import "time"

// The keys of Run.Steps under which a supervisor of a job writes what it does about a run that failed: a Restart, and when it starts the
// job again (RFC 3339).
const (
	RestartStep   = "restart"
	RestartAtStep = "restart_at"
)

// Restart is what a supervisor does about a run.
type Restart string

// The states of a run whose job is supervised; "" when it is not, or nothing happened.
const (
	Recovering Restart = "recovering" // it failed, or goes on since it failed, and the job is started again until it is well
	Recovered  Restart = "recovered"  // it ended well, after restarts
	Restarted  Restart = "restarted"  // it failed, and a later run took its place
	Degraded   Restart = "degraded"   // the supervisor gave up: the code cannot pass by itself, or too many restarts were needed
	Unwatched  Restart = "stopped"    // somebody ended the supervisor while the job was to be started again
)

// RestartOf gives what a supervisor says of the run, and when it starts the job again; zero when it does not.
func RestartOf(r Run) (Restart, time.Time) {
	at, err := time.Parse(time.RFC3339, r.Steps[RestartAtStep])
	if err != nil {
		at = time.Time{}
	}
	return Restart(r.Steps[RestartStep]), at
}
