package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// feedModule is the name of the virtual table module, feedTable that of the table over one load's rows.
const (
	feedModule = "lockstep_feed"
	feedTable  = "temp._lockstep_feed"
)

// feeds is the module. SQLite hands modules nothing but the text of CREATE VIRTUAL TABLE, so a number in that text finds the feed. The
// map holds a feed, and with it its scans, only while its load runs.
var feeds = &module{open: map[int64]*feed{}}

// feed shows rows of Arrow columns as a table: one INSERT … SELECT moves them all, which is more than twice as quick as a
// statement a row.
type feed struct {
	cells  []cell
	rows   []int32 // of the batch, in order
	lo, hi int     // in rows: what a scan gives
	scans  map[*scan]bool
}

type module struct {
	mu   sync.Mutex
	last int64
	open map[int64]*feed
}

// attach makes feedTable over the feed on a connection. detach is to be called before the connection is given back.
func (m *module) attach(ctx context.Context, c *sql.Conn, f *feed) (detach func() error, err error) {
	f.scans = map[*scan]bool{}
	m.mu.Lock()
	m.last++
	id := m.last
	m.open[id] = f
	m.mu.Unlock()
	forget := func() {
		m.mu.Lock()
		delete(m.open, id)
		m.mu.Unlock()
	}
	if _, err := c.ExecContext(ctx, fmt.Sprintf("CREATE VIRTUAL TABLE %s USING %s(%d)", feedTable, feedModule, id)); err != nil {
		forget()
		return nil, err
	}
	return func() error {
		defer forget()
		_, err := c.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+feedTable)
		return err
	}, nil
}

// find gives the feed whose number is the module's argument, nil when there is none.
func (m *module) find(id string) *feed {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open[n]
}

// declaration is the table's statement.
func (f *feed) declaration() string {
	names := make([]string, len(f.cells))
	for i := range names {
		names[i] = feedColumn(i)
	}
	return "CREATE TABLE x(" + strings.Join(names, ", ") + ")"
}

// feedColumn names a column of a feed by its place.
func feedColumn(i int) string { return "c" + strconv.Itoa(i) }

// scan is one way through a feed.
type scan struct {
	*feed
	at   int
	text arena
}

// begin goes to the first row.
func (s *scan) begin() { s.at, s.text.used = s.lo, 0 }

// next goes to the next row. SQLite has stored the last one's values by now, or copied them.
func (s *scan) next(tls *libc.TLS) {
	s.at++
	s.text.clear(tls)
}

// column gives a cell to SQLite. Texts and blobs lie in the arena until the next row, so SQLite need not copy them.
func (s *scan) column(tls *libc.TLS, result uintptr, i int) {
	c, row := &s.cells[i], int(s.rows[s.at])
	if c.nulls != nil && c.nulls.IsNull(row) {
		sqlite3.Xsqlite3_result_null(tls, result)
		return
	}
	switch c.class {
	case integers:
		sqlite3.Xsqlite3_result_int64(tls, result, c.integer(row))
	case reals:
		sqlite3.Xsqlite3_result_double(tls, result, c.real(row))
	case texts:
		p, n := s.text.put(tls, c, row)
		sqlite3.Xsqlite3_result_text(tls, result, p, n, sqlite3.SQLITE_STATIC)
	case blobs:
		p, n := s.text.put(tls, c, row)
		sqlite3.Xsqlite3_result_blob(tls, result, p, n, sqlite3.SQLITE_STATIC)
	}
}
