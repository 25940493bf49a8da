package job_test

import (
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

func TestSchedule_Next(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	now := at("2026-01-01T12:00:00Z")
	daily := job.Schedule{Cron: "0 6 * * *", TimeZone: "Europe/Berlin", Enabled: true}
	hourly := job.Schedule{IntervalS: 3600, TimeZone: "UTC", Enabled: true}
	with := func(s job.Schedule, start, end string) job.Schedule {
		if start != "" {
			s.Start = at(start)
		}
		if end != "" {
			s.End = at(end)
		}
		return s
	}
	off := daily
	off.Enabled = false
	for name, c := range map[string]struct {
		schedule job.Schedule
		want     string
	}{
		"cron":                        {daily, "2026-01-02T05:00:00Z"},
		"cron from a start":           {with(daily, "2026-02-01T05:00:00Z", ""), "2026-02-01T05:00:00Z"},
		"cron until before":           {with(daily, "", "2026-01-02T04:59:59Z"), "0001-01-01T00:00:00Z"},
		"cron until then":             {with(daily, "", "2026-01-02T05:00:00Z"), "2026-01-02T05:00:00Z"},
		"disabled":                    {off, "0001-01-01T00:00:00Z"},
		"interval":                    {hourly, "2026-01-01T13:00:00Z"},
		"interval, start in future":   {with(hourly, "2026-01-03T00:10:00Z", ""), "2026-01-03T00:10:00Z"},
		"interval, start in the past": {with(hourly, "2025-12-31T00:10:00Z", ""), "2026-01-01T12:10:00Z"},
		"interval, start is now":      {with(hourly, "2026-01-01T12:00:00Z", ""), "2026-01-01T13:00:00Z"},
	} {
		got, err := c.schedule.Next(now)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, c.want)
		}
	}
	for _, wrong := range []job.Schedule{{Cron: "x", TimeZone: "UTC", Enabled: true}, {Cron: "* * * * *", TimeZone: "Mars", Enabled: true}} {
		if _, err := wrong.Next(now); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%+v: got %v", wrong, err)
		}
	}
}
