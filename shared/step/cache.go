package step

import (
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
)

// maxCached is how many bytes of batches are kept beside their objects.
const maxCached = 64 << 20

// batches keeps batches by the key of their object, the one put last at the end. The owner locks.
type batches struct {
	entries []cached
	size    int
}

type cached struct {
	key   string
	batch record.Batch
	size  int
}

func (c *batches) get(key string) (record.Batch, bool) {
	for _, e := range c.entries {
		if e.key == key {
			return e.batch, true
		}
	}
	return record.Batch{}, false
}

// put adds a batch and drops the oldest ones until the bound holds; a batch that is larger than the bound is kept alone.
func (c *batches) put(key string, b record.Batch, size int) {
	c.drop(key)
	c.entries = append(c.entries, cached{key, b, size})
	c.size += size
	for c.size > maxCached && len(c.entries) > 1 {
		c.drop(c.entries[0].key)
	}
}

// drop forgets every batch whose key begins with the prefix.
func (c *batches) drop(prefix string) {
	c.entries = slices.DeleteFunc(c.entries, func(e cached) bool {
		gone := strings.HasPrefix(e.key, prefix)
		if gone {
			c.size -= e.size
		}
		return gone
	})
}
