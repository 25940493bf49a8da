package command

import (
	"context"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/runner"
)

// restoredJob is what doctor --after-restore prints of a job as JSON.
type restoredJob struct {
	Job     string              `json:"job"`
	Moved   []restoredPartition `json:"moved"`
	Code    string              `json:"code,omitempty"`
	Message string              `json:"message,omitempty"`
	Hint    string              `json:"hint,omitempty"`
}

// restoredPartition is a checkpoint that went forward.
type restoredPartition struct {
	Stream    string `json:"stream"`
	Partition string `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
}

// afterRestore mends every job of the project after an older copy of the state was put back.
func (a *app) afterRestore(ctx context.Context, yes bool) error {
	p, s, err := a.project(ctx, true)
	if err != nil {
		return err
	}
	if !s.shared() && !exists(s.state) {
		return wrong("run the jobs: those whose destination is ahead say StateBehind and write nothing; then come back", "there is no state %s", s.state)
	}
	if ok, err := a.confirm("no job runs, and the state is an older copy: go forward to where the destinations are?", yes); err != nil || !ok {
		return err
	}
	exit, out := ExitOK, []restoredJob{}
	for _, d := range p.Documents {
		f := found{doc: d, site: s, resolver: a.resolver(s.dir)}
		one, err := a.restoreJob(ctx, f)
		if err != nil && !fault.Has(err, fault.NotReady) {
			exit = ExitUnreachable
		}
		out = append(out, one)
	}
	if a.flags.json {
		a.json(out)
		return end(exit)
	}
	for _, one := range out {
		a.writeRestored(one)
	}
	return end(exit)
}

// restoreJob mends one job.
func (a *app) restoreJob(ctx context.Context, f found) (restoredJob, error) {
	one := restoredJob{Job: f.doc.Job.Key(), Moved: []restoredPartition{}}
	rt, err := a.open(ctx, f)
	if err == nil {
		var r runner.Restored
		r, err = (&runner.Runner{Env: rt.env}).Restore(ctx, one.Job)
		for _, m := range r.Moved {
			one.Moved = append(one.Moved, restoredPartition(m))
		}
		if cerr := rt.close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		e := explain(err)
		one.Code, one.Message, one.Hint = e.Code, e.Message, e.Hint
	}
	return one, err
}

func (a *app) writeRestored(one restoredJob) {
	if one.Code != "" {
		a.printf("%s  %s [%s]\n", a.p.bold(one.Job), a.p.red(one.Message), one.Code)
		if one.Hint != "" {
			a.printf("  do       %s\n", one.Hint)
		}
		return
	}
	a.printf("%s  may run again, under numbers that nobody had\n", a.p.bold(one.Job))
	for _, m := range one.Moved {
		a.printf("  %s/%s was at batch %s and is at batch %s now; failures of the batches between are not in the ledger\n",
			m.Stream, m.Partition, count(m.From), count(m.To))
	}
	a.printf("  next: %s\n", a.lineFor(one.Job)("run"))
}
