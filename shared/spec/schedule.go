package spec

import (
	"errors"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/setting"
)

const (
	keySchedule = "schedule"

	scheduleManual  = "manual" // in the place of a cron expression: none
	defaultTimeZone = "UTC"
	maxInterval     = 366 * 24 * time.Hour
	maxFlexible     = 24 * time.Hour
)

// localTimes are the forms of a time that stands in the schedule's own zone.
var localTimes = []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateTime}

func scheduleField() setting.Field {
	overlaps := []string{string(job.OverlapSkip), string(job.OverlapQueue), string(job.OverlapFail)}
	catches := []string{string(job.CatchUpNone), string(job.CatchUpLast), string(job.CatchUpAll)}
	cron := "Minute, hour, day of the month, month, day of the week: names, lists, ranges, steps; Sunday is 0 and 7. " +
		"A day counts that fits either kind of days, where both are given. Also @hourly, @daily, @weekly, @monthly, @yearly, and EventBridge's cron(…) of six fields, where Sunday is 1."
	return setting.Field{Name: keySchedule, Kind: setting.Choice, Example: "0 6 * * MON-FRI",
		Doc: "When the job runs by itself, once it is deployed to AWS: a cron expression, manual, or a map. Left out: only by hand.",
		Forms: []setting.Field{
			{Kind: setting.String, Doc: "A cron expression in UTC, or manual."},
			{Kind: setting.Object, Fields: []setting.Field{
				{Name: "cron", Kind: setting.String, Doc: cron, Example: "30 6 * * MON-FRI"},
				{Name: "interval", Kind: setting.String, Syntax: setting.Duration, Example: "15m",
					Doc: "In the place of cron: from one run to the next, whole minutes, counted from start (left out: from the deployment)."},
				{Name: "time_zone", Kind: setting.String, Default: defaultTimeZone, Example: "Europe/Berlin",
					Doc: "IANA name. A time that the clock jumps over is left out; one that it shows twice is due once."},
				{Name: "start", Kind: setting.String, Doc: "No run before this date or time; in the time zone unless it says its own.", Example: "2027-01-01"},
				{Name: "end", Kind: setting.String, Doc: "No run after this date or time.", Example: "2027-12-31T18:00"},
				{Name: "flexible_window", Kind: setting.String, Syntax: setting.Duration, Default: "0s",
					Doc: "A start may be late by so much, whole minutes, at most 24h, so that not all jobs begin in one second."},
				{Name: "overlap", Kind: setting.String, Options: overlaps, Default: string(job.OverlapSkip),
					Doc: "When another run holds the job: skip ends the new run as skipped, queue lets it wait, fail makes it fail."},
				{Name: "catch_up", Kind: setting.String, Options: catches, Default: string(job.CatchUpNone),
					Doc: "For the times that passed while the job was paused: none, one run for the last of them, or a run for each of all."},
				{Name: "enabled", Kind: setting.Bool, Default: true, Doc: "false: deployed, but switched off."},
			}},
		}}
}

// schedule makes the model of a schedule, or nil for none.
func (b *builder) schedule(v any) *job.Schedule {
	m, at := as[map[string]any](v), keySchedule+"."
	if text, short := v.(string); short {
		if text == scheduleManual {
			return nil
		}
		filled, _ := setting.Check(scheduleField().Forms[1], "", map[string]any{"cron": text})
		m, at = as[map[string]any](filled), keySchedule
	} else if m == nil {
		return nil
	}
	s := &job.Schedule{TimeZone: as[string](m["time_zone"]), Enabled: as[bool](m["enabled"]),
		Overlap: job.Overlap(as[string](m["overlap"])), CatchUp: job.CatchUp(as[string](m["catch_up"]))}
	b.rhythm(s, m, at)
	s.FlexibleM = int64(b.wholeMinutes("flexible_window", m, maxFlexible) / time.Minute)
	zone, err := job.LoadZone(s.TimeZone)
	if err != nil {
		b.refuse(keySchedule+".time_zone", "bad_time_zone", err)
		zone = time.UTC
	}
	s.Start, s.End = b.moment("start", m, zone), b.moment("end", m, zone)
	b.checkSchedule(s)
	return s
}

// rhythm reads the cron expression or the interval, whichever there is.
func (b *builder) rhythm(s *job.Schedule, m map[string]any, at string) {
	expression, isCron := m["cron"].(string)
	_, isInterval := m["interval"].(string)
	if at != keySchedule {
		at += "cron"
	}
	switch {
	case isCron && isInterval:
		b.add(keySchedule+".interval", "conflict", "leave one of them out", "a schedule has a cron expression or an interval, not both")
	case isCron:
		if cron, err := job.ParseCron(expression); err != nil {
			b.refuse(at, "bad_cron", err)
		} else {
			s.Cron = cron.String()
		}
	case isInterval:
		s.IntervalS = int64(b.wholeMinutes("interval", m, maxInterval) / time.Second)
	case m["cron"] == nil && m["interval"] == nil:
		b.add(keySchedule, "no_time", "cron: 0 6 * * *, or interval: 15m; leave the schedule out for runs by hand", "the schedule has neither cron nor interval")
	}
}

// refuse adds the problem of an error that says what to do.
func (b *builder) refuse(path, code string, err error) {
	var e *fault.Error
	if errors.As(err, &e) {
		b.add(path, code, e.Hint, "%s", e.Message)
	}
}

// wholeMinutes reads a duration that EventBridge can count: 0 (where nothing is written) or whole minutes up to the limit.
func (b *builder) wholeMinutes(name string, m map[string]any, limit time.Duration) time.Duration {
	text := as[string](m[name])
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0 // the declaration told so
	}
	path := setting.Join(keySchedule, name)
	switch {
	case d < 0 || d > limit || d == 0 && name == "interval":
		b.add(path, "out_of_range", "", "%s is out of range: 1m to %s", text, shortDuration(limit))
	case d%time.Minute != 0:
		b.add(path, "not_minutes", "round it to a minute: EventBridge counts in minutes", "%s is not whole minutes", text)
	default:
		return d
	}
	return 0
}

func shortDuration(d time.Duration) string { return fmt.Sprintf("%dh", int(d.Hours())) }

// moment reads a date or a time; one without a zone of its own is in the schedule's.
func (b *builder) moment(name string, m map[string]any, zone *time.Location) time.Time {
	text := as[string](m[name])
	if text == "" && m[name] == nil {
		return time.Time{}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC()
	}
	for _, form := range localTimes {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			return t.UTC()
		}
	}
	b.add(setting.Join(keySchedule, name), "bad_time", "as in 2027-01-01, 2027-01-01T06:00 or 2027-01-01T06:00:00+01:00", "%q is not a date or a time", text)
	return time.Time{}
}

// checkSchedule refuses settings that contradict each other.
func (b *builder) checkSchedule(s *job.Schedule) {
	if !s.End.IsZero() && s.End.Before(s.Start) {
		b.add(keySchedule+".end", "conflict", "write a later end", "the schedule ends before it starts")
	}
	if s.IntervalS > 0 && s.FlexibleM*60 >= s.IntervalS {
		b.add(keySchedule+".flexible_window", "conflict", "make it shorter than the interval", "a start could be later than the next one")
	}
	if s.CatchUp == job.CatchUpAll && s.Overlap != job.OverlapQueue {
		b.add(keySchedule+".catch_up", "conflict", "write overlap: queue, or catch_up: last", "with overlap %s the runs of catch_up all would shut each other out", s.Overlap)
	}
}
