//go:build localstack

package s3_test

import (
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/blobtest"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
)

// TestContract_LocalStack holds the bucket against a real server, each test in a bucket of its own.
func TestContract_LocalStack(t *testing.T) {
	endpoint := os.Getenv("AWS_ENDPOINT_URL_S3")
	if endpoint == "" {
		t.Fatal("no LocalStack: set AWS_ENDPOINT_URL_S3")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	client := awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &endpoint, UsePathStyle: true, HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	var n atomic.Int32
	blobtest.Run(t, func(t *testing.T) blobtest.Place {
		bucket := fmt.Sprintf("lockstep-contract-%d-%d-%d", os.Getpid(), time.Now().UnixNano(), n.Add(1))
		if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
		return func(*testing.T) blob.Bucket { return s3.New(client, bucket, "a folder/of keys") }
	})
}
