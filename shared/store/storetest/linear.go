package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/lockstep-data/lockstep/shared/fault"
	"github.com/lockstep-data/lockstep/shared/store"
)

// Sizes of a history: short, so that the checker always comes to an end.
const (
	linearClients = 20
	linearOps     = 3
	linearCheck   = 2 * time.Minute // for one history, which takes it milliseconds
)

// Linearizable plays n histories in which 20 clients at once acquire, steal, release, bind and move a checkpoint of one job, each through one
// of the stores, and lets Porcupine look for an order in which one client at a time would have got the same answers. What a client asks for
// follows from the seed; what happens at the same time is the machine's to say. A checker that gives up fails the test.
func Linearizable(t *testing.T, stores []store.Store, n int) {
	for seed := range uint64(n) {
		h := &history{stores: stores, job: fmt.Sprintf("linear-%d", seed), seed: seed}
		h.play(t)
		if t.Failed() {
			t.Fatalf("seed %d of %d", seed, n)
		}
		for _, part := range []string{"lock", "checkpoint"} {
			switch got, _ := porcupine.CheckOperationsVerbose(linearModel(), h.part(part), linearCheck); got {
			case porcupine.Unknown:
				t.Fatalf("seed %d: the checker gave up on the history of the %s within %s", seed, part, linearCheck)
			case porcupine.Illegal:
				for _, op := range h.part(part) {
					t.Log(op.ClientId, op.Call, op.Return, linearModel().DescribeOperation(op.Input, op.Output))
				}
				t.Fatalf("seed %d: no order of the calls explains the answers about the %s", seed, part)
			}
		}
	}
	t.Logf("%d histories of %d clients, seeds 0 to %d", n, linearClients, n-1)
}

// history is what the clients did to one job. Call and return are stamped by one counter: it is all that the checker needs of a clock.
type history struct {
	stores []store.Store
	job    string
	seed   uint64
	clock  atomic.Int64
	mu     sync.Mutex
	ops    []porcupine.Operation
	known  atomic.Pointer[store.Lock] // the lock as somebody saw it last
}

// question is one call, answer what came of it: one of the two is about the lock, the other about the checkpoint.
type question struct {
	kind    string // read acquire steal release bind move
	take    store.TakeLock
	release store.ReleaseLock
	bind    store.BindCheckpoint
	move    store.MoveCheckpoint
}

type answer struct {
	applied bool
	lock    store.Lock
	at      store.Checkpoint
}

// about names the item that a question is about.
func (q question) about() string {
	if q.kind == "bind" || q.kind == "move" {
		return "checkpoint"
	}
	return "lock"
}

func (h *history) part(name string) []porcupine.Operation {
	var out []porcupine.Operation
	for _, op := range h.ops {
		if op.Input.(question).about() == name {
			out = append(out, op)
		}
	}
	return out
}

// play lets all clients work at once.
func (h *history) play(t *testing.T) {
	h.known.Store(&store.Lock{Job: h.job, Status: store.Pending})
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for id := range linearClients {
		c := &client{h: h, s: h.stores[id%len(h.stores)], id: id, rng: rand.New(rand.NewPCG(h.seed, uint64(id)))}
		wg.Go(func() {
			<-begin
			for n := range linearOps {
				if err := c.ask(t.Context(), c.question(n)); err != nil {
					t.Errorf("client %d: %v", id, err)
					return
				}
			}
		})
	}
	close(begin)
	wg.Wait()
}

// client is one of those that work at once.
type client struct {
	h     *history
	s     store.Store
	id    int
	rng   *rand.Rand
	bound store.Checkpoint // as BIND or CHECKPOINT answered it last
}

// question chooses what the client asks next.
func (c *client) question(n int) question {
	now, seen := Start(), *c.h.known.Load()
	name := fmt.Sprintf("c%d-%d", c.id, n)
	k := c.rng.IntN(12)
	if c.bound.Owner != "" && k < 5 {
		b := c.bound
		return question{kind: "move", move: store.MoveCheckpoint{
			CheckpointKey: b.CheckpointKey, Run: b.Run, Fence: b.Fence, Owner: b.Owner, PrevSeq: b.Seq, Seq: b.Seq + 1, PrevPos: b.Position, Position: name, Now: now,
		}}
	}
	switch {
	case k < 5:
		return question{kind: "bind", bind: store.BindCheckpoint{
			CheckpointKey: store.CheckpointKey{Job: c.h.job, Stream: "s", Partition: "p"}, Run: name, Term: int64(1 + c.rng.IntN(3)),
			Attempt: fmt.Sprintf("a%02d", c.rng.IntN(20)), Owner: name, Now: now,
		}}
	case k == 5:
		return question{kind: "read"}
	case k < 8 && seen.Status == store.InProgress:
		return question{kind: "release", release: store.ReleaseLock{Holding: holding(seen), Code: "E-" + name, Now: now}}
	}
	w := store.TakeLock{
		Job: c.h.job, Run: name, RVN: "rvn-" + name, Epoch: epoch1, Holder: "exec:" + name, Seen: seen, Now: now, LeaseUntil: now.Add(time.Minute), MaxTries: 1000,
	}
	if seen.Status == store.InProgress {
		return question{kind: "steal", take: w}
	}
	return question{kind: "acquire", take: w}
}

// ask sends a question until there is an answer, and keeps both.
func (c *client) ask(ctx context.Context, q question) error {
	from := c.h.clock.Add(1)
	var a answer
	var err error
	for range 200 { // the store is busy: with 20 clients that is the usual case
		a, err = c.send(ctx, q)
		if code := fault.CodeOf(err); err == nil || code != fault.Transient && code != fault.RateLimited {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", q.kind, err)
	}
	op := porcupine.Operation{ClientId: c.id, Input: q, Output: a, Call: from, Return: c.h.clock.Add(1)}
	if q.about() == "lock" {
		c.h.known.Store(&a.lock)
	} else {
		c.bound = store.Checkpoint{}
		if a.applied {
			c.bound = a.at
		}
	}
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	c.h.ops = append(c.h.ops, op)
	return nil
}

// send is one call. A refusal that shows the client's own mark is an answer that was lost before.
func (c *client) send(ctx context.Context, q question) (a answer, err error) {
	switch q.kind {
	case "read":
		a.lock, err = c.s.Lock(ctx, c.h.job)
		a.applied = true
	case "acquire":
		a.lock, a.applied, err = c.s.Acquire(ctx, q.take)
		a.applied = a.applied || a.lock.RVN == q.take.RVN
	case "steal":
		a.lock, a.applied, err = c.s.Steal(ctx, q.take)
		a.applied = a.applied || a.lock.RVN == q.take.RVN
	case "release":
		a.lock, a.applied, err = c.s.Release(ctx, q.release)
		a.applied = a.applied || a.lock.ErrorCode == q.release.Code
	case "bind":
		a.at, a.applied, err = c.s.Bind(ctx, q.bind)
		a.applied = a.applied || a.at.Owner == q.bind.Owner
	case "move":
		a.at, a.applied, err = c.s.Checkpoint(ctx, q.move)
	}
	return a, err
}

// linearState is the two items as the protocol describes them, without what no condition looks at.
type linearState struct {
	status          store.Status
	term            int64
	run, rvn, epoch string
	code            string

	bound      bool
	fence      int64
	bindTerm   int64
	attempt    string
	owner      string
	seq        int64
	position   string
	checkpoint string // the run
}

// linearModel is docs/protocol.md for one client at a time.
func linearModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return linearState{status: store.Pending} },
		Step: func(state, input, output any) (bool, any) {
			before, q, a := state.(linearState), input.(question), output.(answer)
			after, applied := before.step(q)
			return applied == a.applied && after.shows(q, a), after
		},
		DescribeOperation: func(input, output any) string {
			q, a := input.(question), output.(answer)
			if q.about() == "lock" {
				return fmt.Sprintf("%s run %s seen term %d %s → %v %s term %d run %s", q.kind, q.take.Run+q.release.Run, q.take.Seen.Term+q.release.Term, q.take.Seen.RVN, a.applied, a.lock.Status, a.lock.Term, a.lock.Run)
			}
			return fmt.Sprintf("%s %s term %d attempt %s fence %d seq %d → %v fence %d term %d attempt %s owner %s seq %d", q.kind, q.bind.Owner+q.move.Owner, q.bind.Term, q.bind.Attempt,
				q.move.Fence, q.move.Seq, a.applied, a.at.Fence, a.at.Term, a.at.Attempt, a.at.Owner, a.at.Seq)
		},
	}
}

// step makes a call.
func (s linearState) step(q question) (linearState, bool) {
	w, ok := q.take, false
	switch q.kind {
	case "read":
		return s, true
	case "acquire":
		ok = s.term == 0 || s.term == w.Seen.Term && s.status != store.InProgress && s.run != w.Run
	case "steal":
		ok = s.status == store.InProgress && s.term == w.Seen.Term && s.rvn == w.Seen.RVN && s.epoch == w.Seen.Epoch && s.run != w.Run
	case "release":
		r := q.release
		ok = s.status == store.InProgress && s.run == r.Run && s.term == r.Term && s.epoch == r.Epoch
		if ok {
			s.status, s.code = store.Failed, r.Code
		}
		return s, ok
	case "bind":
		b := q.bind
		ok = !s.bound || s.bindTerm < b.Term || s.bindTerm == b.Term && s.attempt < b.Attempt
		if ok {
			s.bound, s.fence, s.bindTerm, s.attempt, s.owner, s.checkpoint = true, s.fence+1, b.Term, b.Attempt, b.Owner, b.Run
		}
		return s, ok
	case "move":
		m := q.move
		ok = s.fence == m.Fence && s.owner == m.Owner && s.seq == m.PrevSeq && s.position == m.PrevPos
		if ok {
			s.seq, s.position = m.Seq, m.Position
		}
		return s, ok
	}
	if ok {
		s.status, s.term, s.run, s.rvn, s.epoch = store.InProgress, s.term+1, w.Run, w.RVN, w.Epoch
	}
	return s, ok
}

// shows says whether the answer to a question is the item as it is now.
func (s linearState) shows(q question, a answer) bool {
	if q.about() == "lock" {
		l := a.lock
		return l.Status == s.status && l.Term == s.term && l.Run == s.run && l.RVN == s.rvn && l.Epoch == s.epoch && l.ErrorCode == s.code
	}
	c := a.at
	return c.Fence == s.fence && c.Term == s.bindTerm && c.Attempt == s.attempt && c.Owner == s.owner && c.Seq == s.seq && c.Position == s.position && c.Run == s.checkpoint
}
