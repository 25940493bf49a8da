// Package s3 keeps objects in Amazon S3, and in what speaks its language and knows If-None-Match and If-Match. Mains hand its Opener down;
// the functions on AWS make a bucket of a client that they have.
package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/logging"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// How calls are made: one that gets no answer, is throttled or meets another write of its key is sent again, after growing waits with full
// jitter, until the context is over.
const (
	attempts   = 10
	maxBackoff = 5 * time.Second
	page       = 1000 // keys of one answer; S3 gives no more
)

// Bucket is a folder in an S3 bucket. Safe for concurrent use.
type Bucket struct {
	client *awss3.Client
	name   string
	folder string // before every key; empty, or ends in a slash
}

var _ blob.Bucket = (*Bucket)(nil)

// New makes a bucket of a client; folder "" is all of it. The client is used with a retryer of ours and without a log. It calls nobody.
func New(client *awss3.Client, bucket, folder string) *Bucket {
	if folder = strings.Trim(folder, "/"); folder != "" {
		folder += "/"
	}
	return &Bucket{awss3.New(client.Options(), settle), bucket, folder}
}

// settle makes a client try again what the contract of a bucket wants to be tried again. There is no bucket of tokens for tries: the many
// writers of one object would empty it, and the context bounds them.
func settle(o *awss3.Options) {
	o.Logger = logging.Nop{} // it would write to the terminal; errors say what counts
	o.Retryer = retry.AddWithErrorCodes(retry.NewStandard(func(s *retry.StandardOptions) {
		s.MaxAttempts, s.MaxBackoff, s.RateLimiter = attempts, maxBackoff, ratelimit.None
	}), "ConditionalRequestConflict", "OperationAborted")
}

// at gives the name of a key in the bucket, or why it can have none.
func (b *Bucket) at(ctx context.Context, key string) (*string, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, err
	}
	full := b.folder + key
	if err := blob.CheckKey(full); err != nil { // too long, then
		return nil, err
	}
	return &full, b.ended(ctx)
}

// ended gives the error of a context that is over.
func (b *Bucket) ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return b.failed("use", "", err)
	}
	return nil
}

// Create implements blob.Bucket.
func (b *Bucket) Create(ctx context.Context, key string, data []byte) (bool, error) {
	full, err := b.at(ctx, key)
	if err != nil {
		return false, err
	}
	_, err = b.client.PutObject(ctx, &awss3.PutObjectInput{Bucket: &b.name, Key: full, Body: bytes.NewReader(data), IfNoneMatch: aws.String("*")})
	if codeOf(err) == preconditionFailed {
		return false, nil
	}
	return err == nil, b.failed("create", key, err)
}

// Put implements blob.Bucket.
func (b *Bucket) Put(ctx context.Context, key string, data []byte, etag string) (string, error) {
	full, err := b.at(ctx, key)
	if err != nil {
		return "", err
	}
	in := &awss3.PutObjectInput{Bucket: &b.name, Key: full, Body: bytes.NewReader(data)}
	if etag == "" {
		in.IfNoneMatch = aws.String("*")
	} else {
		in.IfMatch = &etag
	}
	out, err := b.client.PutObject(ctx, in)
	switch code := codeOf(err); {
	case err == nil:
		return aws.ToString(out.ETag), nil
	case code == preconditionFailed || etag != "" && absent(code):
		return "", fault.New(fault.Conflict, "object %s was changed by somebody else", b.shown(key))
	}
	return "", b.failed("put", key, err)
}

// Get implements blob.Bucket.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, string, error) {
	r, err := b.open(ctx, key, 0)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = r.Close() }()
	var all bytes.Buffer
	if r.size > 0 {
		all.Grow(int(r.size) + bytes.MinRead)
	}
	if _, err := all.ReadFrom(r); err != nil {
		return nil, "", err
	}
	return all.Bytes(), r.etag, nil
}

// Read implements blob.Bucket.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	data, _, err := b.Get(ctx, key)
	return data, err
}

// Open implements blob.Bucket. A connection that breaks is made again from where it was, as long as the object is the same.
func (b *Bucket) Open(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	r, err := b.open(ctx, key, offset)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Stat implements blob.Bucket.
func (b *Bucket) Stat(ctx context.Context, key string) (blob.Object, error) {
	full, err := b.at(ctx, key)
	if err != nil {
		return blob.Object{}, err
	}
	out, err := b.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &b.name, Key: full})
	if err != nil {
		return blob.Object{}, b.failed("stat", key, err)
	}
	return blob.Object{Key: key, Size: aws.ToInt64(out.ContentLength), ModTime: whole(out.LastModified), ETag: aws.ToString(out.ETag)}, nil
}

// whole cuts a time to the seconds that all of S3's answers agree upon.
func whole(t *time.Time) time.Time { return aws.ToTime(t).Truncate(time.Second) }

// Exists implements blob.Bucket.
func (b *Bucket) Exists(ctx context.Context, key string) (bool, error) {
	_, err := b.Stat(ctx, key)
	if fault.Has(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Delete implements blob.Bucket.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	full, err := b.at(ctx, key)
	if err != nil {
		return err
	}
	_, err = b.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &b.name, Key: full})
	if code := codeOf(err); code != noBucket && absent(code) {
		return nil
	}
	return b.failed("delete", key, err)
}

// List implements blob.Bucket.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		if !utf8.ValidString(prefix) {
			return // no key begins so
		}
		// Keys come encoded as in a URL, since XML cannot hold all of them.
		in := &awss3.ListObjectsV2Input{Bucket: &b.name, Prefix: aws.String(b.folder + prefix), MaxKeys: aws.Int32(page), EncodingType: types.EncodingTypeUrl}
		for {
			if err := b.ended(ctx); err != nil {
				yield(blob.Object{}, err)
				return
			}
			out, err := b.client.ListObjectsV2(ctx, in)
			if err != nil {
				yield(blob.Object{}, b.failed("list", prefix, err))
				return
			}
			if more, err := b.each(ctx, out.Contents, yield); err != nil || !more {
				if err != nil {
					yield(blob.Object{}, err)
				}
				return
			}
			if !aws.ToBool(out.IsTruncated) {
				return
			}
			in.ContinuationToken = out.NextContinuationToken
		}
	}
}

// each gives the objects of a page; false when no more are wanted.
func (b *Bucket) each(ctx context.Context, page []types.Object, yield func(blob.Object, error) bool) (bool, error) {
	for _, o := range page {
		if err := b.ended(ctx); err != nil {
			return false, err
		}
		full, err := url.QueryUnescape(aws.ToString(o.Key))
		if err != nil {
			return false, fault.New(fault.DataInvalid, "list bucket %s: the answer has a key that cannot be decoded: %w", b.name, err)
		}
		if !yield(blob.Object{Key: strings.TrimPrefix(full, b.folder), Size: aws.ToInt64(o.Size), ModTime: whole(o.LastModified), ETag: aws.ToString(o.ETag)}, nil) {
			return false, nil
		}
	}
	return true, nil
}

// Close does nothing: the client is not the bucket's own.
func (b *Bucket) Close() error { return nil }

// shown is a key as people know it.
func (b *Bucket) shown(key string) string { return "s3://" + b.name + "/" + b.folder + key }

// The codes of S3's answers that are no fault.
const (
	preconditionFailed = "PreconditionFailed"
	invalidRange       = "InvalidRange"
	noBucket           = "NoSuchBucket"
)

// codeOf gives the code of S3's answer, "" when there is none.
func codeOf(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	// HEAD has no body, so its answer is known by its status alone.
	switch code := api.ErrorCode(); status(err) {
	case http.StatusPreconditionFailed:
		return preconditionFailed
	case http.StatusRequestedRangeNotSatisfiable:
		return invalidRange
	default:
		return code
	}
}

// absent says whether a code stands for an object that is not there.
func absent(code string) bool { return code == "NoSuchKey" || code == "NotFound" || code == noBucket }
