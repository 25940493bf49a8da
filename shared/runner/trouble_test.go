//go:build unix

package runner_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep-data/lockstep/shared/catalog"
	"github.com/lockstep-data/lockstep/shared/catalog/local"
	"github.com/lockstep-data/lockstep/shared/connector"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

// TestBatchesVanished kills a run and removes all objects of batches and plans: they are made again, by a new run when
// the dead one had moved something, and what comes out is what comes out of a run that nobody disturbs.
func TestBatchesVanished(t *testing.T) {
	for _, c := range tortureCases {
		if os.Getenv(envTorture) == "" && c.name != "sqlite-pieces" && c.name != "csv-replace" && c.name != "ndjson-append" {
			continue // much as the others
		}
		t.Run(c.name, func(t *testing.T) {
			r := newRack(t, c, 1)
			for _, point := range []string{
				"plan: after store.Bind a.csv", "load: before destination.Load a.csv #2", "load: after destination.Load b.csv #2",
				"load: after store.Checkpoint c.csv #3", "finish: before destination.Commit",
			} {
				at := r.find(point)[0].Name
				dir := r.copy()
				end, err := r.child(killOrder{Dir: dir, At: at})
				if err != nil || end.At != at {
					t.Fatalf("%s: %+v, %v", point, end, err)
				}
				if err := os.RemoveAll(filepath.Join(dir, ".lockstep", "blobs")); err != nil {
					t.Fatal(err)
				}
				f := &frozen{T: t, rack: r, dir: dir}
				f.goneOn(point)
			}
		})
	}
}

// goneOn runs the job behind a run that died and whose objects vanished: a new run reads again what the dead one had no time to commit,
// or all of a whole stream.
func (f *frozen) goneOn(what string) {
	f.Helper()
	s := f.session()
	defer s.close()
	lock, err := s.store.Lock(f.Context(), "things")
	f.ok(err)
	for range 2 {
		r, err := s.Run(f.Context(), runner.Request{Job: "things"})
		f.ok(err)
		if r.Run.Status != store.RunPartial && r.Run.Status != store.RunSucceeded {
			f.Fatalf("%s: the next run is %s: %s %s", what, r.Run.Status, r.Run.ErrorCode, r.Run.ErrorText)
		}
		if f.run == "" && r.Run.ID != lock.Run {
			f.run = lock.Run
		}
		f.right(s)
	}
}

// countingLoads is a destination that tells of each Load.
type countingLoads struct {
	connector.Destination
	load func(error)
}

func (c *countingLoads) Load(ctx context.Context, r connector.LoadRequest) (connector.Receipt, error) {
	got, err := c.Destination.Load(ctx, r)
	c.load(err)
	return got, err
}

// telling is the built-in connectors, where a destination tells of each Load.
func telling(connectorName string, load func(error)) catalog.Catalog {
	c := local.Builtin()
	spec := c.Connectors[connectorName]
	open := spec.Destination
	spec.Destination = func(ctx context.Context, cc connector.Config) (connector.Destination, error) {
		d, err := open(ctx, cc)
		return &countingLoads{d, load}, err
	}
	return c.WithConnector(spec)
}

// TestDestinationLocked has another connection keep the destination for itself: the run waits, tries again and gets through. With
// TORTURE in the environment that takes 30 s under the settings that users have.
func TestDestinationLocked(t *testing.T) {
	wait, hold := "10", time.Duration(0)
	if os.Getenv(envTorture) != "" {
		wait, hold = "5000", 30*time.Second
	}
	l := newLab(t, strings.Replace(fmt.Sprintf(copied, 2), "path: out.db", "path: out.db, busy_timeout: "+wait, 1))
	l.write("in/things.csv", "id,name", "1,a", "2,b")
	l.want(store.RunSucceeded, 2, 2, 0, 0)
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c", "4,d", "5,e")
	other, err := sql.Open("sqlite", filepath.Join(l.dir, "out.db"))
	l.ok(err)
	defer other.Close()
	other.SetMaxOpenConns(1)
	release := func() {
		if _, err := other.Exec("ROLLBACK"); err != nil {
			t.Error(err)
		}
	}
	var refused, committed atomic.Int64
	l.catalog = telling("sqlite", func(err error) {
		if err == nil {
			return
		}
		if refused.Add(1) == 2 && hold == 0 {
			release()
		}
	})
	l.within(func(s *session) {
		if hold == 0 {
			s.Clock = quickClock{}
		}
		s.Env.Progress = func(step.Progress) {
			if committed.Add(1) > 1 {
				return
			}
			if _, err := other.Exec("BEGIN EXCLUSIVE"); err != nil {
				t.Error(err)
			}
			if hold > 0 {
				time.AfterFunc(hold, release)
			}
		}
		began := time.Now()
		r, err := s.Run(t.Context(), runner.Request{Job: "things"})
		l.ok(err)
		l.is(r, store.RunSucceeded, 5, 5, 0, 0)
		if took := time.Since(began); refused.Load() == 0 || took < hold {
			t.Errorf("refused %d times in %s", refused.Load(), took)
		}
	})
	equal(t, l.query("select count(*), count(distinct id) from things"), "5|5")
}
