package job

import "time"

// Overlap says what a scheduled run does while another run holds the job.
type Overlap string

// The overlap policies.
const (
	OverlapSkip  Overlap = "skip"  // it ends at once, as skipped
	OverlapQueue Overlap = "queue" // it waits for its turn
	OverlapFail  Overlap = "fail"  // it fails with Held
)

// CatchUp says what happens to the times that passed while the job was paused.
type CatchUp string

// The catch-up policies.
const (
	CatchUpNone CatchUp = "none" // they are lost
	CatchUpLast CatchUp = "last" // one run, for the last of them
	CatchUpAll  CatchUp = "all"  // a run for each
)

// Schedule says when a job runs by itself. Either Cron or IntervalS is set.
type Schedule struct {
	Cron      string    `json:"cron,omitempty"`       // five fields, days of the week 0–7, Sunday is 0 and 7
	IntervalS int64     `json:"interval_s,omitempty"` // seconds from one run to the next, whole minutes, counted from Start
	TimeZone  string    `json:"time_zone"`            // IANA name; the cron's fields are read in it
	Start     time.Time `json:"start,omitzero"`       // no run before it; UTC; zero: none
	End       time.Time `json:"end,omitzero"`         // no run after it; UTC; zero: none
	FlexibleM int64     `json:"flexible_m,omitempty"` // minutes by which a start may be late, 0–1,440, so that not all begin at once
	Overlap   Overlap   `json:"overlap"`
	CatchUp   CatchUp   `json:"catch_up"`
	Enabled   bool      `json:"enabled"`
}

// Next gives the first time after t at which the job is due, in UTC; zero when there is none any more, or when the schedule is
// disabled. An interval without a start counts from t. The error is ConfigInvalid for a schedule that the check has not seen.
func (s Schedule) Next(t time.Time) (time.Time, error) {
	if !s.Enabled {
		return time.Time{}, nil
	}
	due, err := s.next(t)
	if err != nil || due.IsZero() || !s.End.IsZero() && due.After(s.End) {
		return time.Time{}, err
	}
	return due.UTC(), nil
}

func (s Schedule) next(t time.Time) (time.Time, error) {
	if s.IntervalS > 0 {
		step := time.Duration(s.IntervalS) * time.Second
		switch {
		case s.Start.IsZero():
			return t.Add(step), nil
		case t.Before(s.Start):
			return s.Start, nil
		}
		return s.Start.Add(t.Sub(s.Start).Truncate(step) + step), nil
	}
	cron, err := ParseCron(s.Cron)
	if err != nil {
		return time.Time{}, err
	}
	zone, err := LoadZone(s.TimeZone)
	if err != nil {
		return time.Time{}, err
	}
	if t.Before(s.Start) {
		t = s.Start.Add(-time.Nanosecond)
	}
	return cron.Next(t.In(zone)), nil
}

// RunTime is the form of a scheduled time in a run's id: 20260101T000000Z.
const RunTime = "20060102T150405Z"
