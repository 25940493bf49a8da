package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// The partitions of a stream: its rows, and, of an incremental one, the rows whose cursor is null, which can only be rejected.
const (
	allRows    = "all"
	nullCursor = "null-cursor"
)

// source reads one database, which it cannot change.
type source struct {
	*database
	closing sync.Once
	closed  error
}

var _ connector.Source = (*source)(nil)

func newSource(c connector.Config) (*source, error) {
	d, err := newDatabase(c, "ro", "query_only(1)")
	if err != nil {
		return nil, err
	}
	return &source{database: d}, nil
}

// snapshot runs do on a connection that sees one state of the database from beginning to end.
func (s *source) snapshot(ctx context.Context, action string, do func(c *sql.Conn) error) error {
	there, err := s.exists()
	if err != nil {
		return err
	}
	if !there {
		return fault.New(fault.NotFound, "there is no database file %s", s.shown)
	}
	c, err := s.conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, "BEGIN"); err != nil {
		return s.fault(ctx, action, err)
	}
	err = do(c)
	_, end := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return s.fault(ctx, action, errorsFirst(err, end))
}

// Streams lists tables and views.
func (s *source) Streams(ctx context.Context) (infos []connector.StreamInfo, err error) {
	err = s.snapshot(ctx, "list the tables", func(c *sql.Conn) error {
		names, err := tables(ctx, c)
		if err != nil {
			return err
		}
		for _, name := range names {
			t, err := find(ctx, c, name)
			if err != nil {
				return err
			}
			schema, err := schemaOf(ctx, c, t, nil)
			if err != nil {
				return err
			}
			infos = append(infos, connector.StreamInfo{Name: name, Schema: schema, Key: t.primaryKey()})
		}
		return nil
	})
	return infos, err
}

// Plan reads the table's shape and, of a full stream, the fingerprint of its content.
func (s *source) Plan(ctx context.Context, r connector.PlanRequest) (plan connector.Plan, err error) {
	err = s.snapshot(ctx, "plan "+r.Stream.Name, func(c *sql.Conn) error {
		t, err := lookup(ctx, c, r.Stream.Name)
		if err != nil {
			return err
		}
		if plan.Schema, err = schemaOf(ctx, c, t, r.Stream.Columns); err != nil {
			return err
		}
		plan.Key = t.primaryKey()
		if r.Stream.Mode == job.Incremental { // its rows are not counted: that would read all of the table
			plan.Partitions, err = incrementalPartitions(ctx, c, t, r)
			return err
		}
		if plan.Records, err = countRows(ctx, c, t); err != nil {
			return err
		}
		if plan.Fingerprint, err = fingerprint(ctx, c, t); err != nil {
			return err
		}
		if plan.Unchanged = r.Known != "" && r.Known == plan.Fingerprint; !plan.Unchanged {
			plan.Partitions = []connector.Partition{{ID: allRows}}
		}
		return nil
	})
	if err != nil {
		return connector.Plan{}, err
	}
	return plan, nil
}

// lookup finds a stream's table; NotFound names the nearest.
func lookup(ctx context.Context, q queryer, name string) (*table, error) {
	names, err := tables(ctx, q)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(names, func(n string) bool { return fold(n) == fold(name) })
	if i >= 0 {
		return find(ctx, q, names[i])
	}
	e := fault.New(fault.NotFound, "there is no table or view %q", name)
	if near := fault.Nearest(name, names); near != "" {
		return nil, e.WithHint("did you mean %s?", near)
	}
	return nil, e
}

// schemaOf gives the columns' types: as the user says, as declared, or as the first values are.
func schemaOf(ctx context.Context, q queryer, t *table, given map[string]record.Type) (record.Schema, error) {
	var s record.Schema
	for _, c := range t.columns {
		typ, known := given[c.name]
		if !known {
			typ, known = typeOf(c.declared)
		}
		if !known {
			var err error
			if typ, err = sampled(ctx, q, t, c); err != nil {
				return record.Schema{}, err
			}
		}
		s.Columns = append(s.Columns, record.Column{Name: c.name, Type: typ})
	}
	for name := range given {
		if s.Index(name) < 0 {
			e := fault.New(fault.ConfigInvalid, "%s has no column %q", t.name, name)
			if near := fault.Nearest(name, s.Names()); near != "" {
				e = e.WithHint("did you mean %s?", near)
			}
			return record.Schema{}, e
		}
	}
	return s, nil
}

// sampled finds the type of a column without a declaration, as views have for expressions.
func sampled(ctx context.Context, q queryer, t *table, c column) (record.Type, error) {
	kinds, err := collect(ctx, q, scanText, "SELECT DISTINCT typeof(v) AS k FROM (SELECT "+quote(c.name)+" AS v FROM "+quote(t.name)+
		" WHERE v IS NOT NULL LIMIT 1000) ORDER BY k")
	if err != nil {
		return record.Type{}, err
	}
	switch strings.Join(kinds, " ") {
	case "integer":
		return record.Type{Kind: record.Int}, nil
	case "real", "integer real":
		return record.Type{Kind: record.Float}, nil
	case "blob":
		return record.Type{Kind: record.Bytes}, nil
	}
	return record.Type{Kind: record.String}, nil
}

// incrementalPartitions plans the rows behind the checkpoint, and those without a cursor when there are new ones.
func incrementalPartitions(ctx context.Context, c *sql.Conn, t *table, r connector.PlanRequest) ([]connector.Partition, error) {
	if _, err := orderOf(t, r.Stream, allRows); err != nil {
		return nil, err
	}
	parts := []connector.Partition{{ID: allRows}}
	o, err := orderOf(t, r.Stream, nullCursor)
	if err != nil {
		return nil, err
	}
	text, args, err := o.query(t, []string{"1"}, r.Positions[nullCursor], 1)
	if err != nil {
		return nil, err
	}
	found, err := collect(ctx, c, func(rows *sql.Rows) (bool, error) { return true, nil }, text, args...)
	if len(found) > 0 {
		parts = append(parts, connector.Partition{ID: nullCursor})
	}
	return parts, err
}

// Open answers a reader; each batch is one query, so no lock outlives a call.
func (s *source) Open(ctx context.Context, r connector.OpenRequest) (connector.Reader, error) {
	var rd *reader
	err := s.snapshot(ctx, "open "+r.Stream.Name, func(c *sql.Conn) error {
		t, err := lookup(ctx, c, r.Stream.Name)
		if err != nil {
			return err
		}
		rd, err = newReader(s, t, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return rd, nil
}

// Committed has nothing to tell a database.
func (s *source) Committed(context.Context, connector.Partition, string) error { return nil }

// Ping reads the catalogue.
func (s *source) Ping(ctx context.Context) error {
	return s.snapshot(ctx, "ping", func(c *sql.Conn) error {
		_, err := tables(ctx, c)
		return err
	})
}

func (s *source) Close() error {
	s.closing.Do(func() { s.closed = s.db.Close() })
	return s.closed
}
