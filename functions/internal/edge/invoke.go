package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// margin is how long before Lambda's deadline an invocation stops: what is under way is rolled back or committed, recorded and answered in it.
const margin = 5 * time.Second

// invocation is one of them, as its log lines tell.
type invocation struct {
	Name      string // of the function
	Request   string
	Trace     string
	Bundle    string
	Job       string
	Run       string
	Stream    string
	Part      string
	Seq       int64
	Execution string
	Started   time.Time
	Left      time.Duration // until Lambda ends it
}

// Invoke implements lambda.Handler. Every error is a messages.InvokeResponse_Error with a name of the closed list.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.begin(ctx, payload)
	f.request = i.Request
	ctx, cancel := context.WithDeadline(withInvocation(ctx, i), i.stop())
	defer cancel()
	result, err := f.attempt(ctx, i, payload)
	if f.denied(i, err) { // the secret may have been changed since it was read
		f.log.InfoContext(ctx, "access was denied, secrets are read again")
		result, err = f.attempt(ctx, i, payload)
	}
	var data []byte
	if err == nil {
		data, err = encode(result)
	}
	return data, f.end(ctx, i, result, err)
}

// begin finds out what the invocation is about, as far as its payload tells.
func (f *Function) begin(ctx context.Context, payload []byte) *invocation {
	i := &invocation{Name: f.o.Name, Started: f.o.Now()}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		i.Request = lc.AwsRequestID
	}
	if i.Request == "" {
		i.Request = f.o.Random()
	}
	i.Trace, _ = ctx.Value("x-amzn-trace-id").(string) // as Lambda's library names it
	i.Left = time.Minute
	if d, ok := ctx.Deadline(); ok {
		i.Left = time.Until(d)
	}
	var about struct {
		Job, Run, Bundle, Name, Execution string
		Item                              struct {
			Stream, Partition string
			Seq               int64
		}
		Input  struct{ Job, Run string }
		Detail struct{ Name, Input string } // of the event that an execution has ended
	}
	_ = json.Unmarshal(payload, &about) // the act says what is wrong with it
	i.Job, i.Run, i.Bundle, i.Execution = about.Job, about.Run, about.Bundle, about.Execution
	if about.Detail.Name != "" {
		about.Name = about.Detail.Name
		_ = json.Unmarshal([]byte(about.Detail.Input), &about.Input)
	}
	if i.Job == "" {
		i.Job, i.Run = about.Input.Job, about.Input.Run
		if i.Run == "" {
			i.Run = about.Name
		}
	}
	if i.Stream, i.Part = about.Item.Stream, about.Item.Partition; i.Part != "" {
		i.Seq = about.Item.Seq + 1
	}
	return i
}

// stop is when the invocation must not begin anything more: a tenth of its time earlier where it has little.
func (i *invocation) stop() time.Time {
	return time.Now().Add(i.Left - min(margin, i.Left/10))
}

// attempt does the act; a panic becomes an error.
func (f *Function) attempt(ctx context.Context, i *invocation, payload []byte) (result any, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	w, err := f.connected(ctx, i)
	if err != nil {
		return nil, err
	}
	w.StepTimeout = i.Left.Round(time.Second)
	f.forgetOld(i)
	return f.act(ctx, w, payload)
}

// denied says whether the act is worth a second try with fresh secrets, and drops those that it had.
func (f *Function) denied(i *invocation, err error) bool {
	if !fault.Has(err, fault.AuthDenied) || f.world == nil || i.Job == "" {
		return false
	}
	f.world.Parts.Jobs.Forget(i.Bundle, i.Job)
	if err := f.world.Close(); err != nil { // connectors hold what they were opened with
		f.log.Warn("connectors not closed", "err", err)
	}
	return true
}

// connected gives the world, which is made once.
func (f *Function) connected(ctx context.Context, i *invocation) (*World, error) {
	if f.world != nil {
		return f.world, nil
	}
	s, err := readSettings(f.o.Env)
	if err != nil {
		return nil, err
	}
	if s.Machine == "" { // a function that the machine's definition names cannot be told the machine: each would need the other first
		s.Machine = machineOf(i.Execution)
	}
	connect := f.o.Connect
	if connect == nil {
		connect = connectAWS
	}
	parts, err := connect(ctx, f.o, s)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	f.redact.use(parts.Jobs.Redact)
	var prover store.Prover
	if parts.Machine != nil {
		prover = launch.Prover{Machine: parts.Machine}
	}
	dir, _ := f.o.Env("LAMBDA_TASK_ROOT")
	f.world = &World{Settings: s, Parts: parts, Env: &step.Env{
		Protocol: store.Protocol{Store: parts.Store, Prover: prover, Now: f.o.Now, NewRVN: f.o.Random, Jitter: jitter},
		Blobs:    parts.Blobs, Catalog: f.o.Catalog, Jobs: parts.Jobs, Log: f.log, Now: f.o.Now, Sleep: sleep,
		Request: func() string { return f.request }, Holder: func(execution string) string { return execution },
		Dir: dir, Version: f.o.Version, Compression: record.LZ4, Redact: parts.Jobs.Redact,
	}}
	return f.world, nil
}

// machineOf gives the ARN of the machine that an execution is of, "" for a name that is no ARN.
func machineOf(execution string) string {
	parts := strings.Split(execution, ":")
	if len(parts) != 8 || parts[5] != "execution" {
		return ""
	}
	parts[5] = "stateMachine"
	return strings.Join(parts[:7], ":")
}

// run names a run that the process has worked for.
type run struct{ job, id string }

// maxRuns is how many runs a process keeps plans and compiled chains of.
const maxRuns = 4

// forgetOld frees what belongs to runs that this process has not seen for long.
func (f *Function) forgetOld(i *invocation) {
	this := run{i.Job, i.Run}
	kept := []run{this}
	for _, r := range f.recent {
		switch {
		case r == this:
		case len(kept) < maxRuns:
			kept = append(kept, r)
		default:
			f.world.Forget(r.job, r.id)
		}
	}
	f.recent = kept
}

// encode makes the answer.
func encode(result any) ([]byte, error) {
	data, err := json.Marshal(result)
	if err != nil {
		return nil, fault.New(fault.Internal, "the answer cannot be written as JSON: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, fault.New(fault.QuotaExceeded, "the answer has %d bytes, a state may give %d", len(data), maxAnswer)
	}
	return data, nil
}

// end writes the log line and the metrics of the invocation, and gives the error as the state machine knows it.
func (f *Function) end(ctx context.Context, i *invocation, result any, err error) error {
	took := f.o.Now().Sub(i.Started)
	if err == nil {
		f.measure(i, "ok", took, result)
		f.log.InfoContext(ctx, "invocation ended", "ms", took.Milliseconds())
		return nil
	}
	code := codeOf(ctx, err)
	text := f.redact.clean(say(code, err))
	f.measure(i, string(code), took, nil)
	attrs := []any{"ms", took.Milliseconds(), "code", string(code), "err", text}
	var p *panicError
	if errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.stack))
	}
	f.log.ErrorContext(ctx, "invocation failed", attrs...)
	return answer(code, text, err)
}

func jitter(limit time.Duration) time.Duration {
	if limit <= 0 {
		return 0
	}
	return rand.N(limit + 1)
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
