package runner_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/store"
	"github.com/lockstep-data/lockstep/shared/transform"
)

// tooLarge refuses records whose id is above 50.
var tooLarge = transform.Func{Process: func(_ context.Context, in []transform.Record) ([]transform.Answer, error) {
	out := make([]transform.Answer, len(in))
	for i, r := range in {
		out[i] = transform.Replace(r)
		if r.Int("id") > 50 {
			out[i] = transform.Refuse(fmt.Errorf("too large"))
		}
	}
	return out, nil
}}

func TestRunner_DeleteMissingByAnotherKeyThanTheStreams(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		steps string
		id    int64 // with which the second record fails
		key   string
	}{
		"refused by a transform":                {"transforms: [{func: too_large}]", 99, "name"},
		"refused by a rule, with a null":        {"rules: [{required: [id]}]", -1, "name"},
		"the stream's key is null, and refused": {"rules: [{required: [id]}]", -1, "id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := oneOf(row{1, "x"}, row{2, "y"}, row{3, "z"})
			l := fakeLab(t, f, fakeJob("full", "{mode: upsert, key: ["+c.key+"], delete_missing: true}", c.steps))
			l.catalog = l.catalog.WithFunc("too_large", tooLarge)
			l.want(store.RunSucceeded, 3, 3, 0, 0)
			f.parts["a"] = []row{{1, "x"}, {c.id, "y"}} // y fails now, z is gone
			r := l.want(store.RunPartial, 2, 1, 0, 1)
			equal(t, l.query("select id, name from s order by id"), "1|x", "2|y", "3|z")
			notices := strings.Join(r.Run.Notices, "\n")
			if r.Run.Counters.Deleted != 0 || len(r.Run.Notices) != 1 || !strings.Contains(notices, "nothing was deleted") {
				t.Errorf("deleted %d, notices: %s", r.Run.Counters.Deleted, notices)
			}
			f.parts["a"] = []row{{1, "x"}, {2, "y"}}
			r = l.want(store.RunSucceeded, 2, 2, 0, 0)
			if r.Run.Counters.Deleted != 1 || len(r.Run.Notices) != 0 {
				t.Errorf("deleted %d, notices %v", r.Run.Counters.Deleted, r.Run.Notices)
			}
			equal(t, l.query("select id, name from s order by id"), "1|x", "2|y")
		})
	}
}

func TestRunner_NullKeys(t *testing.T) {
	t.Parallel()
	rows := []row{{-1, "x"}, {-1, "y"}, {5, "z"}, {-1, "x"}, {5, "last"}}
	for name, c := range map[string]struct {
		write, more string
		status      store.RunStatus
		code        fault.Code
		counts      []int64
		rows        []string
	}{
		"upsert refuses each of them": {write: "upsert", status: store.RunPartial, counts: []int64{5, 1, 1, 3}, rows: []string{"5|last"}},
		"append takes each of them": {
			write: "append", status: store.RunSucceeded, counts: []int64{5, 5, 0, 0},
			rows: []string{"5|last", "5|z", "<nil>|x", "<nil>|x", "<nil>|y"},
		},
		"a rule refuses each of them": {
			write: "upsert", more: "rules: [{required: [id]}]", status: store.RunPartial, counts: []int64{5, 1, 1, 3}, rows: []string{"5|last"},
		},
		"the window counts each of them": {
			write: "upsert", more: "on_failure: {window: {size: 10, threshold: 2}}", status: store.RunFailed, code: fault.FailureBudgetExceeded,
			counts: []int64{3, 1, 0, 2}, rows: []string{"5|z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := fakeLab(t, oneOf(rows...), strings.Replace(fakeJob("full", c.write, c.more), "records: 3", "records: 5", 1))
			r := l.want(c.status, c.counts...)
			if r.Run.ErrorCode != string(c.code) {
				t.Errorf("the run failed with %s: %s", r.Run.ErrorCode, r.Run.ErrorText)
			}
			if n := strings.Count(l.failures(), "\n"); n != int(c.counts[3]) {
				t.Errorf("%d failures: %s", n, l.failures())
			}
			got := l.query("select id, name from s order by 1 desc, 2")
			equal(t, got, c.rows...)
		})
	}
}

// second is a job whose first destination takes every record, and whose second refuses null ids.
const second = `
id: things
source:
  connector: fake
  config: {}
  streams: [{name: s, key: [id], mode: full}]
destinations:
  - {name: a, connector: sqlite, config: {path: first.db}, write: {mode: append}}
  - {name: b, connector: sqlite, config: {path: out.db}, write: {mode: upsert}}
batch: {records: 3}
on_failure: {%s}
`

func TestRunner_RefusedByTheSecondDestination(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy string
		status store.RunStatus
		code   fault.Code
		counts []int64
		first  string // rows at the first destination
		rows   string // at the second
		tries  int
	}{
		"skip":  {"action: skip", store.RunPartial, "", []int64{5, 4, 0, 1}, "5", "1,5,6,7", 1},
		"retry": {"action: retry, max_retries: 2, delay: 1ms", store.RunPartial, "", []int64{5, 4, 0, 1}, "5", "1,5,6,7", 3},
		"abort": {"action: abort", store.RunFailed, fault.DataInvalid, []int64{3, 2, 0, 1}, "3", "1,5", 1},
		"window": {
			"window: {size: 100, threshold: 0}", store.RunFailed, fault.FailureBudgetExceeded, []int64{3, 2, 0, 1}, "3", "1,5", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := oneOf(row{1, "x"}, row{-1, "y"}, row{5, "z"}, row{6, "z"}, row{7, "z"})
			l := fakeLab(t, f, fmt.Sprintf(second, c.policy))
			r := l.want(c.status, c.counts...)
			if r.Run.ErrorCode != string(c.code) || c.code != "" && r.Lock.Status != store.Failed {
				t.Errorf("the run failed with %s (%s), lock %s", r.Run.ErrorCode, r.Run.ErrorText, r.Lock.Status)
			}
			first, err := queryAll(filepath.Join(l.dir, "first.db"), "select count(*) from s")
			l.ok(err)
			equal(t, first, c.first)
			equal(t, l.query("select group_concat(id, ',') from (select id from s order by id)"), c.rows)
			l.within(func(s *session) {
				failures, _, err := s.store.Failures(t.Context(), store.FailureQuery{Job: "things", Limit: 10})
				l.ok(err)
				if len(failures) != 1 || failures[0].Tries != c.tries || failures[0].Index != 1 || failures[0].Phase != "load" {
					t.Errorf("failures: %+v", failures)
				}
			})
		})
	}
}

func TestRunner_RefusedByTheSecondDestinationInTheLastBatch(t *testing.T) {
	t.Parallel()
	for policy, code := range map[string]fault.Code{
		"action: abort": fault.DataInvalid, "window: {size: 100, threshold: 0}": fault.FailureBudgetExceeded,
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			l := fakeLab(t, oneOf(row{1, "x"}, row{-1, "y"}, row{5, "z"}), fmt.Sprintf(second, policy))
			r := l.want(store.RunFailed, 3, 2, 0, 1)
			if r.Run.ErrorCode != string(code) || r.Lock.Status != store.Failed {
				t.Errorf("the run failed with %s (%s), lock %s", r.Run.ErrorCode, r.Run.ErrorText, r.Lock.Status)
			}
			equal(t, l.query("select id from s order by id"), "1", "5")
		})
	}
}

func TestRunner_RefusedByTheSecondDestinationGoesOnBehindIt(t *testing.T) {
	t.Parallel()
	f := oneOf(row{1, "x"}, row{-1, "y"}, row{5, "z"}, row{6, "z"})
	f.print = "F1"
	l := fakeLab(t, f, fmt.Sprintf(second, "action: abort"))
	l.want(store.RunFailed, 3, 2, 0, 1)
	if r := l.want(store.RunPartial, 4, 3, 0, 1); !r.Continued {
		t.Error("the run was not continued")
	}
	first, err := queryAll(filepath.Join(l.dir, "first.db"), "select count(*) from s")
	l.ok(err)
	equal(t, first, "4")
	equal(t, l.query("select id from s order by id"), "1", "5", "6")
}

func TestRunner_WindowStaysShut(t *testing.T) {
	t.Parallel()
	for refuses, more := range map[string]string{"a rule": "rules: [{required: [id]}]", "the destination": ""} {
		for name, lost := range map[string]error{
			"is cut": nil,
			"is cut, and the checkpoint is lost once":                         fault.New(fault.Timeout, "no answer"),
			"is cut, and the process ends between destination and checkpoint": errDead,
		} {
			t.Run("by what "+refuses+" refuses it "+name, func(t *testing.T) {
				t.Parallel()
				f := oneOf(row{1, "x"}, row{-1, "y"}, row{5, "z"}, row{6, "z"})
				l := fakeLab(t, f, fakeJob("incremental", "upsert", more+"\nmax_tries: 20\non_failure: {window: {size: 10, threshold: 0}}"))
				l.tripped(lost)
				equal(t, l.query("select id from s"), "1")
				f.parts["a"][1].id = 2 // mended, but only a reset says so
				for range 3 {
					r := l.run(runner.Request{New: true})
					l.is(r, store.RunFailed, 0, 0, 0, 0)
					if r.Run.ErrorCode != string(fault.FailureBudgetExceeded) || r.Run.Counters.Batches != 0 || r.Lock.Status != store.Failed {
						t.Errorf("the run failed with %s, %+v, lock %s", r.Run.ErrorCode, r.Run.Counters, r.Lock.Status)
					}
				}
				equal(t, l.query("select id from s"), "1")
				l.reopen()
				r := l.want(store.RunSucceeded, 3, 3, 0, 0) // behind the checkpoint
				if r.Lock.Status != store.Succeeded {
					t.Errorf("lock is %s", r.Lock.Status)
				}
				equal(t, l.query("select id from s order by id"), "1", "2", "5", "6")
			})
		}
	}
}

// tripped runs the job until its window is shut; the first checkpoint is answered with lost, if that is not nil.
func (l *lab) tripped(lost error) {
	l.Helper()
	l.within(func(s *session) {
		s.Clock = quickClock{}
		s.Env.Protocol.Store = &hookedStore{Store: s.store, checkpoint: func(store.MoveCheckpoint) error {
			err := lost
			lost = nil
			return err
		}}
		r := l.walk(s, runner.Request{})
		if r.Run.ErrorCode == string(fault.Internal) { // the process that is gone
			l.is(r, store.RunFailed, 0, 0, 0, 0)
			r = l.walk(s, runner.Request{})
		}
		l.is(r, store.RunFailed, 1, 1, 0, 0)
		if r.Run.ErrorCode != string(fault.FailureBudgetExceeded) {
			l.Errorf("the run failed with %s: %s", r.Run.ErrorCode, r.Run.ErrorText)
		}
		c, err := s.store.ReadCheckpoint(l.Context(), store.CheckpointKey{Job: "things", Stream: "s", Partition: "a"})
		l.ok(err)
		if c.Seq != 1 || c.Position != "p1" {
			l.Errorf("the checkpoint is at batch %d, position %s: the load that cut the batch ends the run", c.Seq, c.Position)
		}
	})
}
