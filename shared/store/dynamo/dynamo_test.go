//go:build dynamodb

package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/dynamotest"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// open opens a state in a table of its own, whose clock says Start.
func open(t testing.TB, more ...func(*dynamodb.Options)) *dynamo.Store {
	t.Helper()
	table := dynamotest.Table(t, dynamotest.Client(t))
	s, err := dynamo.Open(t.Context(), dynamo.Options{Client: dynamotest.Client(t, more...), Table: table, Now: storetest.Start})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have closed it
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) }, storetest.DeletesByItself)
}

func TestStore_Schedules(t *testing.T) {
	storetest.Schedules(t, open(t), 10)
}

// The target of the protocol for one turn of a partition, in units. DynamoDB Local does not double each item of a transaction, as AWS does; the
// model does, and its test has the same bounds.
func TestStore_TurnUnits(t *testing.T) {
	got := storetest.Turn(t, open(t))
	t.Logf("one turn: %.1f read and %.1f write units", got.Read, got.Write)
	if got.Write > 12 || got.Read > 5 || got.Write < 3 || got.Read < 5 {
		t.Errorf("one turn: %+v, want at most 12 write and 5 read units, and not fewer than its calls cost", got)
	}
}

// TestStore_Linearizable lets clients of one table work at once, each with a store of its own.
func TestStore_Linearizable(t *testing.T) {
	table := dynamotest.Table(t, dynamotest.Client(t))
	var stores []store.Store
	for range 20 {
		s, err := dynamo.Open(t.Context(), dynamo.Options{Client: dynamotest.Client(t), Table: table, Now: storetest.Start})
		if err != nil {
			t.Fatal(err)
		}
		stores = append(stores, s)
	}
	storetest.Linearizable(t, stores, 200)
}

func BenchmarkStore(b *testing.B) { storetest.Benchmarks(b, open(b)) }
