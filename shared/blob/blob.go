// Package blob keeps batches and plans as objects in a bucket: a folder, memory, or (opened elsewhere) S3, behind gocloud.dev/blob.
// Objects are made once and never changed. It knows nothing of locks or checkpoints.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Bucket is a place for objects. Safe for concurrent use, also by several processes.
type Bucket struct {
	b      *blob.Bucket
	folder bool
}

// Wrap takes over an opened bucket whose writes honour IfNotExist, also against other processes.
func Wrap(b *blob.Bucket) *Bucket { return &Bucket{b: b} }

// OpenDir opens a folder as a bucket and makes it when it is missing.
func OpenDir(dir string) (*Bucket, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the folder for batches cannot be made: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %s: %w", dir, err)
	}
	b, err := fileblob.OpenBucket(abs, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open folder %s: %w", dir, err)
	}
	return &Bucket{b: b, folder: true}, nil
}

// OpenMemory opens a bucket that ends with the process.
func OpenMemory() *Bucket { return &Bucket{b: memblob.OpenBucket(nil)} }

// Open opens a bucket by URL: a path, file:///path (file://./path is relative), or mem://. What is no such place is ConfigInvalid.
func Open(place string) (*Bucket, error) {
	unknown := fault.New(fault.ConfigInvalid, "%q is not a place for batches that this build knows", place).WithHint("use a folder, file:///folder or mem://")
	switch {
	case place == "":
		return nil, unknown
	case !strings.Contains(place, "://"):
		return OpenDir(place)
	}
	u, err := url.Parse(place)
	switch {
	case err != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, unknown
	case u.Scheme == "mem":
		return OpenMemory(), nil
	case u.Scheme == "file" && u.Host == "" && u.Path != "":
		return OpenDir(filepath.FromSlash(u.Path))
	case u.Scheme == "file" && u.Host == "." && u.Path != "":
		return OpenDir(filepath.FromSlash("." + u.Path))
	}
	return nil, unknown
}

// Create writes an object that does not exist yet and answers true; one that exists stays as it is and answers false. Of several
// who create one key at once, one gets true. An object is there whole or not at all.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) (bool, error) {
	if b.folder {
		return b.createFile(ctx, key, data)
	}
	err := b.b.WriteAll(ctx, key, data, &blob.WriterOptions{IfNotExist: true, DisableContentTypeDetection: true})
	switch gcerrors.Code(err) {
	case gcerrors.OK:
		return true, nil
	case gcerrors.FailedPrecondition, gcerrors.AlreadyExists:
		return false, nil
	}
	return false, classify(err, "write object", key)
}

// Read gives an object's content; NotFound when there is none.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	data, err := b.b.ReadAll(ctx, key)
	return data, classify(err, "read object", key)
}

// Exists says whether there is an object.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	ok, err := b.b.Exists(ctx, key)
	return ok, classify(err, "look for object", key)
}

// Delete removes an object; one that is not there is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := b.b.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return classify(err, "delete object", key)
}

// List gives the keys that begin with a prefix, in the order of their bytes.
func (b *Bucket) List(ctx context.Context, prefix string) ([]string, error) {
	return b.list(ctx, prefix, func(*blob.ListObject) bool { return true })
}

// ListBefore gives the keys that begin with a prefix and whose objects were made before a time, in the order of their bytes.
func (b *Bucket) ListBefore(ctx context.Context, prefix string, t time.Time) ([]string, error) {
	return b.list(ctx, prefix, func(o *blob.ListObject) bool { return o.ModTime.Before(t) })
}

func (b *Bucket) list(ctx context.Context, prefix string, wanted func(*blob.ListObject) bool) ([]string, error) {
	var keys []string
	it := b.b.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.Sort(keys)
			return keys, nil
		}
		if err != nil {
			return nil, classify(err, "list objects", prefix)
		}
		if wanted(o) && (!b.folder || !leftover.MatchString(o.Key)) {
			keys = append(keys, o.Key)
		}
	}
}

// Close frees the bucket.
func (b *Bucket) Close() error { return b.b.Close() }

func classify(err error, action, key string) error {
	if err == nil {
		return nil
	}
	e := fault.New(codeOf(err), "%s %s: %w", action, key, err)
	if e.Code == fault.AuthDenied {
		return e.WithHint("make the place of the batches writable, or choose another with --blobs")
	}
	return e
}

func codeOf(err error) fault.Code {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fault.NotFound
	case gcerrors.PermissionDenied:
		return fault.AuthDenied
	case gcerrors.Canceled:
		return fault.Aborted
	case gcerrors.DeadlineExceeded:
		return fault.Timeout
	case gcerrors.ResourceExhausted:
		return fault.RateLimited
	case gcerrors.Unknown:
		return codeOfFile(err)
	}
	return fault.Internal
}
