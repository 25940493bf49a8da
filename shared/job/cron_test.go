package job_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

func TestParseCron_Forms(t *testing.T) {
	cases := []struct {
		name, text, want string
		aws              []string
	}{
		{"every minute", "* * * * *", "* * * * *", []string{"cron(* * * * ? *)"}},
		{"once a day", "30 6 * * *", "30 6 * * *", []string{"cron(30 6 * * ? *)"}},
		{"step", "*/15 * * * *", "0/15 * * * *", []string{"cron(0/15 * * * ? *)"}},
		{"step from", "5/20 * * * *", "5/20 * * * *", []string{"cron(5/20 * * * ? *)"}},
		{"list and range", "0 8-10,20 * * *", "0 8-10,20 * * *", []string{"cron(0 8-10,20 * * ? *)"}},
		{"Sunday is 0", "0 6 * * 0", "0 6 * * SUN", []string{"cron(0 6 ? * SUN *)"}},
		{"Sunday is 7", "0 6 * * 7", "0 6 * * SUN", []string{"cron(0 6 ? * SUN *)"}},
		{"to Sunday", "0 6 * * 5-7", "0 6 * * SUN,FRI,SAT", []string{"cron(0 6 ? * SUN,FRI,SAT *)"}},
		{"every other day of the week", "0 6 * * */2", "0 6 * * SUN,TUE,THU,SAT", []string{"cron(0 6 ? * SUN,TUE,THU,SAT *)"}},
		{"names in any case", "0 6 * jan,Jul mon-FRI", "0 6 * 1,7 MON-FRI", []string{"cron(0 6 ? JAN,JUL MON-FRI *)"}},
		{"both kinds of days", "0 6 1 * MON", "0 6 1 * MON", []string{"cron(0 6 1 * ? *)", "cron(0 6 ? * MON *)"}},
		{"short", "@daily", "0 0 * * *", []string{"cron(0 0 * * ? *)"}},
		{"EventBridge by day", "cron(0 12 1 * ? *)", "0 12 1 * *", []string{"cron(0 12 1 * ? *)"}},
		{"EventBridge, Sunday is 1", "cron(0 12 ? * 1 *)", "0 12 * * SUN", []string{"cron(0 12 ? * SUN *)"}},
		{"EventBridge, Saturday is 7", "cron(0 12 ? * 2-7 *)", "0 12 * * MON-SAT", []string{"cron(0 12 ? * MON-SAT *)"}},
		{"EventBridge by name", "cron(15 10 ? * MON-FRI *)", "15 10 * * MON-FRI", []string{"cron(15 10 ? * MON-FRI *)"}},
		{"leap day", "0 0 29 2 *", "0 0 29 2 *", []string{"cron(0 0 29 FEB ? *)"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cron, err := job.ParseCron(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if cron.String() != c.want || !slices.Equal(cron.EventBridge(), c.aws) {
				t.Errorf("got %q %q, want %q %q", cron, cron.EventBridge(), c.want, c.aws)
			}
			if again, err := job.ParseCron(cron.String()); err != nil || again != cron {
				t.Errorf("%q reads back as %q, %v", cron, again, err)
			}
			for _, aws := range c.aws {
				if _, err := job.ParseCron(aws); err != nil {
					t.Errorf("its own form for EventBridge: %v", err)
				}
			}
		})
	}
}

func TestParseCron_Wrong(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "five fields, this one 0",
		"0 6 * *":                "five fields, this one 4",
		"0 0 6 * * *":            "five fields, this one six",
		"60 6 * * *":             "minute 60 is out of range: 0 to 59",
		"0 24 * * *":             "hour 24 is out of range",
		"0 6 0 * *":              "day of the month 0 is out of range",
		"0 6 * 13 *":             "month 13 is out of range",
		"0 6 * * 8":              "day of the week 8 is out of range",
		"0 6 * * MOON":           `"MOON" is no day of the week`,
		"0 6 L * *":              "L, W and # are not understood",
		"0 6 * * FRI#2":          "L, W and # are not understood",
		"5-1 * * * *":            "runs backwards",
		"*/0 * * * *":            "the step",
		"*/x * * * *":            "the step",
		"0 0 30 2 *":             "never due",
		"? * * * *":              "is no minute",
		"cron(0 6 ? * 0 *)":      "day of the week 0 is out of range: 1 to 7",
		"cron(0 6 ? * MON 2027)": "the year",
		"cron(0 6 * * *)":        "six fields, this one 5",
		"cron(0 6 ? * MON *":     "five fields",
		"rate(5 minutes)":        "is a rate",
	} {
		_, err := job.ParseCron(text)
		if !fault.Has(err, fault.ConfigInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		} else if fault.Hint(err) == "" {
			t.Errorf("%q: no hint", text)
		}
	}
}

// The vectors hold for EventBridge Scheduler too: a time that the clock jumps over is left out, one that it shows twice is due once.
func TestCron_Next(t *testing.T) {
	cases := []struct{ name, cron, zone, after, want string }{
		{"strictly after", "0 6 * * *", "UTC", "2026-01-01T06:00:00Z", "2026-01-02T06:00:00Z"},
		{"the same minute, begun", "0 6 * * *", "UTC", "2026-01-01T05:59:59Z", "2026-01-01T06:00:00Z"},
		{"in the zone", "0 6 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"},
		{"either kind of day", "0 0 13 * FRI", "UTC", "2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"},
		{"either kind of day, the other", "0 0 13 * FRI", "UTC", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z"},
		{"month without the day", "0 0 31 * *", "UTC", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"},
		{"leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"Sunday", "0 0 * * 7", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"},
		{"spring: 02:30 is jumped over", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"},
		{"spring: each hour", "0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		{"autumn: 02:30 the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"autumn: 02:30 not again", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"spring in New York", "30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", "2026-03-09T06:30:00Z"},
		{"autumn in New York", "30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:30:00Z"},
		{"half an hour of change", "45 1 * * *", "Australia/Lord_Howe", "2026-04-03T20:00:00Z", "2026-04-04T14:45:00Z"},
		{"a day that the zone never had", "0 12 * * *", "Pacific/Apia", "2011-12-29T23:00:00Z", "2011-12-30T22:00:00Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cron, err := job.ParseCron(c.cron)
			if err != nil {
				t.Fatal(err)
			}
			zone, err := job.LoadZone(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := time.Parse(time.RFC3339, c.after)
			if got := cron.Next(after.In(zone)).UTC().Format(time.RFC3339); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func FuzzParseCron(f *testing.F) {
	for _, text := range []string{"* * * * *", "*/15 0-6,9 1 JAN MON-FRI", "cron(0 12 ? * 1 *)", "@weekly", "0 6 * * 7", "1/3 2/9 3/30 4/4 5/2"} {
		f.Add(text)
	}
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		cron, err := job.ParseCron(text)
		if err != nil {
			return
		}
		again, err := job.ParseCron(cron.String())
		if err != nil || again != cron {
			t.Fatalf("%q is spelled %q, which reads as %q, %v", text, cron, again, err)
		}
		// The forms for EventBridge, together, are due when the expression is.
		var first time.Time
		for _, aws := range cron.EventBridge() {
			c, err := job.ParseCron(aws)
			if err != nil {
				t.Fatalf("%q: %s: %v", text, aws, err)
			}
			if due := c.Next(from); first.IsZero() || due.Before(first) {
				first = due
			}
		}
		if due := cron.Next(from); !due.Equal(first) {
			t.Fatalf("%q is due at %v, for EventBridge at %v", text, due, first)
		}
	})
}
