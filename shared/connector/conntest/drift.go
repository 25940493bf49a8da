package conntest

import (
	"slices"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// grown is things with a column more and an amount that is now a decimal.
func grown(rows ...[]any) Table {
	return Table{Name: "sold", Key: []string{"id"}, Schema: columns("id", "int", "amount", "decimal(22,2)", "note", "string"), Rows: rows}
}

// sold makes the target that drift is measured against: id, amount, both int, one row.
func (s *sinkSuite) sold(t *testing.T, d connector.Destination) *writer {
	t.Helper()
	tb := Table{Name: "sold", Key: []string{"id"}, Schema: columns("id", "int", "amount", "int"), Rows: [][]any{{1, 100}}}
	w := s.writer(t, d, s.target(tb, "run-1", ""))
	w.load(t, tb)
	return w
}

func (s *sinkSuite) driftHalt(t *testing.T) {
	k, d := s.place(t)
	w := s.sold(t, d)
	for name, c := range map[string]struct {
		schema record.Schema
		says   []string
	}{
		"new column": {columns("id", "int", "amount", "int", "note", "string"), []string{"note", "string"}},
		"wider type": {columns("id", "int", "amount", "decimal(22,2)"), []string{"amount", "int", "decimal(22,2)"}},
		"other type": {columns("id", "int", "amount", "string"), []string{"amount", "int", "string"}},
	} {
		target := w.target
		target.Schema = c.schema
		err := d.Prepare(t.Context(), target, w.claim())
		wantCode(t, err, fault.SchemaDrift) // Invariant 10
		for _, word := range append(c.says, "drift") {
			if err != nil && !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not say %q", name, err, word)
			}
		}
	}
	fewer := w.target
	fewer.Schema = columns("id", "int")
	if err := d.Prepare(t.Context(), fewer, w.claim()); err != nil {
		t.Errorf("a column that the target has and the stream has not: %v", err)
	}
	wantRows(t, k, Table{Name: "sold", Schema: columns("id", "int", "amount", "int"), Rows: [][]any{{1, 100}}})
}

func (s *sinkSuite) driftEvolve(t *testing.T) {
	k, d := s.place(t)
	w := s.sold(t, d)
	tb := grown([]any{2, "0.50", "half"})
	w.target.Schema, w.target.Drift = tb.Schema, job.Evolve
	w.prepare(t)
	w.prepare(t)
	w.load(t, tb)
	wantRows(t, k, grown([]any{1, "100.00", nil}, []any{2, "0.50", "half"}))

	w.target.Schema = columns("id", "int", "amount", "string", "note", "string")
	wantCode(t, d.Prepare(t.Context(), w.target, w.claim()), fault.SchemaDrift)

	w.target.Drift = job.Halt
	w.target.Columns = map[string]job.Drift{"tag": job.Evolve}
	w.target.Schema = columns("id", "int", "amount", "int", "note", "string", "tag", "json")
	w.prepare(t)
	if got := k.Columns(t, "sold"); len(got) != 4 || !slices.Contains(got, "tag") {
		t.Errorf("columns are %v, want tag among four", got)
	}
}

func (s *sinkSuite) driftIgnore(t *testing.T) {
	k, d := s.place(t)
	w := s.sold(t, d)
	w.target.Schema, w.target.Drift = columns("id", "int", "note", "string", "amount", "int"), job.Ignore
	w.prepare(t)
	w.load(t, Table{Name: "sold", Schema: w.target.Schema, Rows: [][]any{{2, "left out", 200}}})
	wantRows(t, k, Table{Name: "sold", Schema: columns("id", "int", "amount", "int"), Rows: [][]any{{1, 100}, {2, 200}}})
	if got := k.Columns(t, "sold"); len(got) != 2 {
		t.Errorf("columns are %v, want two", got)
	}
	w.target.Schema = columns("id", "int", "amount", "string")
	wantCode(t, d.Prepare(t.Context(), w.target, w.claim()), fault.SchemaDrift)
}

func (s *sinkSuite) driftDeadLetter(t *testing.T) {
	k, d := s.place(t)
	w := s.sold(t, d)
	w.target.Schema, w.target.Drift = columns("id", "int", "note", "string", "amount", "string"), job.DeadLetter
	w.prepare(t)
	r := w.load(t, Table{Name: "sold", Schema: w.target.Schema, Rows: [][]any{
		{2, nil, nil}, {3, "does not fit", nil}, {4, nil, "text"}, {5, nil, nil}}})
	wantRefused(t, r, 1, 2)
	for _, f := range r.Refused {
		if f.Code != string(fault.SchemaDrift) {
			t.Errorf("row %d was refused as %s, want SchemaDrift", f.Row, f.Code)
		}
	}
	wantRows(t, k, Table{Name: "sold", Schema: columns("id", "int", "amount", "int"), Rows: [][]any{{1, 100}, {2, nil}, {5, nil}}})
}

// caseNames wants columns that differ in case only to be kept apart, or refused with both names.
func (s *sinkSuite) caseNames(t *testing.T) {
	k, d := s.place(t)
	tb := Table{Name: "cases", Key: []string{"id"}, Schema: columns("id", "int", "Name", "string", "name", "string"), Rows: [][]any{{1, "A", "a"}}}
	target := s.target(tb, "run-1", "")
	if s.lacks(CaseNames) {
		err := d.Prepare(t.Context(), target, connector.Claim{Term: 1, Fence: 1, Owner: "me"})
		wantCode(t, err, fault.ConfigInvalid)
		if err != nil && (!strings.Contains(err.Error(), "Name") || !strings.Contains(err.Error(), "name")) {
			t.Errorf("%q does not name both columns", err)
		}
		return
	}
	w := s.writer(t, d, target)
	w.load(t, tb)
	wantRows(t, k, tb)
}
