package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"modernc.org/sqlite/vtab"

	"github.com/lockstep-data/lockstep/shared/record"
)

// feedModule is the name of the virtual table module, feedTable that of the table over one load's rows.
const (
	feedModule = "lockstep_feed"
	feedTable  = "temp._lockstep_feed"
)

// feeds is the module. The driver registers modules for the whole process and hands them nothing but the text of CREATE VIRTUAL
// TABLE, so a number in that text finds the feed. The map holds a feed only while its load runs.
var feeds = &module{open: map[int64]*feed{}}

func init() {
	if err := vtab.RegisterModule(nil, feedModule, feeds); err != nil {
		panic("sqlite: register " + feedModule + ": " + err.Error())
	}
}

// feed shows rows of Arrow columns as a table: one INSERT … SELECT moves them all, which is more than twice as quick as a
// statement a row.
type feed struct {
	cells  []func(row int) vtab.Value // one function a column
	rows   []int32                    // of the batch, in order
	lo, hi int                        // in rows: what a scan gives
}

type module struct {
	mu   sync.Mutex
	last int64
	open map[int64]*feed
}

// attach makes feedTable over the feed on a connection. detach is to be called before the connection is given back.
func (m *module) attach(ctx context.Context, c *sql.Conn, f *feed) (detach func() error, err error) {
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

// Create makes the table of the feed whose number is the module's argument.
func (m *module) Create(ctx vtab.Context, args []string) (vtab.Table, error) {
	id, err := strconv.ParseInt(args[len(args)-1], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("feed %q is no number: %w", args[len(args)-1], err)
	}
	m.mu.Lock()
	f := m.open[id]
	m.mu.Unlock()
	if f == nil {
		return nil, fmt.Errorf("there is no feed %d", id)
	}
	names := make([]string, len(f.cells))
	for i := range names {
		names[i] = feedColumn(i)
	}
	return f, ctx.Declare("CREATE TABLE x(" + strings.Join(names, ", ") + ")")
}

// Connect does as Create.
func (m *module) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	return m.Create(ctx, args)
}

// feedColumn names a column of a feed by its place.
func feedColumn(i int) string { return "c" + strconv.Itoa(i) }

// BestIndex takes the only way there is: all rows in order.
func (f *feed) BestIndex(*vtab.IndexInfo) error { return nil }

// Open begins a scan.
func (f *feed) Open() (vtab.Cursor, error) { return &scan{feed: f}, nil }

// Disconnect does nothing: the feed belongs to the load.
func (f *feed) Disconnect() error { return nil }

// Destroy does nothing.
func (f *feed) Destroy() error { return nil }

// scan is one way through a feed.
type scan struct {
	*feed
	at int
}

// Filter begins at the first row.
func (s *scan) Filter(int, string, []vtab.Value) error { s.at = s.lo; return nil }

// Next goes to the next row.
func (s *scan) Next() error { s.at++; return nil }

// Eof says whether all rows were given.
func (s *scan) Eof() bool { return s.at >= s.hi }

// Column gives a cell.
func (s *scan) Column(i int) (vtab.Value, error) { return s.cells[i](int(s.rows[s.at])), nil }

// Rowid numbers the rows.
func (s *scan) Rowid() (int64, error) { return int64(s.at), nil }

// Close ends the scan.
func (s *scan) Close() error { return nil }

// cells gives a column's values as they are stored: numbers, bools as 0 and 1, bytes, and the text form of everything else.
func cells(col arrow.Array, t record.Type) func(row int) vtab.Value {
	value := plainCells(col, t)
	if col.NullN() == 0 {
		return value
	}
	return func(row int) vtab.Value {
		if col.IsNull(row) {
			return nil
		}
		return value(row)
	}
}

func plainCells(col arrow.Array, t record.Type) func(row int) vtab.Value {
	switch c := col.(type) {
	case *array.Int64:
		return func(row int) vtab.Value { return c.Value(row) }
	case *array.Float64:
		return func(row int) vtab.Value { return c.Value(row) }
	case *array.Boolean:
		return func(row int) vtab.Value {
			if c.Value(row) {
				return int64(1)
			}
			return int64(0)
		}
	case *array.String:
		return func(row int) vtab.Value { return c.Value(row) }
	case *array.Binary:
		return func(row int) vtab.Value { return c.Value(row) }
	case *array.Timestamp:
		// An instant always has six digits, so that the texts of instants sort as the instants do.
		day, zoned := dayText(), t.Kind == record.TimestampTZ
		return func(row int) vtab.Value { return stampText(day, int64(c.Value(row)), zoned) }
	case *array.Date32:
		day := dayText()
		return func(row int) vtab.Value { return day(int64(c.Value(row))) }
	}
	return func(row int) vtab.Value { return string(record.AppendText(nil, col, t, row)) }
}

// dayText writes days since 1970 as 2026-08-22, and remembers the last: neighbours often share it.
func dayText() func(day int64) string {
	last, text := int64(0), "1970-01-01"
	return func(day int64) string {
		if day != last {
			last, text = day, time.Unix(day*86400, 0).UTC().Format(time.DateOnly)
		}
		return text
	}
}

// stampText writes microseconds since 1970 as record.AppendText does, but an instant with all six digits.
func stampText(day func(int64) string, micros int64, zoned bool) string {
	const dayMicros = 86400 * 1_000_000
	d, m := micros/dayMicros, micros%dayMicros
	if m < 0 {
		d, m = d-1, m+dayMicros
	}
	var buf [40]byte
	out := append(append(buf[:0], day(d)...), 'T')
	s := m / 1_000_000
	out = append(digits(out, s/3600, 2), ':')
	out = append(digits(out, s/60%60, 2), ':')
	out = digits(out, s%60, 2)
	if fraction := m % 1_000_000; zoned || fraction > 0 {
		out = digits(append(out, '.'), fraction, 6)
		for !zoned && out[len(out)-1] == '0' {
			out = out[:len(out)-1]
		}
	}
	if zoned {
		out = append(out, 'Z')
	}
	return string(out)
}

func digits(out []byte, n int64, width int) []byte {
	for range width {
		out = append(out, '0')
	}
	for i := len(out) - 1; n > 0; i, n = i-1, n/10 {
		out[i] = byte('0' + n%10)
	}
	return out
}
