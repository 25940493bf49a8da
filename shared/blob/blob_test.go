package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// buckets gives an empty bucket of each kind.
func buckets(t *testing.T) map[string]*blob.Bucket {
	t.Helper()
	dir, err := blob.OpenDir(filepath.Join(t.TempDir(), "made", "on the way"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*blob.Bucket{"folder": dir, "memory": blob.OpenMemory()}
	for _, b := range out {
		t.Cleanup(func() { _ = b.Close() })
	}
	return out
}

func each(t *testing.T, do func(t *testing.T, b *blob.Bucket)) {
	for name, b := range buckets(t) {
		t.Run(name, func(t *testing.T) { do(t, b) })
	}
}

func create(t *testing.T, b *blob.Bucket, key, data string) bool {
	t.Helper()
	created, err := b.Create(t.Context(), key, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func read(t *testing.T, b *blob.Bucket, key string) string {
	t.Helper()
	data, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestCreate_Twice(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		if !create(t, b, "a/b", "first") {
			t.Error("the first answers false")
		}
		if create(t, b, "a/b", "second") {
			t.Error("the second answers true")
		}
		if got := read(t, b, "a/b"); got != "first" {
			t.Errorf("got %q", got)
		}
	})
}

func TestCreate_Sizes(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		for _, n := range []int{0, 1, 511, 512, 513, 1 << 20, 9 << 20} {
			key, want := fmt.Sprint("size/", n), bytes.Repeat([]byte{'x'}, n)
			if !create(t, b, key, string(want)) {
				t.Errorf("%d bytes: not created", n)
			}
			if got := read(t, b, key); got != string(want) {
				t.Errorf("%d bytes: read %d", n, len(got))
			}
		}
	})
}

func TestMissing(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		create(t, b, "a/b", "")
		for _, key := range []string{"none", "a", "a/b/c", "a/"} {
			if _, err := b.Read(t.Context(), key); !fault.Has(err, fault.NotFound) && !fault.Has(err, fault.ConfigInvalid) {
				t.Errorf("read %s: got %v (%s), want NotFound", key, err, fault.CodeOf(err))
			}
		}
		if _, err := b.Read(t.Context(), "none"); !fault.Has(err, fault.NotFound) {
			t.Errorf("got %v, want NotFound", err)
		}
		for key, want := range map[string]bool{"none": false, "a/b": true} {
			if ok, err := b.Exists(t.Context(), key); ok != want || err != nil {
				t.Errorf("%s exists: got %t, %v, want %t", key, ok, err, want)
			}
		}
		for range 2 {
			if err := b.Delete(t.Context(), "a/b"); err != nil {
				t.Errorf("delete: %v", err)
			}
		}
		if !create(t, b, "a/b", "again") {
			t.Error("what was deleted cannot be created again")
		}
	})
}

// oddKeys are keys that a file system or a URL could misread.
var oddKeys = []string{
	"plain", "%23", "a#b", "#", "with space", " ", "%", "100%", "%2F", "a/%2e%2e/b", "...", "/leading", "double//slash",
	"trailing/", "Zürich/東京/🛬", "back\\slash", "quote'\"<>|?*:", "tab\tline\nnul\x00", "dot.tmp", ".hidden", "a.0123456789abcdef.tmp.gz",
	strings.Repeat("k", 200), "CON", "A",
}

func TestKeys_Odd(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		for _, key := range oddKeys {
			if !create(t, b, "p/"+key, "of "+key) {
				t.Errorf("%q is taken for another key", key)
			}
		}
		var want []string
		for _, key := range oddKeys {
			want = append(want, "p/"+key)
			if got := read(t, b, "p/"+key); got != "of "+key {
				t.Errorf("%q: got %q", key, got)
			}
		}
		slices.Sort(want)
		got, err := b.List(t.Context(), "p/")
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(got, want); d != "" {
			t.Error(d)
		}
	})
}

func TestList_Order(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		for _, key := range []string{"b", "a/c", "a.b", "a/b/c", "a-b", "B", "ab", "é"} {
			create(t, b, key, "")
		}
		for prefix, want := range map[string][]string{
			"":     {"B", "a-b", "a.b", "a/b/c", "a/c", "ab", "b", "é"},
			"a":    {"a-b", "a.b", "a/b/c", "a/c", "ab"},
			"a/":   {"a/b/c", "a/c"},
			"a/b":  {"a/b/c"},
			"none": nil,
		} {
			got, err := b.List(t.Context(), prefix)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(got, want); d != "" {
				t.Errorf("%q: %s", prefix, d)
			}
		}
	})
}

func TestList_Many(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		const n = 1100 // more than a page
		for i := range n {
			create(t, b, fmt.Sprintf("%05d", n-i), "")
		}
		got, err := b.List(t.Context(), "")
		if err != nil || len(got) != n || !slices.IsSorted(got) {
			t.Errorf("got %d keys, %v", len(got), err)
		}
	})
}

// TestCreate_Race: of 50 who create one key at once, through two buckets of the same place, one gets true, and what is there is whole
// and its own.
func TestCreate_Race(t *testing.T) {
	dir := t.TempDir()
	places := map[string][2]*blob.Bucket{}
	memory := blob.OpenMemory()
	places["memory"] = [2]*blob.Bucket{memory, memory}
	var folders [2]*blob.Bucket
	for i := range folders {
		b, err := blob.OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		folders[i] = b
	}
	places["two buckets on a folder"] = folders
	for name, pair := range places {
		t.Run(name, func(t *testing.T) {
			for round := range 20 {
				key := fmt.Sprint("race/", round)
				race(t, pair, key)
			}
			keys, err := pair[0].List(t.Context(), "")
			if err != nil || len(keys) != 20 {
				t.Errorf("got %d keys, %v", len(keys), err)
			}
		})
	}
	left, err := filepath.Glob(filepath.Join(dir, "race", "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func race(t *testing.T, pair [2]*blob.Bucket, key string) {
	t.Helper()
	var wg sync.WaitGroup
	var winners atomic.Int32
	var winner atomic.Pointer[string]
	begin := make(chan struct{})
	for i := range 50 {
		wg.Go(func() {
			data := strings.Repeat(fmt.Sprintf("%02d", i), 1000)
			<-begin
			created, err := pair[i%2].Create(t.Context(), key, []byte(data))
			if err != nil {
				t.Error(err)
			}
			if created {
				winners.Add(1)
				winner.Store(&data)
			}
		})
	}
	close(begin)
	wg.Wait()
	if n := winners.Load(); n != 1 {
		t.Fatalf("%d were told that they created it", n)
	}
	if read(t, pair[1], key) != *winner.Load() {
		t.Error("what is there is not the winner's")
	}
}

// TestList_Leftover: the file of a writer that was killed is not an object.
func TestList_Leftover(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key.18fa3c0d1e2f3a4b.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	create(t, b, "key", "whole")
	if got, err := b.List(t.Context(), ""); err != nil || !cmp.Equal(got, []string{"key"}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCancelled(t *testing.T) {
	each(t, func(t *testing.T, b *blob.Bucket) {
		create(t, b, "a", "")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if created, err := b.Create(ctx, "b", []byte("x")); created || !fault.Has(err, fault.Aborted) {
			t.Errorf("create: got %t, %v", created, err)
		}
		if ok, err := b.Exists(t.Context(), "b"); ok || err != nil {
			t.Errorf("it is there all the same: %v", err)
		}
	})
}

func TestOpen(t *testing.T) {
	t.Chdir(t.TempDir())
	abs := filepath.ToSlash(t.TempDir())
	for place, folder := range map[string]string{
		"state":                    "state",
		"a b%20c":                  "a b%20c",
		abs + "/x":                 abs + "/x",
		"file://" + abs + "/y":     abs + "/y",
		"file://" + abs + "/a%20b": abs + "/a b",
		"file://./relative/z":      "relative/z",
	} {
		b, err := blob.Open(place)
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		create(t, b, "key", "x")
		if _, err := os.Stat(filepath.Join(filepath.FromSlash(folder), "key")); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
	if b, err := blob.Open("mem://"); err != nil || !create(t, b, "key", "x") {
		t.Errorf("memory: %v", err)
	}
}

func TestOpen_ConfigInvalid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"", "s3://bucket", "gs://x", "file://host/path", "file://", "file:///x?y=1", "http://[", file, filepath.Join(file, "below")} {
		if _, err := blob.Open(place); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%q: got %v, want ConfigInvalid", place, err)
		}
	}
}

// TestCreate_ReadOnly: a folder that cannot be written says so, with what to do. Who may write everywhere sees nothing.
func TestCreate_ReadOnly(t *testing.T) {
	dir := t.TempDir()
	b, err := blob.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	created, err := b.Create(t.Context(), "a/b", []byte("x"))
	if os.Geteuid() == 0 && created {
		return
	}
	if created || !fault.Has(err, fault.AuthDenied) || fault.Hint(err) == "" {
		t.Errorf("got %t, %v", created, err)
	}
}

// TestCreate_NotAFolder: a key below another object, or above one, cannot be made in a folder, nor one that leads out of it, and
// trying again would not help.
func TestCreate_NotAFolder(t *testing.T) {
	b, err := blob.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	create(t, b, "a", "")
	create(t, b, "d/e", "")
	for _, key := range []string{"a/b", "d", "../a", "a/../../b", "a/..", ".", strings.Repeat("k", 300)} {
		if _, err := b.Create(t.Context(), key, nil); err == nil || fault.CodeOf(err).Retryable() {
			t.Errorf("%.10s: got %v (%s)", key, err, fault.CodeOf(err))
		}
	}
}
