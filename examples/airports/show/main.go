// Command show prints what is in the database that the airports example fills, and what changed in it since an older copy. It uses
// nothing of Lockstep, so that what it prints is what any program finds there.
//
//	show out/airports.db                      what is in it
//	show -keep out/day-one.db out/airports.db  the same, and keep a copy
//	show -since out/day-one.db out/airports.db what changed since the copy
package main

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	_ "modernc.org/sqlite" // the database
)

func main() {
	keep := flag.String("keep", "", "write a copy of the database to this file")
	since := flag.String("since", "", "compare with this copy")
	flag.Parse()
	if err := show(flag.Arg(0), *keep, *since); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func show(file, keep, since string) error {
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // ATTACH is of one connection
	tables, err := texts(db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name")
	if err != nil {
		return err
	}
	if since != "" {
		return changes(db, since, tables)
	}
	if err := counts(db, tables); err != nil {
		return err
	}
	if slices.Contains(tables, "runways") && slices.Contains(tables, "frequencies") {
		err = print(db, `SELECT airport_ident AS airport, length_ft, surface, low_end || '/' || high_end AS ends,
			(SELECT count(*) FROM frequencies f WHERE f.airport_ident = r.airport_ident) AS frequencies
			FROM runways r WHERE surface LIKE 'ASP%' OR surface LIKE 'CON%' ORDER BY length_ft DESC, id LIMIT 5`)
	}
	if err == nil && keep != "" {
		if err = os.Remove(keep); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replace the copy: %w", err)
		}
		_, err = db.Exec("VACUUM INTO ?", keep)
	}
	return err
}

// counts prints how many rows each table has.
func counts(db *sql.DB, tables []string) error {
	var parts []string
	for _, t := range tables {
		parts = append(parts, fmt.Sprintf(`SELECT '%s' AS "table", count(*) AS rows FROM "%s"`, t, t))
	}
	if len(parts) == 0 {
		return errors.New("there is no table in the database")
	}
	return print(db, strings.Join(parts, " UNION ALL "))
}

// changes prints what is new, gone and different in each table, and the first rows that differ.
func changes(db *sql.DB, since string, tables []string) error {
	if _, err := db.Exec("ATTACH ? AS old", since); err != nil {
		return fmt.Errorf("open %s: %w", since, err)
	}
	var sums []string
	for _, t := range tables {
		sums = append(sums, fmt.Sprintf(`SELECT '%[1]s' AS "table",
			(SELECT count(*) FROM main."%[1]s" WHERE id NOT IN (SELECT id FROM old."%[1]s")) AS new,
			(SELECT count(*) FROM old."%[1]s" WHERE id NOT IN (SELECT id FROM main."%[1]s")) AS gone,
			(SELECT count(*) FROM (SELECT * FROM main."%[1]s" EXCEPT SELECT * FROM old."%[1]s") WHERE id IN (SELECT id FROM old."%[1]s")) AS changed`, t))
	}
	if err := print(db, strings.Join(sums, " UNION ALL ")); err != nil {
		return err
	}
	for _, t := range tables {
		columns, err := texts(db, "SELECT name FROM pragma_table_info('"+t+"') WHERE name <> 'id'")
		if err != nil {
			return err
		}
		var parts []string
		for _, c := range columns {
			parts = append(parts, fmt.Sprintf(`SELECT n.id AS id, '%[2]s' AS "column", o."%[2]s" AS before, n."%[2]s" AS after
				FROM main."%[1]s" n JOIN old."%[1]s" o ON o.id = n.id WHERE n."%[2]s" IS NOT o."%[2]s"`, t, c))
		}
		first := fmt.Sprintf("SELECT '%s' AS \"table\", * FROM (%s) ORDER BY id, \"column\" LIMIT 4", t, strings.Join(parts, " UNION ALL "))
		if err := print(db, first); err != nil {
			return err
		}
	}
	return nil
}

// texts reads the first column of a query.
func texts(db *sql.DB, query string) ([]string, error) {
	rows, err := read(db, query)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[0])
	}
	return out, nil
}

// print prints the rows of a query as a table; nothing when there are none.
func print(db *sql.DB, query string) error {
	rows, err := read(db, query)
	if err != nil || len(rows) == 1 {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, "  "+strings.Join(r, "\t"))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	fmt.Println()
	return nil
}

// read gives the names of a query's columns and then its rows.
func read(db *sql.DB, query string) ([][]string, error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("ask the database: %w", err)
	}
	out := [][]string{names}
	for rows.Next() {
		cells, places := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, fmt.Errorf("read a row: %w", err)
		}
		row := make([]string, len(names))
		for i, c := range cells {
			if row[i] = c.String; !c.Valid {
				row[i] = "-"
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return out, nil
}
