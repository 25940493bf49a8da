package asl

import (
	"regexp"
	"slices"
	"unicode/utf8"
)

// fieldTable lists the fields of one type of state, besides Type, Comment and QueryLanguage, by query language.
type fieldTable struct {
	both, jsonata, jsonPath []string
}

var (
	inOut   = []string{"InputPath", "OutputPath"}
	results = []string{"InputPath", "OutputPath", "ResultPath", "ResultSelector"}
)

// stateFields are the fields of each type (specification, "Table of State Types and Fields").
var stateFields = map[Type]fieldTable{
	TypeTask: {
		both:     []string{"Next", "End", "Resource", "Assign", "Retry", "Catch", "TimeoutSeconds", "HeartbeatSeconds", "Credentials"},
		jsonata:  []string{"Arguments", "Output"},
		jsonPath: append([]string{"Parameters", "TimeoutSecondsPath", "HeartbeatSecondsPath"}, results...),
	},
	TypeChoice: {both: []string{"Choices", "Default", "Assign"}, jsonata: []string{"Output"}, jsonPath: inOut},
	TypeMap: {
		both: []string{
			"Next", "End", "Assign", "Retry", "Catch", "ItemSelector", "MaxConcurrency", "ItemProcessor", "Iterator", "Label", "ItemReader", "ItemBatcher",
			"ResultWriter", "ToleratedFailureCount", "ToleratedFailurePercentage",
		},
		jsonata: []string{"Items", "Output"},
		jsonPath: append([]string{
			"ItemsPath", "Parameters", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath",
		}, results...),
	},
	TypeParallel: {
		both: []string{"Next", "End", "Branches", "Assign", "Retry", "Catch"}, jsonata: []string{"Arguments", "Output"},
		jsonPath: append([]string{"Parameters"}, results...),
	},
	TypePass:    {both: []string{"Next", "End", "Assign"}, jsonata: []string{"Output"}, jsonPath: append([]string{"Parameters", "Result", "ResultPath"}, inOut...)},
	TypeWait:    {both: []string{"Next", "End", "Assign", "Seconds", "Timestamp"}, jsonata: []string{"Output"}, jsonPath: append([]string{"SecondsPath", "TimestampPath"}, inOut...)},
	TypeSucceed: {jsonata: []string{"Output"}, jsonPath: inOut},
	TypeFail:    {both: []string{"Error", "Cause"}, jsonPath: []string{"ErrorPath", "CausePath"}},
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
	table, ok := stateFields[s.Type]
	if !ok {
		if s.Type != "" {
			l.add(m.path+"/Type", "wrong_value", "there is no type of state %q", string(s.Type))
		}
		l.partial = true
		return s
	}
	s.QueryLanguage = l.languageOf(raw)
	outer := l.language
	l.language = s.QueryLanguage
	own, other := table.jsonata, table.jsonPath
	if s.QueryLanguage == JSONPath {
		own, other = other, own
	}
	l.foreign = other
	f := l.fields(m.node, "a "+string(s.Type)+" state", slices.Concat(table.both, own, []string{"Type", "Comment", "QueryLanguage"})...)
	s.Comment = l.text(f["Comment"])
	l.common(s, f)
	if slices.Contains(table.both, "Next") {
		l.next(s, f)
	}
	l.language = outer
	l.ofType(s, f, vars)
	return s
}

// languageOf gives the query language of a state: its own or the machine's. A state of a JSONata machine is JSONata.
func (l *loader) languageOf(f map[string]*node) QueryLanguage {
	q := f["QueryLanguage"]
	if q == nil {
		return l.machineLanguage
	}
	switch own := QueryLanguage(l.text(q)); {
	case own == JSONPath && l.machineLanguage == JSONata:
		l.add(q.path, "wrong_query_language", "a state of a JSONata machine cannot be JSONPath")
	case own == JSONata || own == JSONPath:
		return own
	default:
		l.add(q.path, "wrong_value", "the query language is JSONata or JSONPath")
	}
	return l.machineLanguage
}

// common reads the fields that several types have.
func (l *loader) common(s *State, f map[string]*node) {
	s.Output = l.optional(f, "Output")
	s.Assign = l.assign(f["Assign"])
	s.Arguments = l.optional(f, "Arguments")
	s.InputPath = l.path(f, "InputPath")
	s.OutputPath = l.path(f, "OutputPath")
	s.ResultPath = l.referencePath(f, "ResultPath")
	s.ResultSelector = l.optional(f, "ResultSelector")
	if s.Type != TypeMap {
		s.Parameters = l.optional(f, "Parameters")
	}
	s.Retry = l.retriers(f["Retry"])
	s.Catch = l.catchers(f["Catch"])
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
	outer := l.language
	l.language = s.QueryLanguage
	defer func() { l.language = outer }()
	switch s.Type {
	case TypeTask:
		l.taskState(s, f)
	case TypeChoice:
		s.Default = l.text(f["Default"])
		s.Choices = l.rules(s.Path, f["Choices"])
	case TypeMap:
		l.mapState(s, f, vars)
	case TypeParallel:
		s.Branches = l.branches(s.Path, f["Branches"], vars)
	case TypeWait:
		l.waitState(s, f)
	case TypePass:
		if n := f["Result"]; n != nil {
			s.Result = l.literal(n, "Result")
		}
	case TypeFail:
		s.Error, s.ErrorPath = l.failText(f, "Error")
		s.Cause, s.CausePath = l.failText(f, "Cause")
	}
}

func (l *loader) taskState(s *State, f map[string]*node) {
	s.Resource = l.required(f, s.Path, "Resource")
	s.TimeoutSeconds = l.amount(f, "TimeoutSeconds", 1)
	s.HeartbeatSeconds = l.amount(f, "HeartbeatSeconds", 1)
	s.Credentials = l.optional(f, "Credentials")
}

func (l *loader) waitState(s *State, f map[string]*node) {
	s.Seconds = l.amount(f, "Seconds", 0)
	s.Timestamp = l.optional(f, "Timestamp")
	s.TimestampPath = l.path(f, "TimestampPath")
	n := 0
	for _, set := range []bool{s.Seconds != nil, s.Timestamp != nil, s.TimestampPath != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		l.add(s.Path, "missing_field", "a Wait state needs one of Seconds and Timestamp")
	}
}

// failText reads Error or Cause, or under JSONPath the path that names it, which may be an intrinsic function.
func (l *loader) failText(f map[string]*node, name string) (*Template, *Path) {
	if f[name+"Path"] != nil && f[name] != nil {
		l.add(f[name].path, "wrong_value", "the state has both %s and %sPath", name, name)
	}
	return l.optional(f, name), l.pathOrCall(f, name+"Path")
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
		name := m.key
		if l.language == JSONPath {
			name = plainKey(name)
		}
		switch {
		case name == "states":
			l.add(m.path, "wrong_value", "the name states is reserved")
		case !variableName.MatchString(name) || utf8.RuneCountInString(name) > maxNameLength:
			l.add(m.path, "wrong_value", "a variable's name has letters, digits and _, begins with no digit, and has at most %d characters", maxNameLength)
		}
	}
	return l.template(n, "Assign")
}

func (l *loader) rules(path string, n *node) []Rule {
	items := l.elements(path, "Choices", n)
	out := make([]Rule, 0, len(items))
	for _, item := range items {
		if l.language == JSONPath {
			out = append(out, l.comparison(item))
			continue
		}
		f := l.fields(item, "a rule of a Choice", "Condition", "Next", "Output", "Assign", "Comment")
		if f == nil {
			continue
		}
		r := Rule{Next: l.required(f, item.path, "Next"), Output: l.optional(f, "Output"), Assign: l.assign(f["Assign"])}
		if f["Condition"] == nil {
			l.add(item.path, "missing_field", "Condition is missing")
			r.Condition = &Template{field: "Condition", root: constant{false}}
		} else {
			r.Condition = l.template(f["Condition"], "Condition")
			if v, fixed := r.Condition.Constant(); fixed && !l.reported(f["Condition"].path) {
				if _, isBool := v.(bool); !isBool {
					l.add(f["Condition"].path, "wrong_type", "Condition must be an expression {%% … %%}")
				}
			}
		}
		out = append(out, r)
	}
	return out
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
