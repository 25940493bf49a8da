package file

import (
	"context"
	"sync"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
)

// memory keeps what passes over whole files found, each until it is asked for once: a job is checked just before it runs, and both plan
// the same files. The zero value is empty.
type memory struct {
	mu    sync.Mutex
	found map[passed]scanned
}

// passed is a pass over a file as it was.
type passed struct {
	name, version string
	size, time    int64
	pass
}

// scanOnce is scan, or what the same pass has found before over the file of the same size and time.
func (s *Source) scanOnce(ctx context.Context, info input.Info, p pass) (scanned, error) {
	key := passed{info.Name, info.Version, info.Size, info.ModTime.UnixNano(), p}
	s.seen.mu.Lock()
	found, ok := s.seen.found[key]
	delete(s.seen.found, key)
	s.seen.mu.Unlock()
	if ok {
		return found, nil
	}
	found, err := s.scan(ctx, info, p)
	if err != nil {
		return found, err
	}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	if s.seen.found == nil {
		s.seen.found = map[passed]scanned{}
	}
	s.seen.found[key] = found
	return found, nil
}
