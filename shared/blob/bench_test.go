package blob_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
)

// BenchmarkCreate makes objects of the size of a small batch and deletes them, as a run does.
func BenchmarkCreate(b *testing.B) {
	dir, err := blob.OpenFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10/16)
	for name, bucket := range map[string]blob.Bucket{"folder": dir, "memory": blob.OpenMemory()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for i := 0; b.Loop(); i++ {
				key := fmt.Sprintf("runs/j/one/batches/s/p/%06d-0123456789ab/extract", i)
				if _, err := bucket.Create(b.Context(), key, data); err != nil {
					b.Fatal(err)
				}
				if err := bucket.Delete(b.Context(), key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
