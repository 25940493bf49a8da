package sqlite

import "github.com/lockstep-data/lockstep/shared/store"

// The counters' columns, in the order of store.Counters, in the five ways that statements need them.
const (
	counterDefinitions = `n_read INTEGER NOT NULL, n_loaded INTEGER NOT NULL, n_inserted INTEGER NOT NULL, n_updated INTEGER NOT NULL,
	n_unchanged INTEGER NOT NULL, n_filtered INTEGER NOT NULL, n_failed INTEGER NOT NULL, n_deleted INTEGER NOT NULL,
	n_warned INTEGER NOT NULL, n_batches INTEGER NOT NULL, n_bytes INTEGER NOT NULL`
	counterColumns = `n_read, n_loaded, n_inserted, n_updated, n_unchanged, n_filtered, n_failed, n_deleted, n_warned, n_batches, n_bytes`
	counterValues  = `@n_read, @n_loaded, @n_inserted, @n_updated, @n_unchanged, @n_filtered, @n_failed, @n_deleted, @n_warned, @n_batches, @n_bytes`
	counterAdds    = `n_read=n_read+@n_read, n_loaded=n_loaded+@n_loaded, n_inserted=n_inserted+@n_inserted, n_updated=n_updated+@n_updated,
	n_unchanged=n_unchanged+@n_unchanged, n_filtered=n_filtered+@n_filtered, n_failed=n_failed+@n_failed, n_deleted=n_deleted+@n_deleted,
	n_warned=n_warned+@n_warned, n_batches=n_batches+@n_batches, n_bytes=n_bytes+@n_bytes`
	// The run's own counters (r) and those of its partitions (p).
	counterSums = `r.n_read+coalesce(sum(p.n_read),0), r.n_loaded+coalesce(sum(p.n_loaded),0), r.n_inserted+coalesce(sum(p.n_inserted),0),
	r.n_updated+coalesce(sum(p.n_updated),0), r.n_unchanged+coalesce(sum(p.n_unchanged),0), r.n_filtered+coalesce(sum(p.n_filtered),0),
	r.n_failed+coalesce(sum(p.n_failed),0), r.n_deleted+coalesce(sum(p.n_deleted),0), r.n_warned+coalesce(sum(p.n_warned),0),
	r.n_batches+coalesce(sum(p.n_batches),0), r.n_bytes+coalesce(sum(p.n_bytes),0)`
)

func counterArgs(c store.Counters) []any {
	return named("n_read", c.Read, "n_loaded", c.Loaded, "n_inserted", c.Inserted, "n_updated", c.Updated, "n_unchanged", c.Unchanged,
		"n_filtered", c.Filtered, "n_failed", c.Failed, "n_deleted", c.Deleted, "n_warned", c.Warned, "n_batches", c.Batches, "n_bytes", c.Bytes)
}

func counterTargets(c *store.Counters) []any {
	return []any{
		&c.Read, &c.Loaded, &c.Inserted, &c.Updated, &c.Unchanged, &c.Filtered, &c.Failed, &c.Deleted, &c.Warned, &c.Batches, &c.Bytes,
	}
}
