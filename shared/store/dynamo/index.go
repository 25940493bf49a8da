package dynamo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Sizes of pages.
const (
	defaultLimit = 100
	maxLimit     = 1000
	fetches      = 8 // items read at once
)

// source is one partition of an index or of the table that is sorted like the others; together they make a list.
type source struct {
	index  string // "": the table
	pk     string
	pkName string
	skName string
	prefix string // of the sort keys; "" all
	end    string // the greatest sort key; "" no bound
}

// statusSources are the shards of the index by status that hold a kind in these statuses.
func statusSources(kind string, statuses []string) []source {
	var out []source
	for _, status := range statuses {
		for n := range shards {
			out = append(out, source{index: infra.ByStatus, pk: statusKey(kind, status, n), pkName: infra.StatusKey, skName: infra.StatusSort})
		}
	}
	return out
}

// indexed is a list over sources, in the order of their sort keys. A page's token holds the sort key of its last item, so that items which
// come in between move no border.
type indexed[T any] struct {
	list     string // what is listed; a token is good for this list only
	action   string
	limit    int
	token    string
	sources  []source
	backward bool
	from, to string // bounds of the sort keys, both may be ""; from is included, to is not
	// fetch gives the item of a key that a source found, and whether it belongs to the list. It is called by several goroutines.
	fetch func(ctx context.Context, key item) (T, bool, error)
}

// cursor is how far one source was read.
type cursor struct {
	source
	page []item
	done bool
	last string // sort key up to which it was read
	with bool   // an item at last itself was not read yet
}

func (c *cursor) sort() string {
	r := reader{item: c.page[0]}
	return r.str(c.skName)
}

// before is the order of a list: by sort key, then by source.
func (c *cursor) before(o *cursor) bool {
	if a, b := c.sort(), o.sort(); a != b {
		return a < b
	}
	return c.pk < o.pk
}

// page reads one page of a list.
func page[T any](ctx context.Context, s *Store, q indexed[T]) ([]T, string, error) {
	if q.limit <= 0 {
		q.limit = defaultLimit
	}
	q.limit = min(q.limit, maxLimit)
	after, err := decodeTokens(q.list, q.token, 2)
	if err != nil {
		return nil, "", s.failed(q.action, err)
	}
	m := &merge{s: s, action: q.action, backward: q.backward, from: q.from, to: q.to, size: int32(min(q.limit+1, 200))}
	for _, src := range q.sources {
		c := &cursor{source: src}
		if after != nil { // items with one sort key are in the order of their sources
			c.last, c.with = after[0], (src.pk > after[1]) != q.backward && src.pk != after[1]
		}
		m.cursors = append(m.cursors, c)
	}
	var out []T
	var at []hit
	for len(out) <= q.limit {
		found, err := m.next(ctx, min(q.limit+1-len(out), 4*fetches))
		if err != nil {
			return nil, "", err
		}
		if len(found) == 0 {
			return out, "", nil
		}
		values, keep := make([]T, len(found)), make([]bool, len(found))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(fetches)
		for i, f := range found {
			g.Go(func() (err error) {
				values[i], keep[i], err = q.fetch(gctx, f.item)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return nil, "", err
		}
		for i, ok := range keep {
			if ok {
				out, at = append(out, values[i]), append(at, found[i])
			}
		}
	}
	last := at[q.limit-1]
	return out[:q.limit], encodeToken(q.list, last.sort, last.pk), nil
}

// merge gives the items of several sources in the order of their sort keys.
type merge struct {
	s        *Store
	action   string
	cursors  []*cursor
	backward bool
	from, to string
	size     int32
}

// hit is an item that merge found.
type hit struct {
	item item
	sort string
	pk   string // of its source
}

// next gives at most n more items, none at the end.
func (m *merge) next(ctx context.Context, n int) ([]hit, error) {
	var out []hit
	for len(out) < n {
		if err := m.fill(ctx); err != nil {
			return nil, err
		}
		var best *cursor
		for _, c := range m.cursors {
			if len(c.page) > 0 && (best == nil || c.before(best) != m.backward) {
				best = c
			}
		}
		if best == nil {
			return out, nil
		}
		out = append(out, hit{best.page[0], best.sort(), best.pk})
		best.page = best.page[1:]
	}
	return out, nil
}

// fill reads on where a source has nothing left in memory.
func (m *merge) fill(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for _, c := range m.cursors {
		if c.done || len(c.page) > 0 {
			continue
		}
		g.Go(func() error { return m.read(gctx, c) })
	}
	return g.Wait()
}

// read gets one page of a source behind what was read of it.
func (m *merge) read(ctx context.Context, c *cursor) error {
	low, high := c.prefix, c.prefix+"\U0010ffff"
	if m.from != "" {
		low = max(low, m.from)
	}
	if m.to != "" {
		high = min(high, m.to)
	}
	switch {
	case c.last == "":
	case m.backward:
		high = min(high, c.last)
	default:
		low = max(low, c.last)
	}
	if c.end != "" {
		high = min(high, c.end)
	}
	if low == "" {
		low = " " // a bound may not be empty; no sort key is below it
	}
	if low > high {
		c.done = true
		return nil
	}
	keys := expression.Key(c.pkName).Equal(expression.Value(c.pk)).And(expression.Key(c.skName).Between(expression.Value(low), expression.Value(high)))
	q := search{index: c.index, keys: keys, backward: m.backward, limit: m.size}
	full := false
	err := m.s.pages(ctx, m.action, q, func(page []item) (bool, error) {
		full = len(page) > 0
		for _, i := range page {
			r := reader{item: i}
			at := r.str(c.skName)
			if at == c.last && !c.with || m.to != "" && at >= m.to { // bounds are included
				continue
			}
			c.page = append(c.page, i)
		}
		return len(c.page) == 0, nil
	})
	if err != nil {
		return err
	}
	if len(c.page) == 0 || !full {
		c.done = true
		return nil
	}
	r := reader{item: c.page[len(c.page)-1]}
	c.last, c.with = r.str(c.skName), false
	return nil
}

// between gives the bounds of sort keys that begin with a time.
func between(since, until time.Time) (from, to string) {
	if !since.IsZero() {
		from = stamp(since)
	}
	if !until.IsZero() {
		to = stamp(until)
	}
	return from, to
}

// encodeToken makes an opaque token of the list's name and where it goes on.
func encodeToken(list string, at ...string) string {
	text, err := json.Marshal(append([]string{list}, at...))
	if err != nil {
		return "" // texts always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// decodeTokens takes it apart; "" is the beginning and gives none.
func decodeTokens(list, token string, n int) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	bad := fault.New(fault.DataInvalid, "the page token is not one of this list").WithHint("begin again without a token")
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, bad
	}
	var parts []string
	if json.Unmarshal(text, &parts) != nil || len(parts) != n+1 || parts[0] != list {
		return nil, bad
	}
	for _, p := range parts[1:] {
		if p == "" {
			return nil, bad
		}
	}
	return parts[1:], nil
}
