package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
)

// chunkRows is how many rows a statement writes. A row that is refused costs the writing of its chunk about twice more.
const chunkRows = 4096

// Load writes a batch and its receipt in one transaction.
func (d *destination) Load(ctx context.Context, r connector.LoadRequest) (receipt connector.Receipt, err error) {
	err = d.write(ctx, "load into "+r.Target.Name, func(c *sql.Conn) error {
		g, err := readGuard(ctx, c, r.Target, r.Partition)
		if err != nil {
			return err
		}
		existing, err := g.follow(r)
		if err != nil {
			return err
		}
		if existing {
			receipt = g.Receipt
			receipt.Existing = true
			return nil
		}
		w := writer{database: d.database, c: c, r: r}
		w.receipt = connector.Receipt{
			Run: r.Target.Run, Base: r.Claim.Base, Fence: r.Claim.Fence, Owner: r.Claim.Owner, Seq: r.Seq, Start: r.Start, End: r.End, Batch: r.Name,
		}
		if err := w.write(ctx); err != nil {
			return err
		}
		if r.Confirm != nil {
			if err := r.Confirm(w.receipt.Refused); err != nil {
				return &callerError{err}
			}
		}
		receipt = w.receipt
		next := guard{Receipt: receipt, term: r.Claim.Term}
		return next.write(ctx, c, r.Target, r.Partition)
	})
	if err != nil {
		return connector.Receipt{}, err
	}
	return receipt, nil
}

// writer writes the rows of one load.
type writer struct {
	*database
	c       *sql.Conn
	r       connector.LoadRequest
	receipt connector.Receipt
	table   string // that rows go to
	seen    string // that keys go to; "" when nobody asks
	feed    feed
	names   []string // of the feed's columns at the target
}

func (w *writer) write(ctx context.Context) error {
	if err := w.places(ctx); err != nil {
		return err
	}
	if w.r.Batch.Len() > 0 {
		if err := w.rows(ctx); err != nil {
			return err
		}
	}
	if w.seen != "" && len(w.r.Protect) > 0 {
		return w.protect(ctx)
	}
	return nil
}

// places finds the tables that the load writes, which Prepare made.
func (w *writer) places(ctx context.Context) error {
	t := w.r.Target
	w.table = t.Name
	if !staged(t) && !t.Write.DeleteMissing {
		return nil
	}
	g, err := readGuard(ctx, w.c, t, commitPartition)
	switch {
	case err != nil:
		return err
	case g == nil:
		return fault.New(fault.DestinationBehind, "%s does not know of run %s: was the file replaced?", w.shown, t.Run)
	case g.Run != t.Run:
		return fault.New(fault.Superseded, "another run has prepared table %s", t.Name)
	case g.staging == "" && (len(t.Schema.Columns) > 0 || w.r.Batch.Len() > 0):
		return fault.New(fault.DestinationBehind, "run %s has committed table %s already", t.Run, t.Name)
	case staged(t):
		w.table = g.staging
	default:
		w.seen = g.staging
	}
	return nil
}

// rows writes the batch's rows, and their keys for delete_missing.
func (w *writer) rows(ctx context.Context) error {
	b, t := w.r.Batch, w.r.Target
	tb, err := find(ctx, w.c, w.table)
	if err != nil {
		return err
	}
	if tb == nil {
		return fault.New(fault.DestinationBehind, "table %s is gone", w.table)
	}
	fates, err := fit(t, b.Schema, tb)
	if err != nil {
		return err
	}
	refused := map[int32]record.Refusal{}
	for i, col := range b.Schema.Columns {
		switch fates[i] {
		case written:
			w.names = append(w.names, col.Name)
			w.feed.cells = append(w.feed.cells, cellOf(b.Rows.Column(i), col.Type))
		case deadLetter:
			refuseValues(refused, b, i, tb.name)
		case toAdd, toWiden: // Prepare saw another schema
			return fault.New(fault.SchemaDrift, "column %s (%s) came after table %s was prepared", col.Name, col.Type, tb.name)
		}
	}
	withKey, err := w.keyed(refused)
	if err != nil {
		return err
	}
	for row := range int32(b.Len()) {
		if _, bad := refused[row]; !bad {
			w.feed.rows = append(w.feed.rows, row)
		}
	}
	detach, err := feeds.attach(ctx, w.c, &w.feed)
	if err != nil {
		return err
	}
	err = w.all(ctx, refused)
	if err == nil && w.seen != "" {
		w.feed.rows, w.feed.lo, w.feed.hi = withKey, 0, len(withKey)
		_, err = w.c.ExecContext(ctx, w.seenSQL())
	}
	err = errorsFirst(err, detach())
	for _, r := range refused {
		w.receipt.Refused = append(w.receipt.Refused, r)
	}
	slices.SortFunc(w.receipt.Refused, func(a, b record.Refusal) int { return a.Row - b.Row })
	return err
}

// refuseValues refuses the rows that have a value in a column which the target cannot take.
func refuseValues(refused map[int32]record.Refusal, b record.Batch, i int, table string) {
	col := b.Rows.Column(i)
	for row := range b.Len() {
		if _, before := refused[int32(row)]; before || col.IsNull(row) {
			continue
		}
		message := fmt.Sprintf("column %s (%s) does not fit table %s", b.Schema.Columns[i].Name, b.Schema.Columns[i].Type, table)
		refused[int32(row)] = record.Refusal{Row: row, Code: string(fault.SchemaDrift), Message: message}
	}
}

// keyed refuses rows without a whole key, when the key matters, and lists the others.
func (w *writer) keyed(refused map[int32]record.Refusal) ([]int32, error) {
	b, t := w.r.Batch, w.r.Target
	if t.Write.Mode != job.Upsert {
		return nil, nil
	}
	without := map[int32]bool{}
	for _, k := range t.Key {
		col, _, ok := b.Column(k)
		if !ok {
			return nil, fault.New(fault.SchemaDrift, "the batch has no column %s, which is in the key of table %s", k, t.Name)
		}
		for row := range b.Len() {
			if col.NullN() > 0 && col.IsNull(row) && !without[int32(row)] {
				without[int32(row)] = true
				refused[int32(row)] = record.Refusal{Row: row, Code: string(fault.DataInvalid), Message: "column " + k + " of the key is null"}
			}
		}
	}
	var rows []int32
	if w.seen != "" {
		for row := range int32(b.Len()) {
			if !without[row] {
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

// all writes the feed's rows chunk by chunk; what the database refuses is found by bisection.
func (w *writer) all(ctx context.Context, refused map[int32]record.Refusal) error {
	st, err := w.prepare(ctx)
	if err != nil {
		return err
	}
	defer st.close()
	for lo := 0; lo < len(w.feed.rows); lo += chunkRows {
		n := min(chunkRows, len(w.feed.rows)-lo)
		bad, err := connector.Bisect(ctx, n, func(from, to int) error {
			w.feed.lo, w.feed.hi = lo+from, lo+to
			return w.fault(ctx, "load into "+w.r.Target.Name, w.chunk(ctx, st))
		})
		if err != nil {
			return err
		}
		for _, r := range bad {
			row := w.feed.rows[lo+r.Row]
			r.Row = int(row)
			refused[row] = r
		}
	}
	return nil
}

// seenSQL notes the keys of the feed's rows.
func (w *writer) seenSQL() string {
	from := make([]string, len(w.r.Target.Key))
	for i, k := range w.r.Target.Key {
		from[i] = feedColumn(slices.Index(w.names, k))
	}
	return fmt.Sprintf("INSERT OR IGNORE INTO %s (%s) SELECT %s FROM %s", quote(w.seen), quoteAll(w.r.Target.Key), strings.Join(from, ", "), feedTable)
}

// protect notes keys of records that failed before: their rows are not missing. A key that is not of the column's types cannot be in
// the target.
func (w *writer) protect(ctx context.Context) error {
	schema, ok := keyTypes(w.r.Target.Key, w.r.Target.Schema)
	if !ok {
		return nil
	}
	b := record.NewBuilder(schema)
	for _, text := range w.r.Protect {
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(text), &values); err != nil || len(values) != len(schema.Columns) {
			return fault.New(fault.Internal, "a protected key is no list of %d values", len(schema.Columns))
		}
		row := record.NewBuilder(schema)
		fits := true
		for i, v := range values {
			fits = fits && appendKey(row, i, schema.Columns[i].Type, v) == nil
		}
		for i, v := range values {
			if fits {
				_ = appendKey(b, i, schema.Columns[i].Type, v) // it went well a moment ago
			}
		}
	}
	rows := b.Rows()
	w.names, w.feed = w.r.Target.Key, feed{hi: int(rows.NumRows())}
	for i, c := range schema.Columns {
		w.feed.cells = append(w.feed.cells, cellOf(rows.Column(i), c.Type))
	}
	for row := range w.feed.hi {
		w.feed.rows = append(w.feed.rows, int32(row))
	}
	detach, err := feeds.attach(ctx, w.c, &w.feed)
	if err != nil {
		return err
	}
	_, err = w.c.ExecContext(ctx, w.seenSQL())
	return errorsFirst(err, detach())
}

// appendKey adds a value of a key, as record.AppendJSON wrote it. A null is an error: no row has it as its key.
func appendKey(b *record.Builder, i int, t record.Type, v json.RawMessage) error {
	text := string(v)
	if text == "null" && t.Kind != record.JSON {
		return fault.New(fault.DataInvalid, "null in a key")
	}
	if t.Kind != record.JSON && strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(v, &text); err != nil {
			return err
		}
	}
	return record.ParseText(b.Column(i), t, text)
}
