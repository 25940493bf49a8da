package store

import (
	"fmt"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// The most bytes that a checkpoint may hold in these places, so that the item stays within 1 KB.
const (
	MaxPosition = 512
	MaxWindow   = 700
)

// Path gives job/stream/partition, encoded.
func (k CheckpointKey) Path() string {
	return fmt.Sprintf("%s/%s/%s", EncodeKey(k.Job), EncodeKey(k.Stream), EncodeKey(k.Partition))
}

// Check says DataInvalid when a part of the key is empty or too long.
func (k CheckpointKey) Check() error {
	for _, part := range []struct{ name, value string }{{"job", k.Job}, {"stream", k.Stream}, {"partition", k.Partition}} {
		if part.value == "" {
			return fault.New(fault.DataInvalid, "the checkpoint's %s is empty", part.name)
		}
		if n := len(EncodeKey(part.value)); n > MaxKeyPart {
			return fault.New(fault.DataInvalid, "the checkpoint's %s has %d bytes, at most %d", part.name, n, MaxKeyPart)
		}
	}
	return nil
}

// Check says DataInvalid when the request breaks a rule that needs no look at the state: one seq at a time (invariant 2), every
// record accounted for (invariant 5), sizes.
func (w MoveCheckpoint) Check() error {
	switch {
	case w.Seq != w.PrevSeq+1 || w.PrevSeq < 0:
		return fault.New(fault.DataInvalid, "seq %d does not follow %d", w.Seq, w.PrevSeq)
	case len(w.Position) > MaxPosition:
		return fault.New(fault.DataInvalid, "the position has %d bytes, at most %d", len(w.Position), MaxPosition)
	case len(w.Window) > MaxWindow:
		return fault.New(fault.DataInvalid, "the failure window has %d bytes, at most %d", len(w.Window), MaxWindow)
	case !w.Counters.Closed():
		return fault.New(fault.DataInvalid, "%d records read, but %d loaded, %d filtered and %d failed",
			w.Counters.Read, w.Counters.Loaded, w.Counters.Filtered, w.Counters.Failed)
	}
	return w.CheckpointKey.Check()
}

// Made says whether the item shows that this very request was applied.
func (w MoveCheckpoint) Made(c Checkpoint) bool {
	return c.Fence == w.Fence && c.Owner == w.Owner && c.Seq == w.Seq && c.Position == w.Position
}
