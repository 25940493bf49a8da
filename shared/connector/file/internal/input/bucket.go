package input

import (
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// bucket is a place whose files are the objects of a bucket.
type bucket struct {
	b    blob.Bucket
	name string // before keys in messages
}

// Local gives the path that a name stands for in the file system; false for a bucket. file:///folder/file is the path /folder/file, as
// it is written: nothing in it is encoded, since globs have characters of their own.
func Local(name string) (local string, ok bool, err error) {
	scheme, rest, isURL := strings.Cut(name, "://")
	switch {
	case !isURL:
		return name, true, nil
	case scheme != "file":
		return name, false, nil
	case !filepath.IsAbs(rest):
		return "", false, fault.New(fault.ConfigInvalid, "%s names no folder of this machine", name).WithHint("write a path, or file:///folder/file")
	}
	return rest, true, nil
}

// SplitURL cuts a URL into the bucket and the key or glob in it. What leads out of the bucket, or names no object, is ConfigInvalid.
func SplitURL(name string) (place, key string, err error) {
	scheme, rest, _ := strings.Cut(name, "://")
	host, key, _ := strings.Cut(rest, "/")
	place = scheme + "://" + host
	switch {
	case scheme == "" || host == "":
		return "", "", fault.New(fault.ConfigInvalid, "path %s names no bucket", name).WithHint("write %s://bucket/file", scheme)
	case key == "":
		return "", "", fault.New(fault.ConfigInvalid, "path %s names no file in the bucket", name).WithHint("write %s/file", place)
	}
	if err := blob.CheckKey(key); err != nil {
		return "", "", fault.New(fault.ConfigInvalid, "path %s: %w", name, err)
	}
	return place, key, nil
}

// openBucket opens the bucket of a URL.
func openBucket(ctx context.Context, openers blob.Openers, name string) (Place, string, error) {
	place, key, err := SplitURL(name)
	if err != nil {
		return nil, "", err
	}
	b, err := openers.Open(ctx, place)
	if err != nil {
		return nil, "", err
	}
	return FromBucket(b, place+"/"), key, nil
}

// FromBucket makes a place of an open bucket and takes it over; name stands before keys in messages.
func FromBucket(b blob.Bucket, name string) Place { return &bucket{b, name} }

func (b *bucket) Glob(ctx context.Context, pattern string) ([]Info, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "path %s is not a glob: %w", b.name+pattern, err)
	}
	prefix := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		prefix = pattern[:i]
	}
	var out []Info
	for o, err := range b.b.List(ctx, prefix) {
		if err != nil {
			return nil, b.classify(err, pattern)
		}
		if ok, _ := path.Match(pattern, o.Key); ok {
			out = append(out, Info{Name: o.Key, Size: o.Size, ModTime: o.ModTime, Version: o.ETag})
		}
	}
	return out, nil
}

func (b *bucket) Stat(ctx context.Context, name string) (Info, error) {
	o, err := b.b.Stat(ctx, name)
	if err != nil {
		return Info{}, b.classify(err, name)
	}
	return Info{Name: name, Size: o.Size, ModTime: o.ModTime, Version: o.ETag}, nil
}

func (b *bucket) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	r, err := b.b.Open(ctx, name, offset)
	if err != nil {
		return nil, b.classify(err, name)
	}
	return r, nil
}

func (b *bucket) Close() error { return b.b.Close() }

// classify names the file as the user knows it.
func (b *bucket) classify(err error, name string) error {
	var coded *fault.Error
	switch {
	case fault.Has(err, fault.NotFound):
		return fault.New(fault.NotFound, "there is no file %s", b.name+name)
	case errors.As(err, &coded) && coded.Hint != "":
		return fault.New(coded.Code, "file %s cannot be read: %w", b.name+name, err).WithHint("%s", coded.Hint)
	}
	return fault.New(fault.CodeOf(err), "file %s cannot be read: %w", b.name+name, err)
}
