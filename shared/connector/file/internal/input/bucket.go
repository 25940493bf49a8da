package input

import (
	"context"
	"errors"
	"io"
	"path"
	"path/filepath"
	"sort"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// bucket is a place behind gocloud.dev/blob.
type bucket struct {
	b    *blob.Bucket
	name string // before keys in messages
}

// openBucket opens file:///folder/glob. Other schemes are not part of this build.
func openBucket(_ context.Context, url string) (Place, string, error) {
	rest, ok := strings.CutPrefix(url, "file://")
	if !ok || !filepath.IsAbs(rest) {
		scheme, _, _ := strings.Cut(url, "://")
		return nil, "", fault.New(fault.ConfigInvalid, "files of %s:// cannot be read", scheme).WithHint("write a path, or file:///folder/file")
	}
	dir := Fixed(rest)
	b, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, "", fault.New(fault.NotFound, "the folder of %s cannot be opened: %w", url, err)
	}
	return FromBucket(b, "file://"+dir), rest[len(dir):], nil
}

// FromBucket makes a place of an open bucket and takes it over; name stands before keys in messages.
func FromBucket(b *blob.Bucket, name string) Place { return &bucket{b, name} }

func (b *bucket) Glob(ctx context.Context, pattern string) ([]Info, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "path %s is not a glob: %w", b.name+pattern, err)
	}
	prefix := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		prefix = pattern[:i]
	}
	var out []Info
	it := b.b.List(&blob.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, b.classify(err, pattern)
		}
		if ok, _ := path.Match(pattern, o.Key); ok {
			out = append(out, Info{o.Key, o.Size, o.ModTime})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (b *bucket) Stat(ctx context.Context, name string) (Info, error) {
	a, err := b.b.Attributes(ctx, name)
	if err != nil {
		return Info{}, b.classify(err, name)
	}
	return Info{name, a.Size, a.ModTime}, nil
}

func (b *bucket) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	r, err := b.b.NewRangeReader(ctx, name, offset, -1, nil)
	if err != nil {
		return nil, b.classify(err, name)
	}
	return r, nil
}

func (b *bucket) Close() error { return b.b.Close() }

func (b *bucket) classify(err error, name string) error {
	code := fault.Transient
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fault.New(fault.NotFound, "there is no file %s", b.name+name)
	case gcerrors.PermissionDenied:
		code = fault.AuthDenied
	case gcerrors.Canceled:
		code = fault.Aborted
	case gcerrors.DeadlineExceeded:
		code = fault.Timeout
	case gcerrors.InvalidArgument:
		code = fault.ConfigInvalid
	}
	return fault.New(code, "file %s cannot be read: %w", b.name+name, err)
}
