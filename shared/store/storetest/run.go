package storetest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// run is a new run of the case's job.
func (e *env) run(id string) store.Run {
	return store.Run{
		Job: e.job, ID: id, Status: store.RunPending, Trigger: "manual", Digest: "digest", InputSHA256: "hash", Input: json.RawMessage(`{"full":true}`),
		Snapshot: json.RawMessage(`{"id":"j"}`), Version: "v1", Steps: map[string]string{"plan": "pending"}, Notices: []string{"n1"},
		CreatedAt: e.now, ExpiresAt: e.now.Add(store.RunRetention),
	}
}

func (e *env) mustStart(r store.Run) store.Run {
	e.Helper()
	got, applied, err := e.s.StartRun(e.Context(), r)
	e.ok(err)
	if !applied {
		e.Fatalf("run %s is there already", r.ID)
	}
	return got
}

func runCases() []testCase {
	return []testCase{
		{"start puts the run once", func(e *env) {
			r := e.run("r1")
			e.same("answer", e.mustStart(r), r)
			other := e.run("r1")
			other.InputSHA256 = "another"
			got, applied, err := e.s.StartRun(e.Context(), other)
			e.ok(err)
			if applied {
				e.Fatal("started twice")
			}
			e.same("the run that is there", got, r)
		}},
		{"start without expiry keeps the run 180 days", func(e *env) {
			r := e.run("r1")
			r.ExpiresAt = time.Time{}
			e.same("expiry", e.mustStart(r).ExpiresAt, e.now.Add(store.RunRetention))
		}},
		{"update changes what is set", func(e *env) {
			r := e.mustStart(e.run("r1"))
			r.Status, r.Holder, r.Percent, r.StartedAt = store.RunRunning, "h", 40, e.now
			r.Steps = map[string]string{"plan": "completed", "load": "running"}
			r.Notices = []string{"n1", "n2"}
			got, err := e.s.UpdateRun(e.Context(), store.RunChange{
				Job: e.job, ID: "r1", Status: &r.Status, Holder: &r.Holder, Percent: &r.Percent, StartedAt: &r.StartedAt, Steps: r.Steps, Notices: []string{"n2", "n1"},
			})
			e.ok(err)
			e.same("answer", got, r)
			read, err := e.s.Run(e.Context(), e.job, "r1")
			e.ok(err)
			e.same("stored", read, r)
		}},
		{"update minds the status", updateStatus},
		{"what was billed is added up, whatever the status", func(e *env) {
			e.mustStart(e.run("r1"))
			for range 2 {
				ended := store.RunSucceeded
				_, err := e.s.UpdateRun(e.Context(), store.RunChange{
					Job: e.job, ID: "r1", Status: &ended, Only: store.RunStatuses(), Units: store.Units{Read: 0.5, Write: 12},
				})
				e.ok(err)
			}
			r, err := e.s.Run(e.Context(), e.job, "r1")
			e.ok(err)
			e.same("units", r.Units, store.Units{Read: 1, Write: 24})
		}},
		{"sums over the partitions, and what finish added", func(e *env) {
			e.mustStart(e.run("r1"))
			a, b := e.bind("r1", 1, 0), e.bind("r1", 1, 0)
			b.Partition = "q"
			e.mustMove(e.mustMove(e.mustBind(a)))
			e.mustMove(e.mustBind(b))
			want := store.Counters{Read: 9, Loaded: 6, Inserted: 6, Failed: 3, Deleted: 5, Batches: 3, Bytes: 30}
			got, err := e.s.UpdateRun(e.Context(), store.RunChange{Job: e.job, ID: "r1", Add: store.Counters{Deleted: 5}})
			e.ok(err)
			e.same("update", got.Counters, want)
			runs, _, err := e.s.Runs(e.Context(), store.RunQuery{Job: e.job, Limit: 10})
			e.ok(err)
			e.same("list", runs[0].Counters, want)
		}},
		{"not found", func(e *env) {
			if _, err := e.s.Run(e.Context(), e.job, "r9"); !fault.Has(err, fault.NotFound) {
				e.Errorf("Run: %v", err)
			}
			if _, err := e.s.UpdateRun(e.Context(), store.RunChange{Job: e.job, ID: "r9"}); !fault.Has(err, fault.NotFound) {
				e.Errorf("UpdateRun: %v", err)
			}
		}},
		{"pages are stable while runs come in", listRuns},
		{"a token of another list is refused", func(e *env) {
			for _, token := range []string{"x", "bm9uZQ", "WyJsb2NrcyIsMSwiYSJd"} {
				if _, _, err := e.s.Runs(e.Context(), store.RunQuery{Job: e.job, Limit: 10, Token: token}); !fault.Has(err, fault.DataInvalid) {
					e.Errorf("token %q: %v", token, err)
				}
			}
		}},
		{"end of a partition keeps its counters", func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			before := e.ledger("r1").Partitions
			p := store.RunPartition{Job: e.job, Run: "r1", Stream: c.Stream, Partition: c.Partition, ErrorCode: "Internal", ErrorText: "broke", UpdatedAt: e.now}
			e.ok(e.s.EndPartition(e.Context(), p))
			before[0].ErrorCode, before[0].ErrorText = "Internal", "broke"
			e.same("after a failure", e.ledger("r1").Partitions, before)
			e.mustMove(c)
			if got := e.ledger("r1").Partitions[0]; got.ErrorCode != "" || got.ErrorText != "" {
				e.Errorf("a checkpoint leaves the error: %+v", got)
			}
			e.ok(e.s.EndPartition(e.Context(), p))
			p.ErrorCode, p.ErrorText = "", ""
			e.ok(e.s.EndPartition(e.Context(), p))
			if got := e.ledger("r1").Partitions[0]; got.ErrorCode != "" || got.LastSeq != 2 || got.Counters.Read != 6 {
				e.Errorf("got %+v", got)
			}
			p.Partition, p.ErrorCode = "never-bound", "Internal"
			e.ok(e.s.EndPartition(e.Context(), p))
			if got := e.ledger("r1").Partitions; len(got) != 2 || got[0].Partition != "never-bound" {
				e.Errorf("got %+v", got)
			}
		}},
	}
}

func updateStatus(e *env) {
	e.mustStart(e.run("r1"))
	change := func(to store.RunStatus, only ...store.RunStatus) store.RunStatus {
		r, err := e.s.UpdateRun(e.Context(), store.RunChange{Job: e.job, ID: "r1", Status: &to, Only: only})
		e.ok(err)
		return r.Status
	}
	e.same("not from there", change(store.RunRunning, store.RunSkipped), store.RunPending)
	e.same("from there", change(store.RunRunning, store.RunPending), store.RunRunning)
	e.same("to the end", change(store.RunFailed), store.RunFailed)
	e.same("ended runs do not change", change(store.RunSucceeded), store.RunFailed)
	e.same("unless it is said", change(store.RunRunning, store.RunFailed), store.RunRunning)
}

func listRuns(e *env) {
	for i := range 5 {
		r := e.run(fmt.Sprintf("r%d", i))
		r.CreatedAt = e.now.Add(time.Duration(i/2) * time.Minute) // some at the same time
		if i == 3 {
			r.Status = store.RunFailed
		}
		e.mustStart(r)
	}
	list := func(q store.RunQuery, between func(page int)) (out []string) {
		q.Job, q.Limit = e.job, 2
		for page := 0; ; page++ {
			runs, next, err := e.s.Runs(e.Context(), q)
			e.ok(err)
			for _, r := range runs {
				out = append(out, r.ID)
			}
			between(page)
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	nothing := func(int) {}
	e.same("newest first", list(store.RunQuery{}, nothing), []string{"r4", "r3", "r2", "r1", "r0"})
	e.same("oldest first", list(store.RunQuery{OldestFirst: true}, nothing), []string{"r0", "r1", "r2", "r3", "r4"})
	e.same("failed", list(store.RunQuery{Statuses: []store.RunStatus{store.RunFailed, store.RunSkipped}}, nothing), []string{"r3"})
	e.same("since", list(store.RunQuery{Since: e.now.Add(time.Minute)}, nothing), []string{"r4", "r3", "r2"})
	e.same("until", list(store.RunQuery{Until: e.now.Add(time.Minute)}, nothing), []string{"r1", "r0"})
	e.same("a newer run comes in", list(store.RunQuery{}, func(page int) {
		if page == 0 {
			r := e.run("r9")
			r.CreatedAt = e.now.Add(time.Hour)
			e.mustStart(r)
		}
	}), []string{"r4", "r3", "r2", "r1", "r0"})
	all, _, err := e.s.Runs(e.Context(), store.RunQuery{Limit: 1000})
	e.ok(err)
	if len(all) < 6 {
		e.Errorf("all jobs: %d runs", len(all))
	}
}
