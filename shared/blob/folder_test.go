package blob

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/fault"
)

func openFolder(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func mustCreate(t *testing.T, f *Folder, key string) {
	t.Helper()
	if created, err := f.Create(t.Context(), key, []byte(key)); err != nil || !created {
		t.Fatalf("create %s: %t, %v", key, created, err)
	}
}

// TestFolder_Layout holds where keys lie, since folders of earlier versions must be found again.
func TestFolder_Layout(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	for key, want := range map[string]string{
		"runs/air%20ports/one/batches/s/p/000001-ab/extract": "runs/air%20ports/one/batches/s/p/000001-ab/extract",
		"a//b":                     "a/__0x2f__b",
		"a/":                       "a__0x2f__",
		"/a":                       "__0x2f__a",
		"a../b":                    "a..__0x2f__b",
		"tab\t":                    "tab__0x9__",
		"__0x2f__":                 "__0x5f___0x2f__",
		lockName:                   "__0x2e__lockstep-lock",
		"x.0123456789abcdef.tmp":   "x.0123456789abcdef__0x2e__tmp",
		"x.0123456789abcdef.tmp/y": "x.0123456789abcdef.tmp/y",
	} {
		mustCreate(t, f, key)
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(want)))
		if err != nil || string(data) != key {
			t.Errorf("%q: %q, %v", key, data, err)
		}
	}
}

// TestFolder_Relative: a bucket stays where it was opened when the process goes elsewhere.
func TestFolder_Relative(t *testing.T) {
	t.Chdir(t.TempDir())
	f := openFolder(t, "here")
	mustCreate(t, f, "a")
	t.Chdir(t.TempDir())
	mustCreate(t, f, "b")
	if err := f.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if got, err := Keys(t.Context(), f, ""); err != nil || !cmp.Equal(got, []string{"b"}) {
		t.Errorf("got %q, %v", got, err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("made %v elsewhere, %v", left, err)
	}
}

// TestFolder_Leftover: the file of a writer that was killed is not an object, and does not stay for ever.
func TestFolder_Leftover(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-leftoverAge - time.Minute)
	for _, name := range []string{"key.18fa3c0d1e2f3a4b.tmp", ".18fa3c0d1e2f3a4b.tmp", "new.18fa3c0d1e2f3a4b.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "new") {
			if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	f := openFolder(t, dir)
	mustCreate(t, f, "key")
	if got, err := Keys(t.Context(), f, ""); err != nil || !cmp.Equal(got, []string{"key"}) {
		t.Errorf("got %v, %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".*.tmp"))
	if err := errors.Join(err, err2); err != nil || len(left) != 1 || len(hidden) != 0 {
		t.Errorf("left: %v, %v, %v", left, hidden, err)
	}
}

// TestFolder_NothingLeft: writing leaves nothing but the objects and the lock.
func TestFolder_NothingLeft(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	mustCreate(t, f, "a/b")
	if created, err := f.Create(t.Context(), "a/b", nil); created || err != nil {
		t.Error(created, err)
	}
	etag, err := f.Put(t.Context(), "a/b", []byte("1"), etagOf([]byte("a/b")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(t.Context(), "a/b", []byte("2"), etag); err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if !e.IsDir() {
			got = append(got, strings.TrimPrefix(filepath.ToSlash(p), filepath.ToSlash(dir)))
		}
		return err
	})
	if d := cmp.Diff(got, []string{"/" + lockName, "/a/b"}); err != nil || d != "" {
		t.Error(err, d)
	}
}

// TestFolder_Foreign: files that no key has for its name are no objects; links are followed inside, never outside.
func TestFolder_Foreign(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"__0x61__": "an a", "good": "yes", "bad\xff": "no text"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"within": "good", "out": filepath.Join(outside, "secret"), "folder": outside} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	f := openFolder(t, dir)
	for _, key := range []string{"out", "folder/secret"} {
		if _, err := f.Read(t.Context(), key); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("read %s: got %v, want ConfigInvalid", key, err)
		}
	}
	if _, err := f.Create(t.Context(), "folder/new", nil); err == nil {
		t.Error("a file was made outside")
	}
	if err := os.Remove(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(dir, "folder"))
	if got, err := Keys(t.Context(), f, ""); err != nil || !cmp.Equal(got, []string{"good", "within"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFolder_Name: a key below another object, or above one, cannot be made in a folder, and trying again would not help.
func TestFolder_Name(t *testing.T) {
	f := openFolder(t, t.TempDir())
	mustCreate(t, f, "a")
	mustCreate(t, f, "d/e")
	for _, key := range []string{"a/b", "a/b/c", "d", strings.Repeat("k", 300)} {
		if _, err := f.Create(t.Context(), key, nil); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%.10s: got %v (%s)", key, err, fault.CodeOf(err))
		}
		if _, err := f.Put(t.Context(), key, nil, ""); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("put %.10s: got %v (%s)", key, err, fault.CodeOf(err))
		}
	}
}

// TestFolder_ReadOnly: a folder that cannot be written says so, with what to do. Who may write everywhere sees nothing.
func TestFolder_ReadOnly(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	created, err := f.Create(t.Context(), "a/b", []byte("x"))
	if os.Geteuid() == 0 && created {
		return
	}
	if created || !fault.Has(err, fault.AuthDenied) || fault.Hint(err) == "" {
		t.Errorf("got %t, %v", created, err)
	}
}

// TestFolder_NoLinks: where there are no hard links, the lock and a rename do the same.
func TestFolder_NoLinks(t *testing.T) {
	dir := t.TempDir()
	f := openFolder(t, dir)
	for i, want := range []bool{true, false} {
		temp, err := f.write(t.Context(), "a/b", []byte{byte('0' + i)})
		if err != nil {
			t.Fatal(err)
		}
		if created, err := f.createLocked(t.Context(), "a/b", temp); created != want || err != nil {
			t.Errorf("got %t, %v, want %t", created, err, want)
		}
		_ = f.root.Remove(temp)
	}
	if data, err := f.Read(t.Context(), "a/b"); err != nil || string(data) != "0" {
		t.Errorf("got %q, %v", data, err)
	}
	if err := f.root.Mkdir("d", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.createLocked(t.Context(), "d", "none"); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestClassify(t *testing.T) {
	for errno, want := range map[syscall.Errno]fault.Code{
		syscall.EACCES:       fault.AuthDenied,
		syscall.EPERM:        fault.AuthDenied,
		syscall.EROFS:        fault.AuthDenied,
		syscall.ENOSPC:       fault.QuotaExceeded,
		syscall.EDQUOT:       fault.QuotaExceeded,
		syscall.ENOTDIR:      fault.ConfigInvalid,
		syscall.EISDIR:       fault.ConfigInvalid,
		syscall.ENAMETOOLONG: fault.ConfigInvalid,
		syscall.ENOENT:       fault.Transient, // the folder was removed under the writer
		syscall.EIO:          fault.Transient,
	} {
		err := classify(&fs.PathError{Op: "open", Path: "k", Err: errno}, "write", "k")
		if !fault.Has(err, want) || !errors.Is(err, errno) {
			t.Errorf("%v: got %v (%s), want %s", errno, err, fault.CodeOf(err), want)
		}
		if hinted := fault.Hint(err) != ""; hinted != (want == fault.AuthDenied) {
			t.Errorf("%v: hint %t", errno, hinted)
		}
	}
	if classify(nil, "", "") != nil {
		t.Error("no error became one")
	}
	if err := classify(lost("k"), "write", "k"); !fault.Has(err, fault.Conflict) {
		t.Errorf("a code was changed: %v", err)
	}
}

// FuzzEscape: a key's path leads back to the key, stays inside the folder, and is no file of the bucket's own.
func FuzzEscape(f *testing.F) {
	for _, key := range []string{"plain", "/leading", "double//slash", "trailing/", "a../b", "tab\t\n\x00", ".0123456789abcdef.tmp", lockName,
		"__0x2f__", "__0x2f\n", "____0x2f__", "_\n", "é/東", "a/.../b", "\\<>:|?*"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if CheckKey(key) != nil {
			return
		}
		p := escape(key)
		if got, ok := unescape(p); !ok || got != key {
			t.Errorf("%q is %q, and that is %q, %t", key, p, got, ok)
		}
		if !filepath.IsLocal(filepath.FromSlash(p)) || path.Clean(p) != p || leftover.MatchString(p) || p == lockName || strings.Contains(p, "\x00") {
			t.Errorf("%q has the path %q", key, p)
		}
	})
}

// FuzzList: a folder lists keys as they sort, whatever their characters are.
func FuzzList(f *testing.F) {
	f.Add("a/b,a,a-b,a/,a//b,ab,a../c,/a", "a/")
	f.Add("__0x2f__a,_,\ta,b/\t,b/a,b\t", "b")
	f.Fuzz(func(t *testing.T, list, prefix string) {
		b := openFolder(t, t.TempDir())
		var want []string
		for key := range strings.SplitSeq(list, ",") {
			if CheckKey(key) != nil {
				continue
			}
			name := escape(key) // what Create would do, without waiting for the disk
			if b.root.MkdirAll(path.Dir(name), 0o700) == nil && b.root.WriteFile(name, nil, 0o600) == nil && strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		slices.Sort(want)
		want = slices.Compact(want)
		got, err := Keys(t.Context(), b, prefix)
		if d := cmp.Diff(got, want); err != nil || d != "" {
			t.Errorf("%q: %v, %s", prefix, err, d)
		}
	})
}

// TestFolder_DeleteBesideAFrozenWriter: one who stopped in the middle of a replacement keeps nobody from deleting.
func TestFolder_DeleteBesideAFrozenWriter(t *testing.T) {
	dir := t.TempDir()
	b := openFolder(t, dir)
	mustCreate(t, b, "a")
	frozen := flock.New(filepath.Join(dir, lockName))
	if ok, err := frozen.TryLock(); err != nil || !ok {
		t.Fatalf("lock: %v, %v", ok, err)
	}
	defer func() { _ = frozen.Unlock() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Delete(ctx, "a"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if there, err := b.Exists(ctx, "a"); err != nil || there {
		t.Errorf("there: %t, %v", there, err)
	}
}
