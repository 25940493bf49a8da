// Package blob keeps batches and plans as objects in a bucket: a folder, memory, or (opened elsewhere) S3, behind gocloud.dev/blob.
// Objects are made once and never changed. It knows nothing of locks or checkpoints.
package blob

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Bucket is a place for objects. Safe for concurrent use, also by several processes.
type Bucket struct{ b *blob.Bucket }

// Wrap takes over an opened bucket.
func Wrap(b *blob.Bucket) *Bucket { return &Bucket{b} }

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
	return &Bucket{b}, nil
}

// OpenMemory opens a bucket that ends with the process.
func OpenMemory() *Bucket { return &Bucket{memblob.OpenBucket(nil)} }

// Open opens a bucket by URL: a path, file:///path, or mem://.
func Open(url string) (*Bucket, error) {
	switch {
	case strings.HasPrefix(url, "mem://"):
		return OpenMemory(), nil
	case strings.HasPrefix(url, "file://"):
		return OpenDir(strings.TrimPrefix(url, "file://"))
	case strings.Contains(url, "://"):
		return nil, fault.New(fault.ConfigInvalid, "%q is not a place for batches that this build knows", url).WithHint("use a folder, file:///folder or mem://")
	}
	return OpenDir(url)
}

// Create writes an object that does not exist yet and answers true; one that exists stays as it is and answers false.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) (bool, error) {
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

// List gives the keys that begin with a prefix, in order.
func (b *Bucket) List(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	it := b.b.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if err != nil {
			if err.Error() == "EOF" {
				return keys, nil
			}
			return nil, classify(err, "list objects", prefix)
		}
		keys = append(keys, o.Key)
	}
}

// Close frees the bucket.
func (b *Bucket) Close() error { return b.b.Close() }

func classify(err error, action, key string) error {
	if err == nil {
		return nil
	}
	code := fault.Internal
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		code = fault.NotFound
	case gcerrors.PermissionDenied:
		code = fault.AuthDenied
	case gcerrors.Canceled:
		code = fault.Aborted
	case gcerrors.DeadlineExceeded:
		code = fault.Timeout
	case gcerrors.ResourceExhausted:
		code = fault.RateLimited
	case gcerrors.Unknown:
		code = fault.Transient
	}
	return fault.New(code, "%s %s: %w", action, key, err)
}
