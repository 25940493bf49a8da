package check

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lockstep-data/lockstep/shared/asl"
)

// state is a state as far as it could be read.
type state struct {
	at      string
	name    string
	kind    string // its Type
	jsonata bool
	fields  *object
	end     bool
	targets []target
	inner   []*flow // of Map and Parallel
	reads   []read
	assigns []string // by Assign of the state, its rules and its catchers
}

// target is a state that may follow.
type target struct{ at, name string }

// types are the types of states in the order of the service's message.
var types = []string{"Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"}

// state checks one state.
func (c *checker) state(at, name string, v any) *state {
	s := &state{at: at, name: name}
	c.name(at, name)
	o, ok := v.(*object)
	if !ok {
		c.schema(at, "Expected value of type [OBJECT]")
		return s
	}
	s.fields = o
	s.kind, _ = o.text("Type")
	if _, ok := o.get("Type"); !ok {
		c.schema(at, "These fields are required: [Type]")
	} else if !slices.Contains(types, s.kind) {
		s.kind = ""
		c.schema(at+"/Type", "The field 'Type' should have one of these values: [%s]", strings.Join(types, ", "))
	}
	c.stateLanguage(s)
	if s.kind != "" {
		c.known(at, o, append([]string{"Type", "Comment", "QueryLanguage"}, stateFields[s.kind]...))
	}
	c.pairs(at, o)
	c.values(at, o, fieldRules)
	if f, ok := o.fields["TimeoutSeconds"]; ok && fmt.Sprint(f) == "0" {
		c.schema(at+"/TimeoutSeconds", "Minimum value is 1")
	}
	c.templates(s)
	c.transition(s)
	c.kindOf(s)
	return s
}

// name checks a state's name.
func (c *checker) name(at, name string) {
	if n := utf8.RuneCountInString(name); n > maxNameLength {
		c.error(at, InvalidState, "The state name '%s' exceeds the %d-character limit allowed by the service", name, maxNameLength)
	} else if n == 0 {
		c.error(at, InvalidState, "A state name cannot be empty")
	}
	if _, twice := c.states[name]; twice {
		c.error(at, DuplicateState, "Duplicate State name: %s", name)
	}
	c.states[name] = at
}

// stateLanguage decides the state's query language and reports the fields of the other one.
func (c *checker) stateLanguage(s *state) {
	const other = "The QueryLanguage is set to '%s', but field '%s' is only supported for the '%s' QueryLanguage"
	own, _ := s.fields.text("QueryLanguage")
	mark := len(c.report.Service)
	s.jsonata = c.language(s.at, s.fields, c.jsonata)
	enum := slices.Clone(c.report.Service[mark:])
	c.report.Service = c.report.Service[:mark]
	switch {
	case c.jsonata && own == "JSONPath":
		c.schema(s.at, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
	case s.jsonata:
		for _, name := range onlyJSONPath {
			if _, ok := s.fields.get(name); ok {
				c.schema(s.at, other, "JSONata", name, "JSONPath")
			}
		}
	default:
		for _, name := range onlyJSONata {
			if _, ok := s.fields.get(name); ok {
				c.schema(s.at, other, "JSONPath", name, "JSONata")
			}
		}
	}
	c.report.Service = append(c.report.Service, enum...)
}

// pairs reports fields that exclude each other.
func (c *checker) pairs(at string, o *object) {
	for _, p := range exclusive {
		c.oneAtMost(at, o, p[0], p[1])
	}
}

// transition checks how the state is left.
func (c *checker) transition(s *state) {
	if next, ok := s.fields.text("Next"); ok {
		s.targets = append(s.targets, target{s.at + "/Next", next})
	}
	if next, ok := s.fields.text("Default"); ok && s.kind == "Choice" {
		s.targets = append(s.targets, target{s.at + "/Default", next})
	}
	s.end = s.fields.fields["End"] == true
	switch s.kind {
	case "Succeed", "Fail":
		s.end = true
	case "Task", "Pass", "Wait", "Parallel", "Map":
		_, next := s.fields.get("Next")
		switch {
		case next && s.end:
			c.schema(s.at, "There should only be one of the following fields: [Next, End]")
		case !next && !s.end:
			c.schema(s.at, "This object should have only one of the following fields: [Next, End]")
		}
	}
}

// kindOf checks what only states of one type have.
func (c *checker) kindOf(s *state) {
	switch s.kind {
	case "Task":
		c.task(s)
	case "Choice":
		c.choices(s)
	case "Wait":
		c.one(s.at, s.fields, "SecondsPath", "Seconds", "TimestampPath", "Timestamp")
	case "Parallel":
		c.parallel(s)
	case "Map":
		c.iteration(s)
	case "Pass":
		c.static(s)
	}
	if s.kind == "Task" || s.kind == "Map" || s.kind == "Parallel" {
		c.retriers(s)
		c.catchers(s)
	}
}

// static warns of a path in the Result of a Pass, which is taken as it stands.
func (c *checker) static(s *state) {
	result, ok := s.fields.fields["Result"].(*object)
	if !ok {
		return
	}
	for _, name := range result.names {
		if strings.HasSuffix(name, ".$") {
			c.warn(s.at+"/Result/"+name, PassResultIsStatic, "The Result of a Pass state is taken as it stands; the path in '%s' is not looked up", name)
		}
	}
}

// task checks the Resource and the Credentials.
func (c *checker) task(s *state) {
	c.required(s.at, s.fields, "Resource")
	resource, _ := s.fields.text("Resource")
	at := s.at + "/Resource"
	hole := strings.Contains(resource, "${")
	activity := strings.HasPrefix(resource, "arn:") && strings.Contains(resource, ":activity:")
	switch {
	case resource == "" || hole:
	case !strings.HasPrefix(resource, "arn:"):
		c.schema(at, "Value is not a valid resource ARN")
	case c.express && activity:
		c.schema(at, "Express state machine does not support Activity ARN")
	case c.express && strings.HasSuffix(resource, ".waitForTaskToken"):
		c.schema(at, "Express state machine does not support '.waitForTaskToken' service integration ")
	case c.express && (strings.HasSuffix(resource, ".sync") || strings.HasSuffix(resource, ".sync:2")):
		c.schema(at, "Express state machine does not support '.sync' service integration")
	default:
		c.recognised(at, resource)
	}
	v, ok := s.fields.get("Credentials")
	credentials, isObject := v.(*object)
	switch {
	case !ok:
	case activity:
		c.schema(s.at, "The field 'Credentials' is not supported for activities")
	case !isObject:
		c.schema(s.at+"/Credentials", "Expected value of type [OBJECT]")
	case c.count(credentials, "RoleArn", "RoleArn.$") == 0:
		c.schema(s.at+"/Credentials", "The field 'RoleArn' is required but was missing")
	}
}

// recognised reports a resource that no integration has.
func (c *checker) recognised(at, resource string) {
	if why := asl.ParseResource(resource).Problem(); why != "" {
		c.schema(at, "The resource provided %s is not recognized", resource)
		c.report.Service[len(c.report.Service)-1].Hint = why
	}
}

// parallel checks the branches.
func (c *checker) parallel(s *state) {
	c.required(s.at, s.fields, "Branches")
	v, ok := s.fields.get("Branches")
	if !ok {
		return
	}
	branches, isList := v.([]any)
	switch {
	case !isList:
		c.schema(s.at+"/Branches", "Expected value of type [ARRAY]")
	case len(branches) == 0:
		c.schema(s.at+"/Branches", "Value cannot be empty")
	}
	for i, b := range branches {
		at := element(s.at+"/Branches", i)
		o, ok := b.(*object)
		if !ok {
			c.schema(at, "Expected value of type [OBJECT]")
			continue
		}
		c.known(at, o, []string{"Comment", "StartAt", "States"})
		s.inner = append(s.inner, c.flow(at, o))
	}
}
