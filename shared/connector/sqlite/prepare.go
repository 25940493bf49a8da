package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// Prepare makes target and staging ready for a run, in one transaction.
func (d *destination) Prepare(ctx context.Context, t connector.Target, claim connector.Claim) error {
	if err := checkTarget(t); err != nil {
		return err
	}
	return d.write(ctx, "prepare "+t.Name, func(c *sql.Conn) error {
		g, err := readGuard(ctx, c, t, commitPartition)
		if err != nil {
			return err
		}
		if err := g.claim(claim); err != nil {
			return err
		}
		next := guard{Receipt: connector.Receipt{Run: t.Run, Fence: claim.Fence, Owner: claim.Owner}, term: claim.Term, target: t.Name}
		if g != nil {
			next.swapped, next.deleted = g.swapped, g.deleted
			if g.Run == t.Run {
				next.staging = g.staging
			} else if err := drop(ctx, c, g.staging); err != nil {
				return err
			}
		}
		if next.swapped != t.Run {
			if err := makeReady(ctx, c, t, &next); err != nil {
				return err
			}
		}
		return next.write(ctx, c, t, commitPartition)
	})
}

func checkTarget(t connector.Target) error {
	if t.Name == "" || strings.ContainsRune(t.Name, 0) || strings.HasPrefix(fold(t.Name), "sqlite_") || strings.HasPrefix(fold(t.Name), internalPrefix) {
		return fault.New(fault.ConfigInvalid, "%q cannot be the name of a table here", t.Name).WithHint("set target of the stream")
	}
	if staged(t) && !t.Full {
		return fault.New(fault.ConfigInvalid, "stream %s is incremental: mode %s would lose what earlier runs wrote", t.Stream, t.Write.Mode).WithHint("use mode: full for the stream, or write mode upsert or append")
	}
	seen := map[string]string{}
	for _, c := range t.Schema.Columns {
		if other, twice := seen[fold(c.Name)]; twice {
			return fault.New(fault.ConfigInvalid, "columns %s and %s differ in case only, which SQLite does not tell apart", other, c.Name).WithHint("rename one of them")
		}
		seen[fold(c.Name)] = c.Name
	}
	return nil
}

// staged says whether the run's rows wait in a table of their own until Commit.
func staged(t connector.Target) bool {
	return t.Write.Mode == job.Replace || t.Write.Mode == job.TruncateInsert
}

func drop(ctx context.Context, c *sql.Conn, table string) error {
	if table == "" {
		return nil
	}
	_, err := c.ExecContext(ctx, "DROP TABLE IF EXISTS "+quote(table))
	return err
}

// makeReady makes or widens the target, and the staging table when the run has none.
func makeReady(ctx context.Context, c *sql.Conn, t connector.Target, g *guard) error {
	if len(t.Schema.Columns) == 0 {
		return nil // nothing is known of the stream, and nothing will come
	}
	target, err := find(ctx, c, t.Name)
	if err != nil {
		return err
	}
	if target != nil && (target.view || target.virtual) {
		return fault.New(fault.ConfigInvalid, "%s is a view or a virtual table and cannot be written", t.Name)
	}
	if t.Write.Mode != job.Replace {
		if target, err = makeTarget(ctx, c, t, target); err != nil {
			return err
		}
	}
	if g.staging != "" {
		return nil
	}
	if !staged(t) && !t.Write.DeleteMissing {
		return nil
	}
	g.staging = t.Name + "__" + t.Run
	if other, err := find(ctx, c, g.staging); err != nil || other != nil {
		return errorsFirst(err, fault.New(fault.Conflict, "there is a table %s already, whose name this run needs", g.staging).WithHint("rename it"))
	}
	if staged(t) {
		return makeStaging(ctx, c, t, target, g.staging)
	}
	return makeSeen(ctx, c, t, target, g.staging)
}

// makeTarget makes the table, or widens the one that is there, and checks that an upsert can find its rows.
func makeTarget(ctx context.Context, c *sql.Conn, t connector.Target, target *table) (*table, error) {
	if target == nil {
		if err := create(ctx, c, t, t.Name); err != nil {
			return nil, err
		}
		return find(ctx, c, t.Name)
	}
	fates, err := fit(t, t.Schema, target)
	if err != nil {
		return nil, err
	}
	if t.Write.Mode == job.Upsert {
		unique, err := target.uniqueOn(ctx, c, t.Key)
		if err != nil {
			return nil, err
		}
		if !unique {
			return nil, fault.New(fault.ConfigInvalid, "table %s has no unique index on the key %s", t.Name, strings.Join(t.Key, ", ")).WithHint(
				"run: CREATE UNIQUE INDEX %s ON %s (%s)", quote(t.Name+"_key"), quote(t.Name), quoteAll(t.Key))
		}
	}
	if err := evolve(ctx, c, target, t.Schema, fates); err != nil {
		return nil, err
	}
	return find(ctx, c, t.Name)
}

// create makes a table for the target's schema; an upsert's key is its primary key.
func create(ctx context.Context, c *sql.Conn, t connector.Target, name string) error {
	var parts []string
	for _, col := range t.Schema.Columns {
		part := quote(col.Name) + " " + declared(col.Type)
		if t.Write.Mode == job.Upsert && slices.Contains(t.Key, col.Name) {
			part += " NOT NULL"
		}
		parts = append(parts, part)
	}
	if t.Write.Mode == job.Upsert {
		parts = append(parts, "PRIMARY KEY ("+quoteAll(t.Key)+")")
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s (%s)", quote(name), strings.Join(parts, ", ")))
	return err
}

// makeStaging makes the run's table: as the target is, widened by the drift policy.
func makeStaging(ctx context.Context, c *sql.Conn, t connector.Target, target *table, name string) error {
	if target == nil {
		return create(ctx, c, t, name)
	}
	if err := clone(ctx, c, target, name); err != nil {
		return err
	}
	staging, err := find(ctx, c, name)
	if err != nil {
		return err
	}
	fates, err := fit(t, t.Schema, staging)
	if err != nil {
		return err
	}
	return evolve(ctx, c, staging, t.Schema, fates)
}

func clone(ctx context.Context, c *sql.Conn, tb *table, name string) error {
	statement, err := tb.definition(name)
	if err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, statement)
	return err
}

// makeSeen makes the run's list of keys that the source has, in columns declared as the target's.
func makeSeen(ctx context.Context, c *sql.Conn, t connector.Target, target *table, name string) error {
	parts := make([]string, len(t.Key))
	for i, k := range t.Key {
		col, _ := target.column(k)
		parts[i] = quote(k) + " " + col.declared
	}
	_, err := c.ExecContext(ctx, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s)) WITHOUT ROWID", quote(name), strings.Join(parts, ", "), quoteAll(t.Key)))
	return err
}

// keyTypes gives the types of the key's columns.
func keyTypes(key []string, schema record.Schema) (record.Schema, bool) {
	var s record.Schema
	for _, k := range key {
		t, ok := schema.Type(k)
		if !ok {
			return record.Schema{}, false
		}
		s.Columns = append(s.Columns, record.Column{Name: k, Type: t})
	}
	return s, true
}
