package edge

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// connectAWS makes the clients of a function on AWS, with the role and the Region that Lambda gives it, and the endpoints that the environment
// names. It calls DynamoDB once, to see that the table is of a version that this program knows.
func connectAWS(ctx context.Context, o Options, s Settings) (Parts, error) {
	client, table, err := dynamo.Connect(ctx, dynamo.Scheme+"://"+s.Table)
	if err != nil {
		return Parts{}, err
	}
	state, err := dynamo.Open(ctx, dynamo.Options{Client: client, Table: table, Now: o.Now})
	if err != nil {
		return Parts{}, err
	}
	opener := s3.Opener()
	open := func(ctx context.Context, bucket string) (blob.Bucket, error) {
		return opener(ctx, &url.URL{Scheme: s3.Scheme, Host: bucket})
	}
	blobs, err := open(ctx, s.Bucket)
	if err != nil {
		return Parts{}, err
	}
	settings := sync.OnceValues(func() (aws.Config, error) { return settingsOf(context.WithoutCancel(ctx)) })
	jobs := NewBundles(BundleOptions{
		Catalog: o.Catalog, Parameter: s.Bundle, Env: o.Env, Now: o.Now, Open: open, Look: parameter(settings, false), Secret: secret(settings),
	})
	parts := Parts{Store: state, Blobs: blobs, Jobs: jobs}
	if s.Machine != "" {
		cfg, err := settings()
		if err != nil {
			return Parts{}, err
		}
		machine, err := awsstep.New(sfn.NewFromConfig(cfg), s.Machine)
		if err != nil {
			return Parts{}, err
		}
		parts.Machine = machine
	}
	return parts, nil
}

func settingsOf(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithLogger(logging.Nop{}))
	if err != nil {
		return cfg, fault.New(fault.ConfigInvalid, "read the settings of AWS: %w", err)
	}
	return cfg, nil
}

// parameter reads SSM parameters; those with secrets are decrypted.
func parameter(settings func() (aws.Config, error), decrypt bool) func(context.Context, string) (string, error) {
	return func(ctx context.Context, name string) (string, error) {
		cfg, err := settings()
		if err != nil {
			return "", err
		}
		out, err := ssm.NewFromConfig(cfg).GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
		if err != nil {
			return "", classify("read parameter "+name, err)
		}
		return aws.ToString(out.Parameter.Value), nil
	}
}

// secret reads secrets: of Secrets Manager, or, when the name begins with a slash, of SSM's parameters.
func secret(settings func() (aws.Config, error)) func(context.Context, string) (string, error) {
	look := parameter(settings, true)
	return func(ctx context.Context, name string) (string, error) {
		if strings.HasPrefix(name, "/") {
			return look(ctx, name)
		}
		cfg, err := settings()
		if err != nil {
			return "", err
		}
		out, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &name})
		if err != nil {
			return "", classify("read secret "+name, err)
		}
		if out.SecretString == nil {
			return "", fault.New(fault.ConfigInvalid, "secret %s is no text", name)
		}
		return *out.SecretString, nil
	}
}

// byCode gives the codes of SSM and Secrets Manager a meaning.
var byCode = map[string]fault.Code{
	"ParameterNotFound": fault.NotFound, "ResourceNotFoundException": fault.NotFound,
	"AccessDeniedException": fault.AuthDenied, "UnrecognizedClientException": fault.AuthDenied, "ExpiredTokenException": fault.AuthDenied,
	"InvalidSignatureException": fault.AuthDenied, "DecryptionFailure": fault.AuthDenied, "KMSAccessDeniedException": fault.AuthDenied,
	"ThrottlingException": fault.RateLimited, "TooManyRequestsException": fault.RateLimited, "RequestLimitExceeded": fault.RateLimited,
	"InvalidParameterException": fault.ConfigInvalid, "ValidationException": fault.ConfigInvalid, "InvalidRequestException": fault.ConfigInvalid,
}

// classify gives an error of a client its code. What is not known may pass.
func classify(action string, err error) error {
	var api smithy.APIError
	var response *awshttp.ResponseError
	var network net.Error
	code := fault.Transient
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		code = fault.Timeout
	case errors.Is(err, context.Canceled):
		code = fault.Aborted
	case errors.As(err, &api):
		if known, ok := byCode[api.ErrorCode()]; ok {
			code = known
		} else if errors.As(err, &response) && response.HTTPStatusCode() < 500 {
			code = fault.Internal
		}
		e := fault.New(code, "%s: %s: %s", action, api.ErrorCode(), api.ErrorMessage())
		if code == fault.AuthDenied {
			e = e.WithHint("the function's role must be allowed to read it")
		}
		return e
	case errors.As(err, &network) && network.Timeout():
		code = fault.Timeout
	}
	return fault.New(code, "%s: %w", action, err)
}
