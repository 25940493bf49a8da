package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
)

// backupName is the table that keeps what the last swap replaced.
func backupName(target string) string { return target + "__backup" }

// Commit swaps, empties and fills, or deletes what is missing, in one transaction with the guard.
func (d *destination) Commit(ctx context.Context, t connector.Target, claim connector.Claim) (res connector.CommitResult, err error) {
	err = d.write(ctx, "commit "+t.Name, func(c *sql.Conn) error {
		g, err := readGuard(ctx, c, t, commitPartition)
		if err != nil {
			return err
		}
		if err := g.claim(claim); err != nil {
			return err
		}
		if g != nil && g.swapped == t.Run {
			res.Deleted = g.deleted
			return nil
		}
		if g == nil || g.Run != t.Run {
			return fault.New(fault.DestinationBehind, "%s does not know of run %s: was the file replaced?", d.shown, t.Run)
		}
		if res.Deleted, err = finish(ctx, c, t, g.staging); err != nil {
			return err
		}
		next := guard{
			Receipt: connector.Receipt{Run: t.Run, Fence: claim.Fence, Owner: claim.Owner}, term: claim.Term,
			target: t.Name, swapped: t.Run, deleted: res.Deleted,
		}
		return next.write(ctx, c, t, commitPartition)
	})
	return res, err
}

// finish does the work of a commit; the staging table is gone behind it.
func finish(ctx context.Context, c *sql.Conn, t connector.Target, staging string) (deleted int64, err error) {
	target, err := find(ctx, c, t.Name)
	if err != nil {
		return 0, err
	}
	switch {
	case staging == "" && staged(t) && target != nil: // a source without anything, not even columns
		if err := keep(ctx, c, t, target); err != nil {
			return 0, err
		}
		_, err = c.ExecContext(ctx, "DELETE FROM "+quote(t.Name))
	case staging == "":
	case t.Write.Mode == job.Replace:
		err = swap(ctx, c, t, target, staging)
	case t.Write.Mode == job.TruncateInsert:
		err = refill(ctx, c, t, target, staging)
	default:
		if t.Write.DeleteMissing {
			if deleted, err = deleteUnseen(ctx, c, t, staging); err != nil {
				return 0, err
			}
		}
		err = drop(ctx, c, staging)
	}
	return deleted, err
}

// swap puts the staging table into the target's place. Its indexes and triggers are made again from their statements.
func swap(ctx context.Context, c *sql.Conn, t connector.Target, target *table, staging string) error {
	var again []string
	if target != nil {
		var err error
		if again, err = attachments(ctx, c, t, target); err != nil {
			return err
		}
	}
	if _, err := c.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", quote(staging), quote(t.Name))); err != nil {
		return err
	}
	for _, statement := range again {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make an index or trigger of %s again: %w", t.Name, err)
		}
	}
	return nil
}

// attachments takes the target away, into the backup when one is wanted, and answers what makes its indexes and triggers.
func attachments(ctx context.Context, c *sql.Conn, t connector.Target, target *table) ([]string, error) {
	type object struct{ kind, name, sql string }
	objects, err := collect(ctx, c, func(rows *sql.Rows) (o object, err error) {
		err = rows.Scan(&o.kind, &o.name, &o.sql)
		return o, err
	}, `SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY type, name`, target.name)
	if err != nil {
		return nil, err
	}
	var again []string
	for _, o := range objects {
		if _, err := c.ExecContext(ctx, fmt.Sprintf("DROP %s %s", o.kind, quote(o.name))); err != nil {
			return nil, err
		}
		again = append(again, o.sql)
	}
	if !t.Write.Backup {
		return again, drop(ctx, c, target.name)
	}
	if err := drop(ctx, c, backupName(t.Name)); err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", quote(target.name), quote(backupName(t.Name))))
	return again, err
}

// refill empties the target and moves the staged rows into it.
func refill(ctx context.Context, c *sql.Conn, t connector.Target, target *table, staging string) error {
	if target == nil {
		return fault.New(fault.DestinationBehind, "table %s is gone", t.Name)
	}
	if err := keep(ctx, c, t, target); err != nil {
		return err
	}
	from, err := find(ctx, c, staging)
	if err != nil {
		return err
	}
	for _, statement := range []string{"DELETE FROM " + quote(t.Name), copyRows(from, t.Name)} {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return drop(ctx, c, staging)
}

// keep copies the target into the backup when one is wanted.
func keep(ctx context.Context, c *sql.Conn, t connector.Target, target *table) error {
	if !t.Write.Backup {
		return nil
	}
	if err := drop(ctx, c, backupName(t.Name)); err != nil {
		return err
	}
	if err := clone(ctx, c, target, backupName(t.Name)); err != nil {
		return err
	}
	_, err := c.ExecContext(ctx, copyRows(target, backupName(t.Name)))
	return err
}

// copyRows is the statement that copies all rows of a table into another that has its columns.
func copyRows(from *table, to string) string {
	var names []string
	for _, c := range from.columns {
		if !c.generated {
			names = append(names, c.name)
		}
	}
	return fmt.Sprintf("INSERT INTO %s (%s) SELECT %[2]s FROM %[3]s", quote(to), quoteAll(names), quote(from.name))
}

// deleteUnseen deletes the rows whose key the run did not see.
func deleteUnseen(ctx context.Context, c *sql.Conn, t connector.Target, seen string) (int64, error) {
	same := make([]string, len(t.Key))
	for i, k := range t.Key {
		same[i] = fmt.Sprintf("_t.%[1]s = _seen.%[1]s", quote(k))
	}
	res, err := c.ExecContext(ctx, fmt.Sprintf("DELETE FROM %s AS _t WHERE NOT EXISTS (SELECT 1 FROM %s AS _seen WHERE %s)",
		quote(t.Name), quote(seen), strings.Join(same, " AND ")))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
