// Package runtimeapi is Lambda's Runtime API on loopback, as far as a function needs it: next, response, error. Tests and measurements start a function's
// process against it and send it invocations.
package runtimeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// path is before everything that the API serves.
const path = "/2018-06-01/runtime/"

// API is one Runtime API, for one process at a time. Safe for concurrent use; Close ends it.
type API struct {
	Addr string // host:port, for AWS_LAMBDA_RUNTIME_API

	server  *http.Server
	ready   chan struct{} // told for each next that waits
	pending chan *Invocation
	done    chan struct{}

	mu    sync.Mutex
	open  map[string]*Invocation
	calls int
}

// Invocation is what a function is to do.
type Invocation struct {
	Payload string
	Left    time.Duration // until its deadline
	Trace   string        // of X-Ray
	Context string        // the caller's, JSON

	id       string
	answered chan Answer
}

// Answer is what a function answered.
type Answer struct {
	Request string // id of the invocation
	Body    string // of an answer that is no error
	Type    string // of an error
	Message string
}

// New starts an API on a port that the kernel chooses.
func New() (*API, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &API{
		Addr: l.Addr().String(), ready: make(chan struct{}, 1000), pending: make(chan *Invocation), done: make(chan struct{}), open: map[string]*Invocation{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path+"invocation/next", a.next)
	mux.HandleFunc("POST "+path+"invocation/{id}/{how}", a.answer)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(l) }() // ends with Close
	return a, nil
}

// Close ends the API; a process that waits for its next invocation ends with an error.
func (a *API) Close() error {
	close(a.done)
	return a.server.Close()
}

// Ready waits until a process asks for its next invocation.
func (a *API) Ready(ctx context.Context) error {
	select {
	case <-a.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Invoke sends an invocation and gives its answer; the error is that of ctx.
func (a *API) Invoke(ctx context.Context, i Invocation) (Answer, error) {
	a.mu.Lock()
	a.calls++
	i.id = fmt.Sprintf("00000000-0000-4000-8000-%012d", a.calls)
	i.answered = make(chan Answer, 1)
	a.open[i.id] = &i
	a.mu.Unlock()
	select {
	case a.pending <- &i:
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	select {
	case got := <-i.answered:
		return got, nil
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
}

func (a *API) next(w http.ResponseWriter, r *http.Request) {
	select {
	case a.ready <- struct{}{}:
	default: // nobody counts that many
	}
	select {
	case i := <-a.pending:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(i.Left).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:000000000000:function:under-test")
		for name, value := range map[string]string{"Lambda-Runtime-Trace-Id": i.Trace, "Lambda-Runtime-Client-Context": i.Context} {
			if value != "" {
				h.Set(name, value)
			}
		}
		_, _ = io.WriteString(w, i.Payload) // the process may be gone
	case <-r.Context().Done():
	case <-a.done:
	}
}

func (a *API) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	a.mu.Lock()
	i := a.open[r.PathValue("id")]
	delete(a.open, r.PathValue("id"))
	a.mu.Unlock()
	if err != nil || i == nil {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	got := Answer{Request: i.id, Body: string(body)}
	if strings.EqualFold(r.PathValue("how"), "error") {
		var e struct {
			Type    string `json:"errorType"`
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			e.Type, e.Message = "not an error", err.Error()
		}
		got = Answer{Request: i.id, Type: e.Type, Message: e.Message}
	}
	i.answered <- got
	w.WriteHeader(http.StatusAccepted)
}
