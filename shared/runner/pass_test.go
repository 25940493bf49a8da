package runner_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/store"
)

func TestRunner_BlipThatARetryMends(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"in the middle", "in the last turn"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			f := &fakeSource{ids: []string{"a", "b"}, parts: map[string][]row{"a": rowsOf(0, 7), "b": rowsOf(100, 7)}, print: "F1"}
			blips := 0
			blip := func(here bool) error {
				if blips > 0 || !here {
					return nil
				}
				blips++
				return fault.New(fault.Transient, "a blip")
			}
			l := fakeLab(t, f, fakeJob("full", "append", "concurrency: 1"))
			l.within(func(s *session) {
				s.Clock = quickClock{}
				hooks := &hookedStore{Store: s.store}
				s.Env.Protocol.Store = hooks
				s.Env.Progress = func(step.Progress) { l.noErrors(s) } // the checkpoint clears what an earlier attempt met
				if where == "in the middle" {
					f.onNext = func(_ context.Context, part string, at int) error { return blip(part == "b" && at == 3) }
				} else { // nothing is left to checkpoint there
					hooks.readCheckpoint = func(k store.CheckpointKey) error { return blip(k.Partition == "b") }
				}
				r := l.walk(s, runner.Request{Run: "x"})
				l.is(r, store.RunSucceeded, 14, 14, 0, 0)
				if blips != 1 || r.Run.ErrorCode != "" || r.Run.Counters.Batches != 6 {
					t.Errorf("%d blips, error %s, %+v", blips, r.Run.ErrorCode, r.Run.Counters)
				}
				l.noErrors(s)
				l.lock(s, store.Succeeded, "x", "")
			})
			l.want(store.RunSucceeded, 0, 0, 0, 0)
			equal(t, l.query("select count(*), count(distinct id) from s"), "14|14")
		})
	}
}

func TestRunner_NewsInTheLastOfManyPartitions(t *testing.T) {
	t.Parallel()
	f := &fakeSource{parts: map[string][]row{}}
	for i := range step.MaxPartitions + 5 { // more than a leg hands out
		id := fmt.Sprintf("p%03d", i)
		f.ids = append(f.ids, id)
		if i%50 == 0 {
			f.parts[id] = rowsOf(i, 1)
		}
	}
	last := f.ids[len(f.ids)-1]
	l := fakeLab(t, f, fakeJob("incremental", "append", "concurrency: 20"))
	l.want(store.RunSucceeded, 5, 5, 0, 0)
	f.parts[last] = rowsOf(9000, 4)
	r := l.want(store.RunSucceeded, 4, 4, 0, 0)
	if r.Lock.Status != store.Succeeded || r.Lock.ErrorCode != "" {
		t.Errorf("lock %+v", r.Lock)
	}
	equal(t, l.query("select count(*), min(id), max(id) from s where id >= 9000"), "4|9000|9003")
	equal(t, l.query("select count(*) from s"), "9")
}

func TestRunner_IncrementalStoppedGoesOn(t *testing.T) {
	t.Parallel()
	f := oneOf(rowsOf(0, 20)...)
	f.print = "F1"
	l := fakeLab(t, f, fakeJob("incremental", "append", ""))
	l.within(func(s *session) {
		drain := make(chan struct{})
		s.Env.Progress = func(p step.Progress) {
			if p.Seq == 2 {
				close(drain)
				waitStop(t, s.store)
			}
		}
		l.is(l.walk(s, runner.Request{Run: "x", Drain: drain}), store.RunAborted, 6, 6, 0, 0)
		l.lock(s, store.Failed, "x", "Aborted")
	})
	r := l.want(store.RunSucceeded, 14, 14, 0, 0)
	if r.Continued || r.Run.ID == "x" {
		t.Error("an incremental run that was stopped is not continued: a new one goes on behind its checkpoints")
	}
	l.want(store.RunSucceeded, 0, 0, 0, 0)
	equal(t, l.query("select count(*), count(distinct id) from s"), "20|20")
}

func TestRunner_ResetOfAnIncrementalStream(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 8} {
		t.Run(fmt.Sprintf("%d rows", n), func(t *testing.T) {
			t.Parallel()
			f := oneOf(rowsOf(0, n)...)
			l := fakeLab(t, f, fakeJob("incremental", "upsert", ""))
			load := func() (r runner.Result) {
				l.within(func(s *session) {
					s.Env.KeepBatches = true // a batch of before must not be taken for one of now
					r = l.walk(s, runner.Request{})
				})
				return r
			}
			rows := int64(n)
			l.is(load(), store.RunSucceeded, rows, rows, 0, 0)
			l.is(load(), store.RunSucceeded, 0, 0, 0, 0)
			for i := range f.parts["a"] {
				f.parts["a"][i].name = "new"
			}
			l.reopen("s")
			r := load()
			l.is(r, store.RunSucceeded, rows, rows, 0, 0)
			if c := r.Run.Counters; c.Updated != rows || c.Inserted+c.Unchanged+c.Deleted != 0 || c.Batches != (rows+2)/3 {
				t.Errorf("counters %+v", c)
			}
			equal(t, l.query("select name, count(*) from s group by 1"), fmt.Sprintf("new|%d", n))
			f.parts["a"] = append(f.parts["a"], row{99, "later"})
			l.is(load(), store.RunSucceeded, 1, 1, 0, 0)
			equal(t, l.query("select count(*) from s"), fmt.Sprint(n+1))
		})
	}
}

func TestRunner_FullOnceThenIncremental(t *testing.T) {
	t.Parallel()
	for name, cursor := range map[string]string{"by the end of the file": "", "by a cursor": ", cursor: at"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, fmt.Sprintf(`
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: incremental%s}]
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: upsert
batch: {records: 3}
`, cursor))
			lines := []string{"id,at,name"}
			add := func(from, to int) {
				for i := from; i < to; i++ {
					lines = append(lines, fmt.Sprintf("%d,%d,a name that is not short %d", i, 100+i, i))
				}
				l.write("in/things.csv", lines...)
			}
			add(0, 7)
			l.want(store.RunSucceeded, 7, 7, 0, 0)
			r := l.run(runner.Request{Full: true})
			l.is(r, store.RunSucceeded, 7, 7, 0, 0)
			if r.Run.Counters.Unchanged != 7 {
				t.Errorf("counters %+v", r.Run.Counters)
			}
			l.want(store.RunSucceeded, 0, 0, 0, 0)
			add(7, 9)
			l.want(store.RunSucceeded, 2, 2, 0, 0)
			add(9, 10)
			l.is(l.run(runner.Request{Full: true}), store.RunSucceeded, 10, 10, 0, 0)
			l.want(store.RunSucceeded, 0, 0, 0, 0)
			equal(t, l.query("select count(*), count(distinct id) from things"), "10|10")
		})
	}
}

func TestRunner_ReaderIsNotAskedBehindItsLastBatch(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"full", "incremental"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			f := &fakeSource{ids: []string{"a", "b", "c"}, parts: map[string][]row{"a": rowsOf(0, 7), "b": rowsOf(100, 3)}}
			l := fakeLab(t, f, fakeJob(mode, "append", ""))
			l.want(store.RunSucceeded, 10, 10, 0, 0)
			f.parts["c"] = rowsOf(200, 2)
			l.run(runner.Request{})
			if open, late := f.misuse(); open != 0 || late != 0 {
				t.Errorf("%d readers are open, %d batches were asked for behind the last", open, late)
			}
		})
	}
}

// TestRunner_StoppedRunLeavesNoReader is not parallel: it counts goroutines.
func TestRunner_StoppedRunLeavesNoReader(t *testing.T) {
	f := oneOf(rowsOf(0, 30)...)
	f.onNext = func(ctx context.Context, _ string, at int) error {
		if at < 9 {
			return nil
		}
		<-ctx.Done() // the batch that is read ahead while the run stops
		return ctx.Err()
	}
	l := fakeLab(t, f, fakeJob("full", "append", ""))
	l.within(func(s *session) {
		before := goleak.IgnoreCurrent()
		drain := make(chan struct{})
		s.Env.Progress = func(p step.Progress) {
			if p.Seq == 3 {
				close(drain)
				waitStop(t, s.store)
			}
		}
		l.is(l.walk(s, runner.Request{Run: "x", Drain: drain}), store.RunAborted, 9, 9, 0, 0)
		if open, late := f.misuse(); open != 0 || late != 0 {
			t.Errorf("%d readers are open, %d batches were asked for behind the last", open, late)
		}
		// Connectors stay open until the session ends.
		goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
	})
}

func TestRunner_SameRunOnceMoreBehindItsEnd(t *testing.T) {
	t.Parallel()
	l := fakeLab(t, oneOf(rowsOf(0, 3)...), fakeJob("full", "append", ""))
	l.within(func(s *session) {
		r := l.walk(s, runner.Request{Run: "x"})
		l.is(r, store.RunSucceeded, 3, 3, 0, 0)
		again := l.walk(s, runner.Request{Run: "x"})
		l.is(again, store.RunSucceeded, 3, 3, 0, 0)
		if !again.Run.EndedAt.Equal(r.Run.EndedAt) || strings.Join(again.Run.Notices, "") != "" {
			t.Errorf("the run's row was changed: %+v", again.Run)
		}
		l.lock(s, store.Succeeded, "x", "")
	})
	equal(t, l.query("select count(*) from s"), "3")
}
