package asl

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// retrying does the work of a state that may be tried again: arguments, work, Output and Assign are one attempt. What no retrier
// takes goes to the catchers, and from there out of the state or up.
func (v *visit) retrying(ctx context.Context, work func(context.Context) (any, error)) (outcome, error) {
	attempts := make([]int, len(v.state.Retry)) // each retrier counts its own
	for {
		out, err := v.attempt(ctx, work)
		var failed *Error
		if err == nil || !errors.As(err, &failed) {
			return out, err
		}
		i := matchRetrier(v.state.Retry, failed.Name)
		if i < 0 || attempts[i] >= v.state.Retry[i].MaxAttempts {
			return v.caught(failed)
		}
		sleep(ctx, v.run.clock, v.state.Retry[i].delay(attempts[i], v.run.random))
		if ctx.Err() != nil {
			return outcome{}, errStopped
		}
		attempts[i]++
		v.retries++
	}
}

func (v *visit) attempt(ctx context.Context, work func(context.Context) (any, error)) (outcome, error) {
	v.result, v.hasResult, v.states = nil, false, nil
	result, err := work(ctx)
	if err != nil {
		return outcome{}, err
	}
	if err := v.limit(result); err != nil {
		return outcome{}, err
	}
	v.result, v.hasResult, v.states = result, true, nil
	return v.leave(v.state.Output, v.state.Assign, result, v.state.Next)
}

// caught leaves the state by the first catcher that takes the error, or gives the error back.
func (v *visit) caught(failed *Error) (outcome, error) {
	for _, c := range v.state.Catch {
		if !matches(c.ErrorEquals, failed.Name) {
			continue
		}
		v.result, v.hasResult, v.states = nil, false, nil
		v.errorOutput, v.hasError = map[string]any{"Error": failed.Name, "Cause": failed.Cause}, true
		return v.leave(c.Output, c.Assign, v.errorOutput, c.Next)
	}
	return outcome{}, failed
}

// delay is the time before retry n, which counts from 0.
func (r *Retrier) delay(n int, random func() float64) time.Duration {
	d := r.IntervalSeconds * math.Pow(r.BackoffRate, float64(n))
	if r.MaxDelaySeconds > 0 {
		d = min(d, r.MaxDelaySeconds)
	}
	if r.FullJitter {
		d *= random()
	}
	return seconds(d)
}

func matchRetrier(rs []Retrier, name string) int {
	return slices.IndexFunc(rs, func(r Retrier) bool { return matches(r.ErrorEquals, name) })
}

// matches says whether a list of error names takes an error.
func matches(names []string, name string) bool {
	if name == ErrorRuntime {
		return false
	}
	return slices.ContainsFunc(names, func(want string) bool {
		switch want {
		case name:
			return true
		case ErrorAll:
			return name != ErrorDataLimit
		case ErrorTaskFailed:
			return name != ErrorTimeout && name != ErrorHeartbeat && name != ErrorDataLimit
		case ErrorTimeout:
			return name == ErrorHeartbeat
		}
		return false
	})
}
