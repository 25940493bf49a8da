package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// deliver writes the batch to each destination in the job's order: those that keep receipts first. A record that one refuses goes to
// none behind it.
func (d *delivery) deliver(ctx context.Context) error {
	d.loaded = map[int]bool{}
	for i := 0; i < len(d.Job.Destinations); i++ {
		receipt, err := d.write(ctx, i)
		var c *cutError
		if errors.As(err, &c) { // nothing is written yet: start over with the prefix that the window accepts
			d.tripped = true
			if err := d.cut(ctx, c.accepted); err != nil {
				return err
			}
			i = -1
			continue
		}
		if err != nil {
			return fmt.Errorf("destination %s: %w", d.Job.Destinations[i].Name, d.Behind(ctx, d.bound, err))
		}
		d.wrote = true
		if i == 0 {
			d.counts.Inserted, d.counts.Updated, d.counts.Unchanged = receipt.Inserted, receipt.Updated, receipt.Unchanged
		}
	}
	return nil
}

// write loads one destination and takes what it refused out of the batch.
func (d *delivery) write(ctx context.Context, i int) (connector.Receipt, error) {
	dest, err := d.Destination(ctx, i)
	if err != nil {
		return connector.Receipt{}, err
	}
	rows, err := d.shape(ctx, i)
	if err != nil {
		return connector.Receipt{}, err
	}
	target := d.compiled.Targets[i]
	if target.Write.DeleteMissing {
		if err := d.keepMissing(ctx, target.Key); err != nil {
			return connector.Receipt{}, err
		}
	}
	request := connector.LoadRequest{
		Target: target, Partition: d.Call.Item.Partition, Claim: d.Claim(d.bound), Seq: d.bound.Seq + 1,
		Name: d.name, Batch: rows, Start: d.batch.Start, End: d.batch.End,
	}
	if slices.Equal(target.Key, d.plan.Key()) { // else keepMissing has seen to them
		request.Protect = keys(d.batch.Rejects)
	}
	if d.Guarantee(d.Job.Destinations[i]).Level != connector.ExactlyOnce { // what it was given cannot be taken back
		if err := d.settle(ctx); err != nil {
			return connector.Receipt{}, err
		}
	}
	receipt, err := d.tries(ctx, dest, request)
	if err != nil {
		return receipt, err
	}
	if receipt.Existing && receipt.Seq != request.Seq {
		return receipt, fault.New(fault.StateBehind, "the destination has batch %d of partition %s, the state is at %d", receipt.Seq, request.Partition, d.bound.Seq).
			WithHint("the state is older than the destination, as after a restore; nothing was written")
	}
	if receipt.Existing && (receipt.Batch != d.name || receipt.End != d.batch.End) {
		if err := d.adopt(ctx, receipt); err != nil {
			return receipt, err
		}
		if rows, err = d.shape(ctx, i); err != nil {
			return receipt, err
		}
	}
	if err := d.refuse(ctx, rows, receipt.Refused); err != nil {
		return receipt, err
	}
	if len(receipt.Refused) > 0 {
		for j, t := range d.compiled.Targets { // those written before too: their rows of these records were seen, but not by this key
			if t.Write.DeleteMissing && j <= i {
				if err := d.keepMissing(ctx, t.Key); err != nil {
					return receipt, err
				}
			}
		}
	}
	refused := map[int]bool{}
	for _, r := range d.batch.Rejects {
		refused[r.Index] = true
	}
	for row := range rows.Len() {
		if o := rows.OriginOf(row); !refused[o] {
			d.loaded[o] = true
		}
	}
	return receipt, nil
}

// cutError rolls a destination's transaction back since the window does not accept all of the batch.
type cutError struct{ accepted int }

// Error says how many records are accepted.
func (e *cutError) Error() string { return fmt.Sprintf("only %d records are accepted", e.accepted) }

// errAgain rolls a destination's transaction back since refused records are to be tried again.
var errAgain = errors.New("refused records are tried again")

// tries loads, and loads again while the job retries refused records.
func (d *delivery) tries(ctx context.Context, dest connector.Destination, r connector.LoadRequest) (connector.Receipt, error) {
	policy := d.Job.OnFailure
	for n := 0; ; n++ {
		r.Confirm = func(refused []record.Refusal) error {
			if err := d.settle(ctx); err != nil {
				return err
			}
			switch {
			case len(refused) == 0:
				return nil
			case policy.Action == job.Retry && n < policy.MaxRetries:
				return errAgain
			case d.wrote: // another destination has the batch, so it is checkpointed; the run ends behind it
				d.refused = policy.Action == job.Stop
				return nil
			case policy.Action == job.Stop:
				return fault.New(fault.DataInvalid, "the destination refuses %d records, the first: %s", len(refused), refused[0].Message).WithHint("on_failure is abort")
			}
			return d.confirm(r.Batch, refused)
		}
		receipt, err := dest.Load(ctx, r)
		if !errors.Is(err, errAgain) {
			for i := range receipt.Refused {
				receipt.Refused[i].Tries = n + 1
			}
			return receipt, err
		}
		wait := policy.Delay() << n
		if err := d.Sleep(ctx, time.Duration(rand.Int64N(int64(wait)+1))); err != nil {
			return receipt, err
		}
	}
}

// errOvertaken rolls a destination's transaction back since somebody else has made an object of the batch: theirs counts.
var errOvertaken = errors.New("somebody else has made the object of the batch")

// settle waits until the objects of the batch are durable. A receipt that names the batch, and a checkpoint behind it, come after that.
func (d *delivery) settle(ctx context.Context) error {
	ours, err := d.Settle(ctx, d.Call.Item.Batch)
	if err == nil && !ours {
		err = errOvertaken
	}
	return err
}

// confirm holds the failures, with those that the destination adds, against the window.
func (d *delivery) confirm(rows record.Batch, refused []record.Refusal) error {
	b := d.batch.Refuse("load", originals(d.batch, rows, refused), nil, nil)
	n, err := d.window.accept(b.Read, b.Rejects)
	if err != nil {
		return err
	}
	if n < b.Read {
		return &cutError{n}
	}
	return nil
}

// refuse takes refused rows out of the batch, with the record as it came from the source.
func (d *delivery) refuse(ctx context.Context, rows record.Batch, refused []record.Refusal) error {
	if len(refused) == 0 {
		return nil
	}
	var whole *record.Batch
	if d.batch.IsSplit() || rows.IsSplit() {
		var err error
		if whole, err = d.extracted(ctx); err != nil {
			return err
		}
	}
	d.batch = d.batch.Refuse("load", originals(d.batch, rows, refused), d.plan.Key(), whole)
	d.window.settled = false
	return nil
}

// originals turns refused rows of what a destination got into rows of the batch.
func originals(b, rows record.Batch, refused []record.Refusal) []record.Refusal {
	out := make([]record.Refusal, 0, len(refused))
	for _, r := range refused {
		if row := b.RowOf(rows.OriginOf(r.Row)); row >= 0 {
			r.Row = row
			out = append(out, r)
		}
	}
	return out
}

// adopt takes over the batch that a destination's receipt names: an earlier attempt loaded it, so it is what all other destinations, the
// failures and the checkpoint must have.
func (d *delivery) adopt(ctx context.Context, r connector.Receipt) error {
	if d.wrote {
		return fault.New(fault.StateBehind, "two destinations hold different batches of seq %d", r.Seq)
	}
	b, err := d.Batch(ctx, r.Batch)
	if err != nil {
		return fmt.Errorf("batch %s, which the destination holds: %w", r.Batch, err)
	}
	d.Log.WarnContext(ctx, "batch of an earlier attempt taken over", "run_id", d.Call.Run, "seq", r.Seq)
	d.name, d.batch, d.whole = r.Batch, b, nil
	d.window.settled = false
	if b.End == r.End {
		return nil
	}
	whole, err := d.extracted(ctx)
	if err != nil {
		return err
	}
	for n := range whole.Read + 1 {
		if n == 0 && b.Start == r.End || n > 0 && whole.Positions.At(n-1) == r.End {
			if err := d.cut(ctx, n); err != nil {
				return err
			}
			d.tripped = true // the earlier attempt loaded what its window accepted
			return d.window.shut(d.batch)
		}
	}
	return fault.New(fault.StateBehind, "the destination's receipt ends at a position that its batch does not have")
}

// shape gives the rows as one destination gets them: through its own transforms, and by its key the last of each record.
func (d *delivery) shape(ctx context.Context, i int) (record.Batch, error) {
	rows := d.batch
	if chain := d.compiled.Destinations[i]; chain != nil {
		rejected := len(rows.Rejects)
		var err error
		if rows, err = chain.Apply(ctx, rows); err != nil {
			return rows, err
		}
		if len(rows.Rejects) > rejected { // they fail for all destinations
			d.take(rows.Rejects)
			return d.shape(ctx, i)
		}
	}
	if t := d.compiled.Targets[i]; t.Write.Mode == job.Upsert {
		rows = lastOfKey(rows, t.Key)
	}
	return rows, nil
}

// take makes rejects of a destination's transforms rejects of the batch.
func (d *delivery) take(rejects []record.Reject) {
	gone := make(map[int]bool, len(rejects))
	for _, r := range rejects {
		gone[r.Index] = true
	}
	var keep []int32
	for row := range d.batch.Len() {
		if !gone[d.batch.OriginOf(row)] {
			keep = append(keep, int32(row))
		}
	}
	d.batch = d.batch.Keep(keep)
	d.batch.Rejects = rejects
	d.window.settled = false
}

// lastOfKey keeps the last row of each key: a key that comes twice in a batch is one record downstream.
func lastOfKey(b record.Batch, key []string) record.Batch {
	last := make(map[string]int32, b.Len())
	for row := range b.Len() {
		last[b.Key(row, key)] = int32(row)
	}
	if len(last) == b.Len() {
		return b
	}
	keep := make([]int32, 0, len(last))
	for row := range b.Len() {
		if last[b.Key(row, key)] == int32(row) || nullKey(b, row, key) {
			keep = append(keep, int32(row))
		}
	}
	return b.Keep(keep)
}

// nullKey says whether a column of the key is null: such rows are no one record, and the destination has its say on each.
func nullKey(b record.Batch, row int, key []string) bool {
	for _, k := range key {
		if col, _, ok := b.Column(k); !ok || col.IsNull(row) {
			return true
		}
	}
	return false
}

func keys(rejects []record.Reject) []string {
	var out []string
	for _, r := range rejects {
		if r.Key != "" {
			out = append(out, r.Key)
		}
	}
	return out
}

// keepMissing notes that the run must not delete what is missing, since a record failed that has no key to be told apart by, or none that
// is the target's.
func (d *delivery) keepMissing(ctx context.Context, key []string) error {
	if len(d.batch.Rejects) == 0 {
		return nil
	}
	unknown := !slices.Equal(key, d.plan.Key())
	for _, r := range d.batch.Rejects {
		unknown = unknown || r.Key == "" || strings.Contains(r.Key, "null")
	}
	if !unknown {
		return nil
	}
	return d.KeepMissing(ctx, d.Call.Item.Stream)
}
