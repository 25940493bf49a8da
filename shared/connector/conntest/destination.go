package conntest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// DestinationCase is a destination under test.
type DestinationCase struct {
	// Spec is compared with Without: what it declares must be there.
	Spec connector.Spec
	// Guarantee is what Spec.Guarantee answers for the configuration under test and mode upsert, or append where there is no upsert.
	Guarantee connector.Guarantee
	// New makes an empty place.
	New func(t *testing.T) Sink
	// Without names what the destination cannot do, each with the reason.
	Without map[Capability]string
}

// Sink is where a destination writes.
type Sink struct {
	// Open opens a destination on the place; the suite closes it.
	Open func(t *testing.T) connector.Destination
	// Read gives what a target holds as a batch with the columns of the table's schema, in any order; no rows when there is no target.
	Read func(t *testing.T, table Table) record.Batch
	// ReadBackup is Read of what Backup kept.
	ReadBackup func(t *testing.T, table Table) record.Batch
	// Refuse makes a target, as Prepare would make it, that refuses every row whose column of type int is negative.
	Refuse func(t *testing.T, table Table, column string)
	// Columns lists a target's columns as the destination sees them, in any order.
	Columns func(t *testing.T, target string) []string
}

// Destination runs the contract of connector.Destination.
func Destination(t *testing.T, c DestinationCase) {
	s := &sinkSuite{c}
	w := without(c.Without)
	t.Run("Spec agrees with the case", s.declared)
	w.run(t, "Load appends", s.append, Append)
	w.run(t, "Load upserts and counts", s.upsert, Upsert)
	w.run(t, "Load upserts by several columns", s.compositeKey, Upsert)
	w.run(t, "Load upserts the last of equal keys", s.twiceInBatch, Upsert)
	w.run(t, "Load refuses a key that is null", s.nullKey, Upsert)
	w.run(t, "Load keeps every kind", s.kinds, Kinds)
	w.run(t, "Load tells null from empty", s.nulls, Nulls)
	w.run(t, "Load keeps odd names", s.names, Names)
	w.run(t, "Load takes an empty batch", s.emptyBatch, Receipts)
	w.run(t, "Load stops when the context is cancelled", s.cancelled, Transactions)
	w.run(t, "Load serves partitions side by side", s.parallel)
	w.run(t, "Load refuses rows one by one", s.refusals, Refusals)
	w.run(t, "Load takes everything back when Confirm fails", s.confirm, Transactions)
	w.run(t, "Load answers the receipt it has", s.existing, Receipts)
	w.run(t, "Load refuses an old fence", s.oldFence, Fences)
	w.run(t, "Load refuses what does not follow", s.stale, Receipts)
	w.run(t, "Load starts over for another full run", s.anotherRun, Receipts)
	w.run(t, "Receipt is the last of its partition", s.receipt, Receipts)
	for _, mode := range []job.WriteMode{job.Replace, job.TruncateInsert} {
		c := Capability(mode)
		w.run(t, "Commit does "+string(mode), func(t *testing.T) { s.swap(t, mode) }, c)
		w.run(t, "Commit of "+string(mode)+" is done once", func(t *testing.T) { s.swapOnce(t, mode) }, c)
		w.run(t, "Commit of "+string(mode)+" keeps a backup", func(t *testing.T) { s.backup(t, mode) }, c, Backup)
		w.run(t, "Commit of "+string(mode)+" refuses an old fence", func(t *testing.T) { s.commitFence(t, mode) }, c, Fences)
		w.run(t, "Prepare for "+string(mode)+" drops what another run staged", func(t *testing.T) { s.otherStaging(t, mode) }, c)
	}
	w.run(t, "Commit deletes what is missing", s.deleteMissing, Upsert, DeleteMissing)
	w.run(t, "Commit keeps rows that were refused now", s.keepRefused, Upsert, DeleteMissing, Refusals)
	w.run(t, "Commit keeps rows that drift refused now", s.keepDrifted, Upsert, DeleteMissing, Drift)
	w.run(t, "Prepare twice changes nothing", s.prepareTwice)
	w.run(t, "Prepare refuses an old fence", s.prepareFence, Fences)
	w.run(t, "Prepare halts at drift", s.driftHalt, Drift)
	w.run(t, "Prepare evolves the target", s.driftEvolve, Drift)
	w.run(t, "Load leaves out columns by policy", s.driftIgnore, Drift)
	w.run(t, "Load refuses records by policy", s.driftDeadLetter, Drift)
	w.run(t, "Prepare decides on columns that differ in case", s.caseNames)
	w.run(t, "Ping and Close", s.rest)
}

type sinkSuite struct{ DestinationCase }

func (s *sinkSuite) lacks(c Capability) bool { return s.Without[c] != "" }

func (s *sinkSuite) declared(t *testing.T) {
	for c, there := range map[Capability]bool{
		Append:         slices.Contains(s.Spec.Modes, job.Append),
		Upsert:         slices.Contains(s.Spec.Modes, job.Upsert),
		Replace:        slices.Contains(s.Spec.Modes, job.Replace),
		TruncateInsert: slices.Contains(s.Spec.Modes, job.TruncateInsert),
		DeleteMissing:  s.Spec.DeleteMissing,
		Backup:         s.Spec.Backup,
		Receipts:       s.Guarantee.Receipts,
		Fences:         s.Guarantee.Fenced,
	} {
		if there == s.lacks(c) {
			t.Errorf("%s: declared %v, left out %v", c, there, s.lacks(c))
		}
	}
	if s.Guarantee.Level == "" || s.Guarantee.Why == "" {
		t.Errorf("guarantee %+v: say the level and why", s.Guarantee)
	}
}

// place makes an empty place and opens it.
func (s *sinkSuite) place(t *testing.T) (Sink, connector.Destination) {
	t.Helper()
	k := s.New(t)
	return k, s.open(t, k)
}

func (s *sinkSuite) open(t *testing.T, k Sink) connector.Destination {
	t.Helper()
	d := k.Open(t)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the destination: %v", err)
		}
	})
	return d
}

// writer plays the steps: it remembers where a partition is and numbers its batches.
type writer struct {
	d         connector.Destination
	target    connector.Target
	partition string
	fence     int64
	owner     string
	seq       int64
	pos       string
	protect   []string
	confirm   func([]record.Refusal) error
}

// mode picks upsert where there is one, for tests that need some mode.
func (s *sinkSuite) mode() job.WriteMode {
	if s.lacks(Upsert) {
		return s.Spec.Modes[0]
	}
	return job.Upsert
}

// target describes a table as the target of a run; mode "" is any.
func (s *sinkSuite) target(tb Table, run string, mode job.WriteMode) connector.Target {
	if mode == "" {
		mode = s.mode()
	}
	return connector.Target{
		Job: "nightly", Stream: tb.Name, Run: run, Name: tb.Name, Schema: tb.Schema, Key: tb.Key,
		Write: job.Write{Mode: mode, Key: tb.Key}, Drift: job.Halt, Full: mode == job.Replace || mode == job.TruncateInsert,
	}
}

// writer prepares the target and gives a writer of partition p0.
func (s *sinkSuite) writer(t *testing.T, d connector.Destination, target connector.Target) *writer {
	t.Helper()
	w := &writer{d: d, target: target, partition: "p0", fence: 1, owner: target.Run + "#owner"}
	w.prepare(t)
	return w
}

func (w *writer) claim() connector.Claim {
	return w.claimOf(w.fence, w.owner)
}

// claimOf is a claim of the writer's base: its run when it reads the whole stream, else the same for all.
func (w *writer) claimOf(fence int64, owner string) connector.Claim {
	c := connector.Claim{Term: fence, Fence: fence, Owner: owner, Base: "first#1"}
	if w.target.Full {
		c.Base = w.target.Run + "#1"
	}
	return c
}

func (w *writer) prepare(t *testing.T) {
	t.Helper()
	if err := w.d.Prepare(t.Context(), w.target, w.claim()); err != nil {
		t.Fatalf("prepare: %v", err)
	}
}

func (w *writer) commit(t *testing.T) connector.CommitResult {
	t.Helper()
	res, err := w.d.Commit(t.Context(), w.target, w.claim())
	if err != nil {
		t.Fatalf("commit: %v", err)
	}
	return res
}

// request is the next batch, holding the table's rows.
func (w *writer) request(t *testing.T, tb Table) connector.LoadRequest {
	t.Helper()
	b, _ := tb.Batch(t)
	end := w.pos
	if b.Len() > 0 {
		end = fmt.Sprintf("%s/%d", w.partition, w.seq+1)
	}
	b.Start, b.End = w.pos, end
	return connector.LoadRequest{
		Target: w.target, Partition: w.partition, Claim: w.claim(), Seq: w.seq + 1,
		Name: fmt.Sprintf("batch-%s-%d", w.partition, w.seq+1), Batch: b, Start: w.pos, End: end, Protect: w.protect, Confirm: w.confirm,
	}
}

// load writes the table's rows as the next batch.
func (w *writer) load(t *testing.T, tb Table) connector.Receipt {
	t.Helper()
	req := w.request(t, tb)
	got, err := w.d.Load(t.Context(), req)
	if err != nil {
		t.Fatalf("load %d: %v", req.Seq, err)
	}
	if got.Existing {
		t.Fatalf("load %d: answered a receipt that was there: %+v", req.Seq, got)
	}
	w.seq, w.pos = req.Seq, req.End
	return got
}

func things(rows ...[]any) Table {
	return Table{Name: "things", Key: []string{"id"}, Schema: columns("id", "int", "name", "string", "price", "decimal(12,2)"), Rows: rows}
}

// other gives the table other rows.
func (tb Table) with(rows ...[]any) Table {
	tb.Rows = rows
	return tb
}

func wantRows(t *testing.T, k Sink, want Table) {
	t.Helper()
	if d := cmp.Diff(sorted(want.lines(t)), sorted(Lines(k.Read(t, want))), cmpEmpty); d != "" {
		t.Errorf("target %s (-want +got):\n%s", want.Name, d)
	}
}

func (s *sinkSuite) wantCounts(t *testing.T, r connector.Receipt, inserted, updated, unchanged int64) {
	t.Helper()
	got, want := []int64{r.Inserted, r.Updated, r.Unchanged}, []int64{inserted, updated, unchanged}
	if s.lacks(Counts) {
		got, want = []int64{r.Inserted + r.Updated + r.Unchanged}, []int64{inserted + updated + unchanged}
	}
	if !slices.Equal(got, want) {
		t.Errorf("inserted, updated, unchanged: got %v, want %v", got, want)
	}
}

func wantCode(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Has(err, code) {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func (s *sinkSuite) rest(t *testing.T) {
	k := s.New(t)
	d := k.Open(t)
	for range 2 {
		if err := d.Ping(t.Context()); err != nil {
			t.Errorf("ping: %v", err)
		}
	}
	tb := things()
	if run, err := d.Committed(t.Context(), s.target(tb, "run-1", "")); err != nil || run != "" {
		t.Errorf("committed before anything was made: got %q, %v", run, err)
	}
	if got := k.Read(t, tb); got.Len() != 0 {
		t.Errorf("ping left %d rows", got.Len())
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}
