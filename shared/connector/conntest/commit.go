package conntest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// fullRun gives a writer of a later full run.
func (s *sinkSuite) fullRun(t *testing.T, d connector.Destination, target connector.Target, run string, fence int64) *writer {
	t.Helper()
	target.Run, target.Full = run, true
	w := &writer{d: d, target: target, partition: "p0", fence: fence, owner: run + "#owner"}
	w.prepare(t)
	return w
}

func (s *sinkSuite) swap(t *testing.T, mode job.WriteMode) {
	k, d := s.place(t)
	old := things([]any{1, "one", nil}, []any{2, "two", nil})
	target := s.target(old, "run-1", mode)
	w := s.fullRun(t, d, target, "run-1", 1)
	w.load(t, old)
	wantRows(t, k, old.with())
	w.commit(t)
	wantRows(t, k, old)

	w = s.fullRun(t, s.open(t, k), target, "run-2", 2)
	s.wantCounts(t, w.load(t, old.with([]any{2, "zwei", nil})), 1, 0, 0)
	s.wantCounts(t, w.load(t, old.with([]any{3, "drei", nil})), 1, 0, 0)
	wantRows(t, k, old)
	w.commit(t)
	wantRows(t, k, old.with([]any{2, "zwei", nil}, []any{3, "drei", nil}))

	w = s.fullRun(t, s.open(t, k), target, "run-3", 3)
	w.load(t, old.with())
	w.commit(t)
	wantRows(t, k, old.with())
}

func (s *sinkSuite) swapOnce(t *testing.T, mode job.WriteMode) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.fullRun(t, d, s.target(tb, "run-1", mode), "run-1", 1)
	w.load(t, tb)
	if run, err := d.Committed(t.Context(), w.target); err != nil || run != "" {
		t.Errorf("before the commit: got %q, %v", run, err)
	}
	w.commit(t)
	for _, fence := range []int64{1, 2} {
		w.d, w.fence = s.open(t, k), fence
		if fence == 2 {
			w.owner = "run-1#later"
		}
		w.prepare(t)
		w.commit(t)
		wantRows(t, k, tb)
		if run, err := w.d.Committed(t.Context(), w.target); err != nil || run != "run-1" {
			t.Errorf("committed: got %q, %v; want run-1", run, err)
		}
	}
}

func (s *sinkSuite) backup(t *testing.T, mode job.WriteMode) {
	k, d := s.place(t)
	old := things([]any{1, "one", nil})
	target := s.target(old, "run-1", mode)
	target.Write.Backup = true
	for i, rows := range [][]any{{1, "one", nil}, {2, "two", nil}, {3, "three", nil}} {
		w := s.fullRun(t, d, target, []string{"run-1", "run-2", "run-3"}[i], int64(i+1))
		w.load(t, old.with(rows))
		w.commit(t)
		w.commit(t)
		wantRows(t, k, old.with(rows))
	}
	kept := old.with([]any{2, "two", nil})
	if d := cmp.Diff(kept.lines(t), Lines(k.ReadBackup(t, old)), cmpEmpty); d != "" {
		t.Errorf("backup (-want +got):\n%s", d)
	}
}

func (s *sinkSuite) commitFence(t *testing.T, mode job.WriteMode) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil})
	w := s.fullRun(t, d, s.target(tb, "run-1", mode), "run-1", 3)
	w.load(t, tb)
	for _, claim := range []connector.Claim{{Term: 1, Fence: 2, Owner: w.owner}, {Term: 1, Fence: 3, Owner: "other"}} {
		_, err := d.Commit(t.Context(), w.target, claim) // Invariant 4
		wantCode(t, err, fault.Superseded)
	}
	wantRows(t, k, tb.with())
	next := s.fullRun(t, d, w.target, "run-2", 4)
	_, err := d.Commit(t.Context(), w.target, w.claim())
	wantCode(t, err, fault.Superseded)
	next.load(t, tb)
	next.commit(t)
	wantRows(t, k, tb)
}

// otherStaging lets a run die before its commit; the next one must not see its rows.
func (s *sinkSuite) otherStaging(t *testing.T, mode job.WriteMode) {
	k, d := s.place(t)
	tb := things([]any{1, "dead", nil})
	target := s.target(tb, "run-1", mode)
	dead := s.fullRun(t, d, target, "run-1", 1)
	dead.load(t, tb)
	w := s.fullRun(t, s.open(t, k), target, "run-2", 2)
	wantSuperseded := func() {
		if !s.lacks(Fences) {
			_, err := d.Load(t.Context(), dead.request(t, tb))
			wantCode(t, err, fault.Superseded)
		}
	}
	wantSuperseded()
	w.load(t, tb.with([]any{2, "alive", nil}))
	wantSuperseded()
	w.prepare(t)
	w.load(t, tb.with([]any{3, "alive", nil}))
	w.commit(t)
	wantRows(t, k, tb.with([]any{2, "alive", nil}, []any{3, "alive", nil}))
}

func (s *sinkSuite) deleteMissing(t *testing.T) {
	k, d := s.place(t)
	tb := things([]any{1, "one", nil}, []any{2, "two", nil}, []any{3, "three", nil}, []any{4, "four", nil}, []any{5, "five", nil})
	target := s.target(tb, "run-1", job.Upsert)
	target.Write.DeleteMissing = true
	w := s.fullRun(t, d, target, "run-1", 1)
	w.load(t, tb)
	if res := w.commit(t); res.Deleted != 0 {
		t.Errorf("deleted %d, want 0", res.Deleted)
	}

	w = s.fullRun(t, s.open(t, k), target, "run-2", 2)
	w.load(t, tb.with([]any{1, "one", nil}))
	w.prepare(t)
	w.protect = []string{"[4]", "[99]"}
	w.load(t, tb.with([]any{5, "fünf", nil}, []any{6, "six", nil}, []any{nil, "no key", nil}))
	want := tb.with(tb.Rows[0], tb.Rows[1], tb.Rows[2], tb.Rows[3], []any{5, "fünf", nil}, []any{6, "six", nil})
	wantRows(t, k, want)
	for range 2 {
		if res := w.commit(t); res.Deleted != 2 {
			t.Errorf("deleted %d, want 2", res.Deleted)
		}
		wantRows(t, k, tb.with([]any{1, "one", nil}, []any{4, "four", nil}, []any{5, "fünf", nil}, []any{6, "six", nil}))
	}
	if !s.lacks(Fences) {
		_, err := d.Commit(t.Context(), w.target, connector.Claim{Term: 1, Fence: 1, Owner: "old"})
		wantCode(t, err, fault.Superseded)
	}
}

// keepRefused lets the destination refuse a row whose key is there: the source has it, so it is not missing.
func (s *sinkSuite) keepRefused(t *testing.T) {
	k, d := s.place(t)
	tb := Table{Name: "signed", Key: []string{"id"}, Schema: columns("id", "int", "n", "int"), Rows: [][]any{{1, 10}, {2, 20}}}
	k.Refuse(t, tb, "n")
	target := s.target(tb, "run-1", job.Upsert)
	target.Write.DeleteMissing = true
	w := s.fullRun(t, d, target, "run-1", 1)
	w.load(t, tb)
	w.commit(t)
	w = s.fullRun(t, d, target, "run-2", 2)
	wantRefused(t, w.load(t, tb.with([]any{1, -1}, []any{3, 30})), 0)
	if res := w.commit(t); res.Deleted != 1 {
		t.Errorf("deleted %d, want 1", res.Deleted)
	}
	wantRows(t, k, tb.with([]any{1, 10}, []any{3, 30}))
}

// keepDrifted does the same for rows that the drift policy refuses.
func (s *sinkSuite) keepDrifted(t *testing.T) {
	k, d := s.place(t)
	w := s.sold(t, d)
	target := w.target
	target.Write.DeleteMissing, target.Drift, target.Schema = true, job.DeadLetter, columns("id", "int", "amount", "int", "note", "string")
	w = s.fullRun(t, d, target, "run-2", 2)
	tb := Table{Name: "sold", Schema: target.Schema, Rows: [][]any{{1, 5, "does not fit"}, {2, 200, nil}}}
	wantRefused(t, w.load(t, tb), 0)
	if res := w.commit(t); res.Deleted != 0 {
		t.Errorf("deleted %d, want none", res.Deleted)
	}
	wantRows(t, k, Table{Name: "sold", Schema: columns("id", "int", "amount", "int"), Rows: [][]any{{1, 100}, {2, 200}}})
}

func (s *sinkSuite) prepareTwice(t *testing.T) {
	k, d := s.place(t)
	for _, mode := range s.Spec.Modes {
		tb := things([]any{1, "one", nil})
		tb.Name += " " + string(mode)
		w := s.writer(t, d, s.target(tb, "run-1", mode))
		w.load(t, tb)
		w.prepare(t)
		w.fence, w.owner = 2, "run-1#later"
		w.prepare(t)
		w.d = s.open(t, k)
		w.prepare(t)
		w.load(t, tb.with([]any{2, "two", nil}))
		if w.target.Full {
			w.commit(t)
		}
		wantRows(t, k, tb.with([]any{1, "one", nil}, []any{2, "two", nil}))
	}
}

func (s *sinkSuite) prepareFence(t *testing.T) {
	_, d := s.place(t)
	tb := things()
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	w.fence = 5
	w.prepare(t)
	for _, claim := range []connector.Claim{{Fence: 4, Owner: w.owner}, {Fence: 5, Owner: "other"}} {
		wantCode(t, d.Prepare(t.Context(), w.target, claim), fault.Superseded)
	}
}
