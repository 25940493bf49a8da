package sqlite

import "context"

// Unsafe makes commits not wait for the disk, for tests that crash no machine.
func (s *Store) Unsafe(ctx context.Context) error {
	_, err := s.writer.ExecContext(ctx, "PRAGMA synchronous=OFF")
	return err
}
