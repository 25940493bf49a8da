// Package check finds what is wrong in a definition of a state machine without running it: what Step Functions would refuse, in its own words
// and with its own codes (CreateStateMachine, ValidateStateMachineDefinition), then what it would take and which cannot work all the same,
// and how large an execution can become against the quotas that end it. It knows nothing of jobs, steps or AWS clients.
//
// A place is written as the service writes it: /States/Pick/Choices[0]/Next.
package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl"
	"github.com/lockstep-data/lockstep/shared/fault"
)

// The types of state machines.
const (
	Standard = "STANDARD"
	Express  = "EXPRESS"
)

// Severity says whether a diagnostic keeps the definition from being created.
type Severity string

// The severities.
const (
	Error   Severity = "ERROR"
	Warning Severity = "WARNING"
)

// The codes of the service.
const (
	InvalidJSON        = "INVALID_JSON_DESCRIPTION"
	MissingDescription = "MISSING_DESCRIPTION"
	Schema             = "SCHEMA_VALIDATION_FAILED"
	MissingEnd         = "MISSING_END_STATE"
	MissingTarget      = "MISSING_TRANSITION_TARGET"
	DuplicateState     = "DUPLICATE_STATE_NAME"
	InvalidState       = "INVALID_STATE_NAME"
	DuplicateLabel     = "DUPLICATE_LABEL_NAME"
	InvalidLabel       = "INVALID_LABEL_NAME"
	InvalidVariable    = "INVALID_VARIABLE_NAME"
	ReservedVariable   = "RESERVED_VARIABLE_NAME"
	InvalidJSONata     = "INVALID_JSONATA_EXPRESSION"
	UnsupportedJSONata = "UNSUPPORTED_JSONATA_EXPRESSION"
	NoDollar           = "NO_DOLLAR"
	PassResultIsStatic = "PASS_RESULT_IS_STATIC"
	maxNameLength      = 80
	maxLabelLength     = 40
	maxDepth           = 100 // objects and lists inside each other
)

// The codes of this package: what the service takes and which cannot work.
const (
	DuplicateKey      = "DUPLICATE_KEY"
	UndefinedVariable = "UNDEFINED_VARIABLE"
	TooDeep           = "TOO_DEEP"
	Quota             = "QUOTA"
)

// Diagnostic is one thing that is wrong.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Code     string   `json:"code"`
	Message  string   `json:"message"`
	Location string   `json:"location,omitempty"` // empty when it is about the whole definition
	Hint     string   `json:"hint,omitempty"`
}

// String gives code: message at location, as CreateStateMachine does.
func (d Diagnostic) String() string {
	at := d.Location
	if at == "" {
		at = "null"
	}
	return fmt.Sprintf("%s: %s at %s", d.Code, d.Message, at)
}

// Report is what is wrong in a definition.
type Report struct {
	// Service is what ValidateStateMachineDefinition reports; with an Error in it CreateStateMachine refuses.
	Service []Diagnostic
	// Own is what the service takes all the same.
	Own []Diagnostic
}

// OK says whether the service takes the definition, and nothing in it is sure to fail.
func (r Report) OK() bool {
	return !slices.ContainsFunc(append(slices.Clone(r.Service), r.Own...), func(d Diagnostic) bool { return d.Severity == Error })
}

// Refusal gives the message with which CreateStateMachine refuses the definition, empty when it takes it.
func (r Report) Refusal() string {
	var errors []string
	for _, d := range r.Service {
		if d.Severity == Error {
			errors = append(errors, d.String())
		}
	}
	if len(errors) == 0 {
		return ""
	}
	return fmt.Sprintf("Invalid State Machine Definition: '%s'", strings.Join(errors, ", "))
}

// Definition checks a definition for a machine of a type, Standard or Express. A Resource or another text may hold a ${hole}, which whoever
// deploys fills.
func Definition(text []byte, machineType string) Report {
	c := &checker{express: machineType == Express, states: make(map[string]string), labels: make(map[string]bool)}
	if strings.TrimSpace(string(text)) == "" {
		c.error("", MissingDescription, "The definition is empty")
		return c.report
	}
	root, err := parse(text)
	if err != nil {
		c.syntax(text, err)
		return c.report
	}
	c.machine(root)
	if c.report.OK() {
		c.load(text)
	}
	return c.report
}

// load adds what the interpreter refuses and the service may take: a resource that no integration has, for example.
func (c *checker) load(text []byte) {
	_, err := asl.Load(text)
	var problems fault.Problems
	if !errors.As(err, &problems) {
		return
	}
	for _, p := range problems {
		c.own(Error, p.Path, strings.ToUpper(p.Code), "%s", p.Message).Hint = p.Hint
	}
}

// checker collects what is wrong.
type checker struct {
	report  Report
	express bool
	jsonata bool              // the machine's query language
	states  map[string]string // of every state's name, where it stands
	labels  map[string]bool
}

func (c *checker) error(at, code, format string, args ...any) {
	c.report.Service = append(c.report.Service, Diagnostic{Severity: Error, Code: code, Message: fmt.Sprintf(format, args...), Location: at})
}

// schema reports the code under which nearly everything goes.
func (c *checker) schema(at, format string, args ...any) {
	if at == "" {
		at = "/"
	}
	c.error(at, Schema, format, args...)
}

func (c *checker) warn(at, code, format string, args ...any) {
	c.report.Service = append(c.report.Service, Diagnostic{Severity: Warning, Code: code, Message: fmt.Sprintf(format, args...), Location: at})
}

func (c *checker) own(severity Severity, at, code, format string, args ...any) *Diagnostic {
	c.report.Own = append(c.report.Own, Diagnostic{Severity: severity, Code: code, Message: fmt.Sprintf(format, args...), Location: at})
	return &c.report.Own[len(c.report.Own)-1]
}

// machine checks the whole definition.
func (c *checker) machine(root any) {
	o, ok := root.(*object)
	if !ok {
		c.schema("", "Expected value of type [OBJECT]")
		return
	}
	for _, at := range o.repeated {
		c.own(Error, at, DuplicateKey, "this name stands twice in its object; the first value is lost").Hint = "remove one of them"
	}
	if deep := depth(root, 0); deep > maxDepth {
		c.own(Error, "", TooDeep, "objects and lists are %d deep inside each other; %d is the most", deep, maxDepth)
		return
	}
	c.jsonata = c.language("", o, false)
	c.known("", o, machineFields)
	c.values("", o, fieldRules)
	f := c.flow("", o)
	c.graph(f, true)
	c.variables(f, nil)
}

// language checks QueryLanguage and gives what it means: only the exact JSONPath is that, all else that stands there is JSONata.
func (c *checker) language(at string, o *object, inherited bool) bool {
	v, ok := o.get("QueryLanguage")
	if !ok {
		return inherited
	}
	s, isText := v.(string)
	switch {
	case !isText:
		c.schema(at+"/QueryLanguage", "Expected value of type [STRING]")
	case s != "JSONPath" && s != "JSONata":
		c.schema(at+"/QueryLanguage", "Value should be one of the following: [JSONPath, JSONata]")
	}
	return s != "JSONPath"
}

// flow is a set of states with a beginning, as far as it could be read.
type flow struct {
	at     string
	start  string
	states []*state
	byName map[string]*state
}

// flow checks StartAt and States of a machine, an item processor or a branch.
func (c *checker) flow(at string, o *object) *flow {
	f := &flow{at: at, byName: make(map[string]*state)}
	c.required(at, o, "States", "StartAt")
	f.start, _ = o.text("StartAt")
	v, ok := o.get("States")
	if !ok {
		return f
	}
	states, ok := v.(*object)
	switch {
	case !ok:
		c.schema(at+"/States", "Expected value of type [OBJECT]")
		return f
	case len(states.names) == 0:
		c.schema(at+"/States", "Value cannot be empty")
	}
	for _, name := range states.names {
		s := c.state(at+"/States/"+name, name, states.fields[name])
		f.states = append(f.states, s)
		f.byName[name] = s
	}
	return f
}

// required reports the fields that are not there, in one message.
func (c *checker) required(at string, o *object, names ...string) {
	var missing []string
	for _, n := range names {
		if _, ok := o.get(n); !ok {
			missing = append(missing, n)
		}
	}
	if len(missing) > 0 {
		c.schema(at, "These fields are required: [%s]", strings.Join(missing, ", "))
	}
}

// one reports that not exactly one of the fields is there.
func (c *checker) one(at string, o *object, names ...string) {
	switch n := c.count(o, names...); {
	case n == 0:
		c.schema(at, "This object should have only one of the following fields: [%s]", strings.Join(names, ", "))
	case n > 1:
		c.schema(at, "There should only be one of the following fields: [%s]", strings.Join(names, ", "))
	}
}

// oneAtMost reports that more than one of the fields is there.
func (c *checker) oneAtMost(at string, o *object, names ...string) {
	if c.count(o, names...) > 1 {
		c.schema(at, "There should only be one of the following fields: [%s]", strings.Join(names, ", "))
	}
}

func (c *checker) count(o *object, names ...string) int {
	n := 0
	for _, name := range names {
		if _, ok := o.get(name); ok {
			n++
		}
	}
	return n
}

// known reports the fields that the object does not have.
func (c *checker) known(at string, o *object, names []string) {
	for _, n := range o.names {
		if !slices.Contains(names, n) {
			c.schema(at, "Field '%s' is not supported", n)
		}
	}
}
