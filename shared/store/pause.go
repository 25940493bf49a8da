package store

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// PauseStore keeps which jobs are paused. A pause stands beside the job's lock and outlives deployments and resets; no run of the job begins
// while it is there, and one that is under way goes on to its end.
type PauseStore interface {
	// Pause notes that the job is paused. A job that is paused already stays as it was, and is answered with applied = false.
	Pause(ctx context.Context, p Pause) (Pause, bool, error)
	// Resume takes the pause that was seen away; applied = false answers what is there: the zero Pause, or a later one.
	Resume(ctx context.Context, seen Pause) (Pause, bool, error)
	// Paused reads the job's pause consistently; the zero Pause when there is none.
	Paused(ctx context.Context, job string) (Pause, error)
}

// The key and the value of Run.Steps under which a launcher notes that a pending run waits until the job is free.
const (
	QueueStep  = "start"
	QueueWaits = "queued"
)

// Pause is why no run of a job begins. The zero Pause is none.
type Pause struct {
	Job    string
	Since  time.Time
	By     string // who asked for it
	Reason string // for people; may be empty
}

// The most bytes of the texts of a pause.
const maxPauseText = 1000

// On says whether the job is paused.
func (p Pause) On() bool { return !p.Since.IsZero() }

// Check says DataInvalid when the request breaks a rule that needs no look at the state.
func (p Pause) Check() error {
	switch {
	case p.Job == "" || len(EncodeKey(p.Job)) > MaxKeyPart:
		return fault.New(fault.DataInvalid, "the name of the job to pause is empty or too long")
	case p.Since.IsZero():
		return fault.New(fault.DataInvalid, "the pause of job %s has no time", p.Job)
	case len(p.By) > maxPauseText || len(p.Reason) > maxPauseText:
		return fault.New(fault.DataInvalid, "the reason of a pause has at most %d bytes", maxPauseText)
	}
	return nil
}

// Refusal is what a run hears that may not begin, nil when the job is not paused. Code NotReady.
func (p Pause) Refusal() error {
	if !p.On() {
		return nil
	}
	text := "job " + p.Job + " is paused since " + p.Since.UTC().Format(time.RFC3339)
	if p.By != "" {
		text += " by " + p.By
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return fault.New(fault.NotReady, "%s", text).WithHint("lockstep resume %s", p.Job)
}
