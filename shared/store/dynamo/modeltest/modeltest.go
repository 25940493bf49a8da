// Package modeltest is a model of DynamoDB in memory, for tests: the real client talks to it through an http.RoundTripper, without a
// socket. It knows what DynamoDB promises, not how fast it is: conditions, updates, filters, transactions with their tokens and
// reasons, limits, pages, consumed capacity, indexes that lag behind. It is held against DynamoDB Local by random programs of calls.
// What it does not know it refuses; it passes over nothing in silence. Only tests import it.
package modeltest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options say how a model behaves where DynamoDB is free to.
type Options struct {
	Now func() time.Time // for the 10 minutes that a token is remembered; nil: a clock that stands still
	Lag func() int       // how many writes the next eventually consistent read does not see, at most 64; nil: none

	Mutate func(Mutation) // may change each write before it is judged; nil: nothing is changed
	Forget bool           // tokens of transactions mean nothing
}

// Server is the model. It is safe for concurrent use; calls take place one after the other.
type Server struct {
	options Options
	mu      sync.Mutex
	tables  map[string]*table
	tokens  map[string]remembered
	usage   Usage
}

// Usage is what a server was asked to do: calls and units by what AWS would bill, refused conditions counted too.
type Usage struct {
	Calls      int
	WriteUnits float64
	ReadUnits  float64
}

var _ http.RoundTripper = (*Server)(nil)

// New makes an empty model.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = func() time.Time { return time.Unix(0, 0) }
	}
	return &Server{options: o, tables: map[string]*table{}, tokens: map[string]remembered{}}
}

// Client gives an HTTP client for the SDK's configuration, whose requests go to the model whatever their address.
func (s *Server) Client() *http.Client { return &http.Client{Transport: s} }

// Usage gives the sums since the model was made.
func (s *Server) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage
}

// Version counts the writes that changed something: two looks at one version see the same.
func (s *Server) Version() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tables {
		n += t.version
	}
	return n
}

// Changes counts the writes to a table's items of one hash key whose sort keys share the part before their first '#'.
func (s *Server) Changes(name, hash, sort string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tables[name]
	if !ok {
		return 0
	}
	return t.changes[area(hash, sort)]
}

// RoundTrip answers one request of the SDK. It gives an error only when the request's body cannot be read or its context has ended.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }() // it is in memory
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, answer := s.Call(r.Header.Get("X-Amz-Target"), body)
	return Response(r, status, answer), nil
}

// Response dresses an answer's JSON as the HTTP response to a request.
func Response(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"MODEL"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
}

// Call answers one operation, named as in the header X-Amz-Target, with the JSON of its request: the HTTP status and the JSON of its answer.
func (s *Server) Call(target string, body []byte) (int, []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage.Calls++
	_, op, _ := strings.Cut(target, ".")
	answer, err := s.do(op, body)
	status := http.StatusOK
	if err != nil {
		status = http.StatusBadRequest
		fail, ok := err.(apiError)
		if !ok {
			fail = apiError{code: "InternalServerError", message: err.Error()}
			status = http.StatusInternalServerError
		}
		answer = fail.body()
	}
	out, err := json.Marshal(answer)
	if err != nil {
		return http.StatusInternalServerError, []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}`)
	}
	return status, out
}

// do gives an operation to its method.
func (s *Server) do(op string, body []byte) (any, error) {
	handlers := map[string]func([]byte) (any, error){
		"PutItem": s.writeItem("Put"), "UpdateItem": s.writeItem("Update"), "DeleteItem": s.writeItem("Delete"),
		"GetItem": s.getItem, "BatchGetItem": s.batchGet, "BatchWriteItem": s.batchWrite,
		"TransactWriteItems": s.transactWrite, "TransactGetItems": s.transactGet,
		"Query": s.query, "Scan": s.scan,
		"CreateTable": s.createTable, "DescribeTable": s.describeTable, "DeleteTable": s.deleteTable, "UpdateTable": s.updateTable,
		"ListTables": s.listTables, "UpdateTimeToLive": s.updateTTL, "DescribeTimeToLive": s.describeTTL,
	}
	h, ok := handlers[op]
	if !ok {
		return nil, apiError{code: "UnknownOperationException", message: "the model does not know " + op}
	}
	return h(body)
}

// table finds a table by its name or ARN.
func (s *Server) table(name string) (*table, error) {
	if i := strings.LastIndex(name, ":table/"); i >= 0 {
		name = name[i+len(":table/"):]
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	t, ok := s.tables[name]
	if !ok {
		return nil, noTable()
	}
	return t, nil
}

// checkName checks the name of a table or an index.
func checkName(name string) error {
	if len(name) < 3 || len(name) > 255 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" {
		return refuse("Invalid table/index name. Table/index names must be between 3 and 255 characters long, of a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	return nil
}

// seen gives the table as a read sees it.
func (s *Server) seen(t *table, consistent bool) *table {
	if consistent || s.options.Lag == nil {
		return t
	}
	return t.before(s.options.Lag())
}
