package dynamo

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"encoding/json"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Step executions, log events and many failures at once are packed: several rows in one item, as compressed JSON, since each item that is
// written is billed as a whole kilobyte or more.

// rows sets an item's packed rows.
func (p putting) rows(v any) (putting, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return p, err
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return p, err
	}
	if _, err := w.Write(text); err != nil {
		return p, err
	}
	if err := w.Close(); err != nil {
		return p, err
	}
	p.item["rows"] = &types.AttributeValueMemberB{Value: out.Bytes()}
	return p, nil
}

// maxUnpacked bounds what an item may unpack to.
const maxUnpacked = 64 << 20

// unrows reads them.
func unrows[T any](i item) ([]T, error) {
	b, ok := i["rows"].(*types.AttributeValueMemberB)
	if !ok {
		return nil, fault.New(fault.DataInvalid, "an item of packed rows has none")
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b.Value)), maxUnpacked))
	if err != nil {
		return nil, fault.New(fault.DataInvalid, "packed rows: %w", err)
	}
	var out []T
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, fault.New(fault.DataInvalid, "packed rows: %w", err)
	}
	return out, nil
}

// packed is a list of rows that lie in packs. The sort key of a pack is the order of its first row, so that the rows of packs that overlap
// can be put in order.
type packed[T any] struct {
	list    string
	action  string
	limit   int
	token   string
	sources []source
	order   func(T) (key, tie string)
	keep    func(T) bool
	unfold  func(context.Context, item) ([]T, error)
}

// placed is a row with its order, and the pack that it lies in.
type placed[T any] struct {
	row      T
	key, tie string
	pack     hit
}

func (a placed[T]) compare(b placed[T]) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.tie, b.tie))
}

// unpacked reads one page. Its token holds the order of its last row, and the first pack that has rows behind it.
func unpacked[T any](ctx context.Context, s *Store, q packed[T]) ([]T, string, error) {
	if q.limit <= 0 {
		q.limit = defaultLimit
	}
	q.limit = min(q.limit, maxLimit)
	after, err := decodeTokens(q.list, q.token, 4)
	if err != nil {
		return nil, "", s.failed(q.action, err)
	}
	m := &merge{s: s, action: q.action, size: 100}
	var last placed[T]
	for _, src := range q.sources {
		c := &cursor{source: src}
		if after != nil {
			last.key, last.tie = after[0], after[1]
			c.last, c.with = after[2], src.pk >= after[3]
		}
		m.cursors = append(m.cursors, c)
	}
	var waiting, out []placed[T]
	for len(out) <= q.limit {
		found, err := m.next(ctx, 1)
		if err != nil {
			return nil, "", err
		}
		for len(waiting) > 0 && len(out) <= q.limit && (len(found) == 0 || waiting[0].key < found[0].sort) {
			if len(out) == 0 || out[len(out)-1].compare(waiting[0]) != 0 { // a row that is in two packs is one
				out = append(out, waiting[0])
			}
			waiting = waiting[1:]
		}
		if len(found) == 0 {
			break
		}
		rows, err := q.unfold(ctx, found[0].item)
		if err != nil {
			return nil, "", s.failed(q.action, err)
		}
		for _, r := range rows {
			p := placed[T]{row: r, pack: found[0]}
			p.key, p.tie = q.order(r)
			if q.keep(r) && (after == nil || p.compare(last) > 0) {
				waiting = append(waiting, p)
			}
		}
		slices.SortStableFunc(waiting, placed[T].compare)
	}
	return endOfPage(q, out, waiting)
}

// endOfPage takes the extra row away and makes the token.
func endOfPage[T any](q packed[T], out, waiting []placed[T]) ([]T, string, error) {
	var rows []T
	for _, p := range out[:min(len(out), q.limit)] {
		rows = append(rows, p.row)
	}
	if len(out) <= q.limit {
		return rows, "", nil
	}
	first := out[q.limit].pack
	for _, p := range waiting {
		if cmp.Or(cmp.Compare(p.pack.sort, first.sort), cmp.Compare(p.pack.pk, first.pk)) < 0 {
			first = p.pack
		}
	}
	last := out[q.limit-1]
	return rows, encodeToken(q.list, last.key, last.tie, first.sort, first.pk), nil
}
