package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	endpoints "github.com/aws/smithy-go/endpoints"
	"github.com/aws/smithy-go/logging"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
	"github.com/lockstep-data/lockstep/shared/store/simtest"
)

// simTable is the table of a schedule.
const simTable = "state"

// wired is a backend whose processes have a client and a store of their own: faults hit single calls of DynamoDB.
type wired struct {
	server  versioned
	plain   store.Store
	table   string
	options func(*dynamodb.Options)
}

// versioned is a server that counts what may change it.
type versioned interface {
	http.RoundTripper
	Version() int
}

// Version implements simtest.Backend.
func (b *wired) Version() int { return b.server.Version() }

// Plain implements simtest.Backend.
func (b *wired) Plain() store.Store { return b.plain }

// Process implements simtest.Backend. The SDK's own retries are on, without their waits.
func (b *wired) Process(ctx context.Context, gate simtest.Gate, now func() time.Time) (store.Store, error) {
	return dynamo.Open(ctx, dynamo.Options{Client: simClient(gated{b.server, gate}, b.options), Table: b.table, Now: now})
}

// simClient makes the real client without what a model does not need: no signature, no checksum of answers, no rules for addresses, no
// cookies and redirects, no waits between its retries. What it writes, reads, tries again and gives up is as on AWS.
func simClient(transport http.RoundTripper, more ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", HTTPClient: direct{transport}, Credentials: aws.AnonymousCredentials{}, DisableValidateResponseChecksum: true,
		EndpointResolverV2: fixed{}, Logger: logging.Nop{},
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, more...)
}

// direct is an HTTP client that does nothing but pass requests on.
type direct struct{ http.RoundTripper }

// Do implements dynamodb.HTTPClient.
func (d direct) Do(r *http.Request) (*http.Response, error) { return d.RoundTrip(r) }

// fixed gives every call the same address.
type fixed struct{}

// ResolveEndpoint implements dynamodb.EndpointResolverV2.
func (fixed) ResolveEndpoint(_ context.Context, p dynamodb.EndpointParameters) (endpoints.Endpoint, error) {
	at := "http://dynamodb.test"
	if p.Endpoint != nil {
		at = *p.Endpoint
	}
	u, err := url.Parse(at)
	if err != nil {
		return endpoints.Endpoint{}, err
	}
	return endpoints.Endpoint{URI: *u, Headers: http.Header{}}, nil
}

// watched is the store of an observer: it reads again only what was written since it read it last.
type watched struct {
	store.Store
	server *modeltest.Server
	lock   seen[store.Lock]
	all    seen[[]store.Checkpoint]
}

// seen is an answer, and how many writes it knows of.
type seen[T any] struct {
	writes int
	answer T
}

// Lock implements store.LockStore.
func (w *watched) Lock(ctx context.Context, job string) (store.Lock, error) {
	return look(w, &w.lock, job, "LOCK", func() (store.Lock, error) { return w.Store.Lock(ctx, job) })
}

// Checkpoints implements store.CheckpointStore.
func (w *watched) Checkpoints(ctx context.Context, job, stream string) ([]store.Checkpoint, error) {
	if stream != "" {
		return w.Store.Checkpoints(ctx, job, stream)
	}
	return look(w, &w.all, job, "CKPT", func() ([]store.Checkpoint, error) { return w.Store.Checkpoints(ctx, job, "") })
}

// look reads when something was written. A schedule has one job.
func look[T any](w *watched, last *seen[T], job, kind string, read func() (T, error)) (T, error) {
	writes := w.server.Changes(simTable, "JOB#"+store.EncodeKey(job), kind)
	if writes > 0 && writes == last.writes {
		return last.answer, nil
	}
	got, err := read()
	if err == nil {
		last.writes, last.answer = writes, got
	}
	return got, err
}

// entire is a backend whose processes share a store: faults hit its methods.
type entire struct {
	simtest.Backend
	server *modeltest.Server
}

// Version implements simtest.Backend.
func (b entire) Version() int { return b.server.Version() }

// gated lets each call of a process through its gate.
type gated struct {
	server http.RoundTripper
	gate   simtest.Gate
}

// RoundTrip implements http.RoundTripper.
func (g gated) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	var answer *http.Response
	err = g.gate(op, func() error {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(strings.NewReader(string(body)))
		answer, err = g.server.RoundTrip(again)
		return err
	})
	switch {
	case errors.Is(err, simtest.ErrNoAnswer):
		return nil, timeout{}
	case errors.Is(err, simtest.ErrConflict) && op == "TransactWriteItems":
		return modeltest.Response(r, http.StatusBadRequest, conflictOf(body)), nil
	case errors.Is(err, simtest.ErrConflict) && op != "GetItem" && op != "Query" && op != "BatchGetItem":
		return modeltest.Response(r, http.StatusBadRequest, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}`)), nil
	case errors.Is(err, simtest.ErrConflict), errors.Is(err, simtest.ErrThrottled):
		return modeltest.Response(r, http.StatusBadRequest, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`)), nil
	}
	return answer, err
}

// conflictOf is the answer to a transaction whose first item another transaction works on.
func conflictOf(body []byte) []byte {
	var in struct{ TransactItems []any }
	_ = json.Unmarshal(body, &in) // the client wrote it
	reasons := make([]map[string]string, len(in.TransactItems))
	for i := range reasons {
		reasons[i] = map[string]string{"Code": "None"}
	}
	reasons[0]["Code"] = "TransactionConflict"
	out, _ := json.Marshal(map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException", "CancellationReasons": reasons})
	return out
}

// timeout is a network error.
type timeout struct{}

func (timeout) Error() string   { return "the call timed out" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// simulated gives schedules over the model of DynamoDB; shared ones have faults at the methods of the store, others at the calls of the client.
func simulated(without mutant, whole bool) simtest.Options {
	o := simtest.Options{Without: without.step}
	o.Open = func(ctx context.Context, now func() time.Time) (simtest.Backend, error) {
		m := modeltest.New(modeltest.Options{Now: now, Mutate: without.write, Forget: without.forget})
		c := simClient(m)
		def := infra.StateTable()
		def.PointInTime = false
		if _, err := dynamo.Create(ctx, c, simTable, def); err != nil {
			return nil, fmt.Errorf("create table: %w", err)
		}
		plain, err := dynamo.Open(ctx, dynamo.Options{Client: c, Table: simTable, Now: now})
		if err != nil {
			return nil, err
		}
		if whole {
			return entire{simtest.Shared(plain), m}, nil
		}
		return &wired{server: m, plain: &watched{Store: plain, server: m}, table: simTable, options: func(*dynamodb.Options) {}}, nil
	}
	return o
}

// seeds gives the first seed and how many are played: SIM_SEED and SIM_COUNT, or from the 1st on so many.
func seeds(t testing.TB, count uint64) (from, to uint64) {
	t.Helper()
	read := func(name string, otherwise uint64) uint64 {
		text := os.Getenv(name)
		if text == "" {
			return otherwise
		}
		v, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s=%q: %v", name, text, err)
		}
		return v
	}
	from = read("SIM_SEED", 1)
	return from, from + read("SIM_COUNT", count)
}

// play plays schedules, as many at once as there are processors, and fails at a violation with the seed that plays it again.
func play(t *testing.T, o simtest.Options, count uint64) {
	t.Helper()
	from, to := seeds(t, count)
	defer debug.SetGCPercent(debug.SetGCPercent(1600)) // the heap is small and short-lived
	var next atomic.Uint64
	next.Store(from)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := next.Add(1) - 1; seed < to && !t.Failed(); seed = next.Add(1) - 1 {
				v, err := simtest.Play(t.Context(), o, seed)
				switch {
				case err != nil:
					t.Errorf("seed %d: %v", seed, err)
				case v != nil:
					t.Errorf("%v\nplay it again: SIM_SEED=%d SIM_COUNT=1 go test -run '^%s$' ./shared/store/dynamo\n%s", v, seed, t.Name(), strings.Join(v.Trace, "\n"))
				}
			}
		})
	}
	wg.Wait()
	t.Logf("played the seeds %d to %d", from, to-1)
}

// TestSimulation_Client plays schedules through the real client, with faults at its calls.
func TestSimulation_Client(t *testing.T) { play(t, simulated(mutant{}, false), schedules) }

// TestSimulation_Store plays schedules with faults at the interface of the store.
func TestSimulation_Store(t *testing.T) { play(t, simulated(mutant{}, true), 20) }

// TestSimulation_Same plays schedules over DynamoDB and in memory: one seed tells one story, so that what the long searches in memory find
// holds for the real store.
func TestSimulation_Same(t *testing.T) {
	for _, rule := range []simtest.Rule{simtest.StealByLease, simtest.CloseDescribe, simtest.StopLooked, simtest.GuardSeq, simtest.LeaseCheck} {
		for seed := uint64(1); seed <= 3; seed++ {
			here, err := simtest.Play(t.Context(), simulated(mutant{step: rule}, true), seed)
			if err != nil {
				t.Fatal(err)
			}
			memory, err := simtest.Play(t.Context(), simtest.InMemory(rule), seed)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(memory, here); d != "" {
				t.Fatalf("%s, seed %d (-memory +DynamoDB):\n%s", rule, seed, d)
			}
		}
	}
}
