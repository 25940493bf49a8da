package blob_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/blobtest"
	"github.com/lockstep-data/lockstep/shared/fault"
)

func folder(t *testing.T, dir string) *blob.Folder {
	t.Helper()
	b, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestFolder_Contract(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Place {
		dir := filepath.Join(t.TempDir(), "made", "on the way")
		return func(t *testing.T) blob.Bucket { return folder(t, dir) }
	})
}

func TestMemory_Contract(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blobtest.Place {
		openers := blob.Local()
		return func(t *testing.T) blob.Bucket {
			b, err := openers.Open(t.Context(), "mem://name")
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	})
}

func TestOpeners_Open(t *testing.T) {
	t.Chdir(t.TempDir())
	abs := filepath.ToSlash(t.TempDir())
	openers := blob.Local()
	for place, folder := range map[string]string{
		"state":                    "state",
		"a b%20c":                  "a b%20c",
		abs + "/x":                 abs + "/x",
		"file://" + abs + "/y":     abs + "/y",
		"file://" + abs + "/a%20b": abs + "/a b",
		"file://./relative/z":      "relative/z",
	} {
		b, err := openers.Open(t.Context(), place)
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		create(t, b, "key", "x")
		_ = b.Close()
		if _, err := os.Stat(filepath.Join(filepath.FromSlash(folder), "key")); err != nil {
			t.Errorf("%s: %v", place, err)
		}
	}
}

// TestOpeners_Memory: a name is one bucket among what was opened together; without a name each is its own.
func TestOpeners_Memory(t *testing.T) {
	open := func(o blob.Openers, place string) blob.Bucket {
		b, err := o.Open(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	one, other := blob.Local(), blob.Local()
	create(t, open(one, "mem://x"), "key", "")
	create(t, open(one, "mem://"), "key", "")
	for place, c := range map[string]struct {
		b    blob.Bucket
		want bool
	}{
		"same name":     {open(one, "mem://x"), true},
		"another name":  {open(one, "mem://y"), false},
		"no name":       {open(one, "mem://"), false},
		"other openers": {open(other, "mem://x"), false},
	} {
		if got, err := c.b.Exists(t.Context(), "key"); got != c.want || err != nil {
			t.Errorf("%s: got %t, %v", place, got, err)
		}
	}
}

func TestOpeners_ConfigInvalid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"", "s3://bucket", "gs://x", "file://host/path", "file://", "file:///x?y=1", "http://[", "mem://a/b", "mem://a?b", "file:///x#y",
		file, filepath.Join(file, "below")} {
		b, err := blob.Local().Open(t.Context(), place)
		if !fault.Has(err, fault.ConfigInvalid) || b != nil {
			t.Errorf("%q: got %v, want ConfigInvalid", place, err)
		}
	}
	_, err := blob.Local().With("s3", nil).Open(t.Context(), "gs://x")
	if hint := fault.Hint(err); !strings.Contains(hint, "file://, mem://, s3://") {
		t.Errorf("the hint is %q", hint)
	}
	if _, err := (blob.Openers)(nil).With("mem", blob.Local()["mem"]).Open(t.Context(), "folder"); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("got %v", err)
	}
}

func create(t *testing.T, b blob.Bucket, key, data string) {
	t.Helper()
	if created, err := b.Create(t.Context(), key, []byte(data)); err != nil || !created {
		t.Fatalf("create %s: %t, %v", key, created, err)
	}
}
