package job

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines that have no files of them

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Cron is a cron expression as sets. The zero value is never due.
type Cron struct {
	minutes, hours, days, months, weekdays uint64 // bit n: the number n is in the set; Sunday is 0
	anyDay, anyWeekday                     bool   // the field is a star: it takes no part in the choice of days
}

// cronField is one of the fields of an expression.
type cronField struct {
	name     string
	min, max int
	names    []string // of min, min+1 …
}

var (
	monthNames   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdayNames = []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

	cronFields = []cronField{{"minute", 0, 59, nil}, {"hour", 0, 23, nil}, {"day of the month", 1, 31, nil},
		{"month", 1, 12, monthNames}, {"day of the week", 0, 7, weekdayNames}}

	cronShort = map[string]string{"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *"}
)

// LoadZone finds a time zone by its IANA name. The error is ConfigInvalid.
func LoadZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, fault.New(fault.ConfigInvalid, "%q is not a time zone", name).WithHint("an IANA name, as in Europe/Berlin or UTC")
	}
	return zone, nil
}

// ParseCron reads an expression of five fields (minute, hour, day of the month, month, day of the week; names, lists, ranges and
// steps), one of @hourly, @daily, @weekly, @monthly, @yearly, or EventBridge's cron(…) of six fields, whose days of the week count
// from Sunday as 1. Where both kinds of days are given, a day counts that fits either. The error is ConfigInvalid; it names the
// field.
func ParseCron(text string) (Cron, error) {
	fields, aws, err := splitCron(text)
	if err != nil {
		return Cron{}, err
	}
	var sets [5]uint64
	for i, f := range cronFields {
		if aws && i == 4 {
			f.min = 1
		}
		if sets[i], err = f.parse(fields[i]); err != nil {
			return Cron{}, err
		}
	}
	if aws && !star(fields[4]) {
		sets[4] >>= 1 // names were read from Sunday as 1, too
	}
	c := Cron{sets[0], sets[1], sets[2], sets[3], sets[4], star(fields[2]), star(fields[4])}
	if c.weekdays&(1<<7) != 0 {
		c.weekdays = c.weekdays&^(1<<7) | 1
	}
	c.everyDay()
	if c.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Cron{}, fault.New(fault.ConfigInvalid, "%q is never due", text).WithHint("no such month has that day")
	}
	return c, nil
}

// everyDay spells days that leave none out as stars: beside days of the other kind they make each day one that fits.
func (c *Cron) everyDay() {
	const days, weekdays = 1<<32 - 2, 1<<7 - 1
	if c.days != days && c.weekdays != weekdays || c.anyDay && c.weekdays != weekdays || c.anyWeekday && c.days != days {
		return // no kind that is given holds all of its days
	}
	c.days, c.weekdays, c.anyDay, c.anyWeekday = days, weekdays, true, true
}

func star(field string) bool { return field == "*" || field == "?" }

// splitCron gives the five fields, and whether they are counted as EventBridge does.
func splitCron(text string) (fields []string, aws bool, err error) {
	text = strings.TrimSpace(text)
	if long, ok := cronShort[strings.ToLower(text)]; ok {
		text = long
	}
	inner, aws := strings.CutPrefix(text, "cron(")
	if aws {
		inner, aws = strings.CutSuffix(inner, ")")
		text = inner
	}
	fields = strings.Fields(text)
	switch {
	case strings.HasPrefix(text, "rate("):
		return nil, false, fault.New(fault.ConfigInvalid, "%q is a rate, not a cron expression", text).WithHint("write interval: 15m")
	case aws && len(fields) != 6:
		return nil, false, fault.New(fault.ConfigInvalid, "cron(…) has six fields, this one %d", len(fields)).WithHint("minute hour day-of-month month day-of-week year, as in cron(0 6 ? * MON-FRI *)")
	case aws && fields[5] != "*":
		return nil, false, fault.New(fault.ConfigInvalid, "the year of a cron expression must be *, not %s", fields[5]).WithHint("start and end bound a schedule")
	case aws:
		return fields[:5], true, nil
	case len(fields) == 6:
		return nil, false, fault.New(fault.ConfigInvalid, "a cron expression has five fields, this one six").WithHint("leave the seconds out; EventBridge's form stands in cron(…)")
	case len(fields) != 5:
		return nil, false, fault.New(fault.ConfigInvalid, "a cron expression has five fields, this one %d", len(fields)).WithHint("minute hour day-of-month month day-of-week, as in 0 6 * * MON-FRI")
	}
	return fields, false, nil
}

// parse reads a list of stars, numbers, ranges and steps into a set.
func (f cronField) parse(text string) (uint64, error) {
	if text == "?" && (f.max == 31 || f.max == 7) {
		text = "*"
	}
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to := f.min, f.max
		if f.max == 7 && f.min == 0 {
			to = 6 // 7 is Sunday again, and only where it is written
		}
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			var err error
			if from, err = f.number(first); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if to, err = f.number(last); err != nil {
					return 0, err
				}
			case !stepped:
				to = from
			}
		}
		step := 1
		if stepped {
			n, err := strconv.Atoi(stepText)
			if err != nil || n < 1 || n > f.max {
				return 0, f.wrong("the step %q of the %s is no number from 1 to %d", stepText, f.name, f.max)
			}
			step = n
		}
		if from > to {
			return 0, f.wrong("the %s %s runs backwards", f.name, span)
		}
		for n := from; n <= to; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

func (f cronField) number(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return i + f.min, nil
	}
	if days := f.max == 31 || f.max == 7; days && strings.ContainsAny(text, "#LW") {
		return 0, f.wrong("%s: L, W and # are not understood in the %s", text, f.name)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, f.wrong("%q is no %s", text, f.name)
	}
	if n < f.min || n > f.max {
		return 0, f.wrong("the %s %d is out of range: %d to %d", f.name, n, f.min, f.max)
	}
	return n, nil
}

func (f cronField) wrong(format string, args ...any) error {
	e := fault.New(fault.ConfigInvalid, format, args...)
	hint := "a number, a list 1,2, a range 1-5, a step */2"
	if f.names != nil {
		hint += ", or a name such as " + f.names[1]
	}
	return e.WithHint("%s", hint)
}

// Next gives the first minute after t at which the expression is due, by the clock of t's zone; zero when there is none within
// eight years. A time that the clock jumps over is left out; one that it shows twice is due the first time only: as EventBridge
// Scheduler does.
func (c Cron) Next(t time.Time) time.Time {
	year, month, day := t.Date()
	for i := range 8*366 + 1 {
		date := time.Date(year, month, day+i, 12, 0, 0, 0, time.UTC) // noon: a date alone, without a zone
		if !c.dueOn(date) {
			continue
		}
		for h := c.hours; h != 0; h &= h - 1 {
			for m := c.minutes; m != 0; m &= m - 1 {
				hour, minute := bits.TrailingZeros64(h), bits.TrailingZeros64(m)
				due, exists := wall(date, hour, minute, t.Location())
				if exists && due.After(t) {
					return due
				}
			}
		}
	}
	return time.Time{}
}

func (c Cron) dueOn(date time.Time) bool {
	if c.months&(1<<date.Month()) == 0 {
		return false
	}
	day, weekday := c.days&(1<<date.Day()) != 0, c.weekdays&(1<<date.Weekday()) != 0
	switch {
	case c.anyDay:
		return weekday
	case c.anyWeekday:
		return day
	}
	return day || weekday
}

// wall gives the first instant at which a clock of the zone shows the time, and whether there is one.
func wall(date time.Time, hour, minute int, zone *time.Location) (time.Time, bool) {
	year, month, day := date.Date()
	t := time.Date(year, month, day, hour, minute, 0, 0, zone)
	if t.Hour() != hour || t.Minute() != minute {
		return time.Time{}, false
	}
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t, true
	}
	_, now := t.Zone()
	_, before := begin.Add(-time.Second).Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(begin) {
		return first, true // the clock was put back: it showed this time before, too
	}
	return t, true
}

// EventBridge gives the expression in EventBridge's form: one, or two where both kinds of days are given, which EventBridge cannot say
// in one.
func (c Cron) EventBridge() []string {
	minutes, hours, months := spell(c.minutes, 0, 59, nil), spell(c.hours, 0, 23, nil), spell(c.months, 1, 12, monthNames)
	days, weekdays := spell(c.days, 1, 31, nil), spell(c.weekdays, 0, 6, weekdayNames)
	byDay := fmt.Sprintf("cron(%s %s %s %s ? *)", minutes, hours, days, months)
	byWeekday := fmt.Sprintf("cron(%s %s ? %s %s *)", minutes, hours, months, weekdays)
	switch {
	case c.anyWeekday:
		return []string{byDay}
	case c.anyDay:
		return []string{byWeekday}
	}
	return []string{byDay, byWeekday}
}

// String gives the expression in five fields, the days of the week by name.
func (c Cron) String() string {
	days, weekdays := "*", "*"
	if !c.anyDay {
		days = spell(c.days, 1, 31, nil)
	}
	if !c.anyWeekday {
		weekdays = spell(c.weekdays, 0, 6, weekdayNames)
	}
	return strings.Join([]string{spell(c.minutes, 0, 59, nil), spell(c.hours, 0, 23, nil), days, spell(c.months, 1, 12, nil), weekdays}, " ")
}

// spell writes a set as a star, a step from its first number, or a list of numbers and ranges.
func spell(set uint64, low, high int, names []string) string {
	if bits.OnesCount64(set) == high-low+1 {
		return "*"
	}
	name := func(n int) string {
		if names == nil {
			return strconv.Itoa(n)
		}
		return names[n-low]
	}
	var numbers []int
	for s := set; s != 0; s &= s - 1 {
		numbers = append(numbers, bits.TrailingZeros64(s))
	}
	if step := evenly(numbers, high); step > 1 && names == nil {
		return fmt.Sprintf("%d/%d", numbers[0], step)
	}
	var parts []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if last-i < 2 {
			last = i
			parts = append(parts, name(numbers[i]))
		} else {
			parts = append(parts, name(numbers[i])+"-"+name(numbers[last]))
		}
		i = last + 1
	}
	return strings.Join(parts, ",")
}

// evenly gives the step of three or more numbers that go on to the end of the field, else 0.
func evenly(numbers []int, high int) int {
	if len(numbers) < 3 {
		return 0
	}
	step := numbers[1] - numbers[0]
	for i := 1; i < len(numbers); i++ {
		if numbers[i]-numbers[i-1] != step {
			return 0
		}
	}
	if numbers[len(numbers)-1]+step <= high {
		return 0
	}
	return step
}
