package dynamo

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
)

// shards is over how many partitions of an index or of the ledger the items of one kind are spread.
const shards = 4

// key names an item.
type key struct{ pk, sk string }

func (k key) item() item {
	return item{infra.PartitionKey: &types.AttributeValueMemberS{Value: k.pk}, infra.SortKey: &types.AttributeValueMemberS{Value: k.sk}}
}

func enc(s string) string { return store.EncodeKey(s) }

// dec takes back what enc did.
func dec(s string) string {
	out, err := url.PathUnescape(s)
	if err != nil {
		return s // no key of ours; shown as it is
	}
	return out
}

func jobKey(job string) string { return "JOB#" + enc(job) }

const lockPrefix = "LOCK#"

func lockKey(name string) key {
	job, slot := store.SlotOf(name)
	return key{jobKey(job), fmt.Sprintf("%s%03d", lockPrefix, slot)}
}

const checkpointPrefix = "CKPT#"

func checkpointKey(k store.CheckpointKey) key {
	return key{jobKey(k.Job), checkpointPrefix + enc(k.Stream) + "#" + enc(k.Partition)}
}

func runsKey(job string) string { return "RUN#" + enc(job) }

func runKey(job, run string) key { return key{runsKey(job), enc(run)} }

// snapshotKey holds what a run began with; it never changes, so that changes of the run's row stay small.
func snapshotKey(job, run string) key { return key{runsKey(job), enc(run) + "!job"} }

func partitionKey(job, run, stream, partition string) key {
	return key{runsKey(job), enc(run) + "#" + enc(stream) + "#" + enc(partition)}
}

func stepsKey(job, run string) string { return "STEP#" + enc(job) + "#" + enc(run) }

func logsKey(job, run string) string { return "LOG#" + enc(job) + "#" + enc(run) }

// failuresKey spreads a job's ledger by the partition of the failure, which the third part of its id names.
func failuresKey(job, id string) string {
	by := id
	if parts := strings.Split(id, "#"); len(parts) == 5 {
		by = parts[2]
	}
	return failuresShard(job, shard(by))
}

func failuresShard(job string, n int) string { return fmt.Sprintf("FAIL#%s#%d", enc(job), n) }

// shard spreads names evenly, the same way in every process and version.
func shard(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % shards)
}

// stamp writes a time so that string order is time order.
func stamp(t time.Time) string { return fmt.Sprintf("%013d", max(millis(t), 0)) }

// statusKey is the partition of the index by status.
func statusKey(kind, status string, n int) string { return fmt.Sprintf("%s#%s#%d", kind, status, n) }

// The kinds in the index by status.
const (
	kindLock = "LOCK"
	kindRun  = "RUN"
)
