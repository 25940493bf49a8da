// Package extract is the step that cuts the next batch of a partition. It writes nothing but the batch object, which it makes once:
// an object that exists is used as it is.
package extract

import (
	"context"
	"regexp"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
)

// Run cuts the batch behind the item's position and names the next state. A partition without (new) records has one empty batch, whose
// checkpoint says that the run reached its end. Errors: those of the source, DuplicatePosition, Superseded,
// DataInvalid (a record cannot be decoded and the job aborts on failures), and those of the stores.
func Run(ctx context.Context, env *step.Env, c stage.Call) (stage.ExtractResult, error) {
	return step.Do(ctx, env, "extract", c, run)
}

func run(ctx context.Context, t *step.Turn) (stage.ExtractResult, error) {
	item := t.Call.Item
	done := stage.ExtractResult{Next: stage.NextDone, Seq: item.Seq, Start: item.Position, End: item.Position}
	if t.Stopping() {
		return done, nil
	}
	if item.Turns >= item.Budget {
		done.More = true
		return done, nil
	}
	s, p, err := t.Stream(ctx)
	if err != nil {
		return stage.ExtractResult{}, err
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return stage.ExtractResult{}, err
	}
	if err := t.Enter(ctx); err != nil {
		return stage.ExtractResult{}, err
	}
	key := t.BatchKey(s.Full(), item.Position)
	b, err := cut(ctx, t, s, key)
	if err != nil {
		return stage.ExtractResult{}, err
	}
	t.Hold(b.Size())
	if b.Read == 0 && b.End == b.Start {
		c, err := t.Protocol.Store.ReadCheckpoint(ctx, t.Key())
		if err != nil {
			return stage.ExtractResult{}, err
		}
		if c.Drained == t.Call.Run && c.Run == t.Call.Run {
			t.Leave()
			return done, t.EndPartition(ctx, "", "") // what an earlier attempt of this last turn met has passed
		}
	}
	if t.Job.OnFailure.Action == job.Stop && len(b.Rejects) > 0 {
		return stage.ExtractResult{}, fault.New(fault.DataInvalid, "record %d of the batch: %s", b.Rejects[0].Index+1, b.Rejects[0].Message).WithHint("on_failure is abort")
	}
	b.Start = item.Position
	if b, err = t.PutBatch(ctx, key, b); err != nil {
		return stage.ExtractResult{}, err
	}
	t.Remember(ctx, t.Execution(b.Read, nil))
	t.Log.DebugContext(ctx, "batch extracted", "run_id", t.Call.Run, "stream", item.Stream, "partition", p.ID, "seq", item.Seq+1, "records", b.Read)
	result := stage.ExtractResult{Next: compiled.Next("extract"), More: true, Seq: item.Seq, Start: b.Start, End: b.End, Batch: key}
	if b.Len() == 0 {
		result.Next = stage.NextLoad
	}
	return result, nil
}

// cut reads the next batch, or adopts the object that an earlier attempt made of it.
func cut(ctx context.Context, t *step.Turn, s step.StreamPlan, key string) (record.Batch, error) {
	exists, err := t.Blobs.Exists(ctx, key)
	if err != nil {
		return record.Batch{}, err
	}
	if exists {
		return t.Batch(ctx, key)
	}
	compiled, err := t.Compiled(s)
	if err != nil {
		return record.Batch{}, err
	}
	masked := len(t.Job.OnFailure.Mask) > 0
	return t.Read(ctx, s, func(b record.Batch) (record.Batch, error) {
		if err := check(b); err != nil {
			return b, err
		}
		if masked {
			mask(b.Rejects)
		}
		if compiled.Filter == nil {
			return b, nil
		}
		return filter(b, compiled)
	})
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// mask takes quoted values out of what the source says of records that it could not decode: which column they are of is not known here.
func mask(rejects []record.Reject) {
	for i := range rejects {
		rejects[i].Message = quoted.ReplaceAllString(rejects[i].Message, `"***"`)
	}
}

// check holds the source to its contract about positions.
func check(b record.Batch) error {
	if b.Read == 0 {
		return nil
	}
	if b.Positions == nil || b.Positions.Len() != b.Read {
		return fault.New(fault.Internal, "the source gave %d records without a position each", b.Read)
	}
	if b.End == "" || b.Positions.At(b.Read-1) != b.End {
		return fault.New(fault.DuplicatePosition, "the batch ends at position %q, its last record at %q", b.End, b.Positions.At(b.Read-1))
	}
	if len(b.End) > 512 {
		return fault.New(fault.QuotaExceeded, "a position has %d bytes, 512 are allowed", len(b.End)).WithHint("choose a shorter key")
	}
	if o, ok := b.Positions.(record.Offsets); ok {
		for i := 1; i < len(o.Ends); i++ {
			if o.Ends[i] <= o.Ends[i-1] {
				return fault.New(fault.DuplicatePosition, "record %d has position %s again", i, o.At(i))
			}
		}
		return nil
	}
	seen := make(map[string]bool, b.Read+1)
	seen[b.Start] = true
	for i := range b.Read {
		at := b.Positions.At(i)
		if at == "" || seen[at] {
			return fault.New(fault.DuplicatePosition, "record %d has position %q, which is empty or was there before", i, at)
		}
		seen[at] = true
	}
	return nil
}

// filter leaves out the records that the stream's filter refuses, as if the source had not had them. Rows that the filter cannot be
// computed for are rejects.
func filter(b record.Batch, c *step.Compiled) (record.Batch, error) {
	rows, refused, err := c.Filter.Filter(b)
	if err != nil {
		return record.Batch{}, err
	}
	for i := range refused {
		refused[i].Rule = "filter"
	}
	kept := b.Refuse("extract", refused, nil, nil)
	stay := make(map[int]bool, len(rows)+len(kept.Rejects))
	for _, r := range rows {
		stay[b.OriginOf(int(r))] = true
	}
	var keep []int32
	for row := range kept.Len() {
		if stay[kept.OriginOf(row)] {
			keep = append(keep, int32(row))
		}
	}
	return renumber(kept.Keep(keep)), nil
}

// renumber makes the records that are left the originals.
func renumber(b record.Batch) record.Batch {
	place := make([]int, b.Read)
	for i := range place {
		place[i] = -1
	}
	for row := range b.Len() {
		place[b.OriginOf(row)] = 0
	}
	for _, r := range b.Rejects {
		place[r.Index] = 0
	}
	n, positions := 0, record.Texts{}
	offsets, isOffsets := b.Positions.(record.Offsets)
	ends := []int64{}
	for i := range place {
		if place[i] < 0 {
			continue
		}
		place[i] = n
		n++
		if isOffsets {
			ends = append(ends, offsets.Ends[i])
		} else {
			positions = append(positions, b.Positions.At(i))
		}
	}
	out := b
	out.Read, out.Origin, out.Positions = n, make([]int32, b.Len()), positions
	if isOffsets {
		out.Positions = record.Offsets{Prefix: offsets.Prefix, Ends: ends}
	}
	for row := range b.Len() {
		out.Origin[row] = int32(place[b.OriginOf(row)])
	}
	out.Rejects = make([]record.Reject, len(b.Rejects))
	for i, r := range b.Rejects {
		out.Rejects[i] = r
		out.Rejects[i].Index = place[r.Index]
	}
	if len(out.Rejects) == 0 {
		out.Origin, out.Rejects = nil, nil
	}
	return out
}
