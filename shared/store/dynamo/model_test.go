package dynamo_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// client calls a model of DynamoDB through the real client.
func client(m *modeltest.Server, more ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: m.Client(), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1,
	}, more...)
}

// modelled opens a state in a new model.
func modelled(t testing.TB, more ...func(*dynamodb.Options)) (*dynamo.Store, *modeltest.Server) {
	t.Helper()
	return modelledWith(t, modeltest.Options{}, more...)
}

func modelledWith(t testing.TB, o modeltest.Options, more ...func(*dynamodb.Options)) (*dynamo.Store, *modeltest.Server) {
	t.Helper()
	m := modeltest.New(o)
	if _, err := dynamo.Create(t.Context(), client(m), "state", infra.StateTable()); err != nil {
		t.Fatalf("create table: %v", err)
	}
	s, err := dynamo.Open(t.Context(), dynamo.Options{Client: client(m, more...), Table: "state", Now: storetest.Start})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s, m
}

func TestStore_Model(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		s, _ := modelled(t)
		return s
	}, storetest.DeletesByItself)
}

func TestStore_ModelSchedules(t *testing.T) {
	s, _ := modelled(t)
	storetest.Schedules(t, s, 30)
}

func TestStore_ModelSlotSchedules(t *testing.T) {
	s, _ := modelled(t)
	storetest.SlotSchedules(t, s, 30)
}

// A bind across slots that does not look at one of the two locks gives a partition to the wrong run: the schedules notice.
func TestStore_ModelSlotMutants(t *testing.T) {
	for name, of := range map[string]func(modeltest.Mutation) bool{
		"the lock of the run that has the partition": func(m modeltest.Mutation) bool { return !m.Tests("run_id") },
		"the own lock": func(m modeltest.Mutation) bool { return m.Tests("run_id") },
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := modelledWith(t, modeltest.Options{Mutate: when(func(m modeltest.Mutation) bool { return isLock(m) && m.Checks() && of(m) }, modeltest.Mutation.Always)})
			for seed := range 30 {
				if breach, _ := storetest.SlotSchedule(t.Context(), s, seed); breach != "" {
					t.Logf("seed %d: %s", seed, breach)
					return
				}
			}
			t.Error("30 schedules do not notice that it is not looked at")
		})
	}
}

// between does something before the second update of an item that passes it.
type between struct {
	http.RoundTripper
	updates int
	do      func()
}

// RoundTrip implements http.RoundTripper.
func (b *between) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		if b.updates++; b.updates == 2 {
			b.do()
		}
	}
	return b.RoundTripper.RoundTrip(r)
}

// The first BIND of a partition takes two calls, since nothing is there yet; another attempt may make the checkpoint between them. It is judged
// by its attempt then, as at any other time.
func TestStore_ModelFirstBinds(t *testing.T) {
	bind := func(attempt string) store.BindCheckpoint {
		return store.BindCheckpoint{CheckpointKey: store.CheckpointKey{Job: "j", Stream: "s", Partition: "p"}, Run: "r", Term: 1, Attempt: attempt, Owner: attempt}
	}
	for attempt, want := range map[string]bool{"a1": false, "a3": true} {
		first, m := modelled(t)
		race := &between{RoundTripper: m, do: func() {
			if _, applied, err := first.Bind(t.Context(), bind("a2")); err != nil || !applied {
				t.Errorf("the other attempt: %v, %v", applied, err)
			}
		}}
		second, err := dynamo.Open(t.Context(), dynamo.Options{Client: simClient(race), Table: "state", Now: storetest.Start})
		if err != nil {
			t.Fatal(err)
		}
		got, applied, err := second.Bind(t.Context(), bind(attempt))
		if err != nil || applied != want || race.updates < 2 || applied && got.Fence != 2 {
			t.Errorf("attempt %s: applied %v, fence %d after %d calls, %v", attempt, applied, got.Fence, race.updates, err)
		}
	}
}

// The model counts what AWS bills, transactions and refused conditions doubled and counted.
func TestStore_ModelTurnUnits(t *testing.T) {
	s, m := modelled(t)
	before := s.Spent()
	billed := m.Usage()
	got := storetest.Turn(t, s)
	t.Logf("one turn: %.1f read and %.1f write units", got.Read, got.Write)
	if got.Write > 12 || got.Read > 5 || got.Write < 5 || got.Read < 5 {
		t.Errorf("one turn: %+v, want at most 12 write and 5 read units, and not fewer than its calls cost", got)
	}
	spent, after := s.Spent().Since(before), m.Usage()
	if want := (store.Units{Read: after.ReadUnits - billed.ReadUnits, Write: after.WriteUnits - billed.WriteUnits}); spent != want {
		t.Errorf("the store counts %+v, the model bills %+v", spent, want)
	}
}

func TestStore_ModelRefusedUnits(t *testing.T) {
	s, m := modelled(t)
	before, billed := s.Spent(), m.Usage()
	for range 3 {
		if _, applied, err := s.Stop(t.Context(), "j", 1, "Stopped"); err != nil || applied {
			t.Fatalf("stop of an absent lock: %v, %v", applied, err)
		}
	}
	if got, want := s.Spent().Since(before).Write, m.Usage().WriteUnits-billed.WriteUnits; got != 3 || got != want {
		t.Errorf("three refused writes: counted %v units, the model bills %v, want 3", got, want)
	}
}

func TestStore_PositionMustBeText(t *testing.T) {
	s, _ := modelled(t)
	k := store.CheckpointKey{Job: "j", Stream: "s", Partition: "p"}
	c, _, err := s.Bind(t.Context(), store.BindCheckpoint{CheckpointKey: k, Run: "r", Term: 1, Attempt: "a", Owner: "o"})
	if err != nil {
		t.Fatal(err)
	}
	_, applied, err := s.Checkpoint(t.Context(), store.MoveCheckpoint{CheckpointKey: k, Run: "r", Fence: c.Fence, Owner: "o", Seq: 1, Position: "\xff"})
	if applied || !fault.Has(err, fault.DataInvalid) {
		t.Errorf("a position that is no text: applied %v, %v; want DataInvalid", applied, err)
	}
}
