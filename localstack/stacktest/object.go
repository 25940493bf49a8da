//go:build localstack

package stacktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// MakeBucket makes a bucket.
func (s *Stack) MakeBucket(ctx context.Context, bucket string) error {
	_, err := s.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
	return err
}

// PutFile copies a file of this machine into a bucket.
func (s *Stack) PutFile(ctx context.Context, bucket, key, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, err = s.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(data)})
	return err
}

// Object reads an object.
func (s *Stack) Object(ctx context.Context, bucket, key string) ([]byte, error) {
	out, err := s.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read s3://%s/%s: %w", bucket, key, err)
	}
	defer func() { _ = out.Body.Close() }()
	return io.ReadAll(out.Body)
}

// Keys lists the keys below a prefix.
func (s *Stack) Keys(ctx context.Context, bucket, prefix string) ([]string, error) {
	var out []string
	pages := s3.NewListObjectsV2Paginator(s.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			out = append(out, *o.Key)
		}
	}
	return out, nil
}
