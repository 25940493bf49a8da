package runner_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/record"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/setting"
	"github.com/lockstep-data/lockstep/shared/store"
)

// row is a record of the fake source; an id below 0 is null.
type row struct {
	id   int64
	name string
}

// rowsOf makes n rows with ids from the given one on.
func rowsOf(from, n int) []row {
	out := make([]row, n)
	for i := range out {
		out[i] = row{int64(from + i), fmt.Sprint("n", from+i)}
	}
	return out
}

// fakeSource offers one stream, s, of rows in memory: id, name. A position is p and the number of rows before it. It notes what a
// caller must not do. Rows may be changed between runs.
type fakeSource struct {
	ids   []string         // of the partitions, in order
	parts map[string][]row // by partition
	print string           // the stream's fingerprint; "" when the source cannot tell
	// onNext is asked before a batch behind the position is read; its error is the reader's answer. May be nil.
	onNext func(ctx context.Context, partition string, position int) error

	mu     sync.Mutex
	opened int // readers
	closed int // readers
	late   int // batches asked for behind the last one, or of a closed reader
}

// oneOf is a fake source with one partition, a.
func oneOf(rows ...row) *fakeSource {
	return &fakeSource{ids: []string{"a"}, parts: map[string][]row{"a": rows}}
}

var fakeSchema = record.Schema{Columns: []record.Column{
	{Name: "id", Type: record.Type{Kind: record.Int}}, {Name: "name", Type: record.Type{Kind: record.String}},
}}

func (f *fakeSource) Streams(context.Context) ([]connector.StreamInfo, error) {
	return []connector.StreamInfo{{Name: "s"}}, nil
}

func (f *fakeSource) Plan(_ context.Context, r connector.PlanRequest) (connector.Plan, error) {
	if f.print != "" && r.Known == f.print {
		return connector.Plan{Unchanged: true, Fingerprint: f.print, Partitions: []connector.Partition{}}, nil
	}
	p := connector.Plan{Schema: fakeSchema, Fingerprint: f.print, Partitions: []connector.Partition{}}
	for _, id := range f.ids {
		p.Partitions = append(p.Partitions, connector.Partition{ID: id})
	}
	return p, nil
}

func (f *fakeSource) Open(ctx context.Context, r connector.OpenRequest) (connector.Reader, error) {
	at := 0
	if r.Position != "" {
		var err error
		if at, err = strconv.Atoi(strings.TrimPrefix(r.Position, "p")); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeReader{ctx: ctx, f: f, part: r.Partition.ID, at: at, size: r.Records}, nil
}

func (f *fakeSource) Committed(context.Context, connector.Partition, string) error { return nil }
func (f *fakeSource) Ping(context.Context) error                                   { return nil }
func (f *fakeSource) Close() error                                                 { return nil }

// misuse says what callers did that they must not: readers that are still open, and batches asked for too late.
func (f *fakeSource) misuse() (open, late int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened - f.closed, f.late
}

// fakeReader reads a partition of a fakeSource.
type fakeReader struct {
	ctx          context.Context // it was opened with; a reader of a bucket breaks when it ends
	f            *fakeSource
	part         string
	at, size     int
	last, closed bool
}

func (r *fakeReader) Next(ctx context.Context) (record.Batch, error) {
	if r.last || r.closed {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		r.f.late++
		return record.Batch{}, io.EOF
	}
	if r.ctx.Err() != nil {
		return record.Batch{}, fault.New(fault.DataInvalid, "the reader's context ended")
	}
	if r.f.onNext != nil {
		if err := r.f.onNext(ctx, r.part, r.at); err != nil {
			return record.Batch{}, err
		}
	}
	all, start := r.f.parts[r.part], r.at
	b := record.NewBuilder(fakeSchema)
	ends := []int64{}
	for len(ends) < r.size && r.at < len(all) {
		if x := all[r.at]; x.id < 0 {
			b.Column(0).AppendNull()
		} else {
			b.Column(0).(*array.Int64Builder).Append(x.id)
		}
		b.Column(1).(*array.StringBuilder).Append(all[r.at].name)
		r.at++
		ends = append(ends, int64(r.at))
	}
	out := record.New(fakeSchema, b.Rows())
	out.Start, out.End = fakePosition(start), fakePosition(r.at)
	out.Positions = record.Offsets{Prefix: "p", Ends: ends}
	out.Last = r.at >= len(all)
	r.last = out.Last
	return out, nil
}

func fakePosition(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint("p", n)
}

func (r *fakeReader) InputBytes() int64 { return 0 }

func (r *fakeReader) Close() error {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if !r.closed {
		r.f.closed++
	}
	r.closed = true
	return nil
}

// fakeLab is a lab whose connector fake is the source.
func fakeLab(t *testing.T, f *fakeSource, yaml string) *lab {
	t.Helper()
	l := newLab(t, yaml)
	l.catalog = l.catalog.WithConnector(connector.Spec{
		Spec: setting.Spec{
			Name: "fake", Summary: "A fake.", Doc: "A fake.", Example: "connector: fake\n", Since: "0.1.0", Body: setting.Field{Kind: setting.Object},
		},
		Source: func(context.Context, connector.Config) (connector.Source, error) { return f, nil },
	})
	return l
}

// fakeJob moves the fake source's stream into the table s of out.db, three records a batch.
func fakeJob(mode, write, more string) string {
	return fmt.Sprintf(`
id: things
source:
  connector: fake
  config: {}
  streams: [{name: s, key: [id], mode: %s}]
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: %s
batch: {records: 3}
%s
`, mode, write, more)
}

// within opens a session of its own for f.
func (l *lab) within(f func(s *session)) {
	l.Helper()
	s, err := l.open(l.Context())
	l.ok(err)
	defer s.close()
	f(s)
}

// walk runs the job in the session; what goes wrong beside the run ends the test.
func (l *lab) walk(s *session, q runner.Request) runner.Result {
	l.Helper()
	if q.Job == "" {
		q.Job = "things"
	}
	r, err := s.Run(l.Context(), q)
	l.ok(err)
	if !r.Run.Counters.Closed() {
		l.Errorf("counters do not close: %+v", r.Run.Counters)
	}
	return r
}

// is checks a run's status and counts: read, loaded, filtered, failed.
func (l *lab) is(r runner.Result, status store.RunStatus, counts ...int64) {
	l.Helper()
	c := r.Run.Counters
	got := []int64{c.Read, c.Loaded, c.Filtered, c.Failed}
	if r.Run.Status != status || fmt.Sprint(got) != fmt.Sprint(counts) {
		l.Errorf("got %s %v, want %s %v (%s: %s)", r.Run.Status, got, status, counts, r.Run.ErrorCode, r.Run.ErrorText)
	}
}

// lock checks the job's lock: its status, the run that has it, and the code of the last failure.
func (l *lab) lock(s *session, status store.Status, run, code string) {
	l.Helper()
	got, err := s.store.Lock(l.Context(), "things")
	l.ok(err)
	if got.Status != status || got.Run != run || got.ErrorCode != code {
		l.Errorf("lock is %s of run %s (%s), want %s of run %s (%s)", got.Status, got.Run, got.ErrorCode, status, run, code)
	}
}

// reopen is the operator's reset.
func (l *lab) reopen(streams ...string) {
	l.Helper()
	l.within(func(s *session) {
		_, err := s.Env.Protocol.Reopen(l.Context(), store.ReopenRequest{Job: "things", Streams: streams})
		l.ok(err)
	})
}

// quickClock waits only a moment between two attempts of a state; time-outs of states are as long as ever.
type quickClock struct{}

func (quickClock) Now() time.Time { return time.Now() }

func (quickClock) AfterFunc(d time.Duration, f func()) func() {
	if d <= 2*time.Minute {
		d = time.Millisecond
	}
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}

// hookedStore is a store that a test breaks: each hook is called before the write, or, with after set, behind it, and its error is the
// answer. Nil hooks change nothing.
type hookedStore struct {
	store.Store
	after          bool
	checkpoint     func(store.MoveCheckpoint) error
	drain          func(store.DrainCheckpoint) error
	update         func(store.RunChange) error
	start          func(store.Run) error
	readCheckpoint func(store.CheckpointKey) error
	dead           func() bool // every call that begins a step or ends a run fails
}

// hooked does the write around the hook.
func hooked[W, R any](s *hookedStore, hook func(W) error, w W, write func() (R, bool, error)) (R, bool, error) {
	if hook == nil {
		return write()
	}
	var none R
	if s.after {
		got, applied, err := write()
		if e := hook(w); e != nil {
			return none, false, e
		}
		return got, applied, err
	}
	if err := hook(w); err != nil {
		return none, false, err
	}
	return write()
}

func (s *hookedStore) Checkpoint(ctx context.Context, w store.MoveCheckpoint) (store.Checkpoint, bool, error) {
	return hooked(s, s.checkpoint, w, func() (store.Checkpoint, bool, error) { return s.Store.Checkpoint(ctx, w) })
}

func (s *hookedStore) Drain(ctx context.Context, w store.DrainCheckpoint) (store.Checkpoint, bool, error) {
	return hooked(s, s.drain, w, func() (store.Checkpoint, bool, error) { return s.Store.Drain(ctx, w) })
}

func (s *hookedStore) StartRun(ctx context.Context, r store.Run) (store.Run, bool, error) {
	return hooked(s, s.start, r, func() (store.Run, bool, error) { return s.Store.StartRun(ctx, r) })
}

func (s *hookedStore) UpdateRun(ctx context.Context, c store.RunChange) (store.Run, error) {
	r, _, err := hooked(s, s.update, c, func() (store.Run, bool, error) {
		r, err := s.Store.UpdateRun(ctx, c)
		return r, true, err
	})
	return r, err
}

func (s *hookedStore) ReadCheckpoint(ctx context.Context, k store.CheckpointKey) (store.Checkpoint, error) {
	c, _, err := hooked(s, s.readCheckpoint, k, func() (store.Checkpoint, bool, error) {
		c, err := s.Store.ReadCheckpoint(ctx, k)
		return c, true, err
	})
	return c, err
}

func (s *hookedStore) Lock(ctx context.Context, job string) (store.Lock, error) {
	if s.dead != nil && s.dead() {
		return store.Lock{}, errDead
	}
	return s.Store.Lock(ctx, job)
}

func (s *hookedStore) Run(ctx context.Context, job, run string) (store.Run, error) {
	if s.dead != nil && s.dead() {
		return store.Run{}, errDead
	}
	return s.Store.Run(ctx, job, run)
}
