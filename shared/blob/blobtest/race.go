package blobtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

func seen(t *testing.T, a, b blob.Bucket) {
	create(t, a, "s", "by a")
	if create(t, b, "s", "by b") || read(t, b, "s") != "by a" {
		t.Error("the other bucket does not see it")
	}
	_, etag, err := b.Get(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	etag = mustPut(t, a, "s", "by a again", etag)
	if got, now, err := b.Get(t.Context(), "s"); err != nil || string(got) != "by a again" || now != etag {
		t.Errorf("got %q, %q, %v", got, now, err)
	}
	if err := b.Delete(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if ok, err := a.Exists(t.Context(), "s"); ok || err != nil {
		t.Errorf("still there: %v", err)
	}
}

// createRace: of 20 who create one key at once, one gets true, and what is there is whole and its own.
func createRace(t *testing.T, a, b blob.Bucket) {
	const rounds = 20
	for round := range rounds {
		key := fmt.Sprint("race/", round)
		var winners atomic.Int32
		var winner atomic.Pointer[string]
		together(20, func(i int) {
			data := strings.Repeat(fmt.Sprintf("%02d", i), 1000)
			created, err := []blob.Bucket{a, b}[i%2].Create(t.Context(), key, []byte(data))
			if err != nil {
				t.Error(err)
			}
			if created {
				winners.Add(1)
				winner.Store(&data)
			}
		})
		if n := winners.Load(); n != 1 {
			t.Fatalf("%d were told that they created it", n)
		}
		if read(t, b, key) != *winner.Load() {
			t.Error("what is there is not the winner's")
		}
	}
	if got := keys(t, a, ""); len(got) != rounds {
		t.Errorf("got %d keys", len(got))
	}
}

// putRace: 8 writers add their line to one object, 5 times each; none is lost.
func putRace(t *testing.T, a, b blob.Bucket) {
	const writers, lines = 8, 5
	create(t, a, "log", "")
	together(writers, func(i int) {
		bucket := []blob.Bucket{a, b}[i%2]
		for line := range lines {
			for {
				data, etag, err := bucket.Get(t.Context(), "log")
				if err == nil {
					_, err = bucket.Put(t.Context(), "log", append(data, fmt.Sprintf("%d.%d\n", i, line)...), etag)
				}
				if err == nil {
					break
				}
				if !fault.Has(err, fault.Conflict) {
					t.Error(err)
					return
				}
			}
		}
	})
	got := strings.Fields(read(t, a, "log"))
	slices.Sort(got)
	if len(slices.Compact(got)) != writers*lines {
		t.Errorf("%d lines of %d are there: %v", len(got), writers*lines, got)
	}
}

// createPutRace: whoever creates and whoever puts upon nothing are one race.
func createPutRace(t *testing.T, a, b blob.Bucket) {
	for round := range 10 {
		var winners atomic.Int32
		key := fmt.Sprint("both/", round)
		together(8, func(i int) {
			if i%2 == 0 {
				if created, err := a.Create(t.Context(), key, []byte("create")); err != nil {
					t.Error(err)
				} else if created {
					winners.Add(1)
				}
				return
			}
			switch _, err := b.Put(t.Context(), key, []byte("put"), ""); {
			case err == nil:
				winners.Add(1)
			case !fault.Has(err, fault.Conflict):
				t.Error(err)
			}
		})
		if n := winners.Load(); n != 1 {
			t.Errorf("%d won", n)
		}
	}
}

// whole: who reads an object while it is replaced gets one content or the other.
func whole(t *testing.T, a, b blob.Bucket) {
	content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%2)}, 100_000+i%2) }
	etag := mustPut(t, a, "w", string(content(0)), "")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 {
			var err error
			if etag, err = a.Put(t.Context(), "w", content(i+1), etag); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		got := read(t, b, "w")
		if i := int(got[0] - 'a'); got != string(content(i)) {
			t.Fatalf("got %d bytes that begin with %q and end in %q", len(got), got[0], got[len(got)-1])
		}
	}
}

// together begins n calls at once and waits for them.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-begin
			f(i)
		})
	}
	close(begin)
	wg.Wait()
}
