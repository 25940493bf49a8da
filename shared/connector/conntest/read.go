package conntest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

func (s *sourceSuite) bounds(t *testing.T) {
	tb := people(23)
	_, src := s.place(t, tb)
	want := s.read(t, src, reading{stream: s.stream(tb)})
	s.wantLines(t, want.lines, tb.lines(t))
	for _, n := range []int{1, 7, 23, 24} {
		got := s.read(t, src, reading{stream: s.stream(tb), records: n})
		if d := cmp.Diff(want.lines, got.lines); d != "" {
			t.Errorf("batches of %d give other records (-want +got):\n%s", n, d)
		}
		if d := cmp.Diff(want.ends, got.ends); d != "" {
			t.Errorf("batches of %d end elsewhere:\n%s", n, d)
		}
	}
}

func (s *sourceSuite) bytes(t *testing.T) {
	tb := people(5)
	_, src := s.place(t, tb)
	got := s.read(t, src, reading{stream: s.stream(tb), bytes: 1})
	s.wantLines(t, got.lines, tb.lines(t))
	for _, b := range got.batches {
		if b.Read > 1 {
			t.Errorf("a batch of about one byte has %d records", b.Read)
		}
	}
}

// resume opens behind every position that was given out and expects exactly what came behind it.
func (s *sourceSuite) resume(t *testing.T) {
	tb := people(11)
	p, src := s.place(t, tb)
	st := s.stream(tb)
	all := s.read(t, src, reading{stream: st, records: 7})
	again := s.open(t, p)
	for _, part := range all.plan.Partitions {
		var lines, positions []string
		for i, b := range all.batches {
			if all.of[i].ID != part.ID {
				continue
			}
			lines = append(lines, Lines(b)...)
			for n := range b.Read {
				positions = append(positions, b.Positions.At(n))
			}
		}
		for n, pos := range positions {
			r := reading{stream: st, records: 4, positions: map[string]string{part.ID: pos}}
			var rest []string
			for _, b := range s.drain(t, again, r.request(all.plan, part)) {
				rest = append(rest, Lines(b)...)
			}
			if d := cmp.Diff(lines[n+1:], rest, cmpEmpty); d != "" {
				t.Fatalf("behind %q of %s (-want +got):\n%s", pos, part.ID, d)
			}
		}
	}
}

// cmpEmpty makes a nil list equal to an empty one.
var cmpEmpty = cmp.Transformer("list", func(l []string) string { return fmt.Sprintf("%q", l) })

func (s *sourceSuite) end(t *testing.T) {
	tb := people(4)
	_, src := s.place(t, tb)
	for _, n := range []int{1, 2, 3, 4, 5} {
		r := reading{stream: s.stream(tb), records: n}
		got := s.read(t, src, r)
		for _, part := range got.plan.Partitions {
			rd, err := src.Open(t.Context(), r.request(got.plan, part))
			if err != nil {
				t.Fatal(err)
			}
			last := 0
			for last < 3 {
				b, err := rd.Next(t.Context())
				switch {
				case last > 0 && !errors.Is(err, io.EOF):
					t.Fatalf("behind the last batch of %d: got %v, want EOF", n, err)
				case last == 0 && err != nil:
					t.Fatal(err)
				}
				if last > 0 || b.Last {
					last++
				}
			}
			_ = rd.Close()
		}
	}
}

func (s *sourceSuite) empty(t *testing.T) {
	tb := people(0)
	_, src := s.place(t, tb)
	got := s.read(t, src, reading{stream: s.stream(tb)})
	if len(got.plan.Partitions) == 0 || len(got.batches) != len(got.plan.Partitions) {
		t.Fatalf("got %d batches of %d partitions, want one each", len(got.batches), len(got.plan.Partitions))
	}
	for _, b := range got.batches {
		if b.Read != 0 || !b.Last {
			t.Errorf("got %d records, last %v", b.Read, b.Last)
		}
	}
}

func (s *sourceSuite) deterministic(t *testing.T) {
	tb := people(11)
	p, src := s.place(t, tb)
	r := reading{stream: s.stream(tb), records: 4}
	first, second := s.read(t, src, r), s.read(t, s.open(t, p), r)
	if len(first.batches) != len(second.batches) {
		t.Fatalf("got %d and %d batches", len(first.batches), len(second.batches))
	}
	for i := range first.batches {
		a, err := record.Marshal(first.batches[i], record.LZ4)
		if err != nil {
			t.Fatal(err)
		}
		b, err := record.Marshal(second.batches[i], record.LZ4)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) { // Invariant 12
			t.Errorf("batch %d has other bytes the second time", i)
		}
	}
}

func (s *sourceSuite) rejects(t *testing.T) {
	tb := people(9)
	tb.Schema.Columns = append(tb.Schema.Columns, columns("n", "int").Columns...)
	for i := range tb.Rows {
		tb.Rows[i] = append(tb.Rows[i], any(i*10))
	}
	tb.Rows[2][3], tb.Rows[8][3] = "x1", "12a"
	_, src := s.place(t, tb)
	for _, n := range []int{1, 4, 100} {
		got := s.read(t, src, reading{stream: s.stream(tb), records: n})
		s.wantLines(t, got.lines, tb.lines(t))
		read, rejects := 0, 0
		for _, b := range got.batches {
			read, rejects = read+b.Read, rejects+len(b.Rejects)
			for _, r := range b.Rejects {
				if r.Phase != "extract" || r.Code != string(fault.DataInvalid) || r.Message == "" || r.Index < 0 || r.Index >= b.Read {
					t.Errorf("reject %+v: want phase extract, DataInvalid, a message, an index below %d", r, b.Read)
				}
			}
		}
		if read != 9 || rejects != 2 { // Invariant 5
			t.Errorf("batches of %d: read %d, rejected %d; want 9 and 2", n, read, rejects)
		}
	}
}

func (s *sourceSuite) roundTrip(t *testing.T, tb Table) {
	t.Helper()
	_, src := s.place(t, tb)
	got := s.read(t, src, reading{stream: s.stream(tb)})
	for _, b := range got.batches {
		for _, r := range b.Rejects {
			t.Errorf("record %d was rejected: %s", r.Index, r.Message)
		}
	}
	s.wantLines(t, got.lines, tb.lines(t))
}

func (s *sourceSuite) kinds(t *testing.T) { s.roundTrip(t, everyKind()) }
func (s *sourceSuite) names(t *testing.T) { s.roundTrip(t, oddNames()) }

func (s *sourceSuite) nulls(t *testing.T) {
	tb := everyKind()
	none := make([]any, len(tb.Schema.Columns))
	none[0] = 9
	tb.Rows = append(tb.Rows, none)
	tb.Rows[3][6] = ""
	s.roundTrip(t, tb)
}

func (s *sourceSuite) parallel(t *testing.T) {
	tb := people(23)
	_, src := s.place(t, tb)
	r := reading{stream: s.stream(tb), records: 3}
	plan, err := src.Plan(t.Context(), connector.PlanRequest{Stream: r.stream})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	counts := make([]int, 4)
	for i := range counts {
		wg.Go(func() {
			for _, part := range plan.Partitions {
				rd, err := src.Open(t.Context(), r.request(plan, part))
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				for {
					b, err := rd.Next(t.Context())
					if err != nil {
						if !errors.Is(err, io.EOF) {
							t.Errorf("next: %v", err)
						}
						break
					}
					counts[i] += b.Read
				}
				_ = rd.Close()
			}
		})
	}
	wg.Wait()
	for i, n := range counts {
		if n != 23 {
			t.Errorf("reader %d read %d records, want 23", i, n)
		}
	}
}

func (s *sourceSuite) incrementalStream(tb Table) job.Stream {
	st := s.stream(tb)
	st.Mode, st.Cursor = job.Incremental, "seen"
	return st
}

func (s *sourceSuite) incremental(t *testing.T) {
	p, src := s.place(t, people(7))
	r := reading{stream: s.incrementalStream(people(7)), records: 3}
	first := s.read(t, src, r)
	s.wantLines(t, first.lines, people(7).lines(t))

	r.positions = first.ends
	if idle := s.read(t, s.open(t, p), r); len(idle.lines) != 0 {
		t.Errorf("nothing is new, but %d records were read", len(idle.lines))
	}
	p.Put(t, people(12))
	second := s.read(t, s.open(t, p), r)
	s.wantLines(t, second.lines, people(12).lines(t)[7:])
}

// ties puts rows behind the checkpoint that have the cursor of the last row that was read.
func (s *sourceSuite) ties(t *testing.T) {
	tb := people(10)
	for i := range tb.Rows {
		tb.Rows[i][2] = []string{"2026-01-01T00:00:00", "2026-01-02T00:00:00"}[i/4%2]
	}
	tb.Rows[8][2], tb.Rows[9][2] = "2026-01-02T00:00:00", "2026-01-02T00:00:00"
	before := tb
	before.Rows = tb.Rows[:6]
	p, src := s.place(t, before)
	r := reading{stream: s.incrementalStream(tb), records: 1}
	first := s.read(t, src, r)
	s.wantLines(t, first.lines, tb.lines(t)[:6])
	p.Put(t, tb)
	r.positions = first.ends
	second := s.read(t, src, r)
	s.wantLines(t, second.lines, tb.lines(t)[6:])
}
