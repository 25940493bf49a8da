package dynamo

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// counter is one of the numbers of store.Counters, and the attribute that holds it.
type counter struct {
	name string
	at   *int64
}

func counters(c *store.Counters) []counter {
	return []counter{
		{"n_read", &c.Read}, {"n_loaded", &c.Loaded}, {"n_inserted", &c.Inserted}, {"n_updated", &c.Updated}, {"n_unchanged", &c.Unchanged},
		{"n_filtered", &c.Filtered}, {"n_failed", &c.Failed}, {"n_deleted", &c.Deleted}, {"n_warned", &c.Warned}, {"n_batches", &c.Batches},
		{"n_bytes", &c.Bytes},
	}
}

// counted is the part of CHECKPOINT that adds to the run's partition. It has no condition: the checkpoint's own counts for both.
func counted(w store.MoveCheckpoint) change {
	u := set("last_seq", w.Seq, "error_code", "", "error_text", "", "updated_at", w.Now, infra.TimeToLive, w.Now.Add(store.RunRetention).Unix())
	for _, c := range counters(&w.Counters) {
		if *c.at != 0 {
			u = grow(u, c.name, *c.at)
		}
	}
	return change{key: partitionKey(w.Job, w.Run, w.Stream, w.CheckpointKey.Partition), set: u}
}

func decodePartition(job string, i item) (store.RunPartition, error) {
	r := reader{item: i}
	p := store.RunPartition{Job: job}
	if parts := strings.Split(r.str(infra.SortKey), "#"); len(parts) == 3 {
		p.Run, p.Stream, p.Partition = dec(parts[0]), dec(parts[1]), dec(parts[2])
	}
	p.LastSeq, p.Attempt, p.ErrorCode, p.ErrorText = r.num("last_seq"), r.str("attempt"), r.str("error_code"), r.str("error_text")
	p.UpdatedAt = r.time("updated_at")
	for _, c := range counters(&p.Counters) {
		*c.at = r.num(c.name)
	}
	return p, r.err
}

// Partitions implements store.RunStore.
func (s *Store) Partitions(ctx context.Context, job, run string) ([]store.RunPartition, error) {
	found, err := s.all(ctx, "read partitions in", keyBegins(runsKey(job), enc(run)+"#"))
	if err != nil {
		return nil, err
	}
	return s.partitions(job, found)
}

func (s *Store) partitions(job string, found []item) ([]store.RunPartition, error) {
	var out []store.RunPartition
	for _, i := range found {
		p, err := decodePartition(job, i)
		if err != nil {
			return nil, s.failed("read partitions in", err)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b store.RunPartition) int {
		if d := strings.Compare(a.Stream, b.Stream); d != 0 {
			return d
		}
		return strings.Compare(a.Partition, b.Partition)
	})
	return out, nil
}

// EndPartition implements store.RunStore.
func (s *Store) EndPartition(ctx context.Context, p store.RunPartition) error {
	p.UpdatedAt = s.at(p.UpdatedAt)
	_, _, err := s.update(ctx, "end partition in", change{
		key: partitionKey(p.Job, p.Run, p.Stream, p.Partition),
		set: set("attempt", p.Attempt, "error_code", p.ErrorCode, "error_text", p.ErrorText, "updated_at", p.UpdatedAt,
			infra.TimeToLive, p.UpdatedAt.Add(store.RunRetention).Unix()),
		when: expression.Or(lacks("attempt"), atMost("attempt", p.Attempt)),
	})
	return err
}
