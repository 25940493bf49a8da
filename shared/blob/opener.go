package blob

import (
	"context"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Opener opens the bucket that a URL names. What stands behind the host is a folder in which all keys lie, where the scheme has such.
// A URL that it cannot make sense of is ConfigInvalid.
type Opener func(ctx context.Context, place *url.URL) (Bucket, error)

// Openers are the places that a program knows, by URL scheme. A main builds it and hands it down; nothing registers itself.
type Openers map[string]Opener

// Local knows file:///folder (file://./folder is relative) and mem://. The buckets mem://name are shared by name among all that these
// openers open, and end with the process; mem:// alone is a new one each time.
func Local() Openers {
	m := &memories{named: map[string]*Memory{}}
	return Openers{"file": openFile, "mem": m.open}
}

// With answers a copy that knows one scheme more.
func (o Openers) With(scheme string, open Opener) Openers {
	c := maps.Clone(o)
	if c == nil {
		c = Openers{}
	}
	c[scheme] = open
	return c
}

// Open opens a bucket by URL, or a folder by its path. A place that no opener knows is ConfigInvalid.
func (o Openers) Open(ctx context.Context, place string) (Bucket, error) {
	if place == "" {
		return nil, o.unknown(place)
	}
	if !strings.Contains(place, "://") {
		if o["file"] == nil {
			return nil, o.unknown(place)
		}
		return folderAt(place)
	}
	u, err := url.Parse(place)
	if err != nil || o[u.Scheme] == nil || u.Fragment != "" || u.User != nil {
		return nil, o.unknown(place)
	}
	return o[u.Scheme](ctx, u)
}

// Schemes lists what is known, as s3://, sorted.
func (o Openers) Schemes() []string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(o)) {
		out = append(out, s+"://")
	}
	return out
}

func (o Openers) unknown(place string) error {
	return badPlace(place).WithHint("use a folder, or a URL that begins with one of: %s", strings.Join(o.Schemes(), ", "))
}

func badPlace(place string) *fault.Error {
	return fault.New(fault.ConfigInvalid, "%q is not a place for objects that this build knows", place)
}

func openFile(_ context.Context, u *url.URL) (Bucket, error) {
	switch {
	case u.RawQuery != "" || u.Path == "":
	case u.Host == "":
		return folderAt(filepath.FromSlash(u.Path))
	case u.Host == ".":
		return folderAt(filepath.FromSlash("." + u.Path))
	}
	return nil, badPlace(u.String()).WithHint("write file:///folder, or file://./folder for one below the working directory")
}

// folderAt is OpenFolder with a bucket that is nil when there is none.
func folderAt(dir string) (Bucket, error) {
	f, err := OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// errFolder is the error for a folder that cannot be used.
func errFolder(dir string, err error) error {
	return fault.New(fault.ConfigInvalid, "folder %s cannot hold objects: %w", dir, err)
}
