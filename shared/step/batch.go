package step

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/store"
)

// The steps that make batch objects, as the last part of an object's key.
const (
	Extracted   = "extract.arrow"
	Transformed = "transform.arrow"
	Validated   = "validate.arrow"
)

// BatchKey names the batch of a turn: by run in full mode, partition, seq, and what it was cut from and by. A seq is cut once per
// configuration, whatever crashes.
func (t *Turn) BatchKey(full bool, start string) string {
	prefix := BatchPrefix(t.Call.Job)
	if full {
		prefix = RunPrefix(t.Call.Job, t.Call.Run) + "batches/"
	}
	// A reset makes other names: what was cut before it is not what the source has now.
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%d", start, t.Call.Digest, t.Lock.Gen))
	item := t.Call.Item
	return fmt.Sprintf("%s%s/%s/%08d-%s/%s", prefix, store.EncodeKey(item.Stream), store.EncodeKey(item.Partition), item.Seq+1, hex.EncodeToString(sum[:8]), Extracted)
}

// BatchPrefix is where the batches of a job's incremental streams lie; those of full streams belong to their run.
func BatchPrefix(jobKey string) string { return "batches/" + store.EncodeKey(jobKey) + "/" }

// IsCommitted says whether the batch of an incremental stream whose object has the key is behind its checkpoint.
func IsCommitted(key string, checkpoints []store.Checkpoint) bool {
	for _, c := range checkpoints {
		place := fmt.Sprintf("%s%s/%s/", BatchPrefix(c.Job), store.EncodeKey(c.Stream), store.EncodeKey(c.Partition))
		var seq int64
		if rest, ok := strings.CutPrefix(key, place); ok {
			_, err := fmt.Sscanf(rest, "%d-", &seq)
			return err == nil && seq <= c.Seq
		}
	}
	return false
}

// Sibling names the object of another step for the same batch.
func Sibling(key, step string) string { return path.Join(path.Dir(key), step) }

// cache keeps the batches that a partition is at.
func (e *Env) cache(key string, b record.Batch) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches.put(key, b, b.Size())
}

// Uncache forgets a batch, whose object stays.
func (e *Env) Uncache(key string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.batches.drop(key)
}

// DropBatch forgets a committed batch; its objects are deleted unless they hold failures or are to be kept. What cannot be deleted is
// left to the retention of the bucket.
func (e *Env) DropBatch(ctx context.Context, key string, failures bool) {
	e.mu.Lock()
	for _, s := range []string{Extracted, Transformed, Validated} {
		e.batches.drop(Sibling(key, s))
	}
	e.mu.Unlock()
	if e.KeepBatches {
		return
	}
	for _, s := range []string{Validated, Transformed, Extracted} {
		if failures && s == Extracted {
			continue
		}
		if err := e.Blobs.Delete(ctx, Sibling(key, s)); err != nil {
			e.Log.DebugContext(ctx, "batch object kept", "key", Sibling(key, s), "err", err)
		}
	}
}
