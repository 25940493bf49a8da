package conntest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// SourceCase is a source under test.
type SourceCase struct {
	// New makes an empty place: a folder, a database, a server.
	New func(t *testing.T) Place
	// Stream gives the stream's settings for a table; nil: its name, its key, and the types of its columns.
	Stream func(table Table) job.Stream
	// Unordered says that rows come in an order of the source's own, always the same.
	Unordered bool
	// Without names what the source cannot do, each with the reason.
	Without map[Capability]string
}

// Place is where a source reads.
type Place struct {
	// Put makes the stream hold exactly the rows of the table. When it is called again the new rows begin with the old ones.
	Put func(t *testing.T, table Table)
	// Open opens a source on the place; the suite closes it.
	Open func(t *testing.T) connector.Source
}

// Source runs the contract of connector.Source.
func Source(t *testing.T, c SourceCase) {
	s := &sourceSuite{SourceCase: c}
	w := without(c.Without)
	w.run(t, "Streams lists all, sorted", s.streams, Discovery)
	w.run(t, "Plan is the same twice and small", s.plan)
	w.run(t, "Plan of an unknown stream is NotFound", s.unknown)
	w.run(t, "Plan sees that nothing changed", s.unchanged, Fingerprint)
	w.run(t, "Next gives the same records whatever the batch", s.bounds)
	w.run(t, "Next keeps to the bytes", s.bytes)
	w.run(t, "Next resumes behind every position", s.resume)
	w.run(t, "Next ends with Last, then EOF", s.end)
	w.run(t, "Next gives one empty batch for an empty stream", s.empty)
	w.run(t, "Next gives the same bytes for the same request", s.deterministic)
	w.run(t, "Next stops when the context is cancelled", s.cancelled)
	w.run(t, "Next rejects what is not of its type", s.rejects, Rejects)
	w.run(t, "Next reads every kind without loss", s.kinds, Kinds)
	w.run(t, "Next tells null from empty", s.nulls, Nulls)
	w.run(t, "Next reads odd names", s.names, Names)
	w.run(t, "Open serves readers side by side", s.parallel)
	w.run(t, "Open resumes with exactly the new rows", s.incremental, Incremental)
	w.run(t, "Open resumes inside equal cursors", s.ties, Incremental)
	w.run(t, "Committed, Ping and Close", s.rest)
}

type sourceSuite struct{ SourceCase }

// place makes a place with the tables and a source on it.
func (s *sourceSuite) place(t *testing.T, tables ...Table) (Place, connector.Source) {
	t.Helper()
	p := s.New(t)
	for _, tb := range tables {
		p.Put(t, tb)
	}
	return p, s.open(t, p)
}

func (s *sourceSuite) open(t *testing.T, p Place) connector.Source {
	t.Helper()
	src := p.Open(t)
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Errorf("close the source: %v", err)
		}
	})
	return src
}

func (s *sourceSuite) stream(tb Table) job.Stream {
	if s.Stream != nil {
		return s.Stream(tb)
	}
	st := job.Stream{Name: tb.Name, Key: tb.Key, Mode: job.Full, Columns: map[string]record.Type{}}
	for _, c := range tb.Schema.Columns {
		st.Columns[c.Name] = c.Type
	}
	return st
}

func people(rows int) Table {
	tb := Table{Name: "people", Key: []string{"id"}, Schema: columns("id", "int", "name", "string", "seen", "timestamp")}
	for i := range rows {
		tb.Rows = append(tb.Rows, []any{i + 1, "name " + string(rune('a'+i%26)), "2026-08-22T17:03:" + string(rune('0'+i/10%6)) + string(rune('0'+i%10))})
	}
	return tb
}

// reading is one way through a stream: plan, then every partition from its position.
type reading struct {
	stream    job.Stream
	records   int
	bytes     int64
	positions map[string]string // by partition
}

type readResult struct {
	plan    connector.Plan
	batches []record.Batch
	of      []connector.Partition // the partition of each batch
	lines   []string
	ends    map[string]string
}

func (s *sourceSuite) read(t *testing.T, src connector.Source, r reading) readResult {
	t.Helper()
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: r.stream, Positions: r.positions})
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	out := readResult{plan: plan, ends: map[string]string{}}
	for _, p := range plan.Partitions {
		out.ends[p.ID] = r.positions[p.ID]
		for _, b := range s.drain(t, src, r.request(plan, p)) {
			out.batches, out.of = append(out.batches, b), append(out.of, p)
			out.lines = append(out.lines, Lines(b)...)
			out.ends[p.ID] = b.End
		}
	}
	return out
}

func (r reading) request(plan connector.Plan, p connector.Partition) connector.OpenRequest {
	records, bytes := job.Batch{Records: r.records, Bytes: r.bytes}.Limits()
	return connector.OpenRequest{Stream: r.stream, Schema: plan.Schema, Partition: p, Position: r.positions[p.ID], Records: records, Bytes: bytes}
}

// drain reads a partition to its end and checks what holds for every batch.
func (s *sourceSuite) drain(t *testing.T, src connector.Source, r connector.OpenRequest) []record.Batch {
	t.Helper()
	rd, err := src.Open(t.Context(), r)
	if err != nil {
		t.Fatalf("open %s behind %q: %v", r.Partition.ID, r.Position, err)
	}
	defer func() { _ = rd.Close() }()
	var out []record.Batch
	start, bytes := r.Position, rd.InputBytes()
	for {
		b, err := rd.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		checkBatch(t, r, start, b)
		if now := rd.InputBytes(); now < bytes {
			t.Errorf("InputBytes went back from %d to %d", bytes, now)
		} else {
			bytes = now
		}
		if len(out) > 0 && out[len(out)-1].Last {
			t.Fatal("a batch came behind the last")
		}
		out, start = append(out, b), b.End
	}
	if len(out) == 0 || !out[len(out)-1].Last {
		t.Fatalf("partition %s ended without a last batch", r.Partition.ID)
	}
	return out
}

func checkBatch(t *testing.T, r connector.OpenRequest, start string, b record.Batch) {
	t.Helper()
	switch {
	case b.Read > r.Records:
		t.Fatalf("batch has %d records, at most %d were asked for", b.Read, r.Records)
	case b.Active()+len(b.Rejects) != b.Read || b.Filtered() != 0:
		t.Fatalf("read %d, but %d active and %d rejected", b.Read, b.Active(), len(b.Rejects))
	case b.Start != start:
		t.Fatalf("batch starts at %q, the one before ended at %q", b.Start, start)
	case b.Read == 0 && (!b.Last || b.End != b.Start):
		t.Fatalf("an empty batch must be the last and stay at its start: last %v, %q to %q", b.Last, b.Start, b.End)
	case !b.Schema.Equal(r.Schema) && b.Len() > 0:
		t.Fatalf("batch has columns %v, the plan %v", b.Schema, r.Schema)
	case b.Positions == nil && b.Read > 0 || b.Positions != nil && b.Positions.Len() != b.Read:
		t.Fatalf("%d records, positions %v", b.Read, b.Positions)
	}
	seen := map[string]bool{start: true}
	for i := range b.Read {
		p := b.Positions.At(i)
		if p == "" || len(p) > 512 || seen[p] {
			t.Fatalf("position %d is %q: it must be new, not empty and at most 512 bytes", i, p)
		}
		seen[p] = true
	}
	if b.Read > 0 && b.Positions.At(b.Read-1) != b.End {
		t.Fatalf("batch ends at %q, its last record at %q", b.End, b.Positions.At(b.Read-1))
	}
}

func (s *sourceSuite) wantLines(t *testing.T, got, want []string) {
	t.Helper()
	if s.Unordered {
		got, want = sorted(got), sorted(want)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("records differ (-want +got):\n%s", d)
	}
}

func (s *sourceSuite) streams(t *testing.T) {
	a, b := people(3), people(0)
	b.Name = "another"
	_, src := s.place(t, a, b)
	got, err := src.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, info := range got {
		names = append(names, info.Name)
	}
	want := []string{s.stream(b).Name, s.stream(a).Name}
	slices.Sort(want)
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("streams differ (-want +got):\n%s", d)
	}
}

func (s *sourceSuite) plan(t *testing.T) {
	tb := people(9)
	p, src := s.place(t, tb)
	req := connector.PlanRequest{Stream: s.stream(tb)}
	first, err := src.Plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.open(t, p).Plan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(first, second); d != "" {
		t.Errorf("plans differ:\n%s", d)
	}
	if len(first.Fingerprint) > 400 {
		t.Errorf("fingerprint has %d bytes, at most 400 are allowed", len(first.Fingerprint))
	}
	for _, c := range tb.Schema.Columns {
		if got, ok := first.Schema.Type(c.Name); !ok || got != c.Type {
			t.Errorf("column %s is %s in the plan, want %s", c.Name, got, c.Type)
		}
	}
	seen := map[string]bool{}
	for _, part := range first.Partitions {
		if part.ID == "" || len(part.ID) > 200 || seen[part.ID] || len(part.Spec) > 1024 || (len(part.Spec) > 0 && !json.Valid(part.Spec)) {
			t.Errorf("partition %+v: the id must be unique and at most 200 bytes, the spec JSON of at most 1 KB", part)
		}
		seen[part.ID] = true
	}
}

func (s *sourceSuite) unknown(t *testing.T) {
	tb := people(3)
	_, src := s.place(t, tb)
	st := s.stream(tb)
	st.Name = "no such stream"
	if _, err := src.Plan(t.Context(), connector.PlanRequest{Stream: st}); !fault.Has(err, fault.NotFound) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func (s *sourceSuite) unchanged(t *testing.T) {
	tb := people(9)
	p, src := s.place(t, tb)
	req := connector.PlanRequest{Stream: s.stream(tb)}
	first, err := src.Plan(t.Context(), req)
	if err != nil || first.Fingerprint == "" || first.Unchanged {
		t.Fatalf("got %+v, %v; want a fingerprint", first, err)
	}
	req.Known = first.Fingerprint
	again, err := s.open(t, p).Plan(t.Context(), req)
	if err != nil || !again.Unchanged || len(again.Partitions) != 0 || again.Fingerprint != first.Fingerprint {
		t.Errorf("got %+v, %v; want unchanged and no partitions", again, err)
	}
	p.Put(t, people(10))
	for _, src := range []connector.Source{src, s.open(t, p)} {
		changed, err := src.Plan(t.Context(), req)
		if err != nil || changed.Unchanged || changed.Fingerprint == first.Fingerprint || len(changed.Partitions) == 0 {
			t.Errorf("got %+v, %v; want another fingerprint", changed, err)
		}
	}
}

func (s *sourceSuite) rest(t *testing.T) {
	tb := people(3)
	p := s.New(t)
	p.Put(t, tb)
	src := p.Open(t)
	if err := src.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	r := s.read(t, src, reading{stream: s.stream(tb)})
	for range 2 {
		for i, b := range r.batches {
			if err := src.Committed(t.Context(), r.of[i], b.End); err != nil {
				t.Errorf("committed: %v", err)
			}
		}
	}
	rd, err := src.Open(t.Context(), reading{stream: s.stream(tb)}.request(r.plan, r.plan.Partitions[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, closing := range []io.Closer{rd, rd, src, src, rd} {
		if err := closing.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

func (s *sourceSuite) cancelled(t *testing.T) {
	tb := people(9)
	_, src := s.place(t, tb)
	r := reading{stream: s.stream(tb)}
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: r.stream})
	if err != nil {
		t.Fatal(err)
	}
	rd, err := src.Open(t.Context(), r.request(plan, plan.Partitions[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rd.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b, err := rd.Next(ctx); !fault.Has(err, fault.Aborted) {
		t.Errorf("got %d records, %v; want a cancelled context", b.Read, err)
	}
	if _, err := src.Plan(ctx, connector.PlanRequest{Stream: r.stream}); err != nil && !fault.Has(err, fault.Aborted) {
		t.Errorf("plan: got %v, want a cancelled context", err)
	}
}
