package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

func detailCases() []testCase {
	return []testCase{
		{"steps are put once and listed by their start", func(e *env) {
			add := func(id, step string, after time.Duration, status string) {
				e.ok(e.s.AddStep(e.Context(), store.StepExecution{ID: id, Job: e.job, Run: "r1", Step: step, Status: status, StartedAt: e.now.Add(after)}))
			}
			add("c", "load", 2*time.Second, "completed")
			add("a", "plan", time.Second, "completed")
			add("b", "load", time.Second, "failed")
			add("b", "load", time.Hour, "completed") // the id is there already
			list := func(step string) (out []string) {
				for token := ""; ; {
					steps, next, err := e.s.Steps(e.Context(), store.StepQuery{Job: e.job, Run: "r1", Step: step, Limit: 2, Token: token})
					e.ok(err)
					for _, s := range steps {
						out = append(out, s.ID+" "+s.Status)
					}
					if token = next; token == "" {
						return out
					}
				}
			}
			e.same("all", list(""), []string{"a completed", "b failed", "c completed"})
			e.same("one step", list("load"), []string{"b failed", "c completed"})
		}},
		{"log events", listLogs},
		{"failures", listFailures},
		{"many and large failures of one batch", manyFailures},
	}
}

func listLogs(e *env) {
	event := func(id, level, text string, after time.Duration) store.LogEvent {
		return store.LogEvent{
			ID: id, Job: e.job, Run: "r1", Time: e.now.Add(after), Level: level, Step: "load", Text: text, Attrs: json.RawMessage(`{"batch":"B7"}`),
		}
	}
	events := []store.LogEvent{
		event("2", "info", "batch loaded", time.Second), event("1", "debug", "100% of a_b", 0), event("3", "error", "batch failed", 2*time.Second),
	}
	e.ok(e.s.AddLogs(e.Context(), events))
	again := event("3", "info", "changed", 0)
	e.ok(e.s.AddLogs(e.Context(), []store.LogEvent{again, event("4", "warn", "later", 3*time.Second)}))
	e.ok(e.s.AddLogs(e.Context(), nil))
	list := func(q store.LogQuery) (out []string) {
		q.Job, q.Run, q.Limit = e.job, "r1", 2
		for {
			logs, next, err := e.s.Logs(e.Context(), q)
			e.ok(err)
			for _, l := range logs {
				out = append(out, l.ID)
				if l.ID == "3" {
					e.same("event", l, events[2])
				}
			}
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	e.same("all, by time", list(store.LogQuery{}), []string{"1", "2", "3", "4"})
	e.same("level and above", list(store.LogQuery{Level: "warn"}), []string{"3", "4"})
	e.same("keyword in the text", list(store.LogQuery{Keyword: "BATCH l"}), []string{"2"})
	e.same("keyword in the attributes", list(store.LogQuery{Keyword: `b7`}), []string{"1", "2", "3", "4"})
	e.same("signs in a keyword stand for themselves", list(store.LogQuery{Keyword: "0% of a_"}), []string{"1"})
	e.same("and match nothing else", list(store.LogQuery{Keyword: "b_tch"}), []string(nil))
	e.same("step", list(store.LogQuery{Step: "plan"}), []string(nil))
	e.same("time range", list(store.LogQuery{Since: e.now.Add(time.Second), Until: e.now.Add(2 * time.Second)}), []string{"2"})
}

func listFailures(e *env) {
	c := e.mustBind(e.bind("r1", 1, 0))
	for range 2 {
		w := e.next(c)
		w.Failures = []store.Failure{
			{Index: 0, Phase: "validate", Code: "DataInvalid", Rule: "not_null"}, {Index: 2, Phase: "load", Code: "Conflict", Raw: "raw", Batch: "object"},
		}
		var err error
		c, _, err = e.s.Checkpoint(e.Context(), w)
		e.ok(err)
	}
	id := func(seq int64, index int) string { return store.FailureID("r1", e.key(), seq, index) }
	list := func(q store.FailureQuery) (out []string) {
		q.Job, q.Limit = e.job, 3
		for {
			failures, next, err := e.s.Failures(e.Context(), q)
			e.ok(err)
			for _, f := range failures {
				out = append(out, f.ID)
			}
			if q.Token = next; next == "" {
				return out
			}
		}
	}
	all := []string{id(1, 0), id(1, 2), id(2, 0), id(2, 2)}
	e.same("all, by id", list(store.FailureQuery{}), all)
	e.same("run, stream, status", list(store.FailureQuery{Run: "r1", Stream: "s", Status: "open"}), all)
	e.same("phase", list(store.FailureQuery{Phase: "load"}), []string{id(1, 2), id(2, 2)})
	e.same("code", list(store.FailureQuery{Code: "DataInvalid"}), []string{id(1, 0), id(2, 0)})
	e.same("another run", list(store.FailureQuery{Run: "r2"}), []string(nil))
	e.same("before", list(store.FailureQuery{Until: e.now}), []string(nil))
	e.same("since", list(store.FailureQuery{Since: e.now}), all)
	f, err := e.s.Failure(e.Context(), e.job, id(2, 2))
	e.ok(err)
	e.same("one", fmt.Sprintf("%d %d %s %s", f.Seq, f.Index, f.Raw, f.Batch), "2 2 raw object")
	if _, err := e.s.Failure(e.Context(), e.job, "none"); !fault.Has(err, fault.NotFound) {
		e.Errorf("Failure: %v", err)
	}
}

// manyFailures is more than fits into one transaction of any service.
func manyFailures(e *env) {
	const n = 1200
	c := e.mustBind(e.bind("r1", 1, 0))
	w := e.next(c)
	snapshot := json.RawMessage(`{"text":"` + strings.Repeat("x", 4000) + `"}`)
	w.Counters = store.Counters{Read: n, Failed: n, Batches: 1}
	w.Failures = nil
	for i := range n {
		w.Failures = append(w.Failures, store.Failure{Index: i, Phase: "validate", Code: "DataInvalid", Snapshot: snapshot})
	}
	refused := w
	refused.Fence++
	e.kept(c)(e.s.Checkpoint(e.Context(), refused))
	e.same("failures of a refused checkpoint", len(e.failures("r1")), 0)
	if _, err := e.s.Failure(e.Context(), e.job, store.FailureID("r1", e.key(), 1, 700)); !fault.Has(err, fault.NotFound) {
		e.Fatalf("a failure of a refused checkpoint: %v", err)
	}
	for range 2 { // sent again, they are there once
		_, applied, err := e.s.Checkpoint(e.Context(), w)
		e.ok(err)
		e.same("applied", applied, true)
	}
	got := e.failures("r1")
	e.same("number of failures", len(got), n)
	for i, f := range got {
		e.same("id", f.ID, store.FailureID("r1", e.key(), 1, i))
	}
	f, err := e.s.Failure(e.Context(), e.job, store.FailureID("r1", e.key(), 1, 700))
	e.ok(err)
	e.same("one of them", fmt.Sprint(f.Index, " ", len(f.Snapshot), " ", f.Status), fmt.Sprint(700, " ", len(snapshot), " open"))
}

// failures reads a run's failures by pages.
func (e *env) failures(run string) (out []store.Failure) {
	e.Helper()
	for token := ""; ; {
		page, next, err := e.s.Failures(e.Context(), store.FailureQuery{Job: e.job, Run: run, Limit: 500, Token: token})
		e.ok(err)
		out = append(out, page...)
		if token = next; token == "" {
			return out
		}
	}
}

func expireCases(byItself bool) []testCase {
	if byItself {
		return []testCase{{"has nothing to do", func(e *env) {
			e.mustStart(store.Run{Job: e.job, ID: "r1"})
			n, err := e.s.Expire(e.Context(), e.now.Add(2*store.RunRetention))
			e.ok(err)
			e.same("expired", n, int64(0))
		}}}
	}
	return []testCase{{"what brings no time is kept from now on", func(e *env) {
		e.mustStart(store.Run{Job: e.job, ID: "r1"})
		e.ok(e.s.AddStep(e.Context(), store.StepExecution{ID: "1", Job: e.job, Run: "r1"}))
		e.ok(e.s.AddLogs(e.Context(), []store.LogEvent{{ID: "1", Job: e.job, Run: "r1"}}))
		e.ok(e.s.EndPartition(e.Context(), store.RunPartition{Job: e.job, Run: "r1", Stream: "s", Partition: "p"}))
		n, err := e.s.Expire(e.Context(), e.now)
		e.ok(err)
		e.same("expired", n, int64(0))
		n, err = e.s.Expire(e.Context(), e.now.Add(2*store.RunRetention))
		e.ok(err)
		e.same("expired", n, int64(4))
	}}, {"runs after 180 days, details after 30, locks and checkpoints never", func(e *env) {
		l := e.mustAcquire("r1")
		e.mustStart(e.run("r1"))
		c := e.mustMove(e.mustBind(e.bind("r1", l.Term, 0)))
		e.ok(e.s.AddLogs(e.Context(), []store.LogEvent{{ID: "1", Job: e.job, Run: "r1", Time: e.now, Level: "info", Text: "x"}}))
		expire := func(after time.Duration) int64 {
			n, err := e.s.Expire(e.Context(), e.now.Add(after))
			e.ok(err)
			return n
		}
		count := func() string {
			runs, _, err := e.s.Runs(e.Context(), store.RunQuery{Job: e.job, Limit: 9})
			e.ok(err)
			logs, _, err := e.s.Logs(e.Context(), store.LogQuery{Job: e.job, Run: "r1", Limit: 9})
			e.ok(err)
			d := e.ledger("r1")
			return fmt.Sprintf("%d runs, %d partitions, %d steps, %d failures, %d logs", len(runs), len(d.Partitions), len(d.Steps), len(d.Failures), len(logs))
		}
		e.same("too early", expire(store.DetailRetention-time.Millisecond), int64(0))
		e.same("before", count(), "1 runs, 1 partitions, 1 steps, 1 failures, 1 logs")
		e.same("details", expire(store.DetailRetention), int64(3))
		e.same("after 30 days", count(), "1 runs, 1 partitions, 0 steps, 0 failures, 0 logs")
		e.same("too early for runs", expire(store.RunRetention-time.Millisecond), int64(0))
		e.same("runs", expire(store.RunRetention), int64(2))
		e.same("after 180 days", count(), "0 runs, 0 partitions, 0 steps, 0 failures, 0 logs")
		expire(100 * store.RunRetention)
		e.same("lock", e.lock(), l)
		e.same("checkpoint", e.checkpoint(c.CheckpointKey), c)
	}}}
}
