package blob

import (
	"cmp"
	"context"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// List implements Bucket. Files that no key has for its name, and those that are being written, are no objects; the latter are removed
// once they are old.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		l, start := listing{f, prefix, yield}, startOf(prefix)
		if CheckKey(prefix) == nil { // the file of the key a/ lies beside the folder a
			name := escape(prefix)
			if st, err := f.root.Stat(name); err == nil && !st.IsDir() && path.Dir(name) != start && !l.file(name) {
				return
			}
		}
		l.walk(ctx, start)
	}
}

// listing is one List.
type listing struct {
	f      *Folder
	prefix string
	yield  func(Object, error) bool
}

// entry is a file or folder on the way, with the beginning of the keys that it stands for.
type entry struct {
	name  string
	lead  string
	isDir bool
}

// walk lists a folder; false ends the listing.
func (l *listing) walk(ctx context.Context, dir string) bool {
	if err := ended(ctx); err != nil {
		return l.yield(Object{}, err) && false
	}
	names, err := fs.ReadDir(l.f.root.FS(), dir)
	if err != nil {
		err = classify(err, "list", l.prefix)
		if fault.Has(err, fault.NotFound) { // removed meanwhile, or never there
			return true
		}
		return l.yield(Object{}, err) && false
	}
	var entries []entry
	for _, n := range names {
		e := entry{name: path.Join(dir, n.Name()), isDir: n.IsDir()}
		if e.lead = expand(e.name); e.isDir {
			e.lead += "/"
		}
		if strings.HasPrefix(e.lead, l.prefix) || e.isDir && strings.HasPrefix(l.prefix, e.lead) {
			entries = append(entries, e)
		}
	}
	// A folder a/ and the file of the key "a/" have the same beginning; that key comes before all others.
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.lead, b.lead), boolOrder(a.isDir, b.isDir)) })
	for _, e := range entries {
		if e.isDir && !l.walk(ctx, e.name) || !e.isDir && !l.file(e.name) {
			return false
		}
	}
	return true
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// file lists one file, if it is an object; false ends the listing.
func (l *listing) file(name string) bool {
	key, ok := unescape(name)
	switch {
	case leftover.MatchString(name):
		l.f.sweep(name)
		return true
	case !ok || name == lockName:
		return true
	}
	st, err := l.f.root.Stat(name)
	switch {
	case err == nil && st.IsDir(): // through a symbolic link
		return true
	case err == nil:
		return l.yield(Object{Key: key, Size: st.Size(), ModTime: st.ModTime()}, nil)
	}
	if err = classify(err, "list", key); fault.Has(err, fault.NotFound) {
		return true
	}
	return l.yield(Object{}, err) && false
}
