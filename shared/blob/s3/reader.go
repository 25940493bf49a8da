package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// reopened is how often a broken connection is made again without having given a byte.
const reopened = 3

// reader reads an object, over several connections where one breaks. Not safe for concurrent use.
type reader struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to be ended
	b      *Bucket
	key    string
	etag   string // what is read must stay this
	size   int64  // of what is to read; -1: not known
	at     int64  // next byte
	body   io.ReadCloser
	broken int   // connections in a row that gave nothing
	err    error // of a connection that could not be made again
}

var _ io.ReadCloser = (*reader)(nil)

func (b *Bucket) open(ctx context.Context, key string, offset int64) (*reader, error) {
	if _, err := b.at(ctx, key); err != nil {
		return nil, err
	}
	if offset < 0 {
		return nil, fault.New(fault.ConfigInvalid, "open object %s from %d", b.shown(key), offset)
	}
	r := &reader{ctx: ctx, b: b, key: key, at: offset}
	if err := r.connect(); err != nil {
		return nil, err
	}
	return r, nil
}

// connect asks for the object from where the reader is.
func (r *reader) connect() error {
	in := &awss3.GetObjectInput{Bucket: &r.b.name, Key: aws.String(r.b.folder + r.key)}
	if r.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	}
	if r.etag != "" {
		in.IfMatch = &r.etag
	}
	out, err := r.b.client.GetObject(r.ctx, in)
	switch code := codeOf(err); {
	case code == invalidRange:
		r.body = eof{}
		return nil
	case r.etag != "" && (code == preconditionFailed || absent(code)):
		return fault.New(fault.Conflict, "object %s was changed while it was read", r.b.shown(r.key)).WithHint("read it again from its beginning")
	case err != nil:
		return r.b.failed("read", r.key, err)
	}
	r.body, r.etag, r.size = out.Body, aws.ToString(out.ETag), -1
	if out.ContentLength != nil {
		r.size = *out.ContentLength
	}
	return nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	for r.err == nil {
		n, err := r.body.Read(p)
		r.at += int64(n)
		if n > 0 {
			r.broken = 0
		}
		switch {
		case err == nil || errors.Is(err, io.EOF):
			return n, err
		case n > 0:
			return n, nil // the next call finds it broken
		case r.ctx.Err() != nil:
			return 0, r.b.failed("read", r.key, r.ctx.Err())
		}
		if r.broken++; r.broken > reopened {
			return 0, r.b.failed("read", r.key, err)
		}
		_ = r.body.Close() // it is broken
		r.err = r.connect()
	}
	return 0, r.err
}

// Close implements io.Closer.
func (r *reader) Close() error { return r.body.Close() }

// eof is the body of what lies behind an object's end.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
func (eof) Close() error             { return nil }
