// Package dynamotest starts AWS's DynamoDB Local for tests, or uses the DynamoDB that AWS_ENDPOINT_URL names. Tests of packages that talk to
// DynamoDB import it.
package dynamotest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/store/dynamo"
)

// The variables that say where DynamoDB is: an address, or the folder of DynamoDB Local that `make test-dynamodb` fetched.
const (
	endpointVariable = "AWS_ENDPOINT_URL"
	folderVariable   = "DYNAMODB_LOCAL"
)

// starting is how long DynamoDB Local may take until it answers.
const starting = 3 * time.Minute

// Main runs a package's tests with DynamoDB: one that is named, or one that lives as long as the tests. Without either, tests that want it
// skip on a laptop and fail in continuous integration.
func Main(m *testing.M) int {
	stop, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dynamodb local:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

func start() (func(), error) {
	nothing := func() {}
	folder := os.Getenv(folderVariable)
	if os.Getenv(endpointVariable) != "" || folder == "" {
		return nothing, nil
	}
	port, err := freePort()
	if err != nil {
		return nothing, err
	}
	cmd := exec.Command("java", "-Xmx1g", "-Djava.library.path="+filepath.Join(folder, "DynamoDBLocal_lib"), "-jar", filepath.Join(folder, "DynamoDBLocal.jar"),
		"-inMemory", "-disableTelemetry", "-port", port)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nothing, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
	}
	endpoint := "http://127.0.0.1:" + port
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(starting); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			return nothing, fmt.Errorf("it ended at once (%w): %s", err, said.String())
		case <-tick.C:
		}
		if answer, err := http.Get(endpoint); err == nil { //nolint:noctx // any answer will do
			_ = answer.Body.Close()
			return stop, os.Setenv(endpointVariable, endpoint)
		}
	}
	stop()
	return nothing, fmt.Errorf("it did not answer within %s: %s", starting, said.String())
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// Endpoint gives the address of DynamoDB, or ends the test: skipped on a laptop, failed in continuous integration.
func Endpoint(t testing.TB) string {
	t.Helper()
	if e := os.Getenv(endpointVariable); e != "" {
		return e
	}
	const why = "no DynamoDB: run make test-dynamodb, or set AWS_ENDPOINT_URL"
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// Client calls the DynamoDB of the tests. More options come last.
func Client(t testing.TB, more ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	endpoint := Endpoint(t)
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 5, RetryMode: aws.RetryModeStandard, Logger: logging.Nop{},
	}, more...)
}

// Table makes the state table under a name of its own and drops it at the end of the test. Its time to live is off: the clock of the tests
// stands in the past, and DynamoDB would delete what they write.
func Table(t testing.TB, client *dynamodb.Client) string {
	t.Helper()
	name := fmt.Sprintf("lockstep-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	def := infra.StateTable()
	def.TTL = ""
	if _, err := dynamo.Create(t.Context(), client, name, def); err != nil {
		t.Fatalf("create table: %v", err)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if err := dynamo.Drop(ctx, client, name); err != nil {
			t.Errorf("drop table: %v", err)
		}
	})
	return name
}
