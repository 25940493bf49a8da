package blobtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/blob"
)

func listOrder(t *testing.T, b blob.Bucket) {
	for _, key := range []string{"b", "a/c", "a.b", "a/b/c", "a-b", "B", "ab", "é", "a//d", "a0", "a/b.x"} {
		create(t, b, key, "")
	}
	for prefix, want := range map[string][]string{
		"":                                {"B", "a-b", "a.b", "a//d", "a/b.x", "a/b/c", "a/c", "a0", "ab", "b", "é"},
		"a":                               {"a-b", "a.b", "a//d", "a/b.x", "a/b/c", "a/c", "a0", "ab"},
		"a/":                              {"a//d", "a/b.x", "a/b/c", "a/c"},
		"a/b":                             {"a/b.x", "a/b/c"},
		"a//":                             {"a//d"},
		"a/b/c":                           {"a/b/c"},
		"none":                            nil,
		"a/x/y":                           nil,
		"../":                             nil,
		"\xff":                            nil,
		strings.Repeat("long", 100) + "/": nil,
	} {
		if d := cmp.Diff(keys(t, b, prefix), want); d != "" {
			t.Errorf("%q: %s", prefix, d)
		}
	}
}

func listMany(t *testing.T, b blob.Bucket) {
	const n = 1100 // more than a page
	together(10, func(i int) {
		for ; i < n; i += 10 {
			if _, err := b.Create(t.Context(), fmt.Sprintf("%05d", n-i), nil); err != nil {
				t.Error(err)
			}
		}
	})
	if got := keys(t, b, ""); len(got) != n || !slices.IsSorted(got) {
		t.Errorf("got %d keys", len(got))
	}
	seen := 0
	for _, err := range b.List(t.Context(), "0") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 3 {
			break // ends it, without an error or a panic
		}
	}
	if seen != 3 {
		t.Errorf("saw %d", seen)
	}
}

func listAndDelete(t *testing.T, b blob.Bucket) {
	for i := range 20 {
		create(t, b, fmt.Sprintf("d/%d/%d", i%3, i), "")
	}
	create(t, b, "e", "")
	n := 0
	for o, err := range b.List(t.Context(), "d/") {
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(t.Context(), o.Key); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if got := keys(t, b, ""); n != 20 || len(got) != 1 {
		t.Errorf("%d were listed, %q is left", n, got)
	}
}

func listBefore(t *testing.T, b blob.Bucket) {
	create(t, b, "x/a", "")
	o, err := b.Stat(t.Context(), "x/a")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Time]int{o.ModTime: 0, o.ModTime.Add(1): 1, o.ModTime.Add(-time.Hour): 0} {
		n := 0
		for got, err := range blob.ListBefore(t.Context(), b, "x/", at) {
			if err != nil || got.Key != "x/a" {
				t.Errorf("got %v, %v", got, err)
			}
			n++
		}
		if n != want {
			t.Errorf("before %v: %d, want %d", at.Sub(o.ModTime), n, want)
		}
	}
}
