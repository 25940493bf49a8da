package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// lives is a Prover that says one thing of everybody.
type lives store.Life

// Life implements store.Prover.
func (l lives) Life(context.Context, store.Lock) (store.Life, error) { return store.Life(l), nil }

// mute is a Prover that cannot be asked.
type mute struct{}

// Life implements store.Prover.
func (mute) Life(context.Context, store.Lock) (store.Life, error) {
	return store.Alive, errors.New("throttled")
}

// protocol is the decisions over the case's store.
func (e *env) protocol(p store.Prover) store.Protocol {
	n := 0
	return store.Protocol{
		Store: e.s, Prover: p, Now: func() time.Time { return e.now.Add(123 * time.Microsecond) },
		NewRVN: func() string { n++; return e.Name() + string(rune('0'+n)) },
		Jitter: func(limit time.Duration) time.Duration { return min(limit, time.Millisecond) },
	}
}

func (e *env) request(run, epoch string) store.TakeRequest {
	return store.TakeRequest{Job: e.job, Run: run, Epoch: epoch, Holder: "exec:" + run, LeaseUntil: e.now.Add(time.Minute + time.Microsecond), MaxTries: 3}
}

// outcome takes the lock and checks what became of it.
func (e *env) outcome(p store.Prover, r store.TakeRequest, want store.Outcome) store.Taken {
	e.Helper()
	got, err := e.protocol(p).Take(e.Context(), r)
	e.ok(err)
	if got.Outcome != want {
		e.Fatalf("outcome %s, want %s; lock %+v", got.Outcome, want, got.Lock)
	}
	e.same("stored lock", e.lock(), got.Lock)
	return got
}

func (e *env) code(err error, want fault.Code) {
	e.Helper()
	if got := fault.CodeOf(err); got != want {
		e.Fatalf("error %v, code %q, want %q", err, got, want)
	}
}

func takeCases() []testCase {
	const ok, held, ignored = store.OutcomeAcquired, store.OutcomeHeld, store.OutcomeIgnored
	cases := []testCase{
		{"twice: the second finds the first's", func(e *env) {
			first := e.outcome(nil, e.request("r1", epoch1), ok)
			again := e.outcome(nil, e.request("r1", epoch1), ok)
			e.same("lock", again.Lock, first.Lock)
		}},
		{"done", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "")
			e.outcome(nil, e.request("r1", epoch4), store.OutcomeDone)
		}},
		{"not ready", func(e *env) {
			l := e.mustAcquire("r0")
			_, _, err := e.s.Release(e.Context(), store.ReleaseLock{Holding: holding(l), Code: "Internal", NotBefore: e.now.Add(time.Second), Now: e.now})
			e.ok(err)
			e.outcome(nil, e.request("r1", epoch1), store.OutcomeNotReady)
		}},
		{"unfenced waits for the lease of an execution, not of a dead process", func(e *env) {
			r := e.request("r1", epoch1)
			r.Unfenced = true
			e.mustRelease(e.mustAcquire("r0"), "")
			e.outcome(lives(store.Dead), r, store.OutcomeNotReady)
			e.job += "-local"
			r.Job = e.job
			w := e.take("r0")
			w.Holder = "local:h:t"
			l, _, err := e.s.Acquire(e.Context(), w)
			e.ok(err)
			e.mustRelease(l, "")
			e.outcome(lives(store.Alive), r, store.OutcomeNotReady)
			e.outcome(lives(store.Dead), r, ok)
		}},
		{"unfenced does not wait for an earlier run of this process", func(e *env) {
			w := e.take("r0")
			w.Holder = "local:h:t"
			l, _, err := e.s.Acquire(e.Context(), w)
			e.ok(err)
			e.mustRelease(l, "")
			r := e.request("r1", epoch1)
			r.Unfenced, r.Holder = true, w.Holder
			e.outcome(lives(store.Alive), r, ok)
		}},
		{"used up: closed by whoever meets it, then ignored", func(e *env) {
			e.mustUseUp()
			e.outcome(nil, e.request("r1", epoch1), ignored)
			e.outcome(nil, e.request("r2", epoch1), ignored)
		}},
		{"used up and its holder dead", func(e *env) {
			e.mustAcquire("r0")
			r := e.request("r1", epoch1)
			r.MaxTries = 1
			e.outcome(lives(store.Dead), r, ignored)
		}},
		{"redrive: same term, a try more, stop gone", func(e *env) {
			l := e.mustStop(e.mustAcquire("r1"))
			got := e.outcome(nil, e.request("r1", epoch4), ok)
			if !got.Retaken || got.Lock.Term != l.Term || got.Lock.Tries != 2 || got.Lock.Stop != "" || got.Lock.Epoch != epoch4 {
				e.Fatalf("got %+v", got)
			}
			_, err := e.protocol(nil).Take(e.Context(), e.request("r1", epoch1))
			e.code(err, fault.Superseded)
		}},
		{"redrive of a used-up run: ignored; after progress: forgiven", func(e *env) {
			l := e.mustAcquire("r1")
			e.mustStart(e.run("r1"))
			r := e.request("r1", epoch4)
			r.MaxTries = 1
			e.mustMove(e.mustBind(e.bind("r1", l.Term, 0)))
			if got := e.outcome(nil, r, ok); got.Lock.Tries != 1 || got.Lock.Progress != 1 {
				e.Fatalf("got %+v", got)
			}
			r.Epoch = "0002#0001#0000#0000"
			e.outcome(nil, r, ignored)
		}},
		{"this run after it failed in this epoch", func(e *env) {
			e.mustRelease(e.mustAcquire("r1"), "Internal")
			_, err := e.protocol(nil).Take(e.Context(), e.request("r1", epoch1))
			e.code(err, fault.Superseded)
		}},
		{"two processes continue one run", func(e *env) {
			w := e.take("r1")
			w.Holder = "local:h:a"
			_, _, err := e.s.Acquire(e.Context(), w)
			e.ok(err)
			r := e.request("r1", epoch4)
			r.Holder = "local:h:b"
			e.outcome(lives(store.Alive), r, held)
			e.outcome(lives(store.Dead), r, ok)
			r.Holder = "local:h:c"
			e.outcome(lives(store.Dead), r, held)
		}},
	}
	return append(cases, holderCases()...)
}

// holderCases are what becomes of a lock in progress, by its holder, what is known about that, and how long ago its lease ended.
func holderCases() []testCase {
	var cases []testCase
	for _, c := range []struct {
		name   string
		holder string
		prover store.Prover
		after  time.Duration
		want   store.Outcome
	}{
		{"dead execution", "exec", lives(store.Dead), -time.Minute, store.OutcomeAcquired},
		{"living execution, lease long over", "exec", lives(store.Alive), 100 * time.Hour, store.OutcomeHeld},
		{"unknown execution, lease just over", "exec", lives(store.Unknown), store.Skew + time.Second, store.OutcomeHeld},
		{"unknown execution, lease over by 2 hours and the skew", "exec", lives(store.Unknown), store.Unproven + store.Skew, store.OutcomeHeld},
		{"unknown execution, lease over by more", "exec", lives(store.Unknown), store.Unproven + store.Skew + time.Millisecond, store.OutcomeAcquired},
		{"execution that cannot be asked about", "exec", mute{}, store.Unproven + store.Skew + time.Millisecond, store.OutcomeAcquired},
		{"no prover", "exec", nil, store.Unproven + store.Skew, store.OutcomeHeld},
		{"dead process", "local:h:t", lives(store.Dead), -time.Minute, store.OutcomeAcquired},
		{"living process, lease over by the skew", "local:h:t", lives(store.Alive), store.Skew, store.OutcomeHeld},
		{"living process, lease over by more", "local:h:t", lives(store.Alive), store.Skew + time.Millisecond, store.OutcomeAcquired},
		{"unknown process, lease over by more", "local:h:t", lives(store.Unknown), store.Skew + time.Millisecond, store.OutcomeAcquired},
	} {
		cases = append(cases, testCase{"held by " + c.name, func(e *env) {
			w := e.take("r0")
			w.Holder = c.holder
			l, _, err := e.s.Acquire(e.Context(), w)
			e.ok(err)
			e.now = l.LeaseUntil.Add(c.after)
			got := e.outcome(c.prover, e.request("r1", epoch1), c.want)
			if c.want == store.OutcomeAcquired && (!got.Stolen || got.Lock.PrevRun != "r0" || got.Lock.Term != 2) {
				e.Fatalf("got %+v", got)
			}
		}})
	}
	return cases
}
