package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/encode"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
)

// backupEnding is behind the name of the file that a replaced file was.
const backupEnding = ".bak"

// Commit puts what a run staged in the target's place. Without replace it only notes the run.
func (d *Destination) Commit(ctx context.Context, t connector.Target, c connector.Claim) (connector.CommitResult, error) {
	f, err := d.targetOf(t.Name)
	if err != nil {
		return connector.CommitResult{}, err
	}
	return connector.CommitResult{}, f.change(ctx, func(s state) error { return d.commit(ctx, f, s, claimed{t, c}) })
}

// claimed is a target with the writer's number.
type claimed struct {
	connector.Target
	claim connector.Claim
}

func (d *Destination) commit(ctx context.Context, f *target, s state, c claimed) error {
	t := c.Target
	if s.Guard.Run != t.Run && c.claim.Fence <= s.Guard.Fence {
		return superseded(s.Guard.Fence, c.claim)
	}
	if err := s.claim(t.Run, c.claim); err != nil {
		return err
	}
	if err := f.finishSwap(&s); err != nil {
		return err
	}
	if s.Committed == t.Run {
		return f.save(ctx, s)
	}
	switch {
	case !replaces(t):
		s.Committed = t.Run
		return f.save(ctx, s)
	case f.folder:
		return d.commitFolder(ctx, f, s, t)
	}
	return d.commitFile(ctx, f, s, t)
}

// commitFile puts the staged files of the run together, behind the first of them, which then becomes the target.
func (d *Destination) commitFile(ctx context.Context, f *target, s state, t connector.Target) error {
	var ids []string
	for _, id := range slices.SortedFunc(maps.Keys(s.Partitions), byPlace) {
		if s.Partitions[id].Receipt.Run == t.Run {
			ids = append(ids, id)
		}
	}
	dir := f.stagedDir(t.Run)
	if err := f.root.MkdirAll(dir, 0o755); err != nil {
		return f.classify(err, "make", dir)
	}
	whole := path.Join(dir, "whole")
	if len(ids) > 0 {
		whole = f.stagedName(t.Run, ids[0])
	}
	length, err := d.join(f, s, t, ids)
	if err != nil {
		return err
	}
	if t.Write.Backup {
		if err := f.backup(); err != nil {
			return err
		}
	}
	s.forget(t.Run)
	s.Swap, s.Committed, s.Length, s.Columns = whole, t.Run, length, t.Schema.Names()
	if err := f.save(ctx, s); err != nil {
		return err
	}
	if err := f.finishSwap(&s); err != nil {
		return err
	}
	return f.save(ctx, s)
}

// join makes one durable file of the staged ones: behind the first come the others without their headers. It can be done again.
func (d *Destination) join(f *target, s state, t connector.Target, ids []string) (int64, error) {
	if len(ids) == 0 {
		var head []byte
		var err error
		if !d.write.JSON && d.c.Header {
			head, err = encode.Compress(d.write.Header(t.Schema.Names()), d.kind)
		}
		if err != nil {
			return 0, err
		}
		return int64(len(head)), f.appendTo(path.Join(f.stagedDir(t.Run), "whole"), 0, head)
	}
	first := s.Partitions[ids[0]]
	length := first.Staged
	out, err := f.root.OpenFile(f.stagedName(t.Run, ids[0]), os.O_RDWR, 0)
	if err != nil {
		return 0, f.classify(err, "open", f.stagedName(t.Run, ids[0]))
	}
	defer func() { _ = out.Close() }()
	if err := out.Truncate(length); err != nil {
		return 0, f.classify(err, "write", f.data)
	}
	if _, err := out.Seek(length, io.SeekStart); err != nil {
		return 0, f.classify(err, "write", f.data)
	}
	for _, id := range ids[1:] {
		n, err := f.copyStaged(out, f.stagedName(t.Run, id), *s.Partitions[id])
		if err != nil {
			return 0, err
		}
		length += n
	}
	if err := out.Sync(); err != nil {
		return 0, f.classify(err, "write", f.data)
	}
	return length, nil
}

// copyStaged appends the records of a staged file.
func (f *target) copyStaged(out *os.File, name string, p slot) (int64, error) {
	in, err := f.root.Open(name)
	if err != nil {
		return 0, f.classify(err, "open", name)
	}
	defer func() { _ = in.Close() }()
	if _, err := in.Seek(p.Header, io.SeekStart); err != nil {
		return 0, f.classify(err, "read", name)
	}
	n, err := io.CopyN(out, in, p.Staged-p.Header)
	if err != nil {
		return n, f.classify(err, "copy", name)
	}
	return n, nil
}

// backup keeps the file that is about to be replaced.
func (f *target) backup() error {
	bak := f.data + backupEnding
	_ = f.root.Remove(bak + ".tmp")
	err := f.root.Link(f.data, bak+".tmp")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.classify(err, "back up", f.data)
	}
	return f.rename(bak+".tmp", bak)
}

// finishSwap does the rename that the state announces, unless it was done before, and removes what was staged.
func (f *target) finishSwap(s *state) error {
	if s.Swap == "" {
		return nil
	}
	size, err := f.size(s.Swap)
	if err != nil {
		return err
	}
	if size >= 0 {
		if err := f.rename(s.Swap, f.data); err != nil {
			return err
		}
	}
	if err := f.root.RemoveAll(path.Dir(s.Swap)); err != nil {
		return f.classify(err, "remove", path.Dir(s.Swap))
	}
	s.Swap = ""
	return nil
}

// commitFolder makes the parts of the run those that count.
func (d *Destination) commitFolder(ctx context.Context, f *target, s state, t connector.Target) error {
	old := s.Backup
	s.Backup = nil
	if t.Write.Backup {
		s.Backup = s.Files
	} else {
		old = append(old, s.Files...)
	}
	s.Files, s.Staged = s.Staged, nil
	sortParts(s.Files)
	s.Committed, s.Columns = t.Run, t.Schema.Names()
	s.forget(t.Run)
	if err := f.save(ctx, s); err != nil {
		return err
	}
	for _, p := range old {
		f.removePart(ctx, p.Name)
	}
	return nil
}

// removePart removes a part that no manifest names any more; so it does not matter when it stays.
func (f *target) removePart(ctx context.Context, name string) {
	if f.shelf != nil {
		_ = f.shelf.b.Delete(ctx, path.Join(f.data, name))
		return
	}
	_ = f.root.Remove(path.Join(f.data, name))
}

// dropStaged removes what other runs staged. On a shelf that is done behind the claim; see leftovers.
func (d *Destination) dropStaged(ctx context.Context, f *target, s *state, t connector.Target) error {
	if s.Committed == t.Run {
		return nil
	}
	kept := s.Staged[:0]
	for _, p := range s.Staged {
		if p.Run == t.Run {
			kept = append(kept, p)
		} else if f.shelf == nil {
			f.removePart(ctx, p.Name)
		}
	}
	s.Staged = kept
	if f.shelf != nil {
		return nil
	}
	entries, err := fs.ReadDir(f.root.FS(), f.side)
	if err != nil {
		return f.classify(err, "list", f.side)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "run-") && e.Name() != path.Base(f.stagedDir(t.Run)) {
			if err := f.root.RemoveAll(path.Join(f.side, e.Name())); err != nil {
				return f.classify(err, "remove", e.Name())
			}
		}
	}
	return nil
}

// rootPlace reads a target's own file.
type rootPlace struct{ f *target }

func (p *rootPlace) Glob(ctx context.Context, name string) ([]input.Info, error) {
	info, err := p.Stat(ctx, name)
	return []input.Info{info}, err
}

func (p *rootPlace) Stat(_ context.Context, name string) (input.Info, error) {
	st, err := p.f.root.Stat(name)
	if err != nil {
		return input.Info{}, p.f.classify(err, "look at", name)
	}
	return input.Info{Name: name, Size: st.Size(), ModTime: st.ModTime()}, nil
}

func (p *rootPlace) Open(_ context.Context, name string, offset int64) (io.ReadCloser, error) {
	file, err := p.f.root.Open(name)
	if err != nil {
		return nil, p.f.classify(err, "read", name)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, p.f.classify(err, "read", name)
	}
	return file, nil
}

func (p *rootPlace) Close() error { return nil }
