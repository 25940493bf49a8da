// Package blob keeps objects in buckets: batches, plans, and the folders of the connector file. A bucket is a folder, memory, or
// (package s3, made elsewhere) S3. It knows nothing of locks or checkpoints. Contract suite: package blobtest.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Object describes an object.
type Object struct {
	Key     string
	Size    int64     // bytes
	ModTime time.Time // when its content was written; of S3 in whole seconds
	// ETag stands for the content: it is another one when the content is. List leaves it empty where finding it means reading the
	// object.
	ETag string
}

// Bucket is a place for objects. Safe for concurrent use, also by several processes on one place.
//
// A key is 1 to 1,024 bytes of UTF-8; no part between its slashes is . or .. (any other key is ConfigInvalid, whatever is done with it).
// Keys are compared by their bytes, and a slash in a key is a byte like others: folders need not be made, and where a bucket keeps
// objects as files it says which keys it cannot hold.
//
// Errors carry codes of package fault: NotFound, Conflict, AuthDenied, QuotaExceeded, ConfigInvalid, RateLimited, Timeout, Aborted,
// Transient. An object is there whole or not at all, and whoever was told that it was written finds it, also after a loss of power.
//
// The interface is what S3 gives, no more: Create is PutObject with If-None-Match: * (412 is false), Put is PutObject with If-Match (412
// and 404 are Conflict), in both a 409 ConditionalRequestConflict is tried again; Open is GetObject with Range: bytes=<offset>- (416 is
// an empty object), Read and Get are GetObject, Stat and Exists are HeadObject, List is ListObjectsV2, which gives at most 1,000 keys a
// page, in the order of their bytes; ETags are S3's. After an answer that was lost, a repeated Create may answer false, and a repeated
// Put Conflict, though it was the first that wrote.
type Bucket interface {
	// Create writes an object that does not exist yet and answers true; one that exists stays as it is and answers false. Of
	// several who create one key at once, one gets true. It keeps nothing of data.
	Create(ctx context.Context, key string, data []byte) (bool, error)
	// Put replaces an object whose ETag is still the given one; with "" it makes one that does not exist yet. It answers the new
	// ETag; Conflict when the object is another one by now, or is there, or is gone. Of several who put upon one ETag at once, one
	// does not get Conflict.
	Put(ctx context.Context, key string, data []byte, etag string) (string, error)
	// Get reads an object with its ETag, to be replaced with Put; NotFound when there is none.
	Get(ctx context.Context, key string) (data []byte, etag string, err error)
	// Read reads an object; NotFound when there is none.
	Read(ctx context.Context, key string) ([]byte, error)
	// Open reads an object from an offset on; behind its end there is nothing to read, which is no error. NotFound when there is none.
	// The caller closes what it gets; errors of reading carry codes too.
	Open(ctx context.Context, key string, offset int64) (io.ReadCloser, error)
	// Stat describes an object; NotFound when there is none.
	Stat(ctx context.Context, key string) (Object, error)
	// Exists says whether there is an object.
	Exists(ctx context.Context, key string) (bool, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// List gives the objects whose keys begin with a prefix, in the order of the bytes of their keys, and ends behind an error. It
	// holds no more than a page, or the names of the folders on the way, in memory; objects may be deleted while it goes on. What
	// is created or deleted meanwhile may be in it or not.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Close frees the bucket; closing twice is no error.
	Close() error
}

// Keys collects the keys that begin with a prefix, in the order of their bytes. For places where they are few.
func Keys(ctx context.Context, b Bucket, prefix string) ([]string, error) {
	var keys []string
	for o, err := range b.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

// ListBefore gives the objects that List gives and that were written before a time.
func ListBefore(ctx context.Context, b Bucket, prefix string, t time.Time) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		for o, err := range b.List(ctx, prefix) {
			if (err != nil || o.ModTime.Before(t)) && !yield(o, err) {
				return
			}
		}
	}
}

// maxKey bounds a key, in bytes; S3's bound.
const maxKey = 1024

// CheckKey says why a text cannot be the key of an object: ConfigInvalid.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fault.New(fault.ConfigInvalid, "the key of an object is empty")
	case len(key) > maxKey:
		return fault.New(fault.ConfigInvalid, "key %.40s… is longer than %d bytes", key, maxKey)
	case !utf8.ValidString(key):
		return fault.New(fault.ConfigInvalid, "key %q is not UTF-8", key)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return fault.New(fault.ConfigInvalid, "key %s has a part %s, which would lead elsewhere in a folder", key, part)
		}
	}
	return nil
}

// begin says why a call with a key cannot go on.
func begin(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	return ended(ctx)
}

// ended gives the error of a context that is over.
func ended(ctx context.Context) error {
	switch err := ctx.Err(); {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Timeout, "the time for a call to the bucket is over: %w", err)
	default:
		return fault.New(fault.Aborted, "the call to the bucket was ended: %w", err)
	}
}

func missing(key string) error { return fault.New(fault.NotFound, "there is no object %s", key) }

func lost(key string) error {
	return fault.New(fault.Conflict, "object %s was changed by somebody else", key)
}
