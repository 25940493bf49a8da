//go:build dynamodb

package modeltest_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// local is DynamoDB Local as a function like Server.Call.
type local struct {
	t   testing.TB
	url string
}

// startLocal gives DynamoDB Local: the one at AWS_ENDPOINT_URL_DYNAMODB, or one that it starts from the folder DYNAMODB_LOCAL.
func startLocal(t *testing.T) local {
	t.Helper()
	if url := os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"); url != "" {
		return local{t, url}
	}
	dir := os.Getenv("DYNAMODB_LOCAL")
	if dir == "" {
		t.Fatal("neither AWS_ENDPOINT_URL_DYNAMODB nor DYNAMODB_LOCAL is set: say where DynamoDB Local is")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "java", "-Djava.library.path="+filepath.Join(dir, "DynamoDBLocal_lib"),
		"-jar", filepath.Join(dir, "DynamoDBLocal.jar"), "-inMemory", "-disableTelemetry", "-port", port)
	c.Dir = t.TempDir() // it leaves a file there
	c.WaitDelay = 5 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	d := local{t, "http://127.0.0.1:" + port}
	for range 600 { // a busy machine needs tens of seconds
		if _, _, err = d.try("DynamoDB_20120810.ListTables", []byte("{}")); err == nil {
			return d
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatalf("DynamoDB Local does not answer: %v", err)
	return d
}

// Call sends one operation.
func (d local) Call(target string, body []byte) (int, []byte) {
	status, answer, err := d.try(target, body)
	if err != nil {
		d.t.Fatalf("%s: %v", target, err)
	}
	return status, answer
}

func (d local) try(target string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=model/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, errors.Join(err, resp.Body.Close())
}

var _ caller = local{}
