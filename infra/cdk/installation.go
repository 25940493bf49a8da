package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// installation is a stack under construction.
type installation struct {
	Settings
	content
	stack      awscdk.Stack
	key        awskms.IKey // nil: keys that AWS manages
	table      awsdynamodb.ITable
	bucket     awss3.IBucket
	bundleFile awss3assets.Asset
	queues     map[string]awssqs.Queue
	functions  map[string]awslambda.Function
	arns       map[infra.Resource][]string // what grants can be for; of a function's own things there is none
}

// newInstallation makes the whole stack in the scope. The error is ConfigInvalid or NotFound for what the data or the settings do not allow.
func newInstallation(scope constructs.Construct, s Settings, c content) (*installation, error) {
	i := &installation{Settings: s, content: c, queues: map[string]awssqs.Queue{}, functions: map[string]awslambda.Function{}, arns: map[infra.Resource][]string{}}
	for _, f := range infra.Functions() {
		file := filepath.Join(s.Functions, f.Name, "bootstrap")
		if _, err := os.Stat(file); err != nil {
			return nil, fault.New(fault.NotFound, "there is no program %s", file).WithHint("make functions builds it")
		}
	}
	i.stack = awscdk.NewStack(scope, text(s.Stack()), i.stackProps())
	for _, k := range sortedKeys(s.Tags) {
		awscdk.Tags_Of(i.stack).Add(text(k), text(s.Tags[k]), nil)
	}
	i.addData()
	i.addQueues()
	i.nameARNs()
	if err := i.addFunctions(); err != nil {
		return nil, err
	}
	if err := i.addMachine(); err != nil {
		return nil, err
	}
	i.addRules()
	if err := i.addSchedules(); err != nil {
		return nil, err
	}
	if err := i.addWatch(); err != nil {
		return nil, err
	}
	i.addOutputs()
	return i, nil
}

func (i *installation) stackProps() *awscdk.StackProps {
	props := &awscdk.StackProps{StackName: text(i.Stack()), Description: text("Lockstep moves data between systems: stage " + i.Stage),
		Env: &awscdk.Environment{Account: either(i.Account, "CDK_DEFAULT_ACCOUNT"), Region: either(i.Region, "CDK_DEFAULT_REGION")}}
	if i.Qualifier != "" {
		props.Synthesizer = awscdk.NewDefaultStackSynthesizer(&awscdk.DefaultStackSynthesizerProps{Qualifier: text(i.Qualifier)})
	}
	return props
}

// either gives the value or that of the environment variable; nil when there is neither.
func either(value, variable string) *string {
	if v := or(value, os.Getenv(variable)); v != "" {
		return &v
	}
	return nil
}

// nameARNs says what the parts of an installation are called in grants. Names are fixed before anything is made, for functions and the
// machine name each other.
func (i *installation) nameARNs() {
	machine := i.Name(infra.Machine)
	i.arns = map[infra.Resource][]string{
		infra.OnAll:        {"*"},
		infra.OnTable:      {*i.table.TableArn()},
		infra.OnBucket:     {*i.bucket.BucketArn()},
		infra.OnAssets:     {i.arn("s3", "", *i.bundleFile.S3BucketName())},
		infra.OnParameter:  {i.arn("ssm", i.place(), "parameter"+i.Parameter())},
		infra.OnMachine:    {i.arn("states", i.place(), "stateMachine:"+machine)},
		infra.OnExecutions: {i.arn("states", i.place(), "execution:"+machine+":*")},
		infra.OnStart:      {i.functionARN("start")},
		infra.OnManaged:    {i.arn("events", i.place(), "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule")},
	}
	for name, q := range i.queues {
		i.arns[infra.Resource(name)] = []string{*q.QueueArn()}
	}
	for _, f := range infra.Functions() {
		if f.Hole != "" {
			i.arns[infra.OnFunctions] = append(i.arns[infra.OnFunctions], i.functionARN(f.Name)+":*")
		}
	}
	if i.key != nil {
		i.arns[infra.OnKey] = []string{i.KMSKey}
	}
}

// arn spells an ARN in the stack's partition. The place is that of i.place, or empty for services without one.
func (i *installation) arn(service, place, resource string) string {
	partition := or(i.Partition, *i.stack.Partition())
	return fmt.Sprintf("arn:%s:%s:%s:%s", partition, service, or(place, ":"), resource)
}

func (i *installation) place() string { return *i.stack.Region() + ":" + *i.stack.Account() }

func (i *installation) functionARN(name string) string {
	return i.arn("lambda", i.place(), "function:"+i.Name(name))
}

// resolve gives the ARNs of a grant's resource; none when the installation has no such thing.
func (i *installation) resolve(r infra.Resource, own map[infra.Resource]string) []string {
	base, inside, nested := strings.Cut(string(r), "/")
	var out []string
	if arn, ok := own[infra.Resource(base)]; ok {
		out = []string{arn}
	} else {
		out = append(out, i.arns[infra.Resource(base)]...)
	}
	if nested {
		for n := range out {
			out[n] += "/" + inside
		}
	}
	return out
}

func text(s string) *string { return &s }

func number(n int) *float64 {
	f := float64(n)
	return &f
}

func boolean(b bool) *bool { return &b }
