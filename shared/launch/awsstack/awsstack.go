// Package awsstack is a launch.Installation on AWS: it finds a deployed stack by its outputs and makes the clients for its parts. The command's
// main hands its Opener down; nobody else imports it.
package awsstack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// How clients behave: a call that gets no answer is sent again, after growing waits with full jitter.
const (
	attempts    = 5
	dialTimeout = 3 * time.Second
)

// Options are what an opener needs from other packages beside this one.
type Options struct {
	// Machine makes the state machine of its ARN.
	Machine func(client *sfn.Client, arn string) (launch.Machine, error)
	Now     func() time.Time
	// Attempts is how often a call is sent. Default: 5.
	Attempts int
}

// Stack is an opened installation.
type Stack struct {
	about   launch.About
	state   store.Store
	blobs   blob.Bucket
	machine launch.Machine
	lambda  *lambda.Client
	ssm     *ssm.Client
	sfn     *sfn.Client
	bucket  func(name string) blob.Bucket // another one than the installation's
	now     func() time.Time
}

var _ launch.Installation = (*Stack)(nil)

// Opener finds an installation by the outputs of its stack. Errors: ConfigInvalid (there is no such stack, or it is none of ours), AuthDenied,
// Transient, Timeout, and those of the state table.
func Opener(o Options) func(ctx context.Context, p launch.Place) (launch.Installation, error) {
	return func(ctx context.Context, p launch.Place) (launch.Installation, error) {
		cfg, err := settings(ctx, p, cmp.Or(o.Attempts, attempts))
		if err != nil {
			return nil, err
		}
		s := &Stack{lambda: lambda.NewFromConfig(cfg), ssm: ssm.NewFromConfig(cfg), sfn: sfn.NewFromConfig(cfg), now: o.Now}
		if s.about, err = find(ctx, cloudformation.NewFromConfig(cfg), p.Stack); err != nil {
			return nil, err
		}
		s.about.Region = cfg.Region
		if s.machine, err = o.Machine(s.sfn, s.about.Machine); err != nil {
			return nil, err
		}
		objects := s3.Client(cfg, p.Endpoint)
		s.bucket = func(name string) blob.Bucket { return s3.New(objects, name, "") }
		s.blobs = s.bucket(s.about.Bucket)
		opened, err := dynamo.Open(ctx, dynamo.Options{Client: dynamodb.NewFromConfig(cfg), Table: s.about.Table, Now: o.Now})
		if err != nil {
			return nil, err
		}
		s.state = opened
		return s, nil
	}
}

// settings reads AWS's own settings; what the place says comes first.
func settings(ctx context.Context, p launch.Place, attempts int) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })
	with := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client), config.WithRetryMaxAttempts(attempts), config.WithLogger(logging.Nop{}), // a log would write to the terminal
		config.WithRegion(p.Region),
	}
	if p.Endpoint != "" {
		with = append(with, config.WithBaseEndpoint(p.Endpoint))
	}
	if p.Profile != "" {
		with = append(with, config.WithSharedConfigProfile(p.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return cfg, fault.New(fault.ConfigInvalid, "read the settings of AWS: %w", err).WithHint("check AWS_PROFILE, --profile and ~/.aws/config")
	}
	if cfg.Region == "" {
		return cfg, fault.New(fault.ConfigInvalid, "the Region of the installation is not known").WithHint("write --region, or set AWS_REGION")
	}
	return cfg, nil
}

// find reads the outputs of a stack.
func find(ctx context.Context, client *cloudformation.Client, name string) (launch.About, error) {
	about := launch.About{Stack: name}
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		if strings.Contains(err.Error(), "does not exist") {
			return about, fault.New(fault.ConfigInvalid, "there is no stack %s", name).WithHint("write --stack, or set LOCKSTEP_STACK; check the Region and the account; make deploy deploys one")
		}
		return about, failed("look for stack "+name, err)
	}
	fields := map[string]*string{infra.OutputTable: &about.Table, infra.OutputBucket: &about.Bucket, infra.OutputBundle: &about.Parameter,
		infra.OutputMachine: &about.Machine, infra.OutputStart: &about.Function}
	if len(out.Stacks) > 0 {
		for _, o := range out.Stacks[0].Outputs {
			if to := fields[aws.ToString(o.OutputKey)]; to != nil {
				*to = aws.ToString(o.OutputValue)
			}
		}
	}
	for key, v := range fields {
		if *v == "" {
			return about, fault.New(fault.ConfigInvalid, "stack %s is no installation of Lockstep: it has no output %s", name, key).WithHint("name the stack with --stack, or deploy it again")
		}
	}
	return about, nil
}

// About implements launch.Installation.
func (s *Stack) About() launch.About { return s.about }

// State implements launch.Installation.
func (s *Stack) State() store.Store { return s.state }

// Blobs implements launch.Installation.
func (s *Stack) Blobs() blob.Bucket { return s.blobs }

// Machine implements launch.Installation.
func (s *Stack) Machine() launch.Machine { return s.machine }

// Close implements launch.Installation.
func (s *Stack) Close() error { return s.state.Close() }

// refusal is how a function says that it failed.
type refusal struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Start implements launch.Installation.
func (s *Stack) Start(ctx context.Context, r launch.Request) (launch.Answer, error) {
	var a launch.Answer
	payload, err := json.Marshal(r)
	if err != nil {
		return a, fault.New(fault.ConfigInvalid, "the parameters of the run cannot be written as JSON: %w", err)
	}
	out, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.about.Function, Payload: payload})
	if err != nil {
		return a, failed("call function "+s.about.Function, err)
	}
	if out.FunctionError != nil {
		var said refusal
		if err := json.Unmarshal(out.Payload, &said); err != nil {
			return a, fault.New(fault.Internal, "function %s failed: %s", s.about.Function, aws.ToString(out.FunctionError))
		}
		return a, fault.New(codeOf(said.Type), "%s", said.Message)
	}
	if err := json.Unmarshal(out.Payload, &a); err != nil {
		return a, fault.New(fault.Internal, "function %s gave an answer that cannot be read: %w", s.about.Function, err)
	}
	return a, nil
}

// codeOf gives the code that a function's errorType names.
func codeOf(name string) fault.Code {
	for _, c := range fault.Codes {
		if "Lockstep."+string(c) == name {
			return c
		}
	}
	return fault.Internal
}

// Bundle implements launch.Installation.
func (s *Stack) Bundle(ctx context.Context) (*bundle.Bundle, error) {
	out, err := s.ssm.GetParameter(ctx, &ssm.GetParameterInput{Name: &s.about.Parameter})
	if err != nil {
		var none *ssmtypes.ParameterNotFound
		if errors.As(err, &none) {
			return nil, fault.New(fault.NotFound, "no jobs are deployed: there is no parameter %s", s.about.Parameter).WithHint("lockstep apply --aws deploys them")
		}
		return nil, failed("read parameter "+s.about.Parameter, err)
	}
	place := aws.ToString(out.Parameter.Value)
	bucket, key, err := bundle.SplitPlace(place)
	if err != nil {
		return nil, err
	}
	from := s.blobs
	if bucket != s.about.Bucket { // a bundle that came with the deployment lies among its assets
		from = s.bucket(bucket)
	}
	return bundle.Load(ctx, from, key)
}

// Apply implements launch.Installation.
func (s *Stack) Apply(ctx context.Context, data []byte) (string, error) {
	key, err := bundle.Store(ctx, s.blobs, data)
	if err != nil {
		return "", err
	}
	_, err = s.ssm.PutParameter(ctx, &ssm.PutParameterInput{
		Name: &s.about.Parameter, Value: aws.String(bundle.Place(s.about.Bucket, key)), Overwrite: aws.Bool(true), Type: ssmtypes.ParameterTypeString,
	})
	if err != nil {
		return key, fmt.Errorf("the bundle is stored, but it is not current: %w", failed("set parameter "+s.about.Parameter, err))
	}
	return key, nil
}
