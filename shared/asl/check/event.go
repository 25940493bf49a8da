package check

import (
	"encoding/json"
	"math"
	"strings"
)

// weight is how many events something makes, on the way that makes the most.
type weight struct {
	events int64
	path   []Step
}

// huge keeps sums of large declarations from overflowing.
const huge = math.MaxInt64 / 4

func plus(a, b int64) int64 { return min(a+b, huge) }

func times(a, b int64) int64 {
	if a > 0 && b > huge/a {
		return huge
	}
	return a * b
}

// flow gives the largest way through a flow: the longest path over its states, in which a loop counts as one state.
func (m *measure) flow(f *flow) weight {
	if f.byName[f.start] == nil {
		return weight{}
	}
	g := &folded{measure: m, groupOf: make(map[string]int, len(f.states))}
	for _, loop := range loops(f.states) {
		for _, s := range loop {
			g.groupOf[s.name] = len(g.groups)
		}
		g.groups = append(g.groups, loop)
	}
	for _, s := range f.states {
		if _, inLoop := g.groupOf[s.name]; !inLoop {
			g.groupOf[s.name] = len(g.groups)
			g.groups = append(g.groups, []*state{s})
		}
	}
	g.best = make([]*leg, len(g.groups))
	first := g.from(g.groupOf[f.start])
	w := weight{events: first.events}
	for l := first; l != nil; l = l.next {
		w.path = append(w.path, l.path...)
	}
	return w
}

// folded is a flow whose loops are drawn together, so that it has none.
type folded struct {
	*measure
	groups  [][]*state
	groupOf map[string]int
	best    []*leg
}

// leg is the largest way from a group to the end.
type leg struct {
	events int64
	path   []Step // of the group alone
	next   *leg
}

func (g *folded) from(i int) *leg {
	if g.best[i] != nil {
		return g.best[i]
	}
	var next *leg
	for _, s := range g.groups[i] {
		for _, t := range s.targets {
			j, ok := g.groupOf[t.name]
			if !ok || j == i {
				continue
			}
			if l := g.from(j); next == nil || l.events > next.events {
				next = l
			}
		}
	}
	own := g.group(i)
	l := &leg{events: own.events, path: own.path, next: next}
	if next != nil {
		l.events = plus(l.events, next.events)
	}
	g.best[i] = l
	return l
}

// group gives what a state or a loop makes. In a loop some states have a number of turns: between two of their turns the others are walked
// along a way without them, and when these have a loop of their own, nothing bounds it and each counts once.
func (g *folded) group(i int) weight {
	states := g.groups[i]
	if len(states) == 1 && !loopsBack(states[0]) {
		n := g.state(states[0])
		return weight{events: n, path: []Step{{states[0].at, 1, n}}}
	}
	heads := g.heads(states)
	turns, w := int64(0), weight{}
	for _, s := range states {
		if n, ok := heads[s.name]; ok {
			turns = plus(turns, n)
			each := g.state(s)
			w.events = plus(w.events, times(n, each))
			w.path = append(w.path, Step{s.at, n, each})
		}
	}
	for _, s := range states {
		if _, ok := heads[s.name]; ok {
			continue
		}
		each := g.state(s)
		w.events = plus(w.events, times(turns+1, each))
		w.path = append(w.path, Step{s.at, turns + 1, each})
	}
	return w
}

func loopsBack(s *state) bool {
	for _, t := range s.targets {
		if t.name == s.name {
			return true
		}
	}
	return false
}

// state gives the most events that one visit of a state makes. A failed expression is an event too, so a state under JSONata has one more.
func (m *measure) state(s *state) int64 {
	n := int64(2) // entered and exited
	if s.jsonata {
		n++
	}
	switch s.kind {
	case "Task":
		return n + times(m.attempts(s), task(s))
	case "Parallel":
		each := int64(2) // started, and succeeded or failed
		for _, b := range s.inner {
			each = plus(each, m.flow(b).events)
		}
		return plus(n, times(attempts(s), each))
	case "Map":
		each := int64(2)
		items, _ := m.items(s)
		for _, p := range s.inner {
			if s.distributed() {
				each += 3 // the Map Run: started, and succeeded or failed; redriven
				continue
			}
			each = plus(each, times(items, plus(m.flow(p).events, 2)))
		}
		return plus(n, times(attempts(s), each))
	}
	return n
}

// task gives the events of one attempt: scheduled, started, its end, and submitted when it is waited for.
func task(s *state) int64 {
	resource, _ := s.fields.text("Resource")
	if strings.HasSuffix(resource, ".waitForTaskToken") || strings.Contains(resource, ".sync") {
		return 4
	}
	return 3
}

// attempts gives how often a Task is tried, at most as often as it is declared.
func (m *measure) attempts(s *state) int64 {
	n := attempts(s)
	if retries, ok := m.limits.Retries[s.name]; ok {
		n = min(n, int64(retries)+1)
	}
	return n
}

// attempts gives how often a state is tried: each retrier counts for itself.
func attempts(s *state) int64 {
	n := int64(1)
	list, _ := s.fields.fields["Retry"].([]any)
	for _, e := range list {
		o, ok := e.(*object)
		if !ok {
			continue
		}
		most := 3.0
		if v, ok := o.fields["MaxAttempts"].(json.Number); ok {
			most, _ = v.Float64()
		}
		n = plus(n, int64(min(max(most, 0), huge)))
	}
	return n
}
