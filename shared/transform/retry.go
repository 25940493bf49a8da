package transform

import (
	"context"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// maxDelay is the longest wait between two tries.
const maxDelay = time.Minute

// retry is how often refused records are tried again, and how long is waited before.
type retry struct {
	max   int
	delay time.Duration
	sleep func(ctx context.Context, d time.Duration) error
}

func retryOf(c Config) retry {
	if c.OnFailure.Action != job.Retry {
		return retry{}
	}
	r := retry{max: min(max(c.OnFailure.MaxRetries, 0), 10), delay: c.OnFailure.Delay(), sleep: c.Sleep}
	if r.sleep == nil {
		r.sleep = sleep
	}
	return r
}

// wait waits before the next try: the delay doubled for each try, and of it between a half and the whole. Where in between depends on
// the batch, so that partitions do not all come back at once and a run that is repeated waits as before.
func (r retry) wait(ctx context.Context, b record.Batch, try int) error {
	d := min(r.delay<<(try-1), maxDelay)
	if d <= 0 {
		return ctx.Err()
	}
	share := xxhash.Sum64String(fmt.Sprintf("%s|%s|%d|%d", b.Start, b.End, b.Len(), try)) % 1000
	return r.sleep(ctx, d/2+d/2*time.Duration(share)/1000)
}
