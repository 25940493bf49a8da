package check

import (
	"fmt"
	"slices"
	"strings"
)

// The quotas of Step Functions that end an execution.
const (
	MaxEvents  = 25000     // of the history of one execution of a Standard machine
	MaxPayload = 256 << 10 // bytes of what one state hands to the next
)

// Limits are what is known about the executions of a definition beside the definition itself, by the name of a state. What is not declared
// is taken as 1, and a bound then says how much there is room for.
type Limits struct {
	Items map[string]int // that a Map goes through
	Turns map[string]int // times that a state of a loop is entered, each time that the flow around it runs
	Bytes map[string]int // of the result of a Task; under "" those of the execution's input
	// ItemBytes are those of one item of a Map. What is not declared is as large as the list that it stands in.
	ItemBytes map[string]int
	// Retries are those of a Task each time that it is entered. What is not declared is as many as its retriers allow.
	Retries map[string]int
}

// Step is a state on the way to a bound.
type Step struct {
	Location string `json:"location"`
	Times    int64  `json:"times"`
	Each     int64  `json:"each"` // events or bytes
}

// Bound is the most that one quota can be used, on the way that uses it most.
type Bound struct {
	Quota    string `json:"quota"`            // events or bytes
	Location string `json:"location"`         // of the machine, "/", or of the item processor whose items are executions of their own
	Most     int64  `json:"most"`             // with the limits as they are declared
	Limit    int64  `json:"limit"`            // the quota
	Path     []Step `json:"path"`             // the largest way, in the order in which it is walked
	Room     []Room `json:"room,omitempty"`   // for what is not declared
	Known    bool   `json:"known"`            // Most cannot be passed; false: something on the way has no bound
	Reason   string `json:"reason,omitempty"` // what has no bound
}

// Room says up to which number something that is not declared stays within the quota.
type Room struct {
	Location string `json:"location"`
	What     string `json:"what"` // items or turns
	Most     int64  `json:"most"`
}

// Problems gives what can pass the quota: an Error when that can be with what is declared, else a Warning for each number that is not
// declared and would pass it.
func (b Bound) Problems() []Diagnostic {
	if b.Most > b.Limit {
		message := fmt.Sprintf("one execution can reach %d %s; %d is the most", b.Most, b.Quota, b.Limit)
		return []Diagnostic{{Severity: Error, Code: Quota, Location: b.Location, Message: message, Hint: "the way there: " + b.way()}}
	}
	var out []Diagnostic
	for _, r := range b.Room {
		message := fmt.Sprintf("more than %d %s pass the quota of %d %s", r.Most, r.What, b.Limit, b.Quota)
		out = append(out, Diagnostic{Severity: Warning, Code: Quota, Location: r.Location, Message: message, Hint: "say how many there can be"})
	}
	return out
}

// way writes the path as names with how often and how much.
func (b Bound) way() string {
	parts := make([]string, len(b.Path))
	for i, s := range b.Path {
		parts[i] = s.Location[strings.LastIndexByte(s.Location, '/')+1:]
		if s.Times > 1 || s.Each > 0 {
			parts[i] += fmt.Sprintf(" %d×%d", s.Times, s.Each)
		}
	}
	return strings.Join(parts, " → ")
}

// Events bounds the events of the history: one Bound for the machine, one for each item processor whose items are executions of their own.
// The definition is one in which Definition finds no Error. Express machines have no such quota, and no bound.
func Events(text []byte, machineType string, limits Limits) ([]Bound, error) {
	c := &checker{states: make(map[string]string), labels: make(map[string]bool)}
	root, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	o, ok := root.(*object)
	if !ok {
		return nil, fmt.Errorf("the definition is no object")
	}
	if machineType == Express {
		return nil, nil
	}
	c.jsonata = c.language("", o, false)
	f := c.flow("", o)
	timeout, _ := num(o, "TimeoutSeconds")
	m := &measure{limits: limits, timeout: timeout}
	out := []Bound{m.bound("/", f)}
	m.apart(f, &out)
	return out, nil
}

// apart bounds the item processors whose items have histories of their own.
func (m *measure) apart(f *flow, out *[]Bound) {
	for _, s := range f.states {
		for _, inner := range s.inner {
			if s.distributed() {
				*out = append(*out, m.bound(inner.at, inner))
			}
			m.apart(inner, out)
		}
	}
}

// distributed says whether the items of a Map are executions of their own.
func (s *state) distributed() bool {
	o, ok := s.fields.fields["ItemProcessor"].(*object)
	if !ok {
		return false
	}
	config, ok := o.fields["ProcessorConfig"].(*object)
	return ok && config.fields["Mode"] == "DISTRIBUTED"
}

// measure counts events.
type measure struct {
	limits  Limits
	timeout float64 // of the machine, seconds; 0 is none
}

// bound bounds one history: its start, its end, and its flow. A history that fails has one event more than one that succeeds.
func (m *measure) bound(at string, f *flow) Bound {
	const frame = 3
	w := m.flow(f)
	open := m.open(f)
	b := Bound{Quota: "events", Location: at, Most: plus(w.events, frame), Limit: MaxEvents, Path: w.path, Known: len(open) == 0}
	for _, o := range open {
		two, three := *m, *m
		two.limits, three.limits = m.limits.with(o, 2), m.limits.with(o, 3)
		base := two.flow(f).events + frame
		each := three.flow(f).events + frame - base
		if each <= 0 {
			continue // another way is larger
		}
		b.Room = append(b.Room, Room{Location: o.at, What: o.what, Most: max(0, 2+(MaxEvents-base)/each)})
	}
	return b
}

// undeclared is something whose number decides how long a history becomes.
type undeclared struct{ at, name, what string }

// with gives the limits with one more declared.
func (l Limits) with(o undeclared, n int) Limits {
	out := Limits{Items: copied(l.Items), Turns: copied(l.Turns), Bytes: l.Bytes, Retries: l.Retries}
	if o.what == "items" {
		out.Items[o.name] = n
	} else {
		out.Turns[o.name] = n
	}
	return out
}

func copied(m map[string]int) map[string]int {
	out := make(map[string]int, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}

// open lists what is not declared: the items of Maps in this history, and one state of each loop.
func (m *measure) open(f *flow) []undeclared {
	var out []undeclared
	for _, loop := range m.unbounded(f.states) {
		out = append(out, undeclared{loop[0].at, loop[0].name, "turns"})
	}
	for _, s := range f.states {
		if _, declared := m.items(s); s.kind == "Map" && !s.distributed() && !declared {
			out = append(out, undeclared{s.at, s.name, "items"})
		}
		for _, inner := range s.inner {
			if !s.distributed() {
				out = append(out, m.open(inner)...)
			}
		}
	}
	return out
}

// items gives how many items a Map has, false when nothing says so.
func (m *measure) items(s *state) (int64, bool) {
	if n, ok := m.limits.Items[s.name]; ok {
		return int64(n), true
	}
	if list, ok := s.fields.fields["Items"].([]any); ok {
		return int64(len(list)), true
	}
	return 1, false
}

// heads gives the states of a loop whose turns are bounded: declared, or by a Wait of some seconds under the machine's time-out.
func (m *measure) heads(loop []*state) map[string]int64 {
	out := make(map[string]int64)
	for _, s := range loop {
		if n, ok := m.limits.Turns[s.name]; ok {
			out[s.name] = int64(n)
		} else if seconds, ok := num(s.fields, "Seconds"); ok && seconds > 0 && m.timeout > 0 {
			out[s.name] = int64(m.timeout/seconds) + 1
		}
	}
	return out
}

// unbounded gives the loops among the states that remain when those with a number of turns are taken out.
func (m *measure) unbounded(states []*state) [][]*state {
	var out [][]*state
	for _, loop := range loops(states) {
		heads := m.heads(loop)
		if len(heads) == 0 {
			out = append(out, loop)
			continue
		}
		rest := slices.DeleteFunc(slices.Clone(loop), func(s *state) bool { _, ok := heads[s.name]; return ok })
		out = append(out, m.unbounded(rest)...)
	}
	return out
}

// loops gives the sets of states that lead to each other, found by Tarjan's algorithm, in the order of the states and each in it too.
func loops(states []*state) [][]*state {
	t := &tarjan{byName: make(map[string]*state, len(states)), index: make(map[string]int), low: make(map[string]int), stacked: make(map[string]bool)}
	order := make(map[string]int, len(states))
	for i, s := range states {
		t.byName[s.name], order[s.name] = s, i
	}
	for _, s := range states {
		if t.index[s.name] == 0 {
			t.visit(s)
		}
	}
	for _, loop := range t.found {
		slices.SortFunc(loop, func(a, b *state) int { return order[a.name] - order[b.name] })
	}
	slices.SortFunc(t.found, func(a, b []*state) int { return order[a[0].name] - order[b[0].name] })
	return t.found
}

type tarjan struct {
	byName     map[string]*state
	index, low map[string]int
	stack      []*state
	stacked    map[string]bool
	found      [][]*state
}

func (t *tarjan) visit(s *state) {
	t.index[s.name] = len(t.index) + 1
	t.low[s.name] = t.index[s.name]
	t.stack, t.stacked[s.name] = append(t.stack, s), true
	for _, to := range s.targets {
		next := t.byName[to.name]
		switch {
		case next == nil:
		case t.index[next.name] == 0:
			t.visit(next)
			t.low[s.name] = min(t.low[s.name], t.low[next.name])
		case t.stacked[next.name]:
			t.low[s.name] = min(t.low[s.name], t.index[next.name])
		}
	}
	if t.low[s.name] != t.index[s.name] {
		return
	}
	i := slices.Index(t.stack, s)
	group := slices.Clone(t.stack[i:])
	t.stack = t.stack[:i]
	for _, g := range group {
		t.stacked[g.name] = false
	}
	if len(group) > 1 || loopsBack(s) {
		t.found = append(t.found, group)
	}
}
