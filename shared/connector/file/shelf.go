package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/connector/file/internal/input"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// shelf is a bucket in which folders are written. There is no lock in a bucket: a part is an object that nobody else makes, since its
// name has the hash of its content, and it counts from when the manifest names it. The manifest is replaced only when it is still
// the one that was read; whoever was slower reads it again, and is then held against the receipts and the guard in it as under a lock.
//
// A part that no manifest names is left by a run that died. Those of replacing runs are removed by the next run's Prepare. It lists them
// before its claim, so that no part of a later run is among them, and removes them behind it, when the manifest refuses the run that
// made them. Those of appending runs stay, since a slow writer may still come to name them; a batch that is loaded again finds its
// part there.
type shelf struct {
	b     blob.Bucket
	turns sync.Map // of this process's own writers, by target: chan struct{}
}

// errFaster says that another writer has saved the manifest first.
var errFaster = errors.New("another writer was faster")

// How writers of one manifest give way to each other.
const (
	maxFaster  = 100 // then the call fails and may be made again
	firstPause = 10 * time.Millisecond
	longPause  = 2 * time.Second
)

// openShelf opens the bucket of a URL, and gives the key of the folder.
func openShelf(ctx context.Context, openers blob.Openers, p string) (*shelf, string, error) {
	if !strings.HasSuffix(p, "/") {
		return nil, "", fault.New(fault.ConfigInvalid, "%s is a single file in a bucket, and objects cannot grow", p).WithHint(inBucket)
	}
	place, key, err := input.SplitURL(strings.TrimSuffix(p, "/"))
	if err != nil {
		return nil, "", err
	}
	b, err := openers.Open(ctx, place)
	if err != nil {
		return nil, "", err
	}
	return &shelf{b: b}, strings.Trim(path.Clean("/"+key), "/"), nil
}

// lock lets the writers of this process take turns, which spares them most of the races.
func (h *shelf) lock(ctx context.Context, data string) (func(), error) {
	made, _ := h.turns.LoadOrStore(data, make(chan struct{}, 1))
	turn := made.(chan struct{})
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pause waits before the manifest is read again.
func (t *target) pause(ctx context.Context, n int) error {
	if n >= maxFaster {
		return fault.New(fault.Transient, "%s: other writers were faster %d times", t.shown, n)
	}
	limit := min(longPause, firstPause<<min(n, 10))
	timer := time.NewTimer(rand.N(limit))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readShelf reads the manifest and notes which one it is.
func (t *target) readShelf(ctx context.Context) (state, error) {
	data, etag, err := t.shelf.b.Get(ctx, t.statePath)
	if fault.Has(err, fault.NotFound) {
		t.etag = ""
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, err
	}
	t.etag = etag
	return t.parse(data)
}

// saveShelf replaces the manifest that was read.
func (t *target) saveShelf(ctx context.Context, data []byte) error {
	etag, err := t.shelf.b.Put(ctx, t.statePath, data, t.etag)
	if fault.Has(err, fault.Conflict) {
		return errFaster
	}
	if err == nil {
		t.etag = etag
	}
	return err
}

// The names of parts begin with what their seq counts from; those of replacing runs differ, so that they can be told.
const (
	appended = "part-"
	replaced = "part-r"
)

// shelvePart makes the object of a batch. One that is there is of an earlier try, and the same, byte for byte.
func (d *Destination) shelvePart(ctx context.Context, f *target, w *write) (part, error) {
	lead := appended + short(w.Claim.Base)
	if replaces(w.Target) {
		lead = replaced + short(w.Target.Run)
	}
	content := slices.Concat(w.head, w.data)
	sum := sha256.Sum256(content)
	p := part{Run: w.Target.Run, Partition: w.Partition, Seq: w.Seq, Rows: w.rows, Bytes: int64(len(content)),
		Name: fmt.Sprintf("%s-%s-%06d-%s%s", lead, fileName(w.Partition), w.Seq, hex.EncodeToString(sum[:8]), d.ending())}
	_, err := f.shelf.b.Create(ctx, path.Join(f.data, p.Name), content)
	return p, err
}

// leftovers lists the parts of other replacing runs that do not count, or will not once this run has the claim.
func (f *target) leftovers(ctx context.Context, s state, run string) ([]string, error) {
	counts := map[string]bool{}
	for _, p := range slices.Concat(s.Files, s.Backup) {
		counts[p.Name] = true
	}
	var names []string
	for o, err := range f.shelf.b.List(ctx, path.Join(f.data, replaced)) {
		if err != nil {
			return nil, err
		}
		name := path.Base(o.Key)
		if path.Dir(o.Key) == f.data && !counts[name] && !strings.HasPrefix(name, replaced+short(run)+"-") {
			names = append(names, name)
		}
	}
	return names, nil
}

// ping says whether the bucket can be written, with an object that it removes again.
func (h *shelf) ping(ctx context.Context, rel string) error {
	if i := strings.Index(rel, streamMark); i >= 0 {
		rel = path.Dir(rel[:i] + "x")
	}
	key := path.Join(rel, ".lockstep-ping")
	if _, err := h.b.Create(ctx, key, nil); err != nil {
		return err
	}
	return h.b.Delete(ctx, key)
}
