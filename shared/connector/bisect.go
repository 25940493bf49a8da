package connector

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Bisect writes rows [0, n) by try, which writes rows [lo, hi) as a whole or not at all. When try refuses with DataInvalid, the rows
// are halved until each bad row stands alone; its refusal carries the error's message. Any other error ends it. Cost: one call
// when nothing is wrong, about 2·log2(n) calls more for each bad row.
func Bisect(ctx context.Context, n int, try func(lo, hi int) error) ([]record.Refusal, error) {
	var refused []record.Refusal
	var part func(lo, hi int) error
	part = func(lo, hi int) error {
		if lo >= hi {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := try(lo, hi)
		switch {
		case err == nil:
			return nil
		case !fault.Has(err, fault.DataInvalid):
			return err
		case hi-lo == 1:
			refused = append(refused, record.Refusal{Row: lo, Code: string(fault.DataInvalid), Message: err.Error()})
			return nil
		}
		mid := lo + (hi-lo)/2
		if err := part(lo, mid); err != nil {
			return err
		}
		return part(mid, hi)
	}
	err := part(0, n)
	return refused, err
}
