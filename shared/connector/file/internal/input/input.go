// Package input opens the files that the connector file reads: from the project's folder without leaving it, from an absolute path, or
// from a bucket; it expands globs, decompresses, and turns other encodings into UTF-8. Only the connector file imports it.
package input

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Info describes a file.
type Info struct {
	Name    string // as Open takes it
	Size    int64  // bytes, as stored
	ModTime time.Time
	Version string // of the content, where a bucket gives it; "": not known
}

// Place is where files lie. Safe for concurrent use.
type Place interface {
	// Glob lists the files that match, sorted by name. Nothing that matches is no error.
	Glob(ctx context.Context, pattern string) ([]Info, error)
	// Stat describes one file; NotFound when there is none.
	Stat(ctx context.Context, name string) (Info, error)
	// Open reads a file from an offset on.
	Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error)
	// Close frees the place.
	Close() error
}

// Root is where paths begin.
type Root struct {
	Dir     string // the project's folder
	Openers blob.Openers
}

// OpenPlace gives the place where a path lies, and the path as the place takes it: a URL with a scheme other than file is a bucket, an
// absolute path lies anywhere, all others in the project's folder.
func OpenPlace(ctx context.Context, from Root, name string) (Place, string, error) {
	name, local, err := Local(name)
	switch {
	case err != nil:
		return nil, "", err
	case !local:
		return openBucket(ctx, from.Openers, name)
	case filepath.IsAbs(name):
		return &folder{fsys: os.DirFS("/"), open: func(n string) (*os.File, error) { return os.Open("/" + n) }, lead: "/"}, strings.TrimPrefix(path.Clean(name), "/"), nil
	case !filepath.IsLocal(name):
		return nil, "", Outside(name)
	}
	root, err := os.OpenRoot(from.Dir)
	if err != nil {
		return nil, "", fault.New(fault.NotFound, "the project's folder cannot be opened: %w", err)
	}
	return &folder{fsys: root.FS(), open: root.Open, close: root.Close}, path.Clean(filepath.ToSlash(name)), nil
}

// Outside is the error for a path that leads out of the project's folder.
func Outside(name string) error {
	return fault.New(fault.ConfigInvalid, "path %s leads outside of the project's folder", name).
		WithHint("put the file below the project, or write its absolute path")
}

// Fixed gives the folder part of a glob that has no wildcard in it, with a slash at the end unless it is empty.
func Fixed(pattern string) string {
	lead := pattern
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		lead = pattern[:i]
	}
	return lead[:strings.LastIndexByte(lead, '/')+1]
}

// folder is a part of the file system.
type folder struct {
	fsys  fs.FS
	open  func(name string) (*os.File, error)
	close func() error
	lead  string // before names in messages
}

func (f *folder) Glob(_ context.Context, pattern string) ([]Info, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "path %s is not a glob: %w", f.lead+pattern, err)
	}
	names := []string{pattern}
	if strings.ContainsAny(pattern, `*?[\`) {
		var err error
		if names, err = fs.Glob(f.fsys, pattern); err != nil {
			return nil, f.classify(err, pattern)
		}
	}
	var out []Info
	for _, n := range names {
		st, err := fs.Stat(f.fsys, n)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, f.classify(err, n)
		}
		if !st.IsDir() {
			out = append(out, Info{Name: n, Size: st.Size(), ModTime: st.ModTime()})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (f *folder) Stat(_ context.Context, name string) (Info, error) {
	st, err := fs.Stat(f.fsys, name)
	if err != nil {
		return Info{}, f.classify(err, name)
	}
	return Info{Name: name, Size: st.Size(), ModTime: st.ModTime()}, nil
}

func (f *folder) Open(_ context.Context, name string, offset int64) (io.ReadCloser, error) {
	file, err := f.open(name)
	if err != nil {
		return nil, f.classify(err, name)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, f.classify(err, name)
	}
	return file, nil
}

func (f *folder) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

func (f *folder) classify(err error, name string) error {
	name = f.lead + name
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "there is no file %s", name)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.AuthDenied, "file %s may not be read: %w", name, err)
	case strings.Contains(err.Error(), "escapes from parent"): // os has no name for this error
		return Outside(name)
	case errors.Is(err, fs.ErrInvalid):
		return fault.New(fault.ConfigInvalid, "path %s is not valid", name)
	}
	return fmt.Errorf("open %s: %w", name, err)
}

// Nearest names the existing file whose name is closest to a glob's, or "".
func Nearest(ctx context.Context, p Place, pattern string) string {
	dir, base := path.Split(pattern)
	found, err := p.Glob(ctx, Fixed(dir)+"*")
	if err != nil {
		return ""
	}
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = path.Base(f.Name)
	}
	return fault.Nearest(base, names)
}

// sniff gives a reader of the same bytes and up to n of the first.
func sniff(r io.Reader, n int) (*bufio.Reader, []byte) {
	b := bufio.NewReaderSize(r, max(n, 4096))
	head, _ := b.Peek(n) // an error comes again with the bytes
	return b, bytes.Clone(head)
}
