package asl

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/fault"
)

// Load reads a definition and checks all of it. The error is fault.Problems with everything that is wrong, each with its path in
// the definition. A Resource may still hold a ${hole}; a task is then registered under the name of the hole.
func Load(text []byte) (*Machine, error) {
	l, m, err := load(text)
	if err == nil {
		err = l.problems.Err()
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Parse reads a definition that Step Functions is known to take, and refuses only what cannot be run at all: what is merely
// superfluous or unwise passes, and an expression that does not parse fails when it is evaluated. The error is fault.Problems.
func Parse(text []byte) (*Machine, error) {
	l, m, err := load(text)
	if err != nil {
		return nil, err
	}
	var grave fault.Problems
	for _, p := range l.problems {
		if !slices.Contains(tolerable, p.Code) {
			grave = append(grave, p)
		}
	}
	if err := grave.Err(); err != nil {
		return nil, err
	}
	return m, nil
}

// tolerable are the codes of problems with which a definition can be run all the same.
var tolerable = []string{"unknown_field", "unreachable", "no_end", "duplicate_key", "duplicate_name", "wrong_query_language", "wrong_value", "bad_expression"}

func load(text []byte) (*loader, *Machine, error) {
	l := &loader{names: make(map[string]string)}
	root, err := parse(text, &l.problems)
	if err != nil {
		return nil, nil, err
	}
	return l, l.machine(root), nil
}

// loader turns nodes into a machine and collects what is wrong.
type loader struct {
	problems        fault.Problems
	names           map[string]string // of every state so far, with its path
	machineLanguage QueryLanguage
	language        QueryLanguage // of the state that is read
	foreign         []string      // the fields that its type has under the other language
	partial         bool          // some state was not read, so nothing can be said about what leads where
}

func (l *loader) add(path, code, format string, args ...any) *fault.Problem {
	if path == "" {
		path = "/"
	}
	l.problems = append(l.problems, fault.Problem{Path: path, Code: code, Message: fmt.Sprintf(format, args...)})
	return &l.problems[len(l.problems)-1]
}

// fields gives an object's fields by name and reports those that nobody knows. what names the object for messages.
func (l *loader) fields(n *node, what string, known ...string) map[string]*node {
	members, ok := n.object()
	if !ok {
		l.add(n.path, "wrong_type", "%s must be an object, not %s", what, n.kind())
		return nil
	}
	out := make(map[string]*node, len(members))
	for _, m := range members {
		out[m.key] = m.node
		if slices.Contains(known, m.key) {
			continue
		}
		l.unknown(m, what, known)
	}
	return out
}

// unknown reports a field with the most helpful reason.
func (l *loader) unknown(m member, what string, known []string) {
	switch {
	case slices.Contains(l.foreign, m.key) || l.language == JSONata && strings.HasSuffix(m.key, ".$"):
		other := JSONPath
		if l.language == JSONPath {
			other = JSONata
		}
		l.add(m.path, "wrong_query_language", "%s belongs to %s; this state's query language is %s", m.key, other, l.language)
	default:
		p := l.add(m.path, "unknown_field", "%s has no field %s", what, m.key)
		if near := fault.Nearest(m.key, known); near != "" {
			p.Hint = "did you mean " + near + "?"
		}
	}
}

func (l *loader) machine(root *node) *Machine {
	f := l.fields(root, "the definition", "Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version")
	if f == nil {
		return nil
	}
	l.machineLanguage = JSONPath
	if q := f["QueryLanguage"]; q != nil {
		switch own := QueryLanguage(l.text(q)); own {
		case JSONata, JSONPath:
			l.machineLanguage = own
		default:
			l.add(q.path, "wrong_value", "the query language is JSONata or JSONPath")
		}
	}
	m := &Machine{Comment: l.text(f["Comment"]), Version: l.text(f["Version"]), QueryLanguage: l.machineLanguage}
	if n := f["TimeoutSeconds"]; n != nil {
		v, ok := literalNumber(n)
		if !ok || v < 1 || v > 99999999 || v != float64(int(v)) {
			l.add(n.path, "wrong_value", "TimeoutSeconds must be a whole number from 1 to 99,999,999")
		}
		m.TimeoutSeconds = int(v)
	}
	m.Flow = *l.flow(root.path, f, nil)
	return m
}

// text gives a string field; absent is empty.
func (l *loader) text(n *node) string {
	if n == nil {
		return ""
	}
	s, ok := n.value.(string)
	if !ok {
		l.add(n.path, "wrong_type", "%s must be a string, not %s", lastName(n.path), n.kind())
	}
	return s
}

func lastName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// required gives a string field that must be there and not be empty.
func (l *loader) required(f map[string]*node, path, name string) string {
	n := f[name]
	if n == nil {
		l.add(path, "missing_field", "%s is missing", name)
		return ""
	}
	s := l.text(n)
	if _, isText := n.value.(string); isText && s == "" {
		l.add(n.path, "wrong_value", "%s must not be empty", name)
	}
	return s
}

// flow reads StartAt and States and checks how the states hang together. outer holds the variables of the flows around it.
func (l *loader) flow(path string, f map[string]*node, outer map[string]bool) *Flow {
	flow := &Flow{StartAt: l.required(f, path, "StartAt"), byName: make(map[string]*State)}
	states := f["States"]
	if states == nil {
		l.add(path, "missing_field", "States is missing")
		return flow
	}
	members, ok := states.object()
	if !ok || len(members) == 0 {
		l.add(states.path, "wrong_type", "States must be an object with at least one state")
		return flow
	}
	vars := l.variables(members, outer)
	for _, m := range members {
		s := l.state(m, vars)
		flow.States = append(flow.States, s)
		flow.byName[s.Name] = s
	}
	l.checkFlow(path, flow)
	return flow
}

// variables gives the names that this flow and those around it assign. Assigning a name of a flow around it is an error, here as
// on the service.
func (l *loader) variables(states []member, outer map[string]bool) map[string]bool {
	all := make(map[string]bool)
	for name := range outer {
		all[name] = true
	}
	for _, s := range states {
		for _, a := range assigns(s.node) {
			name := plainKey(a.key)
			if outer[name] {
				l.add(a.path, "wrong_value", "the variable %s is assigned outside of this flow already; names inside must differ", name)
			}
			all[name] = true
		}
	}
	return all
}

// assigns gives the fields of every Assign of a state, those of its rules and catchers too.
func assigns(state *node) []member {
	var out []member
	fields, _ := state.object()
	for _, f := range fields {
		switch f.key {
		case "Assign":
			m, _ := f.object()
			out = append(out, m...)
		case "Choices", "Catch":
			items, _ := f.value.([]*node)
			for _, item := range items {
				out = append(out, assigns(item)...)
			}
		}
	}
	return out
}

// checkFlow reports targets that do not exist, states that nothing leads to, and a flow that cannot end.
func (l *loader) checkFlow(path string, f *Flow) {
	if f.StartAt != "" && f.byName[f.StartAt] == nil {
		l.noState(path+"/StartAt", f.StartAt, f)
	}
	ends := false
	for _, s := range f.States {
		ends = ends || s.End || s.Type == TypeSucceed || s.Type == TypeFail
		for _, t := range s.targets() {
			if f.byName[t.name] == nil {
				l.noState(t.path, t.name, f)
			}
		}
	}
	if l.partial {
		return
	}
	if !ends {
		l.add(path+"/States", "no_end", "no state ends this flow: one needs End, or is a Succeed or Fail")
	}
	reached := make(map[string]bool)
	f.reach(f.StartAt, reached)
	for _, s := range f.States {
		if !reached[s.Name] && f.byName[f.StartAt] != nil {
			l.add(s.Path, "unreachable", "no state leads to %s", s.Name)
		}
	}
}

func (l *loader) noState(path, name string, f *Flow) {
	p := l.add(path, "unknown_state", "there is no state %s here", name)
	known := make([]string, len(f.States))
	for i, s := range f.States {
		known[i] = s.Name
	}
	if near := fault.Nearest(name, known); near != "" {
		p.Hint = "did you mean " + near + "?"
	}
}

func (f *Flow) reach(name string, reached map[string]bool) {
	s := f.byName[name]
	if s == nil || reached[name] {
		return
	}
	reached[name] = true
	for _, t := range s.targets() {
		f.reach(t.name, reached)
	}
}

// name checks a state's name, which is unique in the whole machine.
func (l *loader) name(m member) {
	if m.key == "" || utf8.RuneCountInString(m.key) > maxNameLength {
		l.add(m.path, "wrong_value", "a state's name has 1 to %d characters", maxNameLength)
	}
	if other, ok := l.names[m.key]; ok && other != m.path {
		l.add(m.path, "duplicate_name", "the name is used at %s too; names are unique in the whole machine", other)
	}
	l.names[m.key] = m.path
}
