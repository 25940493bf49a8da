package runner_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/lockstep-data/lockstep/shared/blob"
	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/spec"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/store/process"
	"github.com/lockstep-data/lockstep/shared/store/sqlite"
)

// project is a folder with one job, and everything that runs it in this process. Each runner made from it is as a process of its own.
type project struct {
	stepTimeout time.Duration // 0: a minute
	dir         string
	catalog     catalog.Catalog
	env         map[string]string
	now         func() time.Time
}

func newProject(dir, yaml string) (*project, error) {
	return projectIn(dir), os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(yaml), 0o644)
}

// projectIn is the project of a folder that has its job already.
func projectIn(dir string) *project {
	return &project{dir: dir, catalog: local.Builtin(), env: map[string]string{}, now: time.Now}
}

// Job reads the job anew each time, as a new process would.
func (p *project) Job(ctx context.Context, _ string) (job.Job, job.Job, error) {
	resolver := setting.Resolver{
		Env:    func(name string) (string, bool) { v, ok := p.env[name]; return v, ok },
		Secret: func(context.Context, string) (string, error) { return "", fmt.Errorf("no secrets here") },
	}
	d, err := spec.Load(ctx, filepath.Join(p.dir, "job.yaml"), spec.Options{Catalog: p.catalog, Resolver: resolver, Dir: p.dir})
	if err != nil {
		return job.Job{}, job.Job{}, err
	}
	resolved, err := d.Resolve(ctx, resolver)
	return d.Job, resolved, err
}

// session is one process's view of the project.
type session struct {
	*runner.Runner
	store  *sqlite.Store
	holder *process.Holder
}

func (p *project) open(ctx context.Context) (*session, error) {
	state := filepath.Join(p.dir, ".lockstep")
	s, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(state, "state.db"), Now: p.now})
	if err != nil {
		return nil, err
	}
	holder, err := process.Hold(state)
	if err != nil {
		return nil, err
	}
	blobs, err := blob.OpenFolder(filepath.Join(state, "blobs"))
	if err != nil {
		return nil, err
	}
	var requests atomic.Int64
	env := &step.Env{
		Protocol: store.Protocol{
			Store: s, Prover: process.Prover{Dir: state}, Now: p.now, NewRVN: rand.Text,
			Jitter: func(limit time.Duration) time.Duration { return time.Duration(mrand.Int64N(int64(limit) + 1)) },
		},
		Blobs: blobs, Catalog: p.catalog, Jobs: p, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: p.now,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(d):
				return nil
			}
		},
		Request: func() string { return fmt.Sprintf("%d-%d", os.Getpid(), requests.Add(1)) },
		Holder:  func(string) string { return holder.ID() },
		Dir:     p.dir, Version: "test", StepTimeout: cmp.Or(p.stepTimeout, time.Minute), Compression: record.None, Resident: true,
	}
	return &session{&runner.Runner{Env: env}, s, holder}, nil
}

func (s *session) close() {
	_ = s.Env.Close()
	_ = s.Env.Blobs.Close()
	_ = s.holder.Close()
	_ = s.store.Close()
}

// lab is a project in a test.
type lab struct {
	*testing.T
	*project
}

func newLab(t *testing.T, yaml string) *lab {
	t.Helper()
	p, err := newProject(t.TempDir(), yaml)
	if err != nil {
		t.Fatal(err)
	}
	return &lab{t, p}
}

// write puts a file of lines into the project.
func (l *lab) write(name string, lines ...string) {
	l.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		l.Fatal(err)
	}
}

// run runs the job once in a session of its own, and checks that the counters close.
func (l *lab) run(q runner.Request) runner.Result {
	l.Helper()
	r, err := l.try(q)
	if err != nil {
		l.Fatalf("run: %v", err)
	}
	if !r.Run.Counters.Closed() {
		l.Errorf("counters do not close: %+v", r.Run.Counters)
	}
	return r
}

func (l *lab) try(q runner.Request) (runner.Result, error) {
	l.Helper()
	s, err := l.open(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	defer s.close()
	if q.Job == "" {
		q.Job = "things"
	}
	return s.Run(l.Context(), q)
}

// want runs the job and checks its status and counts: read, loaded, filtered, failed.
func (l *lab) want(status store.RunStatus, counts ...int64) runner.Result {
	l.Helper()
	r := l.run(runner.Request{})
	c := r.Run.Counters
	got := []int64{c.Read, c.Loaded, c.Filtered, c.Failed}
	if r.Run.Status != status || fmt.Sprint(got) != fmt.Sprint(counts) {
		l.Errorf("got %s %v, want %s %v (%s: %s)", r.Run.Status, got, status, counts, r.Run.ErrorCode, r.Run.ErrorText)
	}
	return r
}

// query reads the destination database with a reader of its own: one line a row, values joined by '|'.
func (l *lab) query(q string) []string {
	l.Helper()
	rows, err := queryAll(filepath.Join(l.dir, "out.db"), q)
	if err != nil {
		l.Fatal(err)
	}
	return rows
}

func queryAll(path, q string) ([]string, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.Query(q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(cols))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return nil, err
		}
		line := make([]string, len(cols))
		for i, v := range values {
			line[i] = fmt.Sprint(*v.(*any))
		}
		out = append(out, strings.Join(line, "|"))
	}
	return out, rows.Err()
}
