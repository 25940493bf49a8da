package asl

import (
	"context"
	"fmt"
	"time"
)

// choice takes the first rule whose condition is true.
func (v *visit) choice() (outcome, error) {
	for i := range v.state.Choices {
		r := &v.state.Choices[i]
		value, err := v.eval(r.Condition)
		if err != nil {
			return outcome{}, err
		}
		if failed := r.Condition.wantType(value, "boolean"); failed != nil {
			return outcome{}, v.queryError(failed)
		}
		if value == true {
			return v.leave(r.Output, r.Assign, v.input, r.Next)
		}
	}
	if v.state.Default == "" {
		return outcome{}, &Error{Name: ErrorNoChoice, Cause: fmt.Sprintf("No rule of the state '%s' is true, and it has no Default.", v.state.Name)}
	}
	return v.leave(v.state.Output, v.state.Assign, v.input, v.state.Default)
}

// wait stays for some seconds or until a time.
func (v *visit) wait(ctx context.Context) (outcome, error) {
	d, err := v.delay()
	if err != nil {
		return outcome{}, err
	}
	sleep(ctx, v.run.clock, d)
	if ctx.Err() != nil {
		return outcome{}, errStopped
	}
	return v.leave(v.state.Output, v.state.Assign, v.input, v.state.Next)
}

func (v *visit) delay() (time.Duration, error) {
	t := v.state.Timestamp
	if t == nil {
		n, err := v.count(v.state.Seconds, 0)
		return seconds(n), err
	}
	value, err := v.eval(t)
	if err != nil {
		return 0, err
	}
	if failed := t.wantType(value, "string"); failed != nil {
		return 0, v.queryError(failed)
	}
	at, err := time.Parse(time.RFC3339Nano, value.(string))
	if err != nil {
		return 0, v.queryError(&evaluationError{t.field, fmt.Sprintf(
			"The %s field cannot be parsed as an ISO-8601 extended offset date-time format string: %s", t.field, value)})
	}
	return at.Sub(v.run.clock.Now()), nil
}

// count evaluates a field that is a whole number from low on.
func (v *visit) count(t *Template, low float64) (float64, error) {
	value, err := v.eval(t)
	if err != nil {
		return 0, err
	}
	n, failed := t.wholeNumber(value, low)
	if failed != nil {
		return 0, v.queryError(failed)
	}
	return n, nil
}

// failure is the error of a Fail state.
func (v *visit) failure() error {
	e := &Error{}
	for _, field := range []struct {
		from *Template
		to   *string
	}{{v.state.Error, &e.Name}, {v.state.Cause, &e.Cause}} {
		if field.from == nil {
			continue
		}
		value, err := v.eval(field.from)
		if err != nil {
			return err
		}
		if failed := field.from.wantType(value, "string"); failed != nil {
			return v.queryError(failed)
		}
		*field.to = value.(string)
	}
	return e
}
