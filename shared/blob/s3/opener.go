package s3

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// Scheme begins the URLs of this package: s3://BUCKET/FOLDER?region=REGION&endpoint=URL. What stands behind the ? may be left to AWS's own
// settings.
const Scheme = "s3"

// How the client of a URL behaves. The time for an answer's first byte is bounded, that for all of it is not: objects may be large.
const (
	dialTimeout   = 3 * time.Second
	answerTimeout = 30 * time.Second
	connections   = 64 // kept open to one host
)

// bucketName is what S3 allows, the old names with capitals and underscores left out.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// target is a URL taken apart.
type target struct{ bucket, folder, region, endpoint string }

func parse(u *url.URL) (target, error) {
	const hint = "write s3://bucket/folder, or s3://bucket/folder?region=eu-central-1"
	if u.Scheme != Scheme || !bucketName.MatchString(u.Host) || u.User != nil || u.Fragment != "" {
		return target{}, fault.New(fault.ConfigInvalid, "%q names no S3 bucket", u.Redacted()).WithHint(hint)
	}
	t := target{bucket: u.Host, folder: strings.Trim(u.Path, "/")}
	if t.folder != "" {
		if err := blob.CheckKey(t.folder); err != nil {
			return target{}, err
		}
	}
	for name, values := range u.Query() {
		switch name {
		case "region":
			t.region = values[0]
		case "endpoint":
			t.endpoint = values[0]
		default:
			return target{}, fault.New(fault.ConfigInvalid, "%q has a setting %q that S3 does not know", u.Redacted(), name).WithHint(hint)
		}
	}
	return t, nil
}

// Opener opens s3://BUCKET/FOLDER with the credentials, the Region and the endpoint of AWS's own settings (AWS_PROFILE, AWS_REGION,
// AWS_ENDPOINT_URL_S3 …) where the URL says nothing. Buckets of one Region and endpoint share a client, which is made when the first of
// them is opened; opening calls nobody. Safe for concurrent use. Errors: ConfigInvalid.
func Opener() blob.Opener {
	c := &clients{made: map[target]*awss3.Client{}}
	return func(ctx context.Context, place *url.URL) (blob.Bucket, error) {
		t, err := parse(place)
		if err != nil {
			return nil, err
		}
		client, err := c.client(ctx, t)
		if err != nil {
			return nil, err
		}
		return New(client, t.bucket, t.folder), nil
	}
}

// With answers an opener whose buckets use one client, for programs that have made theirs; region and endpoint of a URL are refused.
func With(client *awss3.Client) blob.Opener {
	return func(_ context.Context, place *url.URL) (blob.Bucket, error) {
		t, err := parse(place)
		if err == nil && (t.region != "" || t.endpoint != "") {
			err = fault.New(fault.ConfigInvalid, "%q: region and endpoint are settled already", place.Redacted()).WithHint("write s3://bucket/folder")
		}
		if err != nil {
			return nil, err
		}
		return New(client, t.bucket, t.folder), nil
	}
}

// clients are the clients that were made, by Region and endpoint.
type clients struct {
	mu   sync.Mutex
	made map[target]*awss3.Client
}

func (c *clients) client(ctx context.Context, t target) (*awss3.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := target{region: t.region, endpoint: t.endpoint}
	if c.made[k] != nil {
		return c.made[k], nil
	}
	httpClient := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost, t.ResponseHeaderTimeout = connections, answerTimeout })
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(t.region), config.WithHTTPClient(httpClient), config.WithLogger(logging.Nop{}))
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "read the settings of AWS: %s", last(err)).WithHint("check AWS_PROFILE and ~/.aws/config")
	}
	if cfg.Region == "" {
		return nil, fault.New(fault.ConfigInvalid, "the Region of bucket %s is not known", t.bucket).WithHint(
			"set AWS_REGION, or write s3://%s?region=eu-central-1", t.bucket)
	}
	c.made[k] = Client(cfg, t.endpoint)
	return c.made[k], nil
}

// Client makes a client of settings; an endpoint counts before theirs. A server that is not AWS's own is asked for a bucket in the path,
// since a bucket in the name of the host wants a DNS of its own.
func Client(cfg aws.Config, endpoint string) *awss3.Client {
	return awss3.NewFromConfig(cfg, func(o *awss3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
	})
}
