package dynamo

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// How much of the ledger a transaction carries itself; more goes into chunks before it.
const (
	maxInline      = 10
	maxInlineBytes = 32 << 10
	chunkBytes     = 200 << 10 // of JSON in one item, which may have 400 KB
)

// addFailures puts the failures of a batch into its transaction: each as an item of its own, or one item that names the chunks that hold
// them. Chunks are named by the writer's fence, so that nobody else's request ever leads to them, and expire with the failures.
func (s *Store) addFailures(ctx context.Context, t *transaction, w store.MoveCheckpoint) error {
	list := w.Completed()
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b store.Failure) int { return cmp.Compare(a.ID, b.ID) })
	texts := make([]json.RawMessage, len(list))
	bytes := 0
	for i, f := range list {
		f.CreatedAt, f.ExpiresAt = instant(millis(f.CreatedAt)), instant(millis(f.ExpiresAt))
		text, err := json.Marshal(f)
		if err != nil {
			return s.failed("checkpoint in", err)
		}
		texts[i] = text
		bytes += len(text)
	}
	if len(list) <= maxInline && bytes <= maxInlineBytes {
		for i, f := range list {
			t.put(&s.table, put(key{failuresKey(f.Job, f.ID), f.ID}).str("row", string(texts[i])).num(infra.TimeToLive, f.ExpiresAt.Unix()), false)
		}
		return nil
	}
	first := list[0]
	pk := failuresKey(first.Job, first.ID)
	chunks := cut(texts)
	for n, rows := range chunks {
		chunk, err := put(chunkKey(pk, first.ID, w.Fence, n)).num(infra.TimeToLive, first.ExpiresAt.Unix()).rows(rows)
		if err != nil {
			return s.failed("checkpoint in", err)
		}
		if err := s.replace(ctx, "checkpoint in", chunk); err != nil {
			return err
		}
	}
	t.put(&s.table, put(key{pk, first.ID}).num("chunks", int64(len(chunks))).num("fence", w.Fence).num(infra.TimeToLive, first.ExpiresAt.Unix()), false)
	return nil
}

// chunkKey names a chunk; listing the ledger does not meet it.
func chunkKey(pk, id string, fence int64, n int) key {
	return key{"CHUNK#" + pk, fmt.Sprintf("%s#%d#%04d", id, fence, n)}
}

// cut divides rows so that each part fits into an item.
func cut(rows []json.RawMessage) [][]json.RawMessage {
	var out [][]json.RawMessage
	for len(rows) > 0 {
		n, bytes := 0, 0
		for n < len(rows) && (n == 0 || bytes+len(rows[n]) < chunkBytes) {
			bytes += len(rows[n]) + 1
			n++
		}
		out = append(out, rows[:n])
		rows = rows[n:]
	}
	return out
}

// unfold gives the failures of an item of the ledger, in the order of their ids.
func (s *Store) unfold(ctx context.Context, i item) ([]store.Failure, error) {
	const action = "list failures in"
	r := reader{item: i}
	if text := r.str("row"); text != "" {
		var f store.Failure
		err := unpack(text, &f)
		return []store.Failure{f}, s.failed(action, err)
	}
	var out []store.Failure
	k := keyOf(i)
	for n := range int(r.num("chunks")) {
		chunk, err := s.get(ctx, action, chunkKey(k.pk, k.sk, r.num("fence"), n))
		if err != nil {
			return nil, err
		}
		rows, err := unrows[store.Failure](chunk)
		if err != nil {
			return nil, s.failed(action, err)
		}
		out = append(out, rows...)
	}
	return out, s.failed(action, r.err)
}

// Failures implements store.FailureStore.
func (s *Store) Failures(ctx context.Context, q store.FailureQuery) ([]store.Failure, string, error) {
	const action = "list failures in"
	jobs := []string{q.Job}
	if q.Job == "" {
		var err error
		if jobs, err = s.jobs(ctx); err != nil {
			return nil, "", err
		}
	}
	prefix := ""
	if q.Run != "" {
		prefix = enc(q.Run) + "#"
		if q.Stream != "" {
			prefix += enc(q.Stream) + "#"
		}
	}
	p := packed[store.Failure]{
		list: "failures", action: action, limit: q.Limit, token: q.Token,
		order: func(f store.Failure) (string, string) { return f.ID, f.Job },
		keep: func(f store.Failure) bool {
			return same(q.Run, f.Run) && same(q.Stream, f.Stream) && same(q.Phase, f.Phase) && same(q.Code, f.Code) && same(q.Status, f.Status) &&
				within(f.CreatedAt, q.Since, q.Until)
		},
		unfold: s.unfold,
	}
	for _, job := range jobs {
		for n := range shards {
			p.sources = append(p.sources, source{pk: failuresShard(job, n), pkName: infra.PartitionKey, skName: infra.SortKey, prefix: prefix})
		}
	}
	return unpacked(ctx, s, p)
}

// same says whether a filter lets a value through; "" lets all.
func same(want, got string) bool { return want == "" || want == got }

// jobs lists the jobs that ever took a lock.
func (s *Store) jobs(ctx context.Context) ([]string, error) {
	var out []string
	for token := ""; ; {
		locks, next, err := s.Locks(ctx, store.LockQuery{Limit: maxLimit, Token: token})
		if err != nil {
			return nil, err
		}
		for _, l := range locks {
			out = append(out, l.Job)
		}
		if token = next; token == "" {
			return out, nil
		}
	}
}

// Failure implements store.FailureStore. One of many stands behind the item of the first of its batch.
func (s *Store) Failure(ctx context.Context, job, id string) (store.Failure, error) {
	const action = "read failure in"
	none := fault.New(fault.NotFound, "job %s has no failure %s", job, id)
	if id == "" {
		return store.Failure{}, none
	}
	prefix := id
	if at := strings.LastIndexByte(id, '#'); at > 0 {
		prefix = id[:at+1]
	}
	var found store.Failure
	q := search{keys: keyBetween(failuresKey(job, id), prefix, id), backward: true, limit: 1}
	err := s.pages(ctx, action, q, func(page []item) (bool, error) {
		for _, i := range page {
			rows, err := s.unfold(ctx, i)
			if err != nil {
				return false, err
			}
			for _, f := range rows {
				if f.ID == id {
					found = f
				}
			}
		}
		return false, nil
	})
	if err == nil && found.ID == "" {
		return found, none
	}
	return found, err
}
