package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Folder is a bucket whose objects are files; nothing outside of the folder is ever touched. A key whose beginning, up to a slash, is
// another object's key cannot be there beside it, nor a key with a part of more than 255 bytes: ConfigInvalid. The ETag of an object is
// the hash of its content, so that Stat reads it; List does not.
type Folder struct {
	root *os.Root
	turn chan struct{} // of this bucket's own writers, before the lock on the file
}

var _ Bucket = (*Folder)(nil)

// How long things take.
const (
	lockEvery   = 5 * time.Millisecond // how often a lock that another process holds is tried again
	leftoverAge = 24 * time.Hour       // from when on a file that was being written belongs to nobody
)

// OpenFolder opens a folder as a bucket and makes it when it is missing. One that cannot be made is ConfigInvalid.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, errFolder(dir, err)
	}
	abs, err := filepath.Abs(dir) // the process may go to another folder
	if err != nil {
		return nil, errFolder(dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, errFolder(dir, err)
	}
	return &Folder{root: root, turn: make(chan struct{}, 1)}, nil
}

// Create implements Bucket. A hard link to the finished file is made for one only, whichever process asks.
func (f *Folder) Create(ctx context.Context, key string, data []byte) (bool, error) {
	if there, err := f.Exists(ctx, key); err != nil || there {
		return false, err
	}
	name := escape(key)
	temp, err := f.write(ctx, name, data)
	if err != nil {
		return false, classify(err, "write", key)
	}
	defer func() { _ = f.root.Remove(temp) }()
	err = f.root.Link(temp, name)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		return f.createLocked(ctx, key, temp)
	}
	if errors.Is(err, fs.ErrExist) {
		return f.lostTo(key)
	}
	if err == nil {
		err = f.syncDir(path.Dir(name))
	}
	return err == nil, classify(err, "write", key)
}

// lostTo says why a name was taken: by an object, or by a folder.
func (f *Folder) lostTo(key string) (bool, error) {
	if st, err := f.root.Stat(escape(key)); err == nil && st.IsDir() {
		return false, fault.New(fault.ConfigInvalid, "write object %s: a folder has its name", key)
	}
	return false, nil
}

// createLocked is Create where there are no hard links.
func (f *Folder) createLocked(ctx context.Context, key, temp string) (bool, error) {
	unlock, err := f.lock(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	name := escape(key)
	if _, err := f.root.Lstat(name); err == nil {
		return f.lostTo(key)
	}
	err = f.rename(temp, name)
	return err == nil, classify(err, "write", key)
}

// Put implements Bucket.
func (f *Folder) Put(ctx context.Context, key string, data []byte, etag string) (string, error) {
	if etag == "" {
		created, err := f.Create(ctx, key, data)
		if err == nil && !created {
			err = lost(key)
		}
		return etagOf(data), err
	}
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	switch _, now, err := f.Get(ctx, key); {
	case fault.Has(err, fault.NotFound), err == nil && now != etag:
		return "", lost(key)
	case err != nil:
		return "", err
	}
	name := escape(key)
	temp, err := f.write(ctx, name, data)
	if err == nil {
		err = f.rename(temp, name)
	}
	return etagOf(data), classify(err, "write", key)
}

// write makes a durable file beside the one that it will become, and answers its name.
func (f *Folder) write(ctx context.Context, name string, data []byte) (temp string, err error) {
	if err := f.makeDir(path.Dir(name)); err != nil {
		return "", err
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	temp = path.Join(path.Dir(name), "."+hex.EncodeToString(random[:])+".tmp")
	file, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = f.root.Remove(temp)
		}
	}()
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = ctx.Err()
	}
	return temp, err
}

// makeDir makes a folder and those above it, and makes that durable.
func (f *Folder) makeDir(dir string) error {
	if st, err := f.root.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	if err := f.makeDir(path.Dir(dir)); err != nil {
		return err
	}
	if err := f.root.Mkdir(dir, 0o777); err != nil {
		if st, e := f.root.Stat(dir); e == nil && st.IsDir() {
			return nil // another writer was faster
		}
		if errors.Is(err, fs.ErrExist) {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return err
	}
	return f.syncDir(path.Dir(dir))
}

// rename puts a finished file in its place and makes that durable.
func (f *Folder) rename(temp, name string) error {
	if err := f.root.Rename(temp, name); err != nil {
		_ = f.root.Remove(temp)
		return err
	}
	return f.syncDir(path.Dir(name))
}

// syncDir makes the names in a folder durable.
func (f *Folder) syncDir(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	if err := d.Sync(); err != nil && !cannotSync(err) {
		return err
	}
	return nil
}

// cannotSync says whether the file system has no way to make a folder durable.
func cannotSync(err error) bool {
	return onWindows || errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported)
}

// lock makes this the only one who replaces, until the answer is called. It ends with the process, too.
func (f *Folder) lock(ctx context.Context) (func(), error) {
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ended(ctx)
	}
	file := flock.New(filepath.Join(f.root.Name(), lockName))
	ok, err := file.TryLockContext(ctx, lockEvery)
	if err != nil || !ok {
		<-f.turn
		if err := ended(ctx); err != nil {
			return nil, err
		}
		return nil, classify(err, "lock the folder of", lockName)
	}
	return func() {
		_ = file.Unlock()
		<-f.turn
	}, nil
}

// open opens an object's file.
func (f *Folder) open(ctx context.Context, key string) (*os.File, fs.FileInfo, error) {
	if err := begin(ctx, key); err != nil {
		return nil, nil, err
	}
	file, err := f.root.Open(escape(key))
	if err != nil {
		return nil, nil, classify(err, "read", key)
	}
	st, err := file.Stat()
	if err == nil && !st.IsDir() {
		return file, st, nil
	}
	_ = file.Close()
	if err == nil {
		return nil, nil, missing(key)
	}
	return nil, nil, classify(err, "read", key)
}

// Get implements Bucket.
func (f *Folder) Get(ctx context.Context, key string) ([]byte, string, error) {
	data, err := f.Read(ctx, key)
	if err != nil {
		return nil, "", err
	}
	return data, etagOf(data), nil
}

// Read implements Bucket.
func (f *Folder) Read(ctx context.Context, key string) ([]byte, error) {
	file, st, err := f.open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data := make([]byte, st.Size()) // an object never changes in place
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, classify(err, "read", key)
	}
	return data, nil
}

// Open implements Bucket.
func (f *Folder) Open(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	file, _, err := f.open(ctx, key)
	if err != nil {
		return nil, err
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, classify(err, "read", key)
	}
	return &reading{file, key}, nil
}

// reading is an object that is being read.
type reading struct {
	*os.File
	key string
}

// Read gives errors their code.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.File.Read(p)
	if err == io.EOF {
		return n, io.EOF
	}
	return n, classify(err, "read", r.key)
}

// Stat implements Bucket.
func (f *Folder) Stat(ctx context.Context, key string) (Object, error) {
	file, st, err := f.open(ctx, key)
	if err != nil {
		return Object{}, err
	}
	defer func() { _ = file.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return Object{}, classify(err, "read", key)
	}
	return Object{key, st.Size(), st.ModTime(), hexOf(h)}, nil
}

func etagOf(data []byte) string {
	h := sha256.New()
	h.Write(data)
	return hexOf(h)
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// Exists implements Bucket.
func (f *Folder) Exists(ctx context.Context, key string) (bool, error) {
	if err := begin(ctx, key); err != nil {
		return false, err
	}
	st, err := f.root.Stat(escape(key))
	if notThere(err) {
		return false, nil
	}
	return err == nil && !st.IsDir(), classify(err, "look for", key)
}

// Delete implements Bucket. The folders on the way stay. It takes no lock, since a frozen process that held one would keep all others from
// deleting; so an object that another process replaces at the same moment may stay.
func (f *Folder) Delete(ctx context.Context, key string) error {
	if there, err := f.Exists(ctx, key); err != nil || !there {
		return err
	}
	if err := f.root.Remove(escape(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return classify(err, "delete", key)
	}
	return nil
}

// Close implements Bucket.
func (f *Folder) Close() error { return f.root.Close() }

// sweep removes a file that was being written when its process ended.
func (f *Folder) sweep(name string) {
	if st, err := f.root.Lstat(name); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > leftoverAge {
		_ = f.root.Remove(name) // it is in no listing; the next one tries again
	}
}

// notThere says whether there is no file, nor can be: a part of its path may be a file, or too long a name.
func notThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

// classify gives an error of the file system its code; what it does not know may pass.
func classify(err error, action, key string) error {
	if err == nil {
		return nil
	}
	code := fault.Transient
	var coded *fault.Error
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, context.Canceled):
		code = fault.Aborted
	case errors.Is(err, context.DeadlineExceeded):
		code = fault.Timeout
	case action != "write" && notThere(err):
		return missing(key)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fault.New(fault.AuthDenied, "%s object %s: %w", action, key, err).WithHint("make the place of the batches writable, or choose another with --blobs")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		code = fault.QuotaExceeded
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, errors.ErrUnsupported),
		strings.Contains(err.Error(), "escapes from parent"): // os has no name for this error
		code = fault.ConfigInvalid
	}
	return fault.New(code, "%s object %s: %w", action, key, err)
}
