// Package dynamo keeps state in one DynamoDB table, for runs on AWS and for laptops that share jobs. Every write of docs/protocol.md is
// one conditional call, or one transaction where the document says so; nothing is decided by reading first. It keeps no records and no
// batches, and makes no decision of the protocol. Mains and tests import it; everything else knows store.Store.
package dynamo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// version is that of the items' form. A store refuses a table that a newer one has marked (invariant 13).
const version = 1

// Options say where the state is.
type Options struct {
	Client *dynamodb.Client // calls DynamoDB; the caller's settings for retries, endpoint and credentials hold
	Table  string           // its keys, indexes and time to live are those of infra.StateTable
	Now    func() time.Time // clock for items that bring no time; nil: the system's
}

// Store implements store.Store. It is safe for concurrent use.
type Store struct {
	client *dynamodb.Client
	table  string
	now    func() time.Time
	meter  meter
	bound  bounds
	closed atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open checks that the table is there and of a version that this program knows, and marks a new one with it. Errors: ConfigInvalid (no
// such table, or its keys are others), VersionTooNew (nothing was changed), AuthDenied, RateLimited, Transient, Timeout.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Client == nil || o.Table == "" {
		return nil, fault.New(fault.ConfigInvalid, "the state table has no name or no client").WithHint("write dynamodb://TABLE")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{client: o.Client, table: o.Table, now: o.Now, bound: bounds{known: map[store.CheckpointKey]store.Checkpoint{}}}
	return s, s.checkVersion(ctx)
}

// metaKey is the item that says what is in the table.
func metaKey() key { return key{"META", "VERSION"} }

func (s *Store) checkVersion(ctx context.Context) error {
	for range 2 {
		got, err := s.get(ctx, "open", metaKey())
		if err != nil {
			return err
		}
		if got != nil {
			r := reader{item: got}
			found := r.num("version")
			switch {
			case r.err != nil:
				return s.failed("open", r.err)
			case found > version:
				return fault.New(fault.VersionTooNew, "table %s has version %d, this program knows versions up to %d", s.table, found, version).
					WithHint("install the newer Lockstep that wrote it; nothing was changed")
			}
			return nil
		}
		mark := put(metaKey()).num("version", version)
		if _, applied, err := s.put(ctx, "open", mark, expression.AttributeNotExists(expression.Name(infra.PartitionKey))); err != nil || applied {
			return err
		}
	}
	return fault.New(fault.Transient, "table %s was marked and unmarked while it was opened", s.table)
}

// Ping makes a conditional write that is always refused: it needs the rights to read and write, and leaves nothing behind.
func (s *Store) Ping(ctx context.Context) error {
	_, applied, err := s.put(ctx, "ping", put(key{"META", "PING"}), expression.AttributeExists(expression.Name(infra.PartitionKey)))
	if err == nil && applied {
		return fault.New(fault.Internal, "table %s took a write whose condition does not hold", s.table).WithHint("run lockstep doctor")
	}
	return err
}

// Close makes later calls fail. The client belongs to whoever made it.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

// at gives the time that an item brings, or the store's when it brings none.
func (s *Store) at(t time.Time) time.Time {
	if t.IsZero() {
		return s.now()
	}
	return t
}

// bounds remembers what BIND and CHECKPOINT answered, so that a transaction, which answers no items, needs no read behind it: nothing but
// its own writer changes a checkpoint whose fence, owner, seq and position are as the transaction's condition says.
type bounds struct {
	mu    sync.Mutex
	known map[store.CheckpointKey]store.Checkpoint
}

// maxBounds keeps the memory small; what is forgotten costs a read.
const maxBounds = 10_000

func (b *bounds) keep(c store.Checkpoint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= maxBounds {
		clear(b.known)
	}
	b.known[c.CheckpointKey] = c
}

// before gives the checkpoint that the request's condition describes.
func (b *bounds) before(w store.MoveCheckpoint) (store.Checkpoint, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.known[w.CheckpointKey]
	return c, ok && c.Fence == w.Fence && c.Owner == w.Owner && c.Seq == w.PrevSeq && c.Position == w.PrevPos
}
