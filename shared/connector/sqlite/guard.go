package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// guardFormat is the version of a guard row (invariant 13).
const guardFormat = 1

// commitPartition is the pseudo-partition of the once-per-run work of a stream.
const commitPartition = "~commit"

const guardSQL = `CREATE TABLE IF NOT EXISTS ` + guardTable + ` (
  job TEXT NOT NULL, stream TEXT NOT NULL, partition TEXT NOT NULL,
  format INTEGER NOT NULL, run TEXT NOT NULL, base TEXT NOT NULL DEFAULT '', term INTEGER NOT NULL, fence INTEGER NOT NULL, owner TEXT NOT NULL,
  seq INTEGER NOT NULL DEFAULT 0, start TEXT NOT NULL DEFAULT '', position TEXT NOT NULL DEFAULT '', batch TEXT NOT NULL DEFAULT '',
  inserted INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, unchanged INTEGER NOT NULL DEFAULT 0,
  refused TEXT NOT NULL DEFAULT '[]',
  target TEXT NOT NULL DEFAULT '', staging TEXT NOT NULL DEFAULT '', swapped TEXT NOT NULL DEFAULT '', deleted INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (job, stream, partition)
) WITHOUT ROWID`

// guard is a row of the guard table. The receipt's End is the column position. The last four belong to ~commit.
type guard struct {
	connector.Receipt
	term    int64
	target  string
	staging string // table of the run, made by Prepare; "" when there is none
	swapped string // run whose Commit was the last
	deleted int64  // by that Commit
}

// readGuard gives a partition's row, or nil.
func readGuard(ctx context.Context, q queryer, t connector.Target, partition string) (*guard, error) {
	there, err := collect(ctx, q, scanText, `SELECT name FROM sqlite_schema WHERE name = ?`, guardTable)
	if err != nil || len(there) == 0 {
		return nil, err
	}
	rows, err := collect(ctx, q, func(rows *sql.Rows) (*guard, error) {
		var g guard
		var format int
		var refused string
		err := rows.Scan(&format, &g.Run, &g.Base, &g.term, &g.Fence, &g.Owner, &g.Seq, &g.Start, &g.End, &g.Batch, &g.Inserted, &g.Updated, &g.Unchanged,
			&refused, &g.target, &g.staging, &g.swapped, &g.deleted)
		if err != nil {
			return nil, err
		}
		if format > guardFormat {
			return nil, fault.New(fault.VersionTooNew, "%s was written by a newer version: its rows have format %d, this version knows %d", guardTable, format, guardFormat)
		}
		return &g, json.Unmarshal([]byte(refused), &g.Refused)
	}, `SELECT format, run, base, term, fence, owner, seq, start, position, batch, inserted, updated, unchanged, refused, target, staging, swapped, deleted
		FROM `+guardTable+` WHERE job = ? AND stream = ? AND partition = ?`, t.Job, t.Stream, partition)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// write stores the row.
func (g *guard) write(ctx context.Context, c *sql.Conn, t connector.Target, partition string) error {
	refused, err := json.Marshal(g.Refused)
	if err != nil {
		return fmt.Errorf("encode refused rows: %w", err)
	}
	if _, err := c.ExecContext(ctx, guardSQL); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, `INSERT OR REPLACE INTO `+guardTable+` (job, stream, partition, format, run, base, term, fence, owner, seq, start, position, batch,
		inserted, updated, unchanged, refused, target, staging, swapped, deleted) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		t.Job, t.Stream, partition, guardFormat, g.Run, g.Base, g.term, g.Fence, g.Owner, g.Seq, g.Start, g.End, g.Batch,
		g.Inserted, g.Updated, g.Unchanged, string(refused), g.target, g.staging, g.swapped, g.deleted)
	return err
}

// claim refuses a writer whose fence is old (invariant 4).
func (g *guard) claim(c connector.Claim) error {
	switch {
	case g == nil || g.Fence < c.Fence || g.Fence == c.Fence && g.Owner == c.Owner:
		return nil
	case g.Fence == c.Fence:
		return fault.New(fault.Superseded, "the destination knows fence %d of another writer", g.Fence)
	}
	return fault.New(fault.Superseded, "the destination knows fence %d, this writer has %d", g.Fence, c.Fence)
}

// progress gives seq and position as they count for a writer: those of another base do not.
func (g *guard) progress(c connector.Claim) (seq int64, position string) {
	if g == nil || g.Base != c.Base {
		return 0, ""
	}
	return g.Seq, g.End
}

// follow decides on a load: go on (false), answer the receipt (true), or refuse.
func (g *guard) follow(r connector.LoadRequest) (existing bool, err error) {
	if err := g.claim(r.Claim); err != nil {
		return false, err
	}
	switch seq, position := g.progress(r.Claim); {
	case seq >= r.Seq:
		return true, nil
	case seq < r.Seq-1:
		return false, fault.New(fault.DestinationBehind, "the destination has batch %d of partition %s, and %d is to be written", seq, r.Partition, r.Seq)
	case position != r.Start:
		return false, fault.New(fault.Stale, "batch %d of partition %s does not begin where the destination is", r.Seq, r.Partition)
	}
	return false, nil
}
