package blob

import (
	"bytes"
	"context"
	"io"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Memory is a bucket that ends with the process. Its zero value is empty and ready.
type Memory struct {
	mu      sync.Mutex
	objects map[string]stored
	version int64 // of the last write
}

// stored is an object in memory; data is never changed.
type stored struct {
	data []byte
	etag string
	made time.Time
}

var _ Bucket = (*Memory)(nil)

// OpenMemory opens an empty bucket in memory.
func OpenMemory() *Memory { return &Memory{} }

// memories are buckets in memory by name.
type memories struct {
	mu    sync.Mutex
	named map[string]*Memory
}

func (m *memories) open(_ context.Context, u *url.URL) (Bucket, error) {
	if u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return nil, badPlace(u.String()).WithHint("write mem:// or mem://name")
	}
	if u.Host == "" {
		return OpenMemory(), nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.named[u.Host] == nil {
		m.named[u.Host] = OpenMemory()
	}
	return m.named[u.Host], nil
}

// Create implements Bucket.
func (m *Memory) Create(ctx context.Context, key string, data []byte) (bool, error) {
	if err := begin(ctx, key); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.objects[key]; there {
		return false, nil
	}
	m.put(key, data)
	return true, nil
}

// Put implements Bucket.
func (m *Memory) Put(ctx context.Context, key string, data []byte, etag string) (string, error) {
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects[key].etag != etag {
		return "", lost(key)
	}
	return m.put(key, data), nil
}

func (m *Memory) put(key string, data []byte) string {
	if m.objects == nil {
		m.objects = map[string]stored{}
	}
	m.version++
	etag := strconv.FormatInt(m.version, 16)
	m.objects[key] = stored{bytes.Clone(data), etag, time.Now()}
	return etag
}

// find gives an object.
func (m *Memory) find(ctx context.Context, key string) (stored, error) {
	if err := begin(ctx, key); err != nil {
		return stored{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, there := m.objects[key]
	if !there {
		return stored{}, missing(key)
	}
	return s, nil
}

// Get implements Bucket.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, string, error) {
	s, err := m.find(ctx, key)
	return bytes.Clone(s.data), s.etag, err
}

// Read implements Bucket.
func (m *Memory) Read(ctx context.Context, key string) ([]byte, error) {
	s, err := m.find(ctx, key)
	return bytes.Clone(s.data), err
}

// Open implements Bucket.
func (m *Memory) Open(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	s, err := m.find(ctx, key)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(s.data[min(offset, int64(len(s.data))):])), nil
}

// Stat implements Bucket.
func (m *Memory) Stat(ctx context.Context, key string) (Object, error) {
	s, err := m.find(ctx, key)
	return Object{key, int64(len(s.data)), s.made, s.etag}, err
}

// Exists implements Bucket.
func (m *Memory) Exists(ctx context.Context, key string) (bool, error) {
	if err := begin(ctx, key); err != nil {
		return false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, there := m.objects[key]
	return there, nil
}

// Delete implements Bucket.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

// List implements Bucket.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		m.mu.Lock()
		keys := slices.Sorted(maps.Keys(m.objects))
		m.mu.Unlock()
		from, _ := slices.BinarySearch(keys, prefix)
		for _, key := range keys[from:] {
			if !strings.HasPrefix(key, prefix) {
				return
			}
			if err := ended(ctx); err != nil {
				yield(Object{}, err)
				return
			}
			m.mu.Lock()
			s, there := m.objects[key]
			m.mu.Unlock()
			if there && !yield(Object{key, int64(len(s.data)), s.made, s.etag}, nil) {
				return
			}
		}
	}
}

// Close does nothing: what others opened by the same name goes on.
func (m *Memory) Close() error { return nil }
