package transform

import (
	"cmp"
	"slices"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
)

// splits remembers how split records were before, for the snapshots of those that fail later. A record split twice is remembered
// as it was before the first time.
type splits struct {
	before []record.Batch
	by     map[int]int // original → index in before
}

// note compares what went into a transform with what came out.
func (s *splits) note(in, out record.Batch) {
	if !out.IsSplit() {
		return
	}
	var rows []int32
	for i := 1; i < len(out.Origin); i++ {
		origin := int(out.Origin[i])
		if out.Origin[i-1] != out.Origin[i] || (i > 1 && out.Origin[i-2] == out.Origin[i]) {
			continue
		}
		if _, known := s.by[origin]; known {
			continue
		}
		if s.by == nil {
			s.by = map[int]int{}
		}
		s.by[origin] = len(s.before)
		rows = append(rows, int32(in.RowOf(origin)))
	}
	if len(rows) > 0 {
		s.before = append(s.before, in.Keep(rows))
	}
}

// reject makes the reject of a refused row of b.
func (s *splits) reject(b record.Batch, r record.Refusal, key []string) record.Reject {
	origin, from, row := b.OriginOf(r.Row), b, r.Row
	if i, ok := s.by[origin]; ok && s.before[i].RowOf(origin) >= 0 {
		from, row = s.before[i], s.before[i].RowOf(origin)
	}
	if r.Code == "" {
		r.Code = string(fault.DataInvalid)
	}
	return record.Reject{
		Index: origin, Phase: Phase, Code: r.Code, Rule: r.Rule, Message: r.Message, Tries: max(r.Tries, 1),
		Key: from.Key(row, key), Snapshot: from.JSON(row),
	}
}

func byRow(refused []record.Refusal) []record.Refusal {
	refused = slices.Clone(refused)
	slices.SortStableFunc(refused, func(a, b record.Refusal) int { return cmp.Compare(a.Row, b.Row) })
	return refused
}

func sortRejects(rejects []record.Reject) {
	slices.SortFunc(rejects, func(a, b record.Reject) int { return cmp.Compare(a.Index, b.Index) })
}
