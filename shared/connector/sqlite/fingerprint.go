package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// fingerprint hashes the pages that hold a table, as the snapshot sees them: far quicker than its rows, and blind to what happens to
// other tables, to the file's times and to where the journal is. Equal pages are equal rows; equal rows on other pages (VACUUM) are
// taken for a change. A view has no pages, so all of the database counts.
func fingerprint(ctx context.Context, c *sql.Conn, t *table) (string, error) {
	if t.virtual {
		return "", nil
	}
	query, args := `SELECT p.pgno, p.data FROM dbstat AS s JOIN sqlite_dbpage AS p ON p.pgno = s.pageno WHERE s.name = ? ORDER BY s.pageno`, []any{t.name}
	if t.view {
		query, args = `SELECT pgno, data FROM sqlite_dbpage ORDER BY pgno`, nil
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\x00%s\x00", t.name, t.sql)
	_, err := collect(ctx, c, func(rows *sql.Rows) (struct{}, error) {
		var page uint64
		var data sql.RawBytes
		if err := rows.Scan(&page, &data); err != nil {
			return struct{}{}, err
		}
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, page))
		_, _ = h.Write(data)
		return struct{}{}, nil
	}, query, args...)
	return "pages " + hex.EncodeToString(h.Sum(nil)[:16]), err
}

// countRows counts a table's rows by its pages; 0 for what has none.
func countRows(ctx context.Context, c *sql.Conn, t *table) (int64, error) {
	if t.view || t.virtual {
		return 0, nil
	}
	where := " AND pagetype = 'leaf'"
	if t.withoutRowid {
		where = " AND pagetype IN ('leaf', 'internal')"
	}
	counts, err := collect(ctx, c, func(rows *sql.Rows) (n int64, err error) {
		err = rows.Scan(&n)
		return n, err
	}, `SELECT coalesce(sum(ncell), 0) FROM dbstat WHERE name = ?`+where, t.name)
	if err != nil {
		return 0, err
	}
	return counts[0], nil
}
