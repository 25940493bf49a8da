package load

import (
	"context"
	"slices"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/validate"
)

// window applies the partition's failure window to a batch.
type window struct {
	config  job.Window
	stored  string         // as the last checkpoint left it
	reason  *record.Reject // the first failure that was not accepted
	left    string         // as this batch leaves it
	frozen  string         // as it was when it did not accept a failure
	settled bool
	over    bool // more failed than it accepts, yet all of the batch is loaded
}

// accept runs the window over a batch's originals in order and answers how many of them are accepted: all, or those before the
// failure that is one too many.
func (w *window) accept(read int, rejects []record.Reject) (int, error) {
	win, err := validate.Decode(w.config, w.stored)
	if err != nil {
		return 0, fault.New(fault.DataInvalid, "the stored failure window is damaged: %w", err).WithHint("reset the job")
	}
	at := 0
	for i, r := range rejects {
		good := r.Index - at
		if n := win.Store(good, false); n < good {
			w.keep(win, &rejects[i])
			return at + n, nil
		}
		if win.Store(1, true) == 0 {
			w.keep(win, &rejects[i])
			return r.Index, nil
		}
		at = r.Index + 1
	}
	n := win.Store(read-at, false)
	w.keep(win, nil)
	if n < read-at { // shut by an earlier run
		w.frozen = w.left
	}
	return at + n, nil
}

func (w *window) keep(win *validate.Window, reason *record.Reject) {
	w.left, w.settled = win.Encode(), true
	if reason != nil {
		w.reason, w.frozen = reason, w.left
	}
}

// after is the window as the batch leaves it; one that did not accept a failure stays shut until the job is reset.
func (w *window) after(b record.Batch) (string, error) {
	if w.frozen != "" {
		return w.frozen, nil
	}
	if !w.settled {
		n, err := w.accept(b.Read, b.Rejects)
		if err != nil {
			return "", err
		}
		w.over = n < b.Read // by what a later destination refused: the batch is loaded, and the last of the partition for now
	}
	return w.left, nil
}

// shut makes the window one that did not accept the record behind the batch.
func (w *window) shut(b record.Batch) error {
	if _, err := w.accept(b.Read, b.Rejects); err != nil {
		return err
	}
	win, err := validate.Decode(w.config, w.left)
	if err != nil {
		return err
	}
	win.Store(1, true)
	w.frozen = win.Encode()
	return nil
}

// fit cuts the batch to the prefix that the window accepts, by the failures that are known before anything is written.
func (d *delivery) fit(ctx context.Context) error {
	d.window = &window{config: d.Job.OnFailure.Window, stored: d.bound.Window}
	n, err := d.window.accept(d.batch.Read, d.batch.Rejects)
	if err != nil || n == d.batch.Read {
		return err
	}
	d.tripped = true
	return d.cut(ctx, n)
}

// cut keeps the first n originals.
func (d *delivery) cut(ctx context.Context, n int) error {
	whole, err := d.extracted(ctx)
	if err != nil {
		return err
	}
	d.batch = prefix(d.batch, n)
	d.batch.End = d.batch.Start
	if n > 0 {
		d.batch.End = whole.Positions.At(n - 1)
	}
	return nil
}

// prefix is the first n originals of a batch.
func prefix(b record.Batch, n int) record.Batch {
	var rows []int32
	for row := range b.Len() {
		if b.OriginOf(row) >= n {
			break
		}
		rows = append(rows, int32(row))
	}
	out := b.Keep(rows)
	out.Read, out.Last = n, false
	out.Rejects = slices.DeleteFunc(slices.Clone(b.Rejects), func(r record.Reject) bool { return r.Index >= n })
	return out
}

// extracted is the batch as it was cut from the source.
func (d *delivery) extracted(ctx context.Context) (*record.Batch, error) {
	if d.whole == nil {
		b, err := d.Batch(ctx, step.Sibling(d.name, step.Extracted))
		if err != nil {
			return nil, err
		}
		d.whole = &b
	}
	return d.whole, nil
}
