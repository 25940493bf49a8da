package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// target is the files of one stream at the destination. Beside the data stand its state and a folder for the lock and for what is
// staged. All paths are inside root; or, when there is a shelf, they are keys of its bucket, and the target is a folder.
type target struct {
	root      *os.Root
	shelf     *shelf
	etag      string // of the state as it was read; on a shelf
	data      string // the file, or the folder with the parts
	statePath string
	side      string // folder
	folder    bool
	shown     string // the path as the user knows it
}

// lockEvery is how often a lock that is held is tried again.
const lockEvery = 5 * time.Millisecond

// targetOf gives the files of a target by its name.
func (d *Destination) targetOf(name string) (*target, error) {
	p := d.rel
	shown := d.c.Path
	if strings.Contains(p, streamMark) {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
			return nil, fault.New(fault.ConfigInvalid, "target %q cannot be a part of a path", name).WithHint("give the stream another target name")
		}
		p = strings.ReplaceAll(p, streamMark, name)
		shown = strings.ReplaceAll(shown, streamMark, name)
	}
	t := &target{root: d.root, shelf: d.shelf, data: strings.TrimSuffix(p, "/"), folder: strings.HasSuffix(d.c.Path, "/"), shown: shown}
	if t.folder {
		t.statePath, t.side = path.Join(t.data, "manifest.json"), path.Join(t.data, ".lockstep")
	} else {
		t.statePath, t.side = t.data+".lockstep.json", t.data+".lockstep"
	}
	return t, nil
}

// openRoot opens the folder below which a destination writes, and the path in it. For an absolute path that is the nearest folder
// that exists; for others the project's.
func openRoot(dir, p string) (*os.Root, string, error) {
	if !filepath.IsAbs(p) {
		if !filepath.IsLocal(p) {
			return nil, "", input.Outside(p)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, "", fault.New(fault.NotFound, "the project's folder cannot be opened: %w", err)
		}
		return root, path.Clean(filepath.ToSlash(p)), nil
	}
	lead := filepath.Dir(filepath.Clean(p))
	if i := strings.Index(p, streamMark); i >= 0 {
		lead = filepath.Dir(p[:i] + "x")
	}
	for {
		st, err := os.Stat(lead)
		if err == nil && st.IsDir() {
			break
		}
		if up := filepath.Dir(lead); up != lead && (err == nil || errors.Is(err, fs.ErrNotExist)) {
			lead = up
			continue
		}
		return nil, "", fault.New(fault.NotFound, "no folder of %s can be opened: %w", p, err)
	}
	root, err := os.OpenRoot(lead)
	if err != nil {
		return nil, "", fault.New(fault.AuthDenied, "folder %s cannot be opened: %w", lead, err)
	}
	rel, err := filepath.Rel(lead, filepath.Clean(p))
	if err != nil {
		return nil, "", fmt.Errorf("find %s below %s: %w", p, lead, err)
	}
	return root, filepath.ToSlash(rel), nil
}

// change lets do change and save the target's state, alone among all writers: in the file system under a lock; on a shelf do is called
// again, with the state as it is then, when another writer has saved first.
func (t *target) change(ctx context.Context, do func(s state) error) error {
	unlock, err := t.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for n := 0; ; n++ {
		s, err := t.read(ctx)
		if err == nil {
			err = do(s)
		}
		if !errors.Is(err, errFaster) {
			return err
		}
		if err := t.pause(ctx, n); err != nil {
			return err
		}
	}
}

// lock makes this the only writer of the target among all processes until the answer is called; on a shelf, in this process.
func (t *target) lock(ctx context.Context) (func(), error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if t.shelf != nil {
		return t.shelf.lock(ctx, t.data)
	}
	if err := t.root.MkdirAll(t.side, 0o755); err != nil {
		return nil, t.classify(err, "make", t.side)
	}
	f := flock.New(filepath.Join(t.root.Name(), filepath.FromSlash(t.side), "lock"))
	ok, err := f.TryLockContext(ctx, lockEvery)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || !ok {
		return nil, t.classify(err, "lock", t.side)
	}
	return func() { _ = f.Unlock() }, nil
}

// replace writes a file under another name and puts it in its place; when it answers nil, that is durable.
func (t *target) replace(name string, data []byte) error {
	f, err := t.root.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return t.classify(err, "write", name)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		_ = t.root.Remove(name + ".tmp")
		return t.classify(err, "write", name)
	}
	return t.rename(name+".tmp", name)
}

// rename moves a file over another and makes that durable.
func (t *target) rename(from, to string) error {
	if err := t.root.Rename(from, to); err != nil {
		return t.classify(err, "replace", to)
	}
	return t.syncDir(path.Dir(to))
}

func (t *target) syncDir(dir string) error {
	f, err := t.root.Open(dir)
	if err != nil {
		return t.classify(err, "open", dir)
	}
	defer func() { _ = f.Close() }()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return t.classify(err, "write", dir)
	}
	return nil
}

// size gives a file's length, -1 when there is none.
func (t *target) size(name string) (int64, error) {
	st, err := t.root.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return 0, t.classify(err, "look at", name)
	case st.IsDir():
		return 0, fault.New(fault.ConfigInvalid, "%s is a folder", name).WithHint("a path that ends in / writes a folder of parts")
	}
	return st.Size(), nil
}

// appendTo cuts a file to the length that counts, writes data behind it, and makes it durable.
func (t *target) appendTo(name string, length int64, data ...[]byte) (err error) {
	before, err := t.size(name)
	if err != nil {
		return err
	}
	f, err := t.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return t.classify(err, "write", name)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = t.classify(e, "write", name)
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return t.classify(err, "look at", name)
	}
	if st.Size() > length { // of a batch without a receipt
		if err := f.Truncate(length); err != nil {
			return t.classify(err, "write", name)
		}
	}
	at := length
	for _, d := range data {
		n, err := f.WriteAt(d, at)
		if err != nil {
			_ = f.Truncate(length)
			return t.classify(err, "write", name)
		}
		at += int64(n)
	}
	if err := f.Sync(); err != nil {
		return t.classify(err, "write", name)
	}
	if before < 0 {
		return t.syncUp(path.Dir(name))
	}
	return nil
}

// syncUp makes a file durable that is new in a folder, and the folder in those above it, which may be new too, up to that of the target.
func (t *target) syncUp(dir string) error {
	for top := path.Dir(t.data); ; dir = path.Dir(dir) {
		if err := t.syncDir(dir); err != nil || dir == top || dir == path.Dir(dir) {
			return err
		}
	}
}

// cut takes back what stands behind a length.
func (t *target) cut(name string, length int64) error {
	f, err := t.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return t.classify(err, "write", name)
	}
	defer func() { _ = f.Close() }()
	if err := f.Truncate(length); err != nil {
		return t.classify(err, "write", name)
	}
	return nil
}

// classify gives an error of the file system its code.
func (t *target) classify(err error, action, name string) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.New(fault.QuotaExceeded, "%s %s: the disk is full: %w", action, name, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.AuthDenied, "%s %s: the folder or file may not be written: %w", action, name, err)
	case err != nil && strings.Contains(err.Error(), "escapes from parent"): // os has no name for this error
		return input.Outside(t.shown)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return fault.New(fault.ConfigInvalid, "%s %s: a file and a folder have the same name: %w", action, name, err)
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "%s %s: %w", action, name, err)
	}
	return fault.New(fault.Transient, "%s %s: %w", action, name, err)
}
