package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/blob/blobtest"
	"github.com/lockstep-data/lockstep/shared/blob/s3"
	"github.com/lockstep-data/lockstep/shared/fault"
)

func TestContract(t *testing.T) {
	s := serve(t)
	n := 0
	blobtest.Run(t, func(*testing.T) blobtest.Place {
		n++
		bucket := fmt.Sprint("bucket-", n)
		return func(*testing.T) blob.Bucket { return s3.New(s.client(), bucket, "a folder/of keys") }
	})
}

// TestFolder: what a bucket with a folder writes lies in it, and what lies beside it is not seen.
func TestFolder(t *testing.T) {
	s := serve(t)
	all, in := s3.New(s.client(), "bucket", ""), s3.New(s.client(), "bucket", "/in/side/")
	for b, key := range map[*s3.Bucket]string{all: "in/sidewards", in: "key"} {
		if ok, err := b.Create(t.Context(), key, []byte(key)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	for b, want := range map[blob.Bucket][]string{all: {"in/side/key", "in/sidewards"}, in: {"key"}} {
		if got, err := blob.Keys(t.Context(), b, ""); err != nil || !cmp.Equal(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, err := in.Create(t.Context(), strings.Repeat("k", 1020), nil); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("a key that the folder makes too long: %v", err)
	}
}

func answers(status int, code string) func(*server, http.ResponseWriter, *http.Request) {
	return func(_ *server, w http.ResponseWriter, r *http.Request) { say(w, r, status, code) }
}

// lose does the request and drops the connection in the place of an answer.
func lose(s *server, _ http.ResponseWriter, r *http.Request) {
	s.answer(discard{http.Header{}}, r)
	panic(http.ErrAbortHandler)
}

// discard takes an answer that nobody gets.
type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// TestPasses: what may pass is tried again, and the caller does not see it.
func TestPasses(t *testing.T) {
	faults := map[string]func(*server, http.ResponseWriter, *http.Request){
		"conflict of conditions": answers(409, "ConditionalRequestConflict"),
		"conflict of operations": answers(409, "OperationAborted"),
		"internal error":         answers(500, "InternalError"),
		"unavailable":            answers(503, "ServiceUnavailable"),
		"slow down":              answers(503, "SlowDown"),
		"no answer":              func(*server, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, meet := range faults {
		for what, call := range map[string]func(b *s3.Bucket) error{
			"create": func(b *s3.Bucket) error {
				ok, err := b.Create(t.Context(), "new", []byte("x"))
				if err == nil && !ok {
					return errors.New("answers false")
				}
				return err
			},
			"put": func(b *s3.Bucket) error { _, err := b.Put(t.Context(), "made", []byte("y"), ""); return err },
			"get": func(b *s3.Bucket) error {
				data, _, err := b.Get(t.Context(), "there")
				if err == nil && string(data) != "content" {
					return fmt.Errorf("got %q", data)
				}
				return err
			},
			"stat":   func(b *s3.Bucket) error { _, err := b.Stat(t.Context(), "there"); return err },
			"delete": func(b *s3.Bucket) error { return b.Delete(t.Context(), "there") },
			"list":   func(b *s3.Bucket) error { _, err := blob.Keys(t.Context(), b, ""); return err },
		} {
			if strings.HasPrefix(name, "conflict") && what != "create" && what != "put" {
				continue // nothing else has conditions
			}
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				s := serve(t)
				b := s3.New(s.client(), "bucket", "")
				if _, err := b.Create(t.Context(), "there", []byte("content")); err != nil {
					t.Fatal(err)
				}
				s.next(meet)
				if err := call(b); err != nil {
					t.Error(err)
				}
				if got := s.sent(); got != 2 {
					t.Errorf("%d requests, want 2", got)
				}
			})
		}
	}
}

// TestLostAnswer: a write whose answer was lost is there, and its repetition says what the contract allows.
func TestLostAnswer(t *testing.T) {
	s := serve(t)
	b := s3.New(s.client(), "bucket", "")
	s.next(lose)
	if created, err := b.Create(t.Context(), "a", []byte("one")); created || err != nil {
		t.Errorf("create: %t, %v", created, err)
	}
	s.next(lose)
	if _, err := b.Put(t.Context(), "b", []byte("two"), ""); !fault.Has(err, fault.Conflict) {
		t.Errorf("put: got %v, want Conflict", err)
	}
	s.next(lose)
	if err := b.Delete(t.Context(), "b"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if got, err := blob.Keys(t.Context(), b, ""); err != nil || !cmp.Equal(got, []string{"a"}) {
		t.Errorf("there is %q, %v", got, err)
	}
}

// TestCodes: what S3 says for good becomes a code, with what to do, and is not tried again.
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   fault.Code
	}{
		{403, "AccessDenied", fault.AuthDenied}, {403, "ExpiredToken", fault.AuthDenied}, {403, "SignatureDoesNotMatch", fault.AuthDenied},
		{403, "InvalidAccessKeyId", fault.AuthDenied}, {404, "NoSuchBucket", fault.ConfigInvalid}, {301, "PermanentRedirect", fault.ConfigInvalid},
		{400, "AuthorizationHeaderMalformed", fault.ConfigInvalid}, {400, "EntityTooLarge", fault.QuotaExceeded},
		{403, "SomethingNew", fault.AuthDenied}, {400, "SomethingNew", fault.Internal},
	} {
		t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
			s := serve(t)
			b := s3.New(s.client(), "bucket", "")
			s.next(answers(c.status, c.code))
			_, err := b.Create(t.Context(), "a", nil)
			if !fault.Has(err, c.want) || !strings.Contains(err.Error(), "s3://bucket/a") || s.sent() != 1 {
				t.Errorf("%d requests, %s: %v", s.sent(), fault.CodeOf(err), err)
			}
		})
	}
}

// TestHeadCodes: HEAD's answers have no body; their status is all there is.
func TestHeadCodes(t *testing.T) {
	for status, want := range map[int]fault.Code{403: fault.AuthDenied, 404: fault.NotFound, 301: fault.ConfigInvalid, 400: fault.ConfigInvalid} {
		s := serve(t)
		b := s3.New(s.client(), "bucket", "")
		s.next(answers(status, "unseen"))
		if _, err := b.Stat(t.Context(), "a"); !fault.Has(err, want) {
			t.Errorf("%d: got %v (%s), want %s", status, err, fault.CodeOf(err), want)
		}
	}
}

func TestNoBucket(t *testing.T) {
	b := s3.New(serve(t).client(), "no-such-bucket", "")
	if _, err := blob.Keys(t.Context(), b, ""); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("list: %v", err)
	}
	if err := b.Delete(t.Context(), "a"); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("delete: %v", err)
	}
	if _, err := b.Read(t.Context(), "a"); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("read: %v", err)
	}
}

// half gives the first bytes of an object and drops the connection.
func half(s *server, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	o := s.objects[strings.TrimPrefix(r.URL.Path, "/")]
	s.mu.Unlock()
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Content-Length", fmt.Sprint(len(o.data)))
	_, _ = w.Write(o.data[:len(o.data)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// TestOpen_Broken: a connection that breaks in the middle is made again from where it was, if the object is still the same.
func TestOpen_Broken(t *testing.T) {
	s := serve(t)
	b := s3.New(s.client(), "bucket", "")
	want := strings.Repeat("0123456789", 10_000)
	if _, err := b.Create(t.Context(), "a", []byte(want)); err != nil {
		t.Fatal(err)
	}
	s.next(half)
	got, err := b.Read(t.Context(), "a")
	if err != nil || string(got) != want {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if r := s.seen[1]; r.Header.Get("Range") != "bytes=50000-" || r.Header.Get("If-Match") == "" {
		t.Errorf("asked again with %v", r.Header)
	}

	s.next(half, func(s *server, w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		o := s.objects["bucket/a"]
		s.objects["bucket/a"] = object{o.data[1:], `"another"`, o.at}
		s.mu.Unlock()
		s.answer(w, r)
	})
	if _, err := b.Read(t.Context(), "a"); !fault.Has(err, fault.Conflict) {
		t.Errorf("an object that changes: %v, want Conflict", err)
	}
}

// TestOpen_Dead: an object of which no byte ever comes is Transient in the end.
func TestOpen_Dead(t *testing.T) {
	s := serve(t)
	b := s3.New(s.client(), "bucket", "")
	if _, err := b.Create(t.Context(), "a", []byte("content")); err != nil {
		t.Fatal(err)
	}
	none := func(_ *server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "7")
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	s.next(none, none, none, none)
	r, err := b.Open(t.Context(), "a", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := io.ReadAll(iotest.OneByteReader(r)); !fault.Has(err, fault.Transient) {
		t.Errorf("got %v, want Transient", err)
	}
}

func TestOpener(t *testing.T) {
	s := serve(t)
	for k, v := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": "",
		"AWS_ENDPOINT_URL_S3": "", "AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_PROFILE": ""} {
		t.Setenv(k, v)
	}
	openers := blob.Local().With(s3.Scheme, s3.Opener())
	b, err := openers.Open(t.Context(), "s3://bucket/in/side?region=us-east-1&endpoint="+url.QueryEscape(s.URL))
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := b.Create(t.Context(), "a", nil); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, there := s.objects["bucket/in/side/a"]; !there {
		t.Errorf("it lies elsewhere: %v", s.objects)
	}
	for _, bad := range []string{"s3://", "s3:///a", "s3://B_ucket", "s3://bucket/../a", "s3://bucket?speed=1", "s3://bucket" /* no Region */} {
		if _, err := openers.Open(t.Context(), bad); !fault.Has(err, fault.ConfigInvalid) {
			t.Errorf("%s: got %v, want ConfigInvalid", bad, err)
		}
	}
	with := blob.Local().With(s3.Scheme, s3.With(s.client()))
	if _, err := with.Open(t.Context(), "s3://bucket?region=eu-central-1"); !fault.Has(err, fault.ConfigInvalid) {
		t.Errorf("another Region than the client's: %v", err)
	}
	if b, err = with.Open(t.Context(), "s3://bucket/in"); err != nil {
		t.Fatal(err)
	}
	if got, err := blob.Keys(t.Context(), b, ""); err != nil || !cmp.Equal(got, []string{"side/a"}) {
		t.Errorf("got %q, %v", got, err)
	}
}
