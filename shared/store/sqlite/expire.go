package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// expireAtOnce is how many rows one transaction deletes, so that no checkpoint waits long.
const expireAtOnce = 2000

// Expire implements store.RunStore. It goes on until nothing is left to delete; what it deleted before an error stays deleted.
func (s *Store) Expire(ctx context.Context, now time.Time) (int64, error) {
	var total int64
	for _, table := range []string{"failure", "log", "step", "run_partition", "run"} { // never lock, never checkpoint
		stmt := fmt.Sprintf("DELETE FROM %[1]s WHERE rowid IN (SELECT rowid FROM %[1]s WHERE expires_at<=? LIMIT %[2]d)", table, expireAtOnce)
		for {
			n, err := s.remove(ctx, stmt, now)
			total += n
			if err != nil {
				return total, err
			}
			if n < expireAtOnce {
				break
			}
		}
	}
	return total, nil
}

func (s *Store) remove(ctx context.Context, stmt string, now time.Time) (n int64, err error) {
	err = s.write(ctx, "expire in", func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, stmt, millis(now))
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
