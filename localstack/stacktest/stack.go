//go:build localstack

package stacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

const region = "us-east-1"

// Stack is a deployed installation with clients for its account. Safe for concurrent use.
type Stack struct {
	infra.Installation
	Account  string
	Endpoint string
	Outputs  map[string]string // by the names of package infra
	Template string            // path of the synthesized CloudFormation template

	SFN    *sfn.Client
	Lambda *lambda.Client
	S3     *s3.Client
	Dynamo *dynamodb.Client
	Store  store.Store // the state, as the functions keep it

	folder string
}

// Options say what Deploy makes.
type Options struct {
	Config    string // folder of the project
	Stage     string // default: t and the account's last digits, so that names are told apart on one machine too
	Functions string // folder of built functions; "" builds them
}

// New makes the clients of an account without deploying anything.
func New(account string) (*Stack, error) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		return nil, fmt.Errorf(`no LocalStack: make test-localstack starts it; or eval "$(./localstack/up env)"`)
	}
	keys := credentials.NewStaticCredentialsProvider(account, "test", "")
	return &Stack{
		Account: account, Endpoint: endpoint,
		SFN:    sfn.New(sfn.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys}),
		Lambda: lambda.New(lambda.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys}),
		S3:     s3.New(s3.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys, UsePathStyle: true}),
		Dynamo: dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: &endpoint, Credentials: keys}),
	}, nil
}

// Deploy deploys the project by the CDK's command, once more upon what is there already, and connects to the result.
func (s *Stack) Deploy(ctx context.Context, o Options) error {
	s.Installation = infra.Installation{Prefix: infra.DefaultPrefix, Stage: o.Stage}
	if o.Stage == "" {
		s.Stage = "t" + s.Account[4:]
	}
	root, err := Root()
	if err != nil {
		return err
	}
	if s.folder == "" {
		if s.folder, err = os.MkdirTemp("", "lockstep-cdk-"); err != nil {
			return err
		}
	}
	out := filepath.Join(s.folder, "out")
	cmd := exec.CommandContext(ctx, filepath.Join(root, "localstack", "deploy"), o.Config, s.Stage)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+s.Account, "CDK_OUTPUT="+out)
	if o.Functions != "" {
		cmd.Env = append(cmd.Env, "FUNCTIONS="+o.Functions)
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("deploy: %w\n%s", err, log.String())
	}
	s.Template = filepath.Join(out, s.Stack()+".template.json")
	return s.connect(ctx, filepath.Join(out, "outputs.json"))
}

func (s *Stack) connect(ctx context.Context, outputs string) error {
	data, err := os.ReadFile(outputs)
	if err != nil {
		return err
	}
	var all map[string]map[string]string
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("read %s: %w", outputs, err)
	}
	s.Outputs = all[s.Stack()]
	for _, name := range []string{infra.OutputTable, infra.OutputBucket, infra.OutputBundle, infra.OutputMachine, infra.OutputStart} {
		if s.Outputs[name] == "" {
			return fmt.Errorf("the stack has no output %s: %v", name, s.Outputs)
		}
	}
	s.Store, err = dynamo.Open(ctx, dynamo.Options{Client: s.Dynamo, Table: s.Outputs[infra.OutputTable]})
	return err
}

// Close frees what the stack holds on this machine, and silences its rules, for LocalStack goes on.
func (s *Stack) Close(ctx context.Context) error {
	for _, r := range infra.Rules() {
		if s.Stage == "" {
			break
		}
		if err := s.Rule(ctx, s.Name(r.Name), false); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.folder)
}

// Rule enables or disables a rule of EventBridge.
func (s *Stack) Rule(ctx context.Context, name string, on bool) error {
	action := map[bool]string{true: "EnableRule", false: "DisableRule"}[on]
	return s.Events(ctx, action, map[string]any{"Name": name}, nil)
}

// Events calls EventBridge: it has a client of its own nowhere else in the product. LocalStack reads the account out of the signature and
// checks no more of it.
func (s *Stack) Events(ctx context.Context, action string, in, out any) error {
	return s.post(ctx, s.Endpoint+"/", "AWSEvents."+action, in, out)
}

// Setting changes a setting of LocalStack while it runs, for all accounts.
func (s *Stack) Setting(ctx context.Context, name string, value any) error {
	return s.post(ctx, s.Endpoint+"/_localstack/config", "", map[string]any{"variable": name, "value": value}, nil)
}

func (s *Stack) post(ctx context.Context, url, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	if target != "" {
		q.Header.Set("Content-Type", "application/x-amz-json-1.1")
		q.Header.Set("X-Amz-Target", target)
		q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.Account+"/20260101/"+region+"/events/aws4_request, SignedHeaders=host, Signature=0")
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer func() { _ = a.Body.Close() }()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(a.Body); err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", url, target, a.Status, answer.String())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer.Bytes(), out)
}

// Root is the repository's folder.
func Root() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		return "", fmt.Errorf("the sources are not where they were built")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(file))), nil
}
