package asl

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// What the service allows of a redrive (API reference, "RedriveExecution").
const (
	redrivablePeriod = 14 * 24 * time.Hour  // after the end of the execution
	maxOpen          = 365 * 24 * time.Hour // from its start
	maxRedriveEvents = MaxEvents - 1        // a history of so many has no room for ExecutionRedriven and one event more
)

// ErrorNotRedrivable is the exception of RedriveExecution for an execution that cannot go on.
const ErrorNotRedrivable = "ExecutionNotRedrivable"

// Redrive runs an execution again from where it stopped, as RedriveExecution does: what succeeded is not done again, retries begin
// anew, the history goes on behind its last event. last is what Run, Redrive or Recall gave. An execution that cannot be redriven fails with
// ExecutionNotRedrivable: one that succeeded, an Express one, one whose history is full.
func (in *Interpreter) Redrive(ctx context.Context, e Execution, last Result) Result {
	switch {
	case last.stopped == nil || e.Express:
		return notRedrivable("the execution did not stop in a state of a Standard machine")
	case last.Events >= maxRedriveEvents && in.MaxEvents == 0:
		return notRedrivable("the history has no room for ExecutionRedriven and another event")
	}
	e.RedriveCount = last.redrive + 1
	r, failed := in.prepare(e)
	if r == nil {
		return failed
	}
	r.events = last.Events
	return r.walk(ctx, last.stopped)
}

func notRedrivable(why string) Result {
	return Result{Status: StatusFailed, Error: ErrorNotRedrivable, Cause: why}
}

// Recall reads from a stored history where an execution of a machine stopped, for Redrive: the state without an exit, in a Map or Parallel
// the paths that did not come to their end, with their inputs and variables. The input and the start come back in the execution. Events are
// those that an Observer was given, all of them and in order; times may lack. A Distributed Map begins again as a whole, since the
// history of an execution does not tell what its items came to. A result without a place to go on from cannot be redriven, and says why in
// its Error and Cause; now is the time of the redrive, which may come 14 days after the end at most.
func Recall(m *Machine, events []Event, now time.Time) (Execution, Result) {
	t := &recall{machine: m, owner: make(map[int64]*recalled), kinds: make(map[int64]string, len(events))}
	t.root = &recalled{flow: &m.Flow}
	var e Execution
	var end Event
	for _, event := range events {
		switch event.Type {
		case "ExecutionStarted":
			e.Input, e.StartTime, e.ID = event.Input, event.Time, event.Execution
		case "ExecutionRedriven":
			t.redrives++
			t.root.redriven()
		case "ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted":
			end = event
		}
		if event.ID != t.last.ID+1 {
			return e, notRedrivable(fmt.Sprintf("the history is not whole: event %d follows on event %d", event.ID, t.last.ID))
		}
		t.take(event)
		t.last = event
	}
	res := Result{Status: StatusFailed, Error: end.Error, Cause: end.Cause, Events: t.last.ID, redrive: t.redrives}
	switch {
	case end.Type == "" || t.last.ID != end.ID:
		return e, notRedrivable("the history does not come to the execution's end")
	case end.Type == "ExecutionSucceeded":
		return e, notRedrivable("the execution succeeded")
	case t.last.ID >= maxRedriveEvents:
		return e, notRedrivable("the history has no room for ExecutionRedriven and another event")
	case !end.Time.IsZero() && now.Sub(end.Time) > redrivablePeriod:
		return e, notRedrivable("the execution ended more than 14 days ago")
	case !e.StartTime.IsZero() && now.Sub(e.StartTime) > maxOpen:
		return e, notRedrivable("the execution began more than a year ago")
	}
	switch end.Type {
	case "ExecutionTimedOut":
		res.Status = StatusTimedOut
	case "ExecutionAborted":
		res.Status = StatusAborted
	}
	if res.stopped = t.root.point(); res.stopped == nil {
		return e, notRedrivable("no state was entered")
	}
	return e, res
}

// recall follows a history. Each event belongs to a path; the next one of a path names the one before it.
type recall struct {
	machine  *Machine
	root     *recalled
	owner    map[int64]*recalled
	kinds    map[int64]string
	last     Event
	redrives int
}

// recalled is a path of states as the history tells it: that of the machine, of a Map's item, of a Parallel's branch.
type recalled struct {
	parent *recalled
	flow   *Flow
	state  *State // where the path is; nil before the first
	input  any
	vars   map[string]any
	next   string // entered next, when the last state was left; "" when it was not, or was the last of the path
	output any    // of the last state that was left
	done   bool   // the path came to its end
	over   bool   // the path is no longer walked, whether it came to its end or not

	inner   []*recalled // the paths inside a Map or Parallel
	resumed bool        // a redrive goes on in the state that the path is in
}

// redriven says that the path, and those inside it, go on from where they are.
func (p *recalled) redriven() {
	p.resumed, p.over = true, p.done
	for _, in := range p.inner {
		if in != nil && !in.done {
			in.redriven()
		}
	}
}

// up finds the path, this one or one around it, that is in a state.
func (p *recalled) up(name string) *recalled {
	for ; p != nil; p = p.parent {
		if p.state != nil && p.state.Name == name {
			return p
		}
	}
	return nil
}

// down finds the path, this one or one right inside it, that is in a state.
func (p *recalled) down(name string) *recalled {
	for _, in := range p.inner {
		if in != nil && in.state != nil && in.state.Name == name {
			return in
		}
	}
	return p
}

// opened finds the path, this one or one around it, whose Map or Parallel begins: the innermost that is still walked.
func (p *recalled) opened(t Type) *recalled {
	for ; p != nil; p = p.parent {
		if !p.over && p.state != nil && p.state.Type == t {
			return p
		}
	}
	return nil
}

// take adds an event.
func (t *recall) take(e Event) {
	before := t.owner[e.PreviousID]
	if before == nil {
		before = t.root
	}
	p := before
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		p = t.entered(before, e)
	case strings.HasSuffix(e.Type, "StateExited"):
		if p = before.up(e.State); p != nil {
			p.exited(e, t.kinds[e.PreviousID])
		}
	case e.Type == "ParallelStateStarted":
		if p = before.opened(TypeParallel); p != nil {
			p.open(len(p.state.Branches))
		}
	case e.Type == "MapStateStarted":
		if p = before.opened(TypeMap); p != nil && !p.state.Iterate.Distributed {
			p.open(e.Length)
		}
	case e.Type == "EvaluationFailed": // it follows on what came before the state, which can be around its path
		p = before.down(e.State)
	case e.Type == "ParallelStateFailed":
		if p = before.opened(TypeParallel); p != nil {
			p.over = true // a catcher that takes it makes an exit
		}
	case e.Type == "MapStateFailed":
		if p = before.opened(TypeMap); p != nil {
			p.over = true
		}
	case strings.HasPrefix(e.Type, "MapIteration"):
		p = t.iteration(before.up(e.State), e)
	case e.Type == "ExecutionRedriven":
		p = t.root
	}
	if p == nil {
		p = before
	}
	t.owner[e.ID], t.kinds[e.ID] = p, e.Type
}

// entered finds the path that enters a state: a branch of a Parallel that has just begun is known by the state's name.
func (t *recall) entered(before *recalled, e Event) *recalled {
	p := before
	if t.kinds[e.PreviousID] == "ParallelStateStarted" && p.state != nil && p.state.Type == TypeParallel {
		for i, b := range p.state.Branches {
			if b.byName[e.State] == nil {
				continue
			}
			if p.inner[i] == nil {
				p.inner[i] = &recalled{parent: p, flow: b}
			}
			p = p.inner[i]
			break
		}
	}
	s := p.flow.byName[e.State]
	if s == nil {
		return before
	}
	if !p.resumed || p.state != s {
		p.inner = nil
	}
	p.state, p.next, p.done, p.over = s, "", false, false
	p.input, _ = jsonata.Decode(e.Input) // what the history holds was written from a value
	return p
}

// exited notes how a state was left. Behind a failure a catcher has taken it, and only the next event tells where to.
func (p *recalled) exited(e Event, before string) {
	p.output, _ = jsonata.Decode(e.Output)
	if len(e.Assigned) > 0 {
		var vars map[string]any
		if v, err := jsonata.Decode(e.Assigned); err == nil {
			vars, _ = v.(map[string]any)
		}
		if p.vars == nil {
			p.vars = make(map[string]any, len(vars))
		}
		for name, v := range vars {
			p.vars[name] = v
		}
	}
	p.resumed, p.over, p.inner = false, false, nil
	if p.state.Type == TypeChoice || strings.HasSuffix(before, "Failed") || strings.HasSuffix(before, "TimedOut") {
		return
	}
	p.next = p.state.Next
	p.done = p.next == ""
	p.over = p.done
}

// open begins the paths inside a state, a second time in a redrive: then those that were done stay so.
func (p *recalled) open(n int) {
	if p.resumed && len(p.inner) == n {
		p.resumed = false // a retry begins all of them again
		return
	}
	p.resumed, p.inner = false, make([]*recalled, n)
}

// iteration notes the beginning or the end of an item of a Map.
func (t *recall) iteration(p *recalled, e Event) *recalled {
	if p == nil || p.state.Iterate == nil || e.Index < 0 || e.Index >= len(p.inner) {
		return p
	}
	in := p.inner[e.Index]
	switch e.Type {
	case "MapIterationStarted":
		if in == nil || in.done {
			in = &recalled{parent: p, flow: p.state.Iterate.Processor}
			p.inner[e.Index] = in
		}
		in.over = false
	case "MapIterationFailed", "MapIterationAborted":
		in.over = true
	default:
		in.done, in.over = true, true
	}
	return in
}

// point is where the path goes on; nil: at its beginning.
func (p *recalled) point() *point {
	if p.state == nil {
		return nil
	}
	out := &point{state: p.state.Name, input: p.input, vars: p.vars}
	if p.next != "" {
		out.state, out.input = p.next, p.output
		return out
	}
	for _, in := range p.inner {
		var saved *point
		var result any
		done := in != nil && in.done
		switch {
		case done:
			result = in.output
		case in != nil:
			saved = in.point()
		}
		out.saved, out.results, out.done = append(out.saved, saved), append(out.results, result), append(out.done, done)
	}
	return out
}
