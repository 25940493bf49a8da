//go:build localstack

package awsstep_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch/awsstep"
)

// TestMachine_LocalStack: names, executions and their ends on a real service.
func TestMachine_LocalStack(t *testing.T) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		t.Fatal("no LocalStack: set AWS_ENDPOINT_URL")
	}
	client := sfn.New(sfn.Options{Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	name := fmt.Sprintf("lockstep-awsstep-%d", time.Now().UnixNano())
	made, err := client.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: &name, RoleArn: aws.String("arn:aws:iam::000000000000:role/none"),
		Definition: aws.String(`{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":600,"End":true}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = client.DeleteStateMachine(t.Context(), &sfn.DeleteStateMachineInput{StateMachineArn: made.StateMachineArn}) // it ends with LocalStack
	})
	m, err := awsstep.Open(client, *made.StateMachineArn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Describe(t.Context(), m.ID("none")); !fault.Has(err, fault.NotFound) {
		t.Errorf("no such execution: %v", err)
	}
	input := json.RawMessage(`{"job":"a"}`)
	if existing, err := m.Start(t.Context(), "run-1", input); existing || err != nil {
		t.Fatal(existing, err)
	}
	e, err := m.Describe(t.Context(), m.ID("run-1"))
	if err != nil || !e.Running() || e.Name != "run-1" || string(e.Input) != string(input) {
		t.Errorf("got %+v, %v", e, err)
	}
	if existing, err := m.Start(t.Context(), "run-1", json.RawMessage(`{"job":"b"}`)); !existing || err != nil {
		t.Errorf("the same name with another input: %t, %v", existing, err)
	}
	if err := m.Stop(t.Context(), m.ID("run-1"), "Aborted", "the test ends it"); err != nil {
		t.Error(err)
	}
}
