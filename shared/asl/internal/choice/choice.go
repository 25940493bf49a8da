// Package choice evaluates the rules of a Choice state under the query language JSONPath: comparisons and type tests, and And, Or and Not of
// them. A compiled rule is immutable and may be matched by any number of goroutines at once. Only package asl may import it; it knows nothing
// of states.
package choice

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonata"
	"github.com/lockstep-data/lockstep/shared/asl/internal/jsonpath"
)

// maxDepth bounds the And, Or and Not inside each other.
const maxDepth = 100

// Scope is what a rule is matched in.
type Scope interface {
	// Path gives what a path selects; an error that is a jsonpath.ErrNotFound becomes a *PathError, but not under IsPresent.
	Path(p *jsonpath.Path) (any, error)
}

// PathError says that a path of a rule selects nothing. Under Step Functions it is a States.Runtime.
type PathError struct{ Path string }

// Error gives the service's words.
func (e *PathError) Error() string {
	return fmt.Sprintf("Invalid path '%s': The choice state's condition path references an invalid value.", e.Path)
}

// Problem is one thing that is wrong in a rule.
type Problem struct {
	Path    string // inside the rule, as in /And/0/Variable; "" is the rule itself
	Message string
}

// Problems is everything that is wrong in a rule.
type Problems []Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Path + ": " + p.Message
	}
	return strings.Join(lines, "\n")
}

// Rule is a compiled rule.
type Rule struct {
	test  test
	paths []*jsonpath.Path
}

// Match says whether the rule is true.
func (r Rule) Match(scope Scope) (bool, error) { return r.test.holds(scope) }

// Paths gives the paths of the rule, in the order of its fields' names.
func (r Rule) Paths() []*jsonpath.Path { return r.paths }

// test is a part of a rule.
type test interface {
	holds(scope Scope) (bool, error)
}

type (
	and        []test
	or         []test
	not        struct{ of test }
	comparison struct {
		variable *jsonpath.Path
		operator operator
		constant any            // what the rule holds itself
		path     *jsonpath.Path // or where it is
	}
)

func (a and) holds(scope Scope) (bool, error) {
	for _, t := range a {
		if ok, err := t.holds(scope); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (o or) holds(scope Scope) (bool, error) {
	for _, t := range o {
		if ok, err := t.holds(scope); err != nil || ok {
			return ok && err == nil, err
		}
	}
	return false, nil
}

func (n not) holds(scope Scope) (bool, error) {
	ok, err := n.of.holds(scope)
	return !ok && err == nil, err
}

func (c comparison) holds(scope Scope) (bool, error) {
	v, err := scope.Path(c.variable)
	missing := errors.Is(err, jsonpath.ErrNotFound)
	switch {
	case c.operator.present && (err == nil || missing):
		return (err == nil) == c.constant, nil
	case missing:
		return false, &PathError{c.variable.String()}
	case err != nil:
		return false, err
	case c.path == nil:
		return c.operator.compare(v, c.constant), nil
	}
	other, err := scope.Path(c.path)
	switch {
	case errors.Is(err, jsonpath.ErrNotFound):
		return false, &PathError{c.path.String()}
	case err != nil:
		return false, err
	}
	if c.operator.kind == "number" {
		other = loose(other)
	}
	return c.operator.compare(v, other), nil
}

// compiler collects what is wrong.
type compiler struct {
	problems Problems
	paths    []*jsonpath.Path
}

func (c *compiler) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, fmt.Sprintf(format, args...)})
}

// Compile reads a rule as it stands in Choices; Next, Comment, Assign and Output of the rule itself are the caller's. An error is Problems.
func Compile(rule map[string]any) (Rule, error) {
	c := &compiler{}
	t := c.rule("", rule, 0)
	if len(c.problems) > 0 {
		return Rule{}, c.problems
	}
	return Rule{test: t, paths: c.paths}, nil
}

// rule compiles a rule: one of And, Or, Not, or Variable with an operator.
func (c *compiler) rule(path string, rule map[string]any, depth int) test {
	if depth > maxDepth {
		c.add(path, "the rule is deeper than %d levels", maxDepth)
		return nil
	}
	var found []string
	for _, k := range slices.Sorted(maps.Keys(rule)) {
		switch {
		case k == "Comment" || k == "Variable":
		case depth == 0 && (k == "Next" || k == "Assign" || k == "Output"):
		case k == "And" || k == "Or" || k == "Not" || operators[k].kind != "":
			found = append(found, k)
		case k == "Next":
			c.add(path+"/Next", "only a rule of Choices itself has Next")
		default:
			c.add(path+"/"+k, "%s is no operator", k)
		}
	}
	if len(found) != 1 {
		c.add(path, "a rule has one operator, not %d", len(found))
		return nil
	}
	name := found[0]
	switch name {
	case "And", "Or":
		return c.list(path+"/"+name, name, rule, depth)
	case "Not":
		inner, ok := rule[name].(map[string]any)
		if !ok {
			c.add(path+"/Not", "Not holds a rule")
			return nil
		}
		return not{c.rule(path+"/Not", inner, depth+1)}
	}
	return c.comparison(path, name, rule)
}

func (c *compiler) list(path, name string, rule map[string]any, depth int) test {
	items, ok := rule[name].([]any)
	if !ok || len(items) == 0 {
		c.add(path, "%s holds a list of one or more rules", name)
		return nil
	}
	tests := make([]test, len(items))
	for i, item := range items {
		at := fmt.Sprintf("%s/%d", path, i)
		inner, ok := item.(map[string]any)
		if !ok {
			c.add(at, "a rule is an object")
			continue
		}
		tests[i] = c.rule(at, inner, depth+1)
	}
	if name == "And" {
		return and(tests)
	}
	return or(tests)
}

func (c *compiler) comparison(path, name string, rule map[string]any) test {
	out := comparison{operator: operators[name]}
	if v, ok := rule["Variable"]; ok {
		out.variable = c.path(path+"/Variable", v)
	} else {
		c.add(path, "Variable is missing beside %s", name)
	}
	value := rule[name]
	path += "/" + name
	if out.operator.path {
		out.path = c.path(path, value)
		return out
	}
	var err error
	if out.constant, err = out.operator.constant(value); err != nil {
		c.add(path, "%s", err)
	}
	return out
}

func (c *compiler) path(at string, v any) *jsonpath.Path {
	s, ok := v.(string)
	if !ok {
		c.add(at, "a path is a text, not %s", jsonata.TypeOf(v))
		return nil
	}
	p, err := jsonpath.Parse(s)
	if err != nil {
		c.add(at, "%s", err)
		return nil
	}
	c.paths = append(c.paths, p)
	return p
}
