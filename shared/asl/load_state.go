package asl

import (
	"regexp"
	"slices"
	"unicode/utf8"
)

// stateFields are the fields of each type besides Type, Comment and QueryLanguage.
var stateFields = map[Type][]string{
	TypeTask:     {"Next", "End", "Resource", "Arguments", "Output", "Assign", "Retry", "Catch", "TimeoutSeconds"},
	TypeChoice:   {"Choices", "Default", "Output", "Assign"},
	TypeMap:      {"Next", "End", "Items", "ItemSelector", "MaxConcurrency", "ItemProcessor", "Output", "Assign", "Retry", "Catch"},
	TypeParallel: {"Next", "End", "Branches", "Arguments", "Output", "Assign", "Retry", "Catch"},
	TypePass:     {"Next", "End", "Output", "Assign"},
	TypeWait:     {"Next", "End", "Seconds", "Timestamp", "Output", "Assign"},
	TypeSucceed:  {"Output"},
	TypeFail:     {"Error", "Cause"},
}

// state reads one state. vars are the variables of its flow and those around it.
func (l *loader) state(m member, vars map[string]bool) *State {
	s := &State{Name: m.key, Path: m.path}
	l.name(m)
	members, ok := m.object()
	if !ok {
		l.add(m.path, "wrong_type", "a state must be an object, not %s", m.kind())
		l.partial = true
		return s
	}
	raw := make(map[string]*node, len(members))
	for _, f := range members {
		raw[f.key] = f.node
	}
	s.Type = Type(l.required(raw, m.path, "Type"))
	known, ok := stateFields[s.Type]
	if !ok {
		if s.Type != "" {
			l.add(m.path+"/Type", "wrong_value", "there is no type of state %q", string(s.Type))
		}
		l.partial = true
		return s
	}
	if l.isJSONPath(m.path, raw) {
		l.partial = true
		return s
	}
	f := l.fields(m.node, "a "+string(s.Type)+" state", slices.Concat(known, []string{"Type", "Comment", "QueryLanguage"})...)
	s.Comment = l.text(f["Comment"])
	s.Output = l.optional(f, "Output")
	s.Assign = l.assign(f["Assign"])
	s.Arguments = l.optional(f, "Arguments")
	s.Retry = l.retriers(f["Retry"])
	s.Catch = l.catchers(f["Catch"])
	if slices.Contains(known, "Next") {
		l.next(s, f)
	}
	l.ofType(s, f, vars)
	return s
}

// isJSONPath reports a state whose query language is JSONPath, which cannot run here.
func (l *loader) isJSONPath(path string, f map[string]*node) bool {
	jsonPath := l.jsonPath
	if q := f["QueryLanguage"]; q != nil {
		switch own := l.text(q); {
		case own == "JSONata":
			jsonPath = false
		case own == "JSONPath" && !l.jsonPath:
			l.add(q.path, "wrong_query_language", "a state of a JSONata machine cannot be JSONPath")
			return true
		case own != "JSONPath":
			l.add(q.path, "wrong_value", "the query language is JSONata or JSONPath")
		}
	}
	if jsonPath {
		l.add(path, "not_supported", "the query language of this state is JSONPath, which is not supported; set QueryLanguage to JSONata")
	}
	return jsonPath
}

func (l *loader) isEnd(f map[string]*node) bool {
	n := f["End"]
	if n == nil {
		return false
	}
	end, ok := n.value.(bool)
	if !ok {
		l.add(n.path, "wrong_type", "End must be a boolean, not %s", n.kind())
	}
	return end
}

// next reads Next and End, of which a state needs exactly one.
func (l *loader) next(s *State, f map[string]*node) {
	s.End = l.isEnd(f)
	if f["Next"] != nil {
		s.Next = l.required(f, s.Path, "Next")
	}
	switch {
	case f["Next"] == nil && !s.End:
		l.add(s.Path, "missing_field", "the state needs Next or End: true")
	case f["Next"] != nil && s.End:
		l.add(s.Path, "wrong_value", "the state has both Next and End")
	}
}

func (l *loader) ofType(s *State, f map[string]*node, vars map[string]bool) {
	switch s.Type {
	case TypeTask:
		s.Resource = l.required(f, s.Path, "Resource")
		s.TimeoutSeconds = l.count(f, "TimeoutSeconds", 1)
	case TypeChoice:
		s.Default = l.text(f["Default"])
		s.Choices = l.rules(s.Path, f["Choices"])
	case TypeMap:
		s.Items = l.items(f)
		s.ItemSelector = l.optional(f, "ItemSelector")
		s.MaxConcurrency = l.count(f, "MaxConcurrency", 0)
		s.Processor = l.processor(s.Path, f["ItemProcessor"], vars)
	case TypeParallel:
		s.Branches = l.branches(s.Path, f["Branches"], vars)
	case TypeWait:
		s.Seconds = l.count(f, "Seconds", 0)
		s.Timestamp = l.optional(f, "Timestamp")
		if (s.Seconds == nil) == (s.Timestamp == nil) {
			l.add(s.Path, "missing_field", "a Wait state needs one of Seconds and Timestamp")
		}
	case TypeFail:
		s.Error = l.optional(f, "Error")
		s.Cause = l.optional(f, "Cause")
	}
}

func (l *loader) optional(f map[string]*node, name string) *Template {
	if f[name] == nil {
		return nil
	}
	return l.template(f[name], name)
}

// count reads a whole number from low on, or an expression that gives one.
func (l *loader) count(f map[string]*node, name string, low float64) *Template {
	t := l.optional(f, name)
	if t == nil {
		return nil
	}
	if v, ok := t.Constant(); ok && !l.reported(f[name].path) {
		if _, err := t.wholeNumber(v, low); err != nil {
			l.add(f[name].path, "wrong_value", "%s must be a whole number from %v on, or an expression", name, low)
		}
	}
	return t
}

// reported says whether there is a problem at a path already, so that one mistake is told once.
func (l *loader) reported(path string) bool {
	for _, p := range l.problems {
		if p.Path == path {
			return true
		}
	}
	return false
}

func (l *loader) items(f map[string]*node) *Template {
	t := l.optional(f, "Items")
	if t == nil {
		return nil
	}
	if v, ok := t.Constant(); ok && !l.reported(f["Items"].path) {
		if _, isArray := v.([]any); !isArray {
			l.add(f["Items"].path, "wrong_type", "Items must be an array or an expression")
		}
	}
	return t
}

// variableName is what may stand behind the dollar sign.
var variableName = regexp.MustCompile(`^[\p{L}_][\p{L}\p{N}_]*$`)

func (l *loader) assign(n *node) *Template {
	if n == nil {
		return nil
	}
	members, ok := n.object()
	if !ok {
		l.add(n.path, "wrong_type", "Assign must be an object, not %s", n.kind())
		return nil
	}
	for _, m := range members {
		switch {
		case m.key == "states":
			l.add(m.path, "wrong_value", "the name states is reserved")
		case !variableName.MatchString(m.key) || utf8.RuneCountInString(m.key) > maxNameLength:
			l.add(m.path, "wrong_value", "a variable's name has letters, digits and _, begins with no digit, and has at most %d characters", maxNameLength)
		}
	}
	return l.template(n, "Assign")
}

func (l *loader) rules(path string, n *node) []Rule {
	items := l.elements(path, "Choices", n)
	out := make([]Rule, 0, len(items))
	for _, item := range items {
		f := l.fields(item, "a rule of a Choice", "Condition", "Next", "Output", "Assign", "Comment")
		if f == nil {
			continue
		}
		r := Rule{Next: l.required(f, item.path, "Next"), Output: l.optional(f, "Output"), Assign: l.assign(f["Assign"])}
		if f["Condition"] == nil {
			l.add(item.path, "missing_field", "Condition is missing")
		} else {
			r.Condition = l.template(f["Condition"], "Condition")
			if _, fixed := r.Condition.Constant(); fixed && !l.reported(f["Condition"].path) {
				l.add(f["Condition"].path, "wrong_type", "Condition must be an expression {%% … %%}")
			}
		}
		out = append(out, r)
	}
	return out
}

// elements gives a field's array, which must not be empty.
func (l *loader) elements(path, name string, n *node) []*node {
	if n == nil {
		l.add(path, "missing_field", "%s is missing", name)
		return nil
	}
	items, ok := n.value.([]*node)
	if !ok || len(items) == 0 {
		l.add(n.path, "wrong_type", "%s must be an array with at least one element", name)
	}
	return items
}

func (l *loader) processor(path string, n *node, vars map[string]bool) *Flow {
	if n == nil {
		l.add(path, "missing_field", "ItemProcessor is missing")
		return &Flow{}
	}
	f := l.fields(n, "ItemProcessor", "ProcessorConfig", "StartAt", "States", "Comment")
	if f == nil {
		return &Flow{}
	}
	if c := f["ProcessorConfig"]; c != nil {
		cf := l.fields(c, "ProcessorConfig", "Mode", "ExecutionType")
		if mode := l.text(cf["Mode"]); mode == "DISTRIBUTED" {
			l.add(c.path+"/Mode", "not_supported", "Distributed Map is not supported")
		} else if mode != "INLINE" {
			l.add(c.path+"/Mode", "wrong_value", "Mode must be INLINE")
		}
	}
	return l.flow(n.path, f, vars)
}

func (l *loader) branches(path string, n *node, vars map[string]bool) []*Flow {
	items := l.elements(path, "Branches", n)
	out := make([]*Flow, 0, len(items))
	for _, item := range items {
		if f := l.fields(item, "a branch", "StartAt", "States", "Comment"); f != nil {
			out = append(out, l.flow(item.path, f, vars))
		}
	}
	return out
}
