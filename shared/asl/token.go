package asl

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
)

// newToken gives a task token. It is unique, and the same in each run of the same execution.
func (r *run) newToken(state string, event int64, retry int) string {
	if r.in.NewToken != nil {
		if t := r.in.NewToken(state); t != "" {
			return t
		}
	}
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s#%d#%d", r.exec.ID, event, retry))
}

// Tokens are the tasks that wait for somebody to answer by their token (developer guide, "Wait for a Callback with Task Token").
// The zero value is ready, and safe for concurrent use.
type Tokens struct {
	mu      sync.Mutex
	waiting map[string]*callback
}

// callback is one waiting task.
type callback struct {
	call   *Call
	ready  chan struct{}
	output json.RawMessage
	err    error
	ended  bool
}

// ErrNoToken is the error of an answer to a token that no task waits for any more.
var ErrNoToken = &Error{Name: "TaskTimedOut", Cause: "Task Timed Out: 'Provided task does not exist anymore'"}

// call calls the service, tells its answer, and then waits for that of the token.
func (t *Tokens) call(ctx context.Context, c *Call, do Task) (json.RawMessage, error) {
	w := &callback{call: c, ready: make(chan struct{})}
	t.mu.Lock()
	if t.waiting == nil {
		t.waiting = make(map[string]*callback)
	}
	t.waiting[c.Token] = w
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.waiting, c.Token)
		t.mu.Unlock()
	}()
	answer, err := do(ctx, c.Arguments)
	if err != nil {
		return nil, err
	}
	c.Submitted(answer)
	c.Wait(ctx, w.ready)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !w.ended {
		return nil, ctx.Err()
	}
	return w.output, w.err
}

// SendTaskSuccess answers a task. A second answer, or one to an unknown token, is ErrNoToken.
func (t *Tokens) SendTaskSuccess(token string, output json.RawMessage) error {
	return t.end(token, output, nil)
}

// SendTaskFailure fails a task; name and cause may both be empty.
func (t *Tokens) SendTaskFailure(token, name, cause string) error {
	return t.end(token, nil, &Error{Name: name, Cause: cause})
}

// SendTaskHeartbeat says that a task is alive.
func (t *Tokens) SendTaskHeartbeat(token string) error {
	t.mu.Lock()
	w := t.waiting[token]
	t.mu.Unlock()
	if w == nil {
		return ErrNoToken
	}
	w.call.Heartbeat()
	return nil
}

func (t *Tokens) end(token string, output json.RawMessage, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.waiting[token]
	if w == nil || w.ended {
		return ErrNoToken
	}
	w.output, w.err, w.ended = output, err, true
	close(w.ready)
	return nil
}
