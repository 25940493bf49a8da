package asl

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"
)

// retrying does the work of a state that may be tried again (specification, "Retrying after error"): arguments, work, output and
// variables are one attempt. What no retrier takes goes to the catchers, and from there out of the state or up.
func (v *visit) retrying(ctx context.Context, work func(context.Context) (any, error)) (outcome, error) {
	attempts := make([]int, len(v.state.Retry)) // each retrier counts its own
	for i := range attempts {
		attempts[i] = v.attempted
	}
	for {
		out, err := v.attempt(ctx, work)
		var failed *Error
		if err == nil || !errors.As(err, &failed) {
			return out, err
		}
		i := slices.IndexFunc(v.state.Retry, func(r Retrier) bool { return failed.matches(r.ErrorEquals) })
		if i < 0 || attempts[i] >= v.state.Retry[i].MaxAttempts {
			v.gaveUp(failed)
			return v.caught(failed)
		}
		delay := v.state.Retry[i].delay(attempts[i], v.run.random)
		if v.trace != nil { // TestState tries once and says when it would again
			v.trace.retry(i, delay)
			return outcome{}, failed
		}
		sleep(ctx, v.run.clock, delay)
		if ctx.Err() != nil {
			return outcome{}, errStopped
		}
		attempts[i]++
		v.retries++
		v.resume = nil
	}
}

func (v *visit) attempt(ctx context.Context, work func(context.Context) (any, error)) (outcome, error) {
	v.result, v.hasResult, v.states = nil, false, nil
	result, err := work(ctx)
	v.worked = err == nil
	if err != nil {
		return outcome{}, err
	}
	if err := v.limit(result); err != nil {
		return outcome{}, err
	}
	v.trace.note("result", result)
	v.result, v.hasResult, v.states = result, true, nil
	s := v.state
	return v.leave(exit{
		next: s.Next, value: result, isResult: true, resultSelector: s.ResultSelector, resultPath: s.ResultPath, output: s.Output, assign: s.Assign,
	})
}

// gaveUp tells the history that a Map or Parallel failed for good. The service does not, where a field of the state itself cannot be
// used, or where all paths inside had ended well.
func (v *visit) gaveUp(failed *Error) {
	if v.worked || v.ownFault && failed.Name == ErrorRuntime {
		return
	}
	switch v.state.Type {
	case TypeMap, TypeParallel:
		v.emit(Event{Type: string(v.state.Type) + "StateFailed"})
	}
}

// caught leaves the state by the first catcher that takes the error (specification, "Fallback states"), or gives the error back.
func (v *visit) caught(failed *Error) (outcome, error) {
	for i, c := range v.state.Catch {
		if !failed.matches(c.ErrorEquals) {
			continue
		}
		v.trace.caught(i, failed)
		v.result, v.hasResult, v.states = nil, false, nil
		v.errorOutput, v.hasError = failed.output(), true
		return v.leave(exit{next: c.Next, value: v.errorOutput, isResult: true, resultPath: c.ResultPath, output: c.Output, assign: c.Assign, caught: true})
	}
	return outcome{}, failed
}

// output is the error as a catcher sees it (specification, "Error output"). What the error does not name is null.
func (e *Error) output() map[string]any {
	out := map[string]any{"Error": e.Name, "Cause": cut(e.Cause)}
	if e.Name == "" {
		out["Error"] = nil
	}
	if e.Cause == "" && !e.timeout() {
		out["Cause"] = nil
	}
	return out
}

func (e *Error) timeout() bool { return e.Name == ErrorTimeout || e.Name == ErrorHeartbeat }

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

// matches says whether a list of error names takes the error. Nothing takes States.Runtime. States.ALL does not take a payload of
// the state itself that is too large, but it takes an answer of a task that is (so recordings of the service have it).
func (e *Error) matches(names []string) bool {
	if e.Name == ErrorRuntime {
		return false
	}
	return slices.ContainsFunc(names, func(want string) bool {
		switch want {
		case e.Name:
			return true
		case ErrorAll:
			return e.Name != ErrorDataLimit || e.ofTask
		case ErrorTaskFailed:
			return !e.timeout() && (e.Name != ErrorDataLimit || e.ofTask)
		case ErrorTimeout:
			return e.timeout()
		case ErrorHeartbeat:
			return e.heartbeat
		}
		return false
	})
}
