package asl

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"
)

// maxWait is the longest time that a Wait may name, in seconds.
const maxWait = 99999999

// wait does a Wait state (specification, "Wait State"): it stays for some seconds or until a time.
func (v *visit) wait(ctx context.Context) (outcome, error) {
	effective, err := v.effective()
	if err != nil {
		return outcome{}, err
	}
	v.trace.note("afterInputPath", effective)
	d, err := v.delay(effective)
	if err != nil {
		return outcome{}, err
	}
	if v.trace == nil {
		sleep(ctx, v.run.clock, d)
	}
	if ctx.Err() != nil {
		return outcome{}, errStopped
	}
	return v.leave(exit{next: v.state.Next, value: effective, output: v.state.Output, assign: v.state.Assign})
}

func (v *visit) delay(effective any) (time.Duration, error) {
	s := v.state
	switch {
	case s.Seconds != nil && s.Seconds.path != nil:
		return v.secondsAt(s.Seconds.path, effective)
	case s.Seconds != nil:
		n, err := v.amount(s.Seconds, effective, bounds{high: maxWait})
		return seconds(n), err
	case s.TimestampPath != nil:
		return v.timestampAt(s.TimestampPath, effective)
	}
	value, err := v.eval(s.Timestamp, effective)
	if err != nil {
		return 0, err
	}
	if failed := s.Timestamp.wantType(value, "string"); failed != nil {
		return 0, v.failed(failed)
	}
	at, err := timestamp(value.(string))
	if err != nil {
		return 0, v.failed(&fieldError{s.QueryLanguage, "Timestamp", fmt.Sprintf(
			"The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", value)})
	}
	return at.Sub(v.run.clock.Now()), nil
}

// secondsAt reads SecondsPath, whose messages are its own.
func (v *visit) secondsAt(p *Path, effective any) (time.Duration, error) {
	value, err := p.get(&data{v, effective})
	if err != nil {
		return 0, v.broken("The SecondsPath parameter does not reference an input value: %s", p.text)
	}
	n, err := number(value)
	switch {
	case err != nil || n != math.Trunc(n):
		return 0, v.broken("The SecondsPath parameter cannot be parsed as a long value: %s == %s", p.text, text(value))
	case n < 0 || n > maxWait:
		return 0, v.broken("The SecondsPath parameter must be between 0 and %d: %s == %s", maxWait, p.text, text(value))
	}
	return seconds(n), nil
}

func (v *visit) timestampAt(p *Path, effective any) (time.Duration, error) {
	value, err := p.get(&data{v, effective})
	if err != nil {
		return 0, v.broken("The TimestampPath parameter does not reference an input value: %s", p.text)
	}
	s, _ := value.(string)
	at, err := timestamp(s)
	if err != nil {
		return 0, v.broken("The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s", p.text, text(value))
	}
	return at.Sub(v.run.clock.Now()), nil
}

// isoTime is the profile of RFC 3339 that the specification asks for ("Timestamps"): an upper-case T, and Z or an offset.
var isoTime = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$`)

func timestamp(s string) (time.Time, error) {
	if !isoTime.MatchString(s) {
		return time.Time{}, fmt.Errorf("read time %q: it is no ISO-8601 date-time with an offset", s)
	}
	if t, err := time.Parse("2006-01-02T15:04Z07:00", s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339Nano, s)
}
