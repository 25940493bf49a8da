package runner_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
	"github.com/lockstep-data/lockstep/shared/stage"
	"github.com/lockstep-data/lockstep/shared/step"
	"github.com/lockstep-data/lockstep/shared/step/finish"
	"github.com/lockstep-data/lockstep/shared/step/plan"
	"github.com/lockstep-data/lockstep/shared/store"
)

// The check of a position covers the header, which is near the first positions of a short file.
func TestRunner_ShortFileGrows(t *testing.T) {
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: incremental}]
destinations:
  - connector: sqlite
    config: {path: out.db}
    write: upsert
`)
	l.write("in/things.csv", "id,name", "1,a", "2,b")
	l.want(store.RunSucceeded, 2, 2, 0, 0)
	l.write("in/things.csv", "id,name", "1,a", "2,b", "3,c")
	l.want(store.RunSucceeded, 1, 1, 0, 0)
}

// A record with a null key may be any of those that are missing, also when only the destination refuses it.
func TestRunner_NullKeyRefusedByTheDestination(t *testing.T) {
	for _, key := range []string{"id", "id, name"} {
		t.Run(key, func(t *testing.T) {
			f := oneOf(row{1, "x"}, row{2, "y"}, row{3, "z"})
			l := fakeLab(t, f, fakeJob("full", "{mode: upsert, key: ["+key+"], delete_missing: true}", ""))
			l.want(store.RunSucceeded, 3, 3, 0, 0)
			f.parts["a"] = []row{{1, "x"}, {-1, "y"}}
			r := l.want(store.RunPartial, 2, 1, 0, 1)
			if len(r.Run.Notices) != 1 || r.Run.Counters.Deleted != 0 {
				t.Errorf("deleted %d, notices %v", r.Run.Counters.Deleted, r.Run.Notices)
			}
			equal(t, l.query("select id, name from s order by id"), "1|x", "2|y", "3|z")
		})
	}
}

// The row of a run that is redriven from finish must not stay failed.
func TestRunner_RowOfARunRedrivenFromFinish(t *testing.T) {
	f := oneOf(rowsOf(0, 6)...)
	bad := true
	f.onNext = func(context.Context, string, int) error {
		if bad {
			return fault.New(fault.DataInvalid, "broken")
		}
		return nil
	}
	l := fakeLab(t, f, fakeJob("full", "append", ""))
	l.within(func(s *session) {
		l.is(l.walk(s, runner.Request{Run: "x"}), store.RunFailed, 0, 0, 0, 0)
		bad = false
		h := l.byHand(s, "x")
		h.call.Redrive = 1
		_, err := finish.Run(t.Context(), s.Env, h.at())
		l.ok(err)
		h.call.Leg, h.call.Redrive, h.call.Execution = 2, 0, "x-l2-r1-t0"
		p, err := plan.Run(t.Context(), s.Env, h.at())
		l.ok(err)
		h.drain(p.Partitions[0])
		h.call.Redrive, h.call.Execution, h.call.Sums = 1, "x", stage.Sums{Partitions: 1}
		_, err = finish.Run(t.Context(), s.Env, h.at())
		l.ok(err)
		row, err := s.store.Run(t.Context(), "things", "x")
		l.ok(err)
		if row.Status != store.RunSucceeded || row.ErrorCode != "" {
			t.Errorf("run is %s (%s)", row.Status, row.ErrorCode)
		}
	})
}

// Sources do not know of masks, and keys can be masked too.
func TestRunner_MaskedAtTheSource(t *testing.T) {
	for name, c := range map[string]maskedCase{
		"a value that is no number":            {stream: ", columns: {pin: int}"},
		"the key, which the source refuses":    {key: "id, pin", stream: ", columns: {pin: int}"},
		"the key, which a transform cannot do": {key: "id, pin", steps: "transforms: [{cast: {pin: int}}]"},
	} {
		for _, action := range []string{"skip", "abort"} {
			t.Run(name+", "+action, func(t *testing.T) {
				key := c.key
				if key == "" {
					key = "id"
				}
				l := newLab(t, fmt.Sprintf(maskedJob, key, c.stream, c.steps, action))
				l.write("in/things.csv", "id,pin", "1,s3cr3t-pin", "2,s3cr3t-pin")
				l.sees(nothingOf("s3cr3t"))
			})
		}
	}
}

// A destination that lost what was staged must not be swapped in.
func TestRunner_StagedRowsLost(t *testing.T) {
	l := newLab(t, `
id: things
source:
  connector: file
  config: {path: in/things.csv}
  streams: [{name: things, key: [id], mode: full}]
destinations:
  - connector: file
    config: {path: out.csv}
    write: replace
batch: {records: 2}
`)
	l.write("in/things.csv", "id", "1", "2")
	l.want(store.RunSucceeded, 2, 2, 0, 0)
	l.write("in/things.csv", "id", "7", "8", "9")
	s, err := l.open(t.Context())
	l.ok(err)
	ctx, cancel := context.WithCancel(t.Context())
	s.Env.Progress = func(p step.Progress) {
		if p.Seq == 2 {
			cancel()
		}
	}
	_, err = s.Run(ctx, runner.Request{Job: "things"})
	l.ok(err)
	s.close()
	l.ok(os.Remove(filepath.Join(l.dir, "out.csv.lockstep.json")))
	r := l.run(runner.Request{})
	if !r.Continued || r.Run.Status != store.RunFailed || r.Run.ErrorCode != string(fault.DestinationBehind) {
		t.Errorf("continued %v: %s %s %s", r.Continued, r.Run.Status, r.Run.ErrorCode, r.Run.ErrorText)
	}
	data, err := os.ReadFile(filepath.Join(l.dir, "out.csv"))
	l.ok(err)
	equal(t, []string{string(data)}, "id\n1\n2\n")
	if r = l.run(runner.Request{New: true}); r.Run.Status != store.RunSucceeded || r.Run.Counters.Read != 3 {
		t.Errorf("a new run is %s, %+v", r.Run.Status, r.Run.Counters)
	}
}
