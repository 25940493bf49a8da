package check

import (
	"errors"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/intrinsic"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// read is a variable that a state reads, and where; root is "" for $ and "$" for $$.
type read struct{ at, root string }

// payloads are the fields whose names ending in .$ hold paths under JSONPath.
var payloads = []string{"Parameters", "ResultSelector", "ItemSelector", "Credentials", "Assign", "ItemBatcher", "ItemReader", "ResultWriter"}

// apart are the fields of a state that hold no template, or are checked part by part.
var apart = []string{"Type", "Comment", "QueryLanguage", "Next", "Default", "Resource", "Label", "ItemProcessor", "Iterator", "Branches", "Retry", "Catch", "Choices"}

// templates checks the expressions of a state under JSONata, its paths and functions under JSONPath.
func (c *checker) templates(s *state) {
	for _, name := range s.fields.names {
		v := s.fields.fields[name]
		if name == "Assign" {
			c.assign(s, s.at+"/Assign", v)
		}
		if slices.Contains(apart, name) {
			continue
		}
		t := &template{checker: c, state: s, field: name}
		t.check(s.at+"/"+name, v)
	}
	for _, list := range []string{"Choices", "Catch"} {
		items, _ := s.fields.fields[list].([]any)
		for i, item := range items {
			o, ok := item.(*object)
			if !ok {
				continue
			}
			at := element(s.at+"/"+list, i)
			for _, name := range []string{"Condition", "Output", "Assign"} {
				v, ok := o.get(name)
				if !ok {
					continue
				}
				if name == "Assign" {
					c.assign(s, at+"/Assign", v)
				}
				t := &template{checker: c, state: s, field: name, within: list}
				t.check(at+"/"+name, v)
			}
		}
	}
}

// template is a field that may hold expressions, paths or functions.
type template struct {
	*checker
	state  *state
	field  string
	within string // Choices or Catch when it stands in one of their elements
}

func (t *template) check(at string, v any) {
	switch {
	case t.state.jsonata:
		t.expressions(at, v)
	case slices.Contains(payloads, t.field):
		t.payload(at, v)
	case strings.HasSuffix(t.field, "Path"):
		if text, ok := v.(string); ok {
			t.reads(at, text)
		}
	}
}

// expressions checks the texts {% … %} of a value.
func (t *template) expressions(at string, v any) {
	switch v := v.(type) {
	case *object:
		for _, name := range v.names {
			t.expressions(at+"/"+name, v.fields[name])
		}
	case []any:
		for i, e := range v {
			t.expressions(element(at, i), e)
		}
	case string:
		text, ok := strings.CutPrefix(v, "{%")
		if !ok {
			return
		}
		if text, ok = strings.CutSuffix(text, "%}"); !ok {
			t.schema(at, "JSONata string must start with {%% and end with %%}")
			return
		}
		t.expression(at, strings.TrimSpace(text))
	}
}

// expression checks one expression and notes what it reads.
func (t *template) expression(at, text string) {
	e, err := jsonata.Compile(text)
	var fault *jsonata.Error
	if errors.As(err, &fault) {
		t.error(at, InvalidJSONata, "%s", fault.Message)
		return
	}
	for _, ref := range e.References() {
		switch {
		case ref.Bare:
			t.error(at, UnsupportedJSONata, "Reference to '%s' at the top level is not supported.", ref.Name)
		case ref.Name == "$":
			t.error(at, UnsupportedJSONata, "Reference to '$$' is not supported.")
		case ref.Name != "states":
			t.state.reads = append(t.state.reads, read{at, ref.Name})
		case len(ref.Path) > 0 && !t.offers(ref.Path[0]):
			t.error(at, UnsupportedJSONata, "Field '$states.%s' does not exist.", ref.Path[0])
		}
	}
}

// offers says whether $states has a field where this template stands.
func (t *template) offers(name string) bool {
	after := t.within == "" && (t.field == "Output" || t.field == "Assign")
	switch name {
	case "input", "context":
		return true
	case "result":
		return after && slices.Contains([]string{"Task", "Parallel", "Map"}, t.state.kind)
	case "errorOutput":
		return t.within == "Catch"
	}
	return false
}

// payload checks the paths and functions of a payload template.
func (t *template) payload(at string, v any) {
	switch v := v.(type) {
	case *object:
		for _, name := range v.names {
			inner := v.fields[name]
			text, isText := inner.(string)
			switch {
			case !strings.HasSuffix(name, ".$"):
				t.payload(at+"/"+name, inner)
				if isText && (strings.HasPrefix(text, "$.") || strings.HasPrefix(text, "States.")) && strings.HasPrefix(at, t.state.at+"/Parameters") {
					t.warn(at, NoDollar, "The value of the field '%s' looks like a path or a function, but the field's name does not end with '.$'", name)
				}
			case !isText || !t.reads(at, text):
				t.schema(at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", name)
			}
		}
	case []any:
		for i, e := range v {
			t.payload(element(at, i), e)
		}
	}
}

// reads notes which variables a path or a function reads; false when it is neither.
func (t *template) reads(at, text string) bool {
	if strings.Contains(text, "${") {
		return true
	}
	if !strings.HasPrefix(text, "States.") {
		p, err := jsonpath.Parse(text)
		if err == nil {
			t.state.reads = append(t.state.reads, read{at, p.Root()})
		}
		return err == nil
	}
	call, err := intrinsic.Parse(text)
	var wrong *intrinsic.SyntaxError
	if errors.As(err, &wrong) {
		return false
	}
	for _, p := range call.Paths() {
		t.state.reads = append(t.state.reads, read{at, p.Root()})
	}
	return true
}
