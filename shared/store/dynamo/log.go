package dynamo

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// levels gives the names of log levels in their order.
func levels() []string { return []string{"debug", "info", "warn", "error"} }

// maxEvents is how many events are packed into one item; an event has few kilobytes at most.
const maxEvents = 100

// AddLogs implements store.RunStore. Events are packed in the order of their ids; an item that begins with an id is written once, and what
// is not in it goes into another one.
func (s *Store) AddLogs(ctx context.Context, events []store.LogEvent) error {
	runs := map[[2]string][]store.LogEvent{}
	for _, e := range events {
		e.Time = instant(millis(s.at(e.Time)))
		e.Level = levels()[max(0, slices.Index(levels(), e.Level))]
		k := [2]string{e.Job, e.Run}
		e.Job, e.Run = "", ""
		runs[k] = append(runs[k], e)
	}
	keys := make([][2]string, 0, len(runs))
	for k := range runs {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	for _, k := range keys {
		list := runs[k]
		slices.SortStableFunc(list, func(a, b store.LogEvent) int { return cmp.Compare(enc(a.ID), enc(b.ID)) })
		for part := range slices.Chunk(list, maxEvents) {
			if err := s.addLogs(ctx, logsKey(k[0], k[1]), part); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) addLogs(ctx context.Context, pk string, events []store.LogEvent) error {
	const action = "add log events to"
	for len(events) > 0 {
		last := events[0].Time
		for _, e := range events {
			if e.Time.After(last) {
				last = e.Time
			}
		}
		p, err := put(key{pk, enc(events[0].ID)}).num(infra.TimeToLive, last.Add(store.DetailRetention).Unix()).rows(events)
		if err != nil {
			return s.failed(action, err)
		}
		there, applied, err := s.put(ctx, action, p, absent())
		if err != nil || applied {
			return err
		}
		known, err := unrows[store.LogEvent](there)
		if err != nil {
			return s.failed(action, err)
		}
		events = slices.DeleteFunc(slices.Clone(events), func(e store.LogEvent) bool {
			return e.ID == events[0].ID || slices.ContainsFunc(known, func(k store.LogEvent) bool { return k.ID == e.ID })
		})
	}
	return nil
}

// Logs implements store.RunStore. Ids are in the order of time, so their order is that of the list.
func (s *Store) Logs(ctx context.Context, q store.LogQuery) ([]store.LogEvent, string, error) {
	least := slices.Index(levels(), q.Level)
	word := strings.ToLower(q.Keyword)
	p := packed[store.LogEvent]{
		list: "logs", action: "list log events in", limit: q.Limit, token: q.Token,
		order: func(e store.LogEvent) (string, string) { return enc(e.ID), "-" },
		keep: func(e store.LogEvent) bool {
			return slices.Index(levels(), e.Level) >= least && same(q.Step, e.Step) && within(e.Time, q.Since, q.Until) &&
				(strings.Contains(strings.ToLower(e.Text), word) || strings.Contains(strings.ToLower(string(e.Attrs)), word))
		},
		unfold: func(_ context.Context, i item) ([]store.LogEvent, error) {
			events, err := unrows[store.LogEvent](i)
			for n := range events {
				events[n].Job, events[n].Run = q.Job, q.Run
			}
			return events, err
		},
		sources: []source{{pk: logsKey(q.Job, q.Run), pkName: infra.PartitionKey, skName: infra.SortKey}},
	}
	return unpacked(ctx, s, p)
}
