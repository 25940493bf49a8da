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

// fate is what becomes of a stream's column at the target.
type fate int

const (
	written fate = iota
	leftOut
	deadLetter // a record with a value in it is refused
	toAdd
	toWiden
)

// fit compares a schema with a table by the target's drift policy and gives each column's fate. What the policy does not allow is
// SchemaDrift, all of it in one error (invariant 10).
func fit(t connector.Target, schema record.Schema, tb *table) ([]fate, error) {
	fates := make([]fate, len(schema.Columns))
	var wrong []string
	for i, c := range schema.Columns {
		policy := t.Drift
		if p, ok := t.Columns[c.Name]; ok {
			policy = p
		}
		there, ok := tb.column(c.Name)
		isKey := slices.Contains(t.Key, c.Name)
		switch {
		case ok && !there.generated && there.holds(c.Type):
			fates[i] = written
		case ok && there.generated:
			wrong = append(wrong, fmt.Sprintf("column %s is computed by table %s", c.Name, tb.name))
		case policy == job.Evolve && ok && widens(there, c.Type):
			fates[i] = toWiden
		case policy == job.Evolve && !ok && !isKey:
			fates[i] = toAdd
		case policy == job.DeadLetter && !isKey:
			fates[i] = deadLetter
		case policy == job.Ignore && !ok && !isKey:
			fates[i] = leftOut
		case ok:
			own, _ := typeOf(there.declared)
			wrong = append(wrong, fmt.Sprintf("column %s is %s (%s) in table %s and %s in the stream", c.Name, own, there.declared, tb.name, c.Type))
		default:
			wrong = append(wrong, fmt.Sprintf("column %s (%s) is not in table %s", c.Name, c.Type, tb.name))
		}
	}
	if len(wrong) == 0 {
		return fates, nil
	}
	return nil, fault.New(fault.SchemaDrift, "%s", strings.Join(wrong, "; ")).WithHint(
		"set drift of the destination, or columns.<name> below it: evolve adds columns and widens types, ignore leaves new columns out, " +
			"dead_letter refuses the records; or cast the column to the table's type")
}

func widens(c column, t record.Type) bool {
	own, known := typeOf(c.declared)
	if !known {
		return false
	}
	_, ok := record.Widen(own, t)
	return ok
}

// evolve makes the changes that fit found.
func evolve(ctx context.Context, c *sql.Conn, tb *table, schema record.Schema, fates []fate) error {
	for i, f := range fates {
		col := schema.Columns[i]
		switch f {
		case toAdd:
			if _, err := c.ExecContext(ctx, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", quote(tb.name), quote(col.Name), declared(col.Type))); err != nil {
				return err
			}
		case toWiden:
			old, _ := tb.column(col.Name)
			if err := widen(ctx, c, tb, old, col.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// widen gives a column a wider type. SQLite cannot change a declared type, so a new column takes the values and then the name.
func widen(ctx context.Context, c *sql.Conn, tb *table, old column, t record.Type) error {
	own, _ := typeOf(old.declared)
	wide, _ := record.Widen(own, t)
	fresh := old.name + "__wider"
	for _, statement := range []string{
		fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", quote(tb.name), quote(fresh), declared(wide)),
		fmt.Sprintf("UPDATE %s SET %s = %s", quote(tb.name), quote(fresh), widened(quote(old.name), own, wide)),
		fmt.Sprintf("ALTER TABLE %s DROP COLUMN %s", quote(tb.name), quote(old.name)),
		fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", quote(tb.name), quote(fresh), quote(old.name)),
	} {
		if _, err := c.ExecContext(ctx, statement); err != nil {
			return fault.New(fault.SchemaDrift, "column %s of table %s cannot be widened from %s to %s: %w", old.name, tb.name, own, wide, err).WithHint(
				"SQLite cannot change a column that a key, an index, a view or a trigger uses: change the table by hand, or cast the column to %s", own)
		}
	}
	return nil
}

// widened is the expression that turns a stored value of one type into the form that the wider type is stored in.
func widened(col string, from, to record.Type) string {
	if from.Kind == record.Date {
		return col + " || 'T00:00:00'"
	}
	zeros := ""
	if to.Kind == record.Decimal && to.Scale > from.Scale {
		if from.Scale == 0 {
			zeros = "."
		}
		zeros += strings.Repeat("0", int(to.Scale-from.Scale))
	}
	return fmt.Sprintf("CASE typeof(%[1]s) WHEN 'real' THEN printf('%%.%[3]df', %[1]s) WHEN 'integer' THEN %[1]s || '%[4]s' WHEN 'null' THEN NULL ELSE CAST(%[1]s AS TEXT) || '%[2]s' END", col, zeros, to.Scale, point(to.Scale))
}

// point is what a whole number lacks of the scale.
func point(scale int32) string {
	if scale == 0 {
		return ""
	}
	return "." + strings.Repeat("0", int(scale))
}
