//go:build localstack

package awsstack_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/launch/awsstack"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// TestStack_LocalStack: an installation is found by its stack's outputs, and its table, bucket and parameter work.
func TestStack_LocalStack(t *testing.T) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		t.Fatal("no LocalStack: set AWS_ENDPOINT_URL")
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("lockstep-awsstack-%d", time.Now().UnixNano())
	tables := dynamodb.NewFromConfig(cfg)
	if _, err := dynamo.Create(t.Context(), tables, name, infra.StateTable()); err != nil {
		t.Fatal(err)
	}
	if _, err := s3.Client(cfg, "").CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
	var outputs strings.Builder
	for key, value := range map[string]string{infra.OutputTable: name, infra.OutputBucket: name, infra.OutputBundle: "/" + name, infra.OutputMachine: machineARN, infra.OutputStart: name + "-start"} {
		fmt.Fprintf(&outputs, "  %s: {Value: %q}\n", key, value)
	}
	template := "Resources:\n  Bundle: {Type: \"AWS::SSM::Parameter\", Properties: {Name: \"/" + name + "\", Type: String, Value: none}}\nOutputs:\n" + outputs.String()
	stacks := cloudformation.NewFromConfig(cfg)
	if _, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template}); err != nil {
		t.Fatal(err)
	}
	if err := cloudformation.NewStackCreateCompleteWaiter(stacks).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	open := awsstack.Opener(awsstack.Options{Machine: awsstep.Open, Now: time.Now})
	if _, err := open(t.Context(), launch.Place{Stack: name + "-none"}); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("no such stack: %v", err)
	}
	i, err := open(t.Context(), launch.Place{Stack: name})
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	if _, err := i.Bundle(t.Context()); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("a parameter that names no bundle: %v", err)
	}
	key, err := i.Apply(t.Context(), []byte("{\"format\":1,\"jobs\":[\n]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := i.Bundle(t.Context()); err != nil || b.Key != key {
		t.Errorf("got %+v, %v, want %s", b, err, key)
	}
	p := store.Pause{Job: "a", Since: time.UnixMilli(1_800_000_000_000).UTC()}
	if _, ok, err := i.State().Pause(t.Context(), p); !ok || err != nil {
		t.Error(ok, err)
	}
	if got, err := i.State().Paused(t.Context(), "a"); err != nil || got != p {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, f := range i.Probe(t.Context()) {
		if f.Err != nil && (f.Name == "bucket" || f.Name == "jobs" || f.Name == "state") {
			t.Errorf("%s: %v", f.Name, f.Err)
		}
	}
}
