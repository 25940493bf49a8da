package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// encodeRun makes the run's row. Rev names this state of it: a change is made on the state that was read, or not at all.
func encodeRun(r store.Run, rev string) (putting, error) {
	steps, err := pack(r.Steps, len(r.Steps))
	if err != nil {
		return putting{}, err
	}
	notices, err := pack(r.Notices, len(r.Notices))
	if err != nil {
		return putting{}, err
	}
	p := put(runKey(r.Job, r.ID)).str("status", string(r.Status)).str("started_by", r.Trigger).str("digest", r.Digest).str("input_sha256", r.InputSHA256).
		str("version", r.Version).str("holder", r.Holder).str("epoch", r.Epoch).str("steps", steps).num("percent", int64(r.Percent)).
		str("error_code", r.ErrorCode).str("error_text", r.ErrorText).str("notices", notices).
		time("created_at", r.CreatedAt).time("started_at", r.StartedAt).time("ended_at", r.EndedAt).time("expires_at", r.ExpiresAt).
		num(infra.TimeToLive, r.ExpiresAt.Unix()).str("rev", rev)
	at := stamp(r.CreatedAt)
	p.str(infra.StatusKey, statusKey(kindRun, string(r.Status), shard(r.Job+"/"+r.ID))).str(infra.StatusSort, at+"#"+enc(r.Job)+"#"+enc(r.ID))
	p.str(infra.JobKey, runsKey(r.Job)).str(infra.JobSort, at+"#"+enc(r.Job)+"#"+enc(r.ID))
	for _, c := range counters(&r.Counters) {
		if *c.at != 0 {
			p.num(c.name, *c.at)
		}
	}
	return p.spent(r.Units), nil
}

// spent writes what the run's calls cost, in thousandths of a unit.
func (p putting) spent(u store.Units) putting {
	if u != (store.Units{}) {
		p.num("read_units", int64(u.Read*1000)).num("write_units", int64(u.Write*1000))
	}
	return p
}

// pack gives the text for a map or a list, "" for an empty one.
func pack(v any, n int) (string, error) {
	if n == 0 {
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

func unpack(text string, to any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fault.New(fault.DataInvalid, "stored JSON: %w", err)
	}
	return nil
}

// stored is a run as its items say it.
type stored struct {
	own store.Run // with its own counters only
	rev string
	sum store.Counters // of the partitions
}

// run gives the run with the sums over its partitions.
func (v stored) run() store.Run {
	r := v.own
	r.Counters.Add(v.sum)
	return r
}

func decodeRun(job string, i item) (stored, error) {
	r := reader{item: i}
	v := stored{rev: r.str("rev"), own: store.Run{
		Job: job, ID: dec(r.str(infra.SortKey)), Status: store.RunStatus(r.str("status")), Trigger: r.str("started_by"), Digest: r.str("digest"),
		InputSHA256: r.str("input_sha256"), Version: r.str("version"), Holder: r.str("holder"), Epoch: r.str("epoch"), Percent: int(r.num("percent")),
		ErrorCode: r.str("error_code"), ErrorText: r.str("error_text"), CreatedAt: r.time("created_at"), StartedAt: r.time("started_at"),
		EndedAt: r.time("ended_at"), ExpiresAt: r.time("expires_at"),
		Units: store.Units{Read: float64(r.num("read_units")) / 1000, Write: float64(r.num("write_units")) / 1000},
	}}
	for _, c := range counters(&v.own.Counters) {
		*c.at = r.num(c.name)
	}
	if err := unpack(r.str("steps"), &v.own.Steps); err != nil {
		return v, fmt.Errorf("steps of run %s: %w", v.own.ID, err)
	}
	if err := unpack(r.str("notices"), &v.own.Notices); err != nil {
		return v, fmt.Errorf("notices of run %s: %w", v.own.ID, err)
	}
	return v, r.err
}

// readRun reads a run, what it began with, and its partitions in one query; NotFound when it does not exist.
func (s *Store) readRun(ctx context.Context, action, job, id string) (stored, error) {
	from := enc(id)
	found, err := s.all(ctx, action, keyBetween(runsKey(job), from, from+"$")) // behind '#'; no key has it
	if err != nil {
		return stored{}, err
	}
	var v stored
	var parts []item
	var snapshot reader
	for _, i := range found {
		r := reader{item: i}
		switch sk := r.str(infra.SortKey); {
		case sk == from:
			if v, err = decodeRun(job, i); err != nil {
				return v, s.failed(action, err)
			}
		case strings.HasPrefix(sk, from+"!"):
			snapshot = reader{item: i}
		default:
			parts = append(parts, i)
		}
	}
	if v.own.ID == "" {
		return v, fault.New(fault.NotFound, "job %s has no run %s", job, id)
	}
	v.own.Input, v.own.Snapshot = raw(snapshot.str("input")), raw(snapshot.str("snapshot"))
	list, err := s.partitions(job, parts)
	for _, p := range list {
		v.sum.Add(p.Counters)
	}
	return v, err
}

// raw gives stored JSON, nil when there is none.
func raw(text string) json.RawMessage {
	if text == "" {
		return nil
	}
	return json.RawMessage(text)
}

// StartRun implements store.RunStore. The row and what the run began with are put together.
func (s *Store) StartRun(ctx context.Context, r store.Run) (store.Run, bool, error) {
	const action = "start run in"
	r.CreatedAt = s.at(r.CreatedAt)
	if r.ExpiresAt.IsZero() {
		r.ExpiresAt = r.CreatedAt.Add(store.RunRetention)
	}
	row, err := encodeRun(r, digest("start", r)[:16])
	if err != nil {
		return r, false, s.failed(action, err)
	}
	var t transaction
	t.put(&s.table, row, true)
	t.put(&s.table, put(snapshotKey(r.Job, r.ID)).str("input", string(r.Input)).str("snapshot", string(r.Snapshot)).
		num(infra.TimeToLive, r.ExpiresAt.Unix()), false)
	refused, err := s.transact(ctx, action, t)
	if err != nil {
		return store.Run{}, false, err
	}
	v, err := s.readRun(ctx, action, r.Job, r.ID)
	return v.run(), err == nil && refused.at < 0, err
}

// Run implements store.RunStore.
func (s *Store) Run(ctx context.Context, job, run string) (store.Run, error) {
	v, err := s.readRun(ctx, "read run in", job, run)
	return v.run(), err
}

// updates is how often a change is made anew because the row changed between reading and writing.
const updates = 10

// UpdateRun implements store.RunStore. It is made on the state of the row that was read; a change that was applied before its answer was
// lost finds its own mark.
func (s *Store) UpdateRun(ctx context.Context, c store.RunChange) (store.Run, error) {
	const action = "update run in"
	for range updates {
		v, err := s.readRun(ctx, action, c.Job, c.ID)
		if err != nil {
			return store.Run{}, err
		}
		if !c.Applies(v.own.Status) {
			return v.run(), nil
		}
		rev := digest(v.rev, c)[:16]
		seen := v.rev
		c.Apply(&v.own)
		row, err := encodeRun(v.own, rev)
		if err != nil {
			return store.Run{}, s.failed(action, err)
		}
		there, applied, err := s.put(ctx, action, row, is("rev", seen))
		if err != nil {
			return store.Run{}, err
		}
		found := reader{item: there}
		if applied || found.str("rev") == rev {
			return v.run(), nil
		}
	}
	return store.Run{}, fault.New(fault.Transient, "run %s changed %d times while it was updated", c.ID, updates)
}

// Runs implements store.RunStore. The indexes may be a moment behind; the runs themselves are read consistently.
func (s *Store) Runs(ctx context.Context, q store.RunQuery) ([]store.Run, string, error) {
	const action = "list runs in"
	list := indexed[store.Run]{
		list: "runs", action: action, limit: q.Limit, token: q.Token, backward: !q.OldestFirst,
		fetch: func(ctx context.Context, key item) (store.Run, bool, error) {
			k := keyOf(key)
			v, err := s.readRun(ctx, action, dec(strings.TrimPrefix(k.pk, "RUN#")), dec(k.sk))
			if fault.Has(err, fault.NotFound) {
				return store.Run{}, false, nil // it expired
			}
			r := v.run()
			keep := (q.Job == "" || r.Job == q.Job) && (len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.Status)) && within(r.CreatedAt, q.Since, q.Until)
			return r, keep, err
		},
	}
	list.from, list.to = between(q.Since, q.Until)
	if q.Job != "" {
		list.sources = []source{{index: infra.ByJob, pk: runsKey(q.Job), pkName: infra.JobKey, skName: infra.JobSort}}
		return page(ctx, s, list)
	}
	statuses := q.Statuses
	if len(statuses) == 0 {
		statuses = store.RunStatuses()
	}
	var names []string
	for _, one := range statuses {
		names = append(names, string(one))
	}
	list.sources = statusSources(kindRun, names)
	return page(ctx, s, list)
}

// within says whether since <= t < until, each unless it is zero.
func within(t, since, until time.Time) bool {
	return !t.Before(since) && (until.IsZero() || t.Before(until))
}

// Expire implements store.RunStore. DynamoDB deletes what is past its time by itself, by the attribute ttl.
func (s *Store) Expire(context.Context, time.Time) (int64, error) { return 0, nil }
