package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// guardTable holds the receipts. What begins with its prefix is never a stream.
const (
	guardTable     = "_lockstep_guard"
	internalPrefix = "_lockstep_"
)

// column is one column of a table as the catalogue shows it.
type column struct {
	name      string
	declared  string
	notNull   bool
	pk        int // place in the primary key, from 1; 0 when it is not in it
	generated bool
}

// table is a table or view as the catalogue shows it.
type table struct {
	name         string
	sql          string // the statement that made it
	view         bool
	withoutRowid bool
	virtual      bool
	columns      []column
}

// queryer is a connection or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q queryer, scan func(*sql.Rows) (T, error), query string, args ...any) (_ []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errorsFirst(err, rows.Close()) }()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func scanText(rows *sql.Rows) (s string, err error) {
	err = rows.Scan(&s)
	return s, err
}

// tables lists tables and views by name, without SQLite's own and ours.
func tables(ctx context.Context, q queryer) ([]string, error) {
	names, err := collect(ctx, q, scanText, `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')`)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return strings.HasPrefix(fold(n), internalPrefix) || strings.HasPrefix(fold(n), "sqlite_")
	})
	sort.Strings(names)
	return names, nil
}

// find reads a table's shape; nil when there is none.
func find(ctx context.Context, q queryer, name string) (*table, error) {
	scan := func(rows *sql.Rows) (t table, err error) {
		var kind string
		var text sql.NullString
		err = rows.Scan(&t.name, &kind, &text)
		t.sql, t.view = text.String, kind == "view"
		return t, err
	}
	found, err := collect(ctx, q, scan, `SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE`, name)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	t := found[0]
	t.columns, err = collect(ctx, q, func(rows *sql.Rows) (c column, err error) {
		var hidden int
		err = rows.Scan(&c.name, &c.declared, &c.notNull, &c.pk, &hidden)
		c.generated = hidden != 0
		return c, err
	}, `SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`, t.name)
	if err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", t.name, err)
	}
	kinds, err := collect(ctx, q, func(rows *sql.Rows) (kind string, err error) {
		err = rows.Scan(&kind, &t.withoutRowid)
		return kind, err
	}, `SELECT type, wr FROM pragma_table_list(?) WHERE schema = 'main'`, t.name)
	t.virtual = slices.Contains(kinds, "virtual")
	return &t, err
}

// column gives a column by name, as SQLite compares names.
func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return fold(c.name) == fold(name) })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

func (t *table) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// primaryKey lists the columns of the primary key in its order.
func (t *table) primaryKey() []string {
	var in []column
	for _, c := range t.columns {
		if c.pk > 0 {
			in = append(in, c)
		}
	}
	slices.SortFunc(in, func(a, b column) int { return a.pk - b.pk })
	names := make([]string, len(in))
	for i, c := range in {
		names[i] = c.name
	}
	return names
}

// rowid gives a name by which the table's rowid can be asked for, or "" when there is none.
func (t *table) rowid() string {
	if t.view || t.withoutRowid || t.virtual {
		return ""
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if _, taken := t.column(name); !taken {
			return name
		}
	}
	return ""
}

// uniqueOn says whether the database keeps the columns unique, in any order.
func (t *table) uniqueOn(ctx context.Context, q queryer, key []string) (bool, error) {
	want := folded(key)
	if slices.Equal(folded(t.primaryKey()), want) {
		return true, nil
	}
	indexes, err := collect(ctx, q, scanText, `SELECT name FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0`, t.name)
	if err != nil {
		return false, err
	}
	for _, index := range indexes {
		names, err := collect(ctx, q, func(rows *sql.Rows) (string, error) {
			var name sql.NullString // null: an expression
			err := rows.Scan(&name)
			return name.String, err
		}, `SELECT name FROM pragma_index_info(?)`, index)
		if err != nil {
			return false, err
		}
		if slices.Equal(folded(names), want) {
			return true, nil
		}
	}
	return false, nil
}

func folded(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fold(n)
	}
	slices.Sort(out)
	return out
}

// definition gives the statement that makes the table under another name.
func (t *table) definition(name string) (string, error) {
	rest, ok := strings.CutPrefix(t.sql, "CREATE TABLE ")
	if !ok {
		return "", fault.New(fault.ConfigInvalid, "%s is a view or a virtual table and cannot be written", t.name)
	}
	return "CREATE TABLE " + quote(name) + " " + rest[identifierEnd(rest):], nil
}

// identifierEnd gives the length of the identifier that s begins with.
func identifierEnd(s string) int {
	closing := map[byte]byte{'"': '"', '`': '`', '\'': '\'', '[': ']'}[s[0]]
	if closing == 0 {
		return strings.IndexAny(s+"(", " \t\r\n(/-")
	}
	for i := 1; i < len(s); i++ {
		if s[i] != closing {
			continue
		}
		if closing != ']' && i+1 < len(s) && s[i+1] == closing { // doubled: stands for itself
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}
