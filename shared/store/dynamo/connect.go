package dynamo

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Scheme begins the URLs of this store: dynamodb://TABLE?region=REGION&endpoint=URL, both behind the ? may be left to AWS's own settings.
const Scheme = "dynamodb"

// How the client of a URL behaves: a call that gets no answer is sent again, after growing waits with full jitter.
const (
	attempts    = 6
	callTimeout = 10 * time.Second
	dialTimeout = 3 * time.Second
)

// target is a URL taken apart.
type target struct{ table, region, endpoint string }

func parse(text string) (target, error) {
	const hint = "write dynamodb://TABLE, or dynamodb://TABLE?region=eu-central-1"
	u, err := url.Parse(text)
	if err != nil || u.Scheme != Scheme || u.Host == "" || u.Path != "" || u.User != nil || u.Fragment != "" {
		return target{}, fault.New(fault.ConfigInvalid, "%q names no DynamoDB table", text).WithHint(hint)
	}
	out := target{table: u.Host}
	for name, values := range u.Query() {
		switch name {
		case "region":
			out.region = values[0]
		case "endpoint":
			out.endpoint = values[0]
		default:
			return target{}, fault.New(fault.ConfigInvalid, "%q has a setting %q that DynamoDB does not know", text, name).WithHint(hint)
		}
	}
	return out, nil
}

// Connect makes a client for a URL, with the credentials, the Region and the endpoint of AWS's own settings (AWS_PROFILE, AWS_REGION,
// AWS_ENDPOINT_URL …) where the URL says nothing. It calls nobody. Errors: ConfigInvalid.
func Connect(ctx context.Context, text string) (*dynamodb.Client, string, error) {
	t, err := parse(text)
	if err != nil {
		return nil, "", err
	}
	httpClient := awshttp.NewBuildableClient().WithTimeout(callTimeout).WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(t.region), config.WithHTTPClient(httpClient), config.WithRetryMaxAttempts(attempts),
		config.WithLogger(logging.Nop{})) // it would write to the terminal; errors say what counts
	if err != nil {
		return nil, "", fault.New(fault.ConfigInvalid, "read the settings of AWS: %s", last(err)).WithHint("check AWS_PROFILE and ~/.aws/config")
	}
	if cfg.Region == "" {
		return nil, "", fault.New(fault.ConfigInvalid, "the Region of table %s is not known", t.table).WithHint("set AWS_REGION, or write %s?region=eu-central-1", text)
	}
	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if t.endpoint != "" {
			o.BaseEndpoint = aws.String(t.endpoint)
		}
	})
	return client, t.table, nil
}

// Kind opens, makes and probes tables that are as the definition says.
func Kind(def infra.Table) store.Kind {
	return store.Kind{
		Scheme: Scheme,
		Open: func(ctx context.Context, url string, now func() time.Time) (store.Store, error) {
			client, table, err := Connect(ctx, url)
			if err != nil {
				return nil, err
			}
			s, err := Open(ctx, Options{Client: client, Table: table, Now: now})
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Create: func(ctx context.Context, url string) (string, error) {
			client, table, err := Connect(ctx, url)
			if err != nil {
				return "", err
			}
			return create(ctx, client, table, def)
		},
		Probe: func(ctx context.Context, url string) []store.Finding {
			client, table, err := Connect(ctx, url)
			if err != nil {
				return []store.Finding{{Name: "table", Err: err}}
			}
			return Probe(ctx, client, table, def)
		},
	}
}
