package step

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/record"
)

var errDisk = errors.New("the disk is full")

// slowBucket makes objects when it is let, and refuses some of them.
type slowBucket struct {
	blob.Bucket
	let chan struct{} // closed: objects may be made

	mu     sync.Mutex
	refuse int // how many of the next objects are not made
	made   []string
}

func (s *slowBucket) Create(ctx context.Context, key string, data []byte) (bool, error) {
	<-s.let
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return false, errDisk
	}
	created, err := s.Bucket.Create(ctx, key, data)
	if created {
		s.made = append(s.made, key)
	}
	return created, err
}

func resident(t *testing.T) (*Env, *slowBucket) {
	t.Helper()
	s := &slowBucket{Bucket: new(blob.Memory), let: make(chan struct{})}
	e := &Env{Blobs: s, Resident: true, Compression: record.None, StepTimeout: time.Minute}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e, s
}

// putTwo puts the batches of two steps while no object can be made.
func putTwo(t *testing.T, e *Env) (extracted, transformed string) {
	t.Helper()
	extracted = "batches/j/s/p/00000001-x/" + Extracted
	transformed = Sibling(extracted, Transformed)
	for n, key := range []string{extracted, transformed} {
		if _, err := e.PutBatch(t.Context(), key, record.Batch{Read: n + 1, End: "1"}); err != nil {
			t.Fatal(err)
		}
		if b, err := e.Batch(t.Context(), key); err != nil || b.Read != n+1 {
			t.Fatalf("the batch is not at hand while its object is made: %+v, %v", b, err)
		}
	}
	return extracted, transformed
}

func TestEnv_Settle(t *testing.T) {
	t.Run("waits until the objects are made, in the order of the steps", func(t *testing.T) {
		e, s := resident(t)
		extracted, transformed := putTwo(t, e)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := e.Settle(ctx, transformed); !errors.Is(err, context.Canceled) {
			t.Errorf("it did not wait: %v", err)
		}
		close(s.let)
		if ours, err := e.Settle(t.Context(), transformed); err != nil || !ours {
			t.Fatalf("got %v, %v", ours, err)
		}
		if want := []string{extracted, transformed}; !slices.Equal(s.made, want) {
			t.Errorf("made %v, want %v", s.made, want)
		}
	})
	t.Run("tries again what could not be made, and none before the one it came from", func(t *testing.T) {
		e, s := resident(t)
		s.refuse = 2
		extracted, transformed := putTwo(t, e)
		close(s.let)
		e.quiet(extracted)
		if len(s.made) > 0 {
			t.Fatalf("made %v", s.made)
		}
		if _, err := e.Settle(t.Context(), extracted); !errors.Is(err, errDisk) {
			t.Fatalf("got %v", err)
		}
		if ours, err := e.Settle(t.Context(), extracted); err != nil || !ours {
			t.Fatalf("got %v, %v", ours, err)
		}
		if want := []string{extracted, transformed}; !slices.Equal(s.made, want) {
			t.Errorf("made %v, want %v", s.made, want)
		}
	})
	t.Run("what somebody else has made counts", func(t *testing.T) {
		e, s := resident(t)
		extracted, transformed := putTwo(t, e)
		data, err := record.Marshal(record.Batch{Read: 7, End: "1"}, record.None)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Bucket.Create(t.Context(), extracted, data); err != nil {
			t.Fatal(err)
		}
		close(s.let)
		if ours, err := e.Settle(t.Context(), extracted); err != nil || ours {
			t.Fatalf("got %v, %v", ours, err)
		}
		if b, err := e.Batch(t.Context(), extracted); err != nil || b.Read != 7 {
			t.Errorf("got %+v, %v", b, err)
		}
		if there, err := e.Blobs.Exists(t.Context(), transformed); err != nil || there {
			t.Errorf("an object was made of what is not there: %v, %v", there, err)
		}
		if ours, err := e.Settle(t.Context(), extracted); err != nil || !ours {
			t.Errorf("it is not settled: %v, %v", ours, err)
		}
	})
	t.Run("a batch that is there is used", func(t *testing.T) {
		e, s := resident(t)
		close(s.let)
		extracted, _ := putTwo(t, e)
		if ours, err := e.Settle(t.Context(), extracted); err != nil || !ours {
			t.Fatalf("got %v, %v", ours, err)
		}
		e.Uncache(extracted)
		if b, err := e.PutBatch(t.Context(), extracted, record.Batch{Read: 9, End: "1"}); err != nil || b.Read != 1 {
			t.Errorf("got %+v, %v", b, err)
		}
	})
}
