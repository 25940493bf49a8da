package conntest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

var receiptCmp = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreFields(connector.Receipt{}, "Existing")}

// existing loads batches again, as after a crash between the destination and the checkpoint.
func (s *sinkSuite) existing(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil}, []any{2, "two", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	first := w.request(t, tb)
	want := w.load(t, tb)

	w.d = s.open(t, k)
	again := first
	again.Claim = w.claimOf(2, "run-1#later")
	again.Name = "another batch"
	got, err := w.d.Load(t.Context(), again)
	if err != nil || !got.Existing {
		t.Fatalf("the same seq again: %+v, %v; want the receipt that is there", got, err)
	}
	if d := cmp.Diff(want, got, receiptCmp); d != "" {
		t.Errorf("receipts differ (-first +again):\n%s", d)
	}
	if got.Batch != first.Name || got.Start != "" || got.End != first.End || got.Run != "run-1" {
		t.Errorf("receipt %+v does not name what was loaded", got)
	}
	wantRows(t, k, tb)

	w.fence, w.owner = 3, "run-1#third"
	next := tb.with([]any{3, "three", nil})
	w.load(t, next)
	late := first
	late.Claim = w.claim()
	got, err = w.d.Load(t.Context(), late)
	if err != nil || !got.Existing || got.Seq != 2 {
		t.Errorf("an earlier seq: %+v, %v; want the receipt of 2", got, err)
	}
	wantRows(t, k, tb.with(append(tb.Rows, next.Rows...)...))
}

func (s *sinkSuite) oldFence(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	w.fence, w.owner = 5, "new"
	w.load(t, tb)

	more := tb.with([]any{2, "two", nil})
	for name, claim := range map[string]connector.Claim{
		"lower fence":            w.claimOf(4, "old"),
		"lower fence, own name":  w.claimOf(4, "new"),
		"same fence, other name": w.claimOf(5, "old"),
	} {
		req := w.request(t, more)
		req.Claim = claim
		_, err := d.Load(t.Context(), req) // Invariant 4
		if !fault.Has(err, fault.Superseded) {
			t.Errorf("%s: got %v, want Superseded", name, err)
		}
		again := w.request(t, more)
		again.Claim, again.Seq, again.Start = claim, 1, ""
		if _, err := d.Load(t.Context(), again); !fault.Has(err, fault.Superseded) {
			t.Errorf("%s, seq of the receipt: got %v, want Superseded", name, err)
		}
	}
	wantRows(t, k, tb)
	w.load(t, more)
}

func (s *sinkSuite) stale(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	w.load(t, tb)
	more := tb.with([]any{2, "two", nil})

	req := w.request(t, more)
	req.Start = "elsewhere"
	_, err := d.Load(t.Context(), req)
	wantCode(t, err, fault.Stale)

	req = w.request(t, more)
	req.Seq = 3
	_, err = d.Load(t.Context(), req)
	wantCode(t, err, fault.DestinationBehind)

	req = w.request(t, more)
	req.Partition = "never seen"
	_, err = d.Load(t.Context(), req)
	wantCode(t, err, fault.DestinationBehind)

	req.Seq = 1
	_, err = d.Load(t.Context(), req)
	wantCode(t, err, fault.Stale)
	wantRows(t, k, tb)
}

// anotherRun lets a full run begin at 1 where the run before it stopped at 2.
func (s *sinkSuite) anotherRun(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	target := s.target(tb, "run-1", "")
	target.Full = true
	w := s.writer(t, d, target)
	w.load(t, tb)
	w.load(t, tb.with([]any{2, "two", nil}))

	next := *w
	next.target.Run, next.fence, next.owner, next.seq, next.pos = "run-2", 2, "run-2#owner", 0, ""
	next.prepare(t)
	if got, ok, err := d.Receipt(t.Context(), next.target, next.partition); ok || err != nil {
		t.Errorf("the receipt of another run counts: %+v, %v", got, err)
	}
	next.load(t, tb.with([]any{3, "three", nil}))
	_, err := d.Load(t.Context(), w.request(t, tb))
	wantCode(t, err, fault.Superseded)
	if next.target.Write.Mode == job.Upsert {
		wantRows(t, k, tb.with([]any{1, "one", nil}, []any{2, "two", nil}, []any{3, "three", nil}))
	}

	old := next
	old.target.Run, old.fence, old.owner, old.seq, old.pos = "run-3", 1, "run-3#owner", 0, ""
	_, err = d.Load(t.Context(), old.request(t, tb))
	wantCode(t, err, fault.Superseded)
}

func (s *sinkSuite) receipt(t *testing.T) {
	_, d := s.place(t)
	tb := things([]any{1, "one", nil}, []any{2, "two", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	if got, ok, err := d.Receipt(t.Context(), w.target, w.partition); ok || err != nil {
		t.Errorf("got %+v, %v before the first load", got, err)
	}
	w.load(t, tb)
	loaded := w.load(t, tb.with([]any{3, "three", nil}))
	got, ok, err := d.Receipt(t.Context(), w.target, w.partition)
	if err != nil || !ok {
		t.Fatalf("no receipt: %v", err)
	}
	want := connector.Receipt{Run: "run-1", Base: w.claim().Base, Fence: 1, Owner: w.owner, Seq: 2, Start: "p0/1", End: "p0/2", Batch: "batch-p0-2", Inserted: 1}
	if s.lacks(Counts) {
		want.Inserted, want.Updated, want.Unchanged = loaded.Inserted, loaded.Updated, loaded.Unchanged
	}
	for name, r := range map[string]connector.Receipt{"read": got, "answered by Load": loaded} {
		if d := cmp.Diff(want, r, receiptCmp); d != "" {
			t.Errorf("receipt %s (-want +got):\n%s", name, d)
		}
	}
	other := w.target
	other.Stream = "another stream"
	if _, ok, err := d.Receipt(t.Context(), other, w.partition); ok || err != nil {
		t.Errorf("another stream has the receipt: %v, %v", ok, err)
	}
}
