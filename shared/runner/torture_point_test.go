package runner_test

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/lockstep-data/lockstep/shared/job"
	"github.com/lockstep-data/lockstep/shared/runner"
)

// points counts the crossings of named points in a process, and ends it at one of them. A point is named by the step that is at work,
// whether the call is about to begin, is under way or has returned, and the call; a crossing is a point and which time it is
// crossed, as in "load: after store.Checkpoint a.csv #3".
type points struct {
	mu    sync.Mutex
	order killOrder
	count map[string]int
	seen  []crossing
	die   func(crossing string)
	stop  func(crossing string) // of a Freeze
	// calls that are under way; a process that is frozen has none but its own, since a lock of SQLite that it held would keep all others out
	inStore, inDestination, inBlobs sync.RWMutex
}

// crossing is one crossing of a point; Took is set for a call that can be cut in the middle.
type crossing struct {
	Name string
	Took time.Duration
}

// killOrder is what a child is told: where the project is, and where it ends.
type killOrder struct {
	Dir    string
	At     string        // the crossing; "" none
	Nth    int           // or the n-th crossing of any point; 0 none
	Delay  time.Duration // of a crossing "inside" a call: how long after its beginning
	Survey bool          // tell all crossings
	Freeze bool          // at the crossing stop instead, and go on when told to
	Within bool          // the crossing is inside a call of a destination
	Still  bool          // with Freeze: while no object is being made
	Step   time.Duration // the time-out of a step, which bounds the lease; 0: a minute
}

// killed is what a child says before it ends itself, or at the end of its run.
type killed struct {
	At     string     // the crossing at which it ends; "" when the run ended
	Seen   []crossing // with Survey
	Run    string
	Status string
	Code   string
	Err    string
	Blind  string // why the points around fsync are left out; "" when they are not
}

// kinds of points of a call.
const (
	before = "before"
	inside = "inside"
	after  = "after"
)

func (p *points) name(kind, call string) string {
	name := stepAtWork() + ": " + kind + " " + call
	p.count[name]++
	return fmt.Sprintf("%s #%d", name, p.count[name])
}

// cross counts a point, and ends the process when it is told to. Nobody crosses anything while it dies.
func (p *points) cross(kind, call string) string {
	p.mu.Lock()
	name := p.name(kind, call)
	p.seen = append(p.seen, crossing{Name: name})
	here := name == p.order.At || len(p.seen) == p.order.Nth
	if here && !p.order.Freeze {
		p.die(name)
	}
	p.mu.Unlock()
	if here {
		p.freeze(name)
	}
	return name
}

// freeze stops the process when no other call is under way.
func (p *points) freeze(at string) {
	p.inStore.Lock()
	defer p.inStore.Unlock()
	if !p.order.Within {
		p.inDestination.Lock()
		defer p.inDestination.Unlock()
	}
	if p.order.Still {
		p.inBlobs.Lock()
		defer p.inBlobs.Unlock()
	}
	p.stop(at)
}

// call crosses the points before and after a call.
func (p *points) call(name string, f func()) {
	p.cross(before, name)
	p.under(name, f)
	p.cross(after, name)
}

// under is a call that is under way.
func (p *points) under(name string, f func()) {
	switch what, _, _ := strings.Cut(name, "."); {
	case what == "store":
		p.inStore.RLock()
		defer p.inStore.RUnlock()
	case what == "blob":
		p.inBlobs.RLock()
		defer p.inBlobs.RUnlock()
	case what == "destination" && !strings.HasPrefix(name, "destination.Load confirmed"):
		p.inDestination.RLock()
		defer p.inDestination.RUnlock()
	}
	f()
}

// long is a call that takes some steps of its own, so that it is worth to end in the middle of it.
func (p *points) long(name string, f func()) {
	p.cross(before, name)
	p.mu.Lock()
	in := p.name(inside, name)
	if in == p.order.At {
		start := time.Now()
		go func() {
			for time.Since(start) < p.order.Delay { // a timer is too coarse
				runtime.Gosched()
			}
			p.die(in)
		}()
	}
	p.mu.Unlock()
	start := time.Now()
	p.under(name, f)
	took := time.Since(start)
	p.mu.Lock()
	p.seen = append(p.seen, crossing{in, max(took, time.Microsecond)})
	p.mu.Unlock()
	p.cross(after, name)
}

// stepAtWork finds the step in whose code the caller is.
func stepAtWork() string {
	var pcs [96]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	const steps, own = "/shared/step/", "/shared/runner."
	found := "beside"
	for {
		f, more := frames.Next()
		if _, rest, ok := strings.Cut(f.Function, steps); ok {
			name, _, _ := strings.Cut(rest, ".")
			return name
		}
		if strings.Contains(f.Function, own) {
			found = "runner"
		}
		if !more {
			return found
		}
	}
}

// watchSQLite crosses a point inside each transaction: before it commits and, in the destination, before each change of a row.
func (p *points) watchSQLite() error {
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	d, ok := db.Driver().(*sqlite.Driver)
	if !ok {
		return fmt.Errorf("the driver is %T", db.Driver())
	}
	d.RegisterConnectionHook(func(conn sqlite.ExecQuerierContext, dsn string) error {
		file, _, _ := strings.Cut(dsn, "?")
		file = filepath.Base(file)
		hooks, ok := conn.(sqlite.HookRegisterer)
		if !ok {
			return fmt.Errorf("the connection is %T", conn)
		}
		hooks.RegisterCommitHook(func() int32 {
			p.cross(inside, "the commit of "+file)
			return 0
		})
		if file != "state.db" {
			hooks.RegisterPreUpdateHook(func(u sqlite.SQLitePreUpdateData) {
				table, _, _ := strings.Cut(u.TableName, "__") // a staging has the run in its name
				p.cross(inside, "the transaction, a row of "+table)
			})
		}
		return nil
	})
	return nil
}

// tortureChild runs the job once, as told on its standard input, and ends with SIGKILL at the crossing.
func tortureChild(t *testing.T) {
	var o killOrder
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&o); err != nil {
		t.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	p := &points{order: o, count: map[string]int{}}
	p.die = func(at string) {
		_ = out.Encode(killed{At: at})
		if me, err := os.FindProcess(os.Getpid()); err == nil {
			_ = me.Kill() // SIGKILL
		}
		select {}
	}
	p.stop = func(at string) {
		_ = out.Encode(killed{At: at})
		var word string
		if err := cmp.Or(stopMyself(), in.Decode(&word)); err != nil {
			panic(err)
		}
	}
	end := p.run(t.Context())
	if o.Survey {
		end.Seen = p.seen
	}
	if err := out.Encode(end); err != nil {
		t.Fatal(err)
	}
}

// oneJob is the job of a project, read once: reading it for each step takes half of a small run's time.
type oneJob struct{ written, resolved job.Job }

func (o *oneJob) Job(context.Context, string) (job.Job, job.Job, error) {
	return o.written, o.resolved, nil
}

// openOnce opens a project as a process does that reads its job once.
func openOnce(ctx context.Context, p *project) (*session, error) {
	var o oneJob
	var err error
	if o.written, o.resolved, err = p.Job(ctx, ""); err != nil {
		return nil, err
	}
	s, err := p.open(ctx)
	if err == nil {
		s.Env.Jobs = &o
	}
	return s, err
}

// run is a run of the project with everything outside behind points.
func (p *points) run(ctx context.Context) killed {
	if err := p.watchSQLite(); err != nil {
		return killed{Err: err.Error()}
	}
	blind := p.watchSync()
	project := projectIn(p.order.Dir)
	project.stepTimeout = p.order.Step
	project.catalog = p.connectors(project.catalog)
	s, err := openOnce(ctx, project)
	if err != nil {
		return killed{Err: err.Error()}
	}
	defer s.close()
	s.Env.Protocol.Store = &crossedStore{s.store, p}
	s.Env.Blobs = p.bucket(s.Env.Blobs)
	r, err := s.Run(ctx, runner.Request{Job: "things"})
	if err != nil {
		return killed{Err: err.Error()}
	}
	return killed{Run: r.Run.ID, Status: string(r.Run.Status), Code: r.Run.ErrorCode, Err: r.Run.ErrorText, Blind: blind}
}
