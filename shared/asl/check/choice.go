package check

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/choice"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
)

// choices checks the rules of a Choice.
func (c *checker) choices(s *state) {
	c.required(s.at, s.fields, "Choices")
	list := c.objects(s, "Choices")
	if v, ok := s.fields.fields["Choices"].([]any); ok && len(v) == 0 {
		c.schema(s.at+"/Choices", "Value cannot be empty")
	}
	for i, o := range list {
		at := element(s.at+"/Choices", i)
		if o == nil {
			continue
		}
		if next, ok := o.text("Next"); ok {
			s.targets = append(s.targets, target{at + "/Next", next})
		}
		c.required(at, o, "Next")
		c.part(s, at, o)
		c.values(at, o, fieldRules)
		if s.jsonata {
			c.known(at, o, []string{"Comment", "Condition", "Next", "Output", "Assign", "Variable"})
			c.condition(at, o)
			continue
		}
		if _, ok := o.get("Condition"); !ok {
			c.comparison(s, at, o)
		}
	}
}

// condition checks the Condition of a rule under JSONata.
func (c *checker) condition(at string, o *object) {
	switch v := o.fields["Condition"].(type) {
	case nil:
		if _, ok := o.get("Variable"); !ok {
			c.required(at, o, "Condition")
		}
	case bool:
	case string:
		if !strings.HasPrefix(v, "{%") {
			c.schema(at+"/Condition", "JSONata string must start with {%% and end with %%}")
		}
	default:
		c.schema(at+"/Condition", "Expected value of type [STRING, BOOLEAN]")
	}
}

// comparison checks a rule under JSONPath.
func (c *checker) comparison(s *state, at string, o *object) {
	var kinds []string
	for _, k := range []string{"And", "Or", "Not", "Variable"} {
		if _, ok := o.get(k); ok {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) != 1 {
		c.schema(at, "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]")
		return
	}
	plain, err := plainValue(o)
	if err != nil {
		c.schema(at, "%s", err)
		return
	}
	r, err := choice.Compile(plain.(map[string]any))
	var problems choice.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			c.comparisonProblem(at, p)
		}
	}
	for _, p := range r.Paths() {
		s.reads = append(s.reads, read{at, p.Root()})
	}
}

// comparisonProblem says a problem of a rule as the service does where that is known.
func (c *checker) comparisonProblem(at string, p choice.Problem) {
	place := at
	parts := strings.Split(p.Path, "/")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" && parts[i][0] >= '0' && parts[i][0] <= '9' {
			place += "[" + parts[i] + "]"
		} else {
			place += "/" + parts[i]
		}
	}
	last := parts[len(parts)-1]
	switch {
	case last == "Next":
		c.schema(strings.TrimSuffix(place, "/Next"), "Field 'Next' is not supported")
	case strings.HasSuffix(p.Message, "is no operator"):
		c.schema(strings.TrimSuffix(place, "/"+last), "Field '%s' is not supported", last)
	case (last == "And" || last == "Or") && strings.Contains(p.Message, "one or more"):
		c.schema(place, "Value cannot be empty")
	case strings.Contains(p.Message, "a path begins with $"):
		c.schema(place, "Value is not a Reference Path: Reference path didn't start with '$'")
	case last == "Variable" || strings.HasSuffix(last, "Path"):
		c.schema(place, "Value is not a Reference Path: %s", p.Message)
	default:
		c.schema(place, "%s", p.Message)
	}
}

// plainValue gives a value without the order of its fields.
func plainValue(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case *object:
		out := make(map[string]any, len(v.fields))
		for _, k := range slices.Sorted(maps.Keys(v.fields)) {
			if out[k], err = plainValue(v.fields[k]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			if out[i], err = plainValue(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case json.Number:
		return jsonata.Number(v)
	}
	return v, nil
}
