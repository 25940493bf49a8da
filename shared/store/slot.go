package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// MaxSlots is how many runs of one job may be under way at once.
const MaxSlots = 40

// LockName names one of a job's locks. The first one, which is all that a job without max_instances has, is named as the job; each other
// has its number behind it. Wherever a lock is named, as in Holding.Job, this is the name.
func LockName(job string, slot int) string {
	if slot <= 0 {
		return job
	}
	return fmt.Sprintf("%s#%03d", job, slot)
}

// SlotOf takes the name of a lock apart.
func SlotOf(lock string) (job string, slot int) {
	job, digits, found := strings.Cut(lock, "#")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !found || err != nil || LockName(job, int(n)) != lock {
		return lock, 0
	}
	return job, int(n)
}

// LockOf gives the lock that names a run, as the one that it holds or held last; that of the first slot when none does.
func LockOf(ctx context.Context, s LockStore, job, run string) (Lock, error) {
	locks, err := s.Slots(ctx, job)
	if err != nil {
		return Lock{}, err
	}
	out := Lock{Job: job, Status: Pending}
	for i, l := range locks {
		_, slot := SlotOf(l.Job)
		mine := l.Run == run && l.Term > 0
		if slot == 0 && (i == 0 || out.Run != run) || mine && (out.Run != run || l.Status == InProgress) {
			out = l
		}
	}
	return out, nil
}

// first is the slot at which a run begins to look, so that runs spread over them.
func first(run string, slots int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(run)) // never fails
	return int(h.Sum32() % uint32(slots))
}

// takeSlot is Take for a job that may have several runs under way: each slot is a full lock, and is tried once. A run that has a slot keeps
// it. One slot that used up its tries closes the job, so that a job that keeps failing stops whatever its number of slots (invariant 9).
func (p Protocol) takeSlot(ctx context.Context, r TakeRequest) (Taken, error) {
	job, slots := r.Job, min(r.Slots, MaxSlots)
	r.Slots = 0
	locks, err := p.Store.Slots(ctx, job)
	if err != nil {
		return Taken{}, fmt.Errorf("read the locks of job %s: %w", job, err)
	}
	for _, l := range locks {
		if l.Run == r.Run && l.Term > 0 && l.Status != Pending {
			r.Job = l.Job
			return p.Take(ctx, r)
		}
	}
	for _, l := range locks {
		if l.Status == Ignored {
			return Taken{Outcome: OutcomeIgnored, Lock: l}, nil
		}
	}
	var answer Taken
	from := first(r.Run, slots)
	for i := range slots {
		r.Job = LockName(job, (from+i)%slots)
		taken, err := p.Take(ctx, r)
		if err != nil || taken.Outcome != OutcomeHeld && taken.Outcome != OutcomeNotReady {
			return taken, err
		}
		if i == 0 || taken.Outcome == OutcomeNotReady {
			answer = taken
		}
	}
	return answer, nil
}

// claimed judges a BIND that another slot's claim refused: that run has the partition, unless this one has lost its own lock.
func (p Protocol) claimed(ctx context.Context, w BindCheckpoint, got Checkpoint) error {
	own, err := p.Store.Lock(ctx, LockName(w.Job, w.Slot))
	if err != nil {
		return fmt.Errorf("bind %s: %w", w.Path(), err)
	}
	if own.Run == w.Run && own.Term == w.Term && own.Status == InProgress {
		return fault.New(fault.Held, "bind %s: run %s has it", w.Path(), got.Run)
	}
	return superseded("bind %s: the lock is %s by run %s in term %d, this is term %d", w.Path(), own.Status, own.Run, own.Term, w.Term)
}

// Claims says whether the run that bound a checkpoint has it still: its lock, which is the one of the checkpoint's slot, is in progress
// under the same term.
func (c Checkpoint) Claims(l Lock) bool { return l.Status == InProgress && l.Term == c.Term }
