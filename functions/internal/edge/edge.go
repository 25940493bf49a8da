// Package edge is all that knows Lambda: it makes what steps work with from a function's environment, ends an invocation before Lambda does,
// turns panics into faults and faults into the names that the state machine knows, and writes the log and the metrics. It holds no step and
// moves no record. Only package functions imports it.
package edge

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Options say which function this process is.
type Options struct {
	Name    string // of the function, as in infra.Functions
	Catalog catalog.Catalog
	Env     func(name string) (string, bool)
	Out     io.Writer // gets the log and the metrics, a line of JSON each
	Now     func() time.Time
	Random  func() string // 128 random bits, as text
	Version string        // stored with each run
	// Connect makes the clients, at the first invocation. Nil: those of AWS.
	Connect func(context.Context, Options, Settings) (Parts, error)
}

// Parts are the clients that invocations share.
type Parts struct {
	Store store.Store
	Blobs blob.Bucket
	Jobs  Jobs
	// Machine is nil in a function that was not told it.
	Machine launch.Machine
}

// Jobs are the jobs with the values of variables and secrets.
type Jobs interface {
	step.Jobs
	// Find gives a job of the current bundle as it is written, by its key or id.
	Find(ctx context.Context, name string) (job.Job, error)
	// Forget drops the values that a job was resolved with, so that they are looked up again.
	Forget(bundle, key string)
	// Redact puts *** in place of each value of a secret that was looked up.
	Redact(text string) string
}

// Act is what a function does: it gets the invocation's payload and gives what is answered as JSON.
type Act func(ctx context.Context, w *World, payload json.RawMessage) (any, error)

// World is what an act works with.
type World struct {
	*step.Env
	Settings Settings
	Parts    Parts
}

// Step makes an act of a step.
func Step[In, Out any](run func(context.Context, *step.Env, In) (Out, error)) Act {
	return func(ctx context.Context, w *World, payload json.RawMessage) (any, error) {
		in, err := Decode[In](payload)
		if err != nil {
			return nil, err
		}
		return run(ctx, w.Env, in)
	}
}

// Decode reads a payload: ConfigInvalid when it is not what the function takes.
func Decode[In any](payload json.RawMessage) (In, error) {
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return in, fault.New(fault.ConfigInvalid, "the payload of the invocation cannot be read: %w", err).WithHint("only the state machine calls this function")
	}
	return in, nil
}

// Function is one function in its process. It works on one invocation at a time, as Lambda sends them; more of them wait. It implements
// lambda.Handler.
type Function struct {
	o   Options
	act Act
	log *slog.Logger

	mu      sync.Mutex
	world   *World // nil until the first invocation that could connect
	request string // id of the invocation under way
	recent  []run
	redact  redactor
}

var _ lambda.Handler = (*Function)(nil)

// New makes a function. Nothing is looked at before the first invocation, so that whatever is wrong with the environment is the answer to one,
// with a name that the state machine knows.
func New(o Options, act Act) *Function {
	o.Out = &lines{out: o.Out}
	f := &Function{o: o, act: act}
	f.log = newLogger(o.Out, f.redact.clean)
	return f
}

// Serve answers the invocations of the Runtime API. It never returns.
func (f *Function) Serve() {
	keepQuiet(f.log)
	spareMemory(f.o.Env)
	lambda.Start(f)
}
