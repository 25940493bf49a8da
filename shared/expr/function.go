package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/lockstep-data/lockstep/shared/record"
)

// Function describes a function of the language.
type Function struct {
	Name    string
	Usage   string // as in substring(text, start[, length])
	Summary string // a sentence
}

// Functions lists the functions, sorted by name.
func Functions() []Function {
	var all []Function
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		all = append(all, Function{name, functions[name].usage, functions[name].doc})
	}
	return all
}

// function is one of the language's functions: it makes a node of a call.
type function struct {
	usage, doc string
	min, max   int // arguments
	make       func(c *call) (*node, error)
}

// call is a call whose arguments are typed.
type call struct {
	name string
	args []*node
	at   int
}

// many is the most arguments that a function takes.
const many = 100

// functions are all of them, by name.
var functions = merge(textFunctions, numberFunctions, timeFunctions, valueFunctions, jsonFunctions)

func merge(groups ...map[string]function) map[string]function {
	all := map[string]function{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}

// known are functions of other languages, with what to write instead.
var known = map[string]string{
	"len": "length", "size": "length", "lowercase": "lower", "uppercase": "upper", "substr": "substring", "strip": "trim",
	"ifnull": "coalesce", "nvl": "coalesce", "isnull": "is_null", "ceiling": "ceil", "to_string": "string", "str": "string",
	"starts_with": "startsWith", "toJSON": "json", "fromJSON": "json", "regexp_replace": "regex_replace", "now": "", "random": "", "rand": "", "uuid": "",
}

func (c *checker) function(name string, args []ast.Node, at int) (*node, error) {
	if kind, ok := loopKinds[name]; ok {
		return c.loop(name, kind, args, at)
	}
	f, ok := functions[name]
	if !ok {
		return nil, unknown(name, at)
	}
	if len(args) < f.min || len(args) > f.max {
		return nil, failAt(at, badExpression, "%s takes %s, not %d", name, arguments(f.min, f.max), len(args)).withHint("write %s", f.usage)
	}
	x := &call{name: name, at: at}
	for _, a := range args {
		n, err := c.check(a)
		if err != nil {
			return nil, err
		}
		x.args = append(x.args, n)
	}
	n, err := f.make(x)
	if err != nil {
		if p, ok := err.(*problem); ok && p.hint == "" {
			p.hint = "write " + f.usage
		}
		return nil, err
	}
	return n, nil
}

func arguments(least, most int) string {
	switch {
	case most == many:
		return fmt.Sprintf("at least %d arguments", least)
	case least == most && least == 1:
		return "1 argument"
	case least == most:
		return fmt.Sprintf("%d arguments", least)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

func unknown(name string, at int) error {
	p := failAt(at, unknownFunction, "there is no function %s()", name)
	switch name {
	case "now", "random", "rand", "uuid", "today":
		return failAt(at, unknownFunction, "%s() is not allowed", name).
			withHint("the same records must give the same result each time they are read; use a column of the source")
	}
	if other := known[name]; other != "" {
		return p.withHint("it is called %s here", other)
	}
	names := slices.Sorted(maps.Keys(functions))
	if hint := nearest(name, names); hint != "" {
		return p.withHint("%s", hint)
	}
	return p.withHint("functions: %s", strings.Join(names, ", "))
}

// loopKinds are the loops over JSON arrays, with the type of their result.
var loopKinds = map[string]record.Type{
	"any": boolType, "all": boolType, "none": boolType, "one": boolType, "count": intType,
	"filter": jsonType, "map": jsonType, "find": jsonType,
}

// loop types any(array, condition) and its like; inside the condition # is the element and .name a part of it.
func (c *checker) loop(name string, result record.Type, args []ast.Node, at int) (*node, error) {
	usage := fmt.Sprintf("write %s(array, condition), # being the element", name)
	if len(args) != 2 {
		return nil, failAt(at, badExpression, "%s takes 2 arguments, not %d", name, len(args)).withHint("%s", usage)
	}
	array, err := c.check(args[0])
	if err != nil {
		return nil, err
	}
	if array.typ != jsonType {
		return nil, failAt(array.at, wrongType, "%s needs a JSON array, not %s", name, array.describe()).withHint("%s", usage)
	}
	predicate, ok := args[1].(*ast.PredicateNode)
	if !ok {
		return nil, failAt(at, badExpression, "%s needs a condition", name).withHint("%s", usage)
	}
	c.loops++
	defer func() { c.loops-- }()
	body, err := c.check(predicate.Node)
	if err != nil {
		return nil, err
	}
	if name == "map" {
		body = asJSON(body)
	} else if body, err = asBool(body); err != nil {
		return nil, err
	}
	return &node{op: opLoop, typ: result, name: name, args: []*node{array, body}, at: at}, nil
}

// want is an error unless argument i is of one of the kinds; a text literal beside dates and the like is read as one.
func (c *call) want(i int, kinds ...record.Kind) error {
	a := c.args[i]
	if slices.Contains(kinds, a.typ.Kind) {
		return nil
	}
	names := make([]string, len(kinds))
	for k, kind := range kinds {
		names[k] = string(kind)
	}
	p := failAt(a.at, wrongType, "%s needs %s, not %s", c.name, strings.Join(names, " or "), a.describe())
	if slices.Contains(kinds, record.String) && !a.isNull() {
		p = p.withHint("write string(…) around it")
	}
	return p
}

// texts is an error unless all arguments are of type string.
func (c *call) texts() error {
	for i := range c.args {
		if err := c.want(i, record.String); err != nil {
			return err
		}
	}
	return nil
}

// written gives the value of an argument that must be an int written out, from lo to hi.
func (c *call) written(i int, lo, hi int64) (int32, error) {
	if n := c.args[i]; n.is(record.Int) && n.value.(int64) >= lo && n.value.(int64) <= hi {
		return int32(n.value.(int64)), nil
	}
	return 0, failAt(c.args[i].at, badExpression, "%s needs a whole number from %d to %d written out here", c.name, lo, hi)
}

// node makes the call of an implementation.
func (c *call) node(i impl) (*node, error) {
	return &node{op: opCall, name: c.name, typ: i.typ, impl: i, args: c.args, at: c.at}, nil
}
