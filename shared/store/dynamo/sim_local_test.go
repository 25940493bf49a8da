//go:build dynamodb

package dynamo_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/lockstep-data/lockstep/shared/store/dynamo"
	"github.com/lockstep-data/lockstep/shared/store/dynamo/dynamotest"
	"github.com/lockstep-data/lockstep/shared/store/simtest"
)

// remote is DynamoDB Local as a schedule's server.
type remote struct {
	http.RoundTripper
	calls atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (r *remote) RoundTrip(q *http.Request) (*http.Response, error) {
	r.calls.Add(1)
	return r.RoundTripper.RoundTrip(q)
}

// Version implements versioned.
func (r *remote) Version() int { return int(r.calls.Load()) }

// TestSimulation_Local plays schedules on DynamoDB Local, with faults at the calls of the client.
func TestSimulation_Local(t *testing.T) {
	table := dynamotest.Table(t, dynamotest.Client(t))
	endpoint := func(o *dynamodb.Options) {
		at := dynamotest.Endpoint(t)
		o.BaseEndpoint, o.Credentials = &at, credentials.NewStaticCredentialsProvider("test", "test", "")
	}
	o := simtest.Options{Steps: 120, Open: func(ctx context.Context, now func() time.Time) (simtest.Backend, error) {
		server := &remote{RoundTripper: http.DefaultTransport}
		plain, err := dynamo.Open(ctx, dynamo.Options{Client: simClient(http.DefaultTransport, endpoint), Table: table, Now: now})
		return &wired{server: server, plain: plain, table: table, options: endpoint}, err
	}}
	play(t, o, 10)
}
