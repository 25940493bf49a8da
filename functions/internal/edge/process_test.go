package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/functions/internal/edge"
	"github.com/lockstep-data/lockstep/functions/internal/runtimeapi"
	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/step"
)

// asFunction makes the test's own binary a function: the real loop, the real edge, and an act that does what its payload says.
const asFunction = "LOCKSTEP_TEST_FUNCTION"

// patience is how long a test waits for something that happens at once on a machine that is not busy.
const patience = 3 * time.Minute

func TestMain(m *testing.M) {
	if name := os.Getenv(asFunction); name != "" {
		edge.New(edge.Options{
			Name: name, Catalog: catalog.Builtin(), Env: os.LookupEnv, Out: os.Stdout, Now: time.Now, Random: func() string { return "random" },
			Version: "test", Connect: connect,
		}, obey).Serve()
	}
	os.Exit(m.Run())
}

// noJobs has one job and a secret.
type noJobs struct{ step.Jobs }

func (noJobs) Find(context.Context, string) (job.Job, error) { return job.Job{}, nil }
func (noJobs) Forget(string, string)                         {}
func (noJobs) Redact(text string) string                     { return strings.ReplaceAll(text, "hunter2", "***") }

// connections counts how often the process connected; the first time can fail.
var connections int

func connect(context.Context, edge.Options, edge.Settings) (edge.Parts, error) {
	if connections++; connections == 1 && os.Getenv("TEST_CONNECT") == "late" {
		return edge.Parts{}, fault.New(fault.Transient, "not yet")
	}
	return edge.Parts{Blobs: &blob.Memory{}, Jobs: noJobs{}}, nil
}

// order is a payload: what the act does.
type order struct {
	Do, Code, Text string
}

func obey(ctx context.Context, w *edge.World, payload json.RawMessage) (any, error) {
	o, err := edge.Decode[order](payload)
	if err != nil {
		return nil, err
	}
	switch o.Do {
	case "fail":
		return nil, fmt.Errorf("act: %w", fault.New(fault.Code(o.Code), "%s", o.Text))
	case "fail uncoded":
		return nil, errors.New(o.Text)
	case "panic":
		panic(o.Text)
	case "panic with a fault":
		panic(fault.New(fault.Transient, "%s", o.Text))
	case "panic at run time":
		return []int{}[len(o.Text)], nil
	case "wait":
		<-ctx.Done()
		return nil, fmt.Errorf("act: %w", ctx.Err())
	case "wait, and say that it was ended":
		<-ctx.Done()
		return nil, fault.New(fault.Aborted, "the call was ended")
	case "answer what is no JSON":
		return make(chan int), nil
	case "answer too much":
		return strings.Repeat("x", 300<<10), nil
	case "log":
		w.Log.InfoContext(ctx, "something happened", "text", o.Text, "step", "mine")
		w.Log.WarnContext(ctx, "something else", "err", errors.New("for "+o.Text))
	case "tell":
		return map[string]any{
			"connections": connections, "request": w.Request(), "timeout": w.StepTimeout.Seconds(), "trace": os.Getenv("_X_AMZN_TRACE_ID"),
			"holder": w.Holder("e"), "resident": w.Resident, "table": w.Settings.Table, "machine": w.Settings.Machine,
		}, nil
	}
	return map[string]string{"did": o.Do}, nil
}

// process is a function under test.
type process struct {
	*testing.T
	api *runtimeapi.API
	cmd *exec.Cmd
	out lockedBuffer
	env []string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String gives what was written so far.
func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newProcess starts a function with a whole environment, and more.
func newProcess(t *testing.T, more ...string) *process {
	t.Helper()
	api, err := runtimeapi.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{T: t, api: api, env: append([]string{
		asFunction + "=load", "AWS_LAMBDA_RUNTIME_API=" + api.Addr, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512",
		infra.EnvTable + "=t", infra.EnvBucket + "=b", infra.EnvBundle + "=/p", infra.EnvStage + "=dev", infra.EnvPrefix + "=lockstep",
	}, more...)}
	t.Cleanup(func() {
		_ = api.Close()
		p.kill()
	})
	p.start()
	return p
}

func (p *process) start() {
	p.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // or been waited for
}

// invoke sends a payload; 15 minutes are left for it unless the invocation says so.
func (p *process) invoke(i runtimeapi.Invocation) runtimeapi.Answer {
	p.Helper()
	if i.Left == 0 {
		i.Left = 15 * time.Minute
	}
	ctx, cancel := context.WithTimeout(p.Context(), patience)
	defer cancel()
	got, err := p.api.Invoke(ctx, i)
	if err != nil {
		p.Fatalf("%v; the process said:\n%s", err, p.out.String())
	}
	return got
}

// lines are what the process has logged, JSON each.
func (p *process) lines() []map[string]any {
	p.Helper()
	var out []map[string]any
	for line := range strings.Lines(p.out.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			p.Errorf("a line of the log is no JSON: %q", line)
		}
		out = append(out, m)
	}
	return out
}
