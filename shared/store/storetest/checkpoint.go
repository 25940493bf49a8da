package storetest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// key names the partition p of stream s.
func (e *env) key() store.CheckpointKey {
	return store.CheckpointKey{Job: e.job, Stream: "s", Partition: "p"}
}

// bind is a request by a run in a term, for its n-th attempt.
func (e *env) bind(run string, term int64, n int) store.BindCheckpoint {
	att := store.Attempt(epoch1, e.now, n)
	return store.BindCheckpoint{CheckpointKey: e.key(), Run: run, Term: term, Attempt: att, Owner: store.Owner(run, att, "req"), Now: e.now}
}

func (e *env) mustBind(w store.BindCheckpoint) store.Checkpoint {
	e.Helper()
	c, applied, err := e.s.Bind(e.Context(), w)
	e.ok(err)
	if !applied {
		e.Fatalf("bind was refused: %+v", c)
	}
	return c
}

// next is the request that moves a bound checkpoint by one batch of 3 records, one of which failed.
func (e *env) next(c store.Checkpoint) store.MoveCheckpoint {
	seq := c.Seq + 1
	return store.MoveCheckpoint{
		CheckpointKey: c.CheckpointKey, Run: c.Run, Fence: c.Fence, Owner: c.Owner, PrevSeq: c.Seq, Seq: seq, PrevPos: c.Position,
		Position: fmt.Sprintf("pos-%d", seq), Schema: "schema", Window: "window",
		Counters: store.Counters{Read: 3, Loaded: 2, Inserted: 2, Failed: 1, Batches: 1, Bytes: 10},
		Failures: []store.Failure{{Index: 1, Key: `["k"]`, Phase: "load", Code: "DataInvalid", Message: "no", Snapshot: json.RawMessage(`{"a":1}`)}},
		Steps: []store.StepExecution{{
			ID: fmt.Sprintf("load-%d", seq), Job: c.Job, Run: c.Run, Step: "load", Stream: c.Stream, Partition: c.Partition, Seq: seq,
			Status: "completed", Records: 3, StartedAt: e.now, EndedAt: e.now.Add(time.Second),
		}},
		Now: e.now,
	}
}

func (e *env) mustMove(c store.Checkpoint) store.Checkpoint {
	e.Helper()
	c, applied, err := e.s.Checkpoint(e.Context(), e.next(c))
	e.ok(err)
	if !applied {
		e.Fatalf("checkpoint was refused: %+v", c)
	}
	return c
}

func (e *env) checkpoint(k store.CheckpointKey) store.Checkpoint {
	e.Helper()
	c, err := e.s.ReadCheckpoint(e.Context(), k)
	e.ok(err)
	return c
}

// kept checks that a write on a checkpoint was refused and changed nothing.
func (e *env) kept(before store.Checkpoint) func(store.Checkpoint, bool, error) {
	return func(got store.Checkpoint, applied bool, err error) {
		e.Helper()
		e.ok(err)
		if applied {
			e.Fatalf("applied: %+v", got)
		}
		e.same("answered checkpoint", got, before)
		e.same("stored checkpoint", e.checkpoint(before.CheckpointKey), before)
	}
}

// moved checks that a write on a checkpoint was applied.
func (e *env) moved(want store.Checkpoint) func(store.Checkpoint, bool, error) {
	return func(got store.Checkpoint, applied bool, err error) {
		e.Helper()
		e.ok(err)
		if !applied {
			e.Fatalf("refused: %+v", got)
		}
		e.same("stored checkpoint", e.checkpoint(got.CheckpointKey), got)
		want.UpdatedAt = got.UpdatedAt
		e.same("answered checkpoint", got, want)
	}
}

func bindCases() []testCase {
	refused := func(name string, again func(*env) store.BindCheckpoint) testCase {
		return testCase{"refused: " + name, func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 5, 2)))
			e.kept(c)(e.s.Bind(e.Context(), again(e)))
		}}
	}
	return []testCase{
		{"absent checkpoint", func(e *env) {
			w := e.bind("r1", 1, 0)
			e.moved(store.Checkpoint{
				CheckpointKey: w.CheckpointKey, Fence: 1, Term: 1, Attempt: w.Attempt, Owner: w.Owner, Run: "r1", Base: "r1#1",
			})(e.s.Bind(e.Context(), w))
		}},
		{"later term, earlier attempt", func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 9)))
			w := e.bind("r2", 2, 0)
			c.Fence, c.Term, c.Attempt, c.Owner, c.Run = 2, 2, w.Attempt, w.Owner, "r2"
			e.moved(c)(e.s.Bind(e.Context(), w))
		}},
		{"same term, later attempt", func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			w := e.bind("r1", 1, 1)
			c.Fence, c.Attempt, c.Owner = 2, w.Attempt, w.Owner
			e.moved(c)(e.s.Bind(e.Context(), w))
		}},
		{"full: another run's seq and position count as 0 and empty", func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			w := e.bind("r2", 2, 0)
			w.Full = true
			c.Fence, c.Term, c.Attempt, c.Owner, c.Run, c.Base, c.Seq, c.Position = 2, 2, w.Attempt, w.Owner, "r2", "r2#2", 0, ""
			e.moved(c)(e.s.Bind(e.Context(), w))
		}},
		{"full: the run's own seq and position stay", func(e *env) {
			w := e.bind("r1", 1, 0)
			w.Full = true
			c := e.mustMove(e.mustBind(w))
			again := e.bind("r1", 1, 1)
			again.Full = true
			c.Fence, c.Attempt, c.Owner = 2, again.Attempt, again.Owner
			e.moved(c)(e.s.Bind(e.Context(), again))
		}},
		refused("same attempt", func(e *env) store.BindCheckpoint { return e.bind("r1", 5, 2) }),
		refused("earlier attempt", func(e *env) store.BindCheckpoint { return e.bind("r1", 5, 1) }),
		refused("earlier term, later attempt", func(e *env) store.BindCheckpoint { return e.bind("r2", 4, 9) }),
		refused("earlier term, full", func(e *env) store.BindCheckpoint {
			w := e.bind("r2", 4, 9)
			w.Full = true
			return w
		}),
		{"invalid: a part of the key is empty or too long", func(e *env) {
			w := e.bind("r1", 1, 0)
			for _, bad := range []string{"", strings.Repeat("x", store.MaxKeyPart+1), strings.Repeat("/", store.MaxKeyPart/3+1)} {
				w.Partition = bad
				if _, _, err := e.s.Bind(e.Context(), w); !fault.Has(err, fault.DataInvalid) {
					e.Fatalf("partition of %d bytes: %v", len(bad), err)
				}
			}
		}},
	}
}

func checkpointCases() []testCase {
	refused := func(name string, edit func(*store.MoveCheckpoint)) testCase {
		return testCase{"refused: " + name, func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			before := e.ledger("r1")
			w := e.next(c)
			edit(&w)
			e.kept(c)(e.s.Checkpoint(e.Context(), w))
			e.same("counters, failures and steps", e.ledger("r1"), before)
		}}
	}
	invalid := func(name string, edit func(*store.MoveCheckpoint)) testCase {
		return testCase{"invalid: " + name, func(e *env) {
			c := e.mustBind(e.bind("r1", 1, 0))
			w := e.next(c)
			edit(&w)
			_, applied, err := e.s.Checkpoint(e.Context(), w)
			if applied || !fault.Has(err, fault.DataInvalid) {
				e.Fatalf("applied %v, error %v", applied, err)
			}
			e.same("checkpoint", e.checkpoint(c.CheckpointKey), c)
		}}
	}
	return []testCase{
		{"moves seq and position, and with them counters, failures and step", func(e *env) {
			c := e.mustBind(e.bind("r1", 1, 0))
			w := e.next(c)
			c.Seq, c.Position, c.Schema, c.Window, c.Total = 1, "pos-1", "schema", "window", 2
			e.moved(c)(e.s.Checkpoint(e.Context(), w))
			e.mustMove(c)
			got := e.ledger("r1")
			want := store.Counters{Read: 6, Loaded: 4, Inserted: 4, Failed: 2, Batches: 2, Bytes: 20}
			e.same("counters", got.Partitions[0].Counters, want)
			if len(got.Partitions) != 1 || got.Partitions[0].LastSeq != 2 || len(got.Failures) != 2 || len(got.Steps) != 2 {
				e.Fatalf("got %+v", got)
			}
			f := got.Failures[1]
			want1 := store.Failure{
				ID: store.FailureID("r1", e.key(), 2, 1), Job: e.job, Run: "r1", Stream: "s", Partition: "p", Seq: 2, Index: 1, Key: `["k"]`, Phase: "load",
				Code: "DataInvalid", Message: "no", Snapshot: json.RawMessage(`{"a":1}`), Status: "open", CreatedAt: e.now, ExpiresAt: e.now.Add(store.DetailRetention),
			}
			e.same("failure", f, want1)
		}},
		{"sent again byte for byte: applied once", func(e *env) {
			w := e.next(e.mustBind(e.bind("r1", 1, 0)))
			first, _, err := e.s.Checkpoint(e.Context(), w)
			e.ok(err)
			before := e.ledger("r1")
			e.moved(first)(e.s.Checkpoint(e.Context(), w))
			e.same("counters, failures and steps", e.ledger("r1"), before)
		}},
		{"the last batch drains the partition", func(e *env) {
			w := e.next(e.mustBind(e.bind("r1", 1, 0)))
			w.Drained, w.Failures, w.Steps, w.Counters = true, nil, nil, store.Counters{}
			c, applied, err := e.s.Checkpoint(e.Context(), w)
			e.ok(err)
			if !applied || c.Drained != "r1" {
				e.Fatalf("got %+v, applied %v", c, applied)
			}
			if c = e.mustMove(c); c.Drained != "r1" {
				e.Fatalf("drained is %q after another batch", c.Drained)
			}
		}},
		refused("old fence", func(w *store.MoveCheckpoint) { w.Fence-- }),
		refused("fence that nobody has", func(w *store.MoveCheckpoint) { w.Fence++ }),
		refused("another owner", func(w *store.MoveCheckpoint) { w.Owner = "other" }),
		refused("seq ahead", func(w *store.MoveCheckpoint) { w.PrevSeq, w.Seq = w.PrevSeq+1, w.Seq+1 }),
		refused("seq behind", func(w *store.MoveCheckpoint) { w.PrevSeq, w.Seq = w.PrevSeq-1, w.Seq-1 }),
		refused("another position before", func(w *store.MoveCheckpoint) { w.PrevPos = "other" }),
		{"refused: absent", func(e *env) {
			w := e.next(store.Checkpoint{CheckpointKey: e.key(), Run: "r1"})
			c, applied, err := e.s.Checkpoint(e.Context(), w)
			e.ok(err)
			if applied || c.Fence != 0 {
				e.Fatalf("got %+v, applied %v", c, applied)
			}
		}},
		{"refused: bound by another since, in the same place", func(e *env) {
			c := e.mustMove(e.mustBind(e.bind("r1", 1, 0)))
			w := e.next(c)
			c = e.mustBind(e.bind("r2", 2, 0))
			e.kept(c)(e.s.Checkpoint(e.Context(), w))
		}},
		invalid("seq does not follow", func(w *store.MoveCheckpoint) { w.Seq++ }),
		invalid("position too long", func(w *store.MoveCheckpoint) { w.Position = strings.Repeat("x", store.MaxPosition+1) }),
		invalid("window too long", func(w *store.MoveCheckpoint) { w.Window = strings.Repeat("x", store.MaxWindow+1) }),
		invalid("records unaccounted for", func(w *store.MoveCheckpoint) { w.Counters.Read++ }),
	}
}

// ledger is what checkpoints leave beside the item.
type ledger struct {
	Partitions []store.RunPartition
	Failures   []store.Failure
	Steps      []store.StepExecution
}

func (e *env) ledger(run string) ledger {
	e.Helper()
	var l ledger
	var err error
	l.Partitions, err = e.s.Partitions(e.Context(), e.job, run)
	e.ok(err)
	l.Failures, _, err = e.s.Failures(e.Context(), store.FailureQuery{Job: e.job, Run: run, Limit: 1000})
	e.ok(err)
	l.Steps, _, err = e.s.Steps(e.Context(), store.StepQuery{Job: e.job, Run: run, Limit: 1000})
	e.ok(err)
	return l
}

func drainCases() []testCase {
	bound := func(e *env) (store.Checkpoint, store.DrainCheckpoint) {
		w := e.bind("r1", 1, 0)
		w.Partition = store.CommitPartition
		c := e.mustBind(w)
		return c, store.DrainCheckpoint{
			CheckpointKey: c.CheckpointKey, Run: "r1", Fence: c.Fence, Owner: c.Owner, Position: "fingerprint", Schema: "schema", Now: e.now,
		}
	}
	return []testCase{
		{"applied, and again", func(e *env) {
			c, w := bound(e)
			c.Drained, c.Position, c.Schema = "r1", "fingerprint", "schema"
			e.moved(c)(e.s.Drain(e.Context(), w))
			e.moved(c)(e.s.Drain(e.Context(), w))
		}},
		{"refused: another fence", func(e *env) {
			c, w := bound(e)
			w.Fence++
			e.kept(c)(e.s.Drain(e.Context(), w))
		}},
		{"refused: another owner", func(e *env) {
			c, w := bound(e)
			w.Owner = "other"
			e.kept(c)(e.s.Drain(e.Context(), w))
		}},
		{"reads are ordered by stream and partition", func(e *env) {
			for _, name := range []string{"b/2", "a/2", "b/1", "a/1"} {
				w := e.bind("r1", 1, 0)
				w.Stream, w.Partition = name[:1], name[2:]
				e.mustBind(w)
			}
			names := func(stream string) (out []string) {
				list, err := e.s.Checkpoints(e.Context(), e.job, stream)
				e.ok(err)
				for _, c := range list {
					out = append(out, c.Stream+"/"+c.Partition)
				}
				return out
			}
			e.same("all streams", names(""), []string{"a/1", "a/2", "b/1", "b/2"})
			e.same("one stream", names("b"), []string{"b/1", "b/2"})
			e.same("no such stream", names("c"), []string(nil))
		}},
		{"not found", func(e *env) {
			if _, err := e.s.ReadCheckpoint(e.Context(), e.key()); !fault.Has(err, fault.NotFound) {
				e.Fatalf("error %v, want NotFound", err)
			}
		}},
	}
}
