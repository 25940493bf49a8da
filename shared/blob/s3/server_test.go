package s3_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // it is what S3's ETags are
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// server speaks as much of S3's language as a bucket needs, with the conditions, pages of 1,000 keys and times in whole seconds. Faults come
// before it; LocalStack's S3 runs the same suite under the tag localstack.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]object // by bucket and key
	requests
}

type object struct {
	data []byte
	etag string
	at   time.Time
}

// requests are those that came, and what the next ones meet.
type requests struct {
	seen []*http.Request
	meet []func(s *server, w http.ResponseWriter, r *http.Request) // the first that is there is taken
}

func serve(t *testing.T) *server {
	s := &server{objects: map[string]object{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

// client calls the server; no wait between its tries is long.
func (s *server) client() *awss3.Client {
	return awss3.New(awss3.Options{Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true, HTTPClient: s.Server.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// next makes the next requests meet a fault, one each.
func (s *server) next(meet ...func(*server, http.ResponseWriter, *http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meet, s.seen = meet, nil
}

// sent counts the requests since next.
func (s *server) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.seen = append(s.seen, r)
	var meet func(*server, http.ResponseWriter, *http.Request)
	if len(s.meet) > 0 {
		meet, s.meet = s.meet[0], s.meet[1:]
	}
	s.mu.Unlock()
	if meet != nil {
		meet(s, w, r)
		return
	}
	s.answer(w, r)
}

// answer does what a request asks for.
func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, key, isObject := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	name := strings.TrimPrefix(r.URL.Path, "/")
	o, there := s.objects[name]
	switch {
	case strings.HasPrefix(name, "no-such-bucket"):
		say(w, r, 404, "NoSuchBucket")
	case r.Method == http.MethodGet && (!isObject || key == ""):
		s.list(w, r, strings.TrimSuffix(name, "/")+"/")
	case r.Method == http.MethodPut:
		s.put(w, r, name, body)
	case r.Method == http.MethodDelete:
		delete(s.objects, name)
		w.WriteHeader(204)
	case !there:
		say(w, r, 404, "NoSuchKey")
	case r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != o.etag:
		say(w, r, 412, "PreconditionFailed")
	default:
		get(w, r, o)
	}
}

func (s *server) put(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	o, there := s.objects[name]
	match := r.Header.Get("If-Match")
	switch {
	case r.Header.Get("Content-Encoding") != "":
		say(w, r, 501, "NotImplemented")
		return
	case match != "" && !there:
		say(w, r, 404, "NoSuchKey")
		return
	case r.Header.Get("If-None-Match") == "*" && there, match != "" && match != o.etag:
		say(w, r, 412, "PreconditionFailed")
		return
	}
	sum := md5.Sum(body) //nolint:gosec // see above
	o = object{body, `"` + hex.EncodeToString(sum[:]) + `"`, time.Now().Truncate(time.Second)}
	s.objects[name] = o
	w.Header().Set("ETag", o.etag)
}

func get(w http.ResponseWriter, r *http.Request, o object) {
	data, code := o.data, 200
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		n, err := strconv.ParseInt(strings.TrimSuffix(from, "-"), 10, 64)
		if err != nil || n >= int64(len(data)) {
			say(w, r, 416, "InvalidRange")
			return
		}
		data, code = data[n:], 206
	}
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Last-Modified", o.at.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(data) // the client may have gone
	}
}

// listed is an answer of ListObjectsV2.
type listed struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []entry
}

type entry struct {
	Key, ETag, LastModified string
	Size                    int
}

func (s *server) list(w http.ResponseWriter, r *http.Request, bucket string) {
	q := r.URL.Query()
	var out listed
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		key, ours := strings.CutPrefix(name, bucket)
		if !ours || !strings.HasPrefix(key, q.Get("prefix")) || q.Get("continuation-token") != "" && key <= q.Get("continuation-token") {
			continue
		}
		if len(out.Contents) == 1000 {
			out.IsTruncated = true
			last, _ := url.QueryUnescape(out.Contents[999].Key)
			out.NextContinuationToken = last
			break
		}
		o := s.objects[name]
		if q.Get("encoding-type") == "url" {
			key = url.QueryEscape(key)
		}
		out.Contents = append(out.Contents, entry{key, o.etag, o.at.UTC().Format("2006-01-02T15:04:05.000Z"), len(o.data)})
	}
	answer, err := xml.Marshal(out)
	if err != nil {
		say(w, r, 500, "InternalError")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(answer) // the client may have gone
}

// say answers an error as S3 does: none of it in the body of HEAD.
func say(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		var text bytes.Buffer
		_ = xml.EscapeText(&text, []byte("made up")) // into memory
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, text.String())
	}
}
