package conntest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

func (s *sinkSuite) append(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", "1.00"}, []any{2, "two", "2.00"})
	tb.Key = nil
	w := s.writer(t, d, s.target(tb, "run-1", job.Append))
	s.wantCounts(t, w.load(t, tb), 2, 0, 0)
	s.wantCounts(t, w.load(t, tb.with([]any{1, "one again", nil})), 1, 0, 0)
	want := tb.with(append(tb.Rows, []any{1, "one again", nil})...)
	wantRows(t, k, want)

	w.target.Run, w.fence, w.owner = "run-2", 2, "run-2#owner"
	w.d = s.open(t, k)
	w.prepare(t)
	w.load(t, tb.with([]any{3, "three", nil}))
	wantRows(t, k, want.with(append(want.Rows, []any{3, "three", nil})...))
}

func (s *sinkSuite) upsert(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", "1.00"}, []any{2, "two", nil}, []any{3, "three", "3.00"})
	w := s.writer(t, d, s.target(tb, "run-1", job.Upsert))
	s.wantCounts(t, w.load(t, tb), 3, 0, 0)
	s.wantCounts(t, w.load(t, tb), 0, 0, 3)
	s.wantCounts(t, w.load(t, tb.with([]any{4, "four", nil}, []any{2, "two", "2.00"}, []any{1, "one", "1.00"}, []any{3, "three", nil})), 1, 2, 1)
	wantRows(t, k, tb.with([]any{1, "one", "1.00"}, []any{2, "two", "2.00"}, []any{3, "three", nil}, []any{4, "four", nil}))

	many := tb.with()
	for i := range 3000 {
		many.Rows = append(many.Rows, []any{i, fmt.Sprintf("n%d", i), nil})
	}
	s.wantCounts(t, w.load(t, many), 2996, 4, 0)
	for i := range many.Rows {
		if i%3 == 0 {
			many.Rows[i] = []any{i, "third", "3.33"}
		}
	}
	s.wantCounts(t, w.load(t, many), 0, 1000, 2000)
	wantRows(t, k, many)
}

func (s *sinkSuite) compositeKey(t *testing.T) {
	k, d := s.place(t)
	tb := Table{Name: "lines", Key: []string{"no", "order"}, Schema: columns("order", "string", "note", "string", "no", "int"),
		Rows: [][]any{{"a", "x", 1}, {"a", "y", 2}, {"b", "z", 1}}}
	w := s.writer(t, d, s.target(tb, "run-1", job.Upsert))
	s.wantCounts(t, w.load(t, tb), 3, 0, 0)
	s.wantCounts(t, w.load(t, tb.with([]any{"a", "yy", 2}, []any{"b", "new", 2}, []any{"b", "z", 1})), 1, 1, 1)
	wantRows(t, k, tb.with([]any{"a", "x", 1}, []any{"a", "yy", 2}, []any{"b", "z", 1}, []any{"b", "new", 2}))

	only := Table{Name: "pairs", Key: []string{"a", "b"}, Schema: columns("a", "int", "b", "string"), Rows: [][]any{{1, "x"}, {1, "y"}}}
	w = s.writer(t, d, s.target(only, "run-1", job.Upsert))
	s.wantCounts(t, w.load(t, only), 2, 0, 0)
	s.wantCounts(t, w.load(t, only.with([]any{1, "y"}, []any{2, "y"})), 1, 0, 1)
	wantRows(t, k, only.with([]any{1, "x"}, []any{1, "y"}, []any{2, "y"}))
}

func (s *sinkSuite) twiceInBatch(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "first", nil}, []any{2, "two", nil}, []any{1, "last", nil})
	w := s.writer(t, d, s.target(tb, "run-1", job.Upsert))
	r := w.load(t, tb)
	if sum := r.Inserted + r.Updated + r.Unchanged; sum != 3 {
		t.Errorf("counts %+v add up to %d, want every row of the batch once", r, sum)
	}
	wantRows(t, k, tb.with([]any{1, "last", nil}, []any{2, "two", nil}))
}

func (s *sinkSuite) nullKey(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil}, []any{nil, "none", nil}, []any{3, "three", nil})
	w := s.writer(t, d, s.target(tb, "run-1", job.Upsert))
	wantRefused(t, w.load(t, tb), 1)
	wantRows(t, k, tb.with(tb.Rows[0], tb.Rows[2]))
}

// wantRefused checks that exactly these rows were refused, each with a reason.
func wantRefused(t *testing.T, r connector.Receipt, rows ...int) {
	t.Helper()
	var got []int
	for _, f := range r.Refused {
		if f.Code == "" || f.Message == "" {
			t.Errorf("refusal %+v has no code or no message", f)
		}
		got = append(got, f.Row)
	}
	if d := cmp.Diff(rows, got); d != "" {
		t.Errorf("refused rows (-want +got):\n%s", d)
	}
}

func (s *sinkSuite) roundTrip(t *testing.T, tb Table) {
	t.Helper()
	k, d := s.place(t)
	for _, mode := range s.Spec.Modes {
		part := tb
		part.Name = tb.Name + " " + string(mode)
		w := s.writer(t, d, s.target(part, "run-1", mode))
		w.load(t, part)
		if w.target.Full {
			w.commit(t)
		}
		wantRows(t, k, part)
	}
	if s.lacks(Upsert) {
		return
	}
	tb.Name += " twice"
	w := s.writer(t, d, s.target(tb, "run-1", job.Upsert))
	s.wantCounts(t, w.load(t, tb), int64(len(tb.Rows)), 0, 0)
	s.wantCounts(t, w.load(t, tb), 0, 0, int64(len(tb.Rows)))
}

func (s *sinkSuite) kinds(t *testing.T) { s.roundTrip(t, everyKind()) }
func (s *sinkSuite) names(t *testing.T) { s.roundTrip(t, oddNames()) }

func (s *sinkSuite) nulls(t *testing.T) {
	tb := everyKind()
	none := make([]any, len(tb.Schema.Columns))
	none[0] = 9
	tb.Rows = append(tb.Rows, none)
	tb.Rows[3][6], tb.Rows[3][7] = "", []byte{}
	s.roundTrip(t, tb)
}

func (s *sinkSuite) emptyBatch(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	w.load(t, tb.with())
	bare := w.request(t, tb.with())
	bare.Batch = record.Batch{Start: bare.Start, End: "filtered", Read: 7}
	bare.End = "filtered"
	if _, err := d.Load(t.Context(), bare); err != nil {
		t.Fatalf("load a batch without columns: %v", err)
	}
	w.seq, w.pos = 2, "filtered"
	w.load(t, tb)
	got, ok, err := d.Receipt(t.Context(), w.target, w.partition)
	if err != nil || !ok || got.Seq != 3 || got.Start != "filtered" {
		t.Errorf("got %+v, %v, %v; want the receipt of batch 3", got, ok, err)
	}
	wantRows(t, k, tb)
}

func (s *sinkSuite) cancelled(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	ctx, cancel := context.WithCancel(t.Context())
	req := w.request(t, tb)
	req.Confirm = func([]record.Refusal) error { cancel(); return ctx.Err() }
	_, err := d.Load(ctx, req)
	wantCode(t, err, fault.Aborted)
	_, err = d.Load(ctx, w.request(t, tb))
	wantCode(t, err, fault.Aborted)
	wantRows(t, k, tb.with())
	w.load(t, tb)
	wantRows(t, k, tb)
}

func (s *sinkSuite) parallel(t *testing.T) {
	k, d := s.place(t)
	tb := things()
	first := s.writer(t, d, s.target(tb, "run-1", ""))
	var wg sync.WaitGroup
	for p := range 4 {
		wg.Go(func() {
			w := *first
			w.partition = fmt.Sprintf("part/%d", p)
			for n := range 5 {
				id := p*100 + n*10
				req := w.request(t, tb.with([]any{id, "a", nil}, []any{id + 1, "b", "0.01"}))
				if _, err := d.Load(t.Context(), req); err != nil {
					t.Errorf("partition %d, batch %d: %v", p, n, err)
					return
				}
				w.seq, w.pos = req.Seq, req.End
			}
		})
	}
	wg.Wait()
	for p := range 4 {
		for n := range 5 {
			id := p*100 + n*10
			tb.Rows = append(tb.Rows, []any{id, "a", nil}, []any{id + 1, "b", "0.01"})
		}
		got, ok, err := d.Receipt(t.Context(), first.target, fmt.Sprintf("part/%d", p))
		if err != nil || ok == s.lacks(Receipts) || ok && got.Seq != 5 {
			t.Errorf("receipt of partition %d: %+v, %v, %v", p, got, ok, err)
		}
	}
	wantRows(t, k, tb)
}

func (s *sinkSuite) refusals(t *testing.T) {
	k, d := s.place(t)
	tb := Table{Name: "signed", Key: []string{"id"}, Schema: columns("id", "int", "n", "int")}
	k.Refuse(t, tb, "n")
	var bad []int
	for i := range 700 {
		n := i
		if i == 0 || i == 333 || i == 334 || i == 699 {
			n, bad = -i-1, append(bad, i)
		}
		tb.Rows = append(tb.Rows, []any{i, n})
	}
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	var confirmed []record.Refusal
	w.confirm = func(refused []record.Refusal) error { confirmed = refused; return nil }
	r := w.load(t, tb)
	wantRefused(t, r, bad...)
	s.wantCounts(t, r, 696, 0, 0)
	if d := cmp.Diff(r.Refused, confirmed); d != "" {
		t.Errorf("Confirm was told other refusals:\n%s", d)
	}
	good := tb.with()
	for i, row := range tb.Rows {
		if i != 0 && i != 333 && i != 334 && i != 699 {
			good.Rows = append(good.Rows, row)
		}
	}
	wantRows(t, k, good)
	if s.lacks(Receipts) {
		return
	}
	w.seq, w.pos = 0, ""
	again, err := s.open(t, k).Load(t.Context(), w.request(t, tb))
	if err != nil || !again.Existing {
		t.Fatalf("the same batch again: %+v, %v", again, err)
	}
	wantRefused(t, again, bad...)
}

func (s *sinkSuite) confirm(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil}, []any{2, "two", nil})
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	stop := errors.New("stop here")
	w.confirm = func([]record.Refusal) error { return stop }
	if _, err := d.Load(t.Context(), w.request(t, tb)); !errors.Is(err, stop) {
		t.Errorf("got %v, want the error of Confirm as it is", err)
	}
	wantRows(t, k, tb.with())
	if _, ok, err := d.Receipt(t.Context(), w.target, w.partition); ok || err != nil {
		t.Errorf("a load that was taken back left a receipt: %v, %v", ok, err)
	}
	w.confirm = nil
	w.load(t, tb)
	wantRows(t, k, tb)
}
