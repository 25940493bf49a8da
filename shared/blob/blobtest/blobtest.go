// Package blobtest is the contract of a bucket as tests. Every implementation runs it; only tests import it.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Place opens a bucket on one place; each call as another process would.
type Place func(t *testing.T) blob.Bucket

// Run holds an implementation against the contract. New gives a place that is empty.
func Run(t *testing.T, newPlace func(t *testing.T) Place) {
	for name, test := range map[string]func(t *testing.T, b blob.Bucket){
		"create twice":       createTwice,
		"sizes":              sizes,
		"missing":            absent,
		"put":                put,
		"open":               open,
		"stat":               stat,
		"odd keys":           oddKeys,
		"bad keys":           badKeys,
		"list order":         listOrder,
		"list many":          listMany,
		"list and delete":    listAndDelete,
		"list before":        listBefore,
		"bytes are a copy":   copied,
		"cancelled":          cancelled,
		"closed twice":       closedTwice,
		"etag of same bytes": etags,
	} {
		t.Run(name, func(t *testing.T) { test(t, newPlace(t)(t)) })
	}
	for name, test := range map[string]func(t *testing.T, a, b blob.Bucket){
		"create race":          createRace,
		"put race":             putRace,
		"create and put race":  createPutRace,
		"seen by the other":    seen,
		"whole while replaced": whole,
	} {
		t.Run(name, func(t *testing.T) {
			place := newPlace(t)
			test(t, place(t), place(t))
		})
	}
}

func create(t *testing.T, b blob.Bucket, key, data string) bool {
	t.Helper()
	created, err := b.Create(t.Context(), key, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func read(t *testing.T, b blob.Bucket, key string) string {
	t.Helper()
	data, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func keys(t *testing.T, b blob.Bucket, prefix string) []string {
	t.Helper()
	got, err := blob.Keys(t.Context(), b, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func createTwice(t *testing.T, b blob.Bucket) {
	if !create(t, b, "a/b", "first") {
		t.Error("the first answers false")
	}
	if create(t, b, "a/b", "second") {
		t.Error("the second answers true")
	}
	if got := read(t, b, "a/b"); got != "first" {
		t.Errorf("got %q", got)
	}
}

func sizes(t *testing.T, b blob.Bucket) {
	for _, n := range []int{0, 1, 511, 512, 513, 1 << 20, 9 << 20} {
		key, want := fmt.Sprint("size/", n), bytes.Repeat([]byte{'x'}, n)
		if !create(t, b, key, string(want)) {
			t.Errorf("%d bytes: not created", n)
		}
		if got := read(t, b, key); got != string(want) {
			t.Errorf("%d bytes: read %d", n, len(got))
		}
		if o, err := b.Stat(t.Context(), key); err != nil || o.Size != int64(n) {
			t.Errorf("%d bytes: stat says %d, %v", n, o.Size, err)
		}
	}
}

func absent(t *testing.T, b blob.Bucket) {
	create(t, b, "a/b", "")
	for _, key := range []string{"none", "a", "a/b/c", "a/", strings.Repeat("long", 100), strings.Repeat("long", 100) + "/x"} {
		_, readErr := b.Read(t.Context(), key)
		_, _, getErr := b.Get(t.Context(), key)
		_, statErr := b.Stat(t.Context(), key)
		_, openErr := b.Open(t.Context(), key, 0)
		for what, err := range map[string]error{"read": readErr, "get": getErr, "stat": statErr, "open": openErr} {
			if !fault.Has(err, fault.NotFound) {
				t.Errorf("%s %s: got %v (%s), want NotFound", what, key, err, fault.CodeOf(err))
			}
		}
		if ok, err := b.Exists(t.Context(), key); ok || err != nil {
			t.Errorf("%s exists: got %t, %v", key, ok, err)
		}
		if err := b.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %s: %v", key, err)
		}
	}
	if ok, err := b.Exists(t.Context(), "a/b"); !ok || err != nil {
		t.Errorf("a/b exists: got %t, %v", ok, err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if !create(t, b, "a/b", "again") {
		t.Error("what was deleted cannot be created again")
	}
}

func mustPut(t *testing.T, b blob.Bucket, key, data, etag string) string {
	t.Helper()
	got, err := b.Put(t.Context(), key, []byte(data), etag)
	if err != nil || got == "" {
		t.Fatalf("put: etag %q, %v", got, err)
	}
	return got
}

func put(t *testing.T, b blob.Bucket) {
	conflict := func(what, etag string) {
		t.Helper()
		if _, err := b.Put(t.Context(), "p/m", []byte(what), etag); !fault.Has(err, fault.Conflict) {
			t.Errorf("%s: got %v, want Conflict", what, err)
		}
	}
	conflict("replaced what was not there", "0123456789abcdef0123456789abcdef")
	one := mustPut(t, b, "p/m", "one", "")
	conflict("made again", "")
	two := mustPut(t, b, "p/m", "two, longer", one)
	if one == two {
		t.Error("another content has the same ETag")
	}
	conflict("put upon an old one", one)
	data, etag, err := b.Get(t.Context(), "p/m")
	if err != nil || string(data) != "two, longer" || etag != two {
		t.Errorf("get: %q, etag %q, want %q, %v", data, etag, two, err)
	}
	mustPut(t, b, "p/m", "", etag)
	if got := read(t, b, "p/m"); got != "" {
		t.Errorf("got %q", got)
	}
	if err := b.Delete(t.Context(), "p/m"); err != nil {
		t.Fatal(err)
	}
	conflict("put upon a deleted one", two)
	if create(t, b, "p/m", "new"); read(t, b, "p/m") != "new" {
		t.Error("not created anew")
	}
}

func open(t *testing.T, b blob.Bucket) {
	create(t, b, "o", "0123456789")
	for offset, want := range map[int64]string{0: "0123456789", 1: "123456789", 9: "9", 10: "", 11: "", 1 << 40: ""} {
		r, err := b.Open(t.Context(), "o", offset)
		if err != nil {
			t.Errorf("from %d: %v", offset, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want {
			t.Errorf("from %d: got %q, %v", offset, got, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("from %d: close: %v", offset, err)
		}
	}
	create(t, b, "empty", "")
	r, err := b.Open(t.Context(), "empty", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("empty: got %d, %v", n, err)
	}
}

func stat(t *testing.T, b blob.Bucket) {
	before := time.Now()
	create(t, b, "s/one", "content")
	_, etag, err := b.Get(t.Context(), "s/one")
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.Stat(t.Context(), "s/one")
	if err != nil {
		t.Fatal(err)
	}
	if o.Key != "s/one" || o.Size != 7 || o.ETag != etag || etag == "" {
		t.Errorf("got %+v, etag %q", o, etag)
	}
	if d := o.ModTime.Sub(before); d < -time.Minute || d > time.Minute { // of another clock
		t.Errorf("made at %v, now is %v", o.ModTime, before)
	}
	for got, err := range b.List(t.Context(), "s/") {
		if err != nil || got.Size != 7 || !got.ModTime.Equal(o.ModTime) || got.ETag != "" && got.ETag != etag {
			t.Errorf("listed %+v, %v, want %+v", got, err, o)
		}
	}
}

func etags(t *testing.T, b blob.Bucket) {
	create(t, b, "a", "first")
	create(t, b, "b", "other")
	one, err1 := b.Stat(t.Context(), "a")
	two, err2 := b.Stat(t.Context(), "b")
	if err := errors.Join(err1, err2); err != nil || one.ETag == two.ETag {
		t.Errorf("two contents have the ETags %q and %q, %v", one.ETag, two.ETag, err)
	}
}

// OddKeys are keys that a file system or a URL could misread.
var OddKeys = []string{
	"plain", "%23", "a#b", "#", "with space", " ", "%", "100%", "%2F", "a/%2e%2e/b", "...", "/leading", "leading", "double//slash",
	"trailing/", "trailing", "a../b", "Zürich/東京/🛬", "back\\slash", "quote'\"<>|?*:", "tab\tline\nnul\x00", "dot.tmp", ".hidden",
	"a.0123456789abcdef.tmp.gz", "a.0123456789abcdef.tmp", ".0123456789abcdef.tmp", ".lockstep-lock", "x.attrs", "__0x2f__", "__0x2f", "___0x2f__\n",
	"__0x5f___0x2f__", "under_score__", strings.Repeat("k", 200), "CON", "A", "+", "a+b", "&", "=", "~", "a;b", "a,b", "e\u0301", "é",
}

func oddKeys(t *testing.T, b blob.Bucket) {
	for _, lead := range []string{"p/", ""} {
		var want []string
		for _, key := range OddKeys {
			if !create(t, b, lead+key, "of "+key) {
				t.Errorf("%q is taken for another key", lead+key)
			}
			want = append(want, lead+key)
		}
		for _, key := range OddKeys {
			if got := read(t, b, lead+key); got != "of "+key {
				t.Errorf("%q: got %q", lead+key, got)
			}
		}
		got := keys(t, b, "")
		if lead != "" {
			got = keys(t, b, lead)
		} else {
			got = slices.DeleteFunc(got, func(k string) bool { return strings.HasPrefix(k, "p/") })
		}
		slices.Sort(want)
		if d := cmp.Diff(got, want); d != "" {
			t.Error(d)
		}
	}
}

func badKeys(t *testing.T, b blob.Bucket) {
	for _, key := range []string{"", ".", "..", "../a", "a/../../b", "a/..", "a/./b", "./a", "\xff", strings.Repeat("k/", 600)} {
		_, createErr := b.Create(t.Context(), key, nil)
		_, putErr := b.Put(t.Context(), key, nil, "x")
		_, readErr := b.Read(t.Context(), key)
		_, _, getErr := b.Get(t.Context(), key)
		_, openErr := b.Open(t.Context(), key, 0)
		_, statErr := b.Stat(t.Context(), key)
		_, existsErr := b.Exists(t.Context(), key)
		for what, err := range map[string]error{"create": createErr, "put": putErr, "read": readErr, "get": getErr, "open": openErr, "stat": statErr,
			"exists": existsErr, "delete": b.Delete(t.Context(), key)} {
			if !fault.Has(err, fault.ConfigInvalid) {
				t.Errorf("%s %.10q: got %v (%s), want ConfigInvalid", what, key, err, fault.CodeOf(err))
			}
		}
	}
	if got := keys(t, b, ""); len(got) > 0 {
		t.Errorf("made %q", got)
	}
}

func copied(t *testing.T, b blob.Bucket) {
	data := []byte("as it was")
	if _, err := b.Create(t.Context(), "c", data); err != nil {
		t.Fatal(err)
	}
	data[0] = 'X'
	got, err := b.Read(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "as it was" {
		t.Errorf("the caller's change is seen: %q", got)
	}
	got[0] = 'Y'
	if again := read(t, b, "c"); again != "as it was" {
		t.Errorf("a reader's change is seen: %q", again)
	}
}

func cancelled(t *testing.T, b blob.Bucket) {
	create(t, b, "a", "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	created, createErr := b.Create(ctx, "b", []byte("x"))
	_, putErr := b.Put(ctx, "b", []byte("x"), "")
	_, readErr := b.Read(ctx, "a")
	_, existsErr := b.Exists(ctx, "a")
	_, listErr := blob.Keys(ctx, b, "")
	for what, err := range map[string]error{"create": createErr, "put": putErr, "read": readErr, "exists": existsErr, "list": listErr,
		"delete": b.Delete(ctx, "a")} {
		if !fault.Has(err, fault.Aborted) {
			t.Errorf("%s: got %v, want Aborted", what, err)
		}
	}
	late, end := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer end()
	if _, err := b.Read(late, "a"); !fault.Has(err, fault.Timeout) {
		t.Errorf("got %v, want Timeout", err)
	}
	if got := keys(t, b, ""); created || !cmp.Equal(got, []string{"a"}) {
		t.Errorf("there is %q", got)
	}
}

func closedTwice(t *testing.T, b blob.Bucket) {
	create(t, b, "a", "x")
	for range 2 {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}
