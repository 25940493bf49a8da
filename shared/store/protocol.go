package store

import (
	"context"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Skew is how far clocks may be apart before somebody is disturbed; a lease counts as passed when it ended this long ago.
const Skew = 30 * time.Second

// Unproven is how long beyond Skew the lease of an execution must have passed when nobody can tell whether it is dead.
const Unproven = 2 * time.Hour

// DefaultMaxTries is how many takes without progress a job has when the request says 0.
const DefaultMaxTries = 3

// Life says whether the holder of a lock still works.
type Life int

// What a Prover can say.
const (
	Unknown Life = iota // nobody can tell
	Alive
	Dead // its top and its holder will write nothing more under the lock's epoch
)

// Prover tells whether the holder of a lock is alive. An execution is Dead when it and its top are not RUNNING and each has a
// redriveCount of at least the epoch's part; a process is Dead when it ended. An error counts as Unknown.
type Prover interface {
	Life(ctx context.Context, l Lock) (Life, error)
}

// Protocol is the decisions of docs/protocol.md over any Store. Its methods may be called again after an error: they recognise
// what they did. It is safe for concurrent use when its parts are.
type Protocol struct {
	Store  Store
	Prover Prover                                // nil: every holder is Unknown
	Now    func() time.Time                      // this machine's clock
	NewRVN func() string                         // 128 random bits, as text
	Jitter func(max time.Duration) time.Duration // uniform in 0…max
}

// maxRounds bounds how often a decision is made anew because the lock changed between reading and writing.
const maxRounds = 8

// sends bounds how often one checkpoint is sent; waitCap is the longest wait between two.
const (
	sends    = 8
	waitBase = 20 * time.Millisecond
	waitCap  = 2 * time.Second
)

// Gone says whether a lock in progress may be taken from its holder now: it is proven dead, or silent for so long that it counts as dead.
func (p Protocol) Gone(ctx context.Context, l Lock) (bool, error) {
	gone, _, err := p.proof(ctx, l)
	return gone, err
}

// proof says whether a lock in progress may be taken from its holder. A time that is not zero is the proof's condition: the lease
// must still be before it when the write happens.
func (p Protocol) proof(ctx context.Context, l Lock) (bool, time.Time, error) {
	life := Unknown
	if p.Prover != nil {
		got, err := p.Prover.Life(ctx, l)
		if err == nil {
			life = got
		} else if ctx.Err() != nil {
			return false, time.Time{}, err
		}
	}
	limit := p.now().Add(-Skew)
	switch {
	case life == Dead:
		return true, time.Time{}, nil
	case isLocal(l.Holder):
	case life == Alive: // a throttled run is not robbed; the machine's time-out bounds it
		return false, time.Time{}, nil
	default:
		limit = limit.Add(-Unproven)
	}
	return l.LeaseUntil.Before(limit), limit, nil
}

// send calls write until its error is none that passes by itself, with full jitter between two calls.
func (p Protocol) send(ctx context.Context, write func() error) error {
	for n := 0; ; n++ {
		err := write()
		if code := fault.CodeOf(err); code != fault.Transient && code != fault.RateLimited || n == sends-1 {
			return err
		}
		if err := p.wait(ctx, Backoff(waitBase, waitCap, n)); err != nil {
			return err
		}
	}
}

// wait waits for a random part of limit.
func (p Protocol) wait(ctx context.Context, limit time.Duration) error {
	t := time.NewTimer(p.Jitter(limit))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Backoff is min(limit, base·2^n) without overflow; 0 when base or limit is 0.
func Backoff(base, limit time.Duration, n int) time.Duration {
	d := max(base, 0)
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return max(min(d, limit), 0)
}

// now cuts the clock to what stores keep, so that a decision here and a condition there compare the same numbers.
func (p Protocol) now() time.Time { return p.Now().Truncate(time.Millisecond) }

// maxTries gives the bound of takes without progress.
func maxTries(n int) int {
	if n <= 0 {
		return DefaultMaxTries
	}
	return n
}

// superseded is the error that ends whoever lost the lock or the partition for good.
func superseded(format string, args ...any) error {
	return fault.New(fault.Superseded, format, args...).WithHint("this run or attempt must stop; start a new run")
}
