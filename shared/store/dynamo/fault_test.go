package dynamo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/modeltest"
	"github.com/lockstep-data/lockstep/shared/store/storetest"
)

// wire is the way to the model; the next request that writes meets a fault.
type wire struct {
	*modeltest.Server
	mu     sync.Mutex
	meet   func(w *wire, r *http.Request) (*http.Response, error) // nil: nothing
	sent   int                                                    // writes
	tokens map[string]bool
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	op := r.Header.Get("X-Amz-Target")
	if !strings.HasSuffix(op, "UpdateItem") && !strings.HasSuffix(op, "PutItem") && !strings.HasSuffix(op, "TransactWriteItems") {
		return w.Server.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var request struct{ ClientRequestToken string }
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.sent++
	w.tokens[request.ClientRequestToken] = true
	meet := w.meet
	w.meet = nil
	w.mu.Unlock()
	if meet == nil {
		return w.Server.RoundTrip(r)
	}
	return meet(w, r)
}

// says answers an error of AWS instead of doing the request.
func says(status int, code string) func(*wire, *http.Request) (*http.Response, error) {
	return func(_ *wire, r *http.Request) (*http.Response, error) {
		return modeltest.Response(r, status, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#`+code+`","message":"made up"}`)), nil
	}
}

// noAnswer is what a client sees when its time is over.
type noAnswer struct{}

func (noAnswer) Error() string   { return "no answer" }
func (noAnswer) Timeout() bool   { return true }
func (noAnswer) Temporary() bool { return true }

// fate is a fault and what must come of a call that meets it.
type fate struct {
	name string
	meet func(*wire, *http.Request) (*http.Response, error)
	code fault.Code // of the error that the caller sees; "": none, the client sends again
}

func fates() []fate {
	return []fate{
		{"throttle", says(400, "ThrottlingException"), ""},
		{"provisioned throughput", says(400, "ProvisionedThroughputExceededException"), ""},
		{"conflict", conflict, fault.Transient},
		{"500", says(500, "InternalServerError"), ""},
		{"time-out", func(*wire, *http.Request) (*http.Response, error) { return nil, noAnswer{} }, ""},
		{"reset after apply", func(w *wire, r *http.Request) (*http.Response, error) {
			if _, err := w.Server.RoundTrip(r); err != nil {
				return nil, err
			}
			return nil, io.ErrUnexpectedEOF
		}, ""},
		{"slow", func(w *wire, r *http.Request) (*http.Response, error) {
			<-time.After(20 * time.Millisecond)
			return w.Server.RoundTrip(r)
		}, ""},
		{"expired credentials", says(400, "ExpiredTokenException"), fault.AuthDenied},
	}
}

// conflict is how a write and a transaction say that another transaction has an item just now.
func conflict(w *wire, r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "TransactWriteItems") {
		return says(400, "TransactionConflictException")(w, r)
	}
	return modeltest.Response(r, 400, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"made up",`+
		`"CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"made up"}]}`)), nil
}

// act is a call of the store, on a state that given made.
type act struct {
	name  string
	given func(*scene)
	call  func(*scene) error
}

// scene is a job whose calls go over a wire.
type scene struct {
	testing.TB
	ctx   context.Context
	s     *dynamo.Store
	p     store.Protocol
	lock  store.Lock
	bound store.Checkpoint
}

const faultEpoch = "0000#0001#0000#0000"

func (c *scene) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("unexpected error: %v", err)
	}
}

func (c *scene) take(run string) store.TakeRequest {
	return store.TakeRequest{Job: "j", Run: run, Epoch: faultEpoch, Holder: "exec:" + run, LeaseUntil: storetest.Start().Add(time.Minute), MaxTries: 3}
}

func (c *scene) acquired() {
	t, err := c.p.Take(c.ctx, c.take("r1"))
	c.must(err)
	c.lock = t.Lock
}

func (c *scene) holding() store.Holding {
	return store.Holding{Job: "j", Run: "r1", Term: c.lock.Term, Epoch: faultEpoch}
}

func (c *scene) bind() store.BindCheckpoint {
	return store.BindCheckpoint{CheckpointKey: store.CheckpointKey{Job: "j", Stream: "s", Partition: "p"}, Run: "r1", Term: 1, Attempt: "a", Owner: "o", Now: storetest.Start()}
}

func (c *scene) binds() {
	var err error
	c.bound, err = c.p.Bind(c.ctx, c.bind())
	c.must(err)
}

func (c *scene) end(code string) error {
	_, _, err := c.p.End(c.ctx, store.EndRequest{Holding: c.holding(), Code: code})
	return err
}

// acts are the calls that write.
func acts() []act {
	nothing := func(*scene) {}
	take := func(run string) func(*scene) error {
		return func(c *scene) error {
			_, err := c.p.Take(c.ctx, c.take(run))
			return err
		}
	}
	return []act{
		{"Acquire", nothing, take("r1")},
		{"Steal", (*scene).acquired, take("r2")},
		{"Retake", (*scene).acquired, func(c *scene) error {
			r := c.take("r1")
			r.Epoch = "0001#0001#0000#0000"
			_, err := c.p.Take(c.ctx, r)
			return err
		}},
		{"Lease", (*scene).acquired, func(c *scene) error {
			_, err := c.p.Enter(c.ctx, store.EnterRequest{Holding: c.holding(), Holder: "exec:r1", LeaseUntil: storetest.Start().Add(time.Hour), MaxTries: 3})
			return err
		}},
		{"Stop", (*scene).acquired, func(c *scene) error {
			_, err := c.p.Halt(c.ctx, "j", "Stopped")
			return err
		}},
		{"Release", (*scene).acquired, func(c *scene) error { return c.end("") }},
		{"Ignore", func(c *scene) {
			c.acquired()
			c.must(c.end("Internal"))
		}, func(c *scene) error {
			r := c.take("r2")
			r.MaxTries = 1
			_, err := c.p.Take(c.ctx, r)
			return err
		}},
		{"Reset", func(c *scene) {
			c.acquired()
			c.binds()
		}, func(c *scene) error {
			_, err := c.p.Reopen(c.ctx, store.ReopenRequest{Job: "j", Force: true, Streams: []string{"s"}})
			return err
		}},
		{"Bind", nothing, func(c *scene) error {
			_, err := c.p.Bind(c.ctx, c.bind())
			return err
		}},
		{"Checkpoint", (*scene).binds, func(c *scene) error {
			_, _, err := c.s.Checkpoint(c.ctx, store.MoveCheckpoint{
				CheckpointKey: c.bound.CheckpointKey, Run: "r1", Fence: c.bound.Fence, Owner: "o", Seq: 1, Position: "1", Now: storetest.Start(),
				Counters: store.Counters{Read: 2, Loaded: 1, Failed: 1, Batches: 1}, Failures: []store.Failure{{Index: 1, Code: "DataInvalid"}},
			})
			return err
		}},
		{"Drain", (*scene).binds, func(c *scene) error {
			_, _, err := c.s.Drain(c.ctx, store.DrainCheckpoint{CheckpointKey: c.bound.CheckpointKey, Run: "r1", Fence: c.bound.Fence, Owner: "o", Deleted: 3, Now: storetest.Start()})
			return err
		}},
		{"UpdateRun", func(c *scene) {
			_, _, err := c.s.StartRun(c.ctx, store.Run{Job: "j", ID: "r1", Status: store.RunRunning})
			c.must(err)
		}, func(c *scene) error {
			ended := store.RunSucceeded
			_, err := c.s.UpdateRun(c.ctx, store.RunChange{Job: "j", ID: "r1", Status: &ended, Add: store.Counters{Deleted: 5}})
			return err
		}},
	}
}

// stage makes a scene and the wire that its calls go over.
func stage(t *testing.T, a act) (*scene, *wire) {
	t.Helper()
	w := &wire{Server: modeltest.New(modeltest.Options{}), tokens: map[string]bool{}}
	c := client(w.Server, func(o *dynamodb.Options) {
		o.HTTPClient, o.RetryMaxAttempts = &http.Client{Transport: w}, 0
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = 3, ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	})
	if _, err := dynamo.Create(t.Context(), c, "state", infra.StateTable()); err != nil {
		t.Fatal(err)
	}
	s, err := dynamo.Open(t.Context(), dynamo.Options{Client: c, Table: "state", Now: storetest.Start})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	x := &scene{TB: t, ctx: t.Context(), s: s, p: store.Protocol{
		Store: s, Prover: dead{}, Now: storetest.Start, Jitter: func(time.Duration) time.Duration { return 0 },
		NewRVN: func() string { n++; return fmt.Sprint("rvn-", n) },
	}}
	a.given(x)
	w.sent, w.tokens = 0, map[string]bool{}
	return x, w
}

// dead is a prover of executions that have ended.
type dead struct{}

// Life implements store.Prover.
func (dead) Life(context.Context, store.Lock) (store.Life, error) { return store.Dead, nil }

// state is everything that the calls write, but for what names the request.
func (c *scene) state() map[string]any {
	c.Helper()
	lock, err := c.s.Lock(c.ctx, "j")
	c.must(err)
	lock.RVN = ""
	checkpoints, err := c.s.Checkpoints(c.ctx, "j", "")
	c.must(err)
	parts, err := c.s.Partitions(c.ctx, "j", "r1")
	c.must(err)
	failures, _, err := c.s.Failures(c.ctx, store.FailureQuery{Job: "j", Run: "r1"})
	c.must(err)
	run, err := c.s.Run(c.ctx, "j", "r1")
	if !fault.Has(err, fault.NotFound) {
		c.must(err)
	}
	return map[string]any{"lock": lock, "checkpoints": checkpoints, "partitions": parts, "failures": failures, "run": run}
}

func TestStore_Faults(t *testing.T) {
	for _, a := range acts() {
		plain, w := stage(t, a)
		before := plain.state()
		plain.must(a.call(plain))
		after, writes := plain.state(), w.sent
		if cmp.Equal(before, after) {
			t.Fatalf("%s changes nothing: its cells would prove nothing", a.name)
		}
		for _, f := range fates() {
			t.Run(a.name+"/"+f.name, func(t *testing.T) {
				c, w := stage(t, a)
				w.meet = f.meet
				err := a.call(c)
				if w.meet != nil {
					t.Fatal("the fault was never met")
				}
				if a.name == "Release" && f.code == fault.Transient {
					f.code = "" // the protocol itself sends a release again
				}
				if fault.CodeOf(err) != f.code {
					t.Fatalf("error %v, want code %q", err, f.code)
				}
				if f.code == "" {
					if d := cmp.Diff(after, c.state()); d != "" {
						t.Errorf("not the effect of one call (-want +got):\n%s", d)
					}
				} else {
					if d := cmp.Diff(before, c.state()); d != "" {
						t.Errorf("an effect in spite of the error (-want +got):\n%s", d)
					}
					c.must(a.call(c)) // sent again, it comes through
					if d := cmp.Diff(after, c.state()); d != "" {
						t.Errorf("not the effect of one call (-want +got):\n%s", d)
					}
				}
				if writes == 1 && len(w.tokens) != 1 {
					t.Errorf("one request was sent with %d tokens", len(w.tokens))
				}
			})
		}
	}
}

// A fault that stays is handed to the caller after a bounded number of calls.
func TestStore_FaultStays(t *testing.T) {
	for code, want := range map[string]fault.Code{
		"ThrottlingException": fault.RateLimited, "ProvisionedThroughputExceededException": fault.RateLimited, "InternalServerError": fault.Transient,
		"AccessDeniedException": fault.AuthDenied, "ResourceNotFoundException": fault.ConfigInvalid, "ItemCollectionSizeLimitExceededException": fault.QuotaExceeded,
	} {
		t.Run(code, func(t *testing.T) {
			c, w := stage(t, act{given: func(*scene) {}})
			var again func(w *wire, r *http.Request) (*http.Response, error)
			again = func(w *wire, r *http.Request) (*http.Response, error) {
				w.mu.Lock()
				w.meet = again
				w.mu.Unlock()
				return says(400, code)(w, r)
			}
			w.meet = again
			_, _, err := c.s.Bind(t.Context(), c.bind())
			if !fault.Has(err, want) || fault.Hint(err) == "" && want != fault.QuotaExceeded {
				t.Errorf("error %v with hint %q, want code %s", err, fault.Hint(err), want)
			}
			if w.sent > 3 {
				t.Errorf("%d calls, want at most 3", w.sent)
			}
		})
	}
}

// A reset that is cut off after its first write is finished by whoever takes the lock next.
func TestStore_ResetCutOff(t *testing.T) {
	c, w := stage(t, act{given: func(c *scene) {
		c.acquired()
		c.binds()
		_, _, err := c.s.Checkpoint(c.ctx, store.MoveCheckpoint{CheckpointKey: c.bound.CheckpointKey, Run: "r1", Fence: 1, Owner: "o", Seq: 1, Position: "1", Now: storetest.Start()})
		c.must(err)
		c.must(c.end(""))
	}})
	w.meet = func(w *wire, r *http.Request) (*http.Response, error) {
		w.meet = func(*wire, *http.Request) (*http.Response, error) { return says(400, "AccessDeniedException")(w, r) }
		return w.Server.RoundTrip(r)
	}
	_, err := c.p.Reopen(c.ctx, store.ReopenRequest{Job: "j", Streams: []string{""}})
	if !fault.Has(err, fault.AuthDenied) {
		t.Fatalf("error %v, want AuthDenied", err)
	}
	key := c.bound.CheckpointKey
	if got, err := c.s.ReadCheckpoint(c.ctx, key); err != nil || got.Seq != 1 {
		t.Fatalf("checkpoint %+v, %v: the reset was not cut off", got, err)
	}
	taken, err := c.p.Take(c.ctx, c.take("r2"))
	if err != nil || taken.Outcome != store.OutcomeAcquired {
		t.Fatalf("take: %+v, %v", taken, err)
	}
	if got, err := c.s.ReadCheckpoint(c.ctx, key); err != nil || got.Seq != 0 || got.Fence != 2 || got.Owner != "reset" {
		t.Errorf("checkpoint %+v, %v: want it empty and fenced before anybody holds the lock", got, err)
	}
}
