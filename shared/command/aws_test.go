package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/bundle"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/connector/file"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/launch"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// stack is an installation whose state machine is the runner, in process: what the command sees of a run is what it sees on AWS, its rows.
type stack struct {
	t     *testing.T
	p     *project
	state store.Store
	blobs blob.Bucket
	jobs  []byte
	known catalog.Catalog
	work  sync.WaitGroup

	mu         sync.Mutex
	executions map[string]launch.Execution
}

func newStack(t *testing.T, p *project) *stack {
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "aws.db")})
	if err != nil {
		t.Fatal(err)
	}
	i := &stack{t: t, p: p, state: s, blobs: blob.OpenMemory(), executions: map[string]launch.Execution{}, known: local.Builtin()}
	t.Cleanup(func() { i.work.Wait(); _ = s.Close() })
	return i
}

// deploy makes the project's jobs current, those of this machine too.
func (s *stack) deploy() {
	s.t.Helper()
	p, err := spec.Open(s.t.Context(), s.p.dir, spec.Options{Catalog: local.Builtin()})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.jobs, _, err = bundle.Build(p); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) About() launch.About {
	return launch.About{Stack: "lockstep-dev", Region: "eu-central-1", Table: "t", Bucket: "b", Machine: "m"}
}
func (s *stack) State() store.Store      { return s.state }
func (s *stack) Blobs() blob.Bucket      { return s.blobs }
func (s *stack) Machine() launch.Machine { return machineOf{s} }
func (s *stack) Close() error            { return nil }

func (s *stack) Bundle(context.Context) (*bundle.Bundle, error) {
	if s.jobs == nil {
		return nil, fault.New(fault.NotFound, "no jobs are deployed")
	}
	return bundle.Read(s.jobs)
}

func (s *stack) Apply(_ context.Context, data []byte) (string, error) {
	s.jobs = data
	return bundle.Key(data), nil
}

func (s *stack) Probe(context.Context) []store.Finding {
	return []store.Finding{{Name: "concurrency", Text: "few", Warn: true, Hint: "ask for more"}, {Name: "bucket", Err: fault.New(fault.AuthDenied, "denied")}}
}

func (s *stack) Prune(_ context.Context, older time.Duration, dry bool) ([]launch.Version, error) {
	return []launch.Version{{Function: "lockstep-dev-load", Version: "3", Modified: time.Now().Add(-older)}}, nil
}

func (s *stack) Start(ctx context.Context, r launch.Request) (launch.Answer, error) {
	l := &launch.Launcher{
		Protocol: store.Protocol{Store: s.state, Prover: launch.Prover{Machine: machineOf{s}}, Now: time.Now, NewRVN: token, Jitter: jitter},
		Jobs:     &deployed{i: s}, Machine: machineOf{s}, Log: slog.New(slog.DiscardHandler), Random: func() string { return token()[:8] },
	}
	return l.Start(ctx, r)
}

func (s *stack) ID(name string) string { return "arn:aws:states:eu-central-1:1:execution:sync:" + name }

func (s *stack) Describe(_ context.Context, id string) (launch.Execution, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.executions[id]
	if !ok {
		return e, fault.New(fault.NotFound, "there is no execution %s", id)
	}
	return e, nil
}

func (s *stack) Stop(context.Context, string, string, string) error { return nil }

func (s *stack) note(e launch.Execution) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executions[e.ID] = e
}

// machineOf is the stack as a machine.
type machineOf struct{ *stack }

func (m machineOf) Start(_ context.Context, name string, input json.RawMessage) (bool, error) {
	var in stage.Input
	if err := json.Unmarshal(input, &in); err != nil {
		return false, err
	}
	s := m.stack
	e := launch.Execution{ID: s.ID(name), Name: name, Status: "RUNNING", Input: input}
	s.note(e)
	s.work.Add(1)
	go func() {
		defer s.work.Done()
		e.Status = "SUCCEEDED"
		if err := s.run(in); err != nil {
			e.Status, e.Error, e.Cause = "FAILED", "Lockstep."+string(fault.CodeOf(err)), err.Error()
		}
		s.note(e)
	}()
	return false, nil
}

// run walks the machine with the real steps.
func (s *stack) run(in stage.Input) error {
	b, err := s.Bundle(context.Background())
	if err != nil {
		return err
	}
	env := &step.Env{
		Protocol: store.Protocol{Store: s.state, Prover: launch.Prover{Machine: machineOf{s}}, Now: time.Now, NewRVN: token, Jitter: jitter}, Blobs: s.blobs, Catalog: local.Builtin(),
		Jobs: bundle.NewJobs(b, bundle.Options{Catalog: local.Builtin(), Now: time.Now}), Log: slog.New(slog.DiscardHandler), Now: time.Now, Sleep: sleep,
		Request: token, Dir: s.p.dir, StepTimeout: stepTimeout, Compression: record.LZ4, Holder: func(id string) string { return id },
	}
	r := &runner.Runner{Env: env}
	got, err := r.Run(context.Background(), runner.Request{Job: in.Job, Run: in.Run, Full: in.Full, Streams: in.Streams, Trigger: in.Trigger, New: true})
	if err == nil && got.Run.ErrorCode != "" {
		err = fault.New(fault.Code(got.Run.ErrorCode), "%s", got.Run.ErrorText)
	}
	return errors.Join(err, env.Close())
}

// aws calls the command for the stack.
func (s *stack) aws(want int, parts []string, args ...string) called {
	s.t.Helper()
	var out, errs bytes.Buffer
	exit := Main(Options{
		Catalog: s.known, Args: args, In: strings.NewReader(""), Out: &out, Err: &errs, Dir: s.p.dir, Pace: 5 * time.Millisecond, Signals: s.p.signals,
		Env: func(string) (string, bool) { return "", false }, Terminal: func(any) int { return 0 },
		AWS: func(_ context.Context, p launch.Place) (launch.Installation, error) {
			if p.Stack != defaultStack {
				return nil, fault.New(fault.ConfigInvalid, "there is no stack %s", p.Stack)
			}
			return s, nil
		},
	})
	c := called{exit, out.String(), errs.String()}
	if exit != want {
		s.t.Errorf("lockstep %s: exit %d, want %d\n%s%s", strings.Join(args, " "), exit, want, c.out, c.err)
	}
	for _, part := range parts {
		if !strings.Contains(c.out+c.err, part) {
			s.t.Errorf("lockstep %s: %q is not in the output\n%s%s", strings.Join(args, " "), part, c.out, c.err)
		}
	}
	return c
}

// TestAWS_Run: a run on AWS is followed to its end, and everything that shows runs finds it.
func TestAWS_Run(t *testing.T) {
	p := newProject(t)
	s := newStack(t, p)
	s.deploy()
	first := decode[report](t, s.aws(ExitOK, nil, "run", "sample", "--aws", "--json"))
	if first.Status != "partial" || first.Read != 10 || first.Loaded != 6 || first.Code != "" {
		t.Fatalf("got %+v", first)
	}
	here := decode[report](t, newProject(t).want(t, ExitOK, nil, "run", "sample", "--json")) // the same job, on this machine
	if here.Read != first.Read || here.Failed != first.Failed || here.Filtered != first.Filtered {
		t.Errorf("here %+v, there %+v", here, first)
	}
	s.aws(ExitOK, []string{"sample", "SUCCEEDED", "partial"}, "status", "--aws")
	s.aws(ExitOK, []string{"10 read = 6 loaded"}, "status", "sample", "--aws")
	s.aws(ExitOK, []string{first.Run}, "runs", "--aws")
	s.aws(ExitOK, []string{first.Run, "extract"}, "runs", "show", first.Run, "--aws")
	s.aws(ExitOK, []string{"lock acquired"}, "logs", "sample", "--level", "info", "--aws")
	s.aws(ExitOK, []string{"orders", "DataInvalid"}, "failures", "list", "--aws")
	s.aws(ExitOK, []string{"may start again", "--aws"}, "reset", "sample", "--aws", "--yes")
	s.aws(ExitOK, []string{"started", "execution arn:"}, "run", "sample", "--aws", "--detach")
	s.work.Wait()
	s.aws(ExitOK, []string{"no dead runs"}, "sweep", "--aws")
}

func TestAWS_Refused(t *testing.T) {
	p := newProject(t)
	s := newStack(t, p)
	s.aws(ExitUnreachable, []string{"no jobs are deployed"}, "run", "sample", "--aws")
	s.aws(ExitOK, []string{"lockstep apply"}, "status", "--aws")
	s.deploy()
	s.aws(ExitUnreachable, []string{"did you mean sample?"}, "run", "sampel", "--aws")
	s.aws(ExitWrong, []string{"did you mean sample?"}, "status", "sampel", "--aws")
	s.aws(ExitWrong, []string{"add --aws"}, "status", "--stack", "x")
	s.aws(ExitUnreachable, []string{"there is no stack x"}, "status", "--aws", "--stack", "x")
	s.aws(ExitWrong, []string{"does not know --aws"}, "ping", "--aws")
	s.aws(ExitWrong, []string{"leave them out"}, "status", "--aws", "--store", "x.db")
	s.aws(ExitWrong, []string{"--supervise"}, "run", "sample", "--aws", "--supervise")
	s.aws(ExitWrong, []string{"--detach"}, "run", "sample", "--detach")
	s.aws(ExitWrong, []string{"leave them out"}, "apply", "--store", "x.db")
	s.aws(ExitWrong, []string{"14 days"}, "prune", "--older", "24h")
	p.want(t, ExitWrong, []string{"this build"}, "status", "--aws")
}

// TestAWS_Held: a start that meets a run under way does not begin, and says whose turn it is; stop ends the run.
func TestAWS_Held(t *testing.T) {
	p := newProject(t)
	s := newStack(t, p)
	s.deploy()
	l, ok, err := s.state.Acquire(t.Context(), store.TakeLock{Job: "sample", Run: "other", RVN: "x", Epoch: store.Epoch(0, 1, 0, 0), Holder: s.ID("other"), Now: time.Now(),
		LeaseUntil: time.Now().Add(time.Hour), MaxTries: 3})
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.note(launch.Execution{ID: s.ID("other"), Name: "other", Status: "RUNNING", Input: json.RawMessage(`{"job":"sample"}`)})
	held := decode[report](t, s.aws(ExitNotStarted, nil, "run", "sample", "--aws", "--json"))
	if held.HeldBy != "other" || held.Status != "skipped" || held.Code != string(fault.Held) {
		t.Errorf("got %+v", held)
	}
	s.aws(ExitOK, []string{"asked run other"}, "stop", "sample", "--aws")
	if l, err = s.state.Lock(t.Context(), "sample"); err != nil || l.Stop != string(fault.Aborted) {
		t.Errorf("lock %+v, %v", l, err)
	}
	s.note(launch.Execution{ID: s.ID("other"), Name: "other", Status: "ABORTED"})
	if again := decode[report](t, s.aws(ExitOK, nil, "run", "sample", "--aws", "--json")); again.Read != 10 {
		t.Errorf("a dead run keeps others away: %+v", again)
	}
}

// TestPause: no run of a paused job begins, here and on AWS, until it is resumed.
func TestPause(t *testing.T) {
	p, there := newProject(t), newProject(t)
	s := newStack(t, there)
	s.deploy()
	for where, call := range map[string]func(want int, parts []string, args ...string) called{
		"here": func(want int, parts []string, args ...string) called {
			t.Helper()
			return p.want(t, want, parts, args...)
		},
		"aws": func(want int, parts []string, args ...string) called {
			t.Helper()
			return s.aws(want, parts, append(args, "--aws")...)
		},
	} {
		t.Run(where, func(t *testing.T) {
			call(ExitNotStarted, []string{"is not paused"}, "resume", "sample")
			call(ExitOK, []string{"job sample is paused"}, "pause", "sample", "--reason", "the source moves")
			call(ExitOK, []string{"was paused before"}, "pause", "sample")
			call(ExitNotStarted, []string{"the source moves", "lockstep resume sample"}, "run", "sample")
			call(ExitOK, []string{"paused", "the source moves"}, "status", "sample")
			call(ExitOK, []string{"paused"}, "status")
			call(ExitOK, []string{"may run again"}, "resume", "sample")
			call(ExitOK, []string{"10 = 6 loaded"}, "run", "sample")
			call(ExitWrong, []string{"did you mean sample?"}, "pause", "sampel")
		})
	}
}

// remoteJob is a job that runs in functions.
const remoteJob = "id: remote\nsource: {connector: file, config: {path: \"s3://in/a.csv\"}}\ndestination: {connector: file, config: {path: \"s3://out/a/\", format: csv}}\n"

func TestAWS_CheckAndApply(t *testing.T) {
	p := newProject(t)
	s := newStack(t, p)
	s.aws(ExitWrong, []string{"local_place", "s3://my-bucket/"}, "check", "--aws", "--offline")
	s.aws(ExitWrong, []string{"local_place", "s3://my-bucket/"}, "apply")
	if s.jobs != nil {
		t.Fatal("a job that cannot run was applied")
	}
	p.dir = t.TempDir()
	p.file(t, "remote.yaml", remoteJob)
	s.aws(ExitWrong, []string{"unknown_place"}, "apply") // a build that knows no S3
	s.known = s.known.WithConnector(file.Spec(blob.Local().With("s3", func(context.Context, *url.URL) (blob.Bucket, error) { return blob.OpenMemory(), nil })))
	s.aws(ExitOK, []string{"would be applied to lockstep-dev", "added    remote"}, "apply", "--dry-run")
	if s.jobs != nil {
		t.Fatal("a dry run has an effect")
	}
	s.aws(ExitOK, []string{"applied to lockstep-dev", "added    remote", "bundles/"}, "apply")
	s.aws(ExitOK, []string{"the same as in"}, "apply")
	s.aws(ExitOK, nil, "check", "--aws", "--offline")
	p.file(t, "remote.yaml", remoteJob+"schedule: {cron: \"0 6 * * *\"}\n")
	p.file(t, "two.yaml", strings.Replace(remoteJob, "id: remote", "id: two", 1))
	got := decode[applied](t, s.aws(ExitOK, nil, "apply", "--json"))
	if len(got.Added) != 1 || len(got.Modified) != 1 || len(got.Schedules) != 1 || got.Schedules[0] != "remote" || !got.Changed {
		t.Errorf("got %+v", got)
	}
	p.file(t, "remote.yaml", "services: {}\n")
	s.aws(ExitOK, []string{"removed  remote", "only cdk deploy changes schedules: remote"}, "apply")
}

func TestAWS_DoctorAndPrune(t *testing.T) {
	s := newStack(t, newProject(t))
	s.aws(ExitUnreachable, []string{"lockstep-dev in eu-central-1", "warn", "ask for more", "denied"}, "doctor", "--aws")
	s.aws(ExitOK, []string{"would delete  version 3 of lockstep-dev-load"}, "prune", "--dry-run")
	s.aws(ExitOK, []string{"deleted"}, "prune", "--aws")
}
